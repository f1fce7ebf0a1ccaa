#include "kernels/problems/random.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "kernels/reference/element_dispatch.h"
#include "kernels/reference/families.h"
#include "kernels/reference/strided_walk.h"

namespace doppio::kernels::reference {
namespace {

inline constexpr auto kRandomTypes = kNumericTypes + kBoolType;

const RandomProblem& As(const void* problem) { return *static_cast<const RandomProblem*>(problem); }

bool Supports(const void* problem) {
  const RandomProblem& p = As(problem);
  return Contains(kRandomTypes, p.y_type) && Contains(kFloatTypes, p.x_type);
}

int64_t Units(const void* problem, int) { return ElementUnits(As(problem).count); }

// Bits for a counter under a key: the finaliser of SplitMix64 (Steele, Lea, Flood 2014), twice.
uint64_t BitsAt(uint64_t seed, uint64_t counter) {
  const auto mix = [](uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  };
  constexpr uint64_t kGolden = 0x9e3779b97f4a7c15u;
  return mix(mix(seed + kGolden) + (counter + 1) * kGolden);
}

// In [0, 1), all 53 bits of it.
double UniformAt(uint64_t seed, uint64_t counter) {
  return static_cast<double>(BitsAt(seed, counter) >> 11) * 0x1p-53;
}

// Box and Muller (1958).
double NormalAt(uint64_t seed, uint64_t counter) {
  const double radius = std::sqrt(-2 * std::log(1 - UniformAt(seed, 2 * counter)));
  return radius * std::cos(2 * std::numbers::pi * UniformAt(seed, 2 * counter + 1));
}

// The class at which the running sum of exp(x) passes a share of the whole.
template <class T>
int64_t ClassAt(const T* x, int64_t classes, double share) {
  double greatest = Load(x, 0), whole = 0, sum = 0;
  for (int64_t i = 1; i < classes; ++i) greatest = std::max(greatest, Load(x, i));
  for (int64_t i = 0; i < classes; ++i) whole += std::exp(Load(x, i) - greatest);
  for (int64_t i = 0; i < classes; ++i) {
    sum += std::exp(Load(x, i) - greatest);
    if (share * whole < sum) return i;
  }
  return classes - 1;
}

template <class T>
double Draw(const RandomProblem& p, const T* x, int64_t i) {
  const auto counter = static_cast<uint64_t>(i);
  switch (p.distribution) {
    case Distribution::kUniform:
      return p.a + (p.b - p.a) * UniformAt(p.seed, counter);
    case Distribution::kNormal:
      return p.a + p.b * NormalAt(p.seed, counter);
    case Distribution::kBernoulli:
      return UniformAt(p.seed, counter) < Load(x, i) ? 1 : 0;
    case Distribution::kMultinomial:
      return static_cast<double>(
          ClassAt(x + i / p.samples * p.classes, p.classes, UniformAt(p.seed, counter)));
  }
  return 0;
}

StepStatus Run(const void* problem, int, Range range, const Operands& operands, void*) {
  const RandomProblem& p = As(problem);
  const Range elements = ElementsOf(range, p.count);
  return VisitType(kFloatTypes, p.x_type, [&]<class X>(TypeTag<X>) {
    return VisitType(kRandomTypes, p.y_type, [&]<class Y>(TypeTag<Y>) {
      auto* const y = static_cast<Y*>(operands.out[0]);
      for (int64_t i = elements.begin; i < elements.end; ++i) {
        Store(y, i, static_cast<Wide<Y>>(Draw(p, static_cast<const X*>(operands.in[0]), i)));
      }
      return StepStatus{};
    });
  });
}

constexpr Kernel kRows[] = {{.name = "random_reference",
                             .kind = ProblemKind::kRandom,
                             .engine = Engine::kReference,
                             .supports = Supports,
                             .packed_operand = -1,
                             .phases = 1,
                             .units = Units,
                             .run = Run}};

}  // namespace

std::span<const Kernel> RandomRows() { return kRows; }

}  // namespace doppio::kernels::reference
