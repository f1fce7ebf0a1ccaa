// Float16 and BFloat16: the two 16-bit floating-point types as storage. Arithmetic is done in wider
// types; storing rounds once, to nearest, ties to even, and overflows to infinity.
#pragma once

#include <cstdint>

#include "base/small_float.h"

namespace doppio::base {

struct Float16 {
  uint16_t bits;
};

struct BFloat16 {
  uint16_t bits;
};

inline float ToFloat(Float16 value) { return DecodeSmallFloat(value.bits, kFloat16Format); }
inline float ToFloat(BFloat16 value) { return DecodeSmallFloat(value.bits, kBFloat16Format); }

inline Float16 ToFloat16(double value) {
  return {EncodeSmallFloat(value, kFloat16Format, Overflow::kSpecial)};
}
inline BFloat16 ToBFloat16(double value) {
  return {EncodeSmallFloat(value, kBFloat16Format, Overflow::kSpecial)};
}

}  // namespace doppio::base
