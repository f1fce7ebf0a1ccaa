// Max and average pooling, channels-last: a vector of channels at a time, any window.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/pool.cc"
#include "kernels/problems/pool.h"

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <limits>

#include "base/checked.h"
#include "kernels/cpu/groups.h"
#include "kernels/cpu/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace doppio::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

const PoolProblem& As(const void* problem) { return *static_cast<const PoolProblem*>(problem); }

bool Supports(const void* problem) {
  const PoolProblem& p = As(problem);
  if (p.type != ElementType::kFloat || p.op == PoolOp::kLp) return false;
  return p.c == 1 || (p.x.c == 1 && p.y.c == 1);
}

// A load and an operation a tap, at a third of the multiply-add peak; or memory.
double Cost(const void* problem, const Machine& machine) {
  const PoolProblem& p = As(problem);
  const double values = static_cast<double>(p.n * p.od * p.oh * p.ow * p.c);
  const double taps = static_cast<double>(p.kd * p.kh * p.kw);
  const double bytes = 4 * (values + static_cast<double>(p.n * p.id * p.ih * p.iw * p.c));
  return 200 +
         std::max(3 * values * taps / machine.flops_per_ns, bytes / machine.stream_bytes_per_ns);
}

// A unit is one output row of some channels. One pixel, as global pooling has, leaves nothing else
// to share than channels.
constexpr int64_t kChannels = 256;
int64_t ChannelBlocks(const PoolProblem& p) { return base::CeilDiv(p.c, kChannels); }

int64_t Units(const void* problem, int) {
  const PoolProblem& p = As(problem);
  return p.ow == 0 ? 0 : p.n * p.od * p.oh * ChannelBlocks(p);
}

// Taps [begin, end) of one dimension that fall inside the input, and how many count.
struct Taps {
  int64_t first;  // input position of tap 0
  int64_t begin, end;
  int64_t padded;  // taps inside the input or its padding
};
Taps TapsOf(int64_t o, int64_t kernel, int64_t stride, int64_t dilation, int64_t pad,
            int64_t pad_end, int64_t size) {
  Taps taps;
  taps.first = o * stride - pad;
  taps.begin = std::min(kernel, taps.first < 0 ? base::CeilDiv(-taps.first, dilation) : 0);
  const int64_t room = size - 1 - taps.first;
  taps.end = room < 0 ? 0 : std::min(kernel, room / dilation + 1);
  taps.end = std::max(taps.begin, taps.end);
  const int64_t last = size + pad_end - 1 - taps.first;
  taps.padded = last < 0 ? 0 : std::min(kernel, last / dilation + 1);
  return taps;
}

struct Window {
  Taps d, h, w;
  int64_t count() const { return (d.end - d.begin) * (h.end - h.begin) * (w.end - w.begin); }
};

template <PoolOp kOp>
HWY_INLINE Floats Combine(Floats sum, Floats x) {
  if constexpr (kOp == PoolOp::kAverage) return hn::Add(sum, x);
  // NaN wins on either side.
  return hn::IfThenElse(hn::Eq(x, x), hn::IfThenElse(hn::Gt(x, sum), x, sum), x);
}

// visit(offset) for every tap of the window inside x.
template <class Visitor>
HWY_INLINE void ForEachTap(const PoolProblem& p, const Window& window, Visitor&& visit) {
  for (int64_t kd = window.d.begin; kd < window.d.end; ++kd) {
    const int64_t plane = (window.d.first + kd * p.dd) * p.x.d;
    for (int64_t kh = window.h.begin; kh < window.h.end; ++kh) {
      const int64_t row = plane + (window.h.first + kh * p.dh) * p.x.h;
      for (int64_t kw = window.w.begin; kw < window.w.end; ++kw) {
        visit(row + (window.w.first + kw * p.dw) * p.x.w);
      }
    }
  }
}

// One pixel, channels [0, c). Two vectors at a time, so that two chains of operations overlap.
template <PoolOp kOp>
void Pixel(const PoolProblem& p, const Window& window, const float* x, int64_t c, float scale,
           float* y) {
  const FloatTag d;
  const int64_t lanes = VectorLanes();
  // A window without any tap gives the lowest finite value; -infinity may be a value of x.
  using Limits = std::numeric_limits<float>;
  const float none = window.count() == 0 ? Limits::lowest() : -Limits::infinity();
  const Floats start = hn::Set(d, kOp == PoolOp::kMax ? none : 0.0f);
  const Floats factor = hn::Set(d, scale);
  int64_t i = 0;
  for (; i + 2 * lanes <= c; i += 2 * lanes) {
    Floats s0 = start;
    Floats s1 = start;
    ForEachTap(p, window, [&](int64_t offset) HWY_ATTR {
      s0 = Combine<kOp>(s0, hn::LoadU(d, x + offset + i));
      s1 = Combine<kOp>(s1, hn::LoadU(d, x + offset + i + lanes));
    });
    if constexpr (kOp == PoolOp::kAverage) s0 = hn::Mul(s0, factor), s1 = hn::Mul(s1, factor);
    hn::StoreU(s0, d, y + i);
    hn::StoreU(s1, d, y + i + lanes);
  }
  for (; i < c; i += lanes) {
    Floats sum = start;
    ForEachTap(p, window, [&](int64_t offset) HWY_ATTR {
      sum = Combine<kOp>(sum, LoadUpTo(x + offset + i, c - i));
    });
    if constexpr (kOp == PoolOp::kAverage) sum = hn::Mul(sum, factor);
    StoreUpTo(sum, y + i, c - i);
  }
}

// Positions of the maxima, for the few nets that unpool.
struct Position {
  int64_t n, z, y, x;
};
void Indices(const PoolProblem& p, const Window& window, const Position& at, const float* x,
             int64_t c0, int64_t c1, int64_t* indices) {
  for (int64_t c = c0; c < c1; ++c) {
    float best = 0;
    int64_t index = -1;
    for (int64_t kd = window.d.begin; kd < window.d.end; ++kd) {
      for (int64_t kh = window.h.begin; kh < window.h.end; ++kh) {
        for (int64_t kw = window.w.begin; kw < window.w.end; ++kw) {
          const int64_t d = window.d.first + kd * p.dd;
          const int64_t h = window.h.first + kh * p.dh;
          const int64_t w = window.w.first + kw * p.dw;
          const float value = x[c * p.x.c + d * p.x.d + h * p.x.h + w * p.x.w];
          if (index >= 0 && !(value > best || (value != value && best == best))) continue;
          best = value;
          index = p.indices_column_major ? (w * p.ih + h) * p.id + d : (d * p.ih + h) * p.iw + w;
          index += (at.n * p.c + c) * p.id * p.ih * p.iw;
        }
      }
    }
    indices[(((at.n * p.c + c) * p.od + at.z) * p.oh + at.y) * p.ow + at.x] = index;
  }
}

StepStatus Run(const void* problem, int, Range range, const Operands& operands, void*) {
  const PoolProblem& p = As(problem);
  int64_t* const indices = p.indices ? static_cast<int64_t*>(operands.out[1]) : nullptr;
  for (int64_t unit = range.begin; unit < range.end; ++unit) {
    const int64_t blocks = ChannelBlocks(p);
    const int64_t c0 = unit % blocks * kChannels;
    const int64_t c = std::min(kChannels, p.c - c0);
    const int64_t row = unit / blocks;
    Position at = {row / p.oh / p.od, row / p.oh % p.od, row % p.oh, 0};
    Window window;
    window.d = TapsOf(at.z, p.kd, p.sd, p.dd, p.pd, p.pd_end, p.id);
    window.h = TapsOf(at.y, p.kh, p.sh, p.dh, p.ph, p.ph_end, p.ih);
    const float* const x = static_cast<const float*>(operands.in[0]) + at.n * p.x.n;
    float* const y =
        static_cast<float*>(operands.out[0]) + at.n * p.y.n + at.z * p.y.d + at.y * p.y.h + c0;
    for (at.x = 0; at.x < p.ow; ++at.x) {
      window.w = TapsOf(at.x, p.kw, p.sw, p.dw, p.pw, p.pw_end, p.iw);
      if (p.op == PoolOp::kMax) {
        Pixel<PoolOp::kMax>(p, window, x + c0, c, 1, y + at.x * p.y.w);
        if (indices != nullptr) Indices(p, window, at, x, c0, c0 + c, indices);
        continue;
      }
      const int64_t count = p.count_include_pad
                                ? window.d.padded * window.h.padded * window.w.padded
                                : window.count();
      const float scale = count > 0 ? 1 / static_cast<float>(count) : 0;
      Pixel<PoolOp::kAverage>(p, window, x + c0, c, scale, y + at.x * p.y.w);
    }
  }
  return {};
}

constexpr Kernel kRows[] = {
    {.name = "pool_nhwc_f32",
     .kind = ProblemKind::kPool,
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
std::span<const Kernel> PoolRows() { return HWY_DYNAMIC_DISPATCH(Rows)(); }
}  // namespace doppio::kernels::cpu
#endif  // HWY_ONCE
