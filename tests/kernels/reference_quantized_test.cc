// Quantised problems: sums scaled down to 8 bits, held against real arithmetic.
#include <algorithm>
#include <cmath>

#include "kernels/problems/conv.h"
#include "kernels/problems/quantized.h"
#include "tests/catch.h"
#include "tests/kernels/random.h"
#include "tests/kernels/run_kernel.h"

namespace doppio::tests {
namespace {

using kernels::ProblemKind;
using kernels::RequantizeProblem;
using kernels::Rescale;

std::vector<uint8_t> Requantized(const RequantizeProblem& problem, const std::vector<int32_t>& x) {
  std::vector<uint8_t> y(x.size());
  CHECK(RunReference(ProblemKind::kRequantize, &problem, {x.data()}, {y.data()}).ok());
  return y;
}

TEST_CASE("reference requantize: the nearest integer, ties away from zero") {
  RequantizeProblem p;
  p.scale = 0.25f;
  p.zero_point = 100;
  p.count = 9;
  const std::vector<int32_t> x = {0, 1, 2, 3, -1, -2, -3, 1 << 20, -(1 << 20)};
  // A quarter is rounded to a half first, and the half to one: the price of two roundings.
  CHECK(Requantized(p, x) == std::vector<uint8_t>{100, 101, 101, 101, 100, 99, 99, 255, 0});
  p.rescale = Rescale::kOneRounding;
  CHECK(Requantized(p, x) == std::vector<uint8_t>{100, 100, 101, 101, 100, 99, 99, 255, 0});
  p.low = 100;
  CHECK(Requantized(p, x) == std::vector<uint8_t>{100, 100, 101, 101, 100, 100, 100, 255, 100});
}

TEST_CASE("reference requantize: every scale that is taken, within the roundings of the product") {
  for (const Rescale rescale : {Rescale::kTwoRoundings, Rescale::kOneRounding}) {
    for (int power = -32; power < (rescale == Rescale::kOneRounding ? 8 : 0); ++power) {
      RequantizeProblem p;
      p.rescale = rescale;
      p.scale = std::ldexp(1.37f, power);
      if (p.scale >= 1 && rescale == Rescale::kTwoRoundings) continue;
      p.zero_point = 128;
      std::vector<int32_t> x;
      for (int32_t i = -300; i <= 300; ++i) {
        const double reach = std::min(150.0 / static_cast<double>(p.scale), 2e9);
        x.push_back(static_cast<int32_t>(reach * i / 300));
      }
      p.count = static_cast<int64_t>(x.size());
      const std::vector<uint8_t> y = Requantized(p, x);
      for (size_t i = 0; i < x.size(); ++i) {
        const double real = std::clamp(static_cast<double>(p.scale) * x[i] + 128, 0.0, 255.0);
        INFO("scale " << p.scale << ", x " << x[i]);
        const double roundings = rescale == Rescale::kTwoRoundings ? 0.75 : 0.5;
        REQUIRE(std::fabs(real - y[i]) <= roundings + 1e-5);
      }
    }
  }
  RequantizeProblem outside;
  outside.scale = 1;
  CHECK(FindReference(ProblemKind::kRequantize, &outside) == nullptr);
}

TEST_CASE("reference quantized add: two scales and three zero points") {
  kernels::QuantizedAddProblem p;
  p.a_scale = 0.5f;
  p.b_scale = 3;
  p.a_zero_point = 10;
  p.b_zero_point = 20;
  p.y_zero_point = 5;
  p.count = 4;
  const uint8_t a[] = {10, 12, 13, 0}, b[] = {20, 21, 20, 19};
  uint8_t y[4] = {};
  CHECK(RunReference(ProblemKind::kQuantizedAdd, &p, {a, b}, {y}).ok());
  CHECK(std::vector<int>(y, y + 4) == std::vector<int>{5, 9, 7, 0});  // 1.5 goes away from zero
}

TEST_CASE("reference quantized softmax: shares of 256") {
  kernels::QuantizedSoftmaxProblem p;
  p.scale = 0.1f;
  p.rows = 2;
  p.columns = 3;
  const uint8_t x[] = {7, 7, 7, 0, 255, 0};
  uint8_t y[6] = {};
  CHECK(RunReference(ProblemKind::kQuantizedSoftmax, &p, {x}, {y}).ok());
  CHECK(std::vector<int>(y, y + 6) == std::vector<int>{85, 85, 85, 0, 255, 0});
}

TEST_CASE("reference lookup: any function of a byte") {
  kernels::LookupProblem p;
  p.count = 3;
  for (int i = 0; i < 256; ++i) p.table[i] = static_cast<uint8_t>(255 - i);
  uint8_t x[] = {0, 1, 255};
  CHECK(RunReference(ProblemKind::kLookup, &p, {x}, {x}).ok());
  CHECK(std::vector<int>(x, x + 3) == std::vector<int>{255, 254, 0});
}

TEST_CASE("reference convolution of bytes subtracts zero points and pads with them") {
  kernels::ConvProblem p;
  p.type = ElementType::kUint8;
  p.x_zero_point = 3;
  p.w_zero_point = 1;
  p.iw = 3;
  p.ow = 3;
  p.kw = 3;
  p.pw = 1;
  p.x.w = p.y.w = p.w.w = 1;
  p.epilogue.bias = true;
  const uint8_t x[] = {4, 3, 255}, w[] = {0, 1, 255};
  const int32_t bias[] = {1000};
  int32_t y[3] = {};
  CHECK(RunReference(ProblemKind::kConv, &p, {x, w, bias, nullptr}, {y}).ok());
  CHECK(std::vector<int>(y, y + 3) == std::vector<int>{1000, 1000 - 1 + 252 * 254, 1000});
}

}  // namespace
}  // namespace doppio::tests
