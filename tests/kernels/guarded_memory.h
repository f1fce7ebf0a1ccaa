// GuardedMemory: bytes that end (or begin) exactly at an inaccessible page, so that a kernel that
// reads or writes past them is stopped at once, with or without a sanitizer. Used by kernel tests.
#pragma once

#include <cstddef>

namespace doppio::tests {

enum class Guard { kBehind, kBefore };

// Owns a mapping. The bytes are filled with 0xFF: NaN in every floating-point type.
class GuardedMemory {
 public:
  // `alignment` (a power of two) of the first byte; what it leaves between the bytes and the guard
  // is watched by Intact().
  GuardedMemory(size_t bytes, size_t alignment, Guard guard);
  GuardedMemory(const GuardedMemory&) = delete;
  GuardedMemory& operator=(const GuardedMemory&) = delete;
  ~GuardedMemory();

  unsigned char* data() const { return data_; }
  size_t size() const { return size_; }
  // Whether nothing was written on the accessible pages around the bytes.
  bool Intact() const;

 private:
  unsigned char* mapping_ = nullptr;
  size_t mapping_bytes_ = 0;
  unsigned char* usable_ = nullptr;  // between the guard pages
  size_t usable_bytes_ = 0;
  unsigned char* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace doppio::tests
