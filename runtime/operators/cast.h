// Conversion of elements, for the families that need it beside their own operator.
#pragma once

#include "kernels/problems/elementwise.h"
#include "runtime/operators/lower_context.h"

namespace doppio::operators {

// y = x converted: same sizes, any strides. `problem` says how (saturation, rounding); the rest is
// filled in.
Status EmitCast(LowerContext& c, kernels::CastProblem problem, const TensorRef& x,
                const TensorRef& y);

// `x` itself when it has `type`, else a converted copy.
StatusOr<TensorRef> AsType(LowerContext& c, const TensorRef& x, ElementType type);

}  // namespace doppio::operators
