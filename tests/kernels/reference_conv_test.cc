// The reference convolutions and products against independent formulations and worked examples.
#include <cmath>

#include "kernels/problems/gemm.h"
#include "tests/catch.h"
#include "tests/kernels/conv_case.h"
#include "tests/kernels/map_operands.h"
#include "tests/kernels/random.h"
#include "tests/kernels/run_kernel.h"

namespace doppio::tests {
namespace {

using kernels::ConvProblem;
using kernels::ProblemKind;

// Every product of an input, a weight and the output that it goes to, for NCHW maps of any rank:
// the forward form reads y's place from o = (i + pad - k * dilation) / stride, the transposed one
// from o = i * stride + k * dilation - pad. It walks inputs, where the row under test walks
// outputs.
std::vector<double> Scatter(const ConvCase& conv, const std::vector<float>& x,
                            const std::vector<float>& w) {
  const ConvProblem& p = conv.problem;
  std::vector<double> y(static_cast<size_t>(p.n * p.m * p.od * p.oh * p.ow));
  const int64_t in[3] = {p.id, p.ih, p.iw}, out[3] = {p.od, p.oh, p.ow}, k[3] = {p.kd, p.kh, p.kw};
  const int64_t s[3] = {p.sd, p.sh, p.sw}, d[3] = {p.dd, p.dh, p.dw}, pad[3] = {p.pd, p.ph, p.pw};
  const int64_t pixels = in[0] * in[1] * in[2], taps = k[0] * k[1] * k[2];
  const int64_t channels = p.c / p.groups, outputs = p.m / p.groups;
  for (int64_t at = 0; at < p.n * p.c * pixels * taps; ++at) {
    const int64_t tap = at % taps, pixel = at / taps % pixels, c = at / taps / pixels % p.c;
    const int64_t n = at / taps / pixels / p.c, group = c / channels;
    const int64_t i[3] = {pixel / in[2] / in[1], pixel / in[2] % in[1], pixel % in[2]};
    const int64_t t[3] = {tap / k[2] / k[1], tap / k[2] % k[1], tap % k[2]};
    int64_t to = 0;
    bool meets = true;
    for (int a = 0; a < 3; ++a) {
      int64_t o = i[a] * s[a] + t[a] * d[a] - pad[a];
      if (!conv.transposed) {
        o = i[a] + pad[a] - t[a] * d[a];
        meets = meets && o >= 0 && o % s[a] == 0;
        o /= s[a];
      }
      meets = meets && o >= 0 && o < out[a];
      to = to * out[a] + o;
    }
    if (!meets) continue;
    for (int64_t j = 0; j < outputs; ++j) {
      const int64_t m = group * outputs + j;
      const int64_t weight = conv.transposed ? (c * outputs + j) * taps + tap
                                             : (m * channels + c % channels) * taps + tap;
      const auto y_at = static_cast<size_t>((n * p.m + m) * out[0] * out[1] * out[2] + to);
      y[y_at] +=
          x[static_cast<size_t>((n * p.c + c) * pixels + pixel)] * w[static_cast<size_t>(weight)];
    }
  }
  return y;
}

void CheckAgainstScatter(const char* line) {
  ConvCase conv;
  std::string error;
  INFO(line);
  REQUIRE(ParseConvCase(line, &conv, &error));
  const ConvProblem& p = conv.problem;
  Random random(7);
  const auto x = RandomFloats(p.n * p.c * p.id * p.ih * p.iw, Data::kIntegers, &random);
  const auto w = RandomFloats(p.m * p.c / p.groups * p.kd * p.kh * p.kw, Data::kIntegers, &random);
  const std::vector<double> expected = Scatter(conv, x, w);
  std::vector<float> y(expected.size());
  const auto kind = conv.transposed ? ProblemKind::kConvTranspose : ProblemKind::kConv;
  CHECK(RunReference(kind, &p, {x.data(), w.data(), nullptr, nullptr}, {y.data()}).ok());
  CHECK(std::vector<double>(y.begin(), y.end()) == expected);
}

TEST_CASE("reference conv: equals the sum that walks inputs instead of outputs") {
  CheckAgainstScatter("n2 c4 h7 w6 m6 k3x3 p1");
  CheckAgainstScatter("n1 c4 h9 w8 m6 k3x2 s2x3 p1x0 pe0x2 d2x1 g2");
  CheckAgainstScatter("n1 c6 h8 w8 dw k3x3 s2 p1");
  CheckAgainstScatter("n1 c2 id4 h5 w3 m3 k2x3x2 s1x2x1 p1x0x1");
  CheckAgainstScatter("n3 c2 h1 w17 m2 k5 p2");
}

TEST_CASE("reference conv: the transposed form equals the sum that walks inputs") {
  CheckAgainstScatter("n2 c4 h5 w6 m6 k3x3 p1 transposed");
  CheckAgainstScatter("n1 c4 h5 w4 m6 k3x4 s2x3 p1x2 pe0x1 op1x0 d2x1 g2 transposed");
  CheckAgainstScatter("n1 c2 id3 h4 w3 m3 k2x3x2 s2 transposed");
}

TEST_CASE("reference conv: bias, residual and activation follow the sum, in that order") {
  ConvCase conv;
  std::string error;
  REQUIRE(ParseConvCase("n1 c1 h1 w3 m1 k1x1 bias res relu6", &conv, &error));
  const float x[] = {1, 2, 3}, w[] = {2}, bias[] = {-3}, residual[] = {0.5f, -4, 9};
  float y[3] = {};
  RunReference(ProblemKind::kConv, &conv.problem, {x, w, bias, residual}, {y});
  CHECK(y[0] == 0);  // 2 - 3 + 0.5
  CHECK(y[1] == 0);  // 4 - 3 - 4
  CHECK(y[2] == 6);  // 6 - 3 + 9
}

TEST_CASE("reference gemm: strides, factors, bias and residual of a worked example") {
  kernels::GemmProblem p;
  p.m = 2;
  p.n = 2;
  p.k = 3;
  p.a_row = 3;
  p.b_row = 1;  // b is stored transposed
  p.b_col = 3;
  p.y_row = 2;
  p.residual_row = 2;
  p.alpha = 2;
  p.beta = -1;
  p.epilogue.bias = p.epilogue.residual = true;
  const float a[] = {1, 2, 3, 4, 5, 6}, b[] = {1, 0, -1, 2, 1, 0};
  const float bias[] = {10, 20}, residual[] = {1, 2, 3, 4};
  float y[4] = {};
  RunReference(ProblemKind::kGemm, &p, {a, b, bias, residual}, {y});
  CHECK(y[0] == 2 * -2 - 10 + 1);
  CHECK(y[1] == 2 * 4 - 20 + 2);
  CHECK(y[2] == 2 * -2 - 10 + 3);
  CHECK(y[3] == 2 * 13 - 20 + 4);
}

TEST_CASE("reference gemm: integers wrap and an empty sum is zero") {
  kernels::GemmProblem p;
  p.type = ElementType::kInt8;
  p.a_row = p.b_row = p.y_row = 1;
  const int8_t a[] = {100}, b[] = {3};
  int8_t y[] = {0};
  RunReference(ProblemKind::kGemm, &p, {a, b, nullptr, nullptr}, {y});
  CHECK(y[0] == 44);  // 300 - 256
  p.type = ElementType::kInt64;
  const int64_t wide[] = {INT64_MAX};
  const int64_t two[] = {2};
  int64_t product[] = {0};
  RunReference(ProblemKind::kGemm, &p, {wide, two, nullptr, nullptr}, {product});
  CHECK(product[0] == -2);
  p.k = 0;
  RunReference(ProblemKind::kGemm, &p, {wide, two, nullptr, nullptr}, {product});
  CHECK(product[0] == 0);
}

}  // namespace
}  // namespace doppio::tests
