// Reading of operands that hold positions.
#pragma once

#include <doppio/tensor.h>

#include <cstdint>

#include "kernels/kernel.h"

namespace doppio::kernels::reference {

constexpr bool IsIndexType(ElementType type) {
  return type == ElementType::kInt64 || type == ElementType::kInt32;
}

inline int64_t LoadIndex(const void* index, ElementType type, int64_t i) {
  return type == ElementType::kInt32 ? static_cast<const int32_t*>(index)[i]
                                     : static_cast<const int64_t*>(index)[i];
}

// Whether a negative position counts from the end.
enum class Negative : uint8_t { kWraps, kIsError };

// Moves *index into [0, size); kIndexOutOfRange with the flat `position` where it cannot be.
inline StepStatus ResolveIndex(int64_t* index, int64_t size, Negative negative, int64_t position) {
  const int64_t value = *index;
  if (value < 0 && negative == Negative::kWraps && value >= -size) *index = value + size;
  if (*index >= 0 && *index < size) return {};
  return {.code = StepCode::kIndexOutOfRange, .position = position, .value = value, .limit = size};
}

}  // namespace doppio::kernels::reference
