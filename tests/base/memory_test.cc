#include "base/memory.h"

#include <cstdint>
#include <string>

#include "tests/catch.h"

namespace doppio::base {
namespace {

TEST_CASE("memory: a buffer is aligned, charged, and given back") {
  MemoryBudget budget(1 << 20);
  {
    auto buffer = Buffer::Allocate(100, &budget);
    REQUIRE(buffer.ok());
    CHECK(buffer->size() == 100);
    CHECK(reinterpret_cast<uintptr_t>(buffer->data()) % kAlignment == 0);
    CHECK(budget.used() == 128);
    Buffer moved = std::move(*buffer);
    CHECK(moved.size() == 100);
    CHECK(budget.used() == 128);
  }
  CHECK(budget.used() == 0);
}

TEST_CASE("memory: the limit refuses with its numbers and takes nothing") {
  MemoryBudget budget(1000);
  const auto buffer = Buffer::Allocate(1001, &budget);
  REQUIRE(!buffer.ok());
  CHECK(buffer.status().code() == StatusCode::kOutOfMemory);
  CHECK(std::string(buffer.status().message()).find("1001") != std::string::npos);
  CHECK(budget.used() == 0);
  CHECK(budget.Charge(1000));
  CHECK_FALSE(budget.Charge(1));
  CHECK_FALSE(budget.Charge(SIZE_MAX));
}

TEST_CASE("memory: a size that overflows or a failing machine is a status") {
  CHECK_FALSE(Buffer::Allocate(SIZE_MAX, nullptr).ok());
  MemoryBudget budget;
  FailAllocationForTest(1);
  const auto buffer = Buffer::Allocate(64, &budget);
  CHECK(FailAllocationForTest(0) == 1);
  CHECK_FALSE(buffer.ok());
  CHECK(budget.used() == 0);
}

TEST_CASE("memory: nothing is allocated for no bytes") {
  const auto buffer = Buffer::Allocate(0, nullptr);
  REQUIRE(buffer.ok());
  CHECK(buffer->data() == nullptr);
}

}  // namespace
}  // namespace doppio::base
