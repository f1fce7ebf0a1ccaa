#include "cli/tensor.h"

#include "base/float8.h"
#include "base/half.h"

namespace doppio::cli {

TensorView Tensor::view() {
  if (type != ElementType::kString) return {bytes.data(), type, dims};
  string_views.assign(strings.begin(), strings.end());
  return {string_views.data(), type, dims};
}

double NumberAt(const TensorView& t, int64_t i) {
  switch (t.type) {
    case ElementType::kFloat:
      return static_cast<double>(t.as<float>()[i]);
    case ElementType::kDouble:
      return t.as<double>()[i];
    case ElementType::kUint8:
      return t.as<uint8_t>()[i];
    case ElementType::kInt8:
      return t.as<int8_t>()[i];
    case ElementType::kUint16:
      return t.as<uint16_t>()[i];
    case ElementType::kInt16:
      return t.as<int16_t>()[i];
    case ElementType::kInt32:
      return t.as<int32_t>()[i];
    case ElementType::kUint32:
      return t.as<uint32_t>()[i];
    case ElementType::kInt64:
      return static_cast<double>(t.as<int64_t>()[i]);
    case ElementType::kUint64:
      return static_cast<double>(t.as<uint64_t>()[i]);
    case ElementType::kBool:
      return t.as<bool>()[i] ? 1 : 0;
    case ElementType::kFloat16:
      return static_cast<double>(base::ToFloat(t.as<base::Float16>()[i]));
    case ElementType::kBFloat16:
      return static_cast<double>(base::ToFloat(t.as<base::BFloat16>()[i]));
    case ElementType::kFloat8E4M3FN:
      return static_cast<double>(base::ToFloat(t.as<base::Float8E4M3FN>()[i]));
    case ElementType::kFloat8E4M3FNUZ:
      return static_cast<double>(base::ToFloat(t.as<base::Float8E4M3FNUZ>()[i]));
    case ElementType::kFloat8E5M2:
      return static_cast<double>(base::ToFloat(t.as<base::Float8E5M2>()[i]));
    case ElementType::kFloat8E5M2FNUZ:
      return static_cast<double>(base::ToFloat(t.as<base::Float8E5M2FNUZ>()[i]));
    case ElementType::kFloat8E8M0:
      return static_cast<double>(base::ToFloat(t.as<base::Float8E8M0>()[i]));
    default:
      return 0;
  }
}

}  // namespace doppio::cli
