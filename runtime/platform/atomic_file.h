// AtomicFile: a file that appears whole or not at all.
#pragma once

#include <doppio/status.h>

#include <cstddef>
#include <string>

#include "base/memory.h"

namespace doppio::platform {

// Writes to a temporary beside the target; Sync makes it durable, Commit renames it into place. A
// file that was not committed is removed at the end. Buffered. Move-only.
class AtomicFile {
 public:
  AtomicFile() = default;
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&& other) noexcept;
  ~AtomicFile();

  // kIoError names the path and the reason.
  static StatusOr<AtomicFile> Create(const std::string& path);

  Status Write(const void* data, size_t bytes);
  // Writes out what is buffered and waits until it is on the disk.
  Status Sync();
  // After Sync: gives the file its name, replacing what had it.
  Status Commit();

 private:
  Status Flush();
  void swap(AtomicFile& other);

  int fd_ = -1;
  std::string path_, temporary_;
  base::Buffer buffer_;
  size_t buffered_ = 0;
};

// Makes a folder and those above it; fine when it is there already. *created says whether the last
// one is new, so that a caller who fails later can take it away again.
Status MakeFolder(const std::string& path, bool* created);
// Removes a folder if it is empty; ignores failure.
void RemoveEmptyFolder(const std::string& path);

}  // namespace doppio::platform
