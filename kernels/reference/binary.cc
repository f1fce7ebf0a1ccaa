#include <algorithm>

#include "kernels/problems/elementwise.h"
#include "kernels/reference/element_dispatch.h"
#include "kernels/reference/families.h"
#include "kernels/reference/strided_walk.h"
#include "kernels/reference/unary_function.h"

namespace doppio::kernels::reference {
namespace {

bool IsComparison(BinaryOp op) { return op >= BinaryOp::kEqual && op <= BinaryOp::kGreaterEqual; }
bool IsLogic(BinaryOp op) { return op >= BinaryOp::kAnd && op <= BinaryOp::kXor; }
bool IsBitwise(BinaryOp op) { return op >= BinaryOp::kBitwiseAnd && op <= BinaryOp::kShiftRight; }

bool Supports(const void* problem) {
  const auto& p = *static_cast<const BinaryProblem*>(problem);
  const bool is_float = Contains(kFloatTypes, p.type);
  const bool is_integer = Contains(kIntegerTypes, p.type);
  const bool is_bool = p.type == ElementType::kBool;
  const bool same = p.type == p.b_type;
  if (p.activation != UnaryOp::kIdentity) {
    if (!is_float || IsComparison(p.op) || !IsFloatFunction(p.activation)) return false;
  }
  if (p.op == BinaryOp::kPow) return (is_float || is_integer) && Contains(kNumericTypes, p.b_type);
  if (!same || p.op >= BinaryOp::kCount) return false;
  if (IsComparison(p.op)) return is_float || is_integer || is_bool;  // false is less than true
  if (IsLogic(p.op)) return is_bool;
  if (IsBitwise(p.op)) return is_integer;
  return p.op == BinaryOp::kAtan2 ? is_float : is_float || is_integer;
}

// A unit is kUnitElements elements.
int64_t Units(const void* problem, int) {
  const auto& p = *static_cast<const BinaryProblem*>(problem);
  return ElementUnits(CountElements(p.rank, p.dims));
}

template <class W>
bool Compare(BinaryOp op, W a, W b) {
  switch (op) {
    case BinaryOp::kEqual:
      return a == b;
    case BinaryOp::kNotEqual:
      return a != b;
    case BinaryOp::kLess:
      return a < b;
    case BinaryOp::kLessEqual:
      return a <= b;
    case BinaryOp::kGreater:
      return a > b;
    default:
      return a >= b;
  }
}

double EvaluateFloat(BinaryOp op, double a, double b) {
  switch (op) {
    case BinaryOp::kAdd:
      return a + b;
    case BinaryOp::kSub:
      return a - b;
    case BinaryOp::kMul:
      return a * b;
    case BinaryOp::kDiv:
      return a / b;
    case BinaryOp::kMax:
      return std::isnan(a) || a > b ? a : b;
    case BinaryOp::kMin:
      return std::isnan(a) || a < b ? a : b;
    case BinaryOp::kFmod:
      return std::fmod(a, b);
    case BinaryOp::kMod: {
      const double rest = std::fmod(a, b);
      if (rest == 0) return std::copysign(0.0, b);
      return (rest < 0) != (b < 0) ? rest + b : rest;
    }
    case BinaryOp::kPRelu:
      return a < 0 ? a * b : a;
    default:
      return std::atan2(a, b);
  }
}

// Quotient and remainder truncate; b is not 0. The least value over -1 wraps.
template <class W>
W Divide(W a, W b) {
  if constexpr (std::is_signed_v<W>) {
    if (b == -1) return Subtract<W>(0, a);
  }
  return a / b;
}
template <class W>
W Remainder(W a, W b) {
  if constexpr (std::is_signed_v<W>) {
    if (b == -1) return 0;
  }
  return a % b;
}

// Shifts by the type's width or more, or by a negative count, push every bit out.
template <class T, class W = Wide<T>>
W Shift(BinaryOp op, W a, W b) {
  const bool out = b < W{0} || b >= static_cast<W>(8 * sizeof(T));
  if (op == BinaryOp::kShiftLeft) {
    return out ? W{0} : static_cast<W>(static_cast<uint64_t>(a) << b);
  }
  return out ? (a < W{0} ? static_cast<W>(-1) : W{0}) : static_cast<W>(a >> b);
}

template <class T, class W = Wide<T>>
W EvaluateInteger(BinaryOp op, W a, W b) {
  switch (op) {
    case BinaryOp::kAdd:
      return Add(a, b);
    case BinaryOp::kSub:
      return Subtract(a, b);
    case BinaryOp::kMul:
      return Multiply(a, b);
    case BinaryOp::kDiv:
      return Divide(a, b);
    case BinaryOp::kMax:
      return std::max(a, b);
    case BinaryOp::kMin:
      return std::min(a, b);
    case BinaryOp::kFmod:
      return Remainder(a, b);
    case BinaryOp::kMod: {
      const W rest = Remainder(a, b);
      return rest != 0 && (rest < W{0}) != (b < W{0}) ? rest + b : rest;
    }
    case BinaryOp::kPRelu:
      return a < W{0} ? Multiply(a, b) : a;
    case BinaryOp::kBitwiseAnd:
      return a & b;
    case BinaryOp::kBitwiseOr:
      return a | b;
    case BinaryOp::kBitwiseXor:
      return a ^ b;
    default:
      return Shift<T>(op, a, b);
  }
}

bool EvaluateBool(BinaryOp op, bool a, bool b) {
  switch (op) {
    case BinaryOp::kAnd:
      return a && b;
    case BinaryOp::kOr:
      return a || b;
    default:
      return a != b;
  }
}

// base^exponent by squaring, wrapped; 1 / base^n truncates to 0 unless |base| is 1.
template <class W>
W IntegerPower(W base, bool negative_exponent, uint64_t exponent) {
  if (negative_exponent) {
    if (base == W{1}) return W{1};
    if (base == static_cast<W>(-1) && std::is_signed_v<W>) {
      return exponent % 2 == 0 ? W{1} : static_cast<W>(-1);
    }
    return W{0};
  }
  W result = 1;
  for (; exponent > 0; exponent >>= 1) {
    if (exponent & 1) result = Multiply(result, base);
    base = Multiply(base, base);
  }
  return result;
}

// T to the power of a B; an integer to a fractional power truncates, held within T.
template <class T, class B>
Wide<T> Power(Wide<T> a, Wide<B> b) {
  if constexpr (kIsInteger<T> && kIsInteger<B>) {
    const bool negative = b < Wide<B>{0};
    const uint64_t magnitude = static_cast<uint64_t>(negative ? Subtract<Wide<B>>(0, b) : b);
    return IntegerPower(a, negative, magnitude);
  } else if constexpr (kIsInteger<T>) {
    return Saturate<T>(std::pow(static_cast<double>(a), b));
  } else {
    return std::pow(a, static_cast<double>(b));
  }
}

template <class T>
Wide<T> Evaluate(const BinaryProblem& p, Wide<T> a, Wide<T> b) {
  if constexpr (kIsFloat<T>) {
    return EvaluateUnary(p.activation, p.alpha, p.beta, EvaluateFloat(p.op, a, b));
  } else if constexpr (kIsInteger<T>) {
    return EvaluateInteger<T>(p.op, a, b);
  } else {
    return EvaluateBool(p.op, a, b);
  }
}

bool Divides(BinaryOp op) {
  return op == BinaryOp::kDiv || op == BinaryOp::kMod || op == BinaryOp::kFmod;
}

template <class T, class B>
StepStatus RunPower(const BinaryProblem& p, Range elements, const Operands& operands) {
  StridedWalk<3> at(p.rank, p.dims, elements.begin, p.a_strides, p.b_strides, p.y_strides);
  for (int64_t i = elements.begin; i < elements.end; ++i, at.Next()) {
    Wide<T> value = Power<T, B>(Load(static_cast<const T*>(operands.in[0]), at[0]),
                                Load(static_cast<const B*>(operands.in[1]), at[1]));
    if constexpr (kIsFloat<T>) value = EvaluateUnary(p.activation, p.alpha, p.beta, value);
    Store(static_cast<T*>(operands.out[0]), at[2], value);
  }
  return {};
}

template <class T>
StepStatus RunSameTypes(const BinaryProblem& p, Range elements, const Operands& operands) {
  const auto* a = static_cast<const T*>(operands.in[0]);
  const auto* b = static_cast<const T*>(operands.in[1]);
  const bool compares = IsComparison(p.op);
  const bool divides = kIsInteger<T> && Divides(p.op);
  StridedWalk<3> at(p.rank, p.dims, elements.begin, p.a_strides, p.b_strides, p.y_strides);
  for (int64_t i = elements.begin; i < elements.end; ++i, at.Next()) {
    const Wide<T> left = Load(a, at[0]), right = Load(b, at[1]);
    if (compares) {
      static_cast<bool*>(operands.out[0])[at[2]] = Compare(p.op, left, right);
      continue;
    }
    if (divides && right == Wide<T>{0}) {
      return {.code = StepCode::kDivisionByZero, .position = i};
    }
    Store(static_cast<T*>(operands.out[0]), at[2], Evaluate<T>(p, left, right));
  }
  return {};
}

StepStatus Run(const void* problem, int, Range range, const Operands& operands, void*) {
  const auto& p = *static_cast<const BinaryProblem*>(problem);
  const Range elements = ElementsOf(range, CountElements(p.rank, p.dims));
  if (p.op == BinaryOp::kPow) {
    return VisitType(kNumericTypes, p.type, [&]<class T>(TypeTag<T>) {
      return VisitType(kNumericTypes, p.b_type,
                       [&]<class B>(TypeTag<B>) { return RunPower<T, B>(p, elements, operands); });
    });
  }
  return VisitType(kNumericTypes + kBoolType, p.type,
                   [&]<class T>(TypeTag<T>) { return RunSameTypes<T>(p, elements, operands); });
}

constexpr Kernel kRows[] = {
    {.name = "binary_reference",
     .kind = ProblemKind::kBinary,
     .engine = Engine::kReference,
     .supports = Supports,
     .phases = 1,
     .units = Units,
     .run = Run},
};

}  // namespace

std::span<const Kernel> BinaryRows() { return kRows; }

}  // namespace doppio::kernels::reference
