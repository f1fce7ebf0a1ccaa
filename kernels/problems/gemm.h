// GemmProblem: batched matrix product with an epilogue.
#pragma once

#include <doppio/tensor.h>

#include <cstdint>

#include "kernels/problems/conv.h"

namespace doppio::kernels {

// y[i, j] = activation(alpha * sum_k a[i, k] b[k, j] + beta * bias[i, j] + residual[i, j]), for
// each batch index. Strides are in elements and may be 0 (broadcast) for inputs; rows that want a
// certain form (unit stride) say so in supports().
//
// Operands: in[0] a, in[1] b (constant for rows that pack), in[2] bias, in[3] residual; out[0] y.
// y may alias the residual when their strides are equal. k = 0 gives an empty sum.
struct GemmProblem {
  ElementType type = ElementType::kFloat;  // float, double, and the integer types (wrapping)
  int64_t m = 1, n = 1, k = 1;
  int64_t a_row = 0, a_col = 1;  // a[i, k] = a[i * a_row + k * a_col]
  int64_t b_row = 0, b_col = 1;  // b[k, j] = b[k * b_row + j * b_col]
  int64_t y_row = 0, y_col = 1;
  int64_t bias_row = 0, bias_col = 1;  // bias_row = 0: one value a column
  int64_t residual_row = 0, residual_col = 1;
  float alpha = 1, beta = 1;
  Epilogue epilogue;  // bias here means "in[2] is present", with the strides above
  // Leading dimensions, row-major over batch[0..batch_rank).
  int batch_rank = 0;
  int64_t batch[kMaxRank] = {};
  int64_t a_batch[kMaxRank] = {}, b_batch[kMaxRank] = {}, y_batch[kMaxRank] = {};
  // The bias and the residual follow y: bias_batch = 0 repeats it for every batch index.
  int64_t bias_batch[kMaxRank] = {};
  int64_t residual_batch[kMaxRank] = {};
};

}  // namespace doppio::kernels
