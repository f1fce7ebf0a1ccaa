// Caffe2's operators of detection nets (Detectron): BBoxTransform, GenerateProposals,
// BoxWithNMSLimit, RoIPool. Boxes are x1, y1, x2, y2 of pixels that they contain: a width is
// x2 - x1 + 1. Ren et al., "Faster R-CNN" (2015), 3.1; Bodla et al., "Soft-NMS" (2017).
#include <algorithm>
#include <cmath>

#include "base/message.h"
#include "runtime/operators/call_context.h"
#include "runtime/operators/host_rows.h"
#include "runtime/operators/infer_context.h"
#include "runtime/operators/rows.h"

namespace doppio::operators {
namespace {

using base::Cat;
constexpr auto kFloat = ElementType::kFloat;

struct Box {
  float x1 = 0, y1 = 0, x2 = 0, y2 = 0;
  float width() const { return x2 - x1 + 1; }
  float height() const { return y2 - y1 + 1; }
};

Box BoxAt(const float* at) { return {at[0], at[1], at[2], at[3]}; }

void Put(const Box& box, float* at) {
  at[0] = box.x1;
  at[1] = box.y1;
  at[2] = box.x2;
  at[3] = box.y2;
}

// `legacy` leaves the end one pixel too far, as Caffe2 did where correct_transform_coords is 0.
Box Transform(const Box& box, const float* delta, const float* weight, bool legacy) {
  // Sizes grow by at most 1000 / 16.
  const float most = std::log(1000.0f / 16.0f);
  const float width = box.width(), height = box.height();
  const float x = delta[0] / weight[0] * width + box.x1 + 0.5f * width;
  const float y = delta[1] / weight[1] * height + box.y1 + 0.5f * height;
  const float half_w = 0.5f * std::exp(std::min(delta[2] / weight[2], most)) * width;
  const float half_h = 0.5f * std::exp(std::min(delta[3] / weight[3], most)) * height;
  const float end = legacy ? 0.0f : 1.0f;
  return {x - half_w, y - half_h, x + half_w - end, y + half_h - end};
}

Box Clip(const Box& box, float height, float width) {
  const auto hold = [](float value, float size) {
    return std::max(std::min(value, size - 1), 0.0f);
  };
  return {hold(box.x1, width), hold(box.y1, height), hold(box.x2, width), hold(box.y2, height)};
}

Box Scaled(const Box& box, float scale) {
  return {box.x1 * scale, box.y1 * scale, box.x2 * scale, box.y2 * scale};
}

float Overlap(const Box& a, const Box& b) {
  const float w = std::min(a.x2, b.x2) - std::max(a.x1, b.x1) + 1;
  const float h = std::min(a.y2, b.y2) - std::max(a.y1, b.y1) + 1;
  if (w <= 0 || h <= 0) return 0;
  const float both = w * h;
  return both / (a.width() * a.height() + b.width() * b.height() - both);
}

Status WantFloats(const CallContext& c, size_t i, int rank, int64_t last) {
  const HostValue& x = *c.input(i);
  const bool fits =
      x.type == kFloat && x.dims.rank() == rank && (last < 0 || x.dims[rank - 1] == last);
  if (fits) return {};
  return InvalidArgument(Cat("input ", i, " ", x.type, x.dims, " must be float32 of ", rank,
                             " dimensions", last < 0 ? std::string() : Cat(", the last ", last)));
}

Status RefuseRotated(const CallContext& c) {
  bool rotated = false;
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("rotated", &rotated));
  return rotated ? Unsupported("rotated boxes") : Status();
}

// --- BBoxTransform
// ---------------------------------------------------------------------------------

Status InferBoxTransform(InferContext& c) {
  if (c.input(1).has_shape) {
    c.Set(0, kFloat, c.input(1).shape);
  } else {
    c.SetUnknownShape(0, kFloat);
  }
  c.SetUnknownShape(1, kFloat);
  return {};
}

Status CallBoxTransform(CallContext& c) {
  const HostValue &rois = *c.input(0), &deltas = *c.input(1), &info = *c.input(2);
  bool apply_scale = true, correct = false;
  DOPPIO_RETURN_IF_ERROR(RefuseRotated(c));
  DOPPIO_RETURN_IF_ERROR(WantFloats(c, 0, 2, -1));
  DOPPIO_RETURN_IF_ERROR(WantFloats(c, 1, 2, -1));
  DOPPIO_RETURN_IF_ERROR(WantFloats(c, 2, 2, 3));
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("apply_scale", &apply_scale));
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("correct_transform_coords", &correct));
  float weight[4] = {1, 1, 1, 1};
  const std::span<const float> stated = c.args.Floats("weights");
  if (!stated.empty() && stated.size() != 4) return InvalidArgument("weights must be 4 numbers");
  std::copy(stated.begin(), stated.end(), weight);
  const int64_t count = rois.dims[0], columns = rois.dims[1], images = info.dims[0];
  if ((columns != 4 && columns != 5) || deltas.dims[0] != count || deltas.dims[1] % 4 != 0 ||
      (columns == 4 && images != 1 && count > 0)) {
    return InvalidArgument(Cat("rois ", rois.dims, ", deltas ", deltas.dims, " and image sizes ",
                               info.dims, " do not fit"));
  }
  const int64_t classes = deltas.dims[1] / 4;
  base::Array<float> split;
  DOPPIO_RETURN_IF_ERROR(split.Resize(static_cast<size_t>(images)));
  std::fill(split.begin(), split.end(), 0.0f);
  DOPPIO_ASSIGN_OR_RETURN(void* const memory, c.SetTensor(0, kFloat, deltas.dims));
  auto* y = static_cast<float*>(memory);
  for (int64_t i = 0; i < count; ++i) {
    const float* const roi = rois.as<float>() + i * columns;
    const float named = columns == 5 ? roi[0] : 0;
    if (!(named >= 0 && named < static_cast<float>(images))) {
      return ComputeError(Cat("box ", i, " is of image ", named, ", there are ", images));
    }
    const auto image = static_cast<int64_t>(named);
    ++split[static_cast<size_t>(image)];
    const float* const size = info.as<float>() + image * 3;
    const float height = std::floor(size[0] / size[2] + 0.5f);
    const float width = std::floor(size[1] / size[2] + 0.5f);
    const Box box = Scaled(BoxAt(roi + columns - 4), 1 / size[2]);
    for (int64_t k = 0; k < classes; ++k) {
      const int64_t at = (i * classes + k) * 4;
      const Box moved = Transform(box, deltas.as<float>() + at, weight, !correct);
      Put(Scaled(Clip(moved, height, width), apply_scale ? size[2] : 1), y + at);
    }
  }
  DOPPIO_ASSIGN_OR_RETURN(void* const splits, c.SetTensor(1, kFloat, {images}));
  std::copy(split.begin(), split.end(), static_cast<float*>(splits));
  return {};
}

// --- GenerateProposals
// -----------------------------------------------------------------------------

Status InferProposals(InferContext& c) {
  Shape rois, probs;
  rois.push_back(Dim());
  rois.push_back(Dim(5));
  probs.push_back(Dim());
  c.Set(0, kFloat, rois);
  c.Set(1, kFloat, probs);
  return {};
}

struct ProposalArgs {
  float spatial_scale = 0, threshold = 0, min_size = 0;
  int64_t before = 0, after = 0;
  bool legacy = true;
};

Status ReadProposalArgs(const ArgReader& args, ProposalArgs* p) {
  bool correct = false;
  DOPPIO_RETURN_IF_ERROR(args.Float("spatial_scale", &p->spatial_scale));
  DOPPIO_RETURN_IF_ERROR(args.Float("nms_thresh", &p->threshold));
  DOPPIO_RETURN_IF_ERROR(args.Float("min_size", &p->min_size));
  DOPPIO_RETURN_IF_ERROR(args.Int("pre_nms_topN", &p->before));
  DOPPIO_RETURN_IF_ERROR(args.Int("post_nms_topN", &p->after));
  DOPPIO_RETURN_IF_ERROR(args.Bool("correct_transform_coords", &correct));
  p->legacy = !correct;
  if (!(p->spatial_scale > 0)) return InvalidArgument("spatial_scale must be positive");
  return {};
}

// One box of an image and its score.
struct Scored {
  Box box;
  float score = 0;
  int64_t index = 0;
};

// Boxes by score, the first of equals first; those that overlap a better one too much go. At most
// `most` are kept when that is positive.
Status Suppress(base::Array<Scored>* boxes, float threshold, int64_t most) {
  std::stable_sort(boxes->begin(), boxes->end(),
                   [](const Scored& a, const Scored& b) { return a.score > b.score; });
  base::Array<Scored> kept;
  for (const Scored& candidate : *boxes) {
    if (most > 0 && static_cast<int64_t>(kept.size()) >= most) break;
    const bool free = std::none_of(kept.begin(), kept.end(), [&](const Scored& better) {
      return Overlap(better.box, candidate.box) > threshold;
    });
    if (free) DOPPIO_RETURN_IF_ERROR(kept.Append(candidate));
  }
  boxes->swap(kept);
  return {};
}

Status ProposeForImage(const CallContext& c, const ProposalArgs& p, int64_t image,
                       base::Array<Scored>* proposals) {
  const HostValue &scores = *c.input(0), &deltas = *c.input(1), &anchors = *c.input(3);
  const int64_t kinds = scores.dims[1], height = scores.dims[2], width = scores.dims[3];
  const int64_t pixels = height * width;
  const float* const info = c.input(2)->as<float>() + image * 3;
  // Anchors of a pixel stand together: the order of equal scores.
  for (int64_t pixel = 0; pixel < pixels; ++pixel) {
    for (int64_t kind = 0; kind < kinds; ++kind) {
      Scored candidate;
      candidate.score = scores.as<float>()[(image * kinds + kind) * pixels + pixel];
      candidate.index = pixel * kinds + kind;
      DOPPIO_RETURN_IF_ERROR(proposals->Append(candidate));
    }
  }
  std::stable_sort(proposals->begin(), proposals->end(),
                   [](const Scored& a, const Scored& b) { return a.score > b.score; });
  if (p.before > 0 && static_cast<int64_t>(proposals->size()) > p.before) {
    DOPPIO_RETURN_IF_ERROR(proposals->Resize(static_cast<size_t>(p.before)));
  }
  constexpr float kWeights[] = {1, 1, 1, 1};
  base::Array<Scored> large;
  for (Scored candidate : *proposals) {
    const int64_t pixel = candidate.index / kinds, kind = candidate.index % kinds;
    const float* const anchor = anchors.as<float>() + kind * 4;
    const float x = static_cast<float>(pixel % width) / p.spatial_scale;
    const float y = static_cast<float>(pixel / width) / p.spatial_scale;
    float delta[4];
    for (int64_t i = 0; i < 4; ++i) {
      delta[i] = deltas.as<float>()[((image * kinds + kind) * 4 + i) * pixels + pixel];
    }
    const Box shifted = {anchor[0] + x, anchor[1] + y, anchor[2] + x, anchor[3] + y};
    const Box box = Clip(Transform(shifted, delta, kWeights, p.legacy), info[0], info[1]);
    const float least = std::max(p.min_size * info[2], 1.0f);
    const bool inside = box.x1 + box.width() / 2 < info[1] && box.y1 + box.height() / 2 < info[0];
    if (box.width() < least || box.height() < least || !inside) continue;
    candidate.box = box;
    DOPPIO_RETURN_IF_ERROR(large.Append(candidate));
  }
  proposals->swap(large);
  return Suppress(proposals, p.threshold, p.after);
}

Status CallProposals(CallContext& c) {
  ProposalArgs p;
  DOPPIO_RETURN_IF_ERROR(ReadProposalArgs(c.args, &p));
  DOPPIO_RETURN_IF_ERROR(WantFloats(c, 0, 4, -1));
  DOPPIO_RETURN_IF_ERROR(WantFloats(c, 1, 4, -1));
  DOPPIO_RETURN_IF_ERROR(WantFloats(c, 2, 2, 3));
  if (c.input(3)->dims.rank() == 2 && c.input(3)->dims[1] == 5) {
    return Unsupported("rotated anchors");
  }
  DOPPIO_RETURN_IF_ERROR(WantFloats(c, 3, 2, 4));
  const Dims &scores = c.input(0)->dims, &deltas = c.input(1)->dims;
  if (!(deltas == Dims({scores[0], 4 * scores[1], scores[2], scores[3]})) ||
      c.input(2)->dims[0] != scores[0] || c.input(3)->dims[0] != scores[1]) {
    return InvalidArgument(Cat("scores ", scores, ", deltas ", deltas, ", image sizes ",
                               c.input(2)->dims, " and anchors ", c.input(3)->dims, " do not fit"));
  }
  base::Array<Scored> all;
  base::Array<int64_t> image_of;
  for (int64_t image = 0; image < scores[0]; ++image) {
    base::Array<Scored> proposals;
    DOPPIO_RETURN_IF_ERROR(ProposeForImage(c, p, image, &proposals));
    for (const Scored& proposal : proposals) {
      DOPPIO_RETURN_IF_ERROR(all.Append(proposal));
      DOPPIO_RETURN_IF_ERROR(image_of.Append(image));
    }
  }
  const auto count = static_cast<int64_t>(all.size());
  DOPPIO_ASSIGN_OR_RETURN(void* const rois, c.SetTensor(0, kFloat, {count, 5}));
  DOPPIO_ASSIGN_OR_RETURN(void* const probs, c.SetTensor(1, kFloat, {count}));
  for (size_t i = 0; i < all.size(); ++i) {
    float* const roi = static_cast<float*>(rois) + i * 5;
    roi[0] = static_cast<float>(image_of[i]);
    Put(all[i].box, roi + 1);
    static_cast<float*>(probs)[i] = all[i].score;
  }
  return {};
}

// --- BoxWithNMSLimit
// -------------------------------------------------------------------------------

Status InferBoxLimit(InferContext& c) {
  Shape list, boxes;
  list.push_back(Dim());
  boxes.push_back(Dim());
  boxes.push_back(Dim(4));
  c.Set(0, kFloat, list);
  c.Set(1, kFloat, boxes);
  c.Set(2, kFloat, list);
  c.Set(3, kFloat, list);
  c.Set(4, ElementType::kInt32, list);
  c.SetUnknownShape(5, ElementType::kInt32);
  return {};
}

struct LimitArgs {
  float score = 0, overlap = 0, sigma = 0, least = 0;
  int64_t most = 0;
  bool soft = false, gaussian = false;
};

Status ReadLimitArgs(const ArgReader& args, LimitArgs* a) {
  std::string_view method;
  DOPPIO_RETURN_IF_ERROR(args.Float("score_thresh", &a->score));
  DOPPIO_RETURN_IF_ERROR(args.Float("nms", &a->overlap));
  DOPPIO_RETURN_IF_ERROR(args.Int("detections_per_im", &a->most));
  DOPPIO_RETURN_IF_ERROR(args.Bool("soft_nms_enabled", &a->soft));
  DOPPIO_RETURN_IF_ERROR(args.Text("soft_nms_method", &method));
  DOPPIO_RETURN_IF_ERROR(args.Float("soft_nms_sigma", &a->sigma));
  DOPPIO_RETURN_IF_ERROR(args.Float("soft_nms_min_score_thres", &a->least));
  a->gaussian = method == "gaussian";
  if (method != "linear" && method != "gaussian") {
    return InvalidArgument(
        Cat("soft_nms_method ", base::Quoted(method), " is unknown; there are linear, gaussian"));
  }
  return {};
}

// The best box again and again; scores of the others fade by how much they overlap it.
Status SuppressSoftly(const LimitArgs& a, base::Array<Scored>* boxes) {
  base::Array<Scored> kept;
  while (!boxes->empty()) {
    size_t best = 0;
    for (size_t i = 1; i < boxes->size(); ++i) {
      if ((*boxes)[i].score > (*boxes)[best].score) best = i;
    }
    const Scored winner = (*boxes)[best];
    DOPPIO_RETURN_IF_ERROR(kept.Append(winner));
    base::Array<Scored> left;
    for (size_t i = 0; i < boxes->size(); ++i) {
      Scored other = (*boxes)[i];
      if (i == best) continue;
      const float overlap = Overlap(winner.box, other.box);
      if (a.gaussian) {
        other.score *= std::exp(-overlap * overlap / a.sigma);
      } else if (overlap > a.overlap) {
        other.score *= 1 - overlap;
      }
      if (other.score >= a.least) DOPPIO_RETURN_IF_ERROR(left.Append(other));
    }
    boxes->swap(left);
  }
  boxes->swap(kept);
  return {};
}

// Detections of one image, a list a class.
Status LimitImage(const CallContext& c, const LimitArgs& a, int64_t begin, int64_t end,
                  base::Array<base::Array<Scored>>* classes) {
  const float* const scores = c.input(0)->as<float>();
  const float* const boxes = c.input(1)->as<float>();
  const int64_t count = c.input(0)->dims[1];
  base::Array<float> all;
  for (int64_t k = 0; k < count; ++k) {
    base::Array<Scored> found;
    for (int64_t i = begin; i < end && k > 0; ++i) {  // class 0 is the background
      const float score = scores[i * count + k];
      if (!(score > a.score)) continue;
      DOPPIO_RETURN_IF_ERROR(found.Append({BoxAt(boxes + (i * count + k) * 4), score, i - begin}));
    }
    DOPPIO_RETURN_IF_ERROR(a.soft ? SuppressSoftly(a, &found) : Suppress(&found, a.overlap, 0));
    for (const Scored& detection : found) DOPPIO_RETURN_IF_ERROR(all.Append(detection.score));
    DOPPIO_RETURN_IF_ERROR(classes->Append(std::move(found)));
  }
  if (a.most <= 0 || static_cast<int64_t>(all.size()) <= a.most) return {};
  std::sort(all.begin(), all.end(), [](float x, float y) { return x > y; });
  const float least = all[static_cast<size_t>(a.most) - 1];
  for (base::Array<Scored>& found : *classes) {
    base::Array<Scored> kept;
    for (const Scored& detection : found) {
      if (detection.score >= least) DOPPIO_RETURN_IF_ERROR(kept.Append(detection));
    }
    found.swap(kept);
  }
  return {};
}

// How many rows each image has; without input 2 all are of one.
Status ReadSplits(const CallContext& c, base::Array<int64_t>* splits) {
  const int64_t rows = c.input(0)->dims[0];
  if (!c.HasInput(2)) return splits->Append(rows);
  DOPPIO_RETURN_IF_ERROR(WantFloats(c, 2, 1, -1));
  int64_t left = rows;
  for (int64_t i = 0; i < c.input(2)->dims[0]; ++i) {
    const float size = c.input(2)->as<float>()[i];
    if (!(size >= 0 && size <= static_cast<float>(left))) {
      return ComputeError(Cat("image ", i, " has ", size, " boxes, ", left, " are left"));
    }
    DOPPIO_RETURN_IF_ERROR(splits->Append(static_cast<int64_t>(size)));
    left -= static_cast<int64_t>(size);
  }
  return left == 0 ? Status() : ComputeError(Cat(left, " boxes are of no image"));
}

Status CallBoxLimit(CallContext& c) {
  LimitArgs a;
  base::Array<int64_t> splits, keeps, sizes;
  DOPPIO_RETURN_IF_ERROR(ReadLimitArgs(c.args, &a));
  DOPPIO_RETURN_IF_ERROR(RefuseRotated(c));
  DOPPIO_RETURN_IF_ERROR(WantFloats(c, 0, 2, -1));
  DOPPIO_RETURN_IF_ERROR(WantFloats(c, 1, 2, 4 * c.input(0)->dims[1]));
  if (c.input(1)->dims[0] != c.input(0)->dims[0]) {
    return InvalidArgument("scores and boxes have different numbers of rows");
  }
  DOPPIO_RETURN_IF_ERROR(ReadSplits(c, &splits));
  base::Array<Scored> all;
  base::Array<float> class_of, per_image;
  int64_t begin = 0;
  for (const int64_t rows : splits) {
    base::Array<base::Array<Scored>> classes;
    DOPPIO_RETURN_IF_ERROR(LimitImage(c, a, begin, begin + rows, &classes));
    int64_t total = 0;
    for (size_t k = 0; k < classes.size(); ++k) {
      for (const Scored& detection : classes[k]) {
        DOPPIO_RETURN_IF_ERROR(all.Append(detection));
        DOPPIO_RETURN_IF_ERROR(class_of.Append(static_cast<float>(k)));
        DOPPIO_RETURN_IF_ERROR(keeps.Append(detection.index));
      }
      total += static_cast<int64_t>(classes[k].size());
      DOPPIO_RETURN_IF_ERROR(sizes.Append(static_cast<int64_t>(classes[k].size())));
    }
    DOPPIO_RETURN_IF_ERROR(per_image.Append(static_cast<float>(total)));
    begin += rows;
  }
  const auto count = static_cast<int64_t>(all.size());
  const auto images = static_cast<int64_t>(splits.size());
  DOPPIO_ASSIGN_OR_RETURN(void* const scores, c.SetTensor(0, kFloat, {count}));
  DOPPIO_ASSIGN_OR_RETURN(void* const boxes, c.SetTensor(1, kFloat, {count, 4}));
  DOPPIO_ASSIGN_OR_RETURN(void* const classes, c.SetTensor(2, kFloat, {count}));
  for (size_t i = 0; i < all.size(); ++i) {
    static_cast<float*>(scores)[i] = all[i].score;
    Put(all[i].box, static_cast<float*>(boxes) + i * 4);
    static_cast<float*>(classes)[i] = class_of[i];
  }
  DOPPIO_ASSIGN_OR_RETURN(void* const totals, c.SetTensor(3, kFloat, {images}));
  std::copy(per_image.begin(), per_image.end(), static_cast<float*>(totals));
  DOPPIO_RETURN_IF_ERROR(SetIntegers(c, 4, ElementType::kInt32, {keeps.data(), keeps.size()}));
  return SetIntegers(c, 5, ElementType::kInt32, {sizes.data(), sizes.size()},
                     {images, c.input(0)->dims[1]});
}

// --- RoIPool
// ---------------------------------------------------------------------------------------

Status InferRoiPool(InferContext& c) {
  bool test = false;
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("is_test", &test));
  if (!test && c.node().outputs.size() != 2) {
    return InvalidArgument("without is_test=1 it has two outputs");
  }
  c.SetUnknownShape(0, kFloat);
  c.SetUnknownShape(1, ElementType::kInt32);
  return {};
}

Status CallRoiPool(CallContext& c) {
  const HostValue &x = *c.input(0), &rois = *c.input(1);
  int64_t pooled_h = 1, pooled_w = 1;
  float scale = 1;
  std::string_view order;
  constexpr int64_t kMost = 1 << 16;
  DOPPIO_RETURN_IF_ERROR(c.args.IntIn("pooled_h", 1, kMost, &pooled_h));
  DOPPIO_RETURN_IF_ERROR(c.args.IntIn("pooled_w", 1, kMost, &pooled_w));
  DOPPIO_RETURN_IF_ERROR(c.args.Float("spatial_scale", &scale));
  DOPPIO_RETURN_IF_ERROR(c.args.Text("order", &order));
  if (order != "NCHW") return Unsupported(Cat("order ", base::Quoted(order)));
  DOPPIO_RETURN_IF_ERROR(WantFloats(c, 0, 4, -1));
  DOPPIO_RETURN_IF_ERROR(WantFloats(c, 1, 2, 5));
  const int64_t channels = x.dims[1], height = x.dims[2], width = x.dims[3];
  const Dims dims({rois.dims[0], channels, pooled_h, pooled_w});
  DOPPIO_ASSIGN_OR_RETURN(void* const memory, c.SetTensor(0, kFloat, dims));
  DOPPIO_ASSIGN_OR_RETURN(void* const places, c.SetTensor(1, ElementType::kInt32, dims));
  auto* y = static_cast<float*>(memory);
  auto* place = static_cast<int32_t*>(places);
  for (int64_t r = 0; r < rois.dims[0]; ++r) {
    const float* const roi = rois.as<float>() + r * 5;
    if (!(roi[0] >= 0 && roi[0] < static_cast<float>(x.dims[0]))) {
      return ComputeError(Cat("region ", r, " is of image ", roi[0], ", there are ", x.dims[0]));
    }
    int64_t corner[4];
    for (int i = 0; i < 4; ++i) {
      constexpr float kFar = 1e6f;
      corner[i] = static_cast<int64_t>(std::round(std::clamp(roi[i + 1] * scale, -kFar, kFar)));
    }
    const auto roi_h = static_cast<float>(std::max<int64_t>(corner[3] - corner[1] + 1, 1));
    const auto roi_w = static_cast<float>(std::max<int64_t>(corner[2] - corner[0] + 1, 1));
    // The pixels [begin, end) of bin i along an axis.
    const auto bin = [](int64_t i, float size, int64_t bins, int64_t start, int64_t limit,
                        int64_t* begin, int64_t* end) {
      const float each = size / static_cast<float>(bins);
      *begin = std::clamp<int64_t>(
          static_cast<int64_t>(std::floor(static_cast<float>(i) * each)) + start, 0, limit);
      *end = std::clamp<int64_t>(
          static_cast<int64_t>(std::ceil(static_cast<float>(i + 1) * each)) + start, 0, limit);
    };
    for (int64_t channel = 0; channel < channels; ++channel) {
      const int64_t map_index = static_cast<int64_t>(roi[0]) * channels + channel;
      const float* const map = x.as<float>() + map_index * height * width;
      for (int64_t i = 0; i < pooled_h * pooled_w; ++i) {
        int64_t top, bottom, left, right;
        bin(i / pooled_w, roi_h, pooled_h, corner[1], height, &top, &bottom);
        bin(i % pooled_w, roi_w, pooled_w, corner[0], width, &left, &right);
        const bool empty = bottom <= top || right <= left;
        float greatest = empty ? 0 : -INFINITY;
        int64_t at = -1;
        for (int64_t h = top; h < bottom; ++h) {
          for (int64_t w = left; w < right; ++w) {
            if (map[h * width + w] > greatest) {
              greatest = map[h * width + w];
              at = h * width + w;
            }
          }
        }
        *y++ = greatest;
        *place++ = static_cast<int32_t>(at);
      }
    }
  }
  return {};
}

constexpr ArgSpec kTransformArgs[] = {{"weights", ArgKind::kFloats},
                                      {"apply_scale", ArgKind::kInt, 1},
                                      {"correct_transform_coords", ArgKind::kInt},
                                      {"rotated", ArgKind::kInt}};
constexpr ArgSpec kProposalArgs[] = {{"spatial_scale", ArgKind::kFloat, 1.0 / 16},
                                     {"pre_nms_topN", ArgKind::kInt, 6000},
                                     {"post_nms_topN", ArgKind::kInt, 300},
                                     {"nms_thresh", ArgKind::kFloat, 0.7},
                                     {"min_size", ArgKind::kFloat, 16},
                                     {"correct_transform_coords", ArgKind::kInt}};
constexpr ArgSpec kLimitArgs[] = {{"score_thresh", ArgKind::kFloat, 0.05},
                                  {"nms", ArgKind::kFloat, 0.3},
                                  {"detections_per_im", ArgKind::kInt, 100},
                                  {"soft_nms_enabled", ArgKind::kInt},
                                  {"soft_nms_method", ArgKind::kString, 0, "linear"},
                                  {"soft_nms_sigma", ArgKind::kFloat, 0.5},
                                  {"soft_nms_min_score_thres", ArgKind::kFloat, 0.001},
                                  {"rotated", ArgKind::kInt}};
constexpr ArgSpec kPoolArgs[] = {{"pooled_h", ArgKind::kInt, 1},
                                 {"pooled_w", ArgKind::kInt, 1},
                                 {"spatial_scale", ArgKind::kFloat, 1},
                                 {"is_test", ArgKind::kInt},
                                 {"order", ArgKind::kString, 0, "NCHW"}};

constexpr Operator Detection(std::string_view type, int min_inputs, int max_inputs, int min_outputs,
                             int max_outputs, Status (*infer)(InferContext&),
                             Status (*call)(CallContext&), std::span<const ArgSpec> args,
                             const char* summary) {
  return {.domain = "",
          .type = type,
          .min_inputs = min_inputs,
          .max_inputs = max_inputs,
          .min_outputs = min_outputs,
          .max_outputs = max_outputs,
          .layout = LayoutTrait::kRowMajor,
          .flags = kDataDependent,
          .infer = infer,
          .lower = nullptr,
          .args = args,
          .summary = summary,
          .call = call};
}

}  // namespace

const Operator kBBoxTransform =
    Detection("BBoxTransform", 3, 3, 1, 2, InferBoxTransform, CallBoxTransform, kTransformArgs,
              "boxes moved and scaled by what a net says");
const Operator kGenerateProposals =
    Detection("GenerateProposals", 4, 4, 2, 2, InferProposals, CallProposals, kProposalArgs,
              "the best boxes around anchors");
const Operator kGenerateProposalsCpp =
    Detection("GenerateProposalsCPP", 4, 4, 2, 2, InferProposals, CallProposals, kProposalArgs,
              "the best boxes around anchors");
const Operator kBoxWithNmsLimit =
    Detection("BoxWithNMSLimit", 2, 3, 3, 6, InferBoxLimit, CallBoxLimit, kLimitArgs,
              "the best boxes of each class that do not overlap too much");
const Operator kRoiPool = Detection("RoIPool", 2, 2, 1, 2, InferRoiPool, CallRoiPool, kPoolArgs,
                                    "the greatest value of each bin of regions");

}  // namespace doppio::operators
