// Caffe2's operators on regions of detection nets: rotated RoIAlign, proposals of a pyramid
// collected and dealt out, keypoints from heat maps, batches in another order.
#include <algorithm>
#include <cmath>

#include "base/message.h"
#include "runtime/operators/called_row.h"
#include "runtime/operators/host_rows.h"
#include "runtime/operators/rows.h"
#include "runtime/operators/spatial.h"

namespace doppio::operators {
namespace {

using base::Cat;
using Numbers = base::Array<int64_t>;
using Floats = std::span<const float>;
constexpr auto kFloat = ElementType::kFloat;
constexpr auto kInt32 = ElementType::kInt32;

// --- RoIAlignRotated
// -------------------------------------------------------------------------------

struct RotatedArgs {
  float scale = 1;
  int64_t height = 1, width = 1, sampling = -1;
};

Status ReadRotatedArgs(const ArgReader& args, RotatedArgs* a) {
  bool channels_last = false;
  DOPPIO_RETURN_IF_ERROR(ReadOrder(args, &channels_last));
  if (channels_last) return InvalidArgument("argument 'order' must be NCHW");
  DOPPIO_RETURN_IF_ERROR(args.Float("spatial_scale", &a->scale));
  DOPPIO_RETURN_IF_ERROR(args.IntIn("pooled_h", 1, 1 << 12, &a->height));
  DOPPIO_RETURN_IF_ERROR(args.IntIn("pooled_w", 1, 1 << 12, &a->width));
  return args.IntIn("sampling_ratio", INT32_MIN, 1 << 10, &a->sampling);
}

// A map read between its pixels: points more than a pixel outside are 0, others held inside.
double Bilinear(const float* map, int64_t h, int64_t w, double y, double x) {
  if (!(y >= -1 && y <= static_cast<double>(h) && x >= -1 && x <= static_cast<double>(w))) return 0;
  y = std::clamp(y, 0.0, static_cast<double>(h - 1));
  x = std::clamp(x, 0.0, static_cast<double>(w - 1));
  const auto y0 = static_cast<int64_t>(y), x0 = static_cast<int64_t>(x);
  const int64_t y1 = std::min(y0 + 1, h - 1), x1 = std::min(x0 + 1, w - 1);
  const double dy = y - static_cast<double>(y0), dx = x - static_cast<double>(x0);
  const auto at = [&](int64_t i, int64_t j) { return static_cast<double>(map[i * w + j]); };
  return (1 - dy) * ((1 - dx) * at(y0, x0) + dx * at(y0, x1)) +
         dy * ((1 - dx) * at(y1, x0) + dx * at(y1, x1));
}

// A region: where its centre lies, its sizes, and its angle.
struct Rotated {
  double centre_x, centre_y, width, height, cosine, sine;

  Rotated(const float* roi, double scale)
      : centre_x(static_cast<double>(roi[1]) * scale),
        centre_y(static_cast<double>(roi[2]) * scale),
        width(std::max(static_cast<double>(roi[3]) * scale, 1.0)),
        height(std::max(static_cast<double>(roi[4]) * scale, 1.0)) {
    constexpr double kDegree = 3.14159265358979323846 / 180;
    cosine = std::cos(static_cast<double>(roi[5]) * kDegree);
    sine = std::sin(static_cast<double>(roi[5]) * kDegree);
  }
  // Of an offset from the centre, before the turn.
  double X(double x, double y) const { return x * cosine + y * sine + centre_x; }
  double Y(double x, double y) const { return y * cosine - x * sine + centre_y; }
};

int64_t PointsOf(int64_t sampling, double size, int64_t bins) {
  if (sampling > 0) return sampling;
  constexpr double kMost = 1 << 10;
  const double points = std::ceil(size / static_cast<double>(bins));
  return std::isfinite(points) ? static_cast<int64_t>(std::clamp(points, 0.0, kMost)) : 0;
}

// Rows of regions: image, centre x, centre y, width, height, degrees.
Status CallRoiAlignRotated(CallContext& c) {
  RotatedArgs a;
  DOPPIO_RETURN_IF_ERROR(ReadRotatedArgs(c.args, &a));
  DOPPIO_RETURN_IF_ERROR(WantRank(c, 0, 4));
  DOPPIO_RETURN_IF_ERROR(WantRank(c, 1, 2));
  DOPPIO_ASSIGN_OR_RETURN(const Floats x, FloatsOf(c, 0));
  DOPPIO_ASSIGN_OR_RETURN(const Floats rois, FloatsOf(c, 1));
  const Dims& dims = c.input(0)->dims;
  const int64_t count = c.input(1)->dims[0], h = dims[2], w = dims[3];
  if (c.input(1)->dims[1] != 6) return InvalidArgument("a region must have 6 numbers");
  if (h < 1 || w < 1) return InvalidArgument("a map without pixels has no regions");
  DOPPIO_ASSIGN_OR_RETURN(float* y, SetFloats(c, 0, {count, dims[1], a.height, a.width}));
  for (int64_t r = 0; r < count; ++r) {
    const float* const roi = rois.data() + r * 6;
    if (!(roi[0] >= 0 && roi[0] < static_cast<float>(dims[0]))) {
      return ComputeError(Cat("region ", r, " is of image ", roi[0], " of ", dims[0]));
    }
    const auto image = static_cast<int64_t>(roi[0]);
    const Rotated region(roi, static_cast<double>(a.scale));
    const int64_t points_y = PointsOf(a.sampling, region.height, a.height);
    const int64_t points_x = PointsOf(a.sampling, region.width, a.width);
    const double step_y =
        region.height / static_cast<double>(a.height * std::max<int64_t>(points_y, 1));
    const double step_x =
        region.width / static_cast<double>(a.width * std::max<int64_t>(points_x, 1));
    for (int64_t channel = 0; channel < dims[1]; ++channel) {
      const float* const map = x.data() + (image * dims[1] + channel) * h * w;
      for (int64_t bin = 0; bin < a.height * a.width; ++bin) {
        double sum = 0;
        for (int64_t i = 0; i < points_y; ++i) {
          for (int64_t j = 0; j < points_x; ++j) {
            const double in_y = (static_cast<double>(bin / a.width * points_y + i) + 0.5) * step_y -
                                region.height / 2;
            const double in_x = (static_cast<double>(bin % a.width * points_x + j) + 0.5) * step_x -
                                region.width / 2;
            sum += Bilinear(map, h, w, region.Y(in_x, in_y), region.X(in_x, in_y));
          }
        }
        const int64_t points = std::max<int64_t>(points_y * points_x, 1);
        *y++ = static_cast<float>(sum / static_cast<double>(points));
      }
    }
  }
  return {};
}

// --- CollectAndDistributeFpnRpnProposals
// -------------------------------------------------------------

struct PyramidArgs {
  int64_t canonical_scale = 224, canonical_level = 4;
  int64_t least = 2, greatest = 5;          // levels that regions are dealt out to
  int64_t rpn_least = 2, rpn_greatest = 6;  // levels that proposals come from
  int64_t most = 2000;
};

Status ReadPyramidArgs(const ArgReader& args, PyramidArgs* p) {
  DOPPIO_RETURN_IF_ERROR(args.IntIn("roi_canonical_scale", 1, 1 << 20, &p->canonical_scale));
  DOPPIO_RETURN_IF_ERROR(args.IntIn("roi_canonical_level", 0, 64, &p->canonical_level));
  DOPPIO_RETURN_IF_ERROR(args.IntIn("roi_min_level", 0, 64, &p->least));
  DOPPIO_RETURN_IF_ERROR(args.IntIn("roi_max_level", p->least, 64, &p->greatest));
  DOPPIO_RETURN_IF_ERROR(args.IntIn("rpn_min_level", 0, 64, &p->rpn_least));
  DOPPIO_RETURN_IF_ERROR(args.IntIn("rpn_max_level", p->rpn_least, 64, &p->rpn_greatest));
  return args.IntIn("rpn_post_nms_topN", 0, 1 << 24, &p->most);
}

// The level of a region of that area (Lin et al. 2017, "Feature Pyramid Networks", equation 1).
int64_t LevelOf(const PyramidArgs& p, const float* roi) {
  const auto side = [&](int end, int begin) {
    return std::max(static_cast<double>(roi[end] - roi[begin]) + 1, 0.0);
  };
  const double size = std::sqrt(side(3, 1) * side(4, 2));
  const double level = std::floor(static_cast<double>(p.canonical_level) +
                                  std::log2(size / static_cast<double>(p.canonical_scale) + 1e-6));
  const auto least = static_cast<double>(p.least), greatest = static_cast<double>(p.greatest);
  return static_cast<int64_t>(level >= least ? std::min(level, greatest) : least);
}

// The best proposals of all levels, dealt out by size; the last output says where each went.
Status CallCollectAndDistribute(CallContext& c) {
  PyramidArgs p;
  DOPPIO_RETURN_IF_ERROR(ReadPyramidArgs(c.args, &p));
  const auto levels = static_cast<size_t>(p.rpn_greatest - p.rpn_least + 1);
  const auto targets = static_cast<size_t>(p.greatest - p.least + 1);
  if (c.input_count() != 2 * levels || c.output_count() != targets + 2) {
    return InvalidArgument(Cat("it has ", c.input_count(), " inputs and ", c.output_count(),
                               " outputs; its levels want ", 2 * levels, " and ", targets + 2));
  }
  base::Array<const float*> rois;
  base::Array<float> scores;
  for (size_t i = 0; i < levels; ++i) {
    DOPPIO_RETURN_IF_ERROR(WantRank(c, i, 2));
    DOPPIO_ASSIGN_OR_RETURN(const Floats values, FloatsOf(c, i));
    DOPPIO_ASSIGN_OR_RETURN(const Floats own, FloatsOf(c, levels + i));
    if (c.input(i)->dims[1] != 5 || values.size() != 5 * own.size()) {
      return InvalidArgument(Cat("regions ", c.input(i)->dims, " and scores ",
                                 c.input(levels + i)->dims, " do not belong together"));
    }
    for (size_t at = 0; at < own.size(); ++at) {
      DOPPIO_RETURN_IF_ERROR(rois.Append(values.data() + 5 * at));
      DOPPIO_RETURN_IF_ERROR(scores.Append(own[at]));
    }
  }
  Numbers order;
  for (size_t i = 0; i < rois.size(); ++i) {
    DOPPIO_RETURN_IF_ERROR(order.Append(static_cast<int64_t>(i)));
  }
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return scores[static_cast<size_t>(a)] > scores[static_cast<size_t>(b)];
  });
  const int64_t count = std::min(p.most, static_cast<int64_t>(order.size()));
  DOPPIO_ASSIGN_OR_RETURN(float* const all, SetFloats(c, 0, {count, 5}));
  for (int64_t i = 0; i < count; ++i) {
    std::copy_n(rois[static_cast<size_t>(order[static_cast<size_t>(i)])], 5, all + 5 * i);
  }
  Numbers place;
  DOPPIO_RETURN_IF_ERROR(place.Resize(static_cast<size_t>(count)));
  int64_t next = 0;
  for (size_t target = 0; target < targets; ++target) {
    const int64_t level = p.least + static_cast<int64_t>(target);
    Numbers own;
    for (int64_t i = 0; i < count; ++i) {
      if (LevelOf(p, all + 5 * i) == level) DOPPIO_RETURN_IF_ERROR(own.Append(i));
    }
    DOPPIO_ASSIGN_OR_RETURN(float* to,
                            SetFloats(c, 1 + target, {static_cast<int64_t>(own.size()), 5}));
    for (const int64_t i : own) {
      to = std::copy_n(all + 5 * i, 5, to);
      place[static_cast<size_t>(i)] = next++;
    }
  }
  return SetIntegers(c, targets + 1, kInt32, {place.data(), place.size()});
}

// --- HeatmapMaxKeypoint
// ----------------------------------------------------------------------------

struct Peak {
  double x = 0, y = 0, score = 0;
  int64_t at = 0;  // its pixel
};

// The greatest pixel and the top of the parabola through its neighbours, which are mirrored at the
// border; the step from the pixel is held to 1.5.
Peak FindPeak(const float* map, int64_t size) {
  Peak peak;
  peak.at = std::max_element(map, map + size * size) - map;
  const int64_t row = peak.at / size, column = peak.at % size;
  const auto inside = [&](int64_t centre, int64_t step) {
    const int64_t place = centre + step;
    return place < 0 || place >= size ? centre - step : place;
  };
  double f[3][3];
  for (int64_t i = -1; i <= 1; ++i) {
    for (int64_t j = -1; j <= 1; ++j) {
      const int64_t y = std::clamp<int64_t>(inside(row, i), 0, size - 1);
      const int64_t x = std::clamp<int64_t>(inside(column, j), 0, size - 1);
      f[i + 1][j + 1] = static_cast<double>(map[y * size + x]);
    }
  }
  const double slope_x = (f[1][2] - f[1][0]) / 2, slope_y = (f[2][1] - f[0][1]) / 2;
  const double xx = f[1][0] - 2 * f[1][1] + f[1][2], yy = f[0][1] - 2 * f[1][1] + f[2][1];
  const double xy = (f[2][2] - f[2][0] - f[0][2] + f[0][0]) / 4;
  const double determinant = xx * yy - xy * xy;
  double dx = 0, dy = 0;
  peak.score = f[1][1];
  if (std::fabs(determinant) >= 1e-4) {
    dx = (xy * slope_y - yy * slope_x) / determinant;
    dy = (xy * slope_x - xx * slope_y) / determinant;
    constexpr double kMost = 1.5;
    const double larger = std::max(std::fabs(dx), std::fabs(dy));
    if (larger > kMost) {
      dx *= kMost / larger;
      dy *= kMost / larger;
    }
    peak.score +=
        slope_x * dx + slope_y * dy + (xx * dx * dx + 2 * xy * dx * dy + yy * dy * dy) / 2;
  }
  peak.x = static_cast<double>(column) + dx + 0.5;
  peak.y = static_cast<double>(row) + dy + 0.5;
  return peak;
}

// Heat maps [r, k, s, s] and boxes [r, >= 4] to [r, 4, k]: x, y, score, probability.
Status CallHeatmapMaxKeypoint(CallContext& c) {
  bool softmax = false;
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("should_output_softmax", &softmax));
  DOPPIO_RETURN_IF_ERROR(WantRank(c, 0, 4));
  DOPPIO_RETURN_IF_ERROR(WantRank(c, 1, 2));
  DOPPIO_ASSIGN_OR_RETURN(const Floats maps, FloatsOf(c, 0));
  DOPPIO_ASSIGN_OR_RETURN(const Floats boxes, FloatsOf(c, 1));
  const Dims &dims = c.input(0)->dims, &box_dims = c.input(1)->dims;
  const int64_t points = dims[1], size = dims[2];
  if (size < 1 || dims[3] != size || box_dims[0] != dims[0] || box_dims[1] < 4) {
    return InvalidArgument(
        Cat("heat maps ", dims, " and boxes ", box_dims, " do not belong together"));
  }
  DOPPIO_ASSIGN_OR_RETURN(float* const y, SetFloats(c, 0, {dims[0], 4, points}));
  for (int64_t r = 0; r < dims[0]; ++r) {
    const float* const box = boxes.data() + r * box_dims[1];
    const double width = std::max(static_cast<double>(box[2] - box[0]), 1.0);
    const double height = std::max(static_cast<double>(box[3] - box[1]), 1.0);
    for (int64_t k = 0; k < points; ++k) {
      const float* const map = maps.data() + (r * points + k) * size * size;
      const Peak peak = FindPeak(map, size);
      float* const to = y + r * 4 * points + k;
      to[0] = static_cast<float>(static_cast<double>(box[0]) +
                                 peak.x * width / static_cast<double>(size));
      to[points] = static_cast<float>(static_cast<double>(box[1]) +
                                      peak.y * height / static_cast<double>(size));
      to[2 * points] = static_cast<float>(peak.score);
      double sum = 0;
      for (int64_t i = 0; softmax && i < size * size; ++i) {
        sum += std::exp(static_cast<double>(map[i] - map[peak.at]));
      }
      to[3 * points] = softmax ? static_cast<float>(1 / sum) : 0;
    }
  }
  return {};
}

// --- BatchPermutation
// ------------------------------------------------------------------------------

Status CallBatchPermutation(CallContext& c) {
  Numbers order;
  const HostValue& x = *c.input(0);
  DOPPIO_RETURN_IF_ERROR(ReadIntegers(*c.input(1), "positions", &order));
  if (x.dims.rank() < 1 || x.dims[0] != static_cast<int64_t>(order.size())) {
    return InvalidArgument(Cat("there are ", order.size(), " positions for rows ", x.dims));
  }
  for (const int64_t row : order) {
    if (row < 0 || row >= x.dims[0]) {
      return ComputeError(Cat("position ", row, " is not in [0, ", x.dims[0], ")"));
    }
  }
  return SetRows(c, 0, x, {order.data(), order.size()}, {x.dims[0]});
}

constexpr ArgSpec kRotatedArgs[] = {{"order", ArgKind::kString, 0, "NCHW"},
                                    {"spatial_scale", ArgKind::kFloat, 1},
                                    {"pooled_h", ArgKind::kInt, 1},
                                    {"pooled_w", ArgKind::kInt, 1},
                                    {"sampling_ratio", ArgKind::kInt, -1}};
constexpr ArgSpec kPyramidArgs[] = {
    {"roi_canonical_scale", ArgKind::kInt, 224}, {"roi_canonical_level", ArgKind::kInt, 4},
    {"roi_max_level", ArgKind::kInt, 5},         {"roi_min_level", ArgKind::kInt, 2},
    {"rpn_max_level", ArgKind::kInt, 6},         {"rpn_min_level", ArgKind::kInt, 2},
    {"rpn_post_nms_topN", ArgKind::kInt, 2000}};
constexpr ArgSpec kKeypointArgs[] = {{"should_output_softmax", ArgKind::kInt}};

Status InferCollected(InferContext& c) {
  for (size_t i = 0; i + 1 < c.output_count(); ++i) c.SetUnknownShape(i, kFloat);
  c.SetUnknownShape(c.output_count() - 1, kInt32);
  return {};
}

}  // namespace

const Operator kRoiAlignRotated =
    CalledRow("RoIAlignRotated", {2, 2}, InferTypes<kFloat>, CallRoiAlignRotated, kRotatedArgs,
              "pools turned regions at points between pixels");
const Operator kCollectAndDistribute =
    CalledRow("CollectAndDistributeFpnRpnProposals", {2, kVariadic, 3, kVariadic}, InferCollected,
              CallCollectAndDistribute, kPyramidArgs, "the best proposals, dealt out by size");
const Operator kHeatmapMaxKeypoint =
    CalledRow("HeatmapMaxKeypoint", {2, 2}, InferTypes<kFloat>, CallHeatmapMaxKeypoint,
              kKeypointArgs, "the peaks of heat maps");
const Operator kBatchPermutation = CalledRow("BatchPermutation", {2, 2}, InferFirstInput,
                                             CallBatchPermutation, {}, "rows in another order");

}  // namespace doppio::operators
