#include "runtime/platform/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#if DOPPIO_THREADS
#include <pthread.h>
#endif

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "base/message.h"

namespace doppio::platform {
namespace {

// The beginning of a small text file; "" when it cannot be read.
struct SmallText {
  char text[4096];

  explicit SmallText(const char* path) {
    text[0] = '\0';
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    const ssize_t got = read(fd, text, sizeof(text) - 1);
    text[got > 0 ? got : 0] = '\0';
    close(fd);
  }
};

// The number after `key` in a text of "Key:   number unit" lines; -1 when it is not there.
long long NumberAfter(const char* text, const char* key) {
  const char* found = strstr(text, key);
  return found != nullptr ? strtoll(found + strlen(key), nullptr, 10) : -1;
}

int AffinityCores() {
#if defined(__linux__)
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return CPU_COUNT(&set);
#endif
  const long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? static_cast<int>(online) : 1;
}

// Whole cores of the CPU quota, rounded up; 0 when there is none. Version 2 of cgroups, then
// version 1.
int QuotaCores() {
  const SmallText v2("/sys/fs/cgroup/cpu.max");
  long long quota = strtoll(v2.text, nullptr, 10);
  const char* space = strchr(v2.text, ' ');
  long long period = space != nullptr ? strtoll(space, nullptr, 10) : 0;
  if (quota <= 0 || period <= 0) {
    quota = strtoll(SmallText("/sys/fs/cgroup/cpu/cpu.cfs_quota_us").text, nullptr, 10);
    period = strtoll(SmallText("/sys/fs/cgroup/cpu/cpu.cfs_period_us").text, nullptr, 10);
  }
  return quota > 0 && period > 0 ? static_cast<int>((quota + period - 1) / period) : 0;
}

// What the cgroup's memory limit leaves; SIZE_MAX when there is none.
size_t CgroupFreeBytes() {
  const struct {
    const char* limit;
    const char* used;
  } kFiles[] = {{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"},
                {"/sys/fs/cgroup/memory/memory.limit_in_bytes",
                 "/sys/fs/cgroup/memory/memory.usage_in_bytes"}};
  for (const auto& files : kFiles) {
    const long long limit = strtoll(SmallText(files.limit).text, nullptr, 10);
    if (limit <= 0) continue;
    const long long used = strtoll(SmallText(files.used).text, nullptr, 10);
    return limit > used ? static_cast<size_t>(limit - used) : 0;
  }
  return SIZE_MAX;
}

}  // namespace

int UsableCores() {
  const int affinity = AffinityCores(), quota = QuotaCores();
  const int cores = quota > 0 && quota < affinity ? quota : affinity;
  return cores > 0 ? cores : 1;
}

size_t FreeMemoryBytes() {
  const SmallText info("/proc/meminfo");
  const long long available_kib = NumberAfter(info.text, "MemAvailable:");
  const size_t machine = available_kib > 0 ? static_cast<size_t>(available_kib) * 1024 : SIZE_MAX;
  const size_t cgroup = CgroupFreeBytes();
  return cgroup < machine ? cgroup : machine;
}

size_t PeakMemoryBytes() {
  struct rusage usage;
  if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  return static_cast<size_t>(usage.ru_maxrss) * 1024;
}

std::string CpuName() {
  const SmallText info("/proc/cpuinfo");
  const char* found = strstr(info.text, "model name");
  const char* colon = found != nullptr ? strchr(found, ':') : nullptr;
  if (colon == nullptr) return "unknown";
  const char* begin = colon + 1;
  while (*begin == ' ') ++begin;
  const char* end = strchr(begin, '\n');
  return end != nullptr ? std::string(begin, end) : std::string(begin);
}

int64_t NowNs() {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000000000 + now.tv_nsec;
}

void SpinPause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
  asm volatile("yield");
#endif
}

#if DOPPIO_THREADS
namespace {

struct Start {
  void (*function)(void*);
  void* context;
};

void* RunStart(void* argument) {
  const Start start = *static_cast<Start*>(argument);
  free(argument);
  start.function(start.context);
  return nullptr;
}

}  // namespace

Thread::Thread(Thread&& other) noexcept
    : handle_(other.handle_), running_(std::exchange(other.running_, false)) {}

Thread& Thread::operator=(Thread&& other) noexcept {
  if (this != &other) {
    Join();
    handle_ = other.handle_;
    running_ = std::exchange(other.running_, false);
  }
  return *this;
}

StatusOr<Thread> Thread::Start(void (*function)(void*), void* context) {
  auto* start = static_cast<struct Start*>(malloc(sizeof(struct Start)));
  if (start == nullptr) return OutOfMemory("no memory for a thread");
  *start = {function, context};
  pthread_t handle;
  const int error = pthread_create(&handle, nullptr, RunStart, start);
  if (error != 0) {
    free(start);
    return IoError(base::Cat("the system makes no thread: ", strerror(error)));
  }
  Thread thread;
  static_assert(sizeof(handle) <= sizeof(thread.handle_));
  memcpy(&thread.handle_, &handle, sizeof(handle));
  thread.running_ = true;
  return thread;
}

void Thread::Join() {
  if (!std::exchange(running_, false)) return;
  pthread_t handle;
  memcpy(&handle, &handle_, sizeof(handle));
  pthread_join(handle, nullptr);
}
#endif

}  // namespace doppio::platform
