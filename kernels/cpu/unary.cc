// Rows for UnaryProblem: float, rows of unit stride.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/unary.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/groups.h"
#include "kernels/cpu/row_cut.h"
#include "kernels/cpu/unary_row-inl.h"
#include "kernels/problems/elementwise.h"

HWY_BEFORE_NAMESPACE();
namespace doppio::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

const UnaryProblem& As(const void* problem) { return *static_cast<const UnaryProblem*>(problem); }

// The widest dimension of unit strides, or -1.
int Axis(const UnaryProblem& p) {
  int best = -1;
  for (int i = 0; i < p.rank; ++i) {
    if (p.x_strides[i] != 1 || p.y_strides[i] != 1) continue;
    if (best < 0 || p.dims[i] > p.dims[best]) best = i;
  }
  return best;
}

OuterWalk WalkOf(const UnaryProblem& p) {
  OuterWalk walk;
  const int axis = Axis(p);
  for (int i = 0; i < p.rank; ++i) {
    if (i != axis) walk.Append(p.dims[i], p.x_strides[i], p.y_strides[i]);
  }
  return walk;
}

RowCut CutOf(const UnaryProblem& p, const OuterWalk& walk) {
  const int axis = Axis(p);
  return RowCut(axis < 0 ? 1 : p.dims[axis], walk.size());
}

bool Supports(const void* problem) {
  const UnaryProblem& p = As(problem);
  return p.x_type == ElementType::kFloat && p.y_type == ElementType::kFloat && HasUnaryRow(p.op) &&
         (p.rank == 0 || Axis(p) >= 0);
}

// About 10 operations a value for the functions made of polynomials; memory for the others.
double Cost(const void* problem, const Machine& machine) {
  const OuterWalk walk = WalkOf(As(problem));
  const RowCut cut = CutOf(As(problem), walk);
  const double count = static_cast<double>(cut.n * cut.outer);
  return 100 + 2.0 * static_cast<double>(cut.outer) +
         count * std::max(8 / machine.stream_bytes_per_ns, 20 / machine.flops_per_ns);
}

int64_t Units(const void* problem, int) {
  const OuterWalk walk = WalkOf(As(problem));
  return CutOf(As(problem), walk).units();
}

StepStatus Run(const void* problem, int, Range range, const Operands& operands, void*) {
  const UnaryProblem& p = As(problem);
  const OuterWalk walk = WalkOf(p);
  const float* const x = static_cast<const float*>(operands.in[0]);
  float* const y = static_cast<float*>(operands.out[0]);
  CutOf(p, walk).ForEach(walk, range, [&](const OuterPosition& at, int64_t begin, int64_t count) {
    UnaryRow(p.op, static_cast<float>(p.alpha), static_cast<float>(p.beta),
             x + at.offset(0) + begin, y + at.offset(1) + begin, count);
  });
  return {};
}

constexpr Kernel kRows[] = {
    {.name = "unary_rows_f32",
     .kind = ProblemKind::kUnary,
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
std::span<const Kernel> UnaryRows() { return HWY_DYNAMIC_DISPATCH(Rows)(); }
}  // namespace doppio::kernels::cpu
#endif  // HWY_ONCE
