// The 8-bit and 4-bit floating-point types as storage, with ONNX's rules for overflow.
#pragma once

#include <cstdint>

#include "base/small_float.h"

namespace doppio::base {

struct Float8E4M3FN {
  static constexpr const SmallFloatFormat& kFormat = kFloat8E4M3FNFormat;
  uint8_t bits;
};
struct Float8E4M3FNUZ {
  static constexpr const SmallFloatFormat& kFormat = kFloat8E4M3FNUZFormat;
  uint8_t bits;
};
struct Float8E5M2 {
  static constexpr const SmallFloatFormat& kFormat = kFloat8E5M2Format;
  uint8_t bits;
};
struct Float8E5M2FNUZ {
  static constexpr const SmallFloatFormat& kFormat = kFloat8E5M2FNUZFormat;
  uint8_t bits;
};

template <class T>
concept Float8 = requires {
  T::kFormat;
};

template <Float8 T>
float ToFloat(T value) {
  return DecodeSmallFloat(value.bits, T::kFormat);
}

// kSaturate is ONNX's `saturate`: infinities, too, become the greatest finite value.
template <Float8 T>
T ToFloat8(double value, Overflow overflow) {
  return T{static_cast<uint8_t>(EncodeSmallFloat(value, T::kFormat, overflow))};
}

// How a value between two powers of two becomes a Float8E8M0.
enum class PowerRounding : uint8_t { kUp, kDown, kNearest };

// A power of two, 2^(bits - 127); 255 is NaN. It has no sign and no zero: the sign is dropped and
// what lies below 2^-127 becomes that. With kSaturate nothing finite rounds up to NaN.
struct Float8E8M0 {
  uint8_t bits;
};
float ToFloat(Float8E8M0 value);
Float8E8M0 ToFloat8E8M0(double value, PowerRounding rounding, Overflow overflow);

}  // namespace doppio::base
