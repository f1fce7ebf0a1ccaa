// DftProblem: the discrete Fourier transform along an axis.
#pragma once

#include <doppio/tensor.h>

#include <cstdint>

namespace doppio::kernels {

// For each outer and inner index: y[k] = sum_n x[n] exp(-+2 pi i k n / length), for k in [0, kept);
// `inverse` takes the other sign and divides by `length`. x has `given` values, zeros follow up to
// `length`. Values are real (real parts alone, the others 0) or complex, real and imaginary part
// side by side. hermitian: x holds the first length / 2 + 1 values of a spectrum whose others are
// their conjugates; y is real_output. Strides count elements, not pairs. Operands: in[0] x, in[1] a
// real window of `given` values that multiplies x, or null; out[0] y.
struct DftProblem {
  ElementType type = ElementType::kFloat;  // float or double
  bool inverse = false, hermitian = false;
  bool real_input = false, real_output = false;
  int64_t outer = 1, inner = 1;
  int64_t length = 1, given = 1, kept = 1;
  int64_t x_outer = 0, x_n = 1, x_inner = 1;
  int64_t y_outer = 0, y_k = 1, y_inner = 1;
};

}  // namespace doppio::kernels
