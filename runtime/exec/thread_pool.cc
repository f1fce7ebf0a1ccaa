#include "runtime/exec/thread_pool.h"

#include <new>

namespace doppio::exec {

#if DOPPIO_THREADS
namespace {

// About 20 microseconds: longer than the gap between two steps of a net, shorter than anybody would
// mind.
constexpr int kSpins = 2000;

}  // namespace

StatusOr<std::unique_ptr<ThreadPool>> ThreadPool::Create(int threads) {
  std::unique_ptr<ThreadPool> pool(new (std::nothrow) ThreadPool());
  if (pool == nullptr) return OutOfMemory("no memory for a thread pool");
  if (threads < 1) threads = 1;
  DOPPIO_RETURN_IF_ERROR(pool->workers_.Resize(static_cast<size_t>(threads - 1)));
  for (int i = 1; i < threads; ++i) {
    Worker& worker = pool->workers_[static_cast<size_t>(i - 1)];
    worker.pool = pool.get();
    worker.number = i;
    DOPPIO_ASSIGN_OR_RETURN(worker.thread, platform::Thread::Start(&Work, &worker));
    ++pool->count_;
  }
  return pool;
}

ThreadPool::~ThreadPool() {
  stop_.store(true, std::memory_order_relaxed);
  generation_.fetch_add(1, std::memory_order_release);
  generation_.notify_all();
  for (Worker& worker : workers_) worker.thread.Join();
}

void ThreadPool::TakeChunks(int thread) {
  const Job job = job_;
  for (;;) {
    const int64_t begin = next_.fetch_add(job.chunk, std::memory_order_relaxed);
    if (begin >= job.units) return;
    const int64_t end = begin + job.chunk < job.units ? begin + job.chunk : job.units;
    job.run(job.context, thread, {begin, end});
  }
}

void ThreadPool::Work(void* argument) {
  Worker* const worker = static_cast<Worker*>(argument);
  ThreadPool* const pool = worker->pool;
  uint32_t seen = 0;
  for (;;) {
    uint32_t now = pool->generation_.load(std::memory_order_acquire);
    for (int spin = 0; now == seen && spin < kSpins; ++spin) {
      platform::SpinPause();
      now = pool->generation_.load(std::memory_order_acquire);
    }
    if (now == seen) {
      pool->generation_.wait(seen, std::memory_order_acquire);
      continue;
    }
    seen = now;
    if (pool->stop_.load(std::memory_order_relaxed)) return;
    pool->TakeChunks(worker->number);
    pool->running_.fetch_sub(1, std::memory_order_release);
  }
}

void ThreadPool::Run(const Job& job) {
  const bool alone = workers_.empty() || job.units <= job.chunk;
  if (alone || busy_.exchange(true, std::memory_order_acquire)) {
    if (job.units > 0) job.run(job.context, 0, {0, job.units});
    return;
  }
  job_ = job;
  next_.store(0, std::memory_order_relaxed);
  running_.store(static_cast<int>(workers_.size()), std::memory_order_relaxed);
  generation_.fetch_add(1, std::memory_order_release);
  generation_.notify_all();
  TakeChunks(0);
  while (running_.load(std::memory_order_acquire) != 0) platform::SpinPause();
  busy_.store(false, std::memory_order_release);
}
#else
StatusOr<std::unique_ptr<ThreadPool>> ThreadPool::Create(int) {
  std::unique_ptr<ThreadPool> pool(new (std::nothrow) ThreadPool());
  if (pool == nullptr) return OutOfMemory("no memory for a thread pool");
  return pool;
}

ThreadPool::~ThreadPool() = default;

void ThreadPool::Run(const Job& job) {
  if (job.units > 0) job.run(job.context, 0, {0, job.units});
}
#endif

}  // namespace doppio::exec
