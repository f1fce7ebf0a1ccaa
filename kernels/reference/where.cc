#include "kernels/problems/elementwise.h"
#include "kernels/reference/element_dispatch.h"
#include "kernels/reference/families.h"
#include "kernels/reference/strided_walk.h"

namespace doppio::kernels::reference {
namespace {

bool Supports(const void* problem) {
  return IsElementBytes(static_cast<const WhereProblem*>(problem)->element_bytes);
}

// A unit is kUnitElements elements.
int64_t Units(const void* problem, int) {
  const auto& p = *static_cast<const WhereProblem*>(problem);
  return ElementUnits(CountElements(p.rank, p.dims));
}

StepStatus Run(const void* problem, int, Range range, const Operands& operands, void*) {
  const auto& p = *static_cast<const WhereProblem*>(problem);
  const Range elements = ElementsOf(range, CountElements(p.rank, p.dims));
  const auto* condition = static_cast<const bool*>(operands.in[0]);
  return VisitBytes(p.element_bytes, [&]<class T>(TypeTag<T>) {
    const auto* a = static_cast<const T*>(operands.in[1]);
    const auto* b = static_cast<const T*>(operands.in[2]);
    auto* y = static_cast<T*>(operands.out[0]);
    StridedWalk<4> at(p.rank, p.dims, elements.begin, p.c_strides, p.a_strides, p.b_strides,
                      p.y_strides);
    for (int64_t i = elements.begin; i < elements.end; ++i, at.Next()) {
      y[at[3]] = Load(condition, at[0]) ? a[at[1]] : b[at[2]];
    }
    return StepStatus{};
  });
}

constexpr Kernel kRows[] = {
    {.name = "where_reference",
     .kind = ProblemKind::kWhere,
     .engine = Engine::kReference,
     .supports = Supports,
     .phases = 1,
     .units = Units,
     .run = Run},
};

}  // namespace

std::span<const Kernel> WhereRows() { return kRows; }

}  // namespace doppio::kernels::reference
