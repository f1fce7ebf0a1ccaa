#include "runtime/operators/called_row.h"

#include "base/message.h"

namespace doppio::operators {

using base::Cat;

Status InferFirstInput(InferContext& c) {
  if (c.input(0).has_shape) {
    c.Set(0, c.input(0).type, c.input(0).shape);
  } else {
    c.SetUnknownShape(0, c.input(0).type);
  }
  return {};
}

StatusOr<std::span<const float>> FloatsOf(const CallContext& c, size_t i) {
  const HostValue& value = *c.input(i);
  if (value.kind != ValueKind::kTensor || value.type != ElementType::kFloat) {
    return InvalidArgument(Cat("input ", i, " must be float32, it is ", value.type, value.dims));
  }
  return std::span<const float>(value.as<float>(), static_cast<size_t>(value.count()));
}

Status IntegersOf(const CallContext& c, size_t i, base::Array<int64_t>* values) {
  const HostValue& value = *c.input(i);
  const bool wide = value.type == ElementType::kInt64;
  if (value.kind != ValueKind::kTensor || (!wide && value.type != ElementType::kInt32)) {
    return InvalidArgument(
        Cat("input ", i, " must be int32 or int64, it is ", value.type, value.dims));
  }
  DOPPIO_RETURN_IF_ERROR(values->Resize(static_cast<size_t>(value.count())));
  for (size_t at = 0; at < values->size(); ++at) {
    (*values)[at] = wide ? value.as<int64_t>()[at] : value.as<int32_t>()[at];
  }
  return {};
}

StatusOr<float*> SetFloats(CallContext& c, size_t i, const Dims& dims) {
  DOPPIO_ASSIGN_OR_RETURN(void* const memory, c.SetTensor(i, ElementType::kFloat, dims));
  return static_cast<float*>(memory);
}

Status SetFloat(CallContext& c, size_t i, double value) {
  DOPPIO_ASSIGN_OR_RETURN(float* const memory, SetFloats(c, i, {}));
  *memory = static_cast<float>(value);
  return {};
}

Status WantRank(const CallContext& c, size_t i, int rank) {
  if (c.input(i)->dims.rank() == rank) return {};
  return InvalidArgument(
      Cat("input ", i, " ", c.input(i)->dims, " must have ", rank, " dimensions"));
}

Status WantSameDims(const CallContext& c, size_t i, size_t j) {
  if (c.input(i)->dims == c.input(j)->dims) return {};
  return InvalidArgument(Cat("inputs ", i, " ", c.input(i)->dims, " and ", j, " ", c.input(j)->dims,
                             " differ in shape"));
}

}  // namespace doppio::operators
