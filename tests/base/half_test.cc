#include "base/half.h"

#include <cmath>

#include "tests/catch.h"

namespace doppio::base {
namespace {

TEST_CASE("half: every float16 and bfloat16 survives the way through float") {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const Float16 half{static_cast<uint16_t>(bits)};
    const BFloat16 brain{static_cast<uint16_t>(bits)};
    const float a = ToFloat(half), b = ToFloat(brain);
    if (std::isnan(a)) {
      REQUIRE(std::isnan(ToFloat(ToFloat16(a))));
    } else {
      REQUIRE(ToFloat16(a).bits == half.bits);
    }
    if (std::isnan(b)) {
      REQUIRE(std::isnan(ToFloat(ToBFloat16(b))));
    } else {
      REQUIRE(ToBFloat16(b).bits == brain.bits);
    }
  }
}

TEST_CASE("half: float16 rounds to nearest even, once") {
  CHECK(ToFloat16(1).bits == 0x3C00);
  CHECK(ToFloat16(-2).bits == 0xC000);
  CHECK(ToFloat16(65504).bits == 0x7BFF);
  CHECK(ToFloat16(65519.999).bits == 0x7BFF);
  CHECK(ToFloat16(65520).bits == 0x7C00);
  CHECK(ToFloat16(0x1p-24).bits == 1);
  CHECK(ToFloat16(0x1p-25).bits == 0);
  CHECK(ToFloat16(0x1.0001p-25).bits == 1);
  CHECK(ToFloat16(-0.0).bits == 0x8000);
  CHECK(ToFloat16(1 + 0x1p-11).bits == 0x3C00);
  CHECK(ToFloat16(1 + 0x1p-11 + 0x1p-40).bits == 0x3C01);
}

TEST_CASE("half: bfloat16 rounds to nearest even and overflows to infinity") {
  CHECK(ToBFloat16(1).bits == 0x3F80);
  CHECK(ToBFloat16(1 + 0x1p-8).bits == 0x3F80);
  CHECK(ToBFloat16(1 + 3 * 0x1p-8).bits == 0x3F82);
  CHECK(ToBFloat16(3.4e38).bits == 0x7F80);
  CHECK(ToBFloat16(0x1p-133).bits == 1);
}

}  // namespace
}  // namespace doppio::base
