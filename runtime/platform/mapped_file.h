// MappedFile: the bytes of a file, mapped or copied. One of the few places that call the OS.
#pragma once

#include <doppio/status.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "base/memory.h"

namespace doppio::platform {

enum class FileMode : uint8_t {
  kMap,   // pages come from the file as they are touched; the file must not shrink meanwhile
  kCopy,  // the whole file is read into memory at once
};

// Read-only bytes of a regular file. Move-only; unmaps at its end.
class MappedFile {
 public:
  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept { swap(other); }
  MappedFile& operator=(MappedFile&& other) noexcept {
    MappedFile moved(std::move(other));
    swap(moved);
    return *this;
  }
  ~MappedFile();

  // kNotFound: no such file. kIoError: not a regular file, or not readable. Messages name the path.
  static StatusOr<MappedFile> Open(const char* path, FileMode mode, base::MemoryBudget* budget);

  std::span<const uint8_t> bytes() const { return {data_, size_}; }

 private:
  void swap(MappedFile& other) {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(mapping_, other.mapping_);
    std::swap(copy_, other.copy_);
  }

  const uint8_t* data_ = nullptr;
  size_t size_ = 0;
  void* mapping_ = nullptr;
  base::Buffer copy_;
};

}  // namespace doppio::platform
