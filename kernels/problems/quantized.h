// Problems over quantised tensors: integers q that stand for reals (q - zero_point) scale. The
// arithmetic is that of QNNPACK's portable kernels, so that the answers are the same integers.
#pragma once

#include <cstdint>

namespace doppio::kernels {

// How a sum is scaled down. Both take the 24-bit mantissa m of the float scale, and round
// differently.
enum class Rescale : uint8_t {
  // x (m << 7) / 2^31 to nearest, ties up; the rest of the exponent by a second rounding to
  // nearest, ties away from zero. (Jacob et al. 2018, "Quantization and Training of Neural
  // Networks", section 2.2.)
  kTwoRoundings,
  // x m in 64 bits, shifted once, to nearest, ties away from zero.
  kOneRounding,
};

// y[i] = clamp(rescaled(x[i]) + zero_point, low, 255). Operands: in[0] x int32; out[0] y uint8,
// both contiguous. scale is in [2^-32, 1) for kTwoRoundings, in [2^-32, 2^8) for kOneRounding.
struct RequantizeProblem {
  Rescale rescale = Rescale::kTwoRoundings;
  float scale = 1;
  int32_t zero_point = 0;
  uint8_t low = 0;
  int64_t count = 0;
};

// y[i] = clamp(a[i] a_scale + b[i] b_scale + ..., low, 255): the sum of two quantised tensors in
// y's scale; a_scale and b_scale are their scales over y's, in [2^-14, 2^8). Operands: in[0] a,
// in[1] b; out[0] y, all uint8 and contiguous; y may be a or b.
struct QuantizedAddProblem {
  float a_scale = 1, b_scale = 1;
  int32_t a_zero_point = 0, b_zero_point = 0, y_zero_point = 0;
  uint8_t low = 0;
  int64_t count = 0;
};

// y[i, j] = softmax over j of x scale, in units of 1 / 256, at most 255. Operands: in[0] x; out[0]
// y, both uint8 [rows, columns].
struct QuantizedSoftmaxProblem {
  float scale = 1;
  int64_t rows = 0, columns = 0;
};

// y[i] = table[x[i]]. Operands: in[0] x; out[0] y, both uint8 and contiguous; y may be x.
struct LookupProblem {
  int64_t count = 0;
  uint8_t table[256] = {};
};

}  // namespace doppio::kernels
