// Problems that read a map between its pixels: grid sample, region-of-interest align, the patches
// of a deformable convolution. All tensors are row-major and contiguous.
#pragma once

#include <doppio/tensor.h>

#include <cstdint>

namespace doppio::kernels {

enum class SampleMode : uint8_t { kLinear, kNearest, kCubic };
enum class SamplePadding : uint8_t { kZeros, kBorder, kReflection };

// y[n, c, o] = x[n, c, ...] between its pixels at grid[n, o, :]. A grid point has one coordinate an
// axis, the last axis first; -1 and 1 are the centres of the outer pixels (align_corners) or their
// outer edges. Linear interpolation, the nearest pixel (half to even), or cubic convolution with
// a = -0.75 (Keys 1981) along each axis. Operands: in[0] x [n, c, dims...], in[1] grid [n, count,
// axes]; out[0] y [n, c, count].
struct GridSampleProblem {
  ElementType type = ElementType::kFloat;  // of x and y
  ElementType grid_type = ElementType::kFloat;
  SampleMode mode = SampleMode::kLinear;
  SamplePadding padding = SamplePadding::kZeros;
  bool align_corners = false;
  int axes = 2;  // 1 to 3
  int64_t n = 1, c = 1, count = 1;
  int64_t dims[3] = {1, 1, 1};  // of x, outermost first
};

// Each region of x, cut into [out_h, out_w] bins, each bin sampled at a grid of points by linear
// interpolation, which are averaged, or of whose four weighted neighbours the greatest is taken (He
// et al., "Mask R-CNN", 2017, 3). Operands: in[0] x [n, c, h, w], in[1] regions [count, 4] (x1, y1,
// x2, y2, times `scale`), in[2] the batch index of each region, int64; out[0] y [count, c, out_h,
// out_w]. A batch index outside [0, n) is kIndexOutOfRange.
//
// With type kUint8, x is quantised, regions and y are float: weights are multiples of 1/255, as in
// Caffe2's Int8RoIAlign, and y is the mean less the zero point, in units of x.
struct RoiAlignProblem {
  ElementType type = ElementType::kFloat;
  int32_t zero_point = 0;  // kUint8 only
  bool greatest = false;
  bool half_pixel = false;  // regions are shifted by half a pixel, and may be smaller than one
  int64_t sampling = 0;     // points an axis in a bin; 0: as many as the bin has pixels
  double scale = 1;
  int64_t n = 1, c = 1, h = 1, w = 1, count = 1, out_h = 1, out_w = 1;
};

// What a deformable convolution multiplies with its weights (Dai et al. 2017; Zhu et al. 2019, with
// a mask): y[n, c, k, o] = mask[n, g, k, o] x[n, c, at(o, k) + offset[n, g, k, :, o]] by linear
// interpolation, 0 outside; g is the offset group of channel c. Operands: in[0] x [n, c, h, w],
// in[1] offset [n, groups, kh kw, 2, out_h out_w], in[2] mask [n, groups, kh kw, out_h out_w] or
// null; out[0] y [n, c, kh kw, out_h out_w].
struct DeformColumnsProblem {
  ElementType type = ElementType::kFloat;
  int64_t n = 1, c = 1, h = 1, w = 1, groups = 1;
  int64_t kernel_h = 1, kernel_w = 1, out_h = 1, out_w = 1;
  int64_t stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1;
  int64_t pad_h = 0, pad_w = 0;  // before
};

}  // namespace doppio::kernels
