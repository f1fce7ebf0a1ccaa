// Every unary, binary, where, cast, copy and fill row against the reference, on generated problems.
#include "kernels/problems/elementwise.h"

#include <string>

#include "tests/catch.h"
#include "tests/kernels/check_case.h"
#include "tests/kernels/map_operands.h"
#include "tests/kernels/random.h"

namespace doppio::tests {
namespace {

using kernels::BinaryOp;
using kernels::ProblemKind;
using kernels::UnaryOp;

// Up to four dimensions, often around vector lengths.
struct Shape {
  int rank = 0;
  int64_t dims[kMaxRank] = {};

  int64_t Count() const {
    int64_t count = 1;
    for (int i = 0; i < rank; ++i) count *= dims[i];
    return count;
  }
};

Shape RandomShape(Random* random) {
  constexpr int64_t kSizes[] = {1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 33};
  Shape shape;
  if (random->Chance(3)) {
    shape.rank = 1;
    shape.dims[0] = random->Int(0, 2100);
    return shape;
  }
  shape.rank = static_cast<int>(random->Int(0, 4));
  for (int i = 0; i < shape.rank; ++i) {
    shape.dims[i] = random->Chance(30) ? 0 : random->Pick(kSizes) / (shape.rank > 3 ? 2 : 1);
  }
  return shape;
}

// Row-major strides with rows `gap` elements apart; dimensions in `repeated` get stride 0.
void SetStrides(const Shape& shape, int64_t gap, unsigned repeated, int64_t* strides) {
  int64_t stride = 1;
  for (int i = shape.rank - 1; i >= 0; --i) {
    const bool repeats = (repeated >> i & 1) != 0;
    strides[i] = repeats ? 0 : stride;
    if (!repeats) stride = stride * shape.dims[i] + (i == shape.rank - 1 ? gap : 0);
  }
}

size_t Extent(const Shape& shape, const int64_t* strides) {
  if (shape.Count() == 0) return 0;
  int64_t extent = 1;
  for (int i = 0; i < shape.rank; ++i) extent += (shape.dims[i] - 1) * strides[i];
  return static_cast<size_t>(extent);
}

template <class Problem>
void SetShape(const Shape& shape, Problem* p) {
  p->rank = shape.rank;
  for (int i = 0; i < shape.rank; ++i) p->dims[i] = shape.dims[i];
}

std::string Describe(const char* kind, int op, const Shape& shape) {
  std::string line = std::string(kind) + " op " + std::to_string(op) + " [";
  for (int i = 0; i < shape.rank; ++i) line += std::to_string(shape.dims[i]) + " ";
  return line + "]";
}

std::vector<float> Values(size_t count, double low, double high, Random* random) {
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(random->Real(low, high));
  return values;
}

// The interval on which a function is compared: inside its domain and away from overflow.
void Domain(UnaryOp op, double* low, double* high) {
  *low = -10;
  *high = 10;
  switch (op) {
    case UnaryOp::kLog:
    case UnaryOp::kSqrt:
    case UnaryOp::kRsqrt:
    case UnaryOp::kReciprocal:
    case UnaryOp::kPowScalar:
      *low = 0.01;
      break;
    case UnaryOp::kAsin:
    case UnaryOp::kAcos:
    case UnaryOp::kAtanh:
      *low = -0.99;
      *high = 0.99;
      break;
    case UnaryOp::kAcosh:
      *low = 1;
      break;
    case UnaryOp::kTan:
      *low = -1.5;
      *high = 1.5;
      break;
    default:
      break;
  }
}

void CheckUnary(UnaryOp op, uint64_t seed) {
  Random random(seed);
  kernels::UnaryProblem p;
  p.op = op;
  p.alpha = op == UnaryOp::kClip ? -1.5 : op == UnaryOp::kPowScalar ? 1.7 : 0.75;
  p.beta = op == UnaryOp::kClip ? 2.5 : 0.5;
  const Shape shape = RandomShape(&random);
  SetShape(shape, &p);
  SetStrides(shape, random.Chance(3) ? 5 : 0, 0, p.x_strides);
  const bool in_place = random.Chance(2);
  for (int i = 0; i < kMaxRank; ++i) p.y_strides[i] = p.x_strides[i];
  if (!in_place) SetStrides(shape, random.Chance(3) ? 3 : 0, 0, p.y_strides);
  double low = 0, high = 0;
  Domain(op, &low, &high);
  KernelCase test;
  test.line = Describe("unary", static_cast<int>(op), shape);
  test.seed = seed;
  test.kind = ProblemKind::kUnary;
  test.problem = &p;
  test.in = {Operand(Values(Extent(shape, p.x_strides), low, high, &random))};
  // Where in place, the gaps must hold what the harness leaves in an output: all ones.
  if (in_place && Extent(shape, p.x_strides) != static_cast<size_t>(shape.Count())) {
    SetStrides(shape, 0, 0, p.x_strides);
    SetStrides(shape, 0, 0, p.y_strides);
    test.in = {Operand(Values(Extent(shape, p.x_strides), low, high, &random))};
  }
  if (in_place) test.in_place = 0;
  test.out_bytes = {Extent(shape, p.y_strides) * sizeof(float)};
  test.tolerance = [](const kernels::Kernel&, int64_t, double y) { return FunctionTolerance(y); };
  CheckCase(test);
}

TEST_CASE("unary: every row equals the reference for every function") {
  for (int op = 0; op < static_cast<int>(UnaryOp::kNot); ++op) {
    for (uint64_t seed = 1; seed <= 6; ++seed) CheckUnary(static_cast<UnaryOp>(op), seed);
  }
}

void CheckBinary(BinaryOp op, uint64_t seed) {
  Random random(seed);
  kernels::BinaryProblem p;
  p.op = op;
  const Shape shape = RandomShape(&random);
  SetShape(shape, &p);
  SetStrides(shape, 0, 0, p.a_strides);
  SetStrides(shape, 0, random.Chance(2) ? static_cast<unsigned>(random.Int(0, 15)) : 0,
             p.b_strides);
  SetStrides(shape, random.Chance(3) ? 3 : 0, 0, p.y_strides);
  const bool compares = op >= BinaryOp::kEqual && op <= BinaryOp::kGreaterEqual;
  if (random.Chance(3) && !compares) p.activation = UnaryOp::kRelu;
  const bool positive = op == BinaryOp::kPow;
  auto a = Values(Extent(shape, p.a_strides), positive ? 0.1 : -4, 4, &random);
  auto b = Values(Extent(shape, p.b_strides), positive ? -3 : 0.25, 4, &random);
  if (compares) {
    for (auto* values : {&a, &b}) {
      for (float& value : *values) value = static_cast<float>(static_cast<int>(value));
    }
  }
  KernelCase test;
  test.line = Describe("binary", static_cast<int>(op), shape);
  test.seed = seed;
  test.kind = ProblemKind::kBinary;
  test.problem = &p;
  test.in = {Operand(a), Operand(b)};
  test.out_bytes = {Extent(shape, p.y_strides) * (compares ? 1 : sizeof(float))};
  const bool exact = op != BinaryOp::kPow && op != BinaryOp::kAtan2 && op != BinaryOp::kMod;
  if (!compares) {
    test.tolerance = [exact](const kernels::Kernel&, int64_t, double y) {
      return exact ? 0 : FunctionTolerance(y);
    };
  }
  CheckCase(test);
}

TEST_CASE("binary: every row equals the reference for every operation on floats") {
  for (int i = 0; i < static_cast<int>(BinaryOp::kCount); ++i) {
    const auto op = static_cast<BinaryOp>(i);
    if (op >= BinaryOp::kAnd && op <= BinaryOp::kShiftRight) continue;
    for (uint64_t seed = 1; seed <= 8; ++seed) CheckBinary(op, seed);
  }
}

TEST_CASE("where: every row equals the reference for every size of element") {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    Random random(seed);
    kernels::WhereProblem p;
    constexpr int64_t kBytes[] = {1, 2, 4, 8, 16};
    p.element_bytes = random.Pick(kBytes);
    const Shape shape = RandomShape(&random);
    SetShape(shape, &p);
    SetStrides(shape, 0, static_cast<unsigned>(random.Int(0, 15)), p.c_strides);
    SetStrides(shape, 0, 0, p.a_strides);
    SetStrides(shape, 0, static_cast<unsigned>(random.Int(0, 15)), p.b_strides);
    SetStrides(shape, random.Chance(3) ? 3 : 0, 0, p.y_strides);
    const auto bytes = static_cast<size_t>(p.element_bytes);
    const auto make = [&](size_t count, int64_t most) {
      std::vector<unsigned char> values(count);
      for (auto& value : values) value = static_cast<unsigned char>(random.Int(0, most));
      return Operand(values);
    };
    KernelCase test;
    test.line = Describe("where", static_cast<int>(p.element_bytes), shape);
    test.seed = seed;
    test.kind = ProblemKind::kWhere;
    test.problem = &p;
    test.in = {make(Extent(shape, p.c_strides), 1), make(Extent(shape, p.a_strides) * bytes, 255),
               make(Extent(shape, p.b_strides) * bytes, 255)};
    test.out_bytes = {Extent(shape, p.y_strides) * bytes};
    CheckCase(test);
  }
}

TEST_CASE("cast: every row equals the reference for pairs of common types") {
  constexpr ElementType kTypes[] = {
      ElementType::kFloat, ElementType::kDouble, ElementType::kFloat16, ElementType::kBFloat16,
      ElementType::kInt8,  ElementType::kUint8,  ElementType::kInt32,   ElementType::kInt64};
  for (const ElementType from : kTypes) {
    for (const ElementType to : kTypes) {
      Random random(static_cast<uint64_t>(from) * 32 + static_cast<uint64_t>(to));
      kernels::CastProblem p;
      p.x_type = from;
      p.y_type = to;
      const Shape shape = RandomShape(&random);
      SetShape(shape, &p);
      SetStrides(shape, 0, 0, p.x_strides);
      SetStrides(shape, 2, 0, p.y_strides);
      std::vector<unsigned char> x(static_cast<size_t>(
          StorageBytes(from, static_cast<int64_t>(Extent(shape, p.x_strides)))));
      // Bytes whose patterns are no NaN in any type: quiet bits may differ between conversions.
      for (auto& byte : x) byte = static_cast<unsigned char>(random.Int(0, 0x7B));
      KernelCase test;
      test.line = Describe(ElementName(from), static_cast<int>(to), shape);
      test.kind = ProblemKind::kCast;
      test.problem = &p;
      test.in = {Operand(x)};
      test.out_bytes = {
          static_cast<size_t>(StorageBytes(to, static_cast<int64_t>(Extent(shape, p.y_strides))))};
      CheckCase(test);
    }
  }
}

TEST_CASE("copy: every row equals the reference for permuted, reversed and repeated dimensions") {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    Random random(seed);
    kernels::CopyProblem p;
    constexpr int64_t kBytes[] = {1, 2, 4, 4, 4, 8, 16};
    p.element_bytes = random.Pick(kBytes);
    const Shape shape = RandomShape(&random);
    SetShape(shape, &p);
    SetStrides(shape, random.Chance(3) ? 3 : 0, 0, p.y_strides);
    // x is the permuted array: dimension order[i] of the walk is its i-th.
    int order[kMaxRank];
    for (int i = 0; i < shape.rank; ++i) order[i] = i;
    for (int i = shape.rank - 1; i > 0; --i) std::swap(order[i], order[random.Int(0, i)]);
    int64_t stride = 1;
    for (int i = shape.rank - 1; i >= 0; --i) {
      const int64_t size = shape.dims[order[i]];
      const bool reversed = random.Chance(6), repeated = random.Chance(8);
      p.x_strides[order[i]] = repeated ? 0 : reversed ? -stride : stride;
      if (reversed && !repeated && shape.Count() > 0) p.x_offset += (size - 1) * stride;
      if (!repeated) stride *= size;
    }
    std::vector<unsigned char> x(static_cast<size_t>(stride * p.element_bytes));
    for (auto& byte : x) byte = static_cast<unsigned char>(random.Int(0, 255));
    p.y_offset = random.Int(0, 3);
    KernelCase test;
    test.line = Describe("copy", static_cast<int>(p.element_bytes), shape);
    test.seed = seed;
    test.kind = ProblemKind::kCopy;
    test.problem = &p;
    test.in = {Operand(x)};
    test.out_bytes = {(static_cast<size_t>(p.y_offset) + Extent(shape, p.y_strides)) *
                      static_cast<size_t>(p.element_bytes)};
    CheckCase(test);
  }
}

TEST_CASE("fill: every row equals the reference for every size of element") {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    Random random(seed);
    kernels::FillProblem p;
    constexpr int64_t kBytes[] = {1, 2, 4, 8, 16};
    p.element_bytes = random.Pick(kBytes);
    p.from_input = random.Chance(2);
    for (auto& byte : p.value) byte = static_cast<unsigned char>(random.Int(0, 255));
    const Shape shape = RandomShape(&random);
    SetShape(shape, &p);
    SetStrides(shape, random.Chance(2) ? 3 : 0, 0, p.y_strides);
    KernelCase test;
    test.line = Describe("fill", static_cast<int>(p.element_bytes), shape);
    test.seed = seed;
    test.kind = ProblemKind::kFill;
    test.problem = &p;
    test.in = {Operand(std::vector<unsigned char>(p.value, p.value + p.element_bytes))};
    test.out_bytes = {Extent(shape, p.y_strides) * static_cast<size_t>(p.element_bytes)};
    CheckCase(test);
  }
}

}  // namespace
}  // namespace doppio::tests
