// DeviceTable and DeviceMemory: the devices that one Predictor works with, and memory on them.
#pragma once

#include <doppio/status.h>

#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/memory.h"
#include "kernels/device.h"

namespace doppio::exec {

// Devices of one Predictor, the CPU among them: machines with more accelerators run more
// Predictors.
inline constexpr int kMaxDevices = 4;

// What steps and memories call by a small number: 0 is the CPU. Drivers are borrowed.
class DeviceTable {
 public:
  int size() const { return size_; }
  // kUnsupported when there are kMaxDevices already.
  StatusOr<int> Add(const kernels::DeviceDriver* driver, int32_t id);
  // The number of a device as DeviceOption says it; -1 when it is not in the table.
  int Find(int32_t type, int32_t id) const;

  // Null for the CPU.
  const kernels::DeviceDriver* driver(int device) const { return slots_[device].driver; }
  int32_t type(int device) const {
    return device == 0 ? kernels::kCpuDevice : slots_[device].driver->type;
  }
  int32_t id(int device) const { return slots_[device].id; }

 private:
  struct Slot {
    const kernels::DeviceDriver* driver = nullptr;
    int32_t id = 0;
  };
  Slot slots_[kMaxDevices];
  int size_ = 1;
};

// Uninitialised bytes on a device, aligned to base::kAlignment. The CPU's are counted against
// `budget`; a device's are bounded by the device. Move-only.
class DeviceMemory {
 public:
  DeviceMemory() = default;
  DeviceMemory(DeviceMemory&& other) noexcept { swap(other); }
  DeviceMemory& operator=(DeviceMemory&& other) noexcept {
    DeviceMemory moved(std::move(other));
    swap(moved);
    return *this;
  }
  ~DeviceMemory();

  // kOutOfMemory names size and device. `budget` (may be null) outlives the memory, as does the
  // driver.
  static StatusOr<DeviceMemory> Allocate(const DeviceTable& devices, int device, size_t bytes,
                                         base::MemoryBudget* budget);

  void* data() const { return driver_ != nullptr ? data_ : host_.data(); }
  size_t size() const { return driver_ != nullptr ? size_ : host_.size(); }

 private:
  void swap(DeviceMemory& other) {
    std::swap(host_, other.host_);
    std::swap(driver_, other.driver_);
    std::swap(id_, other.id_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }

  base::Buffer host_;
  const kernels::DeviceDriver* driver_ = nullptr;
  int32_t id_ = 0;
  void* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace doppio::exec
