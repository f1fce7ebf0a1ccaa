// Transposed convolution, channels-last, by phases: the outputs of one residue of position by
// stride meet the same taps, so they are an ordinary indirect convolution over those taps,
// stride 1.
//
// Packed weights: a row of zeros, then for each group and phase [panels][taps of the
// phase][c][width]. Each tap is in exactly one phase, so the whole is as large as the weights.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/conv_transpose.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>

#include "kernels/cpu/gemm_block-inl.h"
#include "kernels/cpu/groups.h"
#include "kernels/cpu/unary_row-inl.h"
#include "kernels/problems/conv.h"

HWY_BEFORE_NAMESPACE();
namespace doppio::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

const ConvProblem& As(const void* problem) { return *static_cast<const ConvProblem*>(problem); }

struct Shape {
  int64_t c, m;        // of a group
  int64_t phases;      // sd * sh * sw
  int64_t row_blocks;  // of the pixels of one output row and phase
  int64_t columns, column_blocks;
  int64_t zeros;
  int64_t group_floats;  // packed floats of a group
};

Shape ShapeOf(const ConvProblem& p) {
  Shape s;
  s.c = p.c / p.groups;
  s.m = p.m / p.groups;
  s.phases = p.sd * p.sh * p.sw;
  s.row_blocks = base::CeilDiv(base::CeilDiv(p.ow, p.sw), kBlockRows);
  s.columns = std::max<int64_t>(1, 128 / PanelWidth()) * PanelWidth();
  s.column_blocks = base::CeilDiv(s.m, s.columns);
  s.zeros = static_cast<int64_t>(base::RoundUp(static_cast<size_t>(s.c), 16));
  s.group_floats = PackedFloats(p.kd * p.kh * p.kw * s.c, s.m);
  return s;
}

// The taps of one dimension that reach outputs with (o + pad) mod stride == residue.
struct PhaseTaps {
  int64_t kernel, stride, dilation, residue;

  int64_t Count() const {
    int64_t count = 0;
    for (int64_t k = Next(0); k < kernel; k = Next(k + 1)) ++count;
    return count;
  }
  // The first such tap from k on, or `kernel`.
  int64_t Next(int64_t k) const {
    while (k < kernel && k * dilation % stride != residue) ++k;
    return k;
  }
};

struct Phase {
  PhaseTaps d, h, w;

  Phase(const ConvProblem& p, int64_t rd, int64_t rh, int64_t rw)
      : d{p.kd, p.sd, p.dd, rd}, h{p.kh, p.sh, p.dh, rh}, w{p.kw, p.sw, p.dw, rw} {}
  int64_t Taps() const { return d.Count() * h.Count() * w.Count(); }
};

Phase PhaseAt(const ConvProblem& p, int64_t index) {
  return Phase(p, index / (p.sh * p.sw), index / p.sw % p.sh, index % p.sw);
}

// Floats of a group's packed weights before phase `index`.
int64_t PhaseOffset(const ConvProblem& p, const Shape& s, int64_t index) {
  int64_t taps = 0;
  for (int64_t i = 0; i < index; ++i) taps += PhaseAt(p, i).Taps();
  return PackedFloats(taps * s.c, s.m);
}

bool Supports(const void* problem) {
  const ConvProblem& p = As(problem);
  if (p.type != ElementType::kFloat || p.c < p.groups || p.m < p.groups) return false;
  if (p.n < 1 || p.od < 1 || p.oh < 1 || p.ow < 1) return false;
  if ((p.x.c != 1 && p.c > 1) || (p.y.c != 1 && p.m > 1)) return false;
  if (p.epilogue.residual && p.residual.c != 1 && p.m > 1) return false;
  return HasUnaryRow(p.epilogue.activation);
}

// Products of 60% of peak: tiles of an output row are small.
double Cost(const void* problem, const Machine& machine) {
  const ConvProblem& p = As(problem);
  const Shape s = ShapeOf(p);
  const double pixels = static_cast<double>(p.n * p.od * p.oh * p.ow * p.groups);
  const double taps = static_cast<double>(p.kd * p.kh * p.kw) / static_cast<double>(s.phases);
  const double flops = 2 * pixels * taps * static_cast<double>(s.c * PackedColumns(s.m));
  return 200 + flops / (0.6 * machine.flops_per_ns) + 2 * pixels * taps;
}

size_t PackedBytes(const void* problem) {
  const Shape s = ShapeOf(As(problem));
  return static_cast<size_t>(s.zeros + As(problem).groups * s.group_floats) * sizeof(float);
}
int64_t PackUnits(const void* problem) { return As(problem).groups * ShapeOf(As(problem)).phases; }

// One phase of one group: [panels][taps][c][width].
void PackPhase(const ConvProblem& p, const Shape& s, const Phase& phase, const float* w,
               float* packed) {
  for (int64_t j0 = 0; j0 < s.m; j0 += PanelWidth()) {
    const int64_t columns = std::min(s.m - j0, PanelWidth());
    const int64_t padded = PackedColumns(columns);
    for (int64_t kz = phase.d.Next(0); kz < p.kd; kz = phase.d.Next(kz + 1)) {
      for (int64_t ky = phase.h.Next(0); ky < p.kh; ky = phase.h.Next(ky + 1)) {
        for (int64_t kx = phase.w.Next(0); kx < p.kw; kx = phase.w.Next(kx + 1)) {
          const float* const tap = w + kz * p.w.d + ky * p.w.h + kx * p.w.w + j0 * p.w.n;
          for (int64_t ci = 0; ci < s.c; ++ci, packed += padded) {
            for (int64_t j = 0; j < padded; ++j) {
              packed[j] = j < columns ? tap[ci * p.w.c + j * p.w.n] : 0;
            }
          }
        }
      }
    }
  }
}

void Pack(const void* problem, Range range, const void* const* in, void* packed) {
  const ConvProblem& p = As(problem);
  const Shape s = ShapeOf(p);
  float* const to = static_cast<float*>(packed);
  if (range.begin == 0) std::fill(to, to + s.zeros, 0.0f);
  for (int64_t unit = range.begin; unit < range.end; ++unit) {
    const int64_t group = unit / s.phases;
    const int64_t index = unit % s.phases;
    PackPhase(p, s, PhaseAt(p, index), static_cast<const float*>(in[1]) + group * s.c * p.w.c,
              to + s.zeros + group * s.group_floats + PhaseOffset(p, s, index));
  }
}

size_t ScratchBytes(const void* problem) {
  const ConvProblem& p = As(problem);
  const Shape s = ShapeOf(p);
  return static_cast<size_t>(SumFloats(std::min(s.columns, s.m))) * sizeof(float) +
         static_cast<size_t>(kBlockRows * p.kd * p.kh * p.kw) * sizeof(float*);
}

int64_t Units(const void* problem, int) {
  const ConvProblem& p = As(problem);
  const Shape s = ShapeOf(p);
  return p.n * p.groups * p.od * p.oh * p.sw * s.row_blocks * s.column_blocks;
}

// Where a unit works.
struct Place {
  int64_t n, group, oz, oy, rw, row_block, column_block;

  Place(const ConvProblem& p, const Shape& s, int64_t unit) {
    column_block = unit % s.column_blocks;
    unit /= s.column_blocks;
    row_block = unit % s.row_blocks;
    unit /= s.row_blocks;
    rw = unit % p.sw;
    unit /= p.sw;
    oy = unit % p.oh;
    unit /= p.oh;
    oz = unit % p.od;
    unit /= p.od;
    group = unit % p.groups;
    n = unit / p.groups;
  }
};

// Pointers of `count` pixels ox0, ox0 + sw, .. at all taps of the phase.
int64_t MakePointers(const ConvProblem& p, const Phase& phase, const Place& at, int64_t ox0,
                     int64_t count, const float* x, const float* zeros, const float** pointers) {
  int64_t taps = 0;
  for (int64_t kz = phase.d.Next(0); kz < p.kd; kz = phase.d.Next(kz + 1)) {
    const int64_t iz = (at.oz + p.pd - kz * p.dd) / p.sd;
    const bool plane = at.oz + p.pd >= kz * p.dd && iz < p.id;
    for (int64_t ky = phase.h.Next(0); ky < p.kh; ky = phase.h.Next(ky + 1)) {
      const int64_t iy = (at.oy + p.ph - ky * p.dh) / p.sh;
      const bool inside = plane && at.oy + p.ph >= ky * p.dh && iy < p.ih;
      const float* const row = inside ? x + iz * p.x.d + iy * p.x.h : zeros;
      for (int64_t kx = phase.w.Next(0); kx < p.kw; kx = phase.w.Next(kx + 1), ++taps) {
        const float** const to = pointers + taps * kBlockRows;
        for (int64_t i = 0; i < count; ++i) {
          const int64_t reach = ox0 + i * p.sw + p.pw - kx * p.dw;
          const bool hit = inside && reach >= 0 && reach / p.sw < p.iw;
          to[i] = hit ? row + reach / p.sw * p.x.w : zeros;
        }
      }
    }
  }
  return taps;
}

void RunUnit(const ConvProblem& p, const Shape& s, const Place& at, const Operands& operands,
             void* scratch) {
  // The first output of this residue, and how many there are in the row.
  const int64_t first = ((at.rw - p.pw) % p.sw + p.sw) % p.sw;
  const int64_t pixels = first < p.ow ? base::CeilDiv(p.ow - first, p.sw) : 0;
  const int64_t i0 = at.row_block * pixels / s.row_blocks;
  const int64_t ox0 = first + i0 * p.sw;
  const int64_t j0 = at.column_block * s.columns;
  GemmBlock block;
  block.m = (at.row_block + 1) * pixels / s.row_blocks - i0;
  if (block.m == 0) return;
  block.n = std::min(s.columns, s.m - j0);
  block.sums = static_cast<float*>(scratch);
  const float** const pointers =
      reinterpret_cast<const float**>(block.sums + SumFloats(std::min(s.columns, s.m)));
  const float* const packed = static_cast<const float*>(operands.packed);
  const float* const x =
      static_cast<const float*>(operands.in[0]) + at.n * p.x.n + at.group * s.c * p.x.c;
  const int64_t rd = (at.oz + p.pd) % p.sd;
  const int64_t rh = (at.oy + p.ph) % p.sh;
  const Phase phase(p, rd, rh, at.rw);
  block.taps = MakePointers(p, phase, at, ox0, block.m, x, packed, pointers);
  block.c = s.c;
  block.packed = packed + s.zeros + at.group * s.group_floats +
                 PhaseOffset(p, s, (rd * p.sh + rh) * p.sw + at.rw) + j0 * block.taps * s.c;
  if (block.taps == 0) {
    // No tap reaches here: an empty sum, which has its epilogue still.
    std::fill(pointers, pointers + block.m, packed);
    block.taps = 1;
    block.c = 0;
  }
  block.rows = pointers;
  block.row_stride = kBlockRows;
  const int64_t channel = at.group * s.m + j0;
  block.y = static_cast<float*>(operands.out[0]) + at.n * p.y.n + at.oz * p.y.d + at.oy * p.y.h +
            ox0 * p.y.w + channel;
  block.ldy = p.sw * p.y.w;
  BlockEpilogue& e = block.epilogue;
  if (p.epilogue.bias) e.bias = static_cast<const float*>(operands.in[2]) + channel;
  if (p.epilogue.residual) {
    e.residual = static_cast<const float*>(operands.in[3]) + at.n * p.residual.n +
                 at.oz * p.residual.d + at.oy * p.residual.h + ox0 * p.residual.w + channel;
    e.ld_residual = p.sw * p.residual.w;
  }
  e.activation = p.epilogue.activation;
  e.a = p.epilogue.alpha;
  e.b = p.epilogue.beta;
  RunGemmBlock(block);
}

StepStatus Run(const void* problem, int, Range range, const Operands& operands, void* scratch) {
  const ConvProblem& p = As(problem);
  const Shape s = ShapeOf(p);
  for (int64_t unit = range.begin; unit < range.end; ++unit) {
    RunUnit(p, s, Place(p, s, unit), operands, scratch);
  }
  return {};
}

constexpr Kernel kRows[] = {
    {.name = "convtranspose_nhwc_phases_f32",
     .kind = ProblemKind::kConvTranspose,
     .engine = Engine::kSimd,
     .supports = Supports,
     .cost = Cost,
     .packed_operand = 1,
     .packed_bytes = PackedBytes,
     .pack_units = PackUnits,
     .pack = Pack,
     .scratch_bytes = ScratchBytes,
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
std::span<const Kernel> ConvTransposeRows() { return HWY_DYNAMIC_DISPATCH(Rows)(); }
}  // namespace doppio::kernels::cpu
#endif  // HWY_ONCE
