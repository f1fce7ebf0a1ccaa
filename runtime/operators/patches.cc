// Parts of maps put back, cut out or framed: Col2Im, CenterCropPad, MaxUnpool of ONNX; Im2Col and
// Col2Im of Caffe2.
#include <algorithm>

#include "base/checked.h"
#include "base/message.h"
#include "kernels/problems/indexing.h"
#include "runtime/operators/binary.h"
#include "runtime/operators/content.h"
#include "runtime/operators/element_class.h"
#include "runtime/operators/rows.h"
#include "runtime/operators/spatial.h"
#include "runtime/operators/view.h"

namespace doppio::operators {
namespace {

using base::Cat;
using kernels::BinaryOp;
using kernels::ProblemKind;

constexpr unsigned char kZero[16] = {};

Status WantKnownSizes(const InferContext& c, size_t i) {
  if (c.input(i).type == ElementType::kInt64 && c.input(i).shape.rank == 1) return {};
  return InvalidArgument(Cat(c.Describe(i), " must be int64 of one dimension"));
}

// --- Col2Im
// ----------------------------------------------------------------------------------------

constexpr int64_t kMostSize = int64_t{1} << 40;

// The image, the block and how blocks are laid over it, an axis each.
struct Blocks {
  int rank = 0;
  int64_t image[kMaxRank], block[kMaxRank], stride[kMaxRank], dilation[kMaxRank];
  int64_t pad_begin[kMaxRank], pad_end[kMaxRank];
  int64_t count[kMaxRank];  // of blocks
  int64_t taps = 1;         // elements of a block
};

// A list of one value an axis; `fallback` where it is left out.
Status ReadList(const ArgReader& args, std::string_view name, int rank, int64_t fallback,
                int64_t least, int64_t* values) {
  const std::span<const int64_t> list = args.Ints(name);
  if (!list.empty() && list.size() != static_cast<size_t>(rank)) {
    return InvalidArgument(Cat("argument '", name, "' must hold ", rank, " values"));
  }
  for (int i = 0; i < rank; ++i) {
    values[i] = list.empty() ? fallback : list[static_cast<size_t>(i)];
    if (values[i] < least || values[i] > kMostSize) {
      return InvalidArgument(Cat("argument '", name, "' holds ", values[i]));
    }
  }
  return {};
}

constexpr int64_t kMostTaps = 1 << 16;  // each becomes a step

// How many blocks axis `i` has, everything else being known; counts its taps in.
Status CountBlocks(int i, Blocks* b) {
  if (b->image[i] < 0 || b->block[i] < 1 || b->image[i] > kMostSize ||
      b->block[i] > kMostTaps / b->taps) {
    return InvalidArgument(
        Cat("an image of ", b->image[i], " or a block of ", b->block[i], " along axis ", i));
  }
  b->taps *= b->block[i];
  const int64_t room =
      b->image[i] + b->pad_begin[i] + b->pad_end[i] - b->dilation[i] * (b->block[i] - 1) - 1;
  b->count[i] = room < 0 ? 0 : room / b->stride[i] + 1;
  return {};
}

// `image` and `block` are filled; the rest follows.
Status ReadBlocks(const ArgReader& args, Blocks* b) {
  DOPPIO_RETURN_IF_ERROR(ReadList(args, "strides", b->rank, 1, 1, b->stride));
  DOPPIO_RETURN_IF_ERROR(ReadList(args, "dilations", b->rank, 1, 1, b->dilation));
  int64_t pads[2 * kMaxRank];
  DOPPIO_RETURN_IF_ERROR(ReadList(args, "pads", 2 * b->rank, 0, 0, pads));
  for (int i = 0; i < b->rank; ++i) {
    b->pad_begin[i] = pads[i];
    b->pad_end[i] = pads[b->rank + i];
    DOPPIO_RETURN_IF_ERROR(CountBlocks(i, b));
  }
  return {};
}

Status InferCol2Im(InferContext& c) {
  const Shape& x = c.input(0).shape;
  base::Array<int64_t> image, block;
  bool image_known = false, block_known = false;
  if (x.rank != 3) return InvalidArgument(Cat(c.Describe(0), " must have 3 dimensions"));
  DOPPIO_RETURN_IF_ERROR(WantKnownSizes(c, 1));
  DOPPIO_RETURN_IF_ERROR(WantKnownSizes(c, 2));
  DOPPIO_RETURN_IF_ERROR(NumbersFromInput(c, 1, &image, &image_known));
  if (image_known) DOPPIO_RETURN_IF_ERROR(NumbersFromInput(c, 2, &block, &block_known));
  if (!IsNumericType(c.input(0).type)) {
    return InvalidArgument(Cat(c.Describe(0), " is of a type that Col2Im does not take"));
  }
  if (!image_known || !block_known) {
    c.SetUnknownShape(0, c.input(0).type);
    return {};
  }
  if (image.size() != block.size() || image.empty() || image.size() + 3 > kMaxRank) {
    return InvalidArgument(Cat(c.Describe(1), " and ", c.Describe(2), " must be equally long"));
  }
  Blocks b;
  b.rank = static_cast<int>(image.size());
  for (int i = 0; i < b.rank; ++i) {
    b.image[i] = image[static_cast<size_t>(i)];
    b.block[i] = block[static_cast<size_t>(i)];
  }
  DOPPIO_RETURN_IF_ERROR(ReadBlocks(c.args, &b));
  int64_t blocks = 1;
  for (int i = 0; i < b.rank; ++i) {
    if (!base::CheckedMul(blocks, b.count[i], &blocks)) return InvalidArgument("too many blocks");
  }
  if ((x[2].known() && !x[2].Is(blocks)) || (x[1].known() && x[1].value() % b.taps != 0)) {
    return InvalidArgument(Cat(c.Describe(0), " must hold a multiple of ", b.taps,
                               " values for each of ", blocks, " blocks"));
  }
  Shape y;
  y.push_back(x[0]);
  y.push_back(c.symbols().FloorDiv(x[1], Dim(b.taps)));
  for (int i = 0; i < b.rank; ++i) y.push_back(Dim(b.image[i]));
  c.Set(0, c.input(0).type, y);
  return {};
}

// Element `tap` of every block, and where it stands in the image: two views of the same sizes, of
// `blocks` [n, channels, taps, counts...] and `image` [n, channels, sizes...]. What falls beside
// the image is cut; false when nothing is left.
bool TapViews(const Blocks& b, int64_t tap, TensorRef* blocks, TensorRef* image) {
  TensorRef from = Cut(*blocks, 2, tap, 1), to = *image;
  from.dims.erase(2);
  from.strides.erase(2);
  int64_t rest = tap;
  for (int i = b.rank - 1; i >= 0; --i) {
    const int64_t offset = rest % b.block[i] * b.dilation[i] - b.pad_begin[i];
    rest /= b.block[i];
    // Block j stands at offset + j stride: the first and the last that are inside.
    const int64_t first = offset >= 0 ? 0 : (-offset + b.stride[i] - 1) / b.stride[i];
    const int64_t room = b.image[i] - 1 - offset;
    const int64_t last = room < 0 ? -1 : std::min(room / b.stride[i], b.count[i] - 1);
    if (last < first) return false;
    from = Cut(from, 2 + i, first, last - first + 1);
    to = Cut(to, 2 + i, offset + first * b.stride[i], last - first + 1, b.stride[i]);
  }
  *blocks = from;
  *image = to;
  return true;
}

// Adds every block to the image.
Status AddBlocks(LowerContext& c, const Blocks& b, const TensorRef& blocks,
                 const TensorRef& image) {
  for (int64_t tap = 0; tap < b.taps; ++tap) {
    TensorRef from = blocks, to = image;
    if (!TapViews(b, tap, &from, &to)) continue;
    DOPPIO_RETURN_IF_ERROR(EmitBinary(c, {BinaryOp::kAdd}, to, from, to));
  }
  return {};
}

Status LowerCol2Im(LowerContext& c) {
  const TensorRef x = c.input(0), y = c.output(0);
  if (y.count() == 0) return {};
  Blocks b;
  b.rank = y.dims.rank() - 2;
  Dims dims({y.dims[0], y.dims[1], 0});
  for (int i = 0; i < b.rank; ++i) {
    b.image[i] = c.Content(1)[static_cast<size_t>(i)].value();
    b.block[i] = c.Content(2)[static_cast<size_t>(i)].value();
  }
  DOPPIO_RETURN_IF_ERROR(ReadBlocks(c.args, &b));
  dims[2] = b.taps;
  for (int i = 0; i < b.rank; ++i) dims.push_back(b.count[i]);
  DOPPIO_RETURN_IF_ERROR(c.Fill(y, kZero));
  return AddBlocks(c, b, Reshaped(x, dims), y);
}

// --- Caffe2's Im2Col and Col2Im
// --------------------------------------------------------------------

// Blocks of a map [n, channels, h, w], whichever order the node's tensors have.
Status ReadCaffe2Blocks(const ArgReader& args, Dim height, Dim width, Blocks* b,
                        bool* channels_last) {
  SpatialArgs spatial;
  DOPPIO_RETURN_IF_ERROR(ReadOrder(args, channels_last));
  DOPPIO_RETURN_IF_ERROR(ReadCaffe2Spatial(args, 2, &spatial));
  const Dim sizes[] = {height, width};
  b->rank = 2;
  b->taps = 1;
  for (int i = 0; i < 2; ++i) {
    b->image[i] = sizes[i].known() ? sizes[i].value() : 0;
    b->block[i] = spatial.kernel[i];
    b->stride[i] = spatial.stride[i];
    b->dilation[i] = spatial.dilation[i];
    b->pad_begin[i] = spatial.pad_begin[i];
    b->pad_end[i] = spatial.pad_end[i];
    DOPPIO_RETURN_IF_ERROR(CountBlocks(i, b));
  }
  return {};
}

Status InferIm2Col(InferContext& c) {
  Blocks b;
  bool channels_last = false;
  if (c.input(0).type != ElementType::kFloat || c.input(0).shape.rank != 4) {
    return InvalidArgument(Cat(c.Describe(0), " must be float32 of 4 dimensions"));
  }
  DOPPIO_RETURN_IF_ERROR(ReadOrder(c.args, &channels_last));
  const Shape x = ToChannelsFirst(c.input(0).shape, channels_last);
  DOPPIO_RETURN_IF_ERROR(ReadCaffe2Blocks(c.args, x[2], x[3], &b, &channels_last));
  Shape y = x;
  y[1] = c.symbols().Mul(x[1], Dim(b.taps));
  for (int i = 0; i < 2; ++i) y[2 + i] = x[2 + i].known() ? Dim(b.count[i]) : Dim();
  c.Set(0, ElementType::kFloat, FromChannelsFirst(y, channels_last));
  return {};
}

// The columns as [n, channels, taps, counts...]: in NCHW a channel's taps stand together, in NHWC a
// tap's channels.
TensorRef AsBlocks(const TensorRef& columns, const Blocks& b, bool channels_last) {
  const TensorRef first = AsChannelsFirst(columns, channels_last);
  const int64_t channels = first.dims[1] / b.taps;
  if (!channels_last) return SplitAxis(first, 1, channels, b.taps);
  constexpr int kOrder[] = {0, 2, 1, 3, 4};
  return Permuted(SplitAxis(first, 1, b.taps, channels), kOrder);
}

Status LowerIm2Col(LowerContext& c) {
  Blocks b;
  bool channels_last = false;
  const TensorRef y = c.output(0);
  if (y.count() == 0) return {};
  DOPPIO_RETURN_IF_ERROR(ReadOrder(c.args, &channels_last));
  const TensorRef x = AsChannelsFirst(c.input(0), channels_last);
  DOPPIO_RETURN_IF_ERROR(
      ReadCaffe2Blocks(c.args, Dim(x.dims[2]), Dim(x.dims[3]), &b, &channels_last));
  DOPPIO_RETURN_IF_ERROR(c.Fill(y, kZero));
  for (int64_t tap = 0; tap < b.taps; ++tap) {
    TensorRef blocks = AsBlocks(y, b, channels_last), image = x;
    if (TapViews(b, tap, &blocks, &image)) DOPPIO_RETURN_IF_ERROR(c.Copy(image, blocks));
  }
  return {};
}

// The second input says which sizes the map has.
Status InferCaffe2Col2Im(InferContext& c) {
  const ValueFacts &x = c.input(0), &like = c.input(1);
  if (x.type != ElementType::kFloat || x.shape.rank != 4 || like.shape.rank != 4) {
    return InvalidArgument(
        Cat(c.Describe(0), " and ", c.Describe(1), " must be float32 of 4 dimensions"));
  }
  Blocks b;
  bool channels_last = false;
  DOPPIO_RETURN_IF_ERROR(ReadOrder(c.args, &channels_last));
  const Shape y = ToChannelsFirst(like.shape, channels_last);
  const Shape columns = ToChannelsFirst(x.shape, channels_last);
  DOPPIO_RETURN_IF_ERROR(ReadCaffe2Blocks(c.args, y[2], y[3], &b, &channels_last));
  const Dim wanted[] = {y[0], c.symbols().Mul(y[1], Dim(b.taps)),
                        y[2].known() ? Dim(b.count[0]) : Dim(),
                        y[3].known() ? Dim(b.count[1]) : Dim()};
  for (int i = 0; i < 4; ++i) {
    if (!wanted[i].known() || !columns[i].known() || wanted[i] == columns[i]) continue;
    return InvalidArgument(Cat(c.Describe(0), " does not hold the blocks of ", c.Describe(1)));
  }
  c.Set(0, ElementType::kFloat, like.shape);
  return {};
}

Status LowerCaffe2Col2Im(LowerContext& c) {
  Blocks b;
  bool channels_last = false;
  if (c.output(0).count() == 0) return {};
  DOPPIO_RETURN_IF_ERROR(ReadOrder(c.args, &channels_last));
  const TensorRef y = AsChannelsFirst(c.output(0), channels_last);
  DOPPIO_RETURN_IF_ERROR(
      ReadCaffe2Blocks(c.args, Dim(y.dims[2]), Dim(y.dims[3]), &b, &channels_last));
  DOPPIO_RETURN_IF_ERROR(c.Fill(c.output(0), kZero));
  return AddBlocks(c, b, AsBlocks(c.input(0), b, channels_last), y);
}

// --- CenterCropPad
// ---------------------------------------------------------------------------------

// The size that each axis gets; unknown Dims where it depends on data.
Status TargetSizes(const InferContext& c, std::span<const Dim> wanted, const Shape& x, Shape* y) {
  const std::span<const int64_t> axes = c.args.Ints("axes");
  const size_t count = axes.empty() ? static_cast<size_t>(x.rank) : axes.size();
  if (wanted.size() != count) {
    return InvalidArgument(Cat(c.Describe(1), " must hold ", count, " sizes"));
  }
  *y = x;
  for (size_t i = 0; i < count; ++i) {
    int axis = static_cast<int>(i);
    if (!axes.empty()) DOPPIO_RETURN_IF_ERROR(c.CanonicalAxis(axes[i], x.rank, &axis));
    if (wanted[i].known() && wanted[i].value() < 0) {
      return InvalidArgument(Cat(c.Describe(1), " holds the negative size ", wanted[i].value()));
    }
    (*y)[axis] = wanted[i];
  }
  return {};
}

Status InferCenterCropPad(InferContext& c) {
  const ValueFacts& x = c.input(0);
  Shape sizes, y;
  bool complete = false;
  DOPPIO_RETURN_IF_ERROR(SizesFromInput(c, 1, &sizes, &complete));
  if (!complete) {
    c.SetUnknownShape(0, x.type);
    return {};
  }
  DOPPIO_RETURN_IF_ERROR(
      TargetSizes(c, {sizes.dims, static_cast<size_t>(sizes.rank)}, x.shape, &y));
  c.Set(0, x.type, y);
  return {};
}

Status LowerCenterCropPad(LowerContext& c) {
  TensorRef x = c.input(0), inner = c.output(0);
  if (inner.count() == 0) return {};
  bool framed = false;
  for (int i = 0; i < x.dims.rank(); ++i) {
    const int64_t from = x.dims[i], to = inner.dims[i];
    framed = framed || from < to;
    if (from > to) x = Cut(x, i, (from - to) / 2, to);
    if (from < to) inner = Cut(inner, i, (to - from) / 2, from);
  }
  if (framed) DOPPIO_RETURN_IF_ERROR(c.Fill(c.output(0), kZero));
  return x.count() == 0 ? Status() : c.Copy(x, inner);
}

// --- MaxUnpool
// -------------------------------------------------------------------------------------

// The size that the pool had before it, as its arguments say.
Status UnpooledSizes(const ArgReader& args, const Shape& x, SymbolTable* symbols, Shape* y) {
  SpatialArgs spatial;
  DOPPIO_RETURN_IF_ERROR(ReadOnnxSpatial(args, x.rank - 2, {}, &spatial));
  *y = x;
  for (int i = 0; i + 2 < x.rank; ++i) {
    const int64_t rest = spatial.kernel[i] - spatial.pad_begin[i] - spatial.pad_end[i];
    const Dim steps = symbols->Mul(symbols->Sub(x[2 + i], Dim(1)), Dim(spatial.stride[i]));
    (*y)[2 + i] = symbols->Add(steps, Dim(rest));
    if ((*y)[2 + i].known() && (*y)[2 + i].value() < 0) {
      return InvalidArgument(Cat("the map before the pool has size ", (*y)[2 + i].value()));
    }
  }
  return {};
}

Status InferMaxUnpool(InferContext& c) {
  const ValueFacts& x = c.input(0);
  if (x.shape.rank < 3 || x.shape.rank > 5) {
    return InvalidArgument(Cat(c.Describe(0), " must have 3 to 5 dimensions"));
  }
  if (c.input(1).type != ElementType::kInt64 || c.input(1).shape.rank != x.shape.rank) {
    return InvalidArgument(Cat(c.Describe(1), " must be int64 in the shape of ", c.Describe(0)));
  }
  for (int i = 0; i < x.shape.rank; ++i) {
    const Dim a = x.shape[i], b = c.input(1).shape[i];
    if (a.known() && b.known() && !(a == b)) {
      return InvalidArgument(Cat(c.Describe(1), " must have the shape of ", c.Describe(0)));
    }
  }
  Shape y;
  DOPPIO_RETURN_IF_ERROR(UnpooledSizes(c.args, x.shape, &c.symbols(), &y));
  if (!c.HasInput(2)) {
    c.Set(0, x.type, y);
    return {};
  }
  Shape sizes;
  bool complete = false;
  DOPPIO_RETURN_IF_ERROR(SizesFromInput(c, 2, &sizes, &complete));
  if (complete && sizes.rank != x.shape.rank) {
    return InvalidArgument(Cat(c.Describe(2), " must hold ", x.shape.rank, " sizes"));
  }
  for (int i = 0; complete && i < sizes.rank; ++i) {
    const bool smaller = sizes[i].known() && y[i].known() && sizes[i].value() < y[i].value();
    if (smaller || (sizes[i].known() && sizes[i].value() < 0)) {
      return InvalidArgument(
          Cat(c.Describe(2), " holds ", sizes[i].value(), ", less than the pool had"));
    }
  }
  if (complete) {
    c.Set(0, x.type, sizes);
  } else {
    c.SetUnknownShape(0, x.type);
  }
  return {};
}

// Positions count in the map before the pool, all of the batch in one; a larger output frames it.
Status LowerMaxUnpool(LowerContext& c) {
  const TensorRef x = c.input(0), y = c.output(0);
  if (y.count() == 0) return {};
  DOPPIO_RETURN_IF_ERROR(c.Fill(y, kZero));
  if (x.count() == 0) return {};
  SymbolTable symbols;
  Shape before;
  DOPPIO_RETURN_IF_ERROR(UnpooledSizes(c.args, ShapeOf(x.dims), &symbols, &before));
  const Dims dims = before.Numbers();
  TensorRef map = y;
  if (!(dims == y.dims)) {
    DOPPIO_ASSIGN_OR_RETURN(map, c.Temporary(x.type, dims));
    DOPPIO_RETURN_IF_ERROR(c.Fill(map, kZero));
  }
  kernels::ScatterProblem p;
  p.type = x.type;
  p.rank = 1;
  p.x_dims[0] = map.count();
  p.dims[0] = x.count();
  DOPPIO_RETURN_IF_ERROR(c.Emit(ProblemKind::kScatter, p, {map, c.input(1), x}, {map}));
  if (dims == y.dims) return {};
  TensorRef inner = y;
  for (int i = 0; i < dims.rank(); ++i) inner = Cut(inner, i, 0, dims[i]);
  return c.Copy(map, inner);
}

constexpr ArgSpec kCol2ImArgs[] = {
    {"strides", ArgKind::kInts}, {"dilations", ArgKind::kInts}, {"pads", ArgKind::kInts}};
constexpr ArgSpec kDilationArgs[] = {{"dilations", ArgKind::kInts},
                                     {"dilation", ArgKind::kInt, 1},
                                     {"dilation_h", ArgKind::kInt},
                                     {"dilation_w", ArgKind::kInt}};
constexpr auto kCaffe2BlockArgs = JoinArgs(kCaffe2SpatialArgs, kDilationArgs);
constexpr ArgSpec kCenterCropPadArgs[] = {{"axes", ArgKind::kInts}};
constexpr ArgSpec kMaxUnpoolArgs[] = {
    {"kernel_shape", ArgKind::kInts}, {"strides", ArgKind::kInts}, {"pads", ArgKind::kInts}};

}  // namespace

const Operator kOnnxCol2Im = {.domain = "ai.onnx",
                              .type = "Col2Im",
                              .min_inputs = 3,
                              .max_inputs = 3,
                              .min_outputs = 1,
                              .max_outputs = 1,
                              .layout = LayoutTrait::kRowMajor,
                              .flags = kPlain,
                              .infer = InferCol2Im,
                              .lower = LowerCol2Im,
                              .args = kCol2ImArgs,
                              .summary = "sums blocks that overlap into an image"};
const Operator kOnnxCenterCropPad = {.domain = "ai.onnx",
                                     .type = "CenterCropPad",
                                     .min_inputs = 2,
                                     .max_inputs = 2,
                                     .min_outputs = 1,
                                     .max_outputs = 1,
                                     .layout = LayoutTrait::kRowMajor,
                                     .flags = kPlain,
                                     .infer = InferCenterCropPad,
                                     .lower = LowerCenterCropPad,
                                     .args = kCenterCropPadArgs,
                                     .summary = "the middle of a tensor, or a frame around it"};
const Operator kOnnxMaxUnpool = {.domain = "ai.onnx",
                                 .type = "MaxUnpool",
                                 .min_inputs = 2,
                                 .max_inputs = 3,
                                 .min_outputs = 1,
                                 .max_outputs = 1,
                                 .layout = LayoutTrait::kRowMajor,
                                 .flags = kPlain,
                                 .infer = InferMaxUnpool,
                                 .lower = LowerMaxUnpool,
                                 .args = kMaxUnpoolArgs,
                                 .summary = "greatest values back where a pool took them"};

const Operator kIm2Col = {.domain = "",
                          .type = "Im2Col",
                          .min_inputs = 1,
                          .max_inputs = 1,
                          .min_outputs = 1,
                          .max_outputs = 1,
                          .layout = LayoutTrait::kRowMajor,
                          .flags = kPlain,
                          .infer = InferIm2Col,
                          .lower = LowerIm2Col,
                          .args = kCaffe2BlockArgs,
                          .summary = "the blocks of a map, side by side"};
const Operator kCol2Im = {.domain = "",
                          .type = "Col2Im",
                          .min_inputs = 2,
                          .max_inputs = 2,
                          .min_outputs = 1,
                          .max_outputs = 1,
                          .layout = LayoutTrait::kRowMajor,
                          .flags = kPlain,
                          .infer = InferCaffe2Col2Im,
                          .lower = LowerCaffe2Col2Im,
                          .args = kCaffe2BlockArgs,
                          .summary = "sums blocks that overlap into a map"};

}  // namespace doppio::operators
