// Reductions: sums and their kin, the position of an extreme, softmax.
#pragma once

#include <doppio/tensor.h>

#include <cstdint>

namespace doppio::kernels {

enum class ReduceOp : uint8_t {
  kSum,
  kMean,
  kMax,
  kMin,
  kProd,
  kL1,         // sum |x|
  kL2,         // sqrt(sum x^2)
  kSumSquare,  // sum x^2
  kLogSum,     // ln(sum x)
  kLogSumExp,  // ln(sum exp x), guarded against overflow
  kCount,
};

// y[o] = op over r of x[o . keep_x + r . reduce_x]. An empty reduction gives 0 (sums, L1, L2), 1
// (kProd), -inf (kLogSum, kLogSumExp), the lowest (kMax) or highest (kMin) value, which for floats
// is an infinity; kMean NaN (integers: 0). Integer sums wrap; what is not an integer is truncated
// toward zero. kMax and kMin: a NaN wins. Operands: in[0] x; out[0] y.
struct ReduceProblem {
  ReduceOp op = ReduceOp::kSum;
  ElementType type = ElementType::kFloat;
  int keep_rank = 0, reduce_rank = 0;
  int64_t keep_dims[kMaxRank] = {};
  int64_t keep_x[kMaxRank] = {};  // strides of x over the kept dimensions
  int64_t keep_y[kMaxRank] = {};  // strides of y over them
  int64_t reduce_dims[kMaxRank] = {};
  int64_t reduce_x[kMaxRank] = {};
};

// y[o, i] = position in [0, size) of the greatest (or least) x[o, ., i]; int64. The first of
// equals, or the last with select_last; a NaN wins, as numpy's argmax. Operands: in[0] x; out[0] y.
struct ArgReduceProblem {
  ElementType type = ElementType::kFloat;
  bool least = false;
  bool select_last = false;
  int64_t outer = 1, size = 1, inner = 1;
  int64_t x_outer = 0, x_size = 1, x_inner = 1;  // strides of x
  int64_t y_outer = 0, y_inner = 1;              // strides of y
};

enum class SoftmaxOp : uint8_t { kSoftmax, kLogSoftmax, kHardmax };

// Along `size`, for each outer and inner index. Operands: in[0] x; out[0] y; y may be x itself with
// equal strides.
struct SoftmaxProblem {
  SoftmaxOp op = SoftmaxOp::kSoftmax;
  ElementType type = ElementType::kFloat;
  int64_t outer = 1, size = 1, inner = 1;
  int64_t x_outer = 0, x_size = 1, x_inner = 1;
  int64_t y_outer = 0, y_size = 1, y_inner = 1;
};

}  // namespace doppio::kernels
