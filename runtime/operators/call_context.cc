#include "runtime/operators/call_context.h"

#include <cstring>

namespace doppio::operators {

StatusOr<HostValue> CallContext::Own(size_t i) {
  const HostValue& value = *input(i);
  if (value.kind != graph::ValueKind::kTensor || value.memory != nullptr) return value;
  DOPPIO_ASSIGN_OR_RETURN(HostValue copy, NewTensor(value.type, value.dims));
  const int64_t bytes = HostBytes(value);
  if (bytes > 0) std::memcpy(copy.memory->data(), value.data, static_cast<size_t>(bytes));
  return copy;
}

StatusOr<void*> CallContext::SetTensor(size_t i, ElementType type, const Dims& dims) {
  DOPPIO_ASSIGN_OR_RETURN(HostValue value, NewTensor(type, dims));
  void* const data = value.memory->data();
  DOPPIO_RETURN_IF_ERROR(made_.Append(value.memory));
  Set(i, std::move(value));
  return data;
}

}  // namespace doppio::operators
