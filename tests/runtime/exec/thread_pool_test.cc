// Threads: every unit exactly once, whoever does it.
#include "runtime/exec/thread_pool.h"

#include <atomic>
#include <thread>
#include <vector>

#include "tests/catch.h"

namespace doppio::exec {
namespace {

std::unique_ptr<ThreadPool> MakePool(int threads) {
  StatusOr<std::unique_ptr<ThreadPool>> pool = ThreadPool::Create(threads);
  REQUIRE(pool.ok());
  return std::move(*pool);
}

// How often each unit was done, and by threads of which number.
struct Tally {
  explicit Tally(int64_t units) : counts(static_cast<size_t>(units)) {}

  static void Run(void* context, int thread, kernels::Range range) {
    auto* tally = static_cast<Tally*>(context);
    for (int64_t i = range.begin; i < range.end; ++i) {
      tally->counts[static_cast<size_t>(i)].fetch_add(1, std::memory_order_relaxed);
    }
    int seen = tally->highest.load();
    while (thread > seen && !tally->highest.compare_exchange_weak(seen, thread)) {
    }
    if (thread < 0) tally->negative = true;
  }
  bool EachOnce() const {
    for (const std::atomic<int>& count : counts) {
      if (count.load() != 1) return false;
    }
    return true;
  }

  std::vector<std::atomic<int>> counts;
  std::atomic<int> highest{-1};
  std::atomic<bool> negative{false};
};

TEST_CASE("thread pool: every unit is done exactly once") {
  for (const int threads : {1, 2, 3, 8}) {
    const auto pool = MakePool(threads);
    CHECK(pool->threads() == threads);
    for (const int64_t units : {0, 1, 2, 7, 64, 1001}) {
      for (const int64_t chunk : {1, 3, 64, 5000}) {
        INFO(threads << " threads, " << units << " units, chunks of " << chunk);
        Tally tally(units);
        pool->Run({&Tally::Run, &tally, units, chunk});
        REQUIRE(tally.EachOnce());
        REQUIRE(tally.highest.load() < threads);
        REQUIRE_FALSE(tally.negative.load());
      }
    }
  }
}

TEST_CASE("thread pool: thousands of small jobs one after the other") {
  const auto pool = MakePool(3);
  for (int job = 0; job < 5000; ++job) {
    Tally tally(5);
    pool->Run({&Tally::Run, &tally, 5, 1});
    REQUIRE(tally.EachOnce());
  }
}

TEST_CASE("thread pool: callers that share a pool all get their work done") {
  const auto pool = MakePool(2);
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 3; ++i) {
    callers.emplace_back([&pool, &wrong] {
      for (int job = 0; job < 500; ++job) {
        Tally tally(17);
        pool->Run({&Tally::Run, &tally, 17, 2});
        if (!tally.EachOnce()) wrong.fetch_add(1);
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(wrong.load() == 0);
}

// A job that waits inside until somebody else's job on the same pool has come back.
struct Blocker {
  static void Run(void* context, int, kernels::Range) {
    auto* blocker = static_cast<Blocker*>(context);
    blocker->started = true;
    while (!blocker->go) std::this_thread::yield();
  }
  std::atomic<bool> started{false};
  std::atomic<bool> go{false};
};

TEST_CASE("thread pool: a job that finds the pool busy runs on its caller alone") {
  const auto pool = MakePool(2);
  Blocker blocker;
  std::thread first([&] { pool->Run({&Blocker::Run, &blocker, 2, 1}); });
  while (!blocker.started) std::this_thread::yield();
  Tally tally(100);
  pool->Run({&Tally::Run, &tally, 100, 1});
#if DOPPIO_THREADS
  CHECK(tally.highest.load() == 0);
#endif
  CHECK(tally.EachOnce());
  blocker.go = true;
  first.join();
}

TEST_CASE("thread pool: a pool that never worked, and one that sleeps, can go") {
  for (const int threads : {1, 2, 8}) {
    { const auto unused = MakePool(threads); }
    const auto used = MakePool(threads);
    Tally tally(10);
    used->Run({&Tally::Run, &tally, 10, 1});
    CHECK(tally.EachOnce());
  }
}

TEST_CASE("thread pool: fewer than one thread is one") {
  CHECK(MakePool(0)->threads() == 1);
  CHECK(MakePool(-5)->threads() == 1);
}

}  // namespace
}  // namespace doppio::exec
