#include "runtime/operators/host_value.h"

#include <algorithm>
#include <new>

#include "base/message.h"

namespace doppio::operators {

int64_t HostBytes(const HostValue& tensor) { return StorageBytes(tensor.type, tensor.count()); }

StatusOr<HostValue> NewHostTensor(ElementType type, const Dims& dims, base::MemoryBudget* budget) {
  HostValue value;
  value.type = type;
  value.dims = dims;
  const int64_t bytes = HostBytes(value);
  if (bytes < 0) return OutOfMemory(base::Cat("a tensor of shape ", dims, " is too large"));
  DOPPIO_ASSIGN_OR_RETURN(
      base::Buffer buffer,
      base::Buffer::Allocate(static_cast<size_t>(std::max<int64_t>(bytes, 1)), budget));
  value.memory = std::make_shared<base::Buffer>(std::move(buffer));
  value.data = value.memory->data();
  return value;
}

StatusOr<HostValue> NewHostList(graph::ValueKind kind, ElementType type,
                                base::Array<HostValue> elements) {
  HostValue value;
  value.kind = kind;
  value.type = type;
  value.elements = std::make_shared<base::Array<HostValue>>(std::move(elements));
  return value;
}

}  // namespace doppio::operators
