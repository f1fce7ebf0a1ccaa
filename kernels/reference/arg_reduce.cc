#include "kernels/problems/reduce.h"
#include "kernels/reference/element_dispatch.h"
#include "kernels/reference/families.h"

namespace doppio::kernels::reference {
namespace {

bool Supports(const void* problem) {
  const auto& p = *static_cast<const ArgReduceProblem*>(problem);
  return Contains(kNumericTypes, p.type) && p.size > 0;
}

// A unit is one output element.
int64_t Units(const void* problem, int) {
  const auto& p = *static_cast<const ArgReduceProblem*>(problem);
  return p.outer * p.inner;
}

// Whether `value` takes the place of `best`, which stands before it.
template <class W>
bool Wins(const ArgReduceProblem& p, W value, W best) {
  if (IsNan(best)) return p.select_last && IsNan(value);
  if (IsNan(value)) return true;
  if (value == best) return p.select_last;
  return p.least ? value < best : value > best;
}

StepStatus Run(const void* problem, int, Range range, const Operands& operands, void*) {
  const auto& p = *static_cast<const ArgReduceProblem*>(problem);
  return VisitType(kNumericTypes, p.type, [&]<class T>(TypeTag<T>) {
    auto* y = static_cast<int64_t*>(operands.out[0]);
    for (int64_t unit = range.begin; unit < range.end; ++unit) {
      const int64_t outer = unit / p.inner, inner = unit % p.inner;
      const auto* x = static_cast<const T*>(operands.in[0]) + outer * p.x_outer + inner * p.x_inner;
      int64_t best = 0;
      for (int64_t k = 1; k < p.size; ++k) {
        if (Wins(p, Load(x, k * p.x_size), Load(x, best * p.x_size))) best = k;
      }
      y[outer * p.y_outer + inner * p.y_inner] = best;
    }
    return StepStatus{};
  });
}

constexpr Kernel kRows[] = {
    {.name = "arg_reduce_reference",
     .kind = ProblemKind::kArgReduce,
     .engine = Engine::kReference,
     .supports = Supports,
     .phases = 1,
     .units = Units,
     .run = Run},
};

}  // namespace

std::span<const Kernel> ArgReduceRows() { return kRows; }

}  // namespace doppio::kernels::reference
