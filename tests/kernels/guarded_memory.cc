#include "tests/kernels/guarded_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace doppio::tests {
namespace {

constexpr unsigned char kCanary = 0xA5;

}  // namespace

GuardedMemory::GuardedMemory(size_t bytes, size_t alignment, Guard guard) : size_(bytes) {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  usable_bytes_ = std::max<size_t>(1, (bytes + alignment + page - 1) / page) * page;
  mapping_bytes_ = usable_bytes_ + 2 * page;
  void* mapping = mmap(nullptr, mapping_bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) std::abort();
  mapping_ = static_cast<unsigned char*>(mapping);
  usable_ = mapping_ + page;
  if (mprotect(usable_, usable_bytes_, PROT_READ | PROT_WRITE) != 0) std::abort();
  std::memset(usable_, kCanary, usable_bytes_);
  const size_t last = usable_bytes_ - bytes;
  data_ = usable_ + (guard == Guard::kBefore ? 0 : last - last % alignment);
  std::memset(data_, 0xFF, bytes);
}

GuardedMemory::~GuardedMemory() { munmap(mapping_, mapping_bytes_); }

bool GuardedMemory::Intact() const {
  const auto is_canary = [](unsigned char byte) { return byte == kCanary; };
  return std::all_of(usable_, data_, is_canary) &&
         std::all_of(data_ + size_, usable_ + usable_bytes_, is_canary);
}

}  // namespace doppio::tests
