#include "runtime/exec/device_memory.h"

#include "base/message.h"

namespace doppio::exec {

StatusOr<int> DeviceTable::Add(const kernels::DeviceDriver* driver, int32_t id) {
  if (size_ == kMaxDevices) {
    return Unsupported(base::Cat("a net on more than ", kMaxDevices, " devices"));
  }
  slots_[size_] = {driver, id};
  return size_++;
}

int DeviceTable::Find(int32_t type, int32_t id) const {
  if (type == kernels::kCpuDevice) return 0;
  for (int i = 1; i < size_; ++i) {
    if (slots_[i].driver->type == type && slots_[i].id == id) return i;
  }
  return -1;
}

DeviceMemory::~DeviceMemory() {
  if (data_ != nullptr) driver_->free(id_, data_);
}

StatusOr<DeviceMemory> DeviceMemory::Allocate(const DeviceTable& devices, int device, size_t bytes,
                                              base::MemoryBudget* budget) {
  DeviceMemory memory;
  if (device == 0) {
    DOPPIO_ASSIGN_OR_RETURN(memory.host_, base::Buffer::Allocate(bytes, budget));
    return memory;
  }
  memory.driver_ = devices.driver(device);
  memory.id_ = devices.id(device);
  memory.size_ = bytes;
  if (bytes == 0) return memory;
  memory.data_ = memory.driver_->allocate(memory.id_, bytes);
  if (memory.data_ == nullptr) {
    return OutOfMemory(
        base::Cat("device ", memory.driver_->name, ":", memory.id_, " has no ", bytes, " bytes"));
  }
  return memory;
}

}  // namespace doppio::exec
