// ConvertError: how the converter leaves from deep inside. Caught at its public entries, nowhere
// else.
#pragma once

#include <doppio/status.h>

#include <utility>

namespace doppio::converter {

struct ConvertError {
  Status status;
};

// Throws when the status is not OK.
inline void Check(Status status) {
  if (!status.ok()) throw ConvertError{std::move(status)};
}

// The value, or throws.
template <class T>
T Unwrap(StatusOr<T> value) {
  if (!value.ok()) throw ConvertError{value.status()};
  return std::move(*value);
}

}  // namespace doppio::converter
