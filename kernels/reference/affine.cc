#include "kernels/problems/normalize.h"
#include "kernels/reference/element_dispatch.h"
#include "kernels/reference/families.h"
#include "kernels/reference/unary_function.h"

namespace doppio::kernels::reference {
namespace {

bool Supports(const void* problem) {
  const auto& p = *static_cast<const AffineProblem*>(problem);
  return Contains(kFloatTypes, p.type) && IsFloatFunction(p.activation);
}

// A unit is one row of one channel.
int64_t Units(const void* problem, int) {
  const auto& p = *static_cast<const AffineProblem*>(problem);
  return p.n * p.c * p.d * p.h;
}

template <class T>
double LoadOr(const void* values, int64_t i, double missing) {
  return values == nullptr ? missing : Load(static_cast<const T*>(values), i);
}

StepStatus Run(const void* problem, int, Range range, const Operands& operands, void*) {
  const auto& p = *static_cast<const AffineProblem*>(problem);
  return VisitType(kFloatTypes, p.type, [&]<class T>(TypeTag<T>) {
    const auto* x = static_cast<const T*>(operands.in[0]);
    auto* y = static_cast<T*>(operands.out[0]);
    for (int64_t unit = range.begin; unit < range.end; ++unit) {
      const int64_t h = unit % p.h, d = unit / p.h % p.d;
      const int64_t c = unit / (p.h * p.d) % p.c, n = unit / (p.h * p.d * p.c);
      const double scale = LoadOr<T>(operands.in[1], c, 1), shift = LoadOr<T>(operands.in[2], c, 0);
      const double mean = LoadOr<T>(operands.in[3], c, 0);
      const double deviation =
          operands.in[4] == nullptr ? 1 : std::sqrt(LoadOr<T>(operands.in[4], c, 1) + p.epsilon);
      for (int64_t w = 0; w < p.w; ++w) {
        const double value = Load(x, n * p.x.n + c * p.x.c + d * p.x.d + h * p.x.h + w * p.x.w);
        const double result = scale * (value - mean) / deviation + shift;
        Store(y, n * p.y.n + c * p.y.c + d * p.y.d + h * p.y.h + w * p.y.w,
              EvaluateUnary(p.activation, p.alpha, p.beta, result));
      }
    }
    return StepStatus{};
  });
}

constexpr Kernel kRows[] = {
    {.name = "affine_reference",
     .kind = ProblemKind::kAffine,
     .engine = Engine::kReference,
     .supports = Supports,
     .phases = 1,
     .units = Units,
     .run = Run},
};

}  // namespace

std::span<const Kernel> AffineRows() { return kRows; }

}  // namespace doppio::kernels::reference
