#include "kernels/problems/top_k.h"

#include <algorithm>
#include <numeric>

#include "kernels/reference/element_dispatch.h"
#include "kernels/reference/families.h"

namespace doppio::kernels::reference {
namespace {

const TopKProblem& As(const void* problem) { return *static_cast<const TopKProblem*>(problem); }

bool Supports(const void* problem) { return Contains(kNumericTypes, As(problem).type); }

// A unit is one row of values.
int64_t Units(const void* problem, int) { return As(problem).outer * As(problem).inner; }

size_t ScratchBytes(const void* problem) {
  return static_cast<size_t>(As(problem).size) * sizeof(int64_t);
}

// Whether the value at `a` comes before the one at `b`.
template <class W>
bool Before(W a, W b, int64_t at_a, int64_t at_b, bool least) {
  if (IsNan(a) || IsNan(b)) {
    if (IsNan(a) != IsNan(b)) return IsNan(a) != least;
  } else if (a != b) {
    return (a > b) != least;
  }
  return at_a < at_b;
}

StepStatus Run(const void* problem, int, Range range, const Operands& operands, void* scratch) {
  const TopKProblem& p = As(problem);
  auto* const order = static_cast<int64_t*>(scratch);
  return VisitType(kNumericTypes, p.type, [&]<class T>(TypeTag<T>) {
    auto* const values = static_cast<T*>(operands.out[0]);
    auto* const positions = static_cast<int64_t*>(operands.out[1]);
    for (int64_t unit = range.begin; unit < range.end; ++unit) {
      const int64_t outer = unit / p.inner, inner = unit % p.inner;
      const auto* x = static_cast<const T*>(operands.in[0]) + outer * p.x_outer + inner * p.x_inner;
      std::iota(order, order + p.size, int64_t{0});
      std::partial_sort(order, order + p.k, order + p.size, [&](int64_t a, int64_t b) {
        return Before(Load(x, a * p.x_size), Load(x, b * p.x_size), a, b, p.least);
      });
      const int64_t at = outer * p.y_outer + inner * p.y_inner;
      for (int64_t i = 0; i < p.k; ++i) {
        if (values != nullptr) values[at + i * p.y_k] = x[order[i] * p.x_size];
        if (positions != nullptr) positions[at + i * p.y_k] = order[i];
      }
    }
    return StepStatus{};
  });
}

constexpr Kernel kRows[] = {{.name = "top_k_reference",
                             .kind = ProblemKind::kTopK,
                             .engine = Engine::kReference,
                             .supports = Supports,
                             .packed_operand = -1,
                             .scratch_bytes = ScratchBytes,
                             .phases = 1,
                             .units = Units,
                             .run = Run}};

}  // namespace

std::span<const Kernel> TopKRows() { return kRows; }

}  // namespace doppio::kernels::reference
