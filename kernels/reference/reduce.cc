#include "kernels/problems/reduce.h"

#include <algorithm>

#include "kernels/reference/element_dispatch.h"
#include "kernels/reference/families.h"
#include "kernels/reference/strided_walk.h"

namespace doppio::kernels::reference {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

bool Supports(const void* problem) {
  const auto& p = *static_cast<const ReduceProblem*>(problem);
  if (p.op >= ReduceOp::kCount) return false;
  if (p.type == ElementType::kBool) return p.op == ReduceOp::kMax || p.op == ReduceOp::kMin;
  return Contains(kNumericTypes, p.type);
}

// A unit is one output element.
int64_t Units(const void* problem, int) {
  const auto& p = *static_cast<const ReduceProblem*>(problem);
  return CountElements(p.keep_rank, p.keep_dims);
}

// visit(value) for every value that goes into the output at `x`.
template <class T, class Visitor>
void ForEachValue(const ReduceProblem& p, const T* x, Visitor&& visit) {
  const int64_t count = CountElements(p.reduce_rank, p.reduce_dims);
  StridedWalk<1> at(p.reduce_rank, p.reduce_dims, 0, p.reduce_x);
  for (int64_t i = 0; i < count; ++i, at.Next()) visit(Load(x, at[0]));
}

template <class T>
Wide<T> Extreme(const ReduceProblem& p, const T* x) {
  const bool greatest = p.op == ReduceOp::kMax;
  Wide<T> best = greatest ? Lowest<T>() : Highest<T>();
  if constexpr (kIsFloat<T>) best = greatest ? -kInfinity : kInfinity;
  ForEachValue(p, x, [&](Wide<T> value) {
    if (IsNan(value) || (greatest ? value > best : value < best)) best = value;
  });
  return best;
}

// Sums and products, in the wide type.
template <class T, class W = Wide<T>>
W Accumulate(const ReduceProblem& p, const T* x) {
  W total = p.op == ReduceOp::kProd ? W{1} : W{0};
  ForEachValue(p, x, [&](W value) {
    switch (p.op) {
      case ReduceOp::kProd:
        total = Multiply(total, value);
        break;
      case ReduceOp::kL1:
        total = Add(total, value < W{0} ? Subtract<W>(0, value) : value);
        break;
      case ReduceOp::kSumSquare:
        total = Add(total, Multiply(value, value));
        break;
      default:
        total = Add(total, value);
        break;
    }
  });
  return total;
}

template <class T>
double LogSumExp(const ReduceProblem& p, const T* x) {
  double greatest = -kInfinity;
  ForEachValue(p, x,
               [&](Wide<T> value) { greatest = std::max(greatest, static_cast<double>(value)); });
  if (!std::isfinite(greatest)) greatest = 0;  // exp(x - infinity) would be NaN
  double sum = 0;
  ForEachValue(p, x,
               [&](Wide<T> value) { sum += std::exp(static_cast<double>(value) - greatest); });
  return std::log(sum) + greatest;
}

// kL2 and kLogSum: a function of a sum that is kept in double for integers, too.
template <class T>
double FunctionOfSum(const ReduceProblem& p, const T* x) {
  double sum = 0;
  ForEachValue(p, x, [&](Wide<T> value) {
    const auto real = static_cast<double>(value);
    sum += p.op == ReduceOp::kL2 ? real * real : real;
  });
  return p.op == ReduceOp::kL2 ? std::sqrt(sum) : std::log(sum);
}

template <class T>
Wide<T> FromReal(double value) {
  if constexpr (kIsFloat<T>) {
    return value;
  } else {
    return Saturate<T>(value);
  }
}

template <class T, class W = Wide<T>>
W Mean(const ReduceProblem& p, const T* x) {
  const int64_t count = CountElements(p.reduce_rank, p.reduce_dims);
  const W sum = Accumulate(p, x);
  if constexpr (kIsFloat<T>) {
    return sum / static_cast<double>(count);
  } else {
    return count == 0 ? W{0} : sum / static_cast<W>(count);
  }
}

template <class T>
Wide<T> Reduce(const ReduceProblem& p, const T* x) {
  if constexpr (std::is_same_v<T, bool>) {
    return Extreme(p, x);
  } else {
    switch (p.op) {
      case ReduceOp::kMax:
      case ReduceOp::kMin:
        return Extreme(p, x);
      case ReduceOp::kMean:
        return Mean(p, x);
      case ReduceOp::kL2:
      case ReduceOp::kLogSum:
        return FromReal<T>(FunctionOfSum(p, x));
      case ReduceOp::kLogSumExp:
        return FromReal<T>(LogSumExp(p, x));
      default:
        return Accumulate(p, x);
    }
  }
}

StepStatus Run(const void* problem, int, Range range, const Operands& operands, void*) {
  const auto& p = *static_cast<const ReduceProblem*>(problem);
  return VisitType(kNumericTypes + kBoolType, p.type, [&]<class T>(TypeTag<T>) {
    const auto* x = static_cast<const T*>(operands.in[0]);
    auto* y = static_cast<T*>(operands.out[0]);
    StridedWalk<2> at(p.keep_rank, p.keep_dims, range.begin, p.keep_x, p.keep_y);
    for (int64_t unit = range.begin; unit < range.end; ++unit, at.Next()) {
      Store(y, at[1], Reduce(p, x + at[0]));
    }
    return StepStatus{};
  });
}

constexpr Kernel kRows[] = {
    {.name = "reduce_reference",
     .kind = ProblemKind::kReduce,
     .engine = Engine::kReference,
     .supports = Supports,
     .phases = 1,
     .units = Units,
     .run = Run},
};

}  // namespace

std::span<const Kernel> ReduceRows() { return kRows; }

}  // namespace doppio::kernels::reference
