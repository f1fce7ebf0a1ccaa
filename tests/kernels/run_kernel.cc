#include "tests/kernels/run_kernel.h"

#include <algorithm>
#include <memory>

#include "kernels/reference/rows.h"
#include "tests/catch.h"
#include "tests/kernels/guarded_memory.h"

namespace doppio::tests {
namespace {

using kernels::Kernel;
using kernels::Range;
using kernels::StepStatus;

std::vector<Range> CutUnits(int64_t units, Cut cut) {
  if (units == 0) return {};
  if (cut == Cut::kWhole) return {Range{0, units}};
  constexpr int64_t kMostPieces = 61;
  const int64_t piece = (units + kMostPieces - 1) / kMostPieces;
  std::vector<Range> ranges;
  for (int64_t at = 0; at < units; at += piece) {
    ranges.push_back({at, std::min(at + piece, units)});
  }
  if (cut == Cut::kReversed) std::reverse(ranges.begin(), ranges.end());
  return ranges;
}

// Memory of the size that one of the row's functions asks for; null for none.
std::unique_ptr<GuardedMemory> MemoryFor(size_t (*bytes)(const void*), const void* problem) {
  if (bytes == nullptr || bytes(problem) == 0) return nullptr;
  return std::make_unique<GuardedMemory>(bytes(problem), 64, Guard::kBehind);
}

void* DataOf(const std::unique_ptr<GuardedMemory>& memory) {
  return memory == nullptr ? nullptr : memory->data();
}
bool IsIntact(const std::unique_ptr<GuardedMemory>& memory) {
  return memory == nullptr || memory->Intact();
}

StepStatus RunPhases(const Kernel& kernel, const void* problem, const kernels::Operands& operands,
                     void* scratch, Cut cut) {
  for (int phase = 0; phase < kernel.phases; ++phase) {
    for (const Range& range : CutUnits(kernel.units(problem, phase), cut)) {
      const StepStatus status = kernel.run(problem, phase, range, operands, scratch);
      if (!status.ok()) return status;
    }
  }
  return {};
}

}  // namespace

RunResult RunKernel(const Kernel& kernel, const void* problem, std::vector<const void*> in,
                    std::vector<void*> out, Cut cut, kernels::OutputAllocator* allocator) {
  // Optional operands that the caller left out at the end are absent, hence null.
  constexpr size_t kMostOperands = 8;
  in.resize(kMostOperands);
  out.resize(kMostOperands);
  RunResult result;
  const auto packed = MemoryFor(kernel.packed_bytes, problem);
  const auto workspace = MemoryFor(kernel.workspace_bytes, problem);
  const auto scratch = MemoryFor(kernel.scratch_bytes, problem);
  kernels::Operands operands{.workspace = DataOf(workspace), .allocator = allocator};
  if (kernel.prepare != nullptr) {
    operands.handle = kernel.prepare(problem, in.data());
    if (operands.handle == nullptr) return {RunOutcome::kRefused, {}};
  }
  if (packed != nullptr) {
    for (const Range& range : CutUnits(kernel.pack_units(problem), cut)) {
      kernel.pack(problem, range, in.data(), packed->data());
    }
    operands.packed = packed->data();
    in[static_cast<size_t>(kernel.packed_operand)] = nullptr;
  }
  operands.in = in.data();
  operands.out = out.data();
  result.status = RunPhases(kernel, problem, operands, DataOf(scratch), cut);
  if (kernel.release != nullptr) kernel.release(operands.handle);
  const bool intact = IsIntact(packed) && IsIntact(workspace) && IsIntact(scratch);
  result.outcome = intact ? RunOutcome::kDone : RunOutcome::kDamaged;
  return result;
}

const Kernel* FindReference(kernels::ProblemKind kind, const void* problem) {
  struct Search {
    kernels::ProblemKind kind;
    const void* problem;
    const Kernel* found = nullptr;
  } search{kind, problem};
  kernels::reference::ForEachGroup(
      [](std::span<const Kernel> rows, void* context) {
        auto* search = static_cast<Search*>(context);
        for (const Kernel& row : rows) {
          if (row.kind == search->kind && row.supports(search->problem)) search->found = &row;
        }
      },
      &search);
  return search.found;
}

StepStatus RunReference(kernels::ProblemKind kind, const void* problem, std::vector<const void*> in,
                        const std::vector<void*>& out, kernels::OutputAllocator* allocator) {
  const Kernel* kernel = FindReference(kind, problem);
  REQUIRE(kernel != nullptr);
  return RunKernel(*kernel, problem, std::move(in), out, Cut::kWhole, allocator).status;
}

}  // namespace doppio::tests
