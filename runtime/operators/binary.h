// Element-wise functions of two values, for the families that need them beside their own operator.
#pragma once

#include "kernels/problems/elementwise.h"
#include "runtime/operators/lower_context.h"

namespace doppio::operators {

// A function and what is applied to its result.
struct BinaryFunction {
  kernels::BinaryOp op = kernels::BinaryOp::kAdd;
  kernels::UnaryOp activation = kernels::UnaryOp::kIdentity;
  float alpha = 0, beta = 0;
};

// y = function(a, b); a and b broadcast to y's sizes by NumPy's rule, any strides. y may be a or b
// itself.
Status EmitBinary(LowerContext& c, const BinaryFunction& function, const TensorRef& a,
                  const TensorRef& b, const TensorRef& y);

}  // namespace doppio::operators
