// Elements of tensors in ordinary memory as double, for operators that read attributes and small
// inputs of any numeric type.
#pragma once

#include <doppio/tensor.h>

#include "base/half.h"

namespace doppio::operators {

// Whether HostNumber reads the type.
constexpr bool IsHostNumber(ElementType type) {
  return (type >= ElementType::kFloat && type <= ElementType::kInt64) ||
         (type >= ElementType::kBool && type <= ElementType::kUint64) ||
         type == ElementType::kBFloat16;
}

// Element `i`; 0 for types that are no numbers.
inline double HostNumber(ElementType type, const void* data, int64_t i) {
  const auto at = [&]<class T>(T) { return static_cast<double>(static_cast<const T*>(data)[i]); };
  switch (type) {
    case ElementType::kFloat:
      return at(float());
    case ElementType::kDouble:
      return at(double());
    case ElementType::kInt64:
      return at(int64_t());
    case ElementType::kInt32:
      return at(int32_t());
    case ElementType::kInt16:
      return at(int16_t());
    case ElementType::kInt8:
      return at(int8_t());
    case ElementType::kUint64:
      return at(uint64_t());
    case ElementType::kUint32:
      return at(uint32_t());
    case ElementType::kUint16:
      return at(uint16_t());
    case ElementType::kUint8:
    case ElementType::kBool:
      return at(uint8_t());
    case ElementType::kFloat16:
      return static_cast<double>(base::ToFloat(static_cast<const base::Float16*>(data)[i]));
    case ElementType::kBFloat16:
      return static_cast<double>(base::ToFloat(static_cast<const base::BFloat16*>(data)[i]));
    default:
      return 0;
  }
}

}  // namespace doppio::operators
