#include <algorithm>

#include "kernels/problems/normalize.h"
#include "kernels/reference/element_dispatch.h"
#include "kernels/reference/families.h"

namespace doppio::kernels::reference {
namespace {

bool Supports(const void* problem) {
  const auto& p = *static_cast<const LrnProblem*>(problem);
  return Contains(kFloatTypes, p.type) && p.size > 0;
}

// A unit is one row of one channel.
int64_t Units(const void* problem, int) {
  const auto& p = *static_cast<const LrnProblem*>(problem);
  return p.n * p.c * p.d * p.h;
}

StepStatus Run(const void* problem, int, Range range, const Operands& operands, void*) {
  const auto& p = *static_cast<const LrnProblem*>(problem);
  return VisitType(kFloatTypes, p.type, [&]<class T>(TypeTag<T>) {
    const auto* x = static_cast<const T*>(operands.in[0]);
    auto* y = static_cast<T*>(operands.out[0]);
    auto* terms = static_cast<T*>(operands.out[1]);
    for (int64_t unit = range.begin; unit < range.end; ++unit) {
      const int64_t h = unit % p.h, d = unit / p.h % p.d;
      const int64_t c = unit / (p.h * p.d) % p.c, n = unit / (p.h * p.d * p.c);
      const int64_t first = std::max<int64_t>(0, c - (p.size - 1) / 2);
      const int64_t last = std::min(p.c - 1, c + p.size / 2);
      for (int64_t w = 0; w < p.w; ++w) {
        const int64_t pixel = n * p.x.n + d * p.x.d + h * p.x.h + w * p.x.w;
        double sum = 0;
        for (int64_t i = first; i <= last; ++i) {
          const double value = Load(x, pixel + i * p.x.c);
          sum += value * value;
        }
        const double term = p.bias + p.alpha / static_cast<double>(p.size) * sum;
        const int64_t at = n * p.y.n + c * p.y.c + d * p.y.d + h * p.y.h + w * p.y.w;
        Store(y, at, Load(x, pixel + c * p.x.c) / std::pow(term, p.beta));
        if (terms != nullptr) Store(terms, at, term);
      }
    }
    return StepStatus{};
  });
}

constexpr Kernel kRows[] = {
    {.name = "lrn_reference",
     .kind = ProblemKind::kLrn,
     .engine = Engine::kReference,
     .supports = Supports,
     .phases = 1,
     .units = Units,
     .run = Run},
};

}  // namespace

std::span<const Kernel> LrnRows() { return kRows; }

}  // namespace doppio::kernels::reference
