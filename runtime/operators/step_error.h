// The sentence for an error that data caused in a running step. Used by the session and by
// EvaluateNode.
#pragma once

#include <doppio/status.h>

#include <string_view>

#include "base/step_status.h"

namespace doppio::operators {

// "Gather 'g': index 7 at position 2 is outside [-5, 5)". `label` is the node's (see NodeLabel). OK
// for kOk.
Status StepError(std::string_view label, const base::StepStatus& status);

}  // namespace doppio::operators
