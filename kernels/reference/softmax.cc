#include "kernels/problems/reduce.h"
#include "kernels/reference/element_dispatch.h"
#include "kernels/reference/families.h"

namespace doppio::kernels::reference {
namespace {

bool Supports(const void* problem) {
  return Contains(kFloatTypes, static_cast<const SoftmaxProblem*>(problem)->type);
}

// A unit is one line along `size`.
int64_t Units(const void* problem, int) {
  const auto& p = *static_cast<const SoftmaxProblem*>(problem);
  return p.size == 0 ? 0 : p.outer * p.inner;
}

// y may be x: every element is read for the last time before it is written.
template <class T>
void RunLine(const SoftmaxProblem& p, const T* x, T* y) {
  int64_t argmax = 0;
  for (int64_t k = 1; k < p.size; ++k) {
    const double value = Load(x, k * p.x_size), best = Load(x, argmax * p.x_size);
    if (value > best || (std::isnan(value) && !std::isnan(best))) argmax = k;
  }
  if (p.op == SoftmaxOp::kHardmax) {
    for (int64_t k = 0; k < p.size; ++k) Store(y, k * p.y_size, k == argmax);
    return;
  }
  const double greatest = Load(x, argmax * p.x_size);
  double sum = 0;
  for (int64_t k = 0; k < p.size; ++k) sum += std::exp(Load(x, k * p.x_size) - greatest);
  for (int64_t k = 0; k < p.size; ++k) {
    const double shifted = Load(x, k * p.x_size) - greatest;
    Store(y, k * p.y_size,
          p.op == SoftmaxOp::kLogSoftmax ? shifted - std::log(sum) : std::exp(shifted) / sum);
  }
}

StepStatus Run(const void* problem, int, Range range, const Operands& operands, void*) {
  const auto& p = *static_cast<const SoftmaxProblem*>(problem);
  return VisitType(kFloatTypes, p.type, [&]<class T>(TypeTag<T>) {
    for (int64_t unit = range.begin; unit < range.end; ++unit) {
      const int64_t outer = unit / p.inner, inner = unit % p.inner;
      RunLine(p, static_cast<const T*>(operands.in[0]) + outer * p.x_outer + inner * p.x_inner,
              static_cast<T*>(operands.out[0]) + outer * p.y_outer + inner * p.y_inner);
    }
    return StepStatus{};
  });
}

constexpr Kernel kRows[] = {
    {.name = "softmax_reference",
     .kind = ProblemKind::kSoftmax,
     .engine = Engine::kReference,
     .supports = Supports,
     .phases = 1,
     .units = Units,
     .run = Run},
};

}  // namespace

std::span<const Kernel> SoftmaxRows() { return kRows; }

}  // namespace doppio::kernels::reference
