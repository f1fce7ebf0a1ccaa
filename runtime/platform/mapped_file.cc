#include "runtime/platform/mapped_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/message.h"

namespace doppio::platform {
namespace {

Status FileError(const char* path, int error) {
  const std::string text = base::Cat(path, ": ", strerror(error));
  return error == ENOENT || error == ENOTDIR ? NotFound(text) : IoError(text);
}

StatusOr<base::Buffer> ReadAll(int fd, const char* path, size_t size, base::MemoryBudget* budget) {
  auto buffer = base::Buffer::Allocate(size, budget);
  if (!buffer.ok()) return buffer.status().Annotate(path);
  size_t done = 0;
  while (done < size) {
    const ssize_t got = read(fd, buffer->as<char>() + done, size - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FileError(path, errno);
    if (got == 0) return IoError(base::Cat(path, ": the file shrank while it was read"));
    done += static_cast<size_t>(got);
  }
  return std::move(*buffer);
}

}  // namespace

MappedFile::~MappedFile() {
  if (mapping_ != nullptr) munmap(mapping_, size_);
}

StatusOr<MappedFile> MappedFile::Open(const char* path, FileMode mode, base::MemoryBudget* budget) {
  // O_NONBLOCK: opening a FIFO must not hang; regular files ignore it.
  const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return FileError(path, errno);
  struct Closer {
    int fd;
    ~Closer() { close(fd); }
  } closer{fd};
  struct stat info;
  if (fstat(fd, &info) != 0) return FileError(path, errno);
  if (S_ISDIR(info.st_mode)) return IoError(base::Cat(path, ": is a folder, not a file"));
  if (!S_ISREG(info.st_mode)) return IoError(base::Cat(path, ": is not a regular file"));
  MappedFile file;
  file.size_ = static_cast<size_t>(info.st_size);
  if (file.size_ == 0) return file;
  if (mode == FileMode::kMap) {
    void* mapping = mmap(nullptr, file.size_, PROT_READ, MAP_PRIVATE, fd, 0);
    if (mapping != MAP_FAILED) {
      file.mapping_ = mapping;
      file.data_ = static_cast<const uint8_t*>(mapping);
      return file;
    }
    // Some file systems cannot map: read instead.
  }
  DOPPIO_ASSIGN_OR_RETURN(file.copy_, ReadAll(fd, path, file.size_, budget));
  file.data_ = file.copy_.as<const uint8_t>();
  return file;
}

}  // namespace doppio::platform
