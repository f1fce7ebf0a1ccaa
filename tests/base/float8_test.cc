#include "base/float8.h"

#include <cmath>
#include <limits>

#include "tests/catch.h"

namespace doppio::base {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr auto kSaturate = Overflow::kSaturate;
constexpr auto kSpecial = Overflow::kSpecial;

template <class T>
void CheckRoundTrip() {
  for (int bits = 0; bits < 256; ++bits) {
    const T value{static_cast<uint8_t>(bits)};
    const float real = ToFloat(value);
    if (std::isnan(real)) {
      CHECK(std::isnan(ToFloat(ToFloat8<T>(real, kSpecial))));
    } else {
      CHECK(ToFloat8<T>(real, kSpecial).bits == value.bits);
    }
  }
}

TEST_CASE("float8: every value survives the way through float") {
  CheckRoundTrip<Float8E4M3FN>();
  CheckRoundTrip<Float8E4M3FNUZ>();
  CheckRoundTrip<Float8E5M2>();
  CheckRoundTrip<Float8E5M2FNUZ>();
}

TEST_CASE("float8: the greatest values are those of ONNX") {
  CHECK(ToFloat(Float8E4M3FN{0x7E}) == 448);
  CHECK(ToFloat(Float8E4M3FNUZ{0x7F}) == 240);
  CHECK(ToFloat(Float8E5M2{0x7B}) == 57344);
  CHECK(ToFloat(Float8E5M2FNUZ{0x7F}) == 57344);
  CHECK(ToFloat(Float8E4M3FN{1}) == 0x1p-9f);
  CHECK(ToFloat(Float8E4M3FNUZ{1}) == 0x1p-10f);
  CHECK(ToFloat(Float8E5M2{1}) == 0x1p-16f);
  CHECK(ToFloat(Float8E5M2FNUZ{1}) == 0x1p-17f);
}

TEST_CASE("float8: overflow follows ONNX's table of casts") {
  CHECK(ToFloat8<Float8E4M3FN>(464, kSpecial).bits == 0x7E);  // a tie, to the even 448
  CHECK(ToFloat8<Float8E4M3FN>(465, kSpecial).bits == 0x7F);
  CHECK(ToFloat8<Float8E4M3FN>(465, kSaturate).bits == 0x7E);
  CHECK(ToFloat8<Float8E4M3FN>(-kInfinity, kSaturate).bits == 0xFE);
  CHECK(ToFloat8<Float8E4M3FN>(-kInfinity, kSpecial).bits == 0xFF);
  CHECK(ToFloat8<Float8E4M3FNUZ>(1e9, kSpecial).bits == 0x80);
  CHECK(ToFloat8<Float8E4M3FNUZ>(1e9, kSaturate).bits == 0x7F);
  CHECK(ToFloat8<Float8E4M3FNUZ>(-0.0, kSpecial).bits == 0);
  CHECK(ToFloat8<Float8E5M2>(kInfinity, kSpecial).bits == 0x7C);
  CHECK(ToFloat8<Float8E5M2>(kInfinity, kSaturate).bits == 0x7B);
  CHECK(ToFloat8<Float8E5M2>(1e9, kSpecial).bits == 0x7C);
  CHECK(ToFloat8<Float8E5M2FNUZ>(kInfinity, kSpecial).bits == 0x80);
  CHECK(ToFloat8<Float8E5M2FNUZ>(-1e9, kSaturate).bits == 0xFF);
}

TEST_CASE("float8: powers of two round as asked") {
  const auto bits = [](double value, PowerRounding rounding, Overflow overflow = kSaturate) {
    return ToFloat8E8M0(value, rounding, overflow).bits;
  };
  CHECK(bits(1, PowerRounding::kUp) == 127);
  CHECK(bits(1.25, PowerRounding::kUp) == 128);
  CHECK(bits(1.25, PowerRounding::kDown) == 127);
  CHECK(bits(1.25, PowerRounding::kNearest) == 127);
  CHECK(bits(1.75, PowerRounding::kNearest) == 128);
  CHECK(bits(0, PowerRounding::kUp) == 0);
  CHECK(bits(kInfinity, PowerRounding::kUp) == 255);
  CHECK(bits(0x1.8p127, PowerRounding::kUp) == 254);
  CHECK(bits(0x1.8p127, PowerRounding::kUp, kSpecial) == 255);
  CHECK(ToFloat(Float8E8M0{128}) == 2);
  CHECK(std::isnan(ToFloat(Float8E8M0{255})));
}

TEST_CASE("float4: eight magnitudes, ties to even, always saturating") {
  const auto bits = [](double value) {
    return EncodeSmallFloat(value, kFloat4E2M1Format, kSpecial);
  };
  CHECK(bits(0.25) == 0);
  CHECK(bits(0.75) == 2);
  CHECK(bits(5) == 6);
  CHECK(bits(-kInfinity) == 0xF);
  CHECK(DecodeSmallFloat(7, kFloat4E2M1Format) == 6);
}

}  // namespace
}  // namespace doppio::base
