#include "runtime/operators/scalar_input.h"

#include "base/half.h"
#include "base/message.h"

namespace doppio::operators {

using base::Cat;

Status ReadScalar(const CallContext& c, size_t i, int64_t* value) {
  const HostValue& input = *c.input(i);
  const bool wide = input.type == ElementType::kInt64;
  if (input.kind != graph::ValueKind::kTensor || input.count() != 1 ||
      (!wide && input.type != ElementType::kInt32)) {
    return InvalidArgument(Cat("input ", i, " must be one int32 or int64"));
  }
  *value = wide ? *input.as<int64_t>() : *input.as<int32_t>();
  return {};
}

Status ReadScalar(const CallContext& c, size_t i, double* value) {
  const HostValue& input = *c.input(i);
  const bool one = input.kind == graph::ValueKind::kTensor && input.count() == 1;
  switch (one ? input.type : ElementType::kUndefined) {
    case ElementType::kFloat:
      *value = static_cast<double>(*input.as<float>());
      return {};
    case ElementType::kDouble:
      *value = *input.as<double>();
      return {};
    case ElementType::kFloat16:
      *value = static_cast<double>(base::ToFloat(*input.as<base::Float16>()));
      return {};
    case ElementType::kBFloat16:
      *value = static_cast<double>(base::ToFloat(*input.as<base::BFloat16>()));
      return {};
    case ElementType::kInt32:
    case ElementType::kInt64: {
      int64_t integer = 0;
      DOPPIO_RETURN_IF_ERROR(ReadScalar(c, i, &integer));
      *value = static_cast<double>(integer);
      return {};
    }
    default:
      return InvalidArgument(Cat("input ", i, " must be one number"));
  }
}

}  // namespace doppio::operators
