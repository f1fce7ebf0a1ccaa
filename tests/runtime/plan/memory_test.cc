// Placement of intermediates by lifetime.
#include "runtime/plan/memory.h"

#include <vector>

#include "base/memory.h"
#include "tests/catch.h"

namespace doppio::plan {
namespace {

TEST_CASE("memory: buffers that never meet share one place") {
  std::vector<Lifetime> buffers = {{1000, 0, 1}, {1000, 2, 3}, {500, 4, 4}};
  const StatusOr<int64_t> arena = PlaceBuffers(buffers);
  REQUIRE(arena.ok());
  CHECK(*arena == 1024);
  for (const Lifetime& buffer : buffers) CHECK(buffer.offset == 0);
}

TEST_CASE("memory: lifetimes that touch in one step do not overlap") {
  std::vector<Lifetime> buffers = {{64, 0, 1}, {64, 1, 2}};
  const StatusOr<int64_t> arena = PlaceBuffers(buffers);
  REQUIRE(arena.ok());
  CHECK(*arena == 128);
  CHECK(NoOverlap(buffers));
}

TEST_CASE("memory: a buffer of no bytes gets no place and takes none") {
  std::vector<Lifetime> buffers = {{0, 0, 5}, {10, 0, 5}};
  const StatusOr<int64_t> arena = PlaceBuffers(buffers);
  REQUIRE(arena.ok());
  CHECK(*arena == 64);
  CHECK(buffers[0].offset == -1);
  CHECK(buffers[1].offset == 0);
}

TEST_CASE("memory: no buffers take no arena") {
  const StatusOr<int64_t> arena = PlaceBuffers({});
  REQUIRE(arena.ok());
  CHECK(*arena == 0);
  CHECK(LowerBound({}) == 0);
}

TEST_CASE("memory: a gap between two buffers is filled") {
  // The large ones stand at 0 and 128; the first ends, and the small one takes its room.
  std::vector<Lifetime> buffers = {{128, 0, 2}, {128, 0, 4}, {100, 3, 4}};
  const StatusOr<int64_t> arena = PlaceBuffers(buffers);
  REQUIRE(arena.ok());
  CHECK(*arena == 256);
  CHECK(*arena == LowerBound(buffers));
}

TEST_CASE("memory: sizes that do not fit 63 bits together are an error") {
  std::vector<Lifetime> buffers = {{INT64_MAX - 1024, 0, 1}, {INT64_MAX - 1024, 0, 1}};
  const StatusOr<int64_t> arena = PlaceBuffers(buffers);
  REQUIRE_FALSE(arena.ok());
  CHECK(arena.status().code() == StatusCode::kOutOfMemory);
}

TEST_CASE("memory: overlap is noticed") {
  const std::vector<Lifetime> apart = {{64, 0, 1, 0}, {64, 2, 3, 0}};
  const std::vector<Lifetime> over = {{64, 0, 2, 0}, {64, 2, 3, 32}};
  CHECK(NoOverlap(apart));
  CHECK_FALSE(NoOverlap(over));
}

TEST_CASE("memory: random lifetimes never overlap and stay between the bounds") {
  uint32_t state = 7;
  const auto next = [&state](uint32_t below) {
    state = state * 1664525u + 1013904223u;
    return static_cast<int32_t>((state >> 8) % below);
  };
  for (int round = 0; round < 50; ++round) {
    std::vector<Lifetime> buffers;
    int64_t sum = 0;
    for (int i = 0; i < 60; ++i) {
      Lifetime lifetime;
      lifetime.bytes = next(5000);
      lifetime.first = next(40);
      lifetime.last = lifetime.first + next(10);
      sum += (lifetime.bytes + 63) / 64 * 64;
      buffers.push_back(lifetime);
    }
    INFO("round " << round);
    const StatusOr<int64_t> arena = PlaceBuffers(buffers);
    REQUIRE(arena.ok());
    REQUIRE(NoOverlap(buffers));
    REQUIRE(*arena >= LowerBound(buffers));
    REQUIRE(*arena <= sum);
    for (const Lifetime& buffer : buffers) {
      if (buffer.bytes == 0) continue;
      REQUIRE(buffer.offset % static_cast<int64_t>(base::kAlignment) == 0);
      REQUIRE(buffer.offset + buffer.bytes <= *arena);
    }
  }
}

TEST_CASE("memory: the picture has a line a buffer and none for empty ones") {
  const std::vector<Lifetime> buffers = {{64, 0, 1, 0}, {0, 0, 3, -1}, {10, 1, 3, 64}};
  CHECK(ToAscii(buffers) == "##.. 0 + 64\n.### 64 + 10\n");
}

}  // namespace
}  // namespace doppio::plan
