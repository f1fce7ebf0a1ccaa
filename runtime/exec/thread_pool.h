// ThreadPool: runs units of work on a fixed set of threads, the caller among them.
#pragma once

#include <doppio/status.h>

#include <atomic>
#include <cstdint>
#include <memory>

#include "base/array.h"
#include "kernels/kernel.h"
#include "runtime/platform/machine.h"

namespace doppio::exec {

// What to run: `run(context, thread, range)` for ranges that cover [0, units). `thread` is in
// [0, threads()): two ranges that run at the same time have different numbers.
struct Job {
  void (*run)(void* context, int thread, kernels::Range range) = nullptr;
  void* context = nullptr;
  int64_t units = 0;
  int64_t chunk = 1;  // units taken at a time, >= 1
};

// Workers spin for a moment after a job, then sleep; they are never pinned. May be shared: a job
// that finds the pool busy runs on its caller alone.
class ThreadPool {
 public:
  // `threads` counts the caller, so threads - 1 are started; 1 starts none. kIoError when the
  // system makes fewer.
  static StatusOr<std::unique_ptr<ThreadPool>> Create(int threads);
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool();

  int threads() const { return static_cast<int>(count_); }
  // Returns when every unit is done. Allocates nothing. From any thread, but not from inside a job.
  void Run(const Job& job);

 private:
  ThreadPool() = default;
#if DOPPIO_THREADS
  struct Worker {
    ThreadPool* pool = nullptr;
    int number = 0;
    platform::Thread thread;
  };
  static void Work(void* worker);
  void TakeChunks(int thread);

  base::Array<Worker> workers_;
  std::atomic<bool> busy_{false};
  std::atomic<uint32_t> generation_{0};  // counts jobs; what sleeping workers wait for
  std::atomic<int> running_{0};          // workers that have not finished this job
  std::atomic<bool> stop_{false};
  std::atomic<int64_t> next_{0};
  Job job_;
#endif
  int64_t count_ = 1;
};

}  // namespace doppio::exec
