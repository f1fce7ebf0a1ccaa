#include "base/memory.h"

#include <cstdlib>

#include "base/checked.h"
#include "base/message.h"

namespace doppio::base {
namespace {

std::atomic<int64_t> allocations_asked{0};
std::atomic<int64_t> first_failing{0};  // 0: none

bool MustFail() {
  const int64_t number = allocations_asked.fetch_add(1, std::memory_order_relaxed) + 1;
  const int64_t first = first_failing.load(std::memory_order_relaxed);
  return first != 0 && number >= first;
}

}  // namespace

bool MemoryBudget::Charge(size_t bytes) {
  size_t used = used_.load(std::memory_order_relaxed);
  do {
    if (used > limit_ || bytes > limit_ - used) return false;
  } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
  return true;
}

StatusOr<Buffer> Buffer::Allocate(size_t bytes, MemoryBudget* budget) {
  Buffer buffer;
  if (bytes == 0) return buffer;
  if (bytes > SIZE_MAX - kAlignment) return OutOfMemory(Cat(bytes, " bytes asked for"));
  const size_t rounded = RoundUp(bytes, kAlignment);
  if (budget != nullptr && !budget->Charge(rounded)) {
    return OutOfMemory(Cat(bytes, " bytes more would pass the memory limit of ", budget->limit(),
                           " bytes (", budget->used(), " in use); raise --max-memory"));
  }
  void* data = MustFail() ? nullptr : std::aligned_alloc(kAlignment, rounded);
  if (data == nullptr) {
    if (budget != nullptr) budget->Release(rounded);
    return OutOfMemory(Cat("the machine gave no ", bytes, " bytes"));
  }
  buffer.data_ = data;
  buffer.size_ = bytes;
  buffer.budget_ = budget;
  return buffer;
}

Buffer::~Buffer() {
  if (data_ == nullptr) return;
  std::free(data_);
  if (budget_ != nullptr) budget_->Release(RoundUp(size_, kAlignment));
}

void* Reallocate(void* block, size_t bytes) {
  return MustFail() ? nullptr : std::realloc(block, bytes);
}

void Deallocate(void* block) { std::free(block); }

int64_t FailAllocationForTest(int64_t countdown) {
  const int64_t asked = allocations_asked.exchange(0, std::memory_order_relaxed);
  first_failing.store(countdown, std::memory_order_relaxed);
  return asked;
}

}  // namespace doppio::base
