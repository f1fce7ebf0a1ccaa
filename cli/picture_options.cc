#include "cli/picture_options.h"

#include <charconv>

#include "base/message.h"

namespace doppio::cli {
namespace {

// "WxH" or, where `shorter` is given, one number.
Status ParseSize(const std::string& text, const char* option, int* width, int* height,
                 int* shorter) {
  const char* const end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, *width);
  bool ok = first.ec == std::errc() && *width > 0;
  if (ok && first.ptr == end && shorter != nullptr) {
    *shorter = std::exchange(*width, 0);
    return {};
  }
  ok = ok && first.ptr != end && *first.ptr == 'x';
  if (ok) {
    const auto second = std::from_chars(first.ptr + 1, end, *height);
    ok = second.ec == std::errc() && second.ptr == end && *height > 0;
  }
  if (ok) return {};
  return InvalidArgument(base::Cat(option, " ", base::Quoted(text), ": write ",
                                   shorter != nullptr ? "N for the shorter side, or WxH" : "WxH"));
}

}  // namespace

void PictureOptions::AddTo(CLI::App* command) {
  const char* group =
      "Pictures (decode, RGB, resize, crop, times scale, minus mean, divided by std)";
  command->add_option("--preset", preset, "torchvision, caffe or raw (default raw)")->group(group);
  command->add_option("--resize", resize, "N: the shorter side; WxH: exactly")->group(group);
  command
      ->add_option("--crop", crop,
                   "WxH from the centre, padded with 0 where the picture is smaller")
      ->group(group);
  command->add_option("--interp", interpolation, "pil (bilinear, antialiased, default) or cv2")
      ->group(group);
  command->add_flag("--bgr", bgr, "Blue first")->group(group);
  command->add_option("--scale", scale, "Factor for pixel values (default 1)")->group(group);
  command->add_option("--mean", mean, "One value, or one a channel")->delimiter(',')->group(group);
  command->add_option("--std", std_dev, "One value, or one a channel")
      ->delimiter(',')
      ->group(group);
}

StatusOr<vision::Preprocess> PictureOptions::Steps() const {
  DOPPIO_ASSIGN_OR_RETURN(vision::Preprocess steps,
                          vision::PresetByName(preset.empty() ? "raw" : preset));
  if (!resize.empty()) {
    steps.resize_shorter = steps.resize_width = steps.resize_height = 0;
    DOPPIO_RETURN_IF_ERROR(ParseSize(resize, "--resize", &steps.resize_width, &steps.resize_height,
                                     &steps.resize_shorter));
  }
  if (!crop.empty()) {
    DOPPIO_RETURN_IF_ERROR(
        ParseSize(crop, "--crop", &steps.crop_width, &steps.crop_height, nullptr));
  }
  if (interpolation == "cv2") {
    steps.interpolation = vision::Interpolation::kCv2;
  } else if (interpolation == "pil") {
    steps.interpolation = vision::Interpolation::kPil;
  } else if (!interpolation.empty()) {
    return InvalidArgument(
        base::Cat("--interp ", base::Quoted(interpolation), ": there are pil and cv2"));
  }
  if (bgr) steps.bgr = true;
  if (scale != 0) steps.scale = scale;
  if (!mean.empty()) steps.mean = mean;
  if (!std_dev.empty()) steps.std_dev = std_dev;
  return steps;
}

}  // namespace doppio::cli
