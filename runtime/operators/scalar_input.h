// One number as an input of an operator that is called.
#pragma once

#include "runtime/operators/call_context.h"

namespace doppio::operators {

// Input `i`, one int32 or int64.
Status ReadScalar(const CallContext& c, size_t i, int64_t* value);
// Input `i`, one number of any type, as double.
Status ReadScalar(const CallContext& c, size_t i, double* value);

}  // namespace doppio::operators
