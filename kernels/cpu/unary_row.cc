// The element-wise functions over a row, one loop a function.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/unary_row.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/unary_row-inl.h"
#include "kernels/cpu/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace doppio::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

using RowFunction = void (*)(float a, float b, const float* x, float* y, int64_t n);

template <UnaryOp kOp>
void Row(float a, float b, const float* x, float* y, int64_t n) {
  const FloatTag d;
  const int64_t lanes = VectorLanes();
  const Floats va = SetAll(a);
  const Floats vb = SetAll(b);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    hn::StoreU(ApplyUnary<kOp>(hn::LoadU(d, x + i), va, vb), d, y + i);
  }
  if (i < n) StoreTail(ApplyUnary<kOp>(LoadTail(x + i, n - i), va, vb), y + i, n - i);
}

RowFunction RowOf(UnaryOp op) {
  switch (op) {
    case UnaryOp::kIdentity:
      return Row<UnaryOp::kIdentity>;
    case UnaryOp::kRelu:
      return Row<UnaryOp::kRelu>;
    case UnaryOp::kClip:
      return Row<UnaryOp::kClip>;
    case UnaryOp::kLeakyRelu:
      return Row<UnaryOp::kLeakyRelu>;
    case UnaryOp::kElu:
      return Row<UnaryOp::kElu>;
    case UnaryOp::kSelu:
      return Row<UnaryOp::kSelu>;
    case UnaryOp::kCelu:
      return Row<UnaryOp::kCelu>;
    case UnaryOp::kThresholdedRelu:
      return Row<UnaryOp::kThresholdedRelu>;
    case UnaryOp::kSigmoid:
      return Row<UnaryOp::kSigmoid>;
    case UnaryOp::kHardSigmoid:
      return Row<UnaryOp::kHardSigmoid>;
    case UnaryOp::kHardSwish:
      return Row<UnaryOp::kHardSwish>;
    case UnaryOp::kSilu:
      return Row<UnaryOp::kSilu>;
    case UnaryOp::kMish:
      return Row<UnaryOp::kMish>;
    case UnaryOp::kGelu:
      return Row<UnaryOp::kGelu>;
    case UnaryOp::kGeluTanh:
      return Row<UnaryOp::kGeluTanh>;
    case UnaryOp::kSoftplus:
      return Row<UnaryOp::kSoftplus>;
    case UnaryOp::kSoftsign:
      return Row<UnaryOp::kSoftsign>;
    case UnaryOp::kTanh:
      return Row<UnaryOp::kTanh>;
    case UnaryOp::kExp:
      return Row<UnaryOp::kExp>;
    case UnaryOp::kLog:
      return Row<UnaryOp::kLog>;
    case UnaryOp::kSqrt:
      return Row<UnaryOp::kSqrt>;
    case UnaryOp::kRsqrt:
      return Row<UnaryOp::kRsqrt>;
    case UnaryOp::kReciprocal:
      return Row<UnaryOp::kReciprocal>;
    case UnaryOp::kSquare:
      return Row<UnaryOp::kSquare>;
    case UnaryOp::kCube:
      return Row<UnaryOp::kCube>;
    case UnaryOp::kAbs:
      return Row<UnaryOp::kAbs>;
    case UnaryOp::kNeg:
      return Row<UnaryOp::kNeg>;
    case UnaryOp::kFloor:
      return Row<UnaryOp::kFloor>;
    case UnaryOp::kCeil:
      return Row<UnaryOp::kCeil>;
    case UnaryOp::kRound:
      return Row<UnaryOp::kRound>;
    case UnaryOp::kErf:
      return Row<UnaryOp::kErf>;
    case UnaryOp::kScale:
      return Row<UnaryOp::kScale>;
    default:
      return nullptr;
  }
}

}  // namespace

bool HasUnaryRow(UnaryOp op) { return RowOf(op) != nullptr; }

void UnaryRow(UnaryOp op, float a, float b, const float* x, float* y, int64_t n) {
  RowOf(op)(a, b, x, y, n);
}

}  // namespace HWY_NAMESPACE
}  // namespace doppio::kernels::cpu
HWY_AFTER_NAMESPACE();
