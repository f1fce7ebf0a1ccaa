// DeviceConstants: constants in the memory of other devices, copied there once and shared by all
// plans of a Predictor, as PackedWeights are.
#pragma once

#include <doppio/status.h>

#include <cstddef>
#include <mutex>

#include "base/array.h"
#include "runtime/exec/device_memory.h"

namespace doppio::plan {

// A transfer now, while planning: from ordinary memory to `device`.
Status Upload(const kernels::KernelTable& kernels, const exec::DeviceTable& devices, int device,
              const void* from, size_t bytes, void* to);

// Thread safe. The memory lives as long as this object.
class DeviceConstants {
 public:
  // The copy on `device` of `bytes` bytes at `constant`, which outlive this object.
  StatusOr<const void*> Get(const kernels::KernelTable& kernels, const exec::DeviceTable& devices,
                            int device, const void* constant, size_t bytes);

 private:
  struct Entry {
    const void* constant = nullptr;
    int device = 0;
    exec::DeviceMemory memory;
  };

  std::mutex mutex_;
  base::Array<Entry> entries_;
};

}  // namespace doppio::plan
