// The reference normalisations against worked examples.
#include <cmath>

#include "kernels/problems/normalize.h"
#include "tests/catch.h"
#include "tests/kernels/run_kernel.h"

namespace doppio::tests {
namespace {

using kernels::ProblemKind;

TEST_CASE("reference affine: batch normalisation of two channels") {
  kernels::AffineProblem p;
  p.epsilon = 0;
  p.c = 2;
  p.w = 2;
  p.x = p.y = {4, 2, 2, 2, 1};
  const float x[] = {1, 3, 10, 20}, scale[] = {2, 1}, shift[] = {0, 5}, mean[] = {1, 10},
              variance[] = {4, 25};
  float y[4] = {};
  RunReference(ProblemKind::kAffine, &p, {x, scale, shift, mean, variance}, {y});
  CHECK(std::vector<float>(y, y + 4) == std::vector<float>{0, 2, 5, 7});
  RunReference(ProblemKind::kAffine, &p, {x, nullptr, shift, nullptr, nullptr}, {y});
  CHECK(std::vector<float>(y, y + 4) == std::vector<float>{1, 3, 15, 25});
}

TEST_CASE("reference lrn: the window is cut at the first and last channel") {
  kernels::LrnProblem p;
  p.size = 3;
  p.alpha = 3;
  p.beta = 1;
  p.c = 3;
  p.x = p.y = {3, 1, 1, 1, 1};
  const float x[] = {1, 2, 3};
  float y[3] = {}, terms[3] = {};
  RunReference(ProblemKind::kLrn, &p, {x}, {y, terms});
  CHECK(std::vector<float>(terms, terms + 3) == std::vector<float>{6, 15, 14});
  CHECK(y[1] == Approx(2.0 / 15));
  p.size = 2;  // nothing before, one after
  RunReference(ProblemKind::kLrn, &p, {x}, {y, terms});
  CHECK(std::vector<float>(terms, terms + 3) == std::vector<float>{8.5f, 20.5f, 14.5f});
}

TEST_CASE("reference layernorm: layers with moments, and groups of channels") {
  kernels::LayerNormProblem p;
  p.epsilon = 0;
  p.per_element = true;
  p.inner = 4;
  p.x_n = p.y_n = 4;
  const float x[] = {1, 1, 3, 3}, scale[] = {1, 2, 3, 4}, shift[] = {10, 10, 10, 10};
  float y[4] = {}, mean = 0, inverse = 0;
  RunReference(ProblemKind::kLayerNorm, &p, {x, scale, shift}, {y, &mean, &inverse});
  CHECK(std::vector<float>(y, y + 4) == std::vector<float>{9, 8, 13, 14});
  CHECK(mean == 2);
  CHECK(inverse == 1);
  kernels::LayerNormProblem g;
  g.epsilon = 0;
  g.c = 4;
  g.groups = 2;
  g.x_c = g.y_c = 1;
  const float pairs[] = {1, 3, 10, 30};
  RunReference(ProblemKind::kLayerNorm, &g, {pairs, nullptr, shift}, {y, nullptr, nullptr});
  CHECK(std::vector<float>(y, y + 4) == std::vector<float>{9, 11, 9, 11});
}

TEST_CASE("reference layernorm: RMS keeps the mean") {
  kernels::LayerNormProblem p;
  p.epsilon = 0;
  p.rms = true;
  p.inner = 2;
  const float x[] = {1, 7};
  float y[2] = {}, deviation = 0;
  p.std_output = true;
  RunReference(ProblemKind::kLayerNorm, &p, {x, nullptr, nullptr}, {y, nullptr, &deviation});
  CHECK(y[1] == Approx(1.4));
  CHECK(deviation == 5);
}

}  // namespace
}  // namespace doppio::tests
