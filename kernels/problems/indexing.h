// Problems whose positions are data: gather, scatter, non-zero.
#pragma once

#include <doppio/tensor.h>

#include <cstdint>

namespace doppio::kernels {

// y[o, j, i] = x[o, index[j], i] (kAxis), or y[o, j, i] = x[o, index[o, j, i], i] (kElements: the
// index has y's shape). Indices may be negative when `wrap`: they count from the end; any other
// index outside [0, axis) is kIndexOutOfRange. All operands are row-major and contiguous. Operands:
// in[0] x [outer, axis, inner], in[1] index; out[0] y [outer, count, inner]. kElements with y
// smaller than x: x_outer_dims... are given by the strided form below.
struct GatherProblem {
  int64_t element_bytes = 4;                     // 1, 2, 4, 8 or 16
  ElementType index_type = ElementType::kInt64;  // or kInt32
  bool wrap = true;
  int64_t outer = 1, axis = 1, inner = 1, count = 1;
  // kElements (gather elements): rank > 0. y and the index have dims[]; x has x_strides[] and the
  // gathered axis is `along`, of size `axis`.
  int rank = 0;
  int along = 0;
  int64_t dims[kMaxRank] = {};
  int64_t x_strides[kMaxRank] = {};
};

// y[b, j, :] = x[b, index[b, j, 0..depth), :], ONNX GatherND. Row-major and contiguous.
// Operands: in[0] x [batch, dims[0..depth), inner], in[1] index [batch, count, depth] int64; out[0]
// y.
struct GatherNdProblem {
  int64_t element_bytes = 4;
  int64_t batch = 1, count = 1, depth = 1, inner = 1;
  int64_t dims[kMaxRank] = {};
};

enum class ScatterOp : uint8_t { kAssign, kAdd, kMul, kMax, kMin };

// y = x, then y[position(j)] = op(y[position(j)], updates[j]). Row-major and contiguous.
// kElements (depth = 0): index and updates have dims[0..rank); position = j with its coordinate
// `along` replaced by index[j]. kNd (depth > 0): index [count, depth], updates [count, inner].
// Operands: in[0] x, in[1] index (int64 or int32), in[2] updates; out[0] y (may be x itself).
struct ScatterProblem {
  ScatterOp op = ScatterOp::kAssign;
  ElementType type = ElementType::kFloat;
  ElementType index_type = ElementType::kInt64;
  int64_t depth = 0;
  int rank = 0;  // of x
  int along = 0;
  int64_t x_dims[kMaxRank] = {};
  int64_t dims[kMaxRank] = {};   // kElements: of index and updates
  int64_t count = 1, inner = 1;  // kNd
};

// y[r, j] = coordinate r of the j-th non-zero value of x, in row-major order; int64.
// The shape of y depends on the data: one unit, which asks Operands::allocator for output 0.
// Operands: in[0] x, row-major and contiguous.
struct NonZeroProblem {
  ElementType type = ElementType::kFloat;
  int rank = 1;
  int64_t dims[kMaxRank] = {};
};

}  // namespace doppio::kernels
