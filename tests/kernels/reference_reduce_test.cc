// The reference reductions, arg-reductions and softmax against worked examples.
#include <cmath>
#include <limits>

#include "kernels/problems/reduce.h"
#include "tests/catch.h"
#include "tests/kernels/run_kernel.h"

namespace doppio::tests {
namespace {

using kernels::ProblemKind;
using kernels::ReduceOp;

template <class T>
T Reduce(ReduceOp op, ElementType type, const std::vector<T>& x) {
  kernels::ReduceProblem p;
  p.op = op;
  p.type = type;
  p.reduce_rank = 1;
  p.reduce_dims[0] = static_cast<int64_t>(x.size());
  p.reduce_x[0] = 1;
  T y = 0;
  RunReference(ProblemKind::kReduce, &p, {x.data()}, {&y});
  return y;
}

TEST_CASE("reference reduce: every operation on three values") {
  const auto f = [](ReduceOp op) { return Reduce<float>(op, ElementType::kFloat, {1, -2, 4}); };
  CHECK(f(ReduceOp::kSum) == 3);
  CHECK(f(ReduceOp::kMean) == 1);
  CHECK(f(ReduceOp::kMax) == 4);
  CHECK(f(ReduceOp::kMin) == -2);
  CHECK(f(ReduceOp::kProd) == -8);
  CHECK(f(ReduceOp::kL1) == 7);
  CHECK(f(ReduceOp::kL2) == Approx(std::sqrt(21.0)));
  CHECK(f(ReduceOp::kSumSquare) == 21);
  CHECK(f(ReduceOp::kLogSum) == Approx(std::log(3.0)));
  CHECK(f(ReduceOp::kLogSumExp) ==
        Approx(std::log(std::exp(1.0) + std::exp(-2.0) + std::exp(4.0))));
  CHECK(Reduce<float>(ReduceOp::kLogSumExp, ElementType::kFloat, {1000, 1000}) ==
        Approx(1000.6931));
}

TEST_CASE("reference reduce: an empty set gives the neutral value") {
  const auto f = [](ReduceOp op) { return Reduce<float>(op, ElementType::kFloat, {}); };
  CHECK(f(ReduceOp::kSum) == 0);
  CHECK(f(ReduceOp::kProd) == 1);
  CHECK(f(ReduceOp::kMax) == -std::numeric_limits<float>::infinity());
  CHECK(f(ReduceOp::kMin) == std::numeric_limits<float>::infinity());
  CHECK(f(ReduceOp::kLogSumExp) == -std::numeric_limits<float>::infinity());
  CHECK(std::isnan(f(ReduceOp::kMean)));
  CHECK(Reduce<int32_t>(ReduceOp::kMax, ElementType::kInt32, {}) == INT32_MIN);
}

TEST_CASE("reference reduce: integers wrap and means truncate") {
  CHECK(Reduce<int64_t>(ReduceOp::kSum, ElementType::kInt64, {INT64_MAX, 1}) == INT64_MIN);
  CHECK(Reduce<int32_t>(ReduceOp::kMean, ElementType::kInt32, {-3, -4}) == -3);
  CHECK(Reduce<int32_t>(ReduceOp::kL2, ElementType::kInt32, {3, 4}) == 5);
}

TEST_CASE("reference argreduce: ties and NaN") {
  const auto arg = [](std::vector<float> x, bool least, bool last) {
    kernels::ArgReduceProblem p;
    p.least = least;
    p.select_last = last;
    p.size = static_cast<int64_t>(x.size());
    int64_t y = -1;
    RunReference(ProblemKind::kArgReduce, &p, {x.data()}, {&y});
    return y;
  };
  CHECK(arg({1, 3, 3, 2}, false, false) == 1);
  CHECK(arg({1, 3, 3, 2}, false, true) == 2);
  CHECK(arg({1, 0, 0, 2}, true, false) == 1);
  CHECK(arg({1, std::nanf(""), 9}, false, false) == 1);
}

TEST_CASE("reference softmax: strides, logarithm and hard maximum") {
  kernels::SoftmaxProblem p;  // columns of a [2, 2] matrix
  p.size = 2;
  p.inner = 2;
  p.x_size = p.y_size = 2;
  const float x[] = {0, 1000, 0, 1000 + std::log(3.0f)};
  float y[4] = {};
  RunReference(ProblemKind::kSoftmax, &p, {x}, {y});
  CHECK(y[0] == 0.5f);
  CHECK(y[1] == Approx(0.25).epsilon(1e-4));
  CHECK(y[3] == Approx(0.75).epsilon(1e-4));
  p.op = kernels::SoftmaxOp::kLogSoftmax;
  RunReference(ProblemKind::kSoftmax, &p, {x}, {y});
  CHECK(y[0] == Approx(-std::log(2.0)));
  p.op = kernels::SoftmaxOp::kHardmax;
  RunReference(ProblemKind::kSoftmax, &p, {x}, {y});
  CHECK(std::vector<float>(y, y + 4) == std::vector<float>{1, 0, 0, 1});
}

}  // namespace
}  // namespace doppio::tests
