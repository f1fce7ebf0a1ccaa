#include "kernels/problems/normalize.h"
#include "kernels/reference/element_dispatch.h"
#include "kernels/reference/families.h"

namespace doppio::kernels::reference {
namespace {

bool Supports(const void* problem) {
  return Contains(kFloatTypes, static_cast<const LayerNormProblem*>(problem)->type);
}

// A unit is one set, normalised on its own.
int64_t Units(const void* problem, int) {
  const auto& p = *static_cast<const LayerNormProblem*>(problem);
  return p.n * p.groups;
}

struct Moments {
  double mean = 0, variance = 0;
};

// Mean (0 for RMS) and mean square deviation from it, in two passes.
template <class T>
Moments Measure(const LayerNormProblem& p, const T* x, int64_t channels) {
  Moments m;
  const auto count = static_cast<double>(channels * p.inner);
  if (!p.rms) {
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t i = 0; i < p.inner; ++i) m.mean += Load(x, c * p.x_c + i * p.x_inner);
    }
    m.mean /= count;
  }
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t i = 0; i < p.inner; ++i) {
      const double difference = Load(x, c * p.x_c + i * p.x_inner) - m.mean;
      m.variance += difference * difference;
    }
  }
  m.variance /= count;
  return m;
}

template <class T>
void RunSet(const LayerNormProblem& p, const Operands& operands, int64_t set) {
  const int64_t n = set / p.groups, group = set % p.groups, channels = p.c / p.groups;
  const auto* x = static_cast<const T*>(operands.in[0]) + n * p.x_n + group * channels * p.x_c;
  const auto* scale = static_cast<const T*>(operands.in[1]);
  const auto* shift = static_cast<const T*>(operands.in[2]);
  auto* y = static_cast<T*>(operands.out[0]) + n * p.y_n + group * channels * p.y_c;
  const Moments m = Measure(p, x, channels);
  const double deviation = std::sqrt(m.variance + p.epsilon);
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t i = 0; i < p.inner; ++i) {
      const int64_t parameter = p.per_element ? c * p.inner + i : group * channels + c;
      double value = (Load(x, c * p.x_c + i * p.x_inner) - m.mean) / deviation;
      if (scale != nullptr) value *= Load(scale, parameter);
      if (shift != nullptr) value += Load(shift, parameter);
      Store(y, c * p.y_c + i * p.y_inner, value);
    }
  }
  auto* means = static_cast<float*>(operands.out[1]);
  auto* deviations = static_cast<float*>(operands.out[2]);
  if (means != nullptr) means[set] = static_cast<float>(m.mean);
  if (deviations != nullptr) {
    deviations[set] = static_cast<float>(p.std_output ? deviation : 1 / deviation);
  }
}

StepStatus Run(const void* problem, int, Range range, const Operands& operands, void*) {
  const auto& p = *static_cast<const LayerNormProblem*>(problem);
  return VisitType(kFloatTypes, p.type, [&]<class T>(TypeTag<T>) {
    for (int64_t set = range.begin; set < range.end; ++set) RunSet<T>(p, operands, set);
    return StepStatus{};
  });
}

constexpr Kernel kRows[] = {
    {.name = "layer_norm_reference",
     .kind = ProblemKind::kLayerNorm,
     .engine = Engine::kReference,
     .supports = Supports,
     .phases = 1,
     .units = Units,
     .run = Run},
};

}  // namespace

std::span<const Kernel> LayerNormRows() { return kRows; }

}  // namespace doppio::kernels::reference
