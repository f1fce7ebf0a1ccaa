// The parsers of tests/cases.
#include "tests/kernels/case_line.h"

#include "tests/catch.h"
#include "tests/kernels/conv_case.h"
#include "tests/kernels/gemm_case.h"
#include "tests/kernels/pool_case.h"

namespace doppio::tests {
namespace {

TEST_CASE("case lines: a convolution's words set its problem") {
  ConvCase conv;
  std::string error;
  REQUIRE(
      ParseConvCase("n2 c6 h9 w8 m4 k3x5 s2 p1x2 d1 g2 bias relu6 nhwc ldx7 # why", &conv, &error));
  const kernels::ConvProblem& p = conv.problem;
  CHECK(p.n == 2);
  CHECK(p.groups == 2);
  CHECK(p.kd == 1);
  CHECK(p.kh == 3);
  CHECK(p.kw == 5);
  CHECK(p.sd == 1);
  CHECK(p.sw == 2);
  CHECK(p.pd == 0);
  CHECK(p.ph == 1);
  CHECK(p.pw == 2);
  CHECK(p.oh == 5);
  CHECK(p.ow == 4);
  CHECK(p.epilogue.bias);
  CHECK(p.epilogue.beta == 6);
  CHECK(p.x.w == 7);
  CHECK(p.y.w == 4);
  CHECK(p.w.n == 3 * 15);
}

TEST_CASE("case lines: a convolution survives being printed and parsed") {
  ConvCase conv, again;
  std::string error;
  REQUIRE(ParseConvCase("n1 c4 id3 h5 w6 m6 k2x3x3 s2 p1 op1 transposed res hswish x:nhwc ldy9",
                        &conv, &error));
  REQUIRE(ParseConvCase(ConvCaseLine(conv), &again, &error));
  CHECK(ConvCaseLine(again) == ConvCaseLine(conv));
  CHECK(again.problem.oh == conv.problem.oh);
  CHECK(again.problem.y.w == conv.problem.y.w);
}

TEST_CASE("case lines: what is not a case is refused with its word") {
  ConvCase conv;
  std::string error;
  CHECK_FALSE(ParseConvCase("n1 c4 h5 w6 m6 k3x3 sparkling", &conv, &error));
  CHECK(error.find("sparkling") != std::string::npos);
  CHECK_FALSE(ParseConvCase("n1 c4 h5 w6 m6 k9x9", &conv, &error));
  CHECK_FALSE(ParseConvCase("n1 c4 h5 w6 m6 k3x3 g3", &conv, &error));
}

TEST_CASE("case lines: products and pooling survive being printed and parsed") {
  GemmCase gemm, gemm_again;
  std::string error;
  REQUIRE(ParseGemmCase("m3 n4 k5 b2 tb repeata biasm res gelu ldy7", &gemm, &error));
  CHECK(gemm.problem.b_row == 1);
  CHECK(gemm.problem.b_col == 5);
  CHECK(gemm.problem.a_batch[0] == 0);
  REQUIRE(ParseGemmCase(GemmCaseLine(gemm), &gemm_again, &error));
  CHECK(GemmCaseLine(gemm_again) == GemmCaseLine(gemm));
  PoolCase pool, pool_again;
  REQUIRE(ParsePoolCase("average n1 c3 h6 w6 k3x3 s2 p0 pe1 ceil include_pad nhwc", &pool, &error));
  CHECK(pool.problem.oh == 3);
  REQUIRE(ParsePoolCase(PoolCaseLine(pool), &pool_again, &error));
  CHECK(PoolCaseLine(pool_again) == PoolCaseLine(pool));
}

}  // namespace
}  // namespace doppio::tests
