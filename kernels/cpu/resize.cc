// Nearest and linear resizing of two dimensions, channels-last: each output pixel is a copy, or a
// weighted sum, of up to 4 input pixels.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/resize.cc"
#include "kernels/problems/resize.h"

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/cpu/groups.h"
#include "kernels/cpu/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace doppio::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

const ResizeProblem& As(const void* problem) { return *static_cast<const ResizeProblem*>(problem); }

bool Supports(const void* problem) {
  const ResizeProblem& p = As(problem);
  if (p.type != ElementType::kFloat || p.mode == ResizeMode::kCubic) return false;
  if (p.coordinates == ResizeCoordinates::kTfCropAndResize || p.exclude_outside) return false;
  if (p.antialias && p.mode == ResizeMode::kLinear) return false;
  if (p.in[0] != p.out[0] || p.scale[0] != 1) return false;
  for (int axis = 0; axis < 3; ++axis) {
    if (p.in[axis] < 1 || p.out[axis] < 1) return false;
  }
  return p.c == 1 || (p.x.c == 1 && p.y.c == 1);
}

// Memory, and 20 ns a pixel for its coordinates.
double Cost(const void* problem, const Machine& machine) {
  const ResizeProblem& p = As(problem);
  const double pixels = static_cast<double>(p.n * p.out[0] * p.out[1] * p.out[2]);
  const double reads = p.mode == ResizeMode::kLinear ? 4 : 1;
  return 100 +
         pixels * (20 + 4 * (reads + 1) * static_cast<double>(p.c) / machine.stream_bytes_per_ns);
}

int64_t Units(const void* problem, int) {
  const ResizeProblem& p = As(problem);
  return p.n * p.out[0] * p.out[1];
}

double Coordinate(const ResizeProblem& p, int axis, int64_t o) {
  const double at = static_cast<double>(o), scale = p.scale[axis];
  const double in = static_cast<double>(p.in[axis]), out = static_cast<double>(p.out[axis]);
  const double half_pixel = (at + 0.5) / scale - 0.5;
  switch (p.coordinates) {
    case ResizeCoordinates::kHalfPixelSymmetric:
      return in / 2 * (1 - out / (scale * in)) + half_pixel;
    case ResizeCoordinates::kPytorchHalfPixel:
      return p.out[axis] > 1 ? half_pixel : 0;
    case ResizeCoordinates::kAlignCorners:
      return p.out[axis] > 1 ? at * (in - 1) / (out - 1) : 0;
    case ResizeCoordinates::kAsymmetric:
      return at / scale;
    case ResizeCoordinates::kTfHalfPixelForNn:
      return (at + 0.5) / scale;
    default:
      return half_pixel;
  }
}

int64_t Nearest(NearestMode mode, double x) {
  switch (mode) {
    case NearestMode::kRoundPreferFloor:
      return static_cast<int64_t>(std::ceil(x - 0.5));
    case NearestMode::kRoundPreferCeil:
      return static_cast<int64_t>(std::floor(x + 0.5));
    case NearestMode::kFloor:
      return static_cast<int64_t>(std::floor(x));
    default:
      return static_cast<int64_t>(std::ceil(x));
  }
}

// Input positions and the weight of the second; 0 means that only the first counts.
struct Taps {
  int64_t first, second;
  float weight;
};

Taps TapsOf(const ResizeProblem& p, int axis, int64_t o) {
  const int64_t last = p.in[axis] - 1;
  if (p.in[axis] == p.out[axis] && p.scale[axis] == 1) return {o, o, 0};
  const double x = Coordinate(p, axis, o);
  if (p.mode == ResizeMode::kNearest) {
    const int64_t i = std::clamp<int64_t>(Nearest(p.nearest, x), 0, last);
    return {i, i, 0};
  }
  const double floor = std::floor(x);
  const int64_t i = static_cast<int64_t>(floor);
  const Taps taps = {std::clamp<int64_t>(i, 0, last), std::clamp<int64_t>(i + 1, 0, last),
                     static_cast<float>(x - floor)};
  // Beyond an edge both are the same pixel.
  return taps.first == taps.second ? Taps{taps.first, taps.first, 0} : taps;
}

// Not a + (b - a) weight: an infinity would become NaN.
HWY_INLINE Floats Mix(Floats a, Floats b, Floats weight) {
  const Floats rest = hn::Sub(hn::Set(FloatTag(), 1.0f), weight);
  return hn::MulAdd(b, weight, hn::Mul(a, rest));
}

// One pixel from the rows `top` and `bottom` of x.
void Pixel(const ResizeProblem& p, const float* top, const float* bottom, float row_weight,
           const Taps& taps, float* y) {
  const FloatTag d;
  const float* const t0 = top + taps.first * p.x.w;
  if (row_weight == 0 && taps.weight == 0) {
    std::memcpy(y, t0, static_cast<size_t>(p.c) * sizeof(float));
    return;
  }
  const float* const t1 = top + taps.second * p.x.w;
  const float* const b0 = bottom + taps.first * p.x.w;
  const float* const b1 = bottom + taps.second * p.x.w;
  const Floats across = hn::Set(d, taps.weight);
  const Floats down = hn::Set(d, row_weight);
  for (int64_t i = 0; i < p.c; i += VectorLanes()) {
    const int64_t left = p.c - i;
    Floats v = LoadUpTo(t0 + i, left);
    if (taps.weight != 0) v = Mix(v, LoadUpTo(t1 + i, left), across);
    if (row_weight != 0) {
      Floats u = LoadUpTo(b0 + i, left);
      if (taps.weight != 0) u = Mix(u, LoadUpTo(b1 + i, left), across);
      v = Mix(v, u, down);
    }
    StoreUpTo(v, y + i, left);
  }
}

StepStatus Run(const void* problem, int, Range range, const Operands& operands, void*) {
  const ResizeProblem& p = As(problem);
  for (int64_t unit = range.begin; unit < range.end; ++unit) {
    const int64_t oh = unit % p.out[1];
    const int64_t d = unit / p.out[1] % p.out[0];
    const int64_t n = unit / p.out[1] / p.out[0];
    const Taps rows = TapsOf(p, 1, oh);
    const float* const x = static_cast<const float*>(operands.in[0]) + n * p.x.n + d * p.x.d;
    float* const y = static_cast<float*>(operands.out[0]) + n * p.y.n + d * p.y.d + oh * p.y.h;
    for (int64_t ow = 0; ow < p.out[2]; ++ow) {
      Pixel(p, x + rows.first * p.x.h, x + rows.second * p.x.h, rows.weight, TapsOf(p, 2, ow),
            y + ow * p.y.w);
    }
  }
  return {};
}

constexpr Kernel kRows[] = {
    {.name = "resize_nhwc_f32",
     .kind = ProblemKind::kResize,
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
std::span<const Kernel> ResizeRows() { return HWY_DYNAMIC_DISPATCH(Rows)(); }
}  // namespace doppio::kernels::cpu
#endif  // HWY_ONCE
