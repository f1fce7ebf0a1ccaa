// Reductions of floats: runs of unit stride into one value, and columns of unit stride into a row.
// Sums are made in a fixed order: per vector lane, then over the lanes.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/reduce.cc"
#include "kernels/problems/reduce.h"

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/checked.h"
#include "kernels/cpu/groups.h"
#include "kernels/cpu/outer_walk.h"
#include "kernels/cpu/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace doppio::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

const ReduceProblem& As(const void* problem) { return *static_cast<const ReduceProblem*>(problem); }

int64_t ReduceCount(const ReduceProblem& p) {
  int64_t count = 1;
  for (int i = 0; i < p.reduce_rank; ++i) count *= p.reduce_dims[i];
  return count;
}
int64_t KeepCount(const ReduceProblem& p) {
  int64_t count = 1;
  for (int i = 0; i < p.keep_rank; ++i) count *= p.keep_dims[i];
  return count;
}

bool SupportsOp(const ReduceProblem& p) {
  if (p.type != ElementType::kFloat || ReduceCount(p) == 0) return false;
  switch (p.op) {
    case ReduceOp::kSum:
    case ReduceOp::kMean:
    case ReduceOp::kMax:
    case ReduceOp::kMin:
    case ReduceOp::kL1:
    case ReduceOp::kL2:
    case ReduceOp::kSumSquare:
      return true;
    default:
      return false;
  }
}

// The widest dimension of unit stride, or -1.
int UnitAxis(const int64_t* dims, const int64_t* strides, int rank) {
  int best = -1;
  for (int i = 0; i < rank; ++i) {
    if (strides[i] == 1 && (best < 0 || dims[i] > dims[best])) best = i;
  }
  return best;
}
int ReduceAxis(const ReduceProblem& p) {
  return UnitAxis(p.reduce_dims, p.reduce_x, p.reduce_rank);
}
int KeepAxis(const ReduceProblem& p) {
  const int axis = UnitAxis(p.keep_dims, p.keep_x, p.keep_rank);
  return axis >= 0 && p.keep_y[axis] == 1 ? axis : -1;
}

OuterWalk ReduceWalk(const ReduceProblem& p, int without) {
  OuterWalk walk;
  for (int i = 0; i < p.reduce_rank; ++i) {
    if (i != without) walk.Append(p.reduce_dims[i], p.reduce_x[i], 0);
  }
  return walk;
}
OuterWalk KeepWalk(const ReduceProblem& p, int without) {
  OuterWalk walk;
  for (int i = 0; i < p.keep_rank; ++i) {
    if (i != without) walk.Append(p.keep_dims[i], p.keep_x[i], p.keep_y[i]);
  }
  return walk;
}

bool SupportsRuns(const void* problem) {
  return SupportsOp(As(problem)) && ReduceAxis(As(problem)) >= 0;
}
bool SupportsColumns(const void* problem) {
  return SupportsOp(As(problem)) && KeepAxis(As(problem)) >= 0;
}

// Memory, and 10 ns for each run (or each row of columns) that begins.
double Cost(const ReduceProblem& p, const Machine& machine, int64_t run) {
  const double count = static_cast<double>(KeepCount(p) * ReduceCount(p));
  return 100 + 4 * count / machine.stream_bytes_per_ns + 10 * count / static_cast<double>(run);
}
double CostRuns(const void* problem, const Machine& machine) {
  const ReduceProblem& p = As(problem);
  return Cost(p, machine, p.reduce_dims[ReduceAxis(p)]);
}
double CostColumns(const void* problem, const Machine& machine) {
  const ReduceProblem& p = As(problem);
  return Cost(p, machine, std::max<int64_t>(1, p.keep_dims[KeepAxis(p)]));
}

template <ReduceOp kOp>
HWY_INLINE Floats Combine(Floats sum, Floats x) {
  if constexpr (kOp == ReduceOp::kSum) return hn::Add(sum, x);
  if constexpr (kOp == ReduceOp::kL1) return hn::Add(sum, hn::Abs(x));
  if constexpr (kOp == ReduceOp::kSumSquare) return hn::MulAdd(x, x, sum);
  // A NaN wins: it compares false, and a NaN that is in the sum stays there.
  if constexpr (kOp == ReduceOp::kMax) {
    return hn::IfThenElse(hn::Le(x, sum), sum, hn::IfThenElse(hn::Eq(sum, sum), x, sum));
  }
  if constexpr (kOp == ReduceOp::kMin) {
    return hn::IfThenElse(hn::Ge(x, sum), sum, hn::IfThenElse(hn::Eq(sum, sum), x, sum));
  }
}

template <ReduceOp kOp>
float Start() {
  if constexpr (kOp == ReduceOp::kMax) return -std::numeric_limits<float>::infinity();
  if constexpr (kOp == ReduceOp::kMin) return std::numeric_limits<float>::infinity();
  return 0;
}

template <ReduceOp kOp>
float CombineScalar(float sum, float x) {
  if constexpr (kOp == ReduceOp::kSum) return sum + x;
  if constexpr (kOp == ReduceOp::kL1) return sum + std::abs(x);
  if constexpr (kOp == ReduceOp::kSumSquare) return sum + x * x;
  if constexpr (kOp == ReduceOp::kMax) return x <= sum || sum != sum ? sum : x;
  return x >= sum || sum != sum ? sum : x;
}

// What becomes of the combined value.
float Finish(const ReduceProblem& p, float sum) {
  if (p.op == ReduceOp::kMean) return sum / static_cast<float>(ReduceCount(p));
  if (p.op == ReduceOp::kL2) return std::sqrt(sum);
  return sum;
}

// Four sums, so that additions of 4 cycles overlap.
template <ReduceOp kOp>
float Run1(const float* x, int64_t n) {
  const FloatTag d;
  const int64_t lanes = VectorLanes();
  Floats s0 = hn::Set(d, Start<kOp>()), s1 = s0, s2 = s0, s3 = s0;
  int64_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    s0 = Combine<kOp>(s0, hn::LoadU(d, x + i));
    s1 = Combine<kOp>(s1, hn::LoadU(d, x + i + lanes));
    s2 = Combine<kOp>(s2, hn::LoadU(d, x + i + 2 * lanes));
    s3 = Combine<kOp>(s3, hn::LoadU(d, x + i + 3 * lanes));
  }
  for (; i + lanes <= n; i += lanes) s0 = Combine<kOp>(s0, hn::LoadU(d, x + i));
  constexpr ReduceOp kMerge = kOp == ReduceOp::kMax || kOp == ReduceOp::kMin ? kOp : ReduceOp::kSum;
  s0 = Combine<kMerge>(Combine<kMerge>(s0, s1), Combine<kMerge>(s2, s3));
  HWY_ALIGN float lane[HWY_MAX_BYTES / sizeof(float)];
  hn::Store(s0, d, lane);
  float sum = lane[0];
  for (int64_t j = 1; j < lanes; ++j) sum = CombineScalar<kMerge>(sum, lane[j]);
  for (; i < n; ++i) sum = CombineScalar<kOp>(sum, x[i]);
  return sum;
}

template <ReduceOp kOp>
void RunsOf(const ReduceProblem& p, Range range, const float* x, float* y) {
  const int axis = ReduceAxis(p);
  const OuterWalk keep = KeepWalk(p, -1);
  const OuterWalk reduce = ReduceWalk(p, axis);
  const int64_t rows = reduce.size();
  constexpr ReduceOp kMerge = kOp == ReduceOp::kMax || kOp == ReduceOp::kMin ? kOp : ReduceOp::kSum;
  OuterPosition at(keep, range.begin);
  for (int64_t unit = range.begin; unit < range.end; ++unit, at.Next()) {
    float sum = Start<kOp>();
    OuterPosition row(reduce, 0);
    for (int64_t i = 0; i < rows; ++i, row.Next()) {
      sum = CombineScalar<kMerge>(sum,
                                  Run1<kOp>(x + at.offset(0) + row.offset(0), p.reduce_dims[axis]));
    }
    y[at.offset(1)] = Finish(p, sum);
  }
}

int64_t UnitsRuns(const void* problem, int) { return KeepCount(As(problem)); }

// Columns of a unit: 8 vectors.
int64_t ColumnsOfUnit() { return 8 * VectorLanes(); }
int64_t UnitsColumns(const void* problem, int) {
  const ReduceProblem& p = As(problem);
  const int axis = KeepAxis(p);
  return KeepWalk(p, axis).size() * base::CeilDiv(p.keep_dims[axis], ColumnsOfUnit());
}

// The columns [0, n) of all rows into y. Walks the rows once for each two vectors.
template <ReduceOp kOp>
void Columns(const ReduceProblem& p, const OuterWalk& reduce, const float* x, int64_t n, float* y) {
  const FloatTag d;
  const int64_t lanes = VectorLanes();
  const int64_t rows = reduce.size();
  for (int64_t j = 0; j < n; j += 2 * lanes) {
    Floats s0 = hn::Set(d, Start<kOp>()), s1 = s0;
    const int64_t left = n - j;
    OuterPosition row(reduce, 0);
    for (int64_t i = 0; i < rows; ++i, row.Next()) {
      const float* const from = x + row.offset(0) + j;
      s0 = Combine<kOp>(s0, LoadUpTo(from, left));
      if (left > lanes) s1 = Combine<kOp>(s1, LoadUpTo(from + lanes, left - lanes));
    }
    if (p.op == ReduceOp::kMean) {
      const Floats count = hn::Set(d, static_cast<float>(ReduceCount(p)));
      s0 = hn::Div(s0, count);
      s1 = hn::Div(s1, count);
    }
    if (p.op == ReduceOp::kL2) s0 = hn::Sqrt(s0), s1 = hn::Sqrt(s1);
    StoreUpTo(s0, y + j, left);
    if (left > lanes) StoreUpTo(s1, y + j + lanes, left - lanes);
  }
}

template <ReduceOp kOp>
void ColumnsOf(const ReduceProblem& p, Range range, const float* x, float* y) {
  const int axis = KeepAxis(p);
  const OuterWalk keep = KeepWalk(p, axis);
  const OuterWalk reduce = ReduceWalk(p, -1);
  const int64_t width = ColumnsOfUnit();
  const int64_t blocks = base::CeilDiv(p.keep_dims[axis], width);
  for (int64_t unit = range.begin; unit < range.end; ++unit) {
    const OuterPosition at(keep, unit / blocks);
    const int64_t j = unit % blocks * width;
    Columns<kOp>(p, reduce, x + at.offset(0) + j, std::min(width, p.keep_dims[axis] - j),
                 y + at.offset(1) + j);
  }
}

enum class Form { kRuns, kColumns };

template <Form kForm, ReduceOp kOp>
void Reduce(const ReduceProblem& p, Range range, const float* x, float* y) {
  if constexpr (kForm == Form::kRuns) {
    RunsOf<kOp>(p, range, x, y);
  } else {
    ColumnsOf<kOp>(p, range, x, y);
  }
}

template <Form kForm>
StepStatus Run(const void* problem, int, Range range, const Operands& operands, void*) {
  const ReduceProblem& p = As(problem);
  const float* const x = static_cast<const float*>(operands.in[0]);
  float* const y = static_cast<float*>(operands.out[0]);
  if (range.begin >= range.end) return {};
  switch (p.op) {
    case ReduceOp::kMax:
      Reduce<kForm, ReduceOp::kMax>(p, range, x, y);
      break;
    case ReduceOp::kMin:
      Reduce<kForm, ReduceOp::kMin>(p, range, x, y);
      break;
    case ReduceOp::kL1:
      Reduce<kForm, ReduceOp::kL1>(p, range, x, y);
      break;
    case ReduceOp::kL2:
    case ReduceOp::kSumSquare:
      Reduce<kForm, ReduceOp::kSumSquare>(p, range, x, y);
      break;
    default:
      Reduce<kForm, ReduceOp::kSum>(p, range, x, y);
      break;
  }
  return {};
}

constexpr Kernel kRows[] = {
    {.name = "reduce_runs_f32",
     .kind = ProblemKind::kReduce,
     .engine = Engine::kSimd,
     .supports = SupportsRuns,
     .cost = CostRuns,
     .packed_operand = -1,
     .phases = 1,
     .units = UnitsRuns,
     .run = Run<Form::kRuns>},
    {.name = "reduce_columns_f32",
     .kind = ProblemKind::kReduce,
     .engine = Engine::kSimd,
     .supports = SupportsColumns,
     .cost = CostColumns,
     .packed_operand = -1,
     .phases = 1,
     .units = UnitsColumns,
     .run = Run<Form::kColumns>},
};

std::span<const Kernel> Rows() { return kRows; }

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppio::kernels::cpu {
HWY_EXPORT(Rows);
std::span<const Kernel> ReduceRows() { return HWY_DYNAMIC_DISPATCH(Rows)(); }
}  // namespace doppio::kernels::cpu
#endif  // HWY_ONCE
