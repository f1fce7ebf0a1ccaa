#include <doppio/tensor.h>

#include "tests/catch.h"

namespace doppio {
namespace {

TEST_CASE("tensor: names of element types go both ways") {
  for (int i = 1; i < kElementTypeCount; ++i) {
    const auto type = static_cast<ElementType>(i);
    CHECK(ElementTypeFromName(ElementName(type)) == type);
    CHECK(ElementBits(type) > 0);
  }
  CHECK(ElementTypeFromName("float33") == ElementType::kUndefined);
  CHECK(ElementBits(static_cast<ElementType>(200)) == 0);
}

TEST_CASE("tensor: storage of packed types is rounded up to bytes") {
  CHECK(StorageBytes(ElementType::kInt4, 3) == 2);
  CHECK(StorageBytes(ElementType::kUint2, 5) == 2);
  CHECK(StorageBytes(ElementType::kFloat, 3) == 12);
  CHECK(StorageBytes(ElementType::kFloat, 0) == 0);
  CHECK(StorageBytes(ElementType::kDouble, INT64_MAX) == -1);
  CHECK(StorageBytes(ElementType::kFloat, -1) == -1);
}

TEST_CASE("tensor: counts of elements know zero, scalars and overflow") {
  CHECK(ElementCount(Dims{}) == 1);
  CHECK(ElementCount(Dims{2, 3}) == 6);
  CHECK(ElementCount(Dims{INT64_MAX, 0, INT64_MAX}) == 0);
  CHECK(ElementCount(Dims{INT64_MAX, 2}) == -1);
  CHECK(ElementCount(Dims{-1, 2}) == -1);
}

TEST_CASE("tensor: dims insert, erase and refuse a seventeenth size") {
  Dims dims{1, 2, 3};
  dims.insert(1, 9);
  CHECK(dims == Dims{1, 9, 2, 3});
  dims.erase(0);
  CHECK(dims == Dims{9, 2, 3});
  while (dims.rank() < kMaxRank) REQUIRE(dims.push_back(1));
  CHECK_FALSE(dims.push_back(1));
}

}  // namespace
}  // namespace doppio
