#include <algorithm>

#include "kernels/problems/elementwise.h"
#include "kernels/reference/element_dispatch.h"
#include "kernels/reference/families.h"
#include "kernels/reference/strided_walk.h"
#include "kernels/reference/unary_function.h"

namespace doppio::kernels::reference {
namespace {

bool IsTest(UnaryOp op) { return op == UnaryOp::kIsNan || op == UnaryOp::kIsInf; }

bool IsIntegerFunction(UnaryOp op) {
  switch (op) {
    case UnaryOp::kIdentity:
    case UnaryOp::kRelu:
    case UnaryOp::kClip:
    case UnaryOp::kAbs:
    case UnaryOp::kNeg:
    case UnaryOp::kSign:
    case UnaryOp::kSquare:
    case UnaryOp::kCube:
    case UnaryOp::kFloor:
    case UnaryOp::kCeil:
    case UnaryOp::kRound:
    case UnaryOp::kBitwiseNot:
      return true;
    default:
      return false;
  }
}

bool Supports(const void* problem) {
  const auto& p = *static_cast<const UnaryProblem*>(problem);
  if (IsTest(p.op)) return Contains(kFloatTypes, p.x_type) && p.y_type == ElementType::kBool;
  if (p.x_type != p.y_type) return false;
  if (Contains(kFloatTypes, p.x_type)) return IsFloatFunction(p.op);
  if (Contains(kIntegerTypes, p.x_type)) return IsIntegerFunction(p.op);
  return p.x_type == ElementType::kBool && (p.op == UnaryOp::kNot || p.op == UnaryOp::kIdentity);
}

// A unit is kUnitElements elements.
int64_t Units(const void* problem, int) {
  const auto& p = *static_cast<const UnaryProblem*>(problem);
  return ElementUnits(CountElements(p.rank, p.dims));
}

// x is a T widened to W = int64_t or uint64_t; the result is wrapped to T when stored.
template <class T, class W = Wide<T>>
W EvaluateInteger(const UnaryProblem& p, W x) {
  switch (p.op) {
    case UnaryOp::kRelu:
      return x < W{0} ? W{0} : x;
    case UnaryOp::kClip:
      return std::min(std::max(x, static_cast<W>(Saturate<T>(std::ceil(p.alpha)))),
                      static_cast<W>(Saturate<T>(std::floor(p.beta))));
    case UnaryOp::kAbs:
      return x < W{0} ? Subtract<W>(0, x) : x;
    case UnaryOp::kNeg:
      return Subtract<W>(0, x);
    case UnaryOp::kSign:
      return static_cast<W>((x > W{0}) - (x < W{0}));
    case UnaryOp::kSquare:
      return Multiply(x, x);
    case UnaryOp::kCube:
      return Multiply(Multiply(x, x), x);
    case UnaryOp::kBitwiseNot:
      return ~x;
    default:
      return x;
  }
}

bool Test(const UnaryProblem& p, double x) {
  if (p.op == UnaryOp::kIsNan) return std::isnan(x);
  return std::isinf(x) && (x > 0 ? p.alpha != 0 : p.beta != 0);
}

template <class T>
Wide<T> Evaluate(const UnaryProblem& p, Wide<T> x) {
  if constexpr (kIsFloat<T>) {
    return EvaluateUnary(p.op, p.alpha, p.beta, x);
  } else if constexpr (kIsInteger<T>) {
    return EvaluateInteger<T>(p, x);
  } else {
    return p.op == UnaryOp::kNot ? !x : x;
  }
}

StepStatus Run(const void* problem, int, Range range, const Operands& operands, void*) {
  const auto& p = *static_cast<const UnaryProblem*>(problem);
  const Range elements = ElementsOf(range, CountElements(p.rank, p.dims));
  return VisitType(kNumericTypes + kBoolType, p.x_type, [&]<class T>(TypeTag<T>) {
    const auto* x = static_cast<const T*>(operands.in[0]);
    StridedWalk<2> at(p.rank, p.dims, elements.begin, p.x_strides, p.y_strides);
    for (int64_t i = elements.begin; i < elements.end; ++i, at.Next()) {
      if (IsTest(p.op)) {
        if constexpr (kIsFloat<T>) {
          static_cast<bool*>(operands.out[0])[at[1]] = Test(p, Load(x, at[0]));
        }
      } else {
        Store(static_cast<T*>(operands.out[0]), at[1], Evaluate<T>(p, Load(x, at[0])));
      }
    }
    return StepStatus{};
  });
}

constexpr Kernel kRows[] = {
    {.name = "unary_reference",
     .kind = ProblemKind::kUnary,
     .engine = Engine::kReference,
     .supports = Supports,
     .phases = 1,
     .units = Units,
     .run = Run},
};

}  // namespace

std::span<const Kernel> UnaryRows() { return kRows; }

}  // namespace doppio::kernels::reference
