// Element-wise functions of one value, for the families that need them beside their own operator.
#pragma once

#include "runtime/operators/activation.h"
#include "runtime/operators/lower_context.h"

namespace doppio::operators {

// y = activation(x): same sizes, any strides. y may be x itself.
Status EmitUnary(LowerContext& c, const Activation& activation, const TensorRef& x,
                 const TensorRef& y);

}  // namespace doppio::operators
