// Convolutions with channels-last output as packed products: 1x1 and indirect (rows through
// pointers), and im2row (few input channels, in either layout, gathered into rows).
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/conv.cc"
#include "kernels/problems/conv.h"

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstring>

#include "kernels/cpu/gemm_block-inl.h"
#include "kernels/cpu/groups.h"
#include "kernels/cpu/unary_row-inl.h"

HWY_BEFORE_NAMESPACE();
namespace doppio::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

const ConvProblem& As(const void* problem) { return *static_cast<const ConvProblem*>(problem); }

// Where the rows of the product come from.
enum class Source {
  kPointers,    // x itself, channels-last
  kRowsOfNhwc,  // gathered from channels-last x: depth is [kd][kh][kw][c]
  kRowsOfNchw,  // gathered from x with unit pixel stride: depth is [c][kd][kh][kw]
};

// im2row gathers at most so many values a row: 96 x 2048 floats of scratch are 786 KB.
constexpr int64_t kMaxRowDepth = 2048;

// Sizes that follow from a problem.
struct Shape {
  int64_t sets;            // products: each takes `merged` groups at once
  int64_t merged;          // groups whose weights stand block-diagonal in one vector of columns
  int64_t c, m;            // channels of one set
  int64_t taps, depth;     // depth = taps * c
  int64_t images, pixels;  // images with uniform rows of output pixels
  int64_t row_blocks, column_blocks, columns;
  int64_t zeros;  // floats in front of the packed weights: the row of padding
};

bool UniformPixels(const ConvProblem& p, const MapStrides& s) {
  return (p.oh == 1 || s.h == p.ow * s.w) && (p.od == 1 || s.d == p.oh * p.ow * s.w);
}

// Output pixels of all images as one run, where strides allow it.
bool MergesImages(const ConvProblem& p) {
  const int64_t pixels = p.od * p.oh * p.ow;
  return p.n == 1 || (p.y.n == pixels * p.y.w &&
                      (!p.epilogue.residual || p.residual.n == pixels * p.residual.w));
}

Shape ShapeOf(const ConvProblem& p) {
  Shape s;
  const int64_t c = p.c / p.groups;
  const int64_t m = p.m / p.groups;
  // Groups of few channels would leave most lanes empty: several share a vector, with zeros
  // between. That costs the multiplications that empty lanes would, and saves passes over the taps.
  s.merged = 1;
  while (s.merged * 2 * m <= VectorLanes() && p.groups % (s.merged * 2) == 0) s.merged *= 2;
  s.sets = p.groups / s.merged;
  s.c = c * s.merged;
  s.m = m * s.merged;
  s.taps = p.kd * p.kh * p.kw;
  s.depth = s.taps * s.c;
  s.images = p.n;
  s.pixels = p.od * p.oh * p.ow;
  if (MergesImages(p)) {
    s.pixels *= s.images;
    s.images = 1;
  }
  const int64_t width = PanelWidth();
  s.row_blocks = base::CeilDiv(s.pixels, kBlockRows);
  s.columns = std::max<int64_t>(width, 128 / width * width);
  // As in gemm.cc: at least 32 units where the sizes allow it, so that 16 threads share them.
  while (s.columns > width &&
         s.images * s.sets * s.row_blocks * base::CeilDiv(s.m, s.columns) < 32) {
    s.columns = std::max(width, s.columns / 2 / width * width);
  }
  s.column_blocks = base::CeilDiv(s.m, s.columns);
  s.zeros = static_cast<int64_t>(base::RoundUp(static_cast<size_t>(s.c), 16));
  return s;
}

bool SupportsOutput(const ConvProblem& p) {
  if (p.type != ElementType::kFloat || p.c < p.groups || p.m < p.groups) return false;
  if (p.n < 1 || p.od < 1 || p.oh < 1 || p.ow < 1) return false;
  if ((p.y.c != 1 && p.m > 1) || !UniformPixels(p, p.y)) return false;
  if (p.epilogue.residual) {
    if ((p.residual.c != 1 && p.m > 1) || !UniformPixels(p, p.residual)) return false;
  }
  return HasUnaryRow(p.epilogue.activation);
}

bool UnitChannels(const ConvProblem& p) { return p.x.c == 1 || p.c == 1; }

bool Is1x1(const ConvProblem& p) {
  return p.kd * p.kh * p.kw == 1 && p.pd == 0 && p.ph == 0 && p.pw == 0 && p.groups == 1;
}

bool Supports1x1(const void* problem) {
  const ConvProblem& p = As(problem);
  return SupportsOutput(p) && UnitChannels(p) && Is1x1(p);
}
bool SupportsIndirect(const void* problem) {
  const ConvProblem& p = As(problem);
  return SupportsOutput(p) && UnitChannels(p) && !Is1x1(p);
}
bool SupportsRowsOfNhwc(const void* problem) {
  const ConvProblem& p = As(problem);
  return SupportsOutput(p) && UnitChannels(p) && p.groups == 1 && !Is1x1(p) &&
         ShapeOf(p).depth <= kMaxRowDepth;
}
bool SupportsRowsOfNchw(const void* problem) {
  const ConvProblem& p = As(problem);
  return SupportsOutput(p) && p.groups == 1 && (p.x.w == 1 || p.iw == 1) &&
         ShapeOf(p).depth <= kMaxRowDepth;
}

// Products of 80% of peak, on the padded columns; `tap_ns` and `value_ns` are what pointers and
// gathered values cost beside them.
double Cost(const ConvProblem& p, const Machine& machine, double tap_ns, double value_ns) {
  const Shape s = ShapeOf(p);
  const double rows = static_cast<double>(s.images * s.pixels * s.sets);
  const double depth = static_cast<double>(s.depth);
  const double columns = static_cast<double>(PackedColumns(s.m));
  const double flops = 2 * rows * depth * columns;
  const double blocks = static_cast<double>(s.column_blocks);
  const double gather = rows * blocks * (static_cast<double>(s.taps) * tap_ns + depth * value_ns);
  const double bytes = 4 * (rows * (static_cast<double>(s.c) + columns) +
                            static_cast<double>(s.sets) * depth * columns);
  return 200 + gather +
         std::max(flops / (0.8 * machine.flops_per_ns), bytes / machine.stream_bytes_per_ns);
}
// A pointer costs 1 ns to make, and each tile loses 20 cycles a tap to load its pointers: 0.6 ns a
// row.
double CostIndirect(const void* problem, const Machine& machine) {
  return Cost(As(problem), machine, 1.6, 0);
}
double Cost1x1(const void* problem, const Machine& machine) {
  return Cost(As(problem), machine, 1.0, 0);
}
double CostRows(const void* problem, const Machine& machine) {
  return Cost(As(problem), machine, 1.0, 0.4);
}

int64_t Panels(const Shape& s) { return base::CeilDiv(s.m, PanelWidth()); }

size_t PackedBytes(const void* problem) {
  const Shape s = ShapeOf(As(problem));
  return static_cast<size_t>(s.zeros + s.sets * PackedFloats(s.depth, s.m)) * sizeof(float);
}
int64_t PackUnits(const void* problem) {
  const Shape s = ShapeOf(As(problem));
  return s.sets * Panels(s);
}

// Weight of output channel j and input channel ci of a set, zero where they are of different
// groups.
struct SetWeights {
  const float* w;  // of the set's first output channel
  int64_t group_c, group_m;
  MapStrides strides;

  float At(int64_t j, int64_t ci, int64_t tap_offset) const {
    if (j / group_m != ci / group_c) return 0;
    return w[j * strides.n + ci % group_c * strides.c + tap_offset];
  }
};

// Packs one panel: [tap][c][width], or [c][tap][width] for rows gathered from NCHW.
void PackPanel(const ConvProblem& p, const Shape& s, const SetWeights& weights, Source source,
               int64_t panel, float* packed) {
  const int64_t j0 = panel * PanelWidth();
  const int64_t columns = std::min(s.m - j0, PanelWidth());
  const int64_t padded = PackedColumns(columns);
  float* const to = packed + j0 * s.depth;
  int64_t tap = 0;
  for (int64_t kz = 0; kz < p.kd; ++kz) {
    for (int64_t ky = 0; ky < p.kh; ++ky) {
      for (int64_t kx = 0; kx < p.kw; ++kx, ++tap) {
        const int64_t offset = kz * p.w.d + ky * p.w.h + kx * p.w.w;
        for (int64_t ci = 0; ci < s.c; ++ci) {
          const int64_t k = source == Source::kRowsOfNchw ? ci * s.taps + tap : tap * s.c + ci;
          float* const row = to + k * padded;
          std::fill(row + columns, row + padded, 0.0f);
          if (s.merged == 1) {
            // Without the divisions of At: a load packs 25 million weights of ResNet-50.
            const float* const from = weights.w + j0 * p.w.n + ci * p.w.c + offset;
            for (int64_t j = 0; j < columns; ++j) row[j] = from[j * p.w.n];
          } else {
            for (int64_t j = 0; j < columns; ++j) row[j] = weights.At(j0 + j, ci, offset);
          }
        }
      }
    }
  }
}

template <Source kSource>
void Pack(const void* problem, Range range, const void* const* in, void* packed) {
  const ConvProblem& p = As(problem);
  const Shape s = ShapeOf(p);
  float* const to = static_cast<float*>(packed);
  if (range.begin == 0) std::fill(to, to + s.zeros, 0.0f);
  for (int64_t unit = range.begin; unit < range.end; ++unit) {
    const int64_t set = unit / Panels(s);
    const SetWeights weights{static_cast<const float*>(in[1]) + set * s.m * p.w.n, p.c / p.groups,
                             p.m / p.groups, p.w};
    PackPanel(p, s, weights, kSource, unit % Panels(s),
              to + s.zeros + set * PackedFloats(s.depth, s.m));
  }
}

// Scratch: sums, then pointers (a tap and row each), then gathered rows.
int64_t PointerCount(const Shape& s, Source source) {
  return kBlockRows * (source == Source::kPointers ? s.taps : 1);
}
template <Source kSource>
size_t ScratchBytes(const void* problem) {
  const Shape s = ShapeOf(As(problem));
  const int64_t gathered = kSource == Source::kPointers ? 0 : kBlockRows * s.depth + VectorLanes();
  return static_cast<size_t>(SumFloats(std::min(s.columns, s.m)) + gathered) * sizeof(float) +
         static_cast<size_t>(PointerCount(s, kSource)) * sizeof(float*);
}

int64_t Units(const void* problem, int) {
  const Shape s = ShapeOf(As(problem));
  return s.images * s.sets * s.row_blocks * s.column_blocks;
}

// The output pixel that a row of the product is, walked in order.
struct Pixel {
  int64_t n, z, y, x;

  Pixel(const ConvProblem& p, int64_t image, int64_t pixel)
      : n(image + pixel / (p.od * p.oh * p.ow)),
        z(pixel / (p.oh * p.ow) % p.od),
        y(pixel / p.ow % p.oh),
        x(pixel % p.ow) {}
  void Next(const ConvProblem& p) {
    if (++x < p.ow) return;
    x = 0;
    if (++y < p.oh) return;
    y = 0;
    if (++z < p.od) return;
    z = 0;
    ++n;
  }
};

bool Inside(int64_t i, int64_t size) {
  return static_cast<uint64_t>(i) < static_cast<uint64_t>(size);
}

// Pointers of one pixel at all taps, `stride` apart.
void PixelPointers(const ConvProblem& p, const Pixel& at, const float* x, const float* zeros,
                   int64_t stride, const float** pointers) {
  const float* const image = x + at.n * p.x.n;
  const int64_t ix0 = at.x * p.sw - p.pw;
  for (int64_t kz = 0; kz < p.kd; ++kz) {
    const int64_t iz = at.z * p.sd + kz * p.dd - p.pd;
    for (int64_t ky = 0; ky < p.kh; ++ky) {
      const int64_t iy = at.y * p.sh + ky * p.dh - p.ph;
      const bool inside = Inside(iz, p.id) && Inside(iy, p.ih);
      const float* const row = inside ? image + iz * p.x.d + iy * p.x.h : nullptr;
      for (int64_t kx = 0; kx < p.kw; ++kx) {
        const int64_t ix = ix0 + kx * p.dw;
        *pointers = inside && Inside(ix, p.iw) ? row + ix * p.x.w : zeros;
        pointers += stride;
      }
    }
  }
}

// Copies a row of `taps` runs of `run` values, `step` taps apart in x, with zeros outside [0, iw).
void GatherRun(const ConvProblem& p, const float* row, int64_t ix0, int64_t run, float* to) {
  if (row != nullptr && p.dw == 1 && p.x.w == run && ix0 >= 0 && ix0 + p.kw <= p.iw) {
    const float* const from = row + ix0 * run;
    const int64_t count = p.kw * run;
    const int64_t lanes = VectorLanes();
    const int64_t whole = base::CeilDiv(count, lanes) * lanes;
    // Whole vectors where the row of x goes on that far; what is written too much is written over
    // by the next run, or falls into the slack behind the last. 7 floats cost 2 instructions,
    // not 14.
    if (ix0 * run + whole <= p.iw * run) {
      for (int64_t i = 0; i < count; i += lanes) {
        hn::StoreU(hn::LoadU(FloatTag(), from + i), FloatTag(), to + i);
      }
      return;
    }
    for (int64_t i = 0; i < count; ++i) to[i] = from[i];
    return;
  }
  for (int64_t kx = 0; kx < p.kw; ++kx, to += run) {
    const int64_t ix = ix0 + kx * p.dw;
    const bool inside = row != nullptr && Inside(ix, p.iw);
    for (int64_t i = 0; i < run; ++i) to[i] = inside ? row[ix * p.x.w + i] : 0;
  }
}

// Whether all runs of a pixel's window lie inside x and may be read by whole vectors.
bool InsideByVectors(const ConvProblem& p, const Pixel& at, int64_t run) {
  const int64_t iy = at.y * p.sh - p.ph;
  const int64_t ix = at.x * p.sw - p.pw;
  const int64_t lanes = VectorLanes();
  return p.kd == 1 && p.id == 1 && p.pd == 0 && p.dw == 1 && p.x.w == run && iy >= 0 && ix >= 0 &&
         iy + (p.kh - 1) * p.dh < p.ih &&
         ix * run + base::CeilDiv(p.kw * run, lanes) * lanes <= p.iw * run;
}

// The values under one pixel's window, in the order of the packed depth.
template <Source kSource>
void GatherRow(const ConvProblem& p, const Pixel& at, const float* x, float* to) {
  const int64_t planes = kSource == Source::kRowsOfNchw ? p.c : 1;
  const int64_t run = kSource == Source::kRowsOfNchw ? 1 : p.c;
  const int64_t ix0 = at.x * p.sw - p.pw;
  if (InsideByVectors(p, at, run)) {
    // The common case without a test a run: 21 runs of 7 values for the first layer of ResNet.
    const int64_t count = p.kw * run;
    const int64_t lanes = VectorLanes();
    for (int64_t plane = 0; plane < planes; ++plane) {
      const float* from =
          x + at.n * p.x.n + plane * p.x.c + (at.y * p.sh - p.ph) * p.x.h + ix0 * run;
      for (int64_t ky = 0; ky < p.kh; ++ky, from += p.dh * p.x.h, to += count) {
        for (int64_t i = 0; i < count; i += lanes) {
          hn::StoreU(hn::LoadU(FloatTag(), from + i), FloatTag(), to + i);
        }
      }
    }
    return;
  }
  for (int64_t plane = 0; plane < planes; ++plane) {
    const float* const image = x + at.n * p.x.n + plane * p.x.c;
    for (int64_t kz = 0; kz < p.kd; ++kz) {
      const int64_t iz = at.z * p.sd + kz * p.dd - p.pd;
      for (int64_t ky = 0; ky < p.kh; ++ky, to += p.kw * run) {
        const int64_t iy = at.y * p.sh + ky * p.dh - p.ph;
        const bool inside = Inside(iz, p.id) && Inside(iy, p.ih);
        GatherRun(p, inside ? image + iz * p.x.d + iy * p.x.h : nullptr, ix0, run, to);
      }
    }
  }
}

// Fills block.rows (and what they point to) for rows [first, first + block->m) of an image.
template <Source kSource>
void MakeRows(const ConvProblem& p, const Shape& s, int64_t image, int64_t set, int64_t first,
              const Operands& operands, void* memory, GemmBlock* block) {
  const float* const x = static_cast<const float*>(operands.in[0]) + set * s.c * p.x.c;
  const float** const pointers = static_cast<const float**>(memory);
  float* const gathered = reinterpret_cast<float*>(pointers + PointerCount(s, kSource));
  Pixel pixel(p, image, first);
  for (int64_t i = 0; i < block->m; ++i, pixel.Next(p)) {
    if constexpr (kSource == Source::kPointers) {
      PixelPointers(p, pixel, x, static_cast<const float*>(operands.packed), kBlockRows,
                    pointers + i);
    } else {
      pointers[i] = gathered + i * s.depth;
      GatherRow<kSource>(p, pixel, x, gathered + i * s.depth);
    }
  }
  block->rows = pointers;
  block->row_stride = kBlockRows;
  block->taps = kSource == Source::kPointers ? s.taps : 1;
  block->c = kSource == Source::kPointers ? s.c : s.depth;
}

template <Source kSource>
StepStatus Run(const void* problem, int, Range range, const Operands& operands, void* scratch) {
  const ConvProblem& p = As(problem);
  const Shape s = ShapeOf(p);
  GemmBlock block;
  block.sums = static_cast<float*>(scratch);
  void* const memory = block.sums + SumFloats(std::min(s.columns, s.m));
  block.epilogue.activation = p.epilogue.activation;
  block.epilogue.a = p.epilogue.alpha;
  block.epilogue.b = p.epilogue.beta;
  int64_t made = -1;  // the rows in scratch
  for (int64_t unit = range.begin; unit < range.end; ++unit) {
    const int64_t rest = unit / s.column_blocks;
    const int64_t row_block = rest % s.row_blocks;
    const int64_t set = rest / s.row_blocks % s.sets;
    const int64_t image = rest / s.row_blocks / s.sets;
    const int64_t i0 = row_block * s.pixels / s.row_blocks;
    const int64_t j0 = unit % s.column_blocks * s.columns;
    block.m = (row_block + 1) * s.pixels / s.row_blocks - i0;
    block.n = std::min(s.columns, s.m - j0);
    if (rest != made) MakeRows<kSource>(p, s, image, set, i0, operands, memory, &block);
    made = rest;
    const int64_t channel = set * s.m + j0;
    block.packed = static_cast<const float*>(operands.packed) + s.zeros +
                   set * PackedFloats(s.depth, s.m) + j0 * s.depth;
    block.y = static_cast<float*>(operands.out[0]) + image * p.y.n + i0 * p.y.w + channel;
    block.ldy = p.y.w;
    if (p.epilogue.bias) {
      block.epilogue.bias = static_cast<const float*>(operands.in[2]) + channel;
    }
    if (p.epilogue.residual) {
      block.epilogue.residual = static_cast<const float*>(operands.in[3]) + image * p.residual.n +
                                i0 * p.residual.w + channel;
      block.epilogue.ld_residual = p.residual.w;
    }
    RunGemmBlock(block);
  }
  return {};
}

template <Source kSource>
constexpr Kernel Row(const char* name, bool (*supports)(const void*),
                     double (*cost)(const void*, const Machine&)) {
  Kernel row = {};
  row.name = name;
  row.kind = ProblemKind::kConv;
  row.engine = Engine::kSimd;
  row.supports = supports;
  row.cost = cost;
  row.packed_operand = 1;
  row.packed_bytes = PackedBytes;
  row.pack_units = PackUnits;
  row.pack = Pack<kSource>;
  row.scratch_bytes = ScratchBytes<kSource>;
  row.phases = 1;
  row.units = Units;
  row.run = Run<kSource>;
  return row;
}

constexpr Kernel kRows[] = {
    Row<Source::kPointers>("conv_nhwc_1x1_f32", Supports1x1, Cost1x1),
    Row<Source::kRowsOfNchw>("conv_nchwin_im2row_f32", SupportsRowsOfNchw, CostRows),
    Row<Source::kRowsOfNhwc>("conv_nhwc_im2row_f32", SupportsRowsOfNhwc, CostRows),
    Row<Source::kPointers>("conv_nhwc_indirect_f32", SupportsIndirect, CostIndirect),
};

std::span<const Kernel> Rows() { return kRows; }

}  // namespace

}  // namespace HWY_NAMESPACE
}  // namespace doppio::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppio::kernels::cpu {
HWY_EXPORT(Rows);
std::span<const Kernel> ConvRows() { return HWY_DYNAMIC_DISPATCH(Rows)(); }
}  // namespace doppio::kernels::cpu
#endif  // HWY_ONCE
