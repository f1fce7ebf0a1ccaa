// Softmax and its logarithm: rows of unit stride, and rows across columns of unit stride.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/softmax.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/checked.h"
#include "kernels/cpu/groups.h"
#include "kernels/cpu/vector_math-inl.h"
#include "kernels/problems/reduce.h"

HWY_BEFORE_NAMESPACE();
namespace doppio::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

const SoftmaxProblem& As(const void* problem) {
  return *static_cast<const SoftmaxProblem*>(problem);
}

bool SupportsAny(const SoftmaxProblem& p) {
  return p.type == ElementType::kFloat && p.op != SoftmaxOp::kHardmax && p.size > 0;
}
bool SupportsRows(const void* problem) {
  const SoftmaxProblem& p = As(problem);
  return SupportsAny(p) && (p.size == 1 || (p.x_size == 1 && p.y_size == 1));
}
bool SupportsColumns(const void* problem) {
  const SoftmaxProblem& p = As(problem);
  return SupportsAny(p) && (p.inner == 1 || (p.x_inner == 1 && p.y_inner == 1));
}

// An exponential is some 15 operations, and the row is walked three times.
double Cost(const void* problem, const Machine& machine) {
  const SoftmaxProblem& p = As(problem);
  const double count = static_cast<double>(p.outer * p.size * p.inner);
  return 100 + count * (40 / machine.flops_per_ns + 8 / machine.stream_bytes_per_ns);
}

// Rows go many to a unit when they are short.
int64_t RowsOfUnit(const SoftmaxProblem& p) { return std::max<int64_t>(1, 1024 / p.size); }
int64_t UnitsRows(const void* problem, int) {
  const SoftmaxProblem& p = As(problem);
  return base::CeilDiv(p.outer * p.inner, RowsOfUnit(p));
}

HWY_INLINE Floats Lowest() { return SetAll(-std::numeric_limits<float>::infinity()); }

float RowMax(const float* x, int64_t n) {
  const FloatTag d;
  const int64_t lanes = VectorLanes();
  Floats max = Lowest();
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) max = hn::Max(max, hn::LoadU(d, x + i));
  float result = hn::GetLane(hn::MaxOfLanes(d, max));
  for (; i < n; ++i) result = std::max(result, x[i]);
  return result;
}

// y = exp(x - max); returns the sum.
float RowExp(const float* x, float max, int64_t n, float* y) {
  const FloatTag d;
  const int64_t lanes = VectorLanes();
  const Floats shift = SetAll(max);
  Floats sum = hn::Zero(d);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const Floats e = VectorExp(hn::Sub(hn::LoadU(d, x + i), shift));
    sum = hn::Add(sum, e);
    if (y != nullptr) hn::StoreU(e, d, y + i);
  }
  if (i < n) {
    const Floats e = VectorExp(hn::Sub(LoadTail(x + i, n - i), shift));
    sum = hn::Add(sum, hn::IfThenElseZero(hn::FirstN(d, static_cast<size_t>(n - i)), e));
    if (y != nullptr) StoreTail(e, y + i, n - i);
  }
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

void Row(SoftmaxOp op, const float* x, int64_t n, float* y) {
  const FloatTag d;
  const int64_t lanes = VectorLanes();
  const float max = RowMax(x, n);
  if (op == SoftmaxOp::kSoftmax) {
    const Floats scale = SetAll(1 / RowExp(x, max, n, y));
    int64_t i = 0;
    for (; i + lanes <= n; i += lanes) hn::StoreU(hn::Mul(hn::LoadU(d, y + i), scale), d, y + i);
    if (i < n) StoreTail(hn::Mul(LoadTail(y + i, n - i), scale), y + i, n - i);
    return;
  }
  // The greatest value is taken off first: its sum with the logarithm would lose digits.
  const Floats shift = SetAll(max);
  const Floats log = SetAll(std::log(RowExp(x, max, n, nullptr)));
  for (int64_t i = 0; i < n; i += lanes) {
    const Floats v = hn::Sub(hn::Sub(LoadUpTo(x + i, n - i), shift), log);
    StoreUpTo(v, y + i, n - i);
  }
}

StepStatus RunRows(const void* problem, int, Range range, const Operands& operands, void*) {
  const SoftmaxProblem& p = As(problem);
  const int64_t rows = RowsOfUnit(p);
  const int64_t last = std::min(range.end * rows, p.outer * p.inner);
  for (int64_t row = range.begin * rows; row < last; ++row) {
    const int64_t outer = row / p.inner;
    const int64_t inner = row % p.inner;
    Row(p.op, static_cast<const float*>(operands.in[0]) + outer * p.x_outer + inner * p.x_inner,
        p.size, static_cast<float*>(operands.out[0]) + outer * p.y_outer + inner * p.y_inner);
  }
  return {};
}

// A unit is 4 vectors of columns: a cache line or more at each step.
int64_t ColumnsOfUnit() { return 4 * VectorLanes(); }
int64_t UnitsColumns(const void* problem, int) {
  const SoftmaxProblem& p = As(problem);
  return p.outer * base::CeilDiv(p.inner, ColumnsOfUnit());
}

// One vector of columns, `left` of them.
void Columns(const SoftmaxProblem& p, const float* x, int64_t left, float* y) {
  Floats max = Lowest();
  for (int64_t i = 0; i < p.size; ++i) max = hn::Max(max, LoadUpTo(x + i * p.x_size, left));
  Floats sum = hn::Zero(FloatTag());
  const bool log = p.op == SoftmaxOp::kLogSoftmax;
  for (int64_t i = 0; i < p.size; ++i) {
    const Floats e = VectorExp(hn::Sub(LoadUpTo(x + i * p.x_size, left), max));
    sum = hn::Add(sum, e);
    if (!log) StoreUpTo(e, y + i * p.y_size, left);
  }
  if (log) {
    const Floats shift = VectorLog(sum);
    for (int64_t i = 0; i < p.size; ++i) {
      const Floats v = hn::Sub(LoadUpTo(x + i * p.x_size, left), max);
      StoreUpTo(hn::Sub(v, shift), y + i * p.y_size, left);
    }
    return;
  }
  const Floats scale = hn::Div(SetAll(1.0f), sum);
  for (int64_t i = 0; i < p.size; ++i) {
    float* const to = y + i * p.y_size;
    StoreUpTo(hn::Mul(LoadUpTo(to, left), scale), to, left);
  }
}

StepStatus RunColumns(const void* problem, int, Range range, const Operands& operands, void*) {
  const SoftmaxProblem& p = As(problem);
  const int64_t columns = ColumnsOfUnit();
  const int64_t blocks = base::CeilDiv(p.inner, columns);
  for (int64_t unit = range.begin; unit < range.end; ++unit) {
    const int64_t outer = unit / blocks;
    const int64_t begin = unit % blocks * columns;
    const int64_t end = std::min(begin + columns, p.inner);
    const float* const x = static_cast<const float*>(operands.in[0]) + outer * p.x_outer;
    float* const y = static_cast<float*>(operands.out[0]) + outer * p.y_outer;
    for (int64_t j = begin; j < end; j += VectorLanes()) Columns(p, x + j, end - j, y + j);
  }
  return {};
}

constexpr Kernel kRows[] = {
    {.name = "softmax_rows_f32",
     .kind = ProblemKind::kSoftmax,
     .engine = Engine::kSimd,
     .supports = SupportsRows,
     .cost = Cost,
     .packed_operand = -1,
     .phases = 1,
     .units = UnitsRows,
     .run = RunRows},
    {.name = "softmax_columns_f32",
     .kind = ProblemKind::kSoftmax,
     .engine = Engine::kSimd,
     .supports = SupportsColumns,
     .cost = Cost,
     .packed_operand = -1,
     .phases = 1,
     .units = UnitsColumns,
     .run = RunColumns},
};

std::span<const Kernel> Rows() { return kRows; }

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppio::kernels::cpu {
HWY_EXPORT(Rows);
std::span<const Kernel> SoftmaxRows() { return HWY_DYNAMIC_DISPATCH(Rows)(); }
}  // namespace doppio::kernels::cpu
#endif  // HWY_ONCE
