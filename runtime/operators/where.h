// The choice between two values, for the families that need it beside their own operator.
#pragma once

#include "runtime/operators/lower_context.h"

namespace doppio::operators {

// y = condition ? a : b; all three broadcast to y's sizes by NumPy's rule, any strides. `condition`
// is bool.
Status EmitWhere(LowerContext& c, const TensorRef& condition, const TensorRef& a,
                 const TensorRef& b, const TensorRef& y);

}  // namespace doppio::operators
