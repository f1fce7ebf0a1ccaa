// Functions of a vector of floats: exp, log, tanh, erf and the activations built of them. Included
// once a target. Errors are relative to the exact value: exp 1 ulp, log and tanh 4 ulp (Highway's
// own, made safe outside their ranges), erf 1 ulp.
#if defined(DOPPIO_KERNELS_CPU_VECTOR_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DOPPIO_KERNELS_CPU_VECTOR_MATH_INL_H_
#undef DOPPIO_KERNELS_CPU_VECTOR_MATH_INL_H_
#else
#define DOPPIO_KERNELS_CPU_VECTOR_MATH_INL_H_
#endif

#include <hwy/contrib/math/math-inl.h>

#include <limits>

#include "kernels/cpu/vectors-inl.h"
#include "kernels/problems/unary_op.h"

HWY_BEFORE_NAMESPACE();
namespace doppio::kernels::cpu {
namespace HWY_NAMESPACE {

HWY_INLINE Floats SetAll(float value) { return hn::Set(FloatTag(), value); }

// y where x is a number, else x: Highway's functions make numbers of NaN.
HWY_INLINE Floats KeepNan(Floats x, Floats y) { return hn::IfThenElse(hn::Eq(x, x), y, x); }

// exp(-104) is 0 and exp(89) infinity in float: beyond lies nothing new.
HWY_INLINE Floats VectorExp(Floats x) {
  return KeepNan(x, hn::Exp(FloatTag(), ClampTo(x, SetAll(-104.0f), SetAll(89.0f))));
}
HWY_INLINE Floats VectorExpm1(Floats x) {
  return KeepNan(x, hn::Expm1(FloatTag(), ClampTo(x, SetAll(-104.0f), SetAll(89.0f))));
}

HWY_INLINE Floats VectorLog(Floats x) {
  const FloatTag d;
  const Floats infinity = SetAll(std::numeric_limits<float>::infinity());
  const Floats nan = SetAll(std::numeric_limits<float>::quiet_NaN());
  Floats y = hn::Log(d, x);
  y = hn::IfThenElse(hn::Eq(x, infinity), infinity, y);
  y = hn::IfThenElse(hn::Eq(x, hn::Zero(d)), hn::Neg(infinity), y);
  return hn::IfThenElse(hn::Ge(x, hn::Zero(d)), y, nan);
}

// tanh(10) is 1 in float.
HWY_INLINE Floats VectorTanh(Floats x) {
  return KeepNan(x, hn::Tanh(FloatTag(), ClampTo(x, SetAll(-10.0f), SetAll(10.0f))));
}

HWY_INLINE Floats VectorSigmoid(Floats x) {
  const Floats one = SetAll(1.0f);
  return hn::Div(one, hn::Add(one, VectorExp(hn::Neg(x))));
}

// ln(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|)).
HWY_INLINE Floats VectorSoftplus(Floats x) {
  const FloatTag d;
  const Floats rest = hn::Log1p(d, VectorExp(hn::Neg(hn::Abs(x))));
  return hn::Add(hn::Max(hn::Zero(d), x), rest);
}

// Two minimax polynomials, of x below 475/512 and of the exponent above. Source: N. Juffa's erff.
HWY_INLINE Floats VectorErf(Floats x) {
  const FloatTag d;
  const Floats t = hn::Min(SetAll(4.0f), hn::Abs(x));
  const Floats s = hn::Mul(t, t);
  Floats r = hn::MulAdd(SetAll(-1.72853470e-5f), t, SetAll(3.83197126e-4f));
  const Floats u = hn::MulAdd(SetAll(-3.88396438e-3f), t, SetAll(2.42546219e-2f));
  r = hn::MulAdd(r, s, u);
  r = hn::MulAdd(r, t, SetAll(-1.06777877e-1f));
  r = hn::MulAdd(r, t, SetAll(-6.34846687e-1f));
  r = hn::MulAdd(r, t, SetAll(-1.28717512e-1f));
  r = hn::Sub(hn::Mul(r, t), t);
  const Floats large = KeepNan(x, hn::CopySign(hn::Sub(SetAll(1.0f), hn::Exp(d, r)), x));
  Floats q = SetAll(-5.96761703e-4f);
  q = hn::MulAdd(q, s, SetAll(4.99119423e-3f));
  q = hn::MulAdd(q, s, SetAll(-2.67681349e-2f));
  q = hn::MulAdd(q, s, SetAll(1.12819925e-1f));
  q = hn::MulAdd(q, s, SetAll(-3.76125336e-1f));
  q = hn::MulAdd(q, s, SetAll(1.28379166e-1f));
  const Floats small = hn::MulAdd(q, x, x);
  return hn::IfThenElse(hn::Le(t, SetAll(0.927734375f)), small, large);
}

// op(x) with the operation's parameters a and b in every lane.
template <UnaryOp kOp>
HWY_INLINE Floats ApplyUnary(Floats x, Floats a, Floats b) {
  const FloatTag d;
  const Floats zero = hn::Zero(d);
  const Floats one = SetAll(1.0f);
  const Floats half = SetAll(0.5f);
  if constexpr (kOp == UnaryOp::kIdentity) return x;
  if constexpr (kOp == UnaryOp::kRelu) return hn::Max(zero, x);
  if constexpr (kOp == UnaryOp::kClip) return ClampTo(x, a, b);
  if constexpr (kOp == UnaryOp::kLeakyRelu) {
    return hn::IfThenElse(hn::Lt(x, zero), hn::Mul(a, x), x);
  }
  if constexpr (kOp == UnaryOp::kElu) {
    return hn::IfThenElse(hn::Lt(x, zero), hn::Mul(a, VectorExpm1(x)), x);
  }
  if constexpr (kOp == UnaryOp::kSelu) {
    const Floats below = hn::Mul(a, VectorExpm1(x));
    return hn::Mul(b, hn::IfThenElse(hn::Le(x, zero), below, x));
  }
  if constexpr (kOp == UnaryOp::kCelu) {
    const Floats below = hn::Mul(a, VectorExpm1(hn::Div(x, a)));
    return hn::Add(hn::Max(zero, x), hn::Min(zero, below));
  }
  if constexpr (kOp == UnaryOp::kThresholdedRelu) return hn::IfThenElseZero(hn::Gt(x, a), x);
  if constexpr (kOp == UnaryOp::kSigmoid) return VectorSigmoid(x);
  if constexpr (kOp == UnaryOp::kHardSigmoid) return ClampTo(hn::MulAdd(a, x, b), zero, one);
  if constexpr (kOp == UnaryOp::kHardSwish) {
    return hn::Mul(x, ClampTo(hn::MulAdd(x, SetAll(1.0f / 6), half), zero, one));
  }
  if constexpr (kOp == UnaryOp::kSilu) {
    return hn::Div(x, hn::Add(one, VectorExp(hn::Neg(hn::Mul(a, x)))));
  }
  if constexpr (kOp == UnaryOp::kMish) return hn::Mul(x, VectorTanh(VectorSoftplus(x)));
  if constexpr (kOp == UnaryOp::kGelu) {
    const Floats e = VectorErf(hn::Mul(x, SetAll(0.70710678118654752f)));
    return hn::Mul(hn::Mul(x, half), hn::Add(one, e));
  }
  if constexpr (kOp == UnaryOp::kGeluTanh) {
    const Floats cube = hn::Mul(hn::Mul(x, x), x);
    const Floats inner = hn::MulAdd(cube, SetAll(0.044715f), x);
    const Floats t = VectorTanh(hn::Mul(inner, SetAll(0.79788456080286536f)));
    return hn::Mul(hn::Mul(x, half), hn::Add(one, t));
  }
  if constexpr (kOp == UnaryOp::kSoftplus) return VectorSoftplus(x);
  if constexpr (kOp == UnaryOp::kSoftsign) return hn::Div(x, hn::Add(one, hn::Abs(x)));
  if constexpr (kOp == UnaryOp::kTanh) return VectorTanh(x);
  if constexpr (kOp == UnaryOp::kExp) return VectorExp(x);
  if constexpr (kOp == UnaryOp::kLog) return VectorLog(x);
  if constexpr (kOp == UnaryOp::kSqrt) return hn::Sqrt(x);
  if constexpr (kOp == UnaryOp::kRsqrt) return hn::Div(one, hn::Sqrt(x));
  if constexpr (kOp == UnaryOp::kReciprocal) return hn::Div(one, x);
  if constexpr (kOp == UnaryOp::kSquare) return hn::Mul(x, x);
  if constexpr (kOp == UnaryOp::kCube) return hn::Mul(hn::Mul(x, x), x);
  if constexpr (kOp == UnaryOp::kAbs) return hn::Abs(x);
  if constexpr (kOp == UnaryOp::kNeg) return hn::Neg(x);
  if constexpr (kOp == UnaryOp::kFloor) return hn::Floor(x);
  if constexpr (kOp == UnaryOp::kCeil) return hn::Ceil(x);
  if constexpr (kOp == UnaryOp::kRound) return hn::Round(x);
  if constexpr (kOp == UnaryOp::kErf) return VectorErf(x);
  if constexpr (kOp == UnaryOp::kScale) return hn::MulAdd(a, x, b);
}

}  // namespace HWY_NAMESPACE
}  // namespace doppio::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif  // include guard
