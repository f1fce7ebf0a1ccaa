// Program: what runs, as plain data: steps over one arena. It knows neither graphs nor files. The
// planner makes one from a pair at run time; a build may also hold one as constants.
#pragma once

#include <cstdint>

#include "base/array.h"
#include "kernels/kernel.h"
#include "runtime/exec/device_memory.h"

namespace doppio::exec {

// Where the bytes of an operand stand.
enum class Place : uint8_t {
  kNone,      // an absent operand: a null pointer
  kArena,     // `index`: the segment whose arena on `device`; `offset`
  kConstant,  // `index` into Program::constants
  kInput,     // `index` of the net's input: the caller's memory
  kOutput,    // `index` of the net's output: the caller's memory or the session's
  kDynamic,   // `index` of a value whose size was known only at run time
};

struct BufferRef {
  Place place = Place::kNone;
  uint8_t device = 0;  // whose memory: a number of the DeviceTable
  uint32_t index = 0;
  int64_t offset = 0;  // bytes
};

// One call of a kernel.
struct Step {
  uint32_t kernel = 0;         // index in the KernelTable
  uint32_t problem = 0;        // offset of its plain parameters in Program::problems
  uint32_t first_operand = 0;  // inputs, then outputs, in Program::operands
  uint16_t inputs = 0;
  uint16_t outputs = 0;
  int32_t packed = -1;      // index in Program::packed
  int32_t handle = -1;      // index in Program::handles
  int64_t workspace = -1;   // offset in the segment's arena
  int64_t parallel_ns = 0;  // estimated time; short steps stay on one thread
  int64_t flops = 0;        // for the profile
  int64_t bytes = 0;        // operands read and written, for the profile
  uint32_t label = 0;       // index of the node's label, for errors and the profile
  uint8_t device = 0;       // where it runs: a number of the DeviceTable
  bool dynamic = false;     // asks the allocator for its outputs
};

// A run of steps whose sizes are all known when it begins. Pointers are borrowed from the planner.
struct Program {
  base::Array<Step> steps;
  base::Array<uint8_t> problems;  // 16-byte aligned records
  base::Array<BufferRef> operands;
  base::Array<const void*> constants;
  base::Array<const void*> packed;
  base::Array<void*> handles;
  size_t arena_bytes[kMaxDevices] = {};  // by device
  size_t scratch_bytes = 0;              // for each thread
};

}  // namespace doppio::exec
