#include <cstring>

#include "kernels/problems/elementwise.h"
#include "kernels/reference/element_dispatch.h"
#include "kernels/reference/families.h"
#include "kernels/reference/strided_walk.h"

namespace doppio::kernels::reference {
namespace {

template <class Problem>
bool Supports(const void* problem) {
  return IsElementBytes(static_cast<const Problem*>(problem)->element_bytes);
}

// A unit is kUnitElements elements.
template <class Problem>
int64_t Units(const void* problem, int) {
  const auto& p = *static_cast<const Problem*>(problem);
  return ElementUnits(CountElements(p.rank, p.dims));
}

StepStatus RunCopy(const void* problem, int, Range range, const Operands& operands, void*) {
  const auto& p = *static_cast<const CopyProblem*>(problem);
  const Range elements = ElementsOf(range, CountElements(p.rank, p.dims));
  return VisitBytes(p.element_bytes, [&]<class T>(TypeTag<T>) {
    const auto* x = static_cast<const T*>(operands.in[0]);
    auto* y = static_cast<T*>(operands.out[0]);
    StridedWalk<2> at(p.rank, p.dims, elements.begin, p.x_strides, p.y_strides);
    for (int64_t i = elements.begin; i < elements.end; ++i, at.Next()) {
      y[p.y_offset + at[1]] = x[p.x_offset + at[0]];
    }
    return StepStatus{};
  });
}

StepStatus RunFill(const void* problem, int, Range range, const Operands& operands, void*) {
  const auto& p = *static_cast<const FillProblem*>(problem);
  const Range elements = ElementsOf(range, CountElements(p.rank, p.dims));
  return VisitBytes(p.element_bytes, [&]<class T>(TypeTag<T>) {
    T value;
    std::memcpy(&value, p.from_input ? operands.in[0] : p.value, sizeof(T));
    auto* y = static_cast<T*>(operands.out[0]);
    StridedWalk<1> at(p.rank, p.dims, elements.begin, p.y_strides);
    for (int64_t i = elements.begin; i < elements.end; ++i, at.Next()) {
      y[p.y_offset + at[0]] = value;
    }
    return StepStatus{};
  });
}

constexpr Kernel kRows[] = {
    {.name = "copy_reference",
     .kind = ProblemKind::kCopy,
     .engine = Engine::kReference,
     .supports = Supports<CopyProblem>,
     .phases = 1,
     .units = Units<CopyProblem>,
     .run = RunCopy},
    {.name = "fill_reference",
     .kind = ProblemKind::kFill,
     .engine = Engine::kReference,
     .supports = Supports<FillProblem>,
     .phases = 1,
     .units = Units<FillProblem>,
     .run = RunFill},
};

}  // namespace

std::span<const Kernel> CopyRows() { return kRows; }

}  // namespace doppio::kernels::reference
