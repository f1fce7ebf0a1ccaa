// NonMaxSuppression of ONNX: boxes that do not overlap a better one too much. How many there are
// depends on the data, so the session calls it.
#include <algorithm>

#include "base/message.h"
#include "runtime/operators/call_context.h"
#include "runtime/operators/infer_context.h"
#include "runtime/operators/rows.h"

namespace doppio::operators {
namespace {

using base::Cat;

struct Corners {
  float low_y, low_x, high_y, high_x;
  float area() const { return (high_y - low_y) * (high_x - low_x); }
};

// [y1, x1, y2, x2] with any two opposite corners, or [x_center, y_center, width, height].
Corners CornersOf(const float* box, bool center) {
  if (center) {
    const float half_w = box[2] / 2, half_h = box[3] / 2;
    return {box[1] - half_h, box[0] - half_w, box[1] + half_h, box[0] + half_w};
  }
  return {std::min(box[0], box[2]), std::min(box[1], box[3]), std::max(box[0], box[2]),
          std::max(box[1], box[3])};
}

bool Overlap(const Corners& a, const Corners& b, float threshold) {
  const float height = std::min(a.high_y, b.high_y) - std::max(a.low_y, b.low_y);
  const float width = std::min(a.high_x, b.high_x) - std::max(a.low_x, b.low_x);
  if (!(height > 0) || !(width > 0)) return false;
  const float both = height * width;
  const float either = a.area() + b.area() - both;
  return either > 0 && both / either > threshold;
}

Status InferNms(InferContext& c) {
  Shape y;
  y.push_back(Dim());
  y.push_back(Dim(3));
  c.Set(0, ElementType::kInt64, y);
  return {};
}

// The one number of an optional input, else `fallback`.
template <class T>
Status ReadNumber(const CallContext& c, size_t i, ElementType type, T fallback, T* value) {
  *value = fallback;
  if (!c.HasInput(i)) return {};
  const HostValue& input = *c.input(i);
  if (input.type != type || input.count() != 1) {
    return InvalidArgument(
        Cat("input ", i, " must be one ", type, ", it is ", input.type, input.dims));
  }
  *value = *input.as<T>();
  return {};
}

Status CallNms(CallContext& c) {
  const HostValue& boxes = *c.input(0);
  const HostValue& scores = *c.input(1);
  const bool fit = boxes.type == ElementType::kFloat && scores.type == ElementType::kFloat &&
                   boxes.dims.rank() == 3 && scores.dims.rank() == 3 && boxes.dims[2] == 4 &&
                   boxes.dims[0] == scores.dims[0] && boxes.dims[1] == scores.dims[2];
  if (!fit) {
    return InvalidArgument(Cat("boxes ", boxes.type, boxes.dims, " and scores ", scores.type,
                               scores.dims,
                               " must be float32[batch, boxes, 4] and "
                               "float32[batch, classes, boxes]"));
  }
  int64_t most = 0, center = 0;
  float overlap = 0, least_score = 0;
  DOPPIO_RETURN_IF_ERROR(ReadNumber<int64_t>(c, 2, ElementType::kInt64, 0, &most));
  DOPPIO_RETURN_IF_ERROR(ReadNumber<float>(c, 3, ElementType::kFloat, 0, &overlap));
  DOPPIO_RETURN_IF_ERROR(ReadNumber<float>(c, 4, ElementType::kFloat, 0, &least_score));
  DOPPIO_RETURN_IF_ERROR(c.args.IntIn("center_point_box", 0, 1, &center));
  const int64_t batch = scores.dims[0], classes = scores.dims[1], count = scores.dims[2];
  base::Array<int64_t> selected, order;
  base::Array<Corners> kept;
  for (int64_t row = 0; row < batch * classes; ++row) {
    const float* const score = scores.as<float>() + row * count;
    const float* const box = boxes.as<float>() + row / classes * count * 4;
    order.clear();
    kept.clear();
    for (int64_t i = 0; i < count; ++i) {
      if (!c.HasInput(4) || score[i] > least_score) DOPPIO_RETURN_IF_ERROR(order.Append(i));
    }
    std::sort(order.begin(), order.end(), [score](int64_t a, int64_t b) {
      return score[a] != score[b] ? score[a] > score[b] : a < b;
    });
    for (const int64_t i : order) {
      if (static_cast<int64_t>(kept.size()) >= most) break;
      const Corners corners = CornersOf(box + i * 4, center != 0);
      const bool free = std::none_of(kept.begin(), kept.end(), [&](const Corners& better) {
        return Overlap(better, corners, overlap);
      });
      if (!free) continue;
      DOPPIO_RETURN_IF_ERROR(kept.Append(corners));
      for (const int64_t number : {row / classes, row % classes, i}) {
        DOPPIO_RETURN_IF_ERROR(selected.Append(number));
      }
    }
  }
  const auto rows = static_cast<int64_t>(selected.size() / 3);
  DOPPIO_ASSIGN_OR_RETURN(void* data, c.SetTensor(0, ElementType::kInt64, {rows, 3}));
  std::copy(selected.begin(), selected.end(), static_cast<int64_t*>(data));
  return {};
}

constexpr ArgSpec kNmsArgs[] = {{"center_point_box", ArgKind::kInt}};

}  // namespace

const Operator kOnnxNonMaxSuppression = {
    .domain = "ai.onnx",
    .type = "NonMaxSuppression",
    .min_inputs = 2,
    .max_inputs = 5,
    .min_outputs = 1,
    .max_outputs = 1,
    .layout = LayoutTrait::kRowMajor,
    .flags = kPlain,
    .infer = InferNms,
    .lower = nullptr,
    .args = kNmsArgs,
    .summary = "boxes that do not overlap a better one too much",
    .call = CallNms};

}  // namespace doppio::operators
