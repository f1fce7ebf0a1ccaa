// Caffe2's sums and products over rows, channels or everything: DotProduct, distances, RowMul,
// WeightedSum, Moments, LpNorm and their kin, composed of element-wise steps and reductions.
#include <algorithm>

#include "base/message.h"
#include "runtime/operators/binary.h"
#include "runtime/operators/cast.h"
#include "runtime/operators/element_class.h"
#include "runtime/operators/elementwise.h"
#include "runtime/operators/infer_context.h"
#include "runtime/operators/reduce.h"
#include "runtime/operators/rows.h"
#include "runtime/operators/spatial.h"
#include "runtime/operators/view.h"
#include "runtime/operators/where.h"

namespace doppio::operators {
namespace {

using base::Cat;
using kernels::BinaryOp;
using kernels::ReduceOp;
using kernels::UnaryOp;

Status WantFloat(const InferContext& c, size_t i) {
  if (c.input(i).type == ElementType::kFloat) return {};
  return InvalidArgument(Cat(c.Describe(i), " must be float32"));
}

Status SameShape(const InferContext& c, size_t i) {
  const Shape &a = c.input(0).shape, &b = c.input(i).shape;
  bool same = a.rank == b.rank;
  for (int d = 0; d < a.rank && same; ++d) same = !a[d].known() || !b[d].known() || a[d] == b[d];
  if (same) return {};
  return InvalidArgument(Cat(c.Describe(0), " and ", c.Describe(i), " differ in shape"));
}

// [rows, everything else].
TensorRef AsRows(const TensorRef& x) {
  return Reshaped(x, {x.dims[0], x.dims[0] == 0 ? 0 : x.count() / x.dims[0]});
}

// A vector as a column.
TensorRef AsColumn(const TensorRef& x) { return Reshaped(x, {x.count(), 1}); }

// y[row] = op over the row.
Status ReduceRows(LowerContext& c, ReduceOp op, const TensorRef& rows, const TensorRef& y) {
  Reduction reduction;
  reduction.reduced[1] = true;
  return EmitReduce(c, op, reduction, rows, AsColumn(y));
}

// --- of two tensors, row by row
// --------------------------------------------------------------------

Status InferRowPairs(InferContext& c) {
  for (const size_t i : {0, 1}) DOPPIO_RETURN_IF_ERROR(WantFloat(c, i));
  DOPPIO_RETURN_IF_ERROR(SameShape(c, 1));
  if (c.input(0).shape.rank < 1) return InvalidArgument(Cat(c.Describe(0), " has no rows"));
  Shape y;
  y.push_back(c.input(0).shape[0]);
  c.Set(0, ElementType::kFloat, y);
  return {};
}

// y = the sum of products of two tensors' rows.
Status Dot(LowerContext& c, const TensorRef& a, const TensorRef& b, const TensorRef& y) {
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef products, c.Temporary(a.type, a.dims));
  DOPPIO_RETURN_IF_ERROR(EmitBinary(c, {BinaryOp::kMul}, a, b, products));
  return ReduceRows(c, ReduceOp::kSum, products, y);
}

Status LowerDotProduct(LowerContext& c) {
  return Dot(c, AsRows(c.input(0)), AsRows(c.input(1)), c.output(0));
}

// The narrower rows are filled up with a number, or repeated.
Status InferDotProductWithPadding(InferContext& c) {
  for (const size_t i : {0, 1}) {
    DOPPIO_RETURN_IF_ERROR(WantFloat(c, i));
    if (c.input(i).shape.rank != 2) return InvalidArgument(Cat(c.Describe(i), " is no matrix"));
  }
  const Dim a = c.input(0).shape[0], b = c.input(1).shape[0];
  bool replicate = false;
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("replicate", &replicate));
  if (a.known() && b.known() && !(a == b)) {
    return InvalidArgument(Cat(c.Describe(0), " and ", c.Describe(1), " differ in rows"));
  }
  const Dim wide = c.input(0).shape[1], narrow = c.input(1).shape[1];
  if (replicate && wide.known() && narrow.known()) {
    const int64_t most = std::max(wide.value(), narrow.value());
    const int64_t least = std::min(wide.value(), narrow.value());
    if (least == 0 || most % least != 0) {
      return InvalidArgument(Cat("rows of ", least, " do not repeat to rows of ", most));
    }
  }
  Shape y;
  y.push_back(a);
  c.Set(0, ElementType::kFloat, y);
  return {};
}

Status LowerDotProductWithPadding(LowerContext& c) {
  TensorRef wide = c.input(0), narrow = c.input(1);
  if (wide.dims[1] < narrow.dims[1]) std::swap(wide, narrow);
  bool replicate = false;
  float pad = 0;
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("replicate", &replicate));
  DOPPIO_RETURN_IF_ERROR(c.args.Float("pad_value", &pad));
  const int64_t width = wide.dims[1], own = narrow.dims[1];
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef filled, c.Temporary(wide.type, wide.dims));
  for (int64_t at = 0; at < width && own > 0; at += own) {
    if (at > 0 && !replicate) break;
    DOPPIO_RETURN_IF_ERROR(c.Copy(narrow, Cut(filled, 1, at, own)));
  }
  if (!replicate && own < width) {
    DOPPIO_RETURN_IF_ERROR(c.Fill(Cut(filled, 1, own, width - own), &pad));
  }
  return Dot(c, wide, filled, c.output(0));
}

// x y / (max(|x|, 1e-12) max(|y|, 1e-12)).
Status LowerCosineSimilarity(LowerContext& c) {
  const TensorRef y = c.output(0);
  DOPPIO_RETURN_IF_ERROR(LowerDotProduct(c));
  constexpr float kLeast = 1e-12f;
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef least, c.Constant(ElementType::kFloat, Dims(), &kLeast));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef norm, c.Temporary(y.type, y.dims));
  for (const size_t i : {0, 1}) {
    DOPPIO_RETURN_IF_ERROR(ReduceRows(c, ReduceOp::kL2, AsRows(c.input(i)), norm));
    DOPPIO_RETURN_IF_ERROR(EmitBinary(c, {BinaryOp::kMax}, norm, least, norm));
    DOPPIO_RETURN_IF_ERROR(EmitBinary(c, {BinaryOp::kDiv}, y, norm, y));
  }
  return {};
}

Status LowerDistance(LowerContext& c) {
  const TensorRef a = AsRows(c.input(0)), b = AsRows(c.input(1)), y = c.output(0);
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef difference, c.Temporary(a.type, a.dims));
  DOPPIO_RETURN_IF_ERROR(EmitBinary(c, {BinaryOp::kSub}, a, b, difference));
  if (c.node().type == "L1Distance") return ReduceRows(c, ReduceOp::kL1, difference, y);
  DOPPIO_RETURN_IF_ERROR(ReduceRows(c, ReduceOp::kSumSquare, difference, y));
  return EmitUnary(c, {UnaryOp::kScale, 0.5}, y, y);
}

// --- rows times something
// ---------------------------------------------------------------------------

Status InferRowScale(InferContext& c) {
  DOPPIO_RETURN_IF_ERROR(WantFloat(c, 0));
  const Shape &x = c.input(0).shape, &w = c.input(1).shape;
  const bool root = c.node().type == "SquareRootDivide";
  const ElementType type = c.input(1).type;
  const bool taken = type == ElementType::kFloat ||
                     (root && (type == ElementType::kInt32 || type == ElementType::kInt64));
  if (!taken || x.rank < 1 || w.rank != 1 || (x[0].known() && w[0].known() && !(x[0] == w[0]))) {
    return InvalidArgument(
        Cat(c.Describe(1), " must hold one value for each row of ", c.Describe(0)));
  }
  c.Set(0, ElementType::kFloat, x);
  return {};
}

Status LowerRowMul(LowerContext& c) {
  return EmitBinary(c, {BinaryOp::kMul}, AsRows(c.input(0)), AsColumn(c.input(1)),
                    AsRows(c.output(0)));
}

// A row of weight 0 stays as it is.
Status LowerSquareRootDivide(LowerContext& c) {
  const TensorRef given = c.input(1), y = c.output(0);
  if (y.count() == 0) return {};
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef weights, AsType(c, given, ElementType::kFloat));
  constexpr float kZero = 0, kOne = 1;
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef zero, c.Constant(ElementType::kFloat, Dims(), &kZero));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef one, c.Constant(ElementType::kFloat, Dims(), &kOne));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef none, c.Temporary(ElementType::kBool, given.dims));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef root, c.Temporary(ElementType::kFloat, given.dims));
  DOPPIO_RETURN_IF_ERROR(EmitBinary(c, {BinaryOp::kEqual}, weights, zero, none));
  DOPPIO_RETURN_IF_ERROR(EmitWhere(c, none, one, weights, root));
  DOPPIO_RETURN_IF_ERROR(EmitUnary(c, {UnaryOp::kSqrt}, root, root));
  return EmitBinary(c, {BinaryOp::kDiv}, AsRows(c.input(0)), AsColumn(root), AsRows(y));
}

Status InferElementwiseLinear(InferContext& c) {
  const Shape& x = c.input(0).shape;
  int64_t named = 1;
  int axis = 0;
  DOPPIO_RETURN_IF_ERROR(WantFloat(c, 0));
  DOPPIO_RETURN_IF_ERROR(c.args.Int("axis", &named));
  DOPPIO_RETURN_IF_ERROR(c.CanonicalAxis(named, x.rank, &axis));
  Dim width(1);
  for (int i = axis; i < x.rank; ++i) width = c.symbols().Mul(width, x[i]);
  for (const size_t i : {1, 2}) {
    const Shape& w = c.input(i).shape;
    DOPPIO_RETURN_IF_ERROR(WantFloat(c, i));
    if (w.rank != 1 || (w[0].known() && width.known() && !(w[0] == width))) {
      return InvalidArgument(Cat(c.Describe(i), " must hold one value for each of the ",
                                 c.symbols().Text(width), " from axis ", axis, " on"));
    }
  }
  c.Set(0, ElementType::kFloat, x);
  return {};
}

Status LowerElementwiseLinear(LowerContext& c) {
  const TensorRef w = c.input(1);
  if (c.output(0).count() == 0) return {};
  const Dims dims({c.input(0).count() / w.count(), w.count()});
  const TensorRef y = Reshaped(c.output(0), dims);
  DOPPIO_RETURN_IF_ERROR(EmitBinary(c, {BinaryOp::kMul}, Reshaped(c.input(0), dims), w, y));
  return EmitBinary(c, {BinaryOp::kAdd}, y, c.input(2), y);
}

Status InferWeightedSum(InferContext& c) {
  if (c.input_count() % 2 != 0) return InvalidArgument("it takes pairs of tensors and weights");
  for (size_t i = 0; i < c.input_count(); ++i) {
    DOPPIO_RETURN_IF_ERROR(WantFloat(c, i));
    if (i % 2 == 0) DOPPIO_RETURN_IF_ERROR(SameShape(c, i));
    const Dim count = CountOf(c.input(i).shape, &c.symbols());
    if (i % 2 == 1 && count.known() && !count.Is(1)) {
      return InvalidArgument(Cat("weight ", c.Describe(i), " must be one value"));
    }
  }
  c.Set(0, ElementType::kFloat, c.input(0).shape);
  return {};
}

Status LowerWeightedSum(LowerContext& c) {
  const TensorRef y = c.output(0);
  const auto weight = [&](size_t i) { return Reshaped(c.input(i), Dims()); };
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef term, c.Temporary(y.type, y.dims));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef sum, c.Temporary(y.type, y.dims));
  DOPPIO_RETURN_IF_ERROR(EmitBinary(c, {BinaryOp::kMul}, c.input(0), weight(1), sum));
  for (size_t i = 2; i < c.input_count(); i += 2) {
    DOPPIO_RETURN_IF_ERROR(EmitBinary(c, {BinaryOp::kMul}, c.input(i), weight(i + 1), term));
    DOPPIO_RETURN_IF_ERROR(EmitBinary(c, {BinaryOp::kAdd}, sum, term, sum));
  }
  return c.Copy(sum, y);
}

// --- of one tensor
// ----------------------------------------------------------------------------------

// Everything as one sum, in [1] (LpNorm) or a scalar.
Status InferTotal(InferContext& c) {
  Shape y;
  if (c.node().type == "LpNorm") y.push_back(Dim(1));
  if (c.node().type == "SumElementsInt") {
    if (c.input(0).type != ElementType::kInt32) {
      return InvalidArgument(Cat(c.Describe(0), " must be int32"));
    }
    c.Set(0, ElementType::kInt32, y);
    return {};
  }
  int64_t p = 2;
  DOPPIO_RETURN_IF_ERROR(WantFloat(c, 0));
  if (c.args.Has("p")) DOPPIO_RETURN_IF_ERROR(c.args.IntIn("p", 1, 2, &p));
  c.Set(0, ElementType::kFloat, y);
  return {};
}

Status LowerTotal(LowerContext& c) {
  const TensorRef x = c.input(0), y = c.output(0);
  int64_t p = 2;
  bool average = false;
  const bool integers = x.type == ElementType::kInt32;
  if (c.args.Has("p")) DOPPIO_RETURN_IF_ERROR(c.args.IntIn("p", 1, 2, &p));
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("average", &average));
  Reduction reduction;
  reduction.reduced[0] = true;
  const ReduceOp op = integers ? ReduceOp::kSum : p == 1 ? ReduceOp::kL1 : ReduceOp::kSumSquare;
  const TensorRef sum = Reshaped(y, {1});
  DOPPIO_RETURN_IF_ERROR(EmitReduce(c, op, reduction, Reshaped(x, {x.count()}), sum));
  if (!average || x.count() == 0) return {};
  return EmitUnary(c, {UnaryOp::kScale, 1.0 / static_cast<double>(x.count())}, sum, sum);
}

Status InferTailSum(InferContext& c) {
  DOPPIO_RETURN_IF_ERROR(WantFloat(c, 0));
  if (c.input(0).shape.rank < 1) return InvalidArgument(Cat(c.Describe(0), " has no rows"));
  Shape y;
  y.push_back(c.input(0).shape[0]);
  c.Set(0, ElementType::kFloat, y);
  return {};
}
Status LowerTailSum(LowerContext& c) {
  return ReduceRows(c, ReduceOp::kSum, AsRows(c.input(0)), c.output(0));
}

// [batch, m, n] -> [batch, m] (RowwiseMax) or [batch, n] (ColwiseMax).
Status InferMatrixMax(InferContext& c) {
  const Shape& x = c.input(0).shape;
  DOPPIO_RETURN_IF_ERROR(WantFloat(c, 0));
  if (x.rank != 3) return InvalidArgument(Cat(c.Describe(0), " must have 3 dimensions"));
  Shape y;
  y.push_back(x[0]);
  y.push_back(x[c.node().type == "RowwiseMax" ? 1 : 2]);
  c.Set(0, ElementType::kFloat, y);
  return {};
}
Status LowerMatrixMax(LowerContext& c) {
  Reduction reduction;
  reduction.keep = false;
  reduction.reduced[c.node().type == "RowwiseMax" ? 2 : 1] = true;
  return EmitReduce(c, ReduceOp::kMax, reduction, c.input(0), c.output(0));
}

// --- moments
// ----------------------------------------------------------------------------------------

Status ReadMomentAxes(const ArgReader& args, int rank, Reduction* reduction) {
  const std::span<const int64_t> axes = args.Ints("axes");
  DOPPIO_RETURN_IF_ERROR(args.Bool("keepdims", &reduction->keep));
  for (int i = 0; i < rank; ++i) reduction->reduced[i] = axes.empty();
  for (const int64_t axis : axes) {
    if (axis < -rank || axis >= rank) {
      return InvalidArgument(Cat("axis ", axis, " does not exist in ", rank, " dimensions"));
    }
    reduction->reduced[axis < 0 ? axis + rank : axis] = true;
  }
  return {};
}

Status InferMoments(InferContext& c) {
  const Shape& x = c.input(0).shape;
  Reduction reduction;
  DOPPIO_RETURN_IF_ERROR(WantFloat(c, 0));
  DOPPIO_RETURN_IF_ERROR(ReadMomentAxes(c.args, x.rank, &reduction));
  Shape y;
  for (int i = 0; i < x.rank; ++i) {
    if (!reduction.reduced[i]) {
      y.push_back(x[i]);
    } else if (reduction.keep) {
      y.push_back(Dim(1));
    }
  }
  c.Set(0, ElementType::kFloat, y);
  c.Set(1, ElementType::kFloat, y);
  return {};
}

// The biased variance is the mean of squares of what is left after the mean.
Status LowerMoments(LowerContext& c) {
  const TensorRef x = c.input(0);
  Reduction reduction;
  DOPPIO_RETURN_IF_ERROR(ReadMomentAxes(c.args, x.dims.rank(), &reduction));
  Dims kept = x.dims;
  for (int i = 0; i < kept.rank(); ++i) kept[i] = reduction.reduced[i] ? 1 : kept[i];
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef mean, c.Temporary(x.type, kept));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef rest, c.Temporary(x.type, x.dims));
  reduction.keep = true;
  DOPPIO_RETURN_IF_ERROR(EmitReduce(c, ReduceOp::kMean, reduction, x, mean));
  if (c.output(0).present())
    DOPPIO_RETURN_IF_ERROR(c.Copy(Reshaped(mean, c.output(0).dims), c.output(0)));
  if (c.output_count() < 2 || !c.output(1).present()) return {};
  DOPPIO_RETURN_IF_ERROR(EmitBinary(c, {BinaryOp::kSub}, x, mean, rest));
  DOPPIO_RETURN_IF_ERROR(EmitUnary(c, {UnaryOp::kSquare}, rest, rest));
  DOPPIO_RETURN_IF_ERROR(
      EmitReduce(c, ReduceOp::kMean, reduction, rest, Reshaped(c.output(1), kept)));
  return {};
}

// BatchMoments: means of x and of its square a channel; ChannelStats: their sums, for which the
// original does not read the order.
Status MomentOrder(const graph::Node& node, const ArgReader& args, bool* channels_last) {
  DOPPIO_RETURN_IF_ERROR(ReadOrder(args, channels_last));
  if (node.type == "ChannelStats") *channels_last = false;
  return {};
}

Status InferChannelMoments(InferContext& c) {
  bool channels_last = false;
  const Shape& x = c.input(0).shape;
  DOPPIO_RETURN_IF_ERROR(WantFloat(c, 0));
  DOPPIO_RETURN_IF_ERROR(MomentOrder(c.node(), c.args, &channels_last));
  if (x.rank < 3) return InvalidArgument(Cat(c.Describe(0), " is no feature map"));
  Shape y;
  y.push_back(x[channels_last ? x.rank - 1 : 1]);
  c.Set(0, ElementType::kFloat, y);
  c.Set(1, ElementType::kFloat, y);
  return {};
}
Status LowerChannelMoments(LowerContext& c) {
  const TensorRef x = c.input(0);
  bool channels_last = false;
  DOPPIO_RETURN_IF_ERROR(MomentOrder(c.node(), c.args, &channels_last));
  const bool mean = c.node().type == "BatchMoments";
  const int rank = x.dims.rank(), channel = channels_last ? rank - 1 : 1;
  Reduction reduction;
  reduction.keep = false;
  for (int i = 0; i < rank; ++i) reduction.reduced[i] = i != channel;
  if (c.output(0).present()) {
    DOPPIO_RETURN_IF_ERROR(
        EmitReduce(c, mean ? ReduceOp::kMean : ReduceOp::kSum, reduction, x, c.output(0)));
  }
  if (c.output_count() < 2 || !c.output(1).present()) return {};
  const TensorRef squares = c.output(1);
  DOPPIO_RETURN_IF_ERROR(EmitReduce(c, ReduceOp::kSumSquare, reduction, x, squares));
  if (!mean || squares.count() == 0) return {};
  const double share = static_cast<double>(squares.count()) / static_cast<double>(x.count());
  return EmitUnary(c, {UnaryOp::kScale, share}, squares, squares);
}

// --- functions along an axis
// ------------------------------------------------------------------------

Status InferAlongAxis(InferContext& c) {
  DOPPIO_RETURN_IF_ERROR(WantFloat(c, 0));
  const bool glu = c.node().type == "Glu";
  int64_t named = -1;
  int axis = 0;
  DOPPIO_RETURN_IF_ERROR(c.args.Int(glu ? "dim" : "axis", &named));
  DOPPIO_RETURN_IF_ERROR(c.CanonicalAxis(named, c.input(0).shape.rank, &axis));
  Shape y = c.input(0).shape;
  if (glu) {
    if (y[axis].known() && y[axis].value() % 2 != 0) {
      return InvalidArgument(Cat("axis ", axis, " of ", c.Describe(0), " has no two halves"));
    }
    y[axis] = c.symbols().FloorDiv(y[axis], Dim(2));
  }
  c.Set(0, ElementType::kFloat, y);
  return {};
}

// x / sum |x| along the axis.
Status LowerNormalizeL1(LowerContext& c) {
  const TensorRef x = c.input(0);
  int64_t named = -1;
  DOPPIO_RETURN_IF_ERROR(c.args.Int("axis", &named));
  const int axis = static_cast<int>(named < 0 ? named + x.dims.rank() : named);
  Dims dims = x.dims;
  dims[axis] = 1;
  Reduction reduction;
  reduction.reduced[axis] = true;
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef norm, c.Temporary(x.type, dims));
  DOPPIO_RETURN_IF_ERROR(EmitReduce(c, ReduceOp::kL1, reduction, x, norm));
  return EmitBinary(c, {BinaryOp::kDiv}, x, norm, c.output(0));
}

// The first half times the sigmoid of the second.
Status LowerGlu(LowerContext& c) {
  const TensorRef x = c.input(0), y = c.output(0);
  int64_t named = -1;
  DOPPIO_RETURN_IF_ERROR(c.args.Int("dim", &named));
  const int axis = static_cast<int>(named < 0 ? named + x.dims.rank() : named);
  const int64_t half = y.dims[axis];
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef gate, c.Temporary(x.type, y.dims));
  DOPPIO_RETURN_IF_ERROR(EmitUnary(c, {UnaryOp::kSigmoid}, Cut(x, axis, half, half), gate));
  return EmitBinary(c, {BinaryOp::kMul}, Cut(x, axis, 0, half), gate, y);
}

Status InferReplaceNan(InferContext& c) {
  const ElementType type = c.input(0).type;
  if (type != ElementType::kFloat && type != ElementType::kDouble) {
    return InvalidArgument(Cat(c.Describe(0), " must be float32 or float64"));
  }
  c.Set(0, type, c.input(0).shape);
  return {};
}

Status LowerReplaceNan(LowerContext& c) {
  const TensorRef x = c.input(0);
  float value = 0;
  DOPPIO_RETURN_IF_ERROR(c.args.Float("value", &value));
  if (x.count() == 0) return {};
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef number, c.Constant(ElementType::kFloat, Dims(), &value));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef other, AsType(c, number, x.type));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef nan, c.Temporary(ElementType::kBool, x.dims));
  DOPPIO_RETURN_IF_ERROR(EmitUnary(c, {UnaryOp::kIsNan}, x, nan));
  return EmitWhere(c, nan, other, x, c.output(0));
}

Status InferLogit(InferContext& c) {
  DOPPIO_RETURN_IF_ERROR(WantFloat(c, 0));
  c.Set(0, ElementType::kFloat, c.input(0).shape);
  return {};
}

// ln(x / (1 - x)) of x held in [eps, 1 - eps].
Status LowerLogit(LowerContext& c) {
  const TensorRef x = c.input(0), y = c.output(0);
  float eps = 0;
  DOPPIO_RETURN_IF_ERROR(c.args.Float("eps", &eps));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef held, c.Temporary(x.type, x.dims));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef rest, c.Temporary(x.type, x.dims));
  DOPPIO_RETURN_IF_ERROR(EmitUnary(
      c, {UnaryOp::kClip, static_cast<double>(eps), static_cast<double>(1 - eps)}, x, held));
  DOPPIO_RETURN_IF_ERROR(EmitUnary(c, {UnaryOp::kScale, -1, 1}, held, rest));
  DOPPIO_RETURN_IF_ERROR(EmitBinary(c, {BinaryOp::kDiv}, held, rest, held));
  return EmitUnary(c, {UnaryOp::kLog}, held, y);
}

constexpr ArgSpec kNoArgs[] = {{"broadcast", ArgKind::kInt}};
constexpr ArgSpec kLinearArgs[] = {{"axis", ArgKind::kInt, 1}};
constexpr ArgSpec kAxisArgs[] = {{"axis", ArgKind::kInt, -1}, {"dim", ArgKind::kInt, -1}};
constexpr ArgSpec kTotalArgs[] = {{"p", ArgKind::kInt, 2}, {"average", ArgKind::kInt}};
constexpr ArgSpec kMomentArgs[] = {{"axes", ArgKind::kInts}, {"keepdims", ArgKind::kInt, 1}};
constexpr ArgSpec kOrderArgs[] = {{"order", ArgKind::kString, 0, "NCHW"}};
constexpr ArgSpec kReplaceNanArgs[] = {{"value", ArgKind::kFloat}};
constexpr ArgSpec kPaddingArgs[] = {{"pad_value", ArgKind::kFloat}, {"replicate", ArgKind::kInt}};
constexpr ArgSpec kLogitArgs[] = {{"eps", ArgKind::kFloat, 1e-6}};

constexpr Operator Row(std::string_view type, int inputs, int outputs,
                       Status (*infer)(InferContext&), Status (*lower)(LowerContext&),
                       std::span<const ArgSpec> args, const char* summary) {
  return {.domain = "",
          .type = type,
          .min_inputs = inputs,
          .max_inputs = inputs,
          .min_outputs = outputs,
          .max_outputs = outputs,
          .layout = LayoutTrait::kRowMajor,
          .flags = kPlain,
          .infer = infer,
          .lower = lower,
          .args = args,
          .summary = summary};
}

}  // namespace

const Operator kDotProduct = Row("DotProduct", 2, 1, InferRowPairs, LowerDotProduct, kNoArgs,
                                 "the inner product of each row with its like");
const Operator kCosineSimilarity = Row("CosineSimilarity", 2, 1, InferRowPairs,
                                       LowerCosineSimilarity, kNoArgs, "the cosine between rows");
const Operator kSquaredL2Distance = Row("SquaredL2Distance", 2, 1, InferRowPairs, LowerDistance,
                                        kNoArgs, "half the squared distance between rows");
const Operator kL1Distance = Row("L1Distance", 2, 1, InferRowPairs, LowerDistance, kNoArgs,
                                 "the sum of distances between rows");
const Operator kRowMul =
    Row("RowMul", 2, 1, InferRowScale, LowerRowMul, kNoArgs, "each row times a number");
const Operator kSquareRootDivide =
    Row("SquareRootDivide", 2, 1, InferRowScale, LowerSquareRootDivide, kNoArgs,
        "each row divided by the root of a number");
const Operator kElementwiseLinear =
    Row("ElementwiseLinear", 3, 1, InferElementwiseLinear, LowerElementwiseLinear, kLinearArgs,
        "x w + b, one w and b a column");
const Operator kWeightedSum = {.domain = "",
                               .type = "WeightedSum",
                               .min_inputs = 2,
                               .max_inputs = kVariadic,
                               .min_outputs = 1,
                               .max_outputs = 1,
                               .layout = LayoutTrait::kRowMajor,
                               .flags = kPlain,
                               .infer = InferWeightedSum,
                               .lower = LowerWeightedSum,
                               .args = kNoArgs,
                               .summary = "the sum of tensors times a number each"};
const Operator kLpNorm = Row("LpNorm", 1, 1, InferTotal, LowerTotal, kTotalArgs,
                             "the sum of magnitudes or squares of everything");
const Operator kSumSqrElements = Row("SumSqrElements", 1, 1, InferTotal, LowerTotal, kTotalArgs,
                                     "the sum of squares of everything");
const Operator kSumElementsInt =
    Row("SumElementsInt", 1, 1, InferTotal, LowerTotal, kTotalArgs, "the sum of all integers");
const Operator kReduceTailSum =
    Row("ReduceTailSum", 1, 1, InferTailSum, LowerTailSum, kNoArgs, "the sum of each row");
const Operator kRowwiseMax = Row("RowwiseMax", 1, 1, InferMatrixMax, LowerMatrixMax, kNoArgs,
                                 "the greatest value of each row of matrices");
const Operator kColwiseMax = Row("ColwiseMax", 1, 1, InferMatrixMax, LowerMatrixMax, kNoArgs,
                                 "the greatest value of each column of matrices");
const Operator kMoments =
    Row("Moments", 1, 2, InferMoments, LowerMoments, kMomentArgs, "means and biased variances");
const Operator kBatchMoments = Row("BatchMoments", 1, 2, InferChannelMoments, LowerChannelMoments,
                                   kOrderArgs, "the means of each channel and of its squares");
const Operator kChannelStats = Row("ChannelStats", 1, 2, InferChannelMoments, LowerChannelMoments,
                                   kOrderArgs, "the sums of each channel and of its squares");
const Operator kNormalizeL1 = Row("NormalizeL1", 1, 1, InferAlongAxis, LowerNormalizeL1, kAxisArgs,
                                  "x divided by the sum of magnitudes along an axis");
const Operator kGlu = Row("Glu", 1, 1, InferAlongAxis, LowerGlu, kAxisArgs,
                          "one half times the sigmoid of the other");
const Operator kLogit =
    Row("Logit", 1, 1, InferLogit, LowerLogit, kLogitArgs, "the inverse of the sigmoid");

const Operator kReplaceNan = Row("ReplaceNaN", 1, 1, InferReplaceNan, LowerReplaceNan,
                                 kReplaceNanArgs, "a number in the place of NaN");
const Operator kDotProductWithPadding =
    Row("DotProductWithPadding", 2, 1, InferDotProductWithPadding, LowerDotProductWithPadding,
        kPaddingArgs, "the inner product of rows, the narrower filled up");

}  // namespace doppio::operators
