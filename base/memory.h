// MemoryBudget and Buffer: every allocation whose size comes from a file, a shape or a caller goes
// through here, is counted against one limit, and fails with a Status instead of ending the
// process.
#pragma once

#include <doppio/status.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace doppio::base {

// Alignment of every Buffer and arena slot: a cache line, and the widest vector.
inline constexpr size_t kAlignment = 64;

// Counts bytes against a limit; shared by all that serve one Predictor. Thread safe.
class MemoryBudget {
 public:
  explicit MemoryBudget(size_t limit_bytes = SIZE_MAX) : limit_(limit_bytes) {}
  MemoryBudget(const MemoryBudget&) = delete;
  MemoryBudget& operator=(const MemoryBudget&) = delete;

  // Takes `bytes` from the limit; false, and nothing taken, when they are not left.
  bool Charge(size_t bytes);
  void Release(size_t bytes) { used_.fetch_sub(bytes, std::memory_order_relaxed); }

  size_t used() const { return used_.load(std::memory_order_relaxed); }
  size_t limit() const { return limit_; }

 private:
  const size_t limit_;
  std::atomic<size_t> used_{0};
};

// Aligned, uninitialised bytes; owns them and their charge. Move-only.
class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    Buffer moved(std::move(other));
    swap(moved);
    return *this;
  }
  ~Buffer();

  // `bytes` of memory aligned to kAlignment; nothing fills it. `budget` (may be null) outlives the
  // Buffer. kOutOfMemory names the size, and the limit where that was the reason.
  static StatusOr<Buffer> Allocate(size_t bytes, MemoryBudget* budget);

  void* data() const { return data_; }
  size_t size() const { return size_; }
  template <class T>
  T* as() const {
    return static_cast<T*>(data_);
  }

 private:
  void swap(Buffer& other) {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(budget_, other.budget_);
  }

  void* data_ = nullptr;
  size_t size_ = 0;
  MemoryBudget* budget_ = nullptr;
};

// malloc, realloc and free as all of doppio's checked containers call them, so that tests can make
// the k-th allocation fail.
void* Reallocate(void* block, size_t bytes);
void Deallocate(void* block);

// Tests only: from now on the allocation number `countdown` (1 = the next) through this file fails,
// and all that follow it; 0 switches failing off. Returns how many allocations were asked for since
// the last call.
int64_t FailAllocationForTest(int64_t countdown);

}  // namespace doppio::base
