// Overflow-checked integer arithmetic, for every size that comes from a file or a caller.
#pragma once

#include <cstddef>
#include <cstdint>

namespace doppio::base {

// Each stores the result and says whether it fits; *result is unspecified when it does not.
template <class T>
[[nodiscard]] bool CheckedAdd(T a, T b, T* result) {
  return !__builtin_add_overflow(a, b, result);
}
template <class T>
[[nodiscard]] bool CheckedSub(T a, T b, T* result) {
  return !__builtin_sub_overflow(a, b, result);
}
template <class T>
[[nodiscard]] bool CheckedMul(T a, T b, T* result) {
  return !__builtin_mul_overflow(a, b, result);
}

// Quotients rounded toward minus and plus infinity; b > 0.
constexpr int64_t FloorDiv(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }
constexpr int64_t CeilDiv(int64_t a, int64_t b) { return a / b + (a % b > 0 ? 1 : 0); }

// The least multiple of `multiple` (> 0) that is >= value (>= 0).
constexpr size_t RoundUp(size_t value, size_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

}  // namespace doppio::base
