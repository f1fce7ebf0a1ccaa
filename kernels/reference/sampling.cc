#include "kernels/problems/sampling.h"

#include <algorithm>
#include <cmath>

#include "kernels/reference/element_dispatch.h"
#include "kernels/reference/families.h"

namespace doppio::kernels::reference {
namespace {

// --- grid sample
// -----------------------------------------------------------------------------------

bool GridSupports(const void* problem) {
  const auto& p = *static_cast<const GridSampleProblem*>(problem);
  return Contains(kFloatTypes, p.type) && Contains(kFloatTypes, p.grid_type) && p.axes >= 1 &&
         p.axes <= 3;
}

// A unit is one point of the grid, for all channels.
int64_t GridUnits(const void* problem, int) {
  const auto& p = *static_cast<const GridSampleProblem*>(problem);
  return p.n * p.count;
}

// A coordinate folded back into [low, high] at its ends.
double Reflect(double x, double low, double high) {
  const double range = high - low;
  if (range <= 0) return low;
  const double distance = x < low ? low - x : x > high ? x - high : -1;
  if (distance < 0) return x;
  const double turns = std::floor(distance / range), rest = distance - turns * range;
  const bool from_low = (x < low) == (std::fmod(turns, 2) == 0);
  return from_low ? low + rest : high - rest;
}

// What one axis contributes to a point: pixels (-1: outside, reads 0) and their weights.
struct Taps {
  int count = 0;
  int64_t pixel[4] = {};
  double weight[4] = {};
};

void CubicWeights(double t, double* weight) {
  constexpr double a = -0.75;
  const auto near = [](double x) { return ((a + 2) * x - (a + 3)) * x * x + 1; };
  const auto far = [](double x) { return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a; };
  weight[0] = far(t + 1);
  weight[1] = near(t);
  weight[2] = near(1 - t);
  weight[3] = far(2 - t);
}

Taps TapsAt(const GridSampleProblem& p, int64_t size, double normalized) {
  const auto extent = static_cast<double>(size);
  const double low = p.align_corners ? 0 : -0.5;
  const double high = p.align_corners ? extent - 1 : extent - 0.5;
  double x =
      p.align_corners ? (normalized + 1) / 2 * (extent - 1) : ((normalized + 1) * extent - 1) / 2;
  if (!std::isfinite(x)) x = -1e9;  // somewhere outside
  if (p.padding == SamplePadding::kBorder && p.mode != SampleMode::kCubic) {
    x = std::clamp(x, 0.0, extent - 1);
  } else if (p.padding == SamplePadding::kReflection && p.mode != SampleMode::kCubic) {
    x = std::clamp(Reflect(x, low, high), 0.0, extent - 1);
  }
  x = std::clamp(x, -1e15, 1e15);
  Taps taps;
  const double first = p.mode == SampleMode::kNearest ? std::nearbyint(x) : std::floor(x);
  int64_t pixel = static_cast<int64_t>(first);
  switch (p.mode) {
    case SampleMode::kNearest:
      taps.count = 1;
      taps.weight[0] = 1;
      break;
    case SampleMode::kLinear:
      taps.count = 2;
      taps.weight[1] = x - first;
      taps.weight[0] = 1 - taps.weight[1];
      break;
    case SampleMode::kCubic:
      taps.count = 4;
      CubicWeights(x - first, taps.weight);
      --pixel;
      break;
  }
  for (int i = 0; i < taps.count; ++i, ++pixel) {
    int64_t at = pixel;
    if (at < 0 || at >= size) {
      if (p.padding == SamplePadding::kZeros) {
        at = -1;
      } else if (p.padding == SamplePadding::kBorder) {
        at = std::clamp<int64_t>(at, 0, size - 1);
      } else {
        const double reflected = Reflect(static_cast<double>(at), low, high);
        at = std::clamp<int64_t>(static_cast<int64_t>(reflected), 0, size - 1);
      }
    }
    taps.pixel[i] = at;
  }
  return taps;
}

// The weighted sum of the pixels that the taps of all axes meet in.
template <class T>
double Sample(const GridSampleProblem& p, const Taps* taps, const T* map) {
  double sum = 0;
  const Taps one{1, {0}, {1}};
  const Taps& a = taps[0];
  const Taps& b = p.axes > 1 ? taps[1] : one;
  const Taps& d = p.axes > 2 ? taps[2] : one;
  for (int i = 0; i < a.count; ++i) {
    for (int j = 0; j < b.count; ++j) {
      for (int k = 0; k < d.count; ++k) {
        const double weight = a.weight[i] * b.weight[j] * d.weight[k];
        if (a.pixel[i] < 0 || b.pixel[j] < 0 || d.pixel[k] < 0) continue;
        sum += weight * Load(map, (a.pixel[i] * p.dims[1] + b.pixel[j]) * p.dims[2] + d.pixel[k]);
      }
    }
  }
  return sum;
}

StepStatus GridRun(const void* problem, int, Range range, const Operands& operands, void*) {
  const auto& p = *static_cast<const GridSampleProblem*>(problem);
  const int64_t pixels = p.dims[0] * p.dims[1] * p.dims[2];
  return VisitType(kFloatTypes, p.type, [&]<class T>(TypeTag<T>) {
    return VisitType(kFloatTypes, p.grid_type, [&]<class G>(TypeTag<G>) {
      const auto* x = static_cast<const T*>(operands.in[0]);
      const auto* grid = static_cast<const G*>(operands.in[1]);
      auto* y = static_cast<T*>(operands.out[0]);
      for (int64_t unit = range.begin; unit < range.end; ++unit) {
        const int64_t n = unit / p.count, at = unit % p.count;
        Taps taps[3];
        for (int axis = 0; axis < p.axes; ++axis) {
          // The grid names the last axis first.
          const double place = Load(grid, unit * p.axes + p.axes - 1 - axis);
          taps[axis] = TapsAt(p, p.dims[axis], place);
        }
        for (int64_t c = 0; c < p.c; ++c) {
          const T* const map = x + (n * p.c + c) * pixels;
          Store(y, (n * p.c + c) * p.count + at, Sample(p, taps, map));
        }
      }
      return StepStatus{};
    });
  });
}

// --- region of interest
// ----------------------------------------------------------------------------

// The four pixels around a point and their weights.
struct Corners {
  int64_t at[4] = {};
  double weight[4] = {};
};

bool RoiSupports(const void* problem) {
  const auto& p = *static_cast<const RoiAlignProblem*>(problem);
  return Contains(kFloatTypes, p.type) || (p.type == ElementType::kUint8 && !p.greatest);
}

// A unit is one bin of one region, for all channels.
int64_t RoiUnits(const void* problem, int) {
  const auto& p = *static_cast<const RoiAlignProblem*>(problem);
  return p.count * p.out_h * p.out_w;
}

// Points more than a pixel outside weigh nothing, others are held inside.
Corners CornersInside(const RoiAlignProblem& p, double y, double x) {
  Corners corners;
  if (!(y >= -1 && y <= static_cast<double>(p.h) && x >= -1 && x <= static_cast<double>(p.w))) {
    return corners;
  }
  y = std::clamp(y, 0.0, static_cast<double>(p.h - 1));
  x = std::clamp(x, 0.0, static_cast<double>(p.w - 1));
  const auto y0 = static_cast<int64_t>(y), x0 = static_cast<int64_t>(x);
  const int64_t y1 = std::min(y0 + 1, p.h - 1), x1 = std::min(x0 + 1, p.w - 1);
  const double dy = y - static_cast<double>(y0), dx = x - static_cast<double>(x0);
  corners.at[0] = y0 * p.w + x0;
  corners.at[1] = y0 * p.w + x1;
  corners.at[2] = y1 * p.w + x0;
  corners.at[3] = y1 * p.w + x1;
  corners.weight[0] = (1 - dy) * (1 - dx);
  corners.weight[1] = (1 - dy) * dx;
  corners.weight[2] = dy * (1 - dx);
  corners.weight[3] = dy * dx;
  return corners;
}

// Points an axis of a bin that is `size` pixels wide; held to what a sane region needs.
int64_t PointsOf(const RoiAlignProblem& p, double size) {
  if (p.sampling > 0) return p.sampling;
  constexpr double kMostPoints = 1 << 15;
  return std::isfinite(size) ? static_cast<int64_t>(std::clamp(std::ceil(size), 0.0, kMostPoints))
                             : 0;
}

double QuantizedPoint(const RoiAlignProblem& p, const uint8_t* map, const Corners& corners) {
  double sum = 0, whole = 0;
  for (int k = 0; k < 4; ++k) {
    sum += std::floor(corners.weight[k] * 255 + 0.5) * map[corners.at[k]];
    whole += corners.weight[k];
  }
  return whole == 0 ? 0 : sum / 255 - p.zero_point;
}

template <class T>
double Pool(const RoiAlignProblem& p, const T* map, double begin_y, double begin_x, double bin_h,
            double bin_w, int64_t points_y, int64_t points_x) {
  double sum = 0, greatest = 0;
  bool first = true;
  for (int64_t i = 0; i < points_y; ++i) {
    for (int64_t j = 0; j < points_x; ++j) {
      const double y =
          begin_y + (static_cast<double>(i) + 0.5) * bin_h / static_cast<double>(points_y);
      const double x =
          begin_x + (static_cast<double>(j) + 0.5) * bin_w / static_cast<double>(points_x);
      const Corners corners = CornersInside(p, y, x);
      if constexpr (std::is_same_v<T, uint8_t>) {
        sum += QuantizedPoint(p, map, corners);
        continue;
      }
      for (int k = 0; k < 4; ++k) {
        const double value = corners.weight[k] * static_cast<double>(Load(map, corners.at[k]));
        sum += value;
        if (first || value > greatest) greatest = value;
        first = false;
      }
    }
  }
  if (p.greatest) return greatest;
  return sum / static_cast<double>(std::max<int64_t>(points_y * points_x, 1));
}

StepStatus RoiRun(const void* problem, int, Range range, const Operands& operands, void*) {
  const auto& p = *static_cast<const RoiAlignProblem*>(problem);
  const auto* batch = static_cast<const int64_t*>(operands.in[2]);
  const int64_t bins = p.out_h * p.out_w;
  return VisitType(kFloatTypes + TypeList<uint8_t>{}, p.type, [&]<class T>(TypeTag<T>) {
    using Real = std::conditional_t<std::is_same_v<T, uint8_t>, float, T>;
    const auto* x = static_cast<const T*>(operands.in[0]);
    const auto* regions = static_cast<const Real*>(operands.in[1]);
    auto* y = static_cast<Real*>(operands.out[0]);
    for (int64_t unit = range.begin; unit < range.end; ++unit) {
      const int64_t region = unit / bins, bin = unit % bins;
      const int64_t n = batch[region];
      if (n < 0 || n >= p.n) return StepStatus{StepCode::kIndexOutOfRange, region, n, p.n};
      const double shift = p.half_pixel ? 0.5 : 0;
      double corner[4];
      for (int i = 0; i < 4; ++i) corner[i] = Load(regions, region * 4 + i) * p.scale - shift;
      double width = corner[2] - corner[0], height = corner[3] - corner[1];
      if (!p.half_pixel) {
        width = std::max(width, 1.0);
        height = std::max(height, 1.0);
      }
      const double bin_h = height / static_cast<double>(p.out_h);
      const double bin_w = width / static_cast<double>(p.out_w);
      const double begin_y = corner[1] + static_cast<double>(bin / p.out_w) * bin_h;
      const double begin_x = corner[0] + static_cast<double>(bin % p.out_w) * bin_w;
      for (int64_t c = 0; c < p.c; ++c) {
        const double value = Pool(p, x + (n * p.c + c) * p.h * p.w, begin_y, begin_x, bin_h, bin_w,
                                  PointsOf(p, bin_h), PointsOf(p, bin_w));
        Store(y, (region * p.c + c) * bins + bin, value);
      }
    }
    return StepStatus{};
  });
}

// --- deformable convolution
// ------------------------------------------------------------------------

bool DeformSupports(const void* problem) {
  return Contains(kFloatTypes, static_cast<const DeformColumnsProblem*>(problem)->type);
}

// A unit is one channel of one image, for one position of the kernel.
int64_t DeformUnits(const void* problem, int) {
  const auto& p = *static_cast<const DeformColumnsProblem*>(problem);
  return p.n * p.c * p.kernel_h * p.kernel_w;
}

template <class T>
double PixelBetween(const T* map, int64_t h, int64_t w, double y, double x) {
  if (!(y > -1 && x > -1 && y < static_cast<double>(h) && x < static_cast<double>(w))) return 0;
  const double y0 = std::floor(y), x0 = std::floor(x);
  double sum = 0;
  for (int i = 0; i < 2; ++i) {
    for (int j = 0; j < 2; ++j) {
      const int64_t row = static_cast<int64_t>(y0) + i, column = static_cast<int64_t>(x0) + j;
      if (row < 0 || row >= h || column < 0 || column >= w) continue;
      const double wy = i == 0 ? 1 - (y - y0) : y - y0, wx = j == 0 ? 1 - (x - x0) : x - x0;
      sum += wy * wx * Load(map, row * w + column);
    }
  }
  return sum;
}

StepStatus DeformRun(const void* problem, int, Range range, const Operands& operands, void*) {
  const auto& p = *static_cast<const DeformColumnsProblem*>(problem);
  const int64_t taps = p.kernel_h * p.kernel_w, pixels = p.out_h * p.out_w;
  return VisitType(kFloatTypes, p.type, [&]<class T>(TypeTag<T>) {
    const auto* x = static_cast<const T*>(operands.in[0]);
    const auto* offset = static_cast<const T*>(operands.in[1]);
    const auto* mask = static_cast<const T*>(operands.in[2]);
    auto* y = static_cast<T*>(operands.out[0]);
    for (int64_t unit = range.begin; unit < range.end; ++unit) {
      const int64_t tap = unit % taps, channel = unit / taps % p.c, n = unit / taps / p.c;
      const int64_t group = channel / (p.c / p.groups);
      const int64_t place = (n * p.groups + group) * taps + tap;
      const T* const map = x + (n * p.c + channel) * p.h * p.w;
      for (int64_t o = 0; o < pixels; ++o) {
        const int64_t row = o / p.out_w * p.stride_h - p.pad_h + tap / p.kernel_w * p.dilation_h;
        const int64_t column = o % p.out_w * p.stride_w - p.pad_w + tap % p.kernel_w * p.dilation_w;
        const double at_y = static_cast<double>(row) + Load(offset, place * 2 * pixels + o);
        const double at_x =
            static_cast<double>(column) + Load(offset, (place * 2 + 1) * pixels + o);
        double value = PixelBetween(map, p.h, p.w, at_y, at_x);
        if (mask != nullptr) value *= Load(mask, place * pixels + o);
        Store(y, unit * pixels + o, value);
      }
    }
    return StepStatus{};
  });
}

constexpr Kernel kRows[] = {{.name = "grid_sample_reference",
                             .kind = ProblemKind::kGridSample,
                             .engine = Engine::kReference,
                             .supports = GridSupports,
                             .packed_operand = -1,
                             .phases = 1,
                             .units = GridUnits,
                             .run = GridRun},
                            {.name = "roi_align_reference",
                             .kind = ProblemKind::kRoiAlign,
                             .engine = Engine::kReference,
                             .supports = RoiSupports,
                             .packed_operand = -1,
                             .phases = 1,
                             .units = RoiUnits,
                             .run = RoiRun},
                            {.name = "deform_columns_reference",
                             .kind = ProblemKind::kDeformColumns,
                             .engine = Engine::kReference,
                             .supports = DeformSupports,
                             .packed_operand = -1,
                             .phases = 1,
                             .units = DeformUnits,
                             .run = DeformRun}};

}  // namespace

std::span<const Kernel> SamplingRows() { return kRows; }

}  // namespace doppio::kernels::reference
