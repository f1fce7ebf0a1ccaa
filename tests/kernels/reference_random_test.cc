// Random numbers: decided by the seed, distributed as stated.
#include <cmath>

#include "kernels/problems/random.h"
#include "tests/catch.h"
#include "tests/kernels/run_kernel.h"

namespace doppio::tests {
namespace {

using kernels::Distribution;
using kernels::RandomProblem;

constexpr int64_t kCount = 10000;

std::vector<float> Draw(Distribution distribution, uint64_t seed) {
  RandomProblem p;
  p.distribution = distribution;
  p.seed = seed;
  p.count = kCount;
  std::vector<float> y(kCount);
  CHECK(RunReference(kernels::ProblemKind::kRandom, &p, {nullptr}, {y.data()}).ok());
  return y;
}

double Mean(const std::vector<float>& values, int power) {
  double sum = 0;
  for (const float value : values) sum += std::pow(static_cast<double>(value), power);
  return sum / static_cast<double>(values.size());
}

TEST_CASE("reference random: the same seed draws the same numbers") {
  CHECK(Draw(Distribution::kUniform, 1) == Draw(Distribution::kUniform, 1));
  CHECK(Draw(Distribution::kUniform, 1) != Draw(Distribution::kUniform, 2));
}

TEST_CASE("reference random: moments of uniform and normal numbers") {
  // Tolerances are five standard deviations of the mean of that many numbers.
  const std::vector<float> uniform = Draw(Distribution::kUniform, 3);
  for (const float value : uniform) REQUIRE((value >= 0 && value < 1));
  CHECK(std::fabs(Mean(uniform, 1) - 0.5) < 0.015);
  CHECK(std::fabs(Mean(uniform, 2) - 1.0 / 3) < 0.015);
  const std::vector<float> normal = Draw(Distribution::kNormal, 4);
  CHECK(std::fabs(Mean(normal, 1)) < 0.05);
  CHECK(std::fabs(Mean(normal, 2) - 1) < 0.08);
}

TEST_CASE("reference random: Bernoulli and multinomial draws") {
  RandomProblem p;
  p.distribution = Distribution::kBernoulli;
  p.y_type = ElementType::kInt32;
  p.seed = 5;
  p.count = kCount;
  const std::vector<float> quarter(kCount, 0.25f);
  std::vector<int32_t> y(kCount);
  CHECK(RunReference(kernels::ProblemKind::kRandom, &p, {quarter.data()}, {y.data()}).ok());
  int64_t ones = 0;
  for (const int32_t value : y) ones += value;
  CHECK(std::abs(ones - kCount / 4) < 250);
  p.distribution = Distribution::kMultinomial;
  p.classes = 3;
  p.samples = kCount;
  const std::vector<float> logits = {std::log(1.0f), -1e30f, std::log(3.0f)};
  CHECK(RunReference(kernels::ProblemKind::kRandom, &p, {logits.data()}, {y.data()}).ok());
  int64_t counts[3] = {};
  for (const int32_t value : y) ++counts[value];
  CHECK(counts[1] == 0);
  CHECK(std::abs(counts[0] - kCount / 4) < 250);
}

}  // namespace
}  // namespace doppio::tests
