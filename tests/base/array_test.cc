#include "base/array.h"

#include <string>

#include "tests/catch.h"

namespace doppio::base {
namespace {

TEST_CASE("array: grows, keeps its elements, and moves") {
  Array<int> array;
  for (int i = 0; i < 100; ++i) REQUIRE(array.Append(i).ok());
  CHECK(array.size() == 100);
  CHECK(array[99] == 99);
  array.Erase(0);
  CHECK(array[0] == 1);
  Array<int> moved = std::move(array);
  CHECK(moved.size() == 99);
  CHECK(array.empty());  // NOLINT: the moved-from state is promised
  REQUIRE(moved.Resize(101).ok());
  CHECK(moved.back() == 0);
}

TEST_CASE("array: elements with destructors survive growing") {
  Array<std::string> array;
  const std::string text = "longer than what a string holds in itself";
  for (int i = 0; i < 20; ++i) REQUIRE(array.Append(text).ok());
  for (const std::string& element : array) CHECK(element == text);
  REQUIRE(array.Resize(3).ok());
  CHECK(array.size() == 3);
}

TEST_CASE("array: any failing allocation is a status and leaves the array whole") {
  for (int64_t failing = 1;; ++failing) {
    Array<std::string> array;
    FailAllocationForTest(failing);
    Status status;
    int appended = 0;
    while (status.ok() && appended < 40) {
      status = array.Append("some text that is allocated on its own");
      appended += status.ok();
    }
    FailAllocationForTest(0);
    CHECK(array.size() == static_cast<size_t>(appended));
    if (status.ok()) break;
    CHECK(status.code() == StatusCode::kOutOfMemory);
  }
}

TEST_CASE("array: an impossible length is a status") {
  Array<int64_t> array;
  CHECK(array.Reserve(SIZE_MAX / 4).code() == StatusCode::kOutOfMemory);
}

}  // namespace
}  // namespace doppio::base
