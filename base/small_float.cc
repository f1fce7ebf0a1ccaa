#include "base/small_float.h"

#include <cmath>
#include <limits>

namespace doppio::base {
namespace {

uint16_t SignBit(const SmallFloatFormat& format) {
  return static_cast<uint16_t>(1u << (format.exponent_bits + format.mantissa_bits));
}

// Exponent and mantissa of the greatest finite value.
uint16_t MaxBits(const SmallFloatFormat& format) {
  const unsigned ones = SignBit(format) - 1u;
  switch (format.special) {
    case SpecialValues::kIeee:
      return static_cast<uint16_t>(ones - (1u << format.mantissa_bits));
    case SpecialValues::kFn:
      return static_cast<uint16_t>(ones - 1);
    case SpecialValues::kFnuz:
    case SpecialValues::kNone:
      break;
  }
  return static_cast<uint16_t>(ones);
}

uint16_t NanBits(const SmallFloatFormat& format, uint16_t sign) {
  const unsigned ones = SignBit(format) - 1u;
  switch (format.special) {
    case SpecialValues::kIeee: {
      const unsigned infinity = ones - ((1u << format.mantissa_bits) - 1);
      return static_cast<uint16_t>(sign | infinity | (1u << (format.mantissa_bits - 1)));
    }
    case SpecialValues::kFn:
      return static_cast<uint16_t>(sign | ones);
    case SpecialValues::kFnuz:
      return SignBit(format);
    case SpecialValues::kNone:
      break;
  }
  return 0;
}

uint16_t OverflowBits(const SmallFloatFormat& format, uint16_t sign, Overflow overflow) {
  if (overflow == Overflow::kSaturate || format.special == SpecialValues::kNone) {
    return sign | MaxBits(format);
  }
  if (format.special == SpecialValues::kIeee) {
    return static_cast<uint16_t>(sign | (MaxBits(format) + 1));
  }
  return NanBits(format, sign);
}

}  // namespace

uint16_t EncodeSmallFloat(double value, const SmallFloatFormat& format, Overflow overflow) {
  const uint16_t sign = std::signbit(value) ? SignBit(format) : uint16_t{0};
  if (std::isnan(value)) return NanBits(format, sign);
  const double magnitude = std::fabs(value);
  if (std::isinf(magnitude)) return OverflowBits(format, sign, overflow);
  if (magnitude == 0) return format.special == SpecialValues::kFnuz ? uint16_t{0} : sign;
  int exponent = 0;
  std::frexp(magnitude, &exponent);   // magnitude = f 2^exponent, f in [1/2, 1)
  const int least = 1 - format.bias;  // exponent of the least normal number
  const int scale = exponent - 1 > least ? exponent - 1 : least;
  // In units of the last place; at most 2^(mantissa_bits + 1), so that the rounding is exact.
  const auto units =
      static_cast<uint64_t>(std::nearbyint(std::ldexp(magnitude, format.mantissa_bits - scale)));
  // A carry out of the mantissa moves into the exponent by itself; subnormals have exponent field
  // 0.
  const uint64_t bits = units + (static_cast<uint64_t>(scale - least) << format.mantissa_bits);
  if (bits > MaxBits(format)) return OverflowBits(format, sign, overflow);
  if (bits == 0 && format.special == SpecialValues::kFnuz) return 0;
  return static_cast<uint16_t>(sign | bits);
}

float DecodeSmallFloat(uint16_t bits, const SmallFloatFormat& format) {
  const unsigned ones = SignBit(format) - 1u;
  const unsigned magnitude = bits & ones;
  const bool negative = (bits & SignBit(format)) != 0;
  if (format.special == SpecialValues::kFnuz && negative && magnitude == 0) {
    return std::numeric_limits<float>::quiet_NaN();
  }
  const unsigned fraction = magnitude & ((1u << format.mantissa_bits) - 1);
  const int field = static_cast<int>(magnitude >> format.mantissa_bits);
  float value = 0;
  if (magnitude > MaxBits(format)) {
    const bool infinite = format.special == SpecialValues::kIeee && fraction == 0;
    value =
        infinite ? std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
  } else if (field == 0) {
    value = std::ldexp(static_cast<float>(fraction), 1 - format.bias - format.mantissa_bits);
  } else {
    value = std::ldexp(static_cast<float>(fraction | (1u << format.mantissa_bits)),
                       field - format.bias - format.mantissa_bits);
  }
  return negative ? -value : value;
}

float SmallFloatMax(const SmallFloatFormat& format) {
  return DecodeSmallFloat(MaxBits(format), format);
}

}  // namespace doppio::base
