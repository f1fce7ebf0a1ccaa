// The product at the heart of Gemm and of every convolution but depthwise: rows reached through
// pointers, times packed columns, with the epilogue in the store.
//
// Rows are pointers so that one micro-kernel serves a matrix (row stride), a 1x1 convolution (pixel
// stride) and any other convolution (a pointer a tap and pixel, to a row of zeros where the tap
// falls into the padding). Source of that idea: Dukhan 2019, "The Indirect Convolution Algorithm".
//
// Packed columns: panels of PanelWidth() = 2 vectors; a panel holds [taps][c][width] floats, zero
// padded on the right. The last panel is one vector wide when no more columns are left for it.
#pragma once

#include <cstdint>

#include "kernels/problems/conv.h"

namespace doppio::kernels::cpu {

// Rows of one block: 96 = 8 tiles of 12 or 16 of 6. 96 rows x 256 values are 98 KB, which stay in
// L2 while the panels pass by.
inline constexpr int64_t kBlockRows = 96;
// Depth of one pass: a panel of 256 x 32 floats is 32 KB and stays in L1 while the tiles pass by.
inline constexpr int64_t kBlockDepth = 256;

// y = activation(alpha * sum + bias_scale * bias[column] + residual_scale * residual).
struct BlockEpilogue {
  float alpha = 1;
  const float* bias = nullptr;  // of the block's first column, or null
  float bias_scale = 1;
  const float* residual = nullptr;  // of the block's first element, or null; may be y itself
  int64_t ld_residual = 0;
  float residual_scale = 1;
  UnaryOp activation = UnaryOp::kIdentity;
  float a = 0, b = 0;  // of the activation
};

struct GemmBlock {
  // Pointer to the c values of row i at tap t: rows[t * row_stride + i].
  const float* const* rows = nullptr;
  int64_t row_stride = 0;
  int64_t m = 0;  // <= kBlockRows
  int64_t n = 0;
  int64_t taps = 1, c = 0;
  const float* packed = nullptr;  // the panel of the block's first column
  float* y = nullptr;             // rows of unit column stride
  int64_t ldy = 0;
  float* sums = nullptr;  // SumFloats(n) of scratch, 64-byte aligned
  BlockEpilogue epilogue;
};

}  // namespace doppio::kernels::cpu
