// Random numbers for the families that need them beside their own operators.
#pragma once

#include "runtime/operators/lower_context.h"

namespace doppio::operators {

// y = x where the draw says so, over 1 - ratio, else 0; `mask` (bool) says where. Either may be
// absent; x is float32.
Status EmitDropout(LowerContext& c, float ratio, const TensorRef& x, const TensorRef& y,
                   const TensorRef& mask);

}  // namespace doppio::operators
