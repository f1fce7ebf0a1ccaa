// Every convolution row against the reference: the cases of tests/cases/conv.txt and generated
// ones.
#include "tests/catch.h"
#include "tests/kernels/check_case.h"
#include "tests/kernels/conv_case.h"
#include "tests/kernels/map_operands.h"
#include "tests/kernels/random.h"
#include "tests/kernels/run_kernel.h"
#include "tests/kernels/sum_tolerance.h"

namespace doppio::tests {
namespace {

using kernels::ConvProblem;
using kernels::ProblemKind;

// Absolute operands, no activation: the sums of absolute values.
std::vector<float> Magnitudes(const ConvCase& conv, const std::vector<float>& x,
                              const std::vector<float>& w, const std::vector<float>& bias,
                              const std::vector<float>& residual, size_t y_size) {
  ConvProblem p = conv.problem;
  p.epilogue.activation = kernels::UnaryOp::kIdentity;
  const auto ax = AbsoluteValues(x), aw = AbsoluteValues(w), ab = AbsoluteValues(bias),
             ar = AbsoluteValues(residual);
  std::vector<float> y(y_size);
  RunReference(conv.transposed ? ProblemKind::kConvTranspose : ProblemKind::kConv, &p,
               {ax.data(), aw.data(), ab.data(), ar.data()}, {y.data()});
  return y;
}

void CheckConv(const ConvCase& conv, Data data, uint64_t seed) {
  const ConvProblem& p = conv.problem;
  Random random(seed);
  const MapSize x_size{p.n, p.c, p.id, p.ih, p.iw}, y_size{p.n, p.m, p.od, p.oh, p.ow};
  const auto y_count = static_cast<size_t>(MapExtent(y_size, p.y));
  const int64_t weights = p.m * (p.c / p.groups) * p.kd * p.kh * p.kw;
  const auto x = RandomMap(x_size, p.x, data, &random);
  const auto w = RandomFloats(weights, data, &random);
  const auto bias = RandomFloats(p.m, data, &random);
  std::vector<float> residual;
  if (p.epilogue.residual) residual = RandomMap(y_size, p.residual, data, &random);
  KernelCase test;
  test.line = ConvCaseLine(conv);
  test.seed = seed;
  test.kind = conv.transposed ? ProblemKind::kConvTranspose : ProblemKind::kConv;
  test.problem = &p;
  test.in = {Operand(x), Operand(w), Operand(bias), Operand(residual)};
  test.in[2].present = p.epilogue.bias;
  test.in[3].present = p.epilogue.residual;
  if (p.epilogue.residual) test.in_place = 3;
  test.out_bytes = {y_count * sizeof(float)};
  const int64_t terms = (p.c / p.groups) * p.kd * p.kh * p.kw + 2;
  test.tolerance =
      SumTolerance(data, p.epilogue, terms, Magnitudes(conv, x, w, bias, residual, y_count));
  CheckCase(test);
}

void CheckLayouts(ConvCase conv, uint64_t seed) {
  for (const MapLayout x : {MapLayout::kChannelsLast, MapLayout::kChannelsFirst}) {
    for (const MapLayout y : {MapLayout::kChannelsLast, MapLayout::kChannelsFirst}) {
      conv.x_layout = x;
      conv.y_layout = y;
      conv.ldx = conv.ldy = 0;
      REQUIRE(CompleteConvCase(&conv));
      CheckConv(conv, Data::kReals, seed);
    }
  }
}

std::vector<ConvCase> FileCases() {
  std::vector<ConvCase> cases;
  for (const std::string& line : ReadCases(DOPPIO_TEST_CASES_FOLDER "/conv.txt")) {
    ConvCase conv;
    std::string error;
    INFO(line);
    const bool parsed = ParseConvCase(line, &conv, &error);
    INFO(error);
    REQUIRE(parsed);
    cases.push_back(conv);
  }
  REQUIRE(!cases.empty());
  return cases;
}

// Some multiple of a vector's length, or beside one.
int64_t Channels(Random* random) {
  constexpr int64_t kVectors[] = {4, 8, 16, 32};
  if (random->Chance(3)) return random->Int(1, 5);
  return std::max<int64_t>(1, random->Pick(kVectors) * random->Int(1, 2) + random->Int(-1, 3));
}

void PickEpilogue(Random* random, kernels::Epilogue* epilogue) {
  constexpr const char* kWords[] = {"relu", "relu6",    "leaky",  "elu",  "sigmoid",
                                    "tanh", "hsigmoid", "hswish", "silu", "gelu"};
  epilogue->bias = !random->Chance(3);
  epilogue->residual = random->Chance(4);
  if (!random->Chance(3)) ParseActivation(random->Pick(kWords), epilogue);
}

void PickSpatial(int rank, Random* random, ConvCase* conv) {
  ConvProblem& p = conv->problem;
  int64_t *const sizes[] = {&p.iw, &p.ih, &p.id}, *const k[] = {&p.kw, &p.kh, &p.kd};
  int64_t *const s[] = {&p.sw, &p.sh, &p.sd}, *const d[] = {&p.dw, &p.dh, &p.dd};
  int64_t* const pad[] = {&p.pw, &p.ph, &p.pd};
  const bool common = random->Chance(2);  // the square 3x3 that rows are made for
  for (int i = 0; i < rank; ++i) {
    *sizes[i] = random->Int(1, rank == 3 ? 6 : 19);
    *k[i] = common ? 3 : random->Int(1, 5);
    *s[i] = common ? 1 + conv->transposed : random->Int(1, 3);
    *d[i] = common ? 1 : random->Int(1, 3);
    *pad[i] = common ? 1 : random->Int(0, 3);
    conv->end_pad[2 - i] = common ? 1 : random->Int(0, 3);
    conv->output_pad[2 - i] = conv->transposed ? random->Int(0, *s[i] - 1) : 0;
  }
}

ConvCase RandomConv(uint64_t seed, bool transposed) {
  Random random(seed);
  for (;;) {
    ConvCase conv;
    conv.transposed = transposed;
    ConvProblem& p = conv.problem;
    p.n = random.Int(1, 3);
    p.c = Channels(&random);
    p.m = Channels(&random);
    if (random.Chance(4)) {
      p.m = p.groups = p.c;  // depthwise
    } else if (random.Chance(4)) {
      p.groups = random.Int(2, 4);
      p.c = std::max<int64_t>(1, p.c / 4) * p.groups;
      p.m = std::max<int64_t>(1, p.m / 4) * p.groups;
    }
    PickSpatial(random.Chance(4) ? (random.Chance(2) ? 1 : 3) : 2, &random, &conv);
    PickEpilogue(&random, &p.epilogue);
    conv.x_layout = random.Chance(3) ? MapLayout::kChannelsFirst : MapLayout::kChannelsLast;
    conv.y_layout = random.Chance(3) ? MapLayout::kChannelsFirst : MapLayout::kChannelsLast;
    constexpr int64_t kPrimes[] = {67, 71, 73, 79};
    if (random.Chance(3)) {
      conv.ldx = conv.x_layout == MapLayout::kChannelsLast ? random.Pick(kPrimes) : 3;
    }
    if (random.Chance(3)) {
      conv.ldy = conv.y_layout == MapLayout::kChannelsLast ? random.Pick(kPrimes) : 5;
    }
    if (CompleteConvCase(&conv) && ConvCaseProducts(conv) < 400000) return conv;
  }
}

// Products of one case in all tests; larger lines of the file are for benchmarks and for [.large].
constexpr int64_t kMostProducts = 8000000;

TEST_CASE("conv: every row equals the reference on the cases of the file, in every layout") {
  for (const ConvCase& conv : FileCases()) {
    if (ConvCaseProducts(conv) <= kMostProducts) CheckLayouts(conv, 1);
  }
}

TEST_CASE("conv: every row equals the reference on the large cases of the file", "[.large]") {
  for (const ConvCase& conv : FileCases()) {
    if (ConvCaseProducts(conv) > kMostProducts) CheckLayouts(conv, 1);
  }
}

TEST_CASE("conv: every row equals the reference on generated problems") {
  for (uint64_t seed = 1; seed <= 150; ++seed) {
    CheckConv(RandomConv(seed, false), seed % 2 == 0 ? Data::kIntegers : Data::kReals, seed);
  }
}

TEST_CASE("conv: every transposed row equals the reference on generated problems") {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    CheckConv(RandomConv(seed, true), seed % 2 == 0 ? Data::kIntegers : Data::kReals, seed);
  }
}

TEST_CASE("conv: an empty batch is no work") {
  ConvCase conv;
  std::string error;
  REQUIRE(ParseConvCase("n0 c8 h5 w5 m8 k3x3 p1 bias relu nhwc", &conv, &error));
  CheckConv(conv, Data::kReals, 1);
}

}  // namespace
}  // namespace doppio::tests
