// Every gather and scatter row against the reference, on generated problems.
#include "kernels/problems/indexing.h"

#include "tests/catch.h"
#include "tests/kernels/check_case.h"
#include "tests/kernels/map_operands.h"
#include "tests/kernels/random.h"

namespace doppio::tests {
namespace {

using kernels::ProblemKind;

std::vector<int64_t> RandomIndices(int64_t count, int64_t size, Random* random) {
  std::vector<int64_t> indices;
  for (int64_t i = 0; i < count; ++i) indices.push_back(random->Int(-size, size - 1));
  return indices;
}

std::vector<unsigned char> RandomBytes(int64_t count, Random* random) {
  std::vector<unsigned char> bytes;
  for (int64_t i = 0; i < count; ++i) {
    bytes.push_back(static_cast<unsigned char>(random->Int(0, 255)));
  }
  return bytes;
}

constexpr int64_t kElementBytes[] = {1, 2, 4, 8, 16};

TEST_CASE("gather: every row equals the reference along an axis") {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    Random random(seed);
    kernels::GatherProblem p;
    p.element_bytes = random.Pick(kElementBytes);
    p.outer = random.Int(0, 4);
    p.axis = random.Int(1, 9);
    p.inner = random.Int(0, 18);
    p.count = random.Int(0, 12);
    KernelCase test;
    test.line = "gather along an axis";
    test.seed = seed;
    test.kind = ProblemKind::kGather;
    test.problem = &p;
    test.in = {Operand(RandomBytes(p.outer * p.axis * p.inner * p.element_bytes, &random)),
               Operand(RandomIndices(p.count, p.axis, &random))};
    test.out_bytes = {static_cast<size_t>(p.outer * p.count * p.inner * p.element_bytes)};
    CheckCase(test);
  }
}

TEST_CASE("gather: every row equals the reference for elements") {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    Random random(seed);
    kernels::GatherProblem p;
    p.element_bytes = random.Pick(kElementBytes);
    p.rank = 3;
    p.along = static_cast<int>(random.Int(0, 2));
    int64_t count = 1, x_count = 1;
    for (int i = 2; i >= 0; --i) {
      p.dims[i] = random.Int(1, 9);
      const int64_t x_dim = i == p.along ? random.Int(1, 9) : p.dims[i] + random.Int(0, 2);
      p.x_strides[i] = x_count;
      count *= p.dims[i];
      x_count *= x_dim;
      if (i == p.along) p.axis = x_dim;
    }
    KernelCase test;
    test.line = std::string("gather elements along ") + std::to_string(p.along);
    test.seed = seed;
    test.kind = ProblemKind::kGather;
    test.problem = &p;
    test.in = {Operand(RandomBytes(x_count * p.element_bytes, &random)),
               Operand(RandomIndices(count, p.axis, &random))};
    test.out_bytes = {static_cast<size_t>(count * p.element_bytes)};
    CheckCase(test);
  }
}

TEST_CASE("scatter: every row equals the reference for every operation") {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    Random random(seed);
    kernels::ScatterProblem p;
    p.op = static_cast<kernels::ScatterOp>(random.Int(0, 4));
    p.rank = 2;
    p.x_dims[0] = random.Int(1, 7);
    p.x_dims[1] = random.Int(1, 9);
    p.along = static_cast<int>(random.Int(0, 1));
    p.dims[0] = random.Int(1, p.x_dims[0]);
    p.dims[1] = random.Int(1, p.x_dims[1]);
    const int64_t x_count = p.x_dims[0] * p.x_dims[1], count = p.dims[0] * p.dims[1];
    KernelCase test;
    test.line = std::string("scatter elements, op ") + std::to_string(static_cast<int>(p.op));
    test.seed = seed;
    test.kind = ProblemKind::kScatter;
    test.problem = &p;
    test.in = {Operand(RandomFloats(x_count, Data::kIntegers, &random)),
               Operand(RandomIndices(count, p.x_dims[p.along], &random)),
               Operand(RandomFloats(count, Data::kIntegers, &random))};
    test.in_place = 0;
    test.out_bytes = {static_cast<size_t>(x_count) * sizeof(float)};
    CheckCase(test);
  }
}

}  // namespace
}  // namespace doppio::tests
