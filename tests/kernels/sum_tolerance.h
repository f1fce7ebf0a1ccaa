// How far a sum of products in float, with an epilogue, may be from the exact one.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/kernel.h"
#include "kernels/problems/conv.h"
#include "tests/kernels/check_case.h"
#include "tests/kernels/map_operands.h"

namespace doppio::tests {

// With u = 2^-24, K terms and S = the sum of their absolute values (bias and residual included), a
// sum in float is within u (4 + 4 sqrt(K)) S of the exact one, except with negligible probability
// (Higham and Mary 2019, "A new approach to probabilistic rounding error analysis", with lambda =
// 4; for K <= 22 it is the certain bound (K + 1) u S). Rows that transform mix neighbouring
// outputs, with constants whose products reach 32: theirs is 32 times that, with the greatest S of
// the whole output. Activations stretch differences by less than 2 and add their own rounding.
// Integer data and an activation that only selects give exact results.
struct SumTolerance {
  Data data;
  kernels::Epilogue epilogue;
  int64_t terms;
  std::shared_ptr<std::vector<float>> magnitudes;  // S of every element of y
  float greatest = 0;

  SumTolerance(Data data, const kernels::Epilogue& epilogue, int64_t terms,
               std::vector<float> magnitudes)
      : data(data),
        epilogue(epilogue),
        terms(terms),
        magnitudes(std::make_shared<std::vector<float>>(std::move(magnitudes))),
        greatest(Greatest(*this->magnitudes)) {}

  static bool Selects(kernels::UnaryOp op) {
    return op == kernels::UnaryOp::kIdentity || op == kernels::UnaryOp::kRelu ||
           op == kernels::UnaryOp::kClip || op == kernels::UnaryOp::kLeakyRelu;
  }

  double operator()(const kernels::Kernel& row, int64_t i, double expected) const {
    const bool selects = Selects(epilogue.activation);
    if (data == Data::kIntegers && selects && !row.transforms) return 0;
    const double magnitude =
        row.transforms ? 32.0 * greatest : (*magnitudes)[static_cast<size_t>(i)];
    const double sum = kFloatRounding * (4 + 4 * std::sqrt(static_cast<double>(terms))) * magnitude;
    return selects ? sum + kFloatRounding * std::fabs(expected)
                   : 2 * sum + FunctionTolerance(expected);
  }
};

}  // namespace doppio::tests
