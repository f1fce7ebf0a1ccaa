// Depthwise convolution, channels-last: one vector of channels at a time along an output row.
//
// Packed weights: [taps][c rounded up to vectors]. 3x3 and 5x5 with strides 1 and 2 compute 4
// pixels at once, so that a loaded value serves up to 3 or 4 of them: 6 + 3 loads for 12 products
// (3x3, stride 1) where one pixel at a time needs 3 + 3 for 3.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/dwconv.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <limits>

#include "base/checked.h"
#include "kernels/cpu/groups.h"
#include "kernels/cpu/unary_row-inl.h"
#include "kernels/cpu/vectors-inl.h"
#include "kernels/problems/conv.h"

HWY_BEFORE_NAMESPACE();
namespace doppio::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

const ConvProblem& As(const void* problem) { return *static_cast<const ConvProblem*>(problem); }

// Channels of a unit: the 3 rows of 56 pixels under it are 43 KB and stay in L1 or L2 for the next.
constexpr int64_t kChannels = 64;
constexpr int kMaxTaps = 5;  // of the fast paths, one dimension

int64_t PaddedChannels(const ConvProblem& p) {
  return base::CeilDiv(p.c, VectorLanes()) * VectorLanes();
}
int64_t ChannelBlocks(const ConvProblem& p) {
  return base::CeilDiv(p.c, std::max(kChannels, VectorLanes()));
}

bool Supports(const void* problem) {
  const ConvProblem& p = As(problem);
  if (p.type != ElementType::kFloat || p.groups != p.c || p.m != p.c) return false;
  if (p.n < 1 || p.c < 1 || p.od < 1 || p.oh < 1 || p.ow < 1) return false;
  if (p.c > 1 && (p.x.c != 1 || p.y.c != 1)) return false;
  if (p.c > 1 && p.epilogue.residual && p.residual.c != 1) return false;
  return HasUnaryRow(p.epilogue.activation);
}

bool HasFastPath(const ConvProblem& p) {
  return p.kd == 1 && p.kh == p.kw && (p.kw == 3 || p.kw == 5) && p.dw == 1 &&
         (p.sw == 1 || p.sw == 2);
}

// A vector load and product a cycle on the fast paths, a third of that elsewhere; or memory.
double Cost(const void* problem, const Machine& machine) {
  const ConvProblem& p = As(problem);
  const double pixels = static_cast<double>(p.n * p.od * p.oh * p.ow * PaddedChannels(p));
  const double flops = 2 * pixels * static_cast<double>(p.kd * p.kh * p.kw);
  const double share = HasFastPath(p) ? 0.4 : 0.13;
  const double bytes = 4 * (pixels + static_cast<double>(p.n * p.c * p.id * p.ih * p.iw));
  return 200 +
         std::max(flops / (machine.flops_per_ns * share), bytes / machine.stream_bytes_per_ns);
}

size_t PackedBytes(const void* problem) {
  const ConvProblem& p = As(problem);
  return static_cast<size_t>(PaddedChannels(p) * p.kd * p.kh * p.kw) * sizeof(float);
}
int64_t PackUnits(const void* problem) { return As(problem).kd * As(problem).kh; }
void Pack(const void* problem, Range range, const void* const* in, void* packed) {
  const ConvProblem& p = As(problem);
  const float* const w = static_cast<const float*>(in[1]);
  const int64_t padded = PaddedChannels(p);
  for (int64_t unit = range.begin; unit < range.end; ++unit) {
    const float* const row = w + unit / p.kh * p.w.d + unit % p.kh * p.w.h;
    float* to = static_cast<float*>(packed) + unit * p.kw * padded;
    for (int64_t kx = 0; kx < p.kw; ++kx, to += padded) {
      for (int64_t c = 0; c < padded; ++c) to[c] = c < p.c ? row[c * p.w.n + kx * p.w.w] : 0;
    }
  }
}

int64_t Units(const void* problem, int) {
  const ConvProblem& p = As(problem);
  return p.n * ChannelBlocks(p) * p.od * p.oh;
}

// One output row and vector of channels.
struct RowTask {
  const ConvProblem* p;
  const float* x;  // of the image, at the vector's first channel
  const float* w;  // packed, at the vector's first channel
  int64_t padded;  // stride of w
  int64_t iz0, iy0;
  float* y;
  const float* residual;  // or null
  const float* bias;      // or null
  int64_t left;           // channels from here on
  float lo, hi;
  // Fast paths: the input row of each vertical tap and its pixel stride; a row of the padding is a
  // vector of zeros with stride 0.
  const float* rows[kMaxTaps];
  int64_t steps[kMaxTaps];
};

HWY_INLINE Floats Bias(const RowTask& t) {
  return t.bias != nullptr ? LoadUpTo(t.bias, t.left) : hn::Zero(FloatTag());
}

HWY_INLINE void Finish(const RowTask& t, int64_t ox, Floats sum) {
  const FloatTag d;
  if (t.residual != nullptr) {
    sum = hn::Add(sum, LoadUpTo(t.residual + ox * t.p->residual.w, t.left));
  }
  sum = ClampTo(sum, hn::Set(d, t.lo), hn::Set(d, t.hi));
  StoreUpTo(sum, t.y + ox * t.p->y.w, t.left);
}

// Any kernel, one pixel at a time, taps of the padding left out.
void Pixels(const RowTask& t, int64_t begin, int64_t end) {
  const ConvProblem& p = *t.p;
  for (int64_t ox = begin; ox < end; ++ox) {
    Floats sum = Bias(t);
    const int64_t ix0 = ox * p.sw - p.pw;
    const float* w = t.w;
    for (int64_t kz = 0; kz < p.kd; ++kz) {
      const int64_t iz = t.iz0 + kz * p.dd;
      for (int64_t ky = 0; ky < p.kh; ++ky) {
        const int64_t iy = t.iy0 + ky * p.dh;
        const bool inside = iz >= 0 && iz < p.id && iy >= 0 && iy < p.ih;
        const float* const row = t.x + (inside ? iz * p.x.d + iy * p.x.h : 0);
        for (int64_t kx = 0; kx < p.kw; ++kx, w += t.padded) {
          const int64_t ix = ix0 + kx * p.dw;
          if (!inside || ix < 0 || ix >= p.iw) continue;
          sum = hn::MulAdd(LoadUpTo(row + ix * p.x.w, t.left), hn::Load(FloatTag(), w), sum);
        }
      }
    }
    Finish(t, ox, sum);
  }
}

// Input column kColumn of 4 pixels' window, into the sum of each pixel that has it under its
// window.
template <int kTaps, int kStride, int kColumn, int kPixel>
HWY_INLINE void Tap(Floats x, Floats w0, Floats w1, Floats w2, Floats w3, Floats w4, Floats& sum) {
  constexpr int kTap = kColumn - kPixel * kStride;
  if constexpr (kTap == 0) sum = hn::MulAdd(x, w0, sum);
  if constexpr (kTap == 1) sum = hn::MulAdd(x, w1, sum);
  if constexpr (kTap == 2) sum = hn::MulAdd(x, w2, sum);
  if constexpr (kTap == 3 && kTaps == 5) sum = hn::MulAdd(x, w3, sum);
  if constexpr (kTap == 4 && kTaps == 5) sum = hn::MulAdd(x, w4, sum);
}

template <int kTaps, int kStride, int kColumn>
HWY_INLINE void Column(const float* row, int64_t step, int64_t left, Floats w0, Floats w1,
                       Floats w2, Floats w3, Floats w4, Floats& s0, Floats& s1, Floats& s2,
                       Floats& s3) {
  if constexpr (kColumn < 3 * kStride + kTaps) {
    const Floats x = LoadUpTo(row + kColumn * step, left);
    Tap<kTaps, kStride, kColumn, 0>(x, w0, w1, w2, w3, w4, s0);
    Tap<kTaps, kStride, kColumn, 1>(x, w0, w1, w2, w3, w4, s1);
    Tap<kTaps, kStride, kColumn, 2>(x, w0, w1, w2, w3, w4, s2);
    Tap<kTaps, kStride, kColumn, 3>(x, w0, w1, w2, w3, w4, s3);
  }
}

// 4 pixels from ox on, all taps within the row. `left`: t.left, or a constant for whole vectors.
template <int kTaps, int kStride>
HWY_INLINE void Quad(const RowTask& t, int64_t ox, int64_t left) {
  const FloatTag d;
  Floats s0 = Bias(t);
  Floats s1 = s0, s2 = s0, s3 = s0;
  const int64_t ix = ox * kStride - t.p->pw;
  const float* w = t.w;
  for (int ky = 0; ky < kTaps; ++ky, w += kTaps * t.padded) {
    const int64_t step = t.steps[ky];
    const float* const row = t.rows[ky] + ix * step;
    const Floats w0 = hn::Load(d, w);
    const Floats w1 = hn::Load(d, w + t.padded);
    const Floats w2 = hn::Load(d, w + 2 * t.padded);
    const Floats w3 = kTaps == 5 ? hn::Load(d, w + 3 * t.padded) : w0;
    const Floats w4 = kTaps == 5 ? hn::Load(d, w + 4 * t.padded) : w0;
    Column<kTaps, kStride, 0>(row, step, left, w0, w1, w2, w3, w4, s0, s1, s2, s3);
    Column<kTaps, kStride, 1>(row, step, left, w0, w1, w2, w3, w4, s0, s1, s2, s3);
    Column<kTaps, kStride, 2>(row, step, left, w0, w1, w2, w3, w4, s0, s1, s2, s3);
    Column<kTaps, kStride, 3>(row, step, left, w0, w1, w2, w3, w4, s0, s1, s2, s3);
    Column<kTaps, kStride, 4>(row, step, left, w0, w1, w2, w3, w4, s0, s1, s2, s3);
    Column<kTaps, kStride, 5>(row, step, left, w0, w1, w2, w3, w4, s0, s1, s2, s3);
    Column<kTaps, kStride, 6>(row, step, left, w0, w1, w2, w3, w4, s0, s1, s2, s3);
    Column<kTaps, kStride, 7>(row, step, left, w0, w1, w2, w3, w4, s0, s1, s2, s3);
    Column<kTaps, kStride, 8>(row, step, left, w0, w1, w2, w3, w4, s0, s1, s2, s3);
    Column<kTaps, kStride, 9>(row, step, left, w0, w1, w2, w3, w4, s0, s1, s2, s3);
    Column<kTaps, kStride, 10>(row, step, left, w0, w1, w2, w3, w4, s0, s1, s2, s3);
  }
  Finish(t, ox, s0);
  Finish(t, ox + 1, s1);
  Finish(t, ox + 2, s2);
  Finish(t, ox + 3, s3);
}

template <int kTaps, int kStride>
void Row(const RowTask& t) {
  const ConvProblem& p = *t.p;
  // Pixels [first, last) have their whole window within the row.
  const int64_t first = std::min(p.ow, base::CeilDiv(p.pw, static_cast<int64_t>(kStride)));
  const int64_t room = p.iw + p.pw - kTaps;
  const int64_t last = room < 0 ? first : std::clamp(room / kStride + 1, first, p.ow);
  Pixels(t, 0, first);
  int64_t ox = first;
  const int64_t lanes = VectorLanes();
  if (t.left >= lanes) {
    for (; ox + 4 <= last; ox += 4) Quad<kTaps, kStride>(t, ox, lanes);
    // The last pixels once more with their neighbours, unless the residual could be y itself.
    if (ox < last && last - first >= 4 && t.residual == nullptr) {
      Quad<kTaps, kStride>(t, last - 4, lanes);
      ox = last;
    }
  } else {
    for (; ox + 4 <= last; ox += 4) Quad<kTaps, kStride>(t, ox, t.left);
  }
  Pixels(t, ox, p.ow);
}

void SetRows(RowTask* t, const float* zeros) {
  const ConvProblem& p = *t->p;
  const bool plane = t->iz0 >= 0 && t->iz0 < p.id;
  for (int64_t ky = 0; ky < p.kh; ++ky) {
    const int64_t iy = t->iy0 + ky * p.dh;
    const bool inside = plane && iy >= 0 && iy < p.ih;
    t->rows[ky] = inside ? t->x + t->iz0 * p.x.d + iy * p.x.h : zeros;
    t->steps[ky] = inside ? p.x.w : 0;
  }
}

void RunRow(RowTask* t, const float* zeros) {
  const ConvProblem& p = *t->p;
  if (!HasFastPath(p)) return Pixels(*t, 0, p.ow);
  SetRows(t, zeros);
  if (p.kw == 3) return p.sw == 1 ? Row<3, 1>(*t) : Row<3, 2>(*t);
  return p.sw == 1 ? Row<5, 1>(*t) : Row<5, 2>(*t);
}

StepStatus Run(const void* problem, int, Range range, const Operands& operands, void*) {
  const ConvProblem& p = As(problem);
  HWY_ALIGN static const float zeros[HWY_MAX_BYTES / sizeof(float)] = {};
  const int64_t lanes = VectorLanes();
  const int64_t blocks = ChannelBlocks(p);
  const int64_t width = std::max(kChannels, lanes);
  RowTask t = {};
  t.p = &p;
  t.padded = PaddedChannels(p);
  const Epilogue& e = p.epilogue;
  const bool clamps = e.activation == UnaryOp::kClip;
  t.lo = e.activation == UnaryOp::kRelu ? 0 : -std::numeric_limits<float>::infinity();
  t.hi = std::numeric_limits<float>::infinity();
  if (clamps) t.lo = e.alpha, t.hi = e.beta;
  const bool activate =
      !clamps && e.activation != UnaryOp::kIdentity && e.activation != UnaryOp::kRelu;
  for (int64_t unit = range.begin; unit < range.end; ++unit) {
    const int64_t oy = unit % p.oh;
    const int64_t oz = unit / p.oh % p.od;
    const int64_t c0 = unit / p.oh / p.od % blocks * width;
    const int64_t image = unit / p.oh / p.od / blocks;
    const int64_t c1 = std::min(c0 + width, p.c);
    t.iz0 = oz * p.sd - p.pd;
    t.iy0 = oy * p.sh - p.ph;
    float* const y = static_cast<float*>(operands.out[0]) + image * p.y.n + oz * p.y.d + oy * p.y.h;
    for (int64_t c = c0; c < c1; c += lanes) {
      t.left = p.c - c;
      t.x = static_cast<const float*>(operands.in[0]) + image * p.x.n + c;
      t.w = static_cast<const float*>(operands.packed) + c;
      t.y = y + c;
      if (e.bias) t.bias = static_cast<const float*>(operands.in[2]) + c;
      if (e.residual) {
        t.residual = static_cast<const float*>(operands.in[3]) + image * p.residual.n +
                     oz * p.residual.d + oy * p.residual.h + c;
      }
      RunRow(&t, zeros);
    }
    for (int64_t ox = 0; activate && ox < p.ow; ++ox) {
      float* const pixel = y + ox * p.y.w + c0;
      UnaryRow(e.activation, e.alpha, e.beta, pixel, pixel, c1 - c0);
    }
  }
  return {};
}

constexpr Kernel kRows[] = {
    {.name = "dwconv_nhwc_f32",
     .kind = ProblemKind::kConv,
     .engine = Engine::kSimd,
     .supports = Supports,
     .cost = Cost,
     .packed_operand = 1,
     .packed_bytes = PackedBytes,
     .pack_units = PackUnits,
     .pack = Pack,
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
std::span<const Kernel> DwConvRows() { return HWY_DYNAMIC_DISPATCH(Rows)(); }
}  // namespace doppio::kernels::cpu
#endif  // HWY_ONCE
