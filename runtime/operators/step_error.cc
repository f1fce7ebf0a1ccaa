#include "runtime/operators/step_error.h"

#include "base/message.h"

namespace doppio::operators {

using base::Cat;
using base::StepCode;

Status StepError(std::string_view label, const base::StepStatus& status) {
  switch (status.code) {
    case StepCode::kOk:
      return {};
    case StepCode::kIndexOutOfRange: {
      // A negative index within the size is wrong only where none may count from the end.
      const bool from_end = status.value >= 0 || status.value < -status.limit;
      return ComputeError(Cat(label, ": index ", status.value, " at position ", status.position,
                              " is outside [", from_end ? -status.limit : 0, ", ", status.limit,
                              ")"));
    }
    case StepCode::kDivisionByZero:
      return ComputeError(Cat(label, ": integer division by zero at position ", status.position));
    case StepCode::kInvalidValue:
      return ComputeError(Cat(label, ": value ", status.value, " at position ", status.position,
                              " is not possible"));
    case StepCode::kOutOfMemory:
      return OutOfMemory(Cat(label, ": no memory for a result whose size depends on data"));
    case StepCode::kEngineFailure:
      return Internal(Cat(label, ": the engine reports error ", status.value));
  }
  return Internal(Cat(label, ": unknown error"));
}

}  // namespace doppio::operators
