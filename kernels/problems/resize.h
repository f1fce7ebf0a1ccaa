// ResizeProblem: nearest, linear and cubic resampling of up to 3 spatial dimensions.
#pragma once

#include <doppio/tensor.h>

#include <cstdint>

#include "kernels/problems/conv.h"

namespace doppio::kernels {

enum class ResizeMode : uint8_t { kNearest, kLinear, kCubic };
// How an output coordinate maps to an input coordinate (ONNX Resize's names).
enum class ResizeCoordinates : uint8_t {
  kHalfPixel,           // (o + 1/2) / scale - 1/2
  kHalfPixelSymmetric,  // the same, centred when the output size was rounded
  kPytorchHalfPixel,    // as kHalfPixel, but 0 when the output has one element
  kAlignCorners,        // o (in - 1) / (out - 1)
  kAsymmetric,          // o / scale
  kTfHalfPixelForNn,    // (o + 1/2) / scale
  kTfCropAndResize,     // within roi; outside the input: extrapolation_value
};
enum class NearestMode : uint8_t { kRoundPreferFloor, kRoundPreferCeil, kFloor, kCeil };

// Separable resampling of [n, c, d, h, w]; a dimension of equal sizes and scale 1 is copied.
// Taps outside the input repeat its edge (exclude_outside: are left out, the rest weighted up).
// Integer results are truncated toward zero and held within the type. Operands: in[0] x; out[0] y.
struct ResizeProblem {
  ResizeMode mode = ResizeMode::kNearest;
  ResizeCoordinates coordinates = ResizeCoordinates::kHalfPixel;
  NearestMode nearest = NearestMode::kRoundPreferFloor;
  ElementType type = ElementType::kFloat;
  bool antialias = false;
  bool exclude_outside = false;
  double cubic_a = -0.75;
  double extrapolation_value = 0;
  int64_t n = 1, c = 1;
  int64_t in[3] = {1, 1, 1};  // d, h, w
  int64_t out[3] = {1, 1, 1};
  double scale[3] = {1, 1, 1};      // as the model states it; out = floor(in * scale)
  double roi_begin[3] = {0, 0, 0};  // kTfCropAndResize
  double roi_end[3] = {1, 1, 1};
  MapStrides x, y;
};

}  // namespace doppio::kernels
