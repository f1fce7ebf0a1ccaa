// Rows for BinaryProblem: float arithmetic over rows in which each input moves or repeats.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/binary.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <cmath>
#include <limits>

#include "kernels/cpu/groups.h"
#include "kernels/cpu/row_cut.h"
#include "kernels/cpu/unary_row-inl.h"
#include "kernels/cpu/vectors-inl.h"
#include "kernels/problems/elementwise.h"

HWY_BEFORE_NAMESPACE();
namespace doppio::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

const BinaryProblem& As(const void* problem) { return *static_cast<const BinaryProblem*>(problem); }

template <BinaryOp kOp>
HWY_INLINE Floats Apply(Floats a, Floats b) {
  if constexpr (kOp == BinaryOp::kAdd) return hn::Add(a, b);
  if constexpr (kOp == BinaryOp::kSub) return hn::Sub(a, b);
  if constexpr (kOp == BinaryOp::kMul) return hn::Mul(a, b);
  if constexpr (kOp == BinaryOp::kDiv) return hn::Div(a, b);
  // NaN wins: a sum with it is NaN, whichever side it is on.
  if constexpr (kOp == BinaryOp::kMax) {
    const auto ordered = hn::And(hn::Eq(a, a), hn::Eq(b, b));
    return hn::IfThenElse(ordered, hn::Max(a, b), hn::Add(a, b));
  }
  if constexpr (kOp == BinaryOp::kMin) {
    const auto ordered = hn::And(hn::Eq(a, a), hn::Eq(b, b));
    return hn::IfThenElse(ordered, hn::Min(a, b), hn::Add(a, b));
  }
  if constexpr (kOp == BinaryOp::kPRelu) {
    return hn::IfThenElse(hn::Lt(a, hn::Zero(FloatTag())), hn::Mul(a, b), a);
  }
}

struct Clamp {
  float lo, hi;
};

// Which inputs repeat one value along the row.
enum class Form { kBothMove, kARepeats, kBRepeats };

template <BinaryOp kOp, Form kForm>
void Row(const float* a, const float* b, float* y, int64_t n, Clamp clamp) {
  const FloatTag d;
  const int64_t lanes = VectorLanes();
  const Floats lo = hn::Set(d, clamp.lo);
  const Floats hi = hn::Set(d, clamp.hi);
  const Floats one_a = hn::Set(d, n > 0 ? *a : 0);
  const Floats one_b = hn::Set(d, n > 0 ? *b : 0);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const Floats va = kForm == Form::kARepeats ? one_a : hn::LoadU(d, a + i);
    const Floats vb = kForm == Form::kBRepeats ? one_b : hn::LoadU(d, b + i);
    hn::StoreU(ClampTo(Apply<kOp>(va, vb), lo, hi), d, y + i);
  }
  if (i == n) return;
  const Floats va = kForm == Form::kARepeats ? one_a : LoadTail(a + i, n - i);
  const Floats vb = kForm == Form::kBRepeats ? one_b : LoadTail(b + i, n - i);
  StoreTail(ClampTo(Apply<kOp>(va, vb), lo, hi), y + i, n - i);
}

// Powers: squares and roots are what nets use; the rest goes one by one.
void PowRow(const float* a, int64_t sa, const float* b, int64_t sb, float* y, int64_t n) {
  if (sb == 0 && sa == 1 && n > 0) {
    if (*b == 2) return UnaryRow(UnaryOp::kSquare, 0, 0, a, y, n);
    if (*b == 3) return UnaryRow(UnaryOp::kCube, 0, 0, a, y, n);
    if (*b == 1) return UnaryRow(UnaryOp::kIdentity, 0, 0, a, y, n);
    if (*b == -1) return UnaryRow(UnaryOp::kReciprocal, 0, 0, a, y, n);
  }
  for (int64_t i = 0; i < n; ++i) y[i] = std::pow(a[i * sa], b[i * sb]);
}

using RowFunction = void (*)(const float* a, const float* b, float* y, int64_t n, Clamp clamp);

template <BinaryOp kOp>
RowFunction FormOf(Form form) {
  switch (form) {
    case Form::kBothMove:
      return Row<kOp, Form::kBothMove>;
    case Form::kARepeats:
      return Row<kOp, Form::kARepeats>;
    default:
      return Row<kOp, Form::kBRepeats>;
  }
}

RowFunction FunctionOf(BinaryOp op, Form form) {
  switch (op) {
    case BinaryOp::kAdd:
      return FormOf<BinaryOp::kAdd>(form);
    case BinaryOp::kSub:
      return FormOf<BinaryOp::kSub>(form);
    case BinaryOp::kMul:
      return FormOf<BinaryOp::kMul>(form);
    case BinaryOp::kDiv:
      return FormOf<BinaryOp::kDiv>(form);
    case BinaryOp::kMax:
      return FormOf<BinaryOp::kMax>(form);
    case BinaryOp::kMin:
      return FormOf<BinaryOp::kMin>(form);
    case BinaryOp::kPRelu:
      return FormOf<BinaryOp::kPRelu>(form);
    default:
      return nullptr;
  }
}

// The widest dimension along which y moves by 1 and each input by 0 or 1, one of them by 1; or -1.
int Axis(const BinaryProblem& p) {
  int best = -1;
  for (int i = 0; i < p.rank; ++i) {
    const int64_t a = p.a_strides[i];
    const int64_t b = p.b_strides[i];
    if (p.y_strides[i] != 1 || a < 0 || a > 1 || b < 0 || b > 1 || a + b == 0) continue;
    if (best < 0 || p.dims[i] > p.dims[best]) best = i;
  }
  return best;
}

OuterWalk WalkOf(const BinaryProblem& p) {
  OuterWalk walk;
  const int axis = Axis(p);
  for (int i = 0; i < p.rank; ++i) {
    if (i != axis) walk.Append(p.dims[i], p.a_strides[i], p.b_strides[i], p.y_strides[i]);
  }
  return walk;
}

RowCut CutOf(const BinaryProblem& p, const OuterWalk& walk) {
  const int axis = Axis(p);
  return RowCut(axis < 0 ? 1 : p.dims[axis], walk.size());
}

bool Supports(const void* problem) {
  const BinaryProblem& p = As(problem);
  if (p.type != ElementType::kFloat) return false;
  if (p.op == BinaryOp::kPow ? p.b_type != ElementType::kFloat
                             : FunctionOf(p.op, Form::kBothMove) == nullptr) {
    return false;
  }
  return HasUnaryRow(p.activation) && (p.rank == 0 || Axis(p) >= 0);
}

// Three streams of memory; a row costs 5 ns beside its values.
double Cost(const void* problem, const Machine& machine) {
  const OuterWalk walk = WalkOf(As(problem));
  const RowCut cut = CutOf(As(problem), walk);
  return 100 + 5.0 * static_cast<double>(cut.outer) +
         12.0 * static_cast<double>(cut.n * cut.outer) / machine.stream_bytes_per_ns;
}

int64_t Units(const void* problem, int) {
  const OuterWalk walk = WalkOf(As(problem));
  return CutOf(As(problem), walk).units();
}

StepStatus Run(const void* problem, int, Range range, const Operands& operands, void*) {
  const BinaryProblem& p = As(problem);
  const OuterWalk walk = WalkOf(p);
  const int axis = Axis(p);
  const int64_t sa = axis < 0 ? 1 : p.a_strides[axis];
  const int64_t sb = axis < 0 ? 1 : p.b_strides[axis];
  const Form form = sa == 0 ? Form::kARepeats : sb == 0 ? Form::kBRepeats : Form::kBothMove;
  const RowFunction row = FunctionOf(p.op, form);
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  Clamp clamp = {-kInfinity, kInfinity};
  if (p.activation == UnaryOp::kRelu) clamp.lo = 0;
  if (p.activation == UnaryOp::kClip) clamp = {p.alpha, p.beta};
  const bool activate =
      p.op == BinaryOp::kPow || !(p.activation == UnaryOp::kIdentity ||
                                  p.activation == UnaryOp::kRelu || p.activation == UnaryOp::kClip);
  CutOf(p, walk).ForEach(walk, range, [&](const OuterPosition& at, int64_t begin, int64_t count) {
    const float* const a = static_cast<const float*>(operands.in[0]) + at.offset(0) + begin * sa;
    const float* const b = static_cast<const float*>(operands.in[1]) + at.offset(1) + begin * sb;
    float* const y = static_cast<float*>(operands.out[0]) + at.offset(2) + begin;
    if (row != nullptr) {
      row(a, b, y, count, clamp);
    } else {
      PowRow(a, sa, b, sb, y, count);
    }
    if (activate) UnaryRow(p.activation, p.alpha, p.beta, y, y, count);
  });
  return {};
}

constexpr Kernel kRows[] = {
    {.name = "binary_rows_f32",
     .kind = ProblemKind::kBinary,
     .engine = Engine::kSimd,
     .supports = Supports,
     .cost = Cost,
     .packed_operand = -1,
     .phases = 1,
     .units = Units,
     .run = Run},
};

std::span<const Kernel> Rows() { return kRows; }

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppio::kernels::cpu {
HWY_EXPORT(Rows);
std::span<const Kernel> BinaryRows() { return HWY_DYNAMIC_DISPATCH(Rows)(); }
}  // namespace doppio::kernels::cpu
#endif  // HWY_ONCE
