#include "base/checked.h"

#include "tests/catch.h"

namespace doppio::base {
namespace {

TEST_CASE("checked: overflow is told") {
  int64_t result = 0;
  CHECK(CheckedMul(int64_t{3}, int64_t{4}, &result));
  CHECK(result == 12);
  CHECK_FALSE(CheckedMul(INT64_MAX, int64_t{2}, &result));
  CHECK_FALSE(CheckedAdd(INT64_MAX, int64_t{1}, &result));
  CHECK_FALSE(CheckedSub(INT64_MIN, int64_t{1}, &result));
}

TEST_CASE("checked: quotients round down and up for negative numbers, too") {
  CHECK(FloorDiv(-7, 2) == -4);
  CHECK(FloorDiv(7, 2) == 3);
  CHECK(CeilDiv(-7, 2) == -3);
  CHECK(CeilDiv(7, 2) == 4);
  CHECK(RoundUp(65, 64) == 128);
  CHECK(RoundUp(0, 64) == 0);
}

}  // namespace
}  // namespace doppio::base
