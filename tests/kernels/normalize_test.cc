// Every affine, local response and layer normalisation row against the reference.
#include "kernels/problems/normalize.h"

#include <cmath>

#include "tests/catch.h"
#include "tests/kernels/case_line.h"
#include "tests/kernels/check_case.h"
#include "tests/kernels/map_operands.h"
#include "tests/kernels/random.h"

namespace doppio::tests {
namespace {

using kernels::ProblemKind;

// Sizes, layouts and strides of a problem that maps [n, c, d, h, w] to the same.
template <class Problem>
std::string PickMaps(Random* random, Problem* p) {
  p->n = random->Int(1, 3);
  p->c = random->Int(1, 37);
  p->d = random->Chance(4) ? 2 : 1;
  p->h = random->Int(1, 9);
  p->w = random->Int(1, 9);
  const auto layout = [&] {
    return random->Chance(2) ? MapLayout::kChannelsLast : MapLayout::kChannelsFirst;
  };
  p->x = StridesOf(layout(), p->c, p->d, p->h, p->w, random->Chance(3) ? 41 : 0);
  p->y = StridesOf(layout(), p->c, p->d, p->h, p->w, random->Chance(3) ? 43 : 0);
  return std::string("n") + std::to_string(p->n) + " c" + std::to_string(p->c) + " d" +
         std::to_string(p->d) + " h" + std::to_string(p->h) + " w" + std::to_string(p->w);
}

template <class Problem>
MapSize SizeOf(const Problem& p) {
  return {p.n, p.c, p.d, p.h, p.w};
}

TEST_CASE("affine: every row equals the reference, with any of its operands absent") {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    Random random(seed);
    kernels::AffineProblem p;
    KernelCase test;
    test.line = std::string("affine ") + PickMaps(&random, &p);
    if (random.Chance(2)) p.activation = kernels::UnaryOp::kRelu;
    test.seed = seed;
    test.kind = ProblemKind::kAffine;
    test.problem = &p;
    test.in = {Operand(RandomMap(SizeOf(p), p.x, Data::kReals, &random))};
    for (int i = 1; i < 5; ++i) {
      auto values = RandomFloats(p.c, Data::kReals, &random);
      if (i == 4) {
        for (float& value : values) value = value * value + 0.25f;
      }
      test.in.push_back(Operand(values));
      test.in.back().present = !random.Chance(4);
    }
    test.out_bytes = {static_cast<size_t>(MapExtent(SizeOf(p), p.y)) * sizeof(float)};
    // |scale|, |x|, |mean|, |shift| <= 1 and the deviation is at least 1/2: terms of up to 4, each
    // within a few roundings.
    test.tolerance = [](const kernels::Kernel&, int64_t, double) { return 32 * kFloatRounding; };
    CheckCase(test);
  }
}

TEST_CASE("lrn: every row equals the reference") {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    Random random(seed);
    kernels::LrnProblem p;
    KernelCase test;
    test.line = std::string("lrn ") + PickMaps(&random, &p);
    p.size = random.Int(1, 7);
    p.alpha = random.Real(1e-4, 1);
    p.beta = random.Chance(2) ? 0.75 : 0.5;
    test.seed = seed;
    test.kind = ProblemKind::kLrn;
    test.problem = &p;
    test.in = {Operand(RandomMap(SizeOf(p), p.x, Data::kReals, &random))};
    test.out_bytes = {static_cast<size_t>(MapExtent(SizeOf(p), p.y)) * sizeof(float)};
    // A sum of at most 7 squares, a power and a quotient.
    test.tolerance = [](const kernels::Kernel&, int64_t, double y) {
      return 16 * kFloatRounding * std::fabs(y) + FunctionTolerance(y);
    };
    CheckCase(test);
  }
}

TEST_CASE("layernorm: every row equals the reference for layers, instances and groups") {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    Random random(seed);
    kernels::LayerNormProblem p;
    p.n = random.Int(1, 4);
    p.groups = random.Int(1, 3);
    p.c = p.groups * random.Int(1, 5);
    p.inner = random.Int(2, 70);
    p.rms = random.Chance(3);
    p.per_element = random.Chance(2);
    if (p.per_element) p.c = p.groups = 1;
    p.x_inner = p.y_inner = 1;
    p.x_c = p.inner + (random.Chance(3) ? 5 : 0);
    p.y_c = p.inner;
    p.x_n = p.x_c * p.c;
    p.y_n = p.y_c * p.c;
    const int64_t parameters = p.per_element ? p.inner : p.c;
    KernelCase test;
    test.line = std::string("layernorm n") + std::to_string(p.n) + " c" + std::to_string(p.c) +
                " groups" + std::to_string(p.groups) + " inner" + std::to_string(p.inner);
    test.seed = seed;
    test.kind = ProblemKind::kLayerNorm;
    test.problem = &p;
    test.in = {Operand(RandomMap({1, p.n, 1, p.c, p.inner}, {0, p.x_n, 0, p.x_c, 1}, Data::kReals,
                                 &random)),
               Operand(RandomFloats(parameters, Data::kReals, &random)),
               Operand(RandomFloats(parameters, Data::kReals, &random))};
    for (size_t i = 1; i < 3; ++i) test.in[i].present = !random.Chance(3);
    test.out_bytes = {static_cast<size_t>(p.n * p.c * p.inner) * sizeof(float)};
    // Of K values within 1, mean and variance carry 4 sqrt(K) roundings at most; the quotient by a
    // deviation d enlarges them by 1/d, which for two or more random values stays below 2^9.
    const double relative = 4 + 4 * std::sqrt(static_cast<double>(p.c / p.groups * p.inner));
    test.tolerance = [relative](const kernels::Kernel&, int64_t, double y) {
      return kFloatRounding * (512 + relative * (2 + std::fabs(y)) * 8);
    };
    CheckCase(test);
  }
}

}  // namespace
}  // namespace doppio::tests
