// SmallFloat: encoding and decoding of the floating-point formats narrower than float32.
// One rule serves them all; half.h and float8.h give each format its type. Knows no tensor.
#pragma once

#include <cstdint>

namespace doppio::base {

// What the bit patterns of a format are spent on beside finite numbers.
enum class SpecialValues : uint8_t {
  kIeee,  // infinities and NaNs at the greatest exponent
  kFn,    // no infinity; NaN is the pattern of all ones (either sign)
  kFnuz,  // no infinity, no negative zero; NaN is the sign bit alone
  kNone,  // finite numbers only
};

// sign, `exponent_bits` of exponent with `bias`, `mantissa_bits` of mantissa. At most 16 bits in
// all.
struct SmallFloatFormat {
  int exponent_bits;
  int mantissa_bits;
  int bias;
  SpecialValues special;
};

inline constexpr SmallFloatFormat kFloat16Format{5, 10, 15, SpecialValues::kIeee};
inline constexpr SmallFloatFormat kBFloat16Format{8, 7, 127, SpecialValues::kIeee};
inline constexpr SmallFloatFormat kFloat8E4M3FNFormat{4, 3, 7, SpecialValues::kFn};
inline constexpr SmallFloatFormat kFloat8E4M3FNUZFormat{4, 3, 8, SpecialValues::kFnuz};
inline constexpr SmallFloatFormat kFloat8E5M2Format{5, 2, 15, SpecialValues::kIeee};
inline constexpr SmallFloatFormat kFloat8E5M2FNUZFormat{5, 2, 16, SpecialValues::kFnuz};
inline constexpr SmallFloatFormat kFloat4E2M1Format{2, 1, 1, SpecialValues::kNone};

// What becomes of a value, infinities included, that rounds beyond the greatest finite one.
enum class Overflow : uint8_t {
  kSaturate,  // the greatest finite value of its sign
  kSpecial,   // infinity where the format has it, else NaN; kNone formats saturate
};

// The bits of `value` rounded once, to nearest, ties to even. A NaN becomes the format's NaN
// (quiet, sign kept where there is one); without a NaN, zero.
uint16_t EncodeSmallFloat(double value, const SmallFloatFormat& format, Overflow overflow);

// The value of `bits`, exactly; every value of these formats is a float.
float DecodeSmallFloat(uint16_t bits, const SmallFloatFormat& format);

// The greatest finite value.
float SmallFloatMax(const SmallFloatFormat& format);

}  // namespace doppio::base
