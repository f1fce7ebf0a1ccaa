// Executor: a Program bound to memory, ready to run again and again. The hot loop: no allocation,
// no lock, no look-up, no string.
#pragma once

#include <doppio/status.h>

#include <cstdint>
#include <span>

#include "base/array.h"
#include "base/memory.h"
#include "runtime/exec/program.h"
#include "runtime/exec/thread_pool.h"

namespace doppio::exec {

// Where a run finds what lies outside the program. Tables are indexed as BufferRef::index says;
// they are borrowed for the duration of the run.
struct Environment {
  std::span<const void* const> inputs;
  std::span<void* const> outputs;
  std::span<void* const> dynamics;
  kernels::OutputAllocator* allocator = nullptr;  // for steps with data-dependent outputs
};

// How a run ended: which step failed, and why.
struct RunResult {
  kernels::StepStatus status;
  uint32_t step = 0;

  bool ok() const { return status.ok(); }
};

// Time of each step, summed over runs.
struct Profile {
  base::Array<int64_t> step_ns;
  int64_t runs = 0;
};

class Executor {
 public:
  Executor() = default;
  Executor(Executor&&) = default;
  Executor& operator=(Executor&&) = default;

  // Resolves what does not change between runs. `arenas` are the memories of all segments up to
  // this one, for each the arenas of `devices` devices in order. All arguments outlive the
  // Executor.
  static StatusOr<Executor> Bind(const Program& program, const kernels::KernelTable& kernels,
                                 std::span<void* const> arenas, int devices);

  // Runs all steps. `scratch` holds pool.threads() pieces of program.scratch_bytes each. `profile`
  // may be null.
  RunResult Run(const Environment& environment, ThreadPool& pool, void* scratch, Profile* profile);

 private:
  static constexpr int kMaxPhases = 4;
  struct BoundStep {
    const kernels::Kernel* kernel = nullptr;
    const void* problem = nullptr;
    kernels::Operands operands;
    int64_t units[kMaxPhases] = {};
    uint32_t first_pointer = 0;
    bool parallel = false;
  };
  // A pointer that each run sets anew.
  struct Patch {
    uint32_t pointer = 0;
    BufferRef ref;
  };
  void Repoint(const Environment& environment);
  kernels::StepStatus RunStep(const BoundStep& step, ThreadPool& pool, void* scratch);

  const Program* program_ = nullptr;
  base::Array<BoundStep> steps_;
  base::Array<void*> pointers_;  // operands of all steps, resolved
  base::Array<Patch> patches_;
};

}  // namespace doppio::exec
