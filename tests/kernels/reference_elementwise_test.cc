// The reference element-wise rows against worked examples: edges of integers, NaN, packed types.
#include <cmath>
#include <limits>

#include "kernels/problems/elementwise.h"
#include "tests/catch.h"
#include "tests/kernels/run_kernel.h"

namespace doppio::tests {
namespace {

using kernels::BinaryOp;
using kernels::ProblemKind;
using kernels::StepCode;
using kernels::UnaryOp;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

template <class T>
std::vector<T> Unary(UnaryOp op, ElementType type, const std::vector<T>& x, double alpha = 0,
                     double beta = 0) {
  kernels::UnaryProblem p;
  p.op = op;
  p.x_type = p.y_type = type;
  p.alpha = alpha;
  p.beta = beta;
  p.rank = 1;
  p.dims[0] = static_cast<int64_t>(x.size());
  p.x_strides[0] = p.y_strides[0] = 1;
  std::vector<T> y(x.size());
  CHECK(RunReference(ProblemKind::kUnary, &p, {x.data()}, {y.data()}).ok());
  return y;
}

template <class T, class Y = T>
std::vector<Y> Binary(BinaryOp op, ElementType type, const std::vector<T>& a,
                      const std::vector<T>& b) {
  kernels::BinaryProblem p;
  p.op = op;
  p.type = p.b_type = type;
  p.rank = 1;
  p.dims[0] = static_cast<int64_t>(a.size());
  p.a_strides[0] = p.b_strides[0] = p.y_strides[0] = 1;
  std::vector<Y> y(a.size());
  CHECK(RunReference(ProblemKind::kBinary, &p, {a.data(), b.data()}, {y.data()}).ok());
  return y;
}

template <class X, class Y>
std::vector<Y> Cast(ElementType from, ElementType to, const std::vector<X>& x, int64_t count,
                    size_t y_size, bool saturate = true) {
  kernels::CastProblem p;
  p.x_type = from;
  p.y_type = to;
  p.saturate = saturate;
  p.rank = 1;
  p.dims[0] = count;
  p.x_strides[0] = p.y_strides[0] = 1;
  std::vector<Y> y(y_size);
  CHECK(RunReference(ProblemKind::kCast, &p, {x.data()}, {y.data()}).ok());
  return y;
}

TEST_CASE("reference unary: activations at chosen points") {
  using Values = std::vector<float>;
  const auto f = [](UnaryOp op, const Values& x, double a = 0, double b = 0) {
    return Unary(op, ElementType::kFloat, x, a, b);
  };
  CHECK(f(UnaryOp::kRelu, {-1, 0, 2}) == Values{0, 0, 2});
  CHECK(f(UnaryOp::kClip, {-9, 1, 9}, 0, 6) == Values{0, 1, 6});
  CHECK(f(UnaryOp::kLeakyRelu, {-2, 2}, 0.5) == Values{-1, 2});
  CHECK(f(UnaryOp::kHardSwish, {-4, -1.5f, 0, 3, 4}) == Values{0, -0.375f, 0, 3, 4});
  CHECK(f(UnaryOp::kHardSigmoid, {-9, 0, 9}, 0.25, 0.5) == Values{0, 0.5f, 1});
  CHECK(f(UnaryOp::kShrink, {-2, -0.5f, 0.5f, 2}, 1, 0.5) == Values{-1.5f, 0, 0, 1.5f});
  CHECK(f(UnaryOp::kThresholdedRelu, {1, 2}, 1) == Values{0, 2});
  CHECK(f(UnaryOp::kRound, {0.5f, 1.5f, -2.5f}) == Values{0, 2, -2});
  CHECK(f(UnaryOp::kSign, {-3, 0, 3}) == Values{-1, 0, 1});
  CHECK(f(UnaryOp::kSoftsign, {-1, 3}) == Values{-0.5f, 0.75f});
  CHECK(f(UnaryOp::kScale, {1, 2}, 3, -1) == Values{2, 5});
  CHECK(f(UnaryOp::kSigmoid, {-200, 0, 200}) == Values{0, 0.5f, 1});
  CHECK(f(UnaryOp::kSoftplus, {-200, 200})[1] == 200);
  CHECK(f(UnaryOp::kGelu, {1})[0] == Approx(0.8413447));
  CHECK(f(UnaryOp::kGeluTanh, {1})[0] == Approx(0.8411920));
  CHECK(f(UnaryOp::kMish, {1})[0] == Approx(0.8650984));
  CHECK(f(UnaryOp::kSilu, {1}, 1)[0] == Approx(0.7310586));
  CHECK(f(UnaryOp::kSelu, {-1}, 1.67326, 1.0507)[0] == Approx(-1.1113256));
  CHECK(f(UnaryOp::kCelu, {-1}, 2)[0] == Approx(-0.7869387));
  CHECK(std::isnan(f(UnaryOp::kClip, {kNan}, 0, 6)[0]));
}

TEST_CASE("reference unary: integers wrap at their least value") {
  CHECK(Unary<int32_t>(UnaryOp::kNeg, ElementType::kInt32, {INT32_MIN, 5}) ==
        std::vector<int32_t>{INT32_MIN, -5});
  CHECK(Unary<int64_t>(UnaryOp::kAbs, ElementType::kInt64, {INT64_MIN, -5}) ==
        std::vector<int64_t>{INT64_MIN, 5});
  CHECK(Unary<uint8_t>(UnaryOp::kBitwiseNot, ElementType::kUint8, {1}) ==
        std::vector<uint8_t>{254});
  CHECK(Unary<int8_t>(UnaryOp::kClip, ElementType::kInt8, {-100, 100}, -1e9, 6.5) ==
        std::vector<int8_t>{-100, 6});
}

TEST_CASE("reference binary: integer division truncates, wraps, and reports a zero divisor") {
  CHECK(Binary<int32_t>(BinaryOp::kDiv, ElementType::kInt32, {-7, INT32_MIN}, {2, -1}) ==
        std::vector<int32_t>{-3, INT32_MIN});
  CHECK(Binary<int64_t>(BinaryOp::kDiv, ElementType::kInt64, {INT64_MIN}, {-1}) ==
        std::vector<int64_t>{INT64_MIN});
  CHECK(Binary<int32_t>(BinaryOp::kMod, ElementType::kInt32, {-7, 7, INT32_MIN}, {3, -3, -1}) ==
        std::vector<int32_t>{2, -2, 0});
  CHECK(Binary<int32_t>(BinaryOp::kFmod, ElementType::kInt32, {-7, 7}, {3, -3}) ==
        std::vector<int32_t>{-1, 1});
  kernels::BinaryProblem p;
  p.op = BinaryOp::kDiv;
  p.type = p.b_type = ElementType::kInt32;
  p.rank = 1;
  p.dims[0] = 3;
  p.a_strides[0] = p.b_strides[0] = p.y_strides[0] = 1;
  const int32_t a[] = {1, 2, 3}, b[] = {1, 0, 1};
  int32_t y[3] = {};
  const auto status = RunReference(ProblemKind::kBinary, &p, {a, b}, {y});
  CHECK(status.code == StepCode::kDivisionByZero);
  CHECK(status.position == 1);
}

TEST_CASE("reference binary: powers and shifts of integers") {
  CHECK(Binary<int64_t>(BinaryOp::kPow, ElementType::kInt64, {3, 2, -1, 1, 0, 0},
                        {4, -1, -3, -9, 0, -2}) == std::vector<int64_t>{81, 0, -1, 1, 1, 0});
  CHECK(Binary<uint8_t>(BinaryOp::kShiftLeft, ElementType::kUint8, {255, 1}, {1, 8}) ==
        std::vector<uint8_t>{254, 0});
  CHECK(Binary<uint32_t>(BinaryOp::kShiftRight, ElementType::kUint32, {16, 16}, {3, 32}) ==
        std::vector<uint32_t>{2, 0});
}

TEST_CASE("reference binary: floats follow numpy for NaN and signs") {
  const auto f = [](BinaryOp op, float a, float b) {
    return Binary<float>(op, ElementType::kFloat, {a}, {b})[0];
  };
  CHECK(std::isnan(f(BinaryOp::kMax, kNan, 1)));
  CHECK(std::isnan(f(BinaryOp::kMin, 1, kNan)));
  CHECK(f(BinaryOp::kMod, -7, 3) == 2);
  CHECK(f(BinaryOp::kFmod, -7, 3) == -1);
  CHECK(f(BinaryOp::kPRelu, -2, 0.25f) == -0.5f);
  CHECK(std::isinf(f(BinaryOp::kDiv, 1, 0)));
  CHECK(Binary<float, uint8_t>(BinaryOp::kLessEqual, ElementType::kFloat, {1, 2, kNan},
                               {1, 1, 1}) == std::vector<uint8_t>{1, 0, 0});
}

TEST_CASE("reference cast: floats to integers truncate and saturate") {
  CHECK(Cast<float, int32_t>(ElementType::kFloat, ElementType::kInt32,
                             {2.9f, -2.9f, 3e9f, -kInfinity, kNan}, 5,
                             5) == std::vector<int32_t>{2, -2, INT32_MAX, INT32_MIN, 0});
  CHECK(Cast<float, uint8_t>(ElementType::kFloat, ElementType::kUint8, {-1, 255.9f, 256}, 3, 3) ==
        std::vector<uint8_t>{0, 255, 255});
  CHECK(Cast<double, int64_t>(ElementType::kDouble, ElementType::kInt64,
                              {1e300, 9007199254740992.0}, 2,
                              2) == std::vector<int64_t>{INT64_MAX, 9007199254740992});
  CHECK(Cast<int32_t, int8_t>(ElementType::kInt32, ElementType::kInt8, {300, -129}, 2, 2) ==
        std::vector<int8_t>{44, 127});
  CHECK(Cast<float, uint8_t>(ElementType::kFloat, ElementType::kBool, {0, 0.5f, kNan}, 3, 3) ==
        std::vector<uint8_t>{0, 1, 1});
}

TEST_CASE("reference cast: wide integers round once") {
  // 2^24 + 1 is a tie between two floats; 2^60 + 2^36 + 1 lies just above one, which rounding to
  // double first would lose.
  CHECK(Cast<int64_t, float>(ElementType::kInt64, ElementType::kFloat,
                             {16777217, (int64_t{1} << 60) + (int64_t{1} << 36) + 1}, 2,
                             2) == std::vector<float>{16777216.0f, 0x1.000002p60f});
}

TEST_CASE("reference cast: packed types hold the first element in the low bits") {
  using Bytes = std::vector<uint8_t>;
  // What does not fit wraps; float4 saturates. Behind the last element stand zeros.
  CHECK(Cast<float, uint8_t>(ElementType::kFloat, ElementType::kInt4, {-8, 7, -9}, 3, 2) ==
        Bytes{0x78, 0x07});
  CHECK(Cast<uint8_t, int8_t>(ElementType::kInt4, ElementType::kInt8, {0x78, 0x0F}, 3, 3) ==
        std::vector<int8_t>{-8, 7, -1});
  CHECK(Cast<int32_t, uint8_t>(ElementType::kInt32, ElementType::kUint2, {1, 2, 3, 4}, 4, 1) ==
        Bytes{0x39});
  CHECK(Cast<float, uint8_t>(ElementType::kFloat, ElementType::kFloat4E2M1, {0.5f, -6, 100}, 3,
                             2) == Bytes{0xF1, 0x07});
  CHECK(Cast<float, uint8_t>(ElementType::kFloat, ElementType::kFloat8E4M3FN, {1, 1000}, 2, 2,
                             false) == Bytes{0x38, 0x7F});
}

TEST_CASE("reference where, copy and fill: worked examples") {
  kernels::WhereProblem where;
  where.rank = 1;
  where.dims[0] = 3;
  where.c_strides[0] = where.a_strides[0] = where.y_strides[0] = 1;  // b is repeated
  const uint8_t c[] = {1, 0, 1};
  const float a[] = {1, 2, 3}, b[] = {9};
  float y[3] = {};
  RunReference(ProblemKind::kWhere, &where, {c, a, b}, {y});
  CHECK(std::vector<float>(y, y + 3) == std::vector<float>{1, 9, 3});

  kernels::CopyProblem copy;  // a [2, 3] matrix, transposed
  copy.rank = 2;
  copy.dims[0] = 3;
  copy.dims[1] = 2;
  copy.x_strides[0] = 1;
  copy.x_strides[1] = 3;
  copy.y_strides[0] = 2;
  copy.y_strides[1] = 1;
  const float x[] = {1, 2, 3, 4, 5, 6};
  float transposed[6] = {};
  RunReference(ProblemKind::kCopy, &copy, {x}, {transposed});
  CHECK(std::vector<float>(transposed, transposed + 6) == std::vector<float>{1, 4, 2, 5, 3, 6});

  kernels::FillProblem fill;  // a scalar
  fill.element_bytes = 2;
  fill.value[0] = 7;
  uint16_t scalar = 0;
  RunReference(ProblemKind::kFill, &fill, {nullptr}, {&scalar});
  CHECK(scalar == 7);
}

}  // namespace
}  // namespace doppio::tests
