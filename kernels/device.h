// DeviceDriver: a place besides the CPU where kernels run and operands stand. An engine brings one
// as plain data, as it brings its rows; the planner puts transfers at the borders.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/kernel.h"

namespace doppio::kernels {

// DeviceOption.device_type of the CPU. Rows of this type work on ordinary memory.
inline constexpr int32_t kCpuDevice = 0;

// Copies `bytes` bytes between ordinary memory and a device's. Operands: in[0] from; out[0] to; no
// aliasing. Returns when the bytes are there.
struct TransferProblem {
  enum class Direction : uint8_t { kToDevice, kFromDevice };
  Direction direction = Direction::kToDevice;
  int32_t id = 0;  // the device's number among those of its type (DeviceOption.device_id)
  int64_t bytes = 0;
};

struct DeviceDriver {
  const char* name;  // as users write it: "cuda"
  int32_t type;      // DeviceOption.device_type; not kCpuDevice
  // Rows with Kernel::device == type. Among them one of kind kTransfer for both directions, and one
  // of kind kCopy for every problem. They use no scratch and pack nothing: constants reach them as
  // operands in the device's memory. Problems that no row supports run on the CPU.
  std::span<const Kernel> rows;
  // Memory of device `id`, aligned to base::kAlignment; null when there is none. Any thread.
  void* (*allocate)(int32_t id, size_t bytes);
  void (*free)(int32_t id, void* memory);
};

}  // namespace doppio::kernels
