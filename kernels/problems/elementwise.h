// Element-wise problems over strided n-dimensional arrays: unary, binary, where, cast, copy, fill.
//
// Whoever poses one merges dimensions first (see Collapse), so that a contiguous tensor has rank 1
// and a bias has rank 2. Strides are in elements; 0 repeats; x_* and y_* are those of the operands'
// bases.
#pragma once

#include <doppio/tensor.h>

#include <cstdint>

#include "base/float8.h"
#include "kernels/problems/unary_op.h"

namespace doppio::kernels {

// y[i] = op(x[i]). Operands: in[0] x; out[0] y. y may be x itself with equal strides and types.
struct UnaryProblem {
  UnaryOp op = UnaryOp::kIdentity;
  ElementType x_type = ElementType::kFloat;
  ElementType y_type = ElementType::kFloat;  // = x_type but for kIsNan, kIsInf (bool)
  double alpha = 0, beta = 0;
  int rank = 0;
  int64_t dims[kMaxRank] = {};
  int64_t x_strides[kMaxRank] = {};
  int64_t y_strides[kMaxRank] = {};
};

enum class BinaryOp : uint8_t {
  kAdd,
  kSub,
  kMul,
  kDiv,  // integers wrap; integer division truncates, by zero is an error
  kPow,
  kMax,
  kMin,    // NaN wins, as numpy's maximum and minimum
  kMod,    // sign of the divisor (Python's %)
  kFmod,   // sign of the dividend (C's fmod)
  kPRelu,  // a < 0 ? a b : a
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,  // -> bool
  kAnd,
  kOr,
  kXor,  // bool
  kBitwiseAnd,
  kBitwiseOr,
  kBitwiseXor,
  kShiftLeft,
  kShiftRight,
  kAtan2,
  kCount,
};

// y[i] = activation(op(a[i], b[i])). Both inputs have `type`; y has `type` or bool (comparisons).
// Operands: in[0] a, in[1] b; out[0] y. y may be a or b itself where their strides equal y's.
// kPow alone may have another exponent type: b_type.
struct BinaryProblem {
  BinaryOp op = BinaryOp::kAdd;
  ElementType type = ElementType::kFloat;
  ElementType b_type = ElementType::kFloat;
  UnaryOp activation = UnaryOp::kIdentity;  // floats only
  float alpha = 0, beta = 0;
  int rank = 0;
  int64_t dims[kMaxRank] = {};
  int64_t a_strides[kMaxRank] = {};
  int64_t b_strides[kMaxRank] = {};
  int64_t y_strides[kMaxRank] = {};
};

// y[i] = c[i] ? a[i] : b[i]. Operands: in[0] c (bool), in[1] a, in[2] b; out[0] y.
struct WhereProblem {
  int64_t element_bytes = 4;  // 1, 2, 4, 8 or 16
  int rank = 0;
  int64_t dims[kMaxRank] = {};
  int64_t c_strides[kMaxRank] = {};
  int64_t a_strides[kMaxRank] = {};
  int64_t b_strides[kMaxRank] = {};
  int64_t y_strides[kMaxRank] = {};
};

// y[i] = x[i] converted: float to integer truncates and saturates (NaN gives 0), integer to integer
// wraps, anything to bool is != 0, float to a smaller float rounds to nearest even.
// Types of less than 8 bits are packed, the first element in the low bits; strides count elements.
// Integers of less than 8 bits wrap, whatever they come from, as ONNX's reference; float4 saturates
// and makes NaN -0.
// Operands: in[0] x; out[0] y.
struct CastProblem {
  ElementType x_type = ElementType::kFloat;
  ElementType y_type = ElementType::kFloat;
  bool saturate = true;  // float8 targets: clamp to the largest finite value instead of NaN or inf
  base::PowerRounding power_rounding = base::PowerRounding::kUp;  // kFloat8E8M0 targets
  int rank = 0;
  int64_t dims[kMaxRank] = {};
  int64_t x_strides[kMaxRank] = {};
  int64_t y_strides[kMaxRank] = {};
};

// y[y_offset + i . y_strides] = x[x_offset + i . x_strides]: transpose, slice (also backwards),
// concat, split, expand, tile, pad's interior, layout conversion. Operands: in[0] x; out[0] y, not
// aliasing.
struct CopyProblem {
  int64_t element_bytes = 4;           // 1, 2, 4, 8 or 16
  int64_t x_offset = 0, y_offset = 0;  // in elements
  int rank = 0;
  int64_t dims[kMaxRank] = {};
  int64_t x_strides[kMaxRank] = {};
  int64_t y_strides[kMaxRank] = {};
};

// y[y_offset + i . y_strides] = value. Operands: out[0] y; in[0] the value when from_input.
struct FillProblem {
  int64_t element_bytes = 4;  // 1, 2, 4, 8 or 16
  bool from_input = false;    // the value is *in[0]
  unsigned char value[16] = {};
  int64_t y_offset = 0;
  int rank = 0;
  int64_t dims[kMaxRank] = {};
  int64_t y_strides[kMaxRank] = {};
};

// Merges neighbouring dimensions that every operand walks as one, drops those of size 1, and orders
// nothing anew. `strides` are `operands` arrays of kMaxRank. A scalar becomes rank 0.
void Collapse(int* rank, int64_t* dims, int operands, int64_t* const* strides);

}  // namespace doppio::kernels
