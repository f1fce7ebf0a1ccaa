// Operators that bring elements into another order: Transpose, channel shuffles, depth and space.
#include "base/message.h"
#include "runtime/operators/content.h"
#include "runtime/operators/rows.h"
#include "runtime/operators/spatial.h"
#include "runtime/operators/view.h"

namespace doppio::operators {
namespace {

using base::Cat;

// Reads a permutation of `rank` axes; reversed order when `axes` is empty.
Status ReadOrderOfAxes(std::span<const int64_t> axes, int rank, int* order) {
  if (axes.empty()) {
    for (int i = 0; i < rank; ++i) order[i] = rank - 1 - i;
    return {};
  }
  bool seen[kMaxRank] = {};
  bool valid = axes.size() == static_cast<size_t>(rank);
  for (int i = 0; valid && i < rank; ++i) {
    const int64_t axis = axes[static_cast<size_t>(i)];
    valid = axis >= 0 && axis < rank && !seen[axis];
    if (!valid) break;
    seen[axis] = true;
    order[i] = static_cast<int>(axis);
  }
  if (valid) return {};
  return InvalidArgument(Cat(Dims(axes), " does not name each of ", rank, " axes once"));
}

// The order that a node brings the axes of its input into.
Status NodeOrder(const graph::Node& node, const ArgReader& args, int rank, int* order) {
  const bool to_nhwc = node.type == "NCHW2NHWC";
  if (to_nhwc || node.type == "NHWC2NCHW") {
    if (rank < 3) return InvalidArgument(Cat("wants at least 3 dimensions, not ", rank));
    order[0] = 0;
    order[1] = to_nhwc ? 2 : rank - 1;
    for (int i = 2; i < rank; ++i) order[i] = to_nhwc ? (i + 1 < rank ? i + 1 : 1) : i - 1;
    return {};
  }
  return ReadOrderOfAxes(args.Ints(node.domain.empty() ? "axes" : "perm"), rank, order);
}

Status InferTranspose(InferContext& c) {
  const ValueFacts& x = c.input(0);
  int order[kMaxRank] = {};
  DOPPIO_RETURN_IF_ERROR(NodeOrder(c.node(), c.args, x.shape.rank, order));
  Shape y;
  for (int i = 0; i < x.shape.rank; ++i) y.push_back(x.shape[order[i]]);
  c.Set(0, x.type, y);
  if (!x.has_content || !y.AllKnown()) return {};
  Selection selection{y.Numbers(), y.Numbers()};
  const Dims strides = RowMajorStrides(x.shape.Numbers());
  for (int i = 0; i < y.rank; ++i) selection.strides[i] = strides[order[i]];
  return SelectContent(c, 0, 0, selection);
}

Status LowerTranspose(LowerContext& c) {
  int order[kMaxRank] = {};
  const TensorRef x = c.input(0);
  DOPPIO_RETURN_IF_ERROR(NodeOrder(c.node(), c.args, x.dims.rank(), order));
  return c.Alias(0, Permuted(x, order));
}

// --- ChannelShuffle
// --------------------------------------------------------------------------------

Status InferChannelShuffle(InferContext& c) {
  int64_t group = 1;
  bool channels_last = false;
  DOPPIO_RETURN_IF_ERROR(c.args.IntIn("group", 1, INT64_MAX, &group));
  DOPPIO_RETURN_IF_ERROR(ReadOrder(c.args, &channels_last));
  const Shape& x = c.input(0).shape;
  if (x.rank < 3 || x.rank == kMaxRank) {
    return InvalidArgument(Cat(c.Describe(0), " is no feature map"));
  }
  const Dim channels = x[channels_last ? x.rank - 1 : 1];
  if (channels.known() && channels.value() % group != 0) {
    return InvalidArgument(Cat(channels.value(), " channels of ", c.Describe(0),
                               " do not divide into ", group, " groups"));
  }
  c.Set(0, c.input(0).type, x);
  return {};
}

// Channels [group, rest] become [rest, group].
Status LowerChannelShuffle(LowerContext& c) {
  int64_t group = 1;
  bool channels_last = false;
  DOPPIO_RETURN_IF_ERROR(c.args.IntIn("group", 1, INT64_MAX, &group));
  DOPPIO_RETURN_IF_ERROR(ReadOrder(c.args, &channels_last));
  const TensorRef x = c.input(0);
  const int axis = channels_last ? x.dims.rank() - 1 : 1;
  const int64_t rest = x.dims[axis] / group;
  int order[kMaxRank] = {};
  for (int i = 0; i <= x.dims.rank(); ++i) order[i] = i;
  std::swap(order[axis], order[axis + 1]);
  return c.Copy(Permuted(SplitAxis(x, axis, group, rest), order),
                SplitAxis(c.output(0), axis, rest, group));
}

// --- depth and space
// ---------------------------------------------------------------------------------

Status ReadBlock(const InferContext& c, int64_t* block) {
  DOPPIO_RETURN_IF_ERROR(c.args.IntIn("blocksize", 1, int64_t{1} << 20, block));
  if (c.input(0).shape.rank == 4) return {};
  return InvalidArgument(Cat(c.Describe(0), " must have 4 dimensions"));
}

Status DoesNotDivide(const InferContext& c, int axis, int64_t divisor) {
  return InvalidArgument(
      Cat("dimension ", axis, " of ", c.Describe(0), " does not divide by ", divisor));
}

// Whether depth counts blocks first (DCR), or channels first (CRD).
Status ReadDepthFirst(const ArgReader& args, bool* depth_first) {
  std::string_view mode;
  DOPPIO_RETURN_IF_ERROR(args.Text("mode", &mode));
  *depth_first = mode == "DCR";
  if (mode == "DCR" || mode == "CRD") return {};
  return InvalidArgument(Cat("argument 'mode' is ", base::Quoted(mode), "; it must be DCR or CRD"));
}

Status InferDepthToSpace(InferContext& c) {
  int64_t block = 0;
  bool depth_first = true;
  DOPPIO_RETURN_IF_ERROR(ReadBlock(c, &block));
  DOPPIO_RETURN_IF_ERROR(ReadDepthFirst(c.args, &depth_first));
  Shape y = c.input(0).shape;
  if (y[1].known() && y[1].value() % (block * block) != 0)
    return DoesNotDivide(c, 1, block * block);
  y[1] = c.symbols().FloorDiv(y[1], Dim(block * block));
  y[2] = c.symbols().Mul(y[2], Dim(block));
  y[3] = c.symbols().Mul(y[3], Dim(block));
  c.Set(0, c.input(0).type, y);
  return {};
}

Status LowerDepthToSpace(LowerContext& c) {
  int64_t block = 0;
  bool depth_first = true;
  DOPPIO_RETURN_IF_ERROR(c.args.Int("blocksize", &block));
  DOPPIO_RETURN_IF_ERROR(ReadDepthFirst(c.args, &depth_first));
  TensorRef x = c.input(0), y = c.output(0);
  const int64_t channels = y.dims[1], height = x.dims[2], width = x.dims[3];
  // y as [n, c, h, b, w, b]; x's channels as [b, b, c] (DCR) or [c, b, b] (CRD).
  y = SplitAxis(SplitAxis(y, 3, width, block), 2, height, block);
  x = depth_first ? SplitAxis(SplitAxis(x, 1, block, block * channels), 2, block, channels)
                  : SplitAxis(SplitAxis(x, 1, channels, block * block), 2, block, block);
  constexpr int kDepthFirst[] = {0, 3, 4, 1, 5, 2};
  constexpr int kColumnsFirst[] = {0, 1, 4, 2, 5, 3};
  return c.Copy(depth_first ? Permuted(x, kDepthFirst) : Permuted(x, kColumnsFirst), y);
}

Status InferSpaceToDepth(InferContext& c) {
  int64_t block = 0;
  bool depth_first = true;
  DOPPIO_RETURN_IF_ERROR(ReadBlock(c, &block));
  DOPPIO_RETURN_IF_ERROR(ReadDepthFirst(c.args, &depth_first));
  Shape y = c.input(0).shape;
  for (int i = 2; i < 4; ++i) {
    if (y[i].known() && y[i].value() % block != 0) return DoesNotDivide(c, i, block);
    y[i] = c.symbols().FloorDiv(y[i], Dim(block));
  }
  y[1] = c.symbols().Mul(y[1], Dim(block * block));
  c.Set(0, c.input(0).type, y);
  return {};
}

Status LowerSpaceToDepth(LowerContext& c) {
  int64_t block = 0;
  bool depth_first = true;
  DOPPIO_RETURN_IF_ERROR(c.args.Int("blocksize", &block));
  DOPPIO_RETURN_IF_ERROR(ReadDepthFirst(c.args, &depth_first));
  TensorRef x = c.input(0), y = c.output(0);
  const int64_t channels = x.dims[1], height = y.dims[2], width = y.dims[3];
  x = SplitAxis(SplitAxis(x, 3, width, block), 2, height, block);  // [n, c, h, b, w, b]
  // y's channels as [b, b, c] or [c, b, b], then h and w.
  y = depth_first ? SplitAxis(SplitAxis(y, 1, block, block * channels), 2, block, channels)
                  : SplitAxis(SplitAxis(y, 1, channels, block * block), 2, block, block);
  constexpr int kDepthFirst[] = {0, 3, 5, 1, 2, 4};
  constexpr int kColumnsFirst[] = {0, 1, 3, 5, 2, 4};
  return c.Copy(depth_first ? Permuted(x, kDepthFirst) : Permuted(x, kColumnsFirst), y);
}

constexpr ArgSpec kAxesArgs[] = {{"axes", ArgKind::kInts}};
constexpr ArgSpec kPermArgs[] = {{"perm", ArgKind::kInts}};
constexpr ArgSpec kShuffleArgs[] = {
    {"group", ArgKind::kInt, 1}, {"order", ArgKind::kString, 0, "NCHW"}, {"kernel", ArgKind::kInt}};
constexpr ArgSpec kDepthToSpaceArgs[] = {{"blocksize", ArgKind::kInt, 0, "", true},
                                         {"mode", ArgKind::kString, 0, "DCR"}};

constexpr Operator Transpose(std::string_view domain, std::string_view type,
                             std::span<const ArgSpec> args) {
  return {domain,
          type,
          1,
          1,
          1,
          1,
          LayoutTrait::kAxisRemap,
          kPlain,
          InferTranspose,
          LowerTranspose,
          args,
          "the axes in another order"};
}

}  // namespace

const Operator kTranspose = Transpose("", "Transpose", kAxesArgs);
const Operator kNchwToNhwc = Transpose("", "NCHW2NHWC", {});
const Operator kNhwcToNchw = Transpose("", "NHWC2NCHW", {});
const Operator kOnnxTranspose = Transpose("ai.onnx", "Transpose", kPermArgs);
const Operator kChannelShuffle = {"",
                                  "ChannelShuffle",
                                  1,
                                  1,
                                  1,
                                  1,
                                  LayoutTrait::kAxisRemap,
                                  kPlain,
                                  InferChannelShuffle,
                                  LowerChannelShuffle,
                                  kShuffleArgs,
                                  "channels [group, rest] as [rest, group]"};
const Operator kOnnxDepthToSpace = {"ai.onnx",
                                    "DepthToSpace",
                                    1,
                                    1,
                                    1,
                                    1,
                                    LayoutTrait::kAxisRemap,
                                    kPlain,
                                    InferDepthToSpace,
                                    LowerDepthToSpace,
                                    kDepthToSpaceArgs,
                                    "blocks of channels become blocks of pixels"};
const Operator kOnnxSpaceToDepth = {"ai.onnx",
                                    "SpaceToDepth",
                                    1,
                                    1,
                                    1,
                                    1,
                                    LayoutTrait::kAxisRemap,
                                    kPlain,
                                    InferSpaceToDepth,
                                    LowerSpaceToDepth,
                                    kDepthToSpaceArgs,
                                    "blocks of pixels become blocks of channels"};

}  // namespace doppio::operators
