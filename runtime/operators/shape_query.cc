// What a net asks about sizes: Shape and Size. Their answers are known when the plan is made.
#include "base/message.h"
#include "runtime/operators/content.h"
#include "runtime/operators/lower_context.h"
#include "runtime/operators/rows.h"

namespace doppio::operators {
namespace {

using base::Cat;

// The axes that a Shape node reports, in order.
struct ReportedAxes {
  int count = 0;
  int axes[kMaxRank] = {};
};

Status ReadAxes(const graph::Node& node, const ArgReader& args, int rank, ReportedAxes* reported) {
  const std::span<const int64_t> axes = args.Ints("axes");
  int64_t start = 0, end = rank;
  if (node.domain.empty() && !axes.empty()) {
    if (axes.size() > kMaxRank) return InvalidArgument(Cat("it names ", axes.size(), " axes"));
    for (int64_t axis : axes) {
      if (axis < 0 || axis >= rank) {
        return InvalidArgument(Cat("axis ", axis, " does not exist in ", rank, " dimensions"));
      }
      reported->axes[reported->count++] = static_cast<int>(axis);
    }
    return {};
  }
  if (!node.domain.empty()) {
    DOPPIO_RETURN_IF_ERROR(args.Int("start", &start));
    if (args.Has("end")) DOPPIO_RETURN_IF_ERROR(args.Int("end", &end));
    const auto clamp = [rank](int64_t at) {
      if (at < 0) at = at < -rank ? 0 : at + rank;
      return at > rank ? rank : at;
    };
    start = clamp(start);
    end = clamp(end);
  }
  for (int64_t axis = start; axis < end; ++axis) {
    reported->axes[reported->count++] = static_cast<int>(axis);
  }
  return {};
}

Status InferShape(InferContext& c) {
  const Shape& x = c.input(0).shape;
  ReportedAxes reported;
  DOPPIO_RETURN_IF_ERROR(ReadAxes(c.node(), c.args, x.rank, &reported));
  Shape y;
  y.push_back(Dim(reported.count));
  c.Set(0, ElementType::kInt64, y);
  base::Array<Dim>* content = nullptr;
  DOPPIO_RETURN_IF_ERROR(StartContent(c, 0, &content));
  for (int i = 0; content != nullptr && i < reported.count; ++i) {
    (*content)[static_cast<size_t>(i)] = x[reported.axes[i]];
  }
  return {};
}

Status LowerShape(LowerContext& c) {
  const TensorRef x = c.input(0);
  ReportedAxes reported;
  DOPPIO_RETURN_IF_ERROR(ReadAxes(c.node(), c.args, x.dims.rank(), &reported));
  int64_t sizes[kMaxRank] = {};
  for (int i = 0; i < reported.count; ++i) sizes[i] = x.dims[reported.axes[i]];
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef constant,
                          c.Constant(ElementType::kInt64, Dims({reported.count}), sizes));
  return c.Alias(0, constant);
}

Status InferSize(InferContext& c) {
  c.Set(0, ElementType::kInt64, Shape());
  base::Array<Dim>* content = nullptr;
  DOPPIO_RETURN_IF_ERROR(StartContent(c, 0, &content));
  if (content != nullptr) (*content)[0] = CountOf(c.input(0).shape, &c.symbols());
  return {};
}

Status LowerSize(LowerContext& c) {
  const int64_t count = c.input(0).count();
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef constant,
                          c.Constant(ElementType::kInt64, Dims(), &count));
  return c.Alias(0, constant);
}

constexpr ArgSpec kAxesArgs[] = {{"axes", ArgKind::kInts}};
constexpr ArgSpec kRangeArgs[] = {{"start", ArgKind::kInt}, {"end", ArgKind::kInt}};

}  // namespace

const Operator kShape = {"",
                         "Shape",
                         1,
                         1,
                         1,
                         1,
                         LayoutTrait::kAny,
                         kPlain,
                         InferShape,
                         LowerShape,
                         kAxesArgs,
                         "the sizes of a tensor"};
const Operator kOnnxShape = {
    "ai.onnx",         "Shape", 1,          1,          1,          1,
    LayoutTrait::kAny, kPlain,  InferShape, LowerShape, kRangeArgs, "the sizes of a tensor"};
const Operator kSize = {"",
                        "Size",
                        1,
                        1,
                        1,
                        1,
                        LayoutTrait::kAny,
                        kPlain,
                        InferSize,
                        LowerSize,
                        {},
                        "the number of elements"};
const Operator kOnnxSize = {
    "ai.onnx",         "Size", 1,         1,         1,  1,
    LayoutTrait::kAny, kPlain, InferSize, LowerSize, {}, "the number of elements"};

}  // namespace doppio::operators
