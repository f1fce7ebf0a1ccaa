// Calls on strings, for operators whose rows stand with their families.
#pragma once

#include "runtime/operators/call_context.h"

namespace doppio::operators {

// Cast and CastLike from or to strings. Numbers are written as shortly as they read back equal;
// texts are read as decimal numbers, "NaN", "INF" and "-INF" in any case.
Status CallStringCast(CallContext& c);
// Equal of two tensors of strings.
Status CallStringEqual(CallContext& c);

}  // namespace doppio::operators
