// That oneDNN takes ordinary problems: a row that refused everything would pass all comparisons.
#include "kernels/dnnl/rows.h"
#include "kernels/problems/normalize.h"
#include "tests/catch.h"
#include "tests/kernels/conv_case.h"
#include "tests/kernels/gemm_case.h"
#include "tests/kernels/pool_case.h"

namespace doppio::tests {
namespace {

bool IsTaken(kernels::ProblemKind kind, const void* problem) {
  const std::vector<float> zeros(1 << 16);
  const std::vector<const void*> in(8, zeros.data());
  for (const kernels::Kernel& row : kernels::dnnl::Rows()) {
    if (row.kind != kind || !row.supports(problem)) continue;
    void* handle = row.prepare(problem, in.data());
    if (handle == nullptr) continue;
    row.release(handle);
    return true;
  }
  return false;
}

TEST_CASE("dnnl: ordinary convolutions are taken") {
  for (const char* line :
       {"n1 c16 h9 w9 m32 k3x3 p1 bias relu nhwc", "n1 c16 h9 w9 m32 k3x3 p1 bias res hswish",
        "n1 c32 h9 w9 dw k3x3 s2 p1 bias relu6 nhwc", "n1 c3 h9 w9 m16 k7x7 s2 p3 x:nchw y:nhwc",
        "n1 c8 h5 w5 m8 k4x4 s2 p1 transposed bias nhwc"}) {
    ConvCase conv;
    std::string error;
    INFO(line);
    REQUIRE(ParseConvCase(line, &conv, &error));
    CHECK(IsTaken(
        conv.transposed ? kernels::ProblemKind::kConvTranspose : kernels::ProblemKind::kConv,
        &conv.problem));
  }
}

TEST_CASE("dnnl: ordinary products, pooling and batch normalisation are taken") {
  std::string error;
  for (const char* line : {"m1 n100 k64 tb bias", "m16 n32 k64 b3 tb", "m8 n8 k8 bias gelu res"}) {
    GemmCase gemm;
    INFO(line);
    REQUIRE(ParseGemmCase(line, &gemm, &error));
    CHECK(IsTaken(kernels::ProblemKind::kGemm, &gemm.problem));
  }
  for (const char* line : {"max n1 c8 h9 w9 k3x3 s2 p1 nhwc", "average n1 c8 h7 w7 k7x7"}) {
    PoolCase pool;
    INFO(line);
    REQUIRE(ParsePoolCase(line, &pool, &error));
    CHECK(IsTaken(kernels::ProblemKind::kPool, &pool.problem));
  }
  kernels::AffineProblem affine;
  affine.c = 8;
  affine.x = affine.y = StridesOf(MapLayout::kChannelsLast, 8, 1, 1, 1, 0);
  CHECK(IsTaken(kernels::ProblemKind::kAffine, &affine));
}

}  // namespace
}  // namespace doppio::tests
