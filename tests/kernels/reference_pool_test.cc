// The reference pooling against worked examples.
#include <cmath>

#include "tests/catch.h"
#include "tests/kernels/pool_case.h"
#include "tests/kernels/run_kernel.h"

namespace doppio::tests {
namespace {

std::vector<float> Pool(const char* line, const std::vector<float>& x,
                        std::vector<int64_t>* indices = nullptr) {
  PoolCase pool;
  std::string error;
  INFO(line);
  REQUIRE(ParsePoolCase(line, &pool, &error));
  const auto& p = pool.problem;
  std::vector<float> y(static_cast<size_t>(p.n * p.c * p.od * p.oh * p.ow));
  if (indices != nullptr) indices->resize(y.size());
  RunReference(kernels::ProblemKind::kPool, &p, {x.data()},
               {y.data(), indices == nullptr ? nullptr : indices->data()});
  return y;
}

using Values = std::vector<float>;

TEST_CASE("reference pool: maxima and their positions") {
  const Values x = {1, 5, 2, 3, 4, 5, 0, 1, 8, 7, 6, 5};  // 3 rows of 4
  std::vector<int64_t> indices;
  CHECK(Pool("max n1 c1 h3 w4 k2x2 s2 ceil indices", x, &indices) == Values{5, 3, 8, 6});
  CHECK(indices == std::vector<int64_t>{1, 3, 8, 10});
  CHECK(Pool("max n1 c1 h3 w4 k3x3 p1 s2", x) == Values{5, 5, 8, 7});
}

TEST_CASE("reference pool: averages count padding only when asked, and never what ceil adds") {
  const Values x = {1, 2, 3, 4};
  CHECK(Pool("average n1 c1 h2 w2 k2x2 s2 p1", x) == Values{1, 2, 3, 4});
  CHECK(Pool("average n1 c1 h2 w2 k2x2 s2 p1 include_pad", x) == Values{0.25f, 0.5f, 0.75f, 1});
  // The second window of [1, 2, 3] holds 3 and one place beyond the end.
  CHECK(Pool("average n1 c1 h1 w3 k2 s2 ceil include_pad", {1, 2, 3}) == Values{1.5f, 3});
}

TEST_CASE("reference pool: Lp with p = 2 is a length") {
  CHECK(Pool("lp n1 c1 h1 w2 k2", {3, -4})[0] == Approx(5));
}

}  // namespace
}  // namespace doppio::tests
