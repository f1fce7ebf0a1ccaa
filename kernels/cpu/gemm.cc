// Rows for GemmProblem: packed constant b, and b packed at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/gemm.cc"
#include "kernels/problems/gemm.h"

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>

#include "kernels/cpu/gemm_block-inl.h"
#include "kernels/cpu/groups.h"
#include "kernels/cpu/unary_row-inl.h"

HWY_BEFORE_NAMESPACE();
namespace doppio::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

const GemmProblem& As(const void* problem) { return *static_cast<const GemmProblem*>(problem); }

// Packed columns beyond 1 MB leave L2 before the next block of rows comes.
constexpr int64_t kResidentFloats = 256 << 10;

// A unit is one block of rows times `columns` columns. Few blocks are cut into narrower ones, so
// that 16 threads have something to do; the cut depends on the sizes alone.
struct Cut {
  int64_t row_blocks, column_blocks, columns;
};
Cut CutOf(int64_t m, int64_t n) {
  Cut cut;
  const int64_t width = PanelWidth();
  cut.row_blocks = base::CeilDiv(m, kBlockRows);
  cut.columns = std::max<int64_t>(width, 128 / width * width);
  while (cut.columns > width && cut.row_blocks * base::CeilDiv(n, cut.columns) < 32) {
    cut.columns = std::max(width, cut.columns / 2 / width * width);
  }
  cut.column_blocks = base::CeilDiv(n, cut.columns);
  return cut;
}

int64_t BatchSize(const GemmProblem& p) {
  int64_t size = 1;
  for (int i = 0; i < p.batch_rank; ++i) size *= p.batch[i];
  return size;
}

int64_t BatchOffset(const GemmProblem& p, const int64_t* strides, int64_t index) {
  int64_t offset = 0;
  for (int i = p.batch_rank - 1; i >= 0; --i) {
    offset += index % p.batch[i] * strides[i];
    index /= p.batch[i];
  }
  return offset;
}

// Distinct b matrices: those batch dimensions that b walks. `batch` -> index of its b.
int64_t DistinctB(const GemmProblem& p, int64_t batch, int64_t* count) {
  int64_t index = 0;
  int64_t scale = 1;
  for (int i = p.batch_rank - 1; i >= 0; --i) {
    if (p.b_batch[i] != 0) {
      index += batch % p.batch[i] * scale;
      scale *= p.batch[i];
    }
    batch /= p.batch[i];
  }
  *count = scale;
  return index;
}

int64_t CountB(const GemmProblem& p) {
  int64_t count = 1;
  DistinctB(p, 0, &count);
  return count;
}

bool BiasIsRow(const GemmProblem& p) { return p.bias_row == 0; }

bool Supports(const void* problem) {
  const GemmProblem& p = As(problem);
  if (p.type != ElementType::kFloat || p.m < 1 || p.n < 1 || BatchSize(p) < 1) return false;
  if (p.a_col != 1 && p.k > 1) return false;
  if (p.y_col != 1 && p.n > 1) return false;
  if (p.epilogue.bias) {
    if (p.bias_col != 1 && p.n > 1) return false;
    // A bias of more than one row takes the residual's place.
    if (!BiasIsRow(p) && p.epilogue.residual) return false;
  }
  if (p.epilogue.residual && p.residual_col != 1 && p.n > 1) return false;
  return HasUnaryRow(p.epilogue.activation);
}

bool SupportsPacked(const void* problem) { return Supports(problem) && CountB(As(problem)) == 1; }

// Near-peak for many rows; a tile of r < 4 rows waits for loads of b. Memory: b once a block of
// rows.
double ProductNs(const GemmProblem& p, const Machine& machine) {
  const double batch = static_cast<double>(BatchSize(p));
  const double m = static_cast<double>(p.m), n = static_cast<double>(p.n);
  const double k = static_cast<double>(p.k);
  const double padded = static_cast<double>(PackedColumns(p.n));
  const double efficiency = 0.85 * std::min(1.0, m / 4);
  const double compute = 2 * batch * m * padded * k / (machine.flops_per_ns * efficiency);
  const double bytes = 4 * batch * (m * k + n * k + m * n);
  return 100 + std::max(compute, bytes / machine.stream_bytes_per_ns);
}

double CostPacked(const void* problem, const Machine& machine) {
  return ProductNs(As(problem), machine);
}

// Packing reads and writes b once, at half the speed of memory.
double CostUnpacked(const void* problem, const Machine& machine) {
  const GemmProblem& p = As(problem);
  const double bytes = 8.0 * static_cast<double>(CountB(p) * p.k * p.n);
  return ProductNs(p, machine) + 2 * bytes / machine.stream_bytes_per_ns;
}

int64_t Panels(const GemmProblem& p) { return base::CeilDiv(p.n, PanelWidth()); }

size_t PackedBytes(const void* problem) {
  const GemmProblem& p = As(problem);
  return static_cast<size_t>(PackedFloats(p.k, p.n)) * sizeof(float);
}
int64_t PackUnits(const void* problem) { return Panels(As(problem)); }
void Pack(const void* problem, Range range, const void* const* in, void* packed) {
  const GemmProblem& p = As(problem);
  PackPanels(static_cast<const float*>(in[1]), p.b_row, p.b_col, p.k, p.n, range.begin, range.end,
             static_cast<float*>(packed));
}

size_t WorkspaceBytes(const void* problem) {
  return PackedBytes(problem) * static_cast<size_t>(CountB(As(problem)));
}

size_t ScratchBytes(const void* problem) {
  const Cut cut = CutOf(As(problem).m, As(problem).n);
  return static_cast<size_t>(SumFloats(std::min(cut.columns, As(problem).n))) * sizeof(float) +
         kBlockRows * sizeof(float*);
}

int64_t ProductUnits(const GemmProblem& p) {
  const Cut cut = CutOf(p.m, p.n);
  return BatchSize(p) * cut.row_blocks * cut.column_blocks;
}

const float* Offset(const void* base, int64_t offset) {
  return static_cast<const float*>(base) + offset;
}

void RunUnit(const GemmProblem& p, int64_t unit, const Operands& operands, const float* packed,
             void* scratch) {
  const Cut cut = CutOf(p.m, p.n);
  // The larger operand is walked once: columns that do not fit L2 stay still while all rows pass.
  const bool rows_inner = PackedFloats(p.k, p.n) > kResidentFloats;
  const int64_t inner = rows_inner ? cut.row_blocks : cut.column_blocks;
  const int64_t outer = rows_inner ? cut.column_blocks : cut.row_blocks;
  const int64_t row_block = rows_inner ? unit % inner : unit / inner % outer;
  const int64_t column_block = rows_inner ? unit / inner % outer : unit % inner;
  const int64_t batch = unit / inner / outer;
  const int64_t i0 = row_block * p.m / cut.row_blocks;
  const int64_t j0 = column_block * cut.columns;
  GemmBlock block;
  block.m = (row_block + 1) * p.m / cut.row_blocks - i0;
  block.n = std::min(cut.columns, p.n - j0);
  block.c = p.k;
  block.sums = static_cast<float*>(scratch);
  const float** const rows =
      reinterpret_cast<const float**>(block.sums + SumFloats(std::min(cut.columns, p.n)));
  const float* const a = Offset(operands.in[0], BatchOffset(p, p.a_batch, batch));
  for (int64_t i = 0; i < block.m; ++i) rows[i] = a + (i0 + i) * p.a_row;
  block.rows = rows;
  int64_t count = 1;
  block.packed = packed + DistinctB(p, batch, &count) * PackedFloats(p.k, p.n) + j0 * p.k;
  block.y =
      static_cast<float*>(operands.out[0]) + BatchOffset(p, p.y_batch, batch) + i0 * p.y_row + j0;
  block.ldy = p.y_row;
  BlockEpilogue& e = block.epilogue;
  e.alpha = p.alpha;
  if (p.epilogue.bias) {
    const float* const bias =
        Offset(operands.in[2], BatchOffset(p, p.bias_batch, batch) + i0 * p.bias_row + j0);
    (BiasIsRow(p) ? e.bias : e.residual) = bias;
    (BiasIsRow(p) ? e.bias_scale : e.residual_scale) = p.beta;
    e.ld_residual = p.bias_row;
  }
  if (p.epilogue.residual) {
    e.residual =
        Offset(operands.in[3], BatchOffset(p, p.residual_batch, batch) + i0 * p.residual_row + j0);
    e.ld_residual = p.residual_row;
  }
  e.activation = p.epilogue.activation;
  e.a = p.epilogue.alpha;
  e.b = p.epilogue.beta;
  RunGemmBlock(block);
}

int64_t UnitsPacked(const void* problem, int) { return ProductUnits(As(problem)); }

StepStatus RunPacked(const void* problem, int, Range range, const Operands& operands,
                     void* scratch) {
  for (int64_t unit = range.begin; unit < range.end; ++unit) {
    RunUnit(As(problem), unit, operands, static_cast<const float*>(operands.packed), scratch);
  }
  return {};
}

int64_t UnitsUnpacked(const void* problem, int phase) {
  const GemmProblem& p = As(problem);
  return phase == 0 ? CountB(p) * Panels(p) : ProductUnits(p);
}

// Offset of the index-th distinct b.
int64_t DistinctOffset(const GemmProblem& p, int64_t index) {
  int64_t offset = 0;
  for (int i = p.batch_rank - 1; i >= 0; --i) {
    if (p.b_batch[i] == 0) continue;
    offset += index % p.batch[i] * p.b_batch[i];
    index /= p.batch[i];
  }
  return offset;
}

StepStatus RunUnpacked(const void* problem, int phase, Range range, const Operands& operands,
                       void* scratch) {
  const GemmProblem& p = As(problem);
  float* const packed = static_cast<float*>(operands.workspace);
  for (int64_t unit = range.begin; unit < range.end; ++unit) {
    if (phase == 1) {
      RunUnit(p, unit, operands, packed, scratch);
      continue;
    }
    const int64_t which = unit / Panels(p);
    const int64_t panel = unit % Panels(p);
    PackPanels(Offset(operands.in[1], DistinctOffset(p, which)), p.b_row, p.b_col, p.k, p.n, panel,
               panel + 1, packed + which * PackedFloats(p.k, p.n));
  }
  return {};
}

constexpr Kernel kRows[] = {
    {.name = "gemm_rowmajor_packedb_f32",
     .kind = ProblemKind::kGemm,
     .engine = Engine::kSimd,
     .supports = SupportsPacked,
     .cost = CostPacked,
     .packed_operand = 1,
     .packed_bytes = PackedBytes,
     .pack_units = PackUnits,
     .pack = Pack,
     .scratch_bytes = ScratchBytes,
     .phases = 1,
     .units = UnitsPacked,
     .run = RunPacked},
    {.name = "gemm_rowmajor_f32",
     .kind = ProblemKind::kGemm,
     .engine = Engine::kSimd,
     .supports = Supports,
     .cost = CostUnpacked,
     .packed_operand = -1,
     .workspace_bytes = WorkspaceBytes,
     .scratch_bytes = ScratchBytes,
     .phases = 2,
     .units = UnitsUnpacked,
     .run = RunUnpacked},
};

std::span<const Kernel> Rows() { return kRows; }

}  // namespace

}  // namespace HWY_NAMESPACE
}  // namespace doppio::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppio::kernels::cpu {
HWY_EXPORT(Rows);
std::span<const Kernel> GemmRows() { return HWY_DYNAMIC_DISPATCH(Rows)(); }
}  // namespace doppio::kernels::cpu
#endif  // HWY_ONCE
