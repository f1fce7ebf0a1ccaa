// Reductions over axes, for the families that need them beside their own operators.
#pragma once

#include "kernels/problems/reduce.h"
#include "runtime/operators/lower_context.h"

namespace doppio::operators {

// Which axes go, and whether they stay as 1.
struct Reduction {
  bool reduced[kMaxRank] = {};
  bool keep = true;
  bool identity = false;  // nothing is reduced, not even over no axis
};

// y = op over the reduced axes of x; any strides.
Status EmitReduce(LowerContext& c, kernels::ReduceOp op, const Reduction& r, const TensorRef& x,
                  const TensorRef& y);

}  // namespace doppio::operators
