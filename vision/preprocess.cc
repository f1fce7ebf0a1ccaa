#include "vision/preprocess.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <new>

#include "base/message.h"
#include "vision/decode.h"
#include "vision/resize.h"

namespace doppio::vision {
namespace {

constexpr int kMaxSide = 1 << 15;

Status NoMemory() { return OutOfMemory("no memory is left for the picture"); }

Status CheckPicture(const Picture& picture) {
  const bool channels = picture.channels == 1 || picture.channels == 3;
  if (channels && picture.width > 0 && picture.height > 0 &&
      picture.pixels.size() == static_cast<size_t>(picture.width) * picture.height *
                                   static_cast<size_t>(picture.channels)) {
    return {};
  }
  return InvalidArgument(base::Cat("a picture of ", picture.width, "x", picture.height,
                                   " pixels and ", picture.channels, " channels with ",
                                   picture.pixels.size(), " bytes"));
}

StatusOr<Picture> ResizeChecked(const Picture& picture, int width, int height,
                                Interpolation interpolation) {
  DOPPIO_RETURN_IF_ERROR(CheckPicture(picture));
  DOPPIO_RETURN_IF_ERROR(CheckNewSize(width, height));
  return interpolation == Interpolation::kPil ? ResizePil(picture, width, height)
                                              : ResizeCv2(picture, width, height);
}

// The longer side in proportion, truncated, as torchvision's Resize. Beyond kMaxSide the exact
// value does not matter.
int LongerSide(int shorter_now, int longer_now, int shorter) {
  const int64_t longer = int64_t{shorter} * longer_now / shorter_now;
  return static_cast<int>(std::min<int64_t>(longer, kMaxSide + 1));
}

StatusOr<Picture> ResizeStep(const Picture& picture, const Preprocess& steps) {
  int width = steps.resize_width, height = steps.resize_height;
  if (steps.resize_shorter != 0) {
    width = height = steps.resize_shorter;
    if (picture.width > picture.height) width = LongerSide(picture.height, picture.width, height);
    if (picture.height > picture.width) height = LongerSide(picture.width, picture.height, width);
  }
  return ResizeChecked(picture, width, height, steps.interpolation);
}

Status CheckPerChannel(const char* what, const std::vector<double>& values, int channels) {
  if (values.size() <= 1 || values.size() == static_cast<size_t>(channels)) return {};
  return InvalidArgument(base::Cat(what, " has ", values.size(), " values; the picture has ",
                                   channels, channels == 1 ? " channel" : " channels"));
}

double PerChannel(const std::vector<double>& values, size_t channel, double otherwise) {
  return values.empty() ? otherwise : values[values.size() == 1 ? 0 : channel];
}

Status CheckNumbers(const Preprocess& steps, int channels) {
  DOPPIO_RETURN_IF_ERROR(CheckPerChannel("mean", steps.mean, channels));
  DOPPIO_RETURN_IF_ERROR(CheckPerChannel("std", steps.std_dev, channels));
  for (double deviation : steps.std_dev) {
    if (static_cast<float>(deviation) == 0)
      return InvalidArgument("std is 0; pixels are divided by it");
  }
  return {};
}

// What each of the 256 pixel values becomes, rounded to float after every step as torchvision does:
// ToTensor divides, Normalize subtracts, then divides.
std::array<float, 256> ValueTable(const Preprocess& steps, size_t channel) {
  const float mean = static_cast<float>(PerChannel(steps.mean, channel, 0));
  const float deviation = static_cast<float>(PerChannel(steps.std_dev, channel, 1));
  std::array<float, 256> table;
  for (int pixel = 0; pixel < 256; ++pixel) {
    const float scaled = static_cast<float>(pixel * steps.scale);
    table[static_cast<size_t>(pixel)] = (scaled - mean) / deviation;
  }
  return table;
}

PlanarImage ToPlanes(const Picture& picture, const Preprocess& steps) {
  const size_t channels = static_cast<size_t>(picture.channels);
  const size_t count = static_cast<size_t>(picture.width) * picture.height;
  PlanarImage image{picture.channels, picture.height, picture.width, {}};
  image.values.resize(count * channels);
  for (size_t channel = 0; channel < channels; ++channel) {
    const std::array<float, 256> table = ValueTable(steps, channel);
    const uint8_t* in = picture.pixels.data() + (steps.bgr ? channels - 1 - channel : channel);
    float* out = image.values.data() + channel * count;
    for (size_t i = 0; i < count; ++i) out[i] = table[in[i * channels]];
  }
  return image;
}

}  // namespace

Status CheckNewSize(int width, int height) {
  if (width < 1 || height < 1 || width > kMaxSide || height > kMaxSide) {
    return InvalidArgument(
        base::Cat("a new size of ", width, "x", height, "; sides are 1 to ", kMaxSide));
  }
  return CheckPixelCount(width, height);
}

StatusOr<Preprocess> PresetByName(std::string_view name) {
  Preprocess steps;
  if (name == "raw") return steps;
  if (name == "torchvision") {
    steps.resize_shorter = 256;
    steps.crop_width = steps.crop_height = 224;
    steps.scale = 1.0 / 255;
    steps.mean = {0.485, 0.456, 0.406};
    steps.std_dev = {0.229, 0.224, 0.225};
    return steps;
  }
  if (name == "caffe") {
    steps.resize_width = steps.resize_height = 256;
    steps.crop_width = steps.crop_height = 227;
    steps.interpolation = Interpolation::kCv2;
    steps.bgr = true;
    steps.mean = {104.00698793, 116.66876762, 122.67891434};
    return steps;
  }
  return InvalidArgument(
      base::Cat("preset ", base::Quoted(name), ": there are torchvision, caffe and raw"));
}

StatusOr<Picture> Resize(const Picture& picture, int width, int height,
                         Interpolation interpolation) {
  try {
    return ResizeChecked(picture, width, height, interpolation);
  } catch (const std::bad_alloc&) {
    return NoMemory();
  }
}

StatusOr<PlanarImage> Apply(const Picture& picture, const Preprocess& steps) {
  try {
    DOPPIO_RETURN_IF_ERROR(CheckPicture(picture));
    DOPPIO_RETURN_IF_ERROR(CheckNumbers(steps, picture.channels));
    Picture changed;
    const Picture* current = &picture;
    if (steps.resize_shorter != 0 || steps.resize_width != 0 || steps.resize_height != 0) {
      DOPPIO_ASSIGN_OR_RETURN(changed, ResizeStep(*current, steps));
      current = &changed;
    }
    if (steps.crop_width != 0 || steps.crop_height != 0) {
      DOPPIO_ASSIGN_OR_RETURN(changed, CenterCrop(*current, steps.crop_width, steps.crop_height));
      current = &changed;
    }
    return ToPlanes(*current, steps);
  } catch (const std::bad_alloc&) {
    return NoMemory();
  }
}

}  // namespace doppio::vision
