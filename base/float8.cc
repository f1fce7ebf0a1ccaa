#include "base/float8.h"

#include <cmath>
#include <limits>

namespace doppio::base {

float ToFloat(Float8E8M0 value) {
  if (value.bits == 0xFF) return std::numeric_limits<float>::quiet_NaN();
  return std::ldexp(1.0f, value.bits - 127);
}

Float8E8M0 ToFloat8E8M0(double value, PowerRounding rounding, Overflow overflow) {
  if (!std::isfinite(value)) return {0xFF};
  const double magnitude = std::fabs(value);
  if (magnitude <= std::ldexp(1.0, -127)) return {0};
  int exponent = 0;
  const double fraction = 2 * std::frexp(magnitude, &exponent);  // in [1, 2)
  int bits = exponent - 1 + 127;
  switch (rounding) {
    case PowerRounding::kUp:
      bits += fraction > 1;
      break;
    case PowerRounding::kDown:
      break;
    case PowerRounding::kNearest:
      bits += fraction > 1.5 || (fraction == 1.5 && bits > 0);
      break;
  }
  if (bits > 254) return {static_cast<uint8_t>(overflow == Overflow::kSaturate ? 254 : 255)};
  return {static_cast<uint8_t>(bits)};
}

}  // namespace doppio::base
