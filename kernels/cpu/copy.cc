// Rows for CopyProblem and FillProblem: runs of bytes, 2-D transposition in blocks, and any
// strides.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/copy.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "kernels/cpu/groups.h"
#include "kernels/cpu/outer_walk.h"
#include "kernels/cpu/vectors-inl.h"
#include "kernels/problems/elementwise.h"

HWY_BEFORE_NAMESPACE();
namespace doppio::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

const CopyProblem& As(const void* problem) { return *static_cast<const CopyProblem*>(problem); }

// Bytes of a unit: enough work to pay for the unit, few enough to share.
constexpr int64_t kUnitBytes = 32 << 10;
// Pixels of a unit of a transposition.
constexpr int64_t kStripe = 64;

int64_t Count(const CopyProblem& p) {
  int64_t count = 1;
  for (int i = 0; i < p.rank; ++i) count *= p.dims[i];
  return count;
}

// The widest dimension of the given unit strides, or -1; a stride of 1 in x, in y or in both.
int Axis(const CopyProblem& p, bool unit_x, bool unit_y) {
  int best = -1;
  for (int i = 0; i < p.rank; ++i) {
    if (p.dims[i] < 2) continue;
    if ((unit_x && p.x_strides[i] != 1) || (unit_y && p.y_strides[i] != 1)) continue;
    if (best < 0 || p.dims[i] > p.dims[best]) best = i;
  }
  return best;
}

// All dimensions but those two (-1: none).
OuterWalk Without(const CopyProblem& p, int axis, int other) {
  OuterWalk walk;
  for (int i = 0; i < p.rank; ++i) {
    if (i != axis && i != other) walk.Append(p.dims[i], p.x_strides[i], p.y_strides[i]);
  }
  return walk;
}

double BytesNs(const CopyProblem& p, const Machine& machine, double factor) {
  const double bytes = 2.0 * static_cast<double>(Count(p) * p.element_bytes);
  return 100 + factor * bytes / machine.stream_bytes_per_ns;
}

// ---- Runs
// -----------------------------------------------------------------------------------------

// Rows of `bytes`, in units of `rows` rows or, where a row is long, of a part of one.
struct Runs {
  int64_t bytes, rows, parts;
};
Runs RunsOf(const CopyProblem& p) {
  const int axis = Axis(p, true, true);
  Runs runs;
  runs.bytes = p.element_bytes * (axis < 0 ? 1 : p.dims[axis]);
  runs.rows = std::max<int64_t>(1, kUnitBytes / runs.bytes);
  runs.parts = base::CeilDiv(runs.bytes, 2 * kUnitBytes);
  return runs;
}

bool SupportsRuns(const void* problem) {
  const CopyProblem& p = As(problem);
  return Axis(p, true, true) >= 0 || Count(p) == 1;
}
// A run costs 3 ns beside its bytes.
double CostRuns(const void* problem, const Machine& machine) {
  const CopyProblem& p = As(problem);
  const double runs = static_cast<double>(Count(p) * p.element_bytes / RunsOf(p).bytes);
  return BytesNs(p, machine, 1) + 3 * runs;
}
int64_t UnitsRuns(const void* problem, int) {
  const CopyProblem& p = As(problem);
  const Runs runs = RunsOf(p);
  const int64_t size = Without(p, Axis(p, true, true), -1).size();
  return runs.parts > 1 ? size * runs.parts : base::CeilDiv(size, runs.rows);
}
StepStatus RunRuns(const void* problem, int, Range range, const Operands& operands, void*) {
  const CopyProblem& p = As(problem);
  const Runs runs = RunsOf(p);
  const OuterWalk walk = Without(p, Axis(p, true, true), -1);
  const int64_t size = walk.size();
  const int64_t element = p.element_bytes;
  const char* const x = static_cast<const char*>(operands.in[0]) + p.x_offset * element;
  char* const y = static_cast<char*>(operands.out[0]) + p.y_offset * element;
  if (runs.parts > 1) {
    for (int64_t unit = range.begin; unit < range.end; ++unit) {
      const OuterPosition at(walk, unit / runs.parts);
      const int64_t begin = unit % runs.parts * runs.bytes / runs.parts;
      const int64_t end = (unit % runs.parts + 1) * runs.bytes / runs.parts;
      std::memcpy(y + at.offset(1) * element + begin, x + at.offset(0) * element + begin,
                  static_cast<size_t>(end - begin));
    }
    return {};
  }
  const int64_t first = range.begin * runs.rows;
  const int64_t last = std::min(range.end * runs.rows, size);
  if (first >= last) return {};
  OuterPosition at(walk, first);
  for (int64_t i = first; i < last; ++i, at.Next()) {
    std::memcpy(y + at.offset(1) * element, x + at.offset(0) * element,
                static_cast<size_t>(runs.bytes));
  }
  return {};
}

// ---- Transposition of 4-byte elements
// ------------------------------------------------------------

bool SupportsTranspose(const void* problem) {
  const CopyProblem& p = As(problem);
  return p.element_bytes == 4 && Axis(p, true, true) < 0 && Axis(p, true, false) >= 0 &&
         Axis(p, false, true) >= 0;
}
// Half the speed of a plain copy; narrow ones lose the blocks of 4.
double CostTranspose(const void* problem, const Machine& machine) {
  const CopyProblem& p = As(problem);
  const bool narrow = p.dims[Axis(p, true, false)] < 4 || p.dims[Axis(p, false, true)] < 4;
  return BytesNs(p, machine, narrow ? 4 : 2);
}
int64_t UnitsTranspose(const void* problem, int) {
  const CopyProblem& p = As(problem);
  const int from = Axis(p, true, false);
  return Without(p, from, Axis(p, false, true)).size() * base::CeilDiv(p.dims[from], kStripe);
}

// y[i * ldy + j] = x[j * ldx + i] for i < m, j < n.
void Transpose(const float* x, int64_t ldx, float* y, int64_t ldy, int64_t m, int64_t n) {
  int64_t j = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::FixedTag<float, 4> d;
  const hn::Repartition<double, decltype(d)> pairs;
  for (; j + 4 <= n; j += 4) {
    const float* const from = x + j * ldx;
    int64_t i = 0;
    for (; i + 4 <= m; i += 4) {
      const auto r0 = hn::LoadU(d, from + i);
      const auto r1 = hn::LoadU(d, from + ldx + i);
      const auto r2 = hn::LoadU(d, from + 2 * ldx + i);
      const auto r3 = hn::LoadU(d, from + 3 * ldx + i);
      const auto a = hn::BitCast(pairs, hn::InterleaveLower(d, r0, r1));
      const auto b = hn::BitCast(pairs, hn::InterleaveLower(d, r2, r3));
      const auto e = hn::BitCast(pairs, hn::InterleaveUpper(d, r0, r1));
      const auto f = hn::BitCast(pairs, hn::InterleaveUpper(d, r2, r3));
      float* const to = y + i * ldy + j;
      hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, a, b)), d, to);
      hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, a, b)), d, to + ldy);
      hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, e, f)), d, to + 2 * ldy);
      hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, e, f)), d, to + 3 * ldy);
    }
    for (; i < m; ++i) {
      for (int64_t k = 0; k < 4; ++k) y[i * ldy + j + k] = from[k * ldx + i];
    }
  }
#endif
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t k = j; k < n; ++k) y[i * ldy + k] = x[k * ldx + i];
  }
}

StepStatus RunTranspose(const void* problem, int, Range range, const Operands& operands, void*) {
  const CopyProblem& p = As(problem);
  const int from = Axis(p, true, false);
  const int to = Axis(p, false, true);
  const OuterWalk walk = Without(p, from, to);
  const int64_t stripes = base::CeilDiv(p.dims[from], kStripe);
  const float* const x = static_cast<const float*>(operands.in[0]) + p.x_offset;
  float* const y = static_cast<float*>(operands.out[0]) + p.y_offset;
  for (int64_t unit = range.begin; unit < range.end; ++unit) {
    const OuterPosition at(walk, unit / stripes);
    const int64_t i = unit % stripes * kStripe;
    const int64_t m = std::min(kStripe, p.dims[from] - i);
    // 16 columns at a time: 16 lines read and 64 written, each met again while it is in L1.
    for (int64_t j = 0; j < p.dims[to]; j += 16) {
      Transpose(x + at.offset(0) + i + j * p.x_strides[to], p.x_strides[to],
                y + at.offset(1) + i * p.y_strides[from] + j, p.y_strides[from], m,
                std::min<int64_t>(16, p.dims[to] - j));
    }
  }
  return {};
}

// ---- Any strides
// ---------------------------------------------------------------------------------

struct Bytes16 {
  uint64_t low, high;
};

// The innermost dimension is the one of the least step in y.
int InnerAxis(const CopyProblem& p) {
  int best = -1;
  for (int i = 0; i < p.rank; ++i) {
    if (p.dims[i] < 2) continue;
    if (best < 0 || std::abs(p.y_strides[i]) < std::abs(p.y_strides[best])) best = i;
  }
  return best;
}

bool SupportsAny(const void*) { return true; }
double CostAny(const void* problem, const Machine& machine) {
  const CopyProblem& p = As(problem);
  return BytesNs(p, machine, 1) + 1.0 * static_cast<double>(Count(p));
}
int64_t UnitsAny(const void* problem, int) {
  const CopyProblem& p = As(problem);
  return Without(p, InnerAxis(p), -1).size();
}

template <class T>
void CopyAny(const CopyProblem& p, Range range, const Operands& operands) {
  const int axis = InnerAxis(p);
  const OuterWalk walk = Without(p, axis, -1);
  const int64_t n = axis < 0 ? 1 : p.dims[axis];
  const int64_t sx = axis < 0 ? 0 : p.x_strides[axis];
  const int64_t sy = axis < 0 ? 0 : p.y_strides[axis];
  OuterPosition at(walk, range.begin);
  for (int64_t unit = range.begin; unit < range.end; ++unit, at.Next()) {
    const T* const x = static_cast<const T*>(operands.in[0]) + p.x_offset + at.offset(0);
    T* const y = static_cast<T*>(operands.out[0]) + p.y_offset + at.offset(1);
    if (sx == 0 && sy == 1) {
      std::fill(y, y + n, *x);
    } else {
      for (int64_t i = 0; i < n; ++i) y[i * sy] = x[i * sx];
    }
  }
}

StepStatus RunAny(const void* problem, int, Range range, const Operands& operands, void*) {
  const CopyProblem& p = As(problem);
  if (range.begin >= range.end) return {};
  switch (p.element_bytes) {
    case 1:
      CopyAny<uint8_t>(p, range, operands);
      break;
    case 2:
      CopyAny<uint16_t>(p, range, operands);
      break;
    case 4:
      CopyAny<uint32_t>(p, range, operands);
      break;
    case 8:
      CopyAny<uint64_t>(p, range, operands);
      break;
    default:
      CopyAny<Bytes16>(p, range, operands);
      break;
  }
  return {};
}

// ---- Fill
// ----------------------------------------------------------------------------------------

// A fill is a copy whose x does not move.
CopyProblem AsCopy(const void* problem) {
  const FillProblem& p = *static_cast<const FillProblem*>(problem);
  CopyProblem copy;
  copy.element_bytes = p.element_bytes;
  copy.y_offset = p.y_offset;
  copy.rank = p.rank;
  std::copy(p.dims, p.dims + p.rank, copy.dims);
  std::copy(p.y_strides, p.y_strides + p.rank, copy.y_strides);
  return copy;
}
double CostFill(const void* problem, const Machine& machine) {
  return BytesNs(AsCopy(problem), machine, 0.5);
}
int64_t UnitsFill(const void* problem, int) {
  const CopyProblem copy = AsCopy(problem);
  return UnitsAny(&copy, 0);
}
StepStatus RunFill(const void* problem, int phase, Range range, const Operands& operands,
                   void* scratch) {
  const FillProblem& p = *static_cast<const FillProblem*>(problem);
  const CopyProblem copy = AsCopy(problem);
  alignas(16) unsigned char value[sizeof(p.value)];
  std::memcpy(value, p.value, sizeof(value));
  const void* const in[1] = {p.from_input ? operands.in[0] : value};
  Operands moved = operands;
  moved.in = in;
  return RunAny(&copy, phase, range, moved, scratch);
}

constexpr Kernel kRows[] = {
    {.name = "copy_runs",
     .kind = ProblemKind::kCopy,
     .engine = Engine::kSimd,
     .supports = SupportsRuns,
     .cost = CostRuns,
     .packed_operand = -1,
     .phases = 1,
     .units = UnitsRuns,
     .run = RunRuns},
    {.name = "copy_transpose4x4_b32",
     .kind = ProblemKind::kCopy,
     .engine = Engine::kSimd,
     .supports = SupportsTranspose,
     .cost = CostTranspose,
     .packed_operand = -1,
     .phases = 1,
     .units = UnitsTranspose,
     .run = RunTranspose},
    {.name = "copy_strided",
     .kind = ProblemKind::kCopy,
     .engine = Engine::kSimd,
     .supports = SupportsAny,
     .cost = CostAny,
     .packed_operand = -1,
     .phases = 1,
     .units = UnitsAny,
     .run = RunAny},
    {.name = "fill_strided",
     .kind = ProblemKind::kFill,
     .engine = Engine::kSimd,
     .supports = SupportsAny,
     .cost = CostFill,
     .packed_operand = -1,
     .phases = 1,
     .units = UnitsFill,
     .run = RunFill},
};

std::span<const Kernel> Rows() { return kRows; }

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppio::kernels::cpu {
HWY_EXPORT(Rows);
std::span<const Kernel> CopyRows() { return HWY_DYNAMIC_DISPATCH(Rows)(); }
}  // namespace doppio::kernels::cpu
#endif  // HWY_ONCE
