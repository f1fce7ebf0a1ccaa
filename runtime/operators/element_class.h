// Which element types compute as floats, which as integers. Shared by type checks of the families.
#pragma once

#include <doppio/tensor.h>

namespace doppio::operators {

// The four types of floats that kernels compute with.
constexpr bool IsFloatType(ElementType type) {
  return type == ElementType::kFloat || type == ElementType::kDouble ||
         type == ElementType::kFloat16 || type == ElementType::kBFloat16;
}

// The eight integer types of whole bytes; bool is none.
constexpr bool IsIntegerType(ElementType type) {
  switch (type) {
    case ElementType::kInt8:
    case ElementType::kInt16:
    case ElementType::kInt32:
    case ElementType::kInt64:
    case ElementType::kUint8:
    case ElementType::kUint16:
    case ElementType::kUint32:
    case ElementType::kUint64:
      return true;
    default:
      return false;
  }
}

constexpr bool IsNumericType(ElementType type) { return IsFloatType(type) || IsIntegerType(type); }

}  // namespace doppio::operators
