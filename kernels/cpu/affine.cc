// AffineProblem (batch normalisation that could not be folded): channels-last and NCHW.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/affine.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>

#include "base/checked.h"
#include "kernels/cpu/groups.h"
#include "kernels/cpu/unary_row-inl.h"
#include "kernels/cpu/vectors-inl.h"
#include "kernels/problems/normalize.h"

HWY_BEFORE_NAMESPACE();
namespace doppio::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

const AffineProblem& As(const void* problem) { return *static_cast<const AffineProblem*>(problem); }

bool Supports(const AffineProblem& p) {
  return p.type == ElementType::kFloat && HasUnaryRow(p.activation);
}
bool SupportsNhwc(const void* problem) {
  const AffineProblem& p = As(problem);
  return Supports(p) && (p.c == 1 || (p.x.c == 1 && p.y.c == 1));
}
bool SupportsNchw(const void* problem) {
  const AffineProblem& p = As(problem);
  return Supports(p) && (p.w == 1 || (p.x.w == 1 && p.y.w == 1));
}

double Cost(const AffineProblem& p, const Machine& machine, int64_t row) {
  const double count = static_cast<double>(p.n * p.c * p.d * p.h * p.w);
  return 100 + 5 * count / static_cast<double>(std::max<int64_t>(1, row)) +
         8 * count / machine.stream_bytes_per_ns;
}
double CostNhwc(const void* problem, const Machine& machine) {
  return Cost(As(problem), machine, As(problem).c);
}
double CostNchw(const void* problem, const Machine& machine) {
  return Cost(As(problem), machine, As(problem).w);
}

struct Channels {
  const float *scale, *shift, *mean, *var;  // each may be null

  explicit Channels(const Operands& operands)
      : scale(static_cast<const float*>(operands.in[1])),
        shift(static_cast<const float*>(operands.in[2])),
        mean(static_cast<const float*>(operands.in[3])),
        var(static_cast<const float*>(operands.in[4])) {}
  float Scale(const AffineProblem& p, int64_t c) const {
    const double s = scale != nullptr ? scale[c] : 1;
    return static_cast<float>(var != nullptr ? s / std::sqrt(var[c] + p.epsilon) : s);
  }
  float Shift(int64_t c) const { return shift != nullptr ? shift[c] : 0; }
  float Mean(int64_t c) const { return mean != nullptr ? mean[c] : 0; }
};

// Phase 0 makes [scale, shift, mean] of all channels in the workspace; phase 1 does the rows.
size_t WorkspaceNhwc(const void* problem) {
  return 3 * static_cast<size_t>(As(problem).c) * sizeof(float);
}
int64_t UnitsNhwc(const void* problem, int phase) {
  const AffineProblem& p = As(problem);
  return phase == 0 ? 1 : p.w == 0 ? 0 : p.n * p.d * p.h;
}

void Pixel(const float* x, const float* channels, int64_t c, float* y) {
  for (int64_t i = 0; i < c; i += VectorLanes()) {
    const int64_t left = c - i;
    const Floats v = hn::Sub(LoadUpTo(x + i, left), LoadUpTo(channels + 2 * c + i, left));
    StoreUpTo(hn::MulAdd(v, LoadUpTo(channels + i, left), LoadUpTo(channels + c + i, left)), y + i,
              left);
  }
}

StepStatus RunNhwc(const void* problem, int phase, Range range, const Operands& operands, void*) {
  const AffineProblem& p = As(problem);
  float* const channels = static_cast<float*>(operands.workspace);
  if (phase == 0) {
    if (range.begin >= range.end) return {};
    const Channels from(operands);
    for (int64_t c = 0; c < p.c; ++c) {
      channels[c] = from.Scale(p, c);
      channels[p.c + c] = from.Shift(c);
      channels[2 * p.c + c] = from.Mean(c);
    }
    return {};
  }
  for (int64_t unit = range.begin; unit < range.end; ++unit) {
    const int64_t n = unit / p.h / p.d, d = unit / p.h % p.d, h = unit % p.h;
    const float* const x =
        static_cast<const float*>(operands.in[0]) + n * p.x.n + d * p.x.d + h * p.x.h;
    float* const y = static_cast<float*>(operands.out[0]) + n * p.y.n + d * p.y.d + h * p.y.h;
    for (int64_t w = 0; w < p.w; ++w) {
      float* const pixel = y + w * p.y.w;
      Pixel(x + w * p.x.w, channels, p.c, pixel);
      if (p.activation != UnaryOp::kIdentity) {
        UnaryRow(p.activation, p.alpha, p.beta, pixel, pixel, p.c);
      }
    }
  }
  return {};
}

int64_t UnitsNchw(const void* problem, int) {
  const AffineProblem& p = As(problem);
  return p.n * p.c;
}

void Row(const float* x, float scale, float shift, float mean, int64_t n, float* y) {
  const FloatTag d;
  const Floats vm = hn::Set(d, mean), vs = hn::Set(d, scale), vt = hn::Set(d, shift);
  for (int64_t i = 0; i < n; i += VectorLanes()) {
    StoreUpTo(hn::MulAdd(hn::Sub(LoadUpTo(x + i, n - i), vm), vs, vt), y + i, n - i);
  }
}

StepStatus RunNchw(const void* problem, int, Range range, const Operands& operands, void*) {
  const AffineProblem& p = As(problem);
  const Channels channels(operands);
  for (int64_t unit = range.begin; unit < range.end; ++unit) {
    const int64_t c = unit % p.c;
    const float scale = channels.Scale(p, c);
    const float* const x =
        static_cast<const float*>(operands.in[0]) + unit / p.c * p.x.n + c * p.x.c;
    float* const y = static_cast<float*>(operands.out[0]) + unit / p.c * p.y.n + c * p.y.c;
    for (int64_t line = 0; line < p.d * p.h; ++line) {
      float* const to = y + line / p.h * p.y.d + line % p.h * p.y.h;
      Row(x + line / p.h * p.x.d + line % p.h * p.x.h, scale, channels.Shift(c), channels.Mean(c),
          p.w, to);
      if (p.activation != UnaryOp::kIdentity) {
        UnaryRow(p.activation, p.alpha, p.beta, to, to, p.w);
      }
    }
  }
  return {};
}

constexpr Kernel kRows[] = {
    {.name = "affine_nhwc_f32",
     .kind = ProblemKind::kAffine,
     .engine = Engine::kSimd,
     .supports = SupportsNhwc,
     .cost = CostNhwc,
     .packed_operand = -1,
     .workspace_bytes = WorkspaceNhwc,
     .phases = 2,
     .units = UnitsNhwc,
     .run = RunNhwc},
    {.name = "affine_nchw_f32",
     .kind = ProblemKind::kAffine,
     .engine = Engine::kSimd,
     .supports = SupportsNchw,
     .cost = CostNchw,
     .packed_operand = -1,
     .phases = 1,
     .units = UnitsNchw,
     .run = RunNchw},
};

std::span<const Kernel> Rows() { return kRows; }

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppio::kernels::cpu {
HWY_EXPORT(Rows);
std::span<const Kernel> AffineRows() { return HWY_DYNAMIC_DISPATCH(Rows)(); }
}  // namespace doppio::kernels::cpu
#endif  // HWY_ONCE
