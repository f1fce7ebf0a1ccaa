// Every product row against the reference: the cases of tests/cases/gemm.txt and generated ones.
#include "tests/catch.h"
#include "tests/kernels/check_case.h"
#include "tests/kernels/gemm_case.h"
#include "tests/kernels/random.h"
#include "tests/kernels/run_kernel.h"
#include "tests/kernels/sum_tolerance.h"

namespace doppio::tests {
namespace {

using kernels::GemmProblem;
using kernels::ProblemKind;

// A matrix of every batch in its own memory, gaps NaN.
std::vector<float> RandomMatrix(int64_t batches, int64_t batch, int64_t rows, int64_t row,
                                int64_t columns, int64_t column, Data data, Random* random) {
  return RandomMap({1, 1, batches, rows, columns}, {0, 0, batch, row, column}, data, random);
}

struct Matrices {
  std::vector<float> a, b, bias, residual;
};

Matrices MakeMatrices(const GemmCase& gemm, Data data, Random* random) {
  const GemmProblem& p = gemm.problem;
  const int64_t n = gemm.batches;
  Matrices m;
  m.a = RandomMatrix(n, p.a_batch[0], p.m, p.a_row, p.k, p.a_col, data, random);
  m.b = RandomMatrix(n, p.b_batch[0], p.k, p.b_row, p.n, p.b_col, data, random);
  if (p.epilogue.bias) {
    m.bias = RandomMatrix(1, 0, p.m, p.bias_row, p.n, p.bias_col, data, random);
  }
  if (p.epilogue.residual) {
    m.residual = RandomMatrix(n, p.residual_batch[0], p.m, p.residual_row, p.n, p.residual_col,
                              data, random);
  }
  return m;
}

std::vector<float> Magnitudes(GemmProblem p, const Matrices& m, size_t y_count) {
  p.epilogue.activation = kernels::UnaryOp::kIdentity;
  p.alpha = std::fabs(p.alpha);
  p.beta = std::fabs(p.beta);
  const auto a = AbsoluteValues(m.a), b = AbsoluteValues(m.b), bias = AbsoluteValues(m.bias),
             residual = AbsoluteValues(m.residual);
  std::vector<float> y(y_count);
  RunReference(ProblemKind::kGemm, &p, {a.data(), b.data(), bias.data(), residual.data()},
               {y.data()});
  return y;
}

void CheckGemm(const GemmCase& gemm, Data data, uint64_t seed) {
  const GemmProblem& p = gemm.problem;
  Random random(seed);
  const Matrices m = MakeMatrices(gemm, data, &random);
  const auto y_count = static_cast<size_t>(
      MapExtent({1, 1, gemm.batches, p.m, p.n}, {0, 0, p.y_batch[0], p.y_row, p.y_col}));
  KernelCase test;
  test.line = GemmCaseLine(gemm);
  test.seed = seed;
  test.kind = ProblemKind::kGemm;
  test.problem = &p;
  test.in = {Operand(m.a), Operand(m.b), Operand(m.bias), Operand(m.residual)};
  test.in[2].present = p.epilogue.bias;
  test.in[3].present = p.epilogue.residual;
  if (p.epilogue.residual) test.in_place = 3;
  test.out_bytes = {y_count * sizeof(float)};
  test.tolerance = SumTolerance(data, p.epilogue, p.k + 2, Magnitudes(p, m, y_count));
  CheckCase(test);
}

GemmCase RandomGemm(uint64_t seed) {
  Random random(seed);
  constexpr int64_t kSizes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 32, 33, 35, 48, 67};
  constexpr const char* kActivations[] = {"relu", "relu6", "sigmoid", "tanh", "gelu", "silu"};
  GemmCase gemm;
  GemmProblem& p = gemm.problem;
  p.m = random.Pick(kSizes);
  p.n = random.Pick(kSizes);
  p.k = random.Chance(20) ? 0 : random.Pick(kSizes);
  gemm.a_transposed = random.Chance(3);
  gemm.b_transposed = random.Chance(2);
  if (random.Chance(3)) gemm.batches = random.Int(2, 4);
  gemm.a_repeated = random.Chance(4);
  gemm.b_repeated = random.Chance(3);
  if (random.Chance(3)) gemm.lda = 71;
  if (random.Chance(3)) gemm.ldb = 73;
  if (random.Chance(3)) gemm.ldy = 79;
  p.epilogue.bias = random.Chance(2);
  gemm.bias_rows = random.Chance(3);
  gemm.bias_columns = !gemm.bias_rows || random.Chance(2);
  p.epilogue.residual = random.Chance(3);
  if (random.Chance(2)) ParseActivation(random.Pick(kActivations), &p.epilogue);
  if (random.Chance(4)) p.alpha = 0.5f;
  if (random.Chance(4)) p.beta = -2;
  CompleteGemmCase(&gemm);
  return gemm;
}

TEST_CASE("gemm: every row equals the reference on the cases of the file") {
  const auto lines = ReadCases(DOPPIO_TEST_CASES_FOLDER "/gemm.txt");
  REQUIRE(!lines.empty());
  for (const std::string& line : lines) {
    GemmCase gemm;
    std::string error;
    REQUIRE(ParseGemmCase(line, &gemm, &error));
    const GemmProblem& p = gemm.problem;
    if (p.m * p.n * p.k * gemm.batches <= 8000000) CheckGemm(gemm, Data::kReals, 1);
  }
}

TEST_CASE("gemm: every row equals the reference on generated problems") {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    CheckGemm(RandomGemm(seed), seed % 2 == 0 ? Data::kIntegers : Data::kReals, seed);
  }
}

}  // namespace
}  // namespace doppio::tests
