#include <cstring>

#include "kernels/problems/indexing.h"
#include "kernels/reference/element_dispatch.h"
#include "kernels/reference/families.h"
#include "kernels/reference/index_operand.h"
#include "kernels/reference/strided_walk.h"

namespace doppio::kernels::reference {
namespace {

bool Supports(const void* problem) {
  const auto& p = *static_cast<const GatherProblem*>(problem);
  return IsElementBytes(p.element_bytes) && IsIndexType(p.index_type);
}

// kAxis: a unit is one run of `inner` elements; kElements: kUnitElements elements.
int64_t Units(const void* problem, int) {
  const auto& p = *static_cast<const GatherProblem*>(problem);
  if (p.rank > 0) return ElementUnits(CountElements(p.rank, p.dims));
  return p.outer * p.count;
}

// Copies whole runs of p.inner elements.
StepStatus GatherAxis(const GatherProblem& p, Range range, const Operands& operands) {
  const auto* x = static_cast<const char*>(operands.in[0]);
  auto* y = static_cast<char*>(operands.out[0]);
  const int64_t run_bytes = p.inner * p.element_bytes;
  const Negative negative = p.wrap ? Negative::kWraps : Negative::kIsError;
  for (int64_t unit = range.begin; unit < range.end; ++unit) {
    const int64_t outer = unit / p.count, j = unit % p.count;
    int64_t index = LoadIndex(operands.in[1], p.index_type, j);
    const StepStatus status = ResolveIndex(&index, p.axis, negative, j);
    if (!status.ok()) return status;
    if (run_bytes == 0) continue;
    std::memcpy(y + unit * run_bytes, x + (outer * p.axis + index) * run_bytes,
                static_cast<size_t>(run_bytes));
  }
  return {};
}

StepStatus GatherElements(const GatherProblem& p, Range range, const Operands& operands) {
  const Range elements = ElementsOf(range, CountElements(p.rank, p.dims));
  const Negative negative = p.wrap ? Negative::kWraps : Negative::kIsError;
  return VisitBytes(p.element_bytes, [&]<class T>(TypeTag<T>) {
    const auto* x = static_cast<const T*>(operands.in[0]);
    auto* y = static_cast<T*>(operands.out[0]);
    const int64_t along_stride = p.x_strides[p.along];
    StridedWalk<1> at(p.rank, p.dims, elements.begin, p.x_strides);
    for (int64_t i = elements.begin; i < elements.end; ++i, at.Next()) {
      int64_t index = LoadIndex(operands.in[1], p.index_type, i);
      const StepStatus status = ResolveIndex(&index, p.axis, negative, i);
      if (!status.ok()) return status;
      y[i] = x[at[0] + (index - at.index(p.along)) * along_stride];
    }
    return StepStatus{};
  });
}

StepStatus Run(const void* problem, int, Range range, const Operands& operands, void*) {
  const auto& p = *static_cast<const GatherProblem*>(problem);
  return p.rank > 0 ? GatherElements(p, range, operands) : GatherAxis(p, range, operands);
}

bool SupportsNd(const void* problem) {
  const auto& p = *static_cast<const GatherNdProblem*>(problem);
  return IsElementBytes(p.element_bytes) && p.depth <= kMaxRank;
}

// A unit is one run of `inner` elements.
int64_t UnitsNd(const void* problem, int) {
  const auto& p = *static_cast<const GatherNdProblem*>(problem);
  return p.batch * p.count;
}

StepStatus RunNd(const void* problem, int, Range range, const Operands& operands, void*) {
  const auto& p = *static_cast<const GatherNdProblem*>(problem);
  const auto* x = static_cast<const char*>(operands.in[0]);
  const auto* indices = static_cast<const int64_t*>(operands.in[1]);
  auto* y = static_cast<char*>(operands.out[0]);
  const int64_t run_bytes = p.inner * p.element_bytes;
  for (int64_t unit = range.begin; unit < range.end; ++unit) {
    int64_t run = unit / p.count;  // the batch index, then one coordinate after the other
    for (int64_t r = 0; r < p.depth; ++r) {
      const int64_t position = unit * p.depth + r;
      int64_t index = indices[position];
      const StepStatus status = ResolveIndex(&index, p.dims[r], Negative::kWraps, position);
      if (!status.ok()) return status;
      run = run * p.dims[r] + index;
    }
    if (run_bytes == 0) continue;
    std::memcpy(y + unit * run_bytes, x + run * run_bytes, static_cast<size_t>(run_bytes));
  }
  return {};
}

constexpr Kernel kRows[] = {
    {.name = "gather_reference",
     .kind = ProblemKind::kGather,
     .engine = Engine::kReference,
     .supports = Supports,
     .phases = 1,
     .units = Units,
     .run = Run},
    {.name = "gather_nd_reference",
     .kind = ProblemKind::kGatherNd,
     .engine = Engine::kReference,
     .supports = SupportsNd,
     .phases = 1,
     .units = UnitsNd,
     .run = RunNd},
};

}  // namespace

std::span<const Kernel> GatherRows() { return kRows; }

}  // namespace doppio::kernels::reference
