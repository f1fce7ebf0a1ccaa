#include "runtime/platform/atomic_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

#include "base/message.h"

namespace doppio::platform {
namespace {

constexpr size_t kBufferBytes = 256 << 10;

Status FileError(const std::string& path, const char* what, int error) {
  return IoError(base::Cat(path, ": ", what, ": ", strerror(error)));
}

Status WriteAll(int fd, const char* data, size_t bytes, const std::string& path) {
  while (bytes > 0) {
    const ssize_t done = write(fd, data, bytes);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return FileError(path, "cannot write", errno);
    data += done;
    bytes -= static_cast<size_t>(done);
  }
  return {};
}

}  // namespace

AtomicFile::AtomicFile(AtomicFile&& other) noexcept { swap(other); }

AtomicFile& AtomicFile::operator=(AtomicFile&& other) noexcept {
  AtomicFile moved(std::move(other));
  swap(moved);
  return *this;
}

void AtomicFile::swap(AtomicFile& other) {
  std::swap(fd_, other.fd_);
  std::swap(path_, other.path_);
  std::swap(temporary_, other.temporary_);
  std::swap(buffer_, other.buffer_);
  std::swap(buffered_, other.buffered_);
}

AtomicFile::~AtomicFile() {
  if (fd_ >= 0) close(fd_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

StatusOr<AtomicFile> AtomicFile::Create(const std::string& path) {
  AtomicFile file;
  DOPPIO_ASSIGN_OR_RETURN(file.buffer_, base::Buffer::Allocate(kBufferBytes, nullptr));
  file.path_ = path;
  const std::string temporary = base::Cat(path, ".tmp-", static_cast<int64_t>(getpid()));
  file.fd_ = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file.fd_ < 0) return FileError(path, "cannot create", errno);
  file.temporary_ = temporary;
  return file;
}

Status AtomicFile::Flush() {
  const size_t bytes = std::exchange(buffered_, 0);
  return WriteAll(fd_, buffer_.as<char>(), bytes, path_);
}

Status AtomicFile::Write(const void* data, size_t bytes) {
  if (bytes >= kBufferBytes) {
    DOPPIO_RETURN_IF_ERROR(Flush());
    return WriteAll(fd_, static_cast<const char*>(data), bytes, path_);
  }
  if (buffered_ + bytes > kBufferBytes) DOPPIO_RETURN_IF_ERROR(Flush());
  if (bytes > 0) memcpy(buffer_.as<char>() + buffered_, data, bytes);
  buffered_ += bytes;
  return {};
}

Status AtomicFile::Sync() {
  DOPPIO_RETURN_IF_ERROR(Flush());
  if (fsync(fd_) != 0) return FileError(path_, "cannot write", errno);
  const int fd = std::exchange(fd_, -1);
  if (close(fd) != 0) return FileError(path_, "cannot write", errno);
  return {};
}

Status AtomicFile::Commit() {
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) {
    return FileError(path_, "cannot rename the temporary", errno);
  }
  temporary_.clear();
  return {};
}

Status MakeFolder(const std::string& path, bool* created) {
  *created = false;
  struct stat info;
  if (stat(path.c_str(), &info) == 0) {
    return S_ISDIR(info.st_mode) ? Status() : IoError(base::Cat(path, ": is a file, not a folder"));
  }
  const size_t slash = path.find_last_of('/');
  if (slash != std::string::npos && slash > 0) {
    bool parent_created = false;
    DOPPIO_RETURN_IF_ERROR(MakeFolder(path.substr(0, slash), &parent_created));
  }
  if (mkdir(path.c_str(), 0777) != 0 && errno != EEXIST) {
    return FileError(path, "cannot make the folder", errno);
  }
  *created = true;
  return {};
}

void RemoveEmptyFolder(const std::string& path) { rmdir(path.c_str()); }

}  // namespace doppio::platform
