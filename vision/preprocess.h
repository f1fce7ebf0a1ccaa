// From a picture to a network's input: resize, crop, channel order, scale, mean, standard
// deviation.
#pragma once

#include <doppio/status.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "vision/picture.h"

namespace doppio::vision {

enum class Interpolation : uint8_t {
  kPil,  // bilinear with antialiasing over the source pixels that an output pixel covers, as PIL's
         // BILINEAR
  kCv2,  // bilinear between the four nearest pixels, in 11-bit fixed point, as OpenCV's
         // INTER_LINEAR
};

// In the order of application. Sizes of 0 mean: not done.
struct Preprocess {
  int resize_shorter = 0;  // the shorter side becomes this, the other in proportion (truncated)
  int resize_width = 0, resize_height = 0;  // or exactly this
  int crop_width = 0,
      crop_height = 0;  // from the centre; padded with 0 where the picture is smaller
  Interpolation interpolation = Interpolation::kPil;
  bool bgr = false;
  double scale = 1;             // value = (pixel * scale - mean) / std
  std::vector<double> mean;     // one a channel in the network's order, or one for all, or none (0)
  std::vector<double> std_dev;  // likewise (1)
};

// "torchvision" (shorter side 256, crop 224, RGB, 1/255, ImageNet's mean and deviation), "caffe"
// (256x256 as cv2 resizes, crop 227, BGR, ImageNet's mean in BGR, no scale), "raw" (nothing).
// kInvalidArgument names the presets there are.
StatusOr<Preprocess> PresetByName(std::string_view name);

// A resized copy. kInvalidArgument for sizes below 1 or beyond 2^15.
StatusOr<Picture> Resize(const Picture& picture, int width, int height,
                         Interpolation interpolation);
// The centre of the picture, as torchvision's CenterCrop: offsets round half to even, missing
// pixels are 0. kInvalidArgument as for Resize.
StatusOr<Picture> CenterCrop(const Picture& picture, int width, int height);

// Planar floats [channels, height, width].
struct PlanarImage {
  int channels = 0, height = 0, width = 0;
  std::vector<float> values;
};

// Runs all steps.
StatusOr<PlanarImage> Apply(const Picture& picture, const Preprocess& steps);

}  // namespace doppio::vision
