// What the machine gives this process: cores, memory, a clock, threads.
#pragma once

#include <doppio/status.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace doppio::platform {

// Cores that this process may really use: its affinity mask, cut down to the cgroup's CPU quota. At
// least 1.
int UsableCores();
// Bytes that the machine and the cgroup leave free now; SIZE_MAX when nobody says.
size_t FreeMemoryBytes();
// Bytes of memory that this process holds at most so far; 0 when nobody says.
size_t PeakMemoryBytes();
// What the processor calls itself, e.g. "AMD EPYC 9B45"; "unknown" when nobody says.
std::string CpuName();
// Monotonic time in nanoseconds.
int64_t NowNs();
// Hint to the core that this thread waits in a loop.
void SpinPause();

#if DOPPIO_THREADS
// A running thread; joined at its end. Move-only.
class Thread {
 public:
  Thread() = default;
  Thread(Thread&& other) noexcept;
  Thread& operator=(Thread&& other) noexcept;
  ~Thread() { Join(); }

  // Runs `function(context)`. kIoError when the system makes no thread.
  static StatusOr<Thread> Start(void (*function)(void*), void* context);
  void Join();

 private:
  unsigned long handle_ = 0;
  bool running_ = false;
};
#endif

}  // namespace doppio::platform
