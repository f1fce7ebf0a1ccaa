// Every reduction, arg-reduction and softmax row against the reference, on generated problems.
#include "kernels/problems/reduce.h"

#include <cmath>

#include "tests/catch.h"
#include "tests/kernels/check_case.h"
#include "tests/kernels/map_operands.h"
#include "tests/kernels/random.h"

namespace doppio::tests {
namespace {

using kernels::ProblemKind;
using kernels::ReduceOp;

// A [keep, reduce, keep, reduce] array, reduced over two dimensions.
void CheckReduce(ReduceOp op, uint64_t seed) {
  Random random(seed);
  constexpr int64_t kSizes[] = {1, 2, 3, 7, 8, 9, 16, 17, 33};
  const int64_t a = random.Pick(kSizes), r = random.Pick(kSizes), b = random.Pick(kSizes);
  const int64_t s = random.Chance(2) ? 1 : random.Pick(kSizes);
  kernels::ReduceProblem p;
  p.op = op;
  p.keep_rank = 2;
  p.reduce_rank = 2;
  const int64_t keep_dims[] = {a, b}, keep_x[] = {r * b * s, s}, keep_y[] = {b, 1};
  const int64_t reduce_dims[] = {r, s}, reduce_x[] = {b * s, 1};
  for (int i = 0; i < 2; ++i) {
    p.keep_dims[i] = keep_dims[i];
    p.keep_x[i] = keep_x[i];
    p.keep_y[i] = keep_y[i];
    p.reduce_dims[i] = reduce_dims[i];
    p.reduce_x[i] = reduce_x[i];
  }
  auto x = RandomFloats(a * r * b * s, Data::kReals, &random);
  if (op == ReduceOp::kLogSum) x = AbsoluteValues(x);
  KernelCase test;
  test.line = std::string("reduce op ") + std::to_string(static_cast<int>(op)) + " [" +
              std::to_string(a) + " " + std::to_string(r) + " " + std::to_string(b) + " " +
              std::to_string(s) + "]";
  test.seed = seed;
  test.kind = ProblemKind::kReduce;
  test.problem = &p;
  test.in = {Operand(x)};
  test.out_bytes = {static_cast<size_t>(a * b) * sizeof(float)};
  // Values are within 1: sums of K are within u K of theirs, times K terms of 1.
  const auto count = static_cast<double>(r * s);
  test.tolerance = [op, count](const kernels::Kernel&, int64_t, double y) {
    if (op == ReduceOp::kMax || op == ReduceOp::kMin) return 0.0;
    if (op == ReduceOp::kProd) return kFloatRounding * (count + 1) * std::fabs(y) + 1e-37;
    return kFloatRounding * (4 + 4 * std::sqrt(count)) * count + FunctionTolerance(y);
  };
  CheckCase(test);
}

TEST_CASE("reduce: every row equals the reference for every operation") {
  for (int op = 0; op < static_cast<int>(ReduceOp::kCount); ++op) {
    for (uint64_t seed = 1; seed <= 8; ++seed) CheckReduce(static_cast<ReduceOp>(op), seed);
  }
}

TEST_CASE("argreduce: every row equals the reference, equal values included") {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    Random random(seed);
    kernels::ArgReduceProblem p;
    p.least = random.Chance(2);
    p.select_last = random.Chance(2);
    p.outer = random.Int(1, 5);
    p.size = random.Int(1, 70);
    p.inner = random.Chance(2) ? 1 : random.Int(1, 18);
    p.x_inner = 1;
    p.x_size = p.inner;
    p.x_outer = p.size * p.inner;
    p.y_inner = 1;
    p.y_outer = p.inner;
    KernelCase test;
    test.line = std::string("argreduce [") + std::to_string(p.outer) + " " +
                std::to_string(p.size) + " " + std::to_string(p.inner) + "]";
    test.seed = seed;
    test.kind = ProblemKind::kArgReduce;
    test.problem = &p;
    test.in = {Operand(RandomFloats(p.outer * p.size * p.inner, Data::kIntegers, &random))};
    test.out_bytes = {static_cast<size_t>(p.outer * p.inner) * sizeof(int64_t)};
    CheckCase(test);
  }
}

TEST_CASE("softmax: every row equals the reference, in place and strided") {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    Random random(seed);
    constexpr kernels::SoftmaxOp kOps[] = {kernels::SoftmaxOp::kSoftmax,
                                           kernels::SoftmaxOp::kLogSoftmax,
                                           kernels::SoftmaxOp::kHardmax};
    kernels::SoftmaxProblem p;
    p.op = random.Pick(kOps);
    p.outer = random.Int(0, 6);
    p.size = random.Chance(4) ? random.Int(900, 1100) : random.Int(1, 70);
    p.inner = random.Chance(2) ? 1 : random.Int(1, 18);
    p.x_size = p.y_size = p.inner;
    p.x_outer = p.y_outer = p.size * p.inner;
    auto x = RandomFloats(p.outer * p.size * p.inner, Data::kReals, &random);
    for (float& value : x) value *= 20;
    KernelCase test;
    test.line = std::string("softmax op ") + std::to_string(static_cast<int>(p.op)) + " [" +
                std::to_string(p.outer) + " " + std::to_string(p.size) + " " +
                std::to_string(p.inner) + "]";
    test.seed = seed;
    test.kind = ProblemKind::kSoftmax;
    test.problem = &p;
    test.in = {Operand(x)};
    test.in_place = 0;
    test.out_bytes = {x.size() * sizeof(float)};
    // The difference to the greatest value (up to 40) is rounded before the exponential function;
    // the sum of K terms adds sqrt(K) roundings.
    const double relative = 44 + 4 * std::sqrt(static_cast<double>(p.size));
    test.tolerance = [relative](const kernels::Kernel&, int64_t, double y) {
      return kFloatRounding * relative * std::fabs(y) + FunctionTolerance(y);
    };
    CheckCase(test);
  }
}

}  // namespace
}  // namespace doppio::tests
