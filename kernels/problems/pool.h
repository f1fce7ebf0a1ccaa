// PoolProblem: max, average and Lp pooling over 1 to 3 spatial dimensions, in any layout.
#pragma once

#include <doppio/tensor.h>

#include <cstdint>

#include "kernels/problems/conv.h"

namespace doppio::kernels {

enum class PoolOp : uint8_t { kMax, kAverage, kLp };

// y[n, c, o] = op over taps k of x[n, c, o * stride + k * dilation - pad]; taps outside the input
// are left out. The average divides by the taps inside the input, or, with count_include_pad, by
// the taps inside the input plus its begin and end padding (taps beyond that, which ceil rounding
// makes, never count). A window without any tap gives the lowest value (max) or 0.
//
// Operands: in[0] x; out[0] y, out[1] indices (int64, kMax only, when `indices`): the flat position
// of the maximum in the row-major [n, c, d, h, w] input (or, with indices_column_major, with the
// spatial positions counted d fastest), the first one of equals.
struct PoolProblem {
  PoolOp op = PoolOp::kMax;
  ElementType type = ElementType::kFloat;
  bool count_include_pad = false;
  bool indices = false;  // operand out[1] is present
  bool indices_column_major = false;
  double p = 2;  // kLp: (sum |x|^p)^(1/p)
  int64_t n = 1, c = 1;
  int64_t id = 1, ih = 1, iw = 1;
  int64_t od = 1, oh = 1, ow = 1;
  int64_t kd = 1, kh = 1, kw = 1;
  int64_t sd = 1, sh = 1, sw = 1;
  int64_t dd = 1, dh = 1, dw = 1;
  int64_t pd = 0, ph = 0, pw = 0;              // begin
  int64_t pd_end = 0, ph_end = 0, pw_end = 0;  // end, as the model states it
  MapStrides x, y;
};

}  // namespace doppio::kernels
