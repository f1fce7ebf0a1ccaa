// Runs one row over one problem the way the runtime does: prepare, pack, phases cut into ranges.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/kernel.h"

namespace doppio::tests {

// How the units of packing and of every phase are cut into ranges. Results must not depend on it.
enum class Cut {
  kWhole,     // one range
  kPieces,    // up to 61 ranges, in order
  kReversed,  // up to 61 ranges, last first
};

enum class RunOutcome {
  kDone,
  kRefused,  // prepare() gave null
  kDamaged,  // wrote outside its packed, workspace or scratch memory
};

struct RunResult {
  RunOutcome outcome = RunOutcome::kDone;
  kernels::StepStatus status;
};

// `in` and `out` as in Operands. A row that packs gets no packed operand at run time.
RunResult RunKernel(const kernels::Kernel& kernel, const void* problem, std::vector<const void*> in,
                    std::vector<void*> out, Cut cut, kernels::OutputAllocator* allocator = nullptr);

// The reference row that supports the problem, or null.
const kernels::Kernel* FindReference(kernels::ProblemKind kind, const void* problem);

// Runs the reference row; fails the test when there is none. Returns what the step reported.
kernels::StepStatus RunReference(kernels::ProblemKind kind, const void* problem,
                                 std::vector<const void*> in, const std::vector<void*>& out,
                                 kernels::OutputAllocator* allocator = nullptr);

}  // namespace doppio::tests
