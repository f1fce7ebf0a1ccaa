// RandomProblem: numbers drawn from a distribution.
#pragma once

#include <doppio/tensor.h>

#include <cstdint>

namespace doppio::kernels {

enum class Distribution : uint8_t {
  kUniform,      // in [a, b)
  kNormal,       // mean a, standard deviation b
  kBernoulli,    // 1 with the probability in[0][i], else 0
  kMultinomial,  // a class of in[0]'s row, by unnormalised logarithms of probabilities
};

// y[i] is a function of `seed` and i alone: the same numbers in every run, whoever computes which
// part (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", 2011: a generator by
// counter). Operands: in[0] probabilities [count], or logarithms [count / samples, classes], or
// null; out[0] y [count].
struct RandomProblem {
  Distribution distribution = Distribution::kUniform;
  ElementType x_type = ElementType::kFloat;
  ElementType y_type = ElementType::kFloat;
  uint64_t seed = 0;
  double a = 0, b = 1;
  int64_t count = 0;
  int64_t classes = 0, samples = 1;  // kMultinomial
};

}  // namespace doppio::kernels
