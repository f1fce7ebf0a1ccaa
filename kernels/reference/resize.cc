#include "kernels/problems/resize.h"

#include <algorithm>

#include "kernels/reference/element_dispatch.h"
#include "kernels/reference/families.h"

namespace doppio::kernels::reference {
namespace {

constexpr auto kTypes = kFloatTypes + TypeList<uint8_t, int8_t, int32_t>{};

bool Supports(const void* problem) {
  return Contains(kTypes, static_cast<const ResizeProblem*>(problem)->type);
}

// A unit is one output row of one channel.
int64_t Units(const void* problem, int) {
  const auto& p = *static_cast<const ResizeProblem*>(problem);
  const bool empty = p.out[2] == 0 || p.in[0] == 0 || p.in[1] == 0 || p.in[2] == 0;
  return empty ? 0 : p.n * p.c * p.out[0] * p.out[1];
}

// Where output coordinate o of spatial dimension `axis` lies in the input.
double SourceCoordinate(const ResizeProblem& p, int axis, int64_t o) {
  const auto in = static_cast<double>(p.in[axis]), out = static_cast<double>(p.out[axis]);
  const double scale = p.scale[axis], at = static_cast<double>(o);
  const double half_pixel = (at + 0.5) / scale - 0.5;
  switch (p.coordinates) {
    case ResizeCoordinates::kHalfPixel:
      return half_pixel;
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
    case ResizeCoordinates::kTfCropAndResize:
      break;
  }
  const double begin = p.roi_begin[axis], end = p.roi_end[axis];
  if (p.out[axis] == 1) return (begin + end) * (in - 1) / 2;
  return begin * (in - 1) + at * (end - begin) * (in - 1) / (out - 1);
}

int64_t NearestTap(NearestMode mode, double x) {
  switch (mode) {
    case NearestMode::kRoundPreferFloor:
      return static_cast<int64_t>(std::ceil(x - 0.5));
    case NearestMode::kRoundPreferCeil:
      return static_cast<int64_t>(std::floor(x + 0.5));
    case NearestMode::kFloor:
      return static_cast<int64_t>(std::floor(x));
    case NearestMode::kCeil:
      break;
  }
  return static_cast<int64_t>(std::ceil(x));
}

// The interpolating function at a distance of t pixels.
double Filter(const ResizeProblem& p, double t) {
  t = std::fabs(t);
  if (p.mode == ResizeMode::kLinear) return t < 1 ? 1 - t : 0;
  const double a = p.cubic_a;
  if (t <= 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
  return t < 2 ? ((a * t - 5 * a) * t + 8 * a) * t - 4 * a : 0;
}

// The taps of one output coordinate: input coordinates [first, last] and how they are weighted.
struct Taps {
  int64_t first = 0, last = 0, size = 1;
  double center = 0;
  double stretch = 1;  // < 1: the filter is widened (antialias)
  double normalise = 1;
  bool weighted = false;  // else one tap of weight 1
  bool extrapolated = false;
};

double Weight(const ResizeProblem& p, const Taps& taps, int64_t i) {
  if (!taps.weighted) return 1;
  if (p.exclude_outside && (i < 0 || i >= taps.size)) return 0;
  return Filter(p, (static_cast<double>(i) - taps.center) * taps.stretch) * taps.normalise;
}

Taps MakeTaps(const ResizeProblem& p, int axis, int64_t o) {
  Taps taps;
  taps.size = p.in[axis];
  const bool crops = p.coordinates == ResizeCoordinates::kTfCropAndResize;
  if (!crops && p.in[axis] == p.out[axis] && p.scale[axis] == 1) {
    taps.first = taps.last = o;
    return taps;
  }
  taps.center = SourceCoordinate(p, axis, o);
  if (crops && (taps.center < 0 || taps.center > static_cast<double>(taps.size - 1))) {
    taps.extrapolated = true;
    return taps;
  }
  if (p.mode == ResizeMode::kNearest) {
    taps.first = taps.last = NearestTap(p.nearest, taps.center);
    return taps;
  }
  taps.weighted = true;
  if (p.antialias) taps.stretch = std::min(1.0, p.scale[axis]);
  const double support = (p.mode == ResizeMode::kLinear ? 1 : 2) / taps.stretch;
  taps.first = static_cast<int64_t>(std::floor(taps.center - support)) + 1;
  taps.last = static_cast<int64_t>(std::ceil(taps.center + support)) - 1;
  if (p.antialias || p.exclude_outside) {
    double sum = 0;
    for (int64_t i = taps.first; i <= taps.last; ++i) sum += Weight(p, taps, i);
    taps.normalise = 1 / sum;
  }
  return taps;
}

int64_t Clamp(int64_t i, const Taps& taps) {
  return std::min(std::max<int64_t>(i, 0), taps.size - 1);
}

template <class T>
double Interpolate(const ResizeProblem& p, const T* x, const Taps& d, const Taps& h,
                   const Taps& w) {
  if (d.extrapolated || h.extrapolated || w.extrapolated) return p.extrapolation_value;
  double sum = 0;
  for (int64_t i = d.first; i <= d.last; ++i) {
    const double d_weight = Weight(p, d, i);
    for (int64_t j = h.first; j <= h.last; ++j) {
      const double dh_weight = d_weight * Weight(p, h, j);
      const int64_t row = Clamp(i, d) * p.x.d + Clamp(j, h) * p.x.h;
      for (int64_t k = w.first; k <= w.last; ++k) {
        const double weight = dh_weight * Weight(p, w, k);
        // A tap without weight says nothing, not even when its value is infinite.
        if (weight == 0) continue;
        sum += weight * static_cast<double>(Load(x, row + Clamp(k, w) * p.x.w));
      }
    }
  }
  return sum;
}

template <class T>
void StoreReal(T* y, double value) {
  if constexpr (kIsFloat<T>) {
    Store(y, 0, value);
  } else {
    *y = Saturate<T>(value);
  }
}

StepStatus Run(const void* problem, int, Range range, const Operands& operands, void*) {
  const auto& p = *static_cast<const ResizeProblem*>(problem);
  return VisitType(kTypes, p.type, [&]<class T>(TypeTag<T>) {
    const int64_t od = p.out[0], oh = p.out[1], ow = p.out[2];
    for (int64_t unit = range.begin; unit < range.end; ++unit) {
      const int64_t h = unit % oh, d = unit / oh % od;
      const int64_t c = unit / (oh * od) % p.c, n = unit / (oh * od * p.c);
      const auto* x = static_cast<const T*>(operands.in[0]) + n * p.x.n + c * p.x.c;
      auto* y = static_cast<T*>(operands.out[0]) + n * p.y.n + c * p.y.c + d * p.y.d + h * p.y.h;
      const Taps d_taps = MakeTaps(p, 0, d), h_taps = MakeTaps(p, 1, h);
      for (int64_t w = 0; w < ow; ++w) {
        StoreReal(y + w * p.y.w, Interpolate(p, x, d_taps, h_taps, MakeTaps(p, 2, w)));
      }
    }
    return StepStatus{};
  });
}

constexpr Kernel kRows[] = {
    {.name = "resize_reference",
     .kind = ProblemKind::kResize,
     .engine = Engine::kReference,
     .supports = Supports,
     .phases = 1,
     .units = Units,
     .run = Run},
};

}  // namespace

std::span<const Kernel> ResizeRows() { return kRows; }

}  // namespace doppio::kernels::reference
