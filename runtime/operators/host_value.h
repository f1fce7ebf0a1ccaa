// HostValue: a value as the session itself holds it: a tensor in ordinary memory, a sequence, or an
// optional. What operators that run outside of plans (control flow, sequences, strings, an
// application's own) take and give.
#pragma once

#include <doppio/tensor.h>

#include <memory>

#include "base/array.h"
#include "base/memory.h"
#include "runtime/graph/graph.h"

namespace doppio::operators {

struct HostValue {
  graph::ValueKind kind = graph::ValueKind::kTensor;
  // Of the tensor, or of the tensors inside a sequence or an optional.
  ElementType type = ElementType::kUndefined;
  // kTensor: row-major; strings are std::string_view, whose characters live until the session's
  // next run.
  Dims dims;
  const void* data = nullptr;
  // Keeps `data` alive; null: somebody else does, for the duration of the run.
  std::shared_ptr<base::Buffer> memory;
  // kSequence: the elements; kOptional: one element, or none. Immutable once shared.
  std::shared_ptr<base::Array<HostValue>> elements;

  size_t size() const { return elements != nullptr ? elements->size() : 0; }
  const HostValue& operator[](size_t i) const { return (*elements)[i]; }
  int64_t count() const { return ElementCount(dims); }
  template <class T>
  const T* as() const {
    return static_cast<const T*>(data);
  }
};

// A tensor of uninitialised memory charged to `budget`; `data` is never null.
StatusOr<HostValue> NewHostTensor(ElementType type, const Dims& dims, base::MemoryBudget* budget);
// A sequence (or optional) of `elements`, whose tensors have `type`.
StatusOr<HostValue> NewHostList(graph::ValueKind kind, ElementType type,
                                base::Array<HostValue> elements);
// The bytes of a tensor.
int64_t HostBytes(const HostValue& tensor);

}  // namespace doppio::operators
