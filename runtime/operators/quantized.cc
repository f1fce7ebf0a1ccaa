// Caffe2's operators on quantised tensors, uint8 with a scale and a zero point, in the integer
// arithmetic of QNNPACK. The numbers of a tensor are constants of the operator that makes it
// (graph::Value::quantization), so that they are known while planning. Feature maps are NHWC.
#include "kernels/problems/quantized.h"

#include <algorithm>
#include <cmath>

#include "base/message.h"
#include "runtime/operators/binary.h"
#include "runtime/operators/cast.h"
#include "runtime/operators/conv.h"
#include "runtime/operators/elementwise.h"
#include "runtime/operators/resize.h"
#include "runtime/operators/rows.h"
#include "runtime/operators/sampling.h"
#include "runtime/operators/spatial.h"

namespace doppio::operators {
namespace {

using base::Cat;
using graph::Quantization;
using kernels::LookupProblem;
using kernels::ProblemKind;
using kernels::RequantizeProblem;
using kernels::Rescale;
using kernels::UnaryOp;

// --- quantisation of a node's tensors
// --------------------------------------------------------------

const Quantization& QuantizationOf(const graph::Node& node, size_t i) {
  return node.inputs[i].value->quantization;
}

// What the node's arguments say of its output.
Status ReadOwn(const ArgReader& args, Quantization* own) {
  own->present = true;
  DOPPIO_RETURN_IF_ERROR(args.Float("Y_scale", &own->scale));
  int64_t zero_point = 0;
  DOPPIO_RETURN_IF_ERROR(args.IntIn("Y_zero_point", 0, 255, &zero_point));
  own->zero_point = static_cast<int32_t>(zero_point);
  if (own->scale > 0 && std::isfinite(own->scale)) return {};
  return InvalidArgument(Cat("argument 'Y_scale' is ", own->scale, "; it must be positive"));
}

Status WantQuantized(const InferContext& c, size_t i, ElementType type = ElementType::kUint8) {
  const Quantization& q = QuantizationOf(c.node(), i);
  if (!q.present || c.input(i).type != type) {
    return InvalidArgument(
        Cat(c.Describe(i), " must be a quantised tensor of ", type, ", made by an Int8 operator"));
  }
  if (!(q.scale > 0) || !std::isfinite(q.scale)) {
    return InvalidArgument(
        Cat("the scale of ", c.Describe(i), " is ", q.scale, "; it must be positive"));
  }
  if (type == ElementType::kUint8 && (q.zero_point < 0 || q.zero_point > 255)) {
    return InvalidArgument(Cat("the zero point of ", c.Describe(i), " is ", q.zero_point,
                               "; it must lie in [0, 255]"));
  }
  return {};
}

// Input 0 quantised, and the node's own numbers in order.
Status WantBoth(const InferContext& c) {
  Quantization own;
  DOPPIO_RETURN_IF_ERROR(WantQuantized(c, 0));
  return ReadOwn(c.args, &own);
}

// For operators that move integers and leave them as they are.
Status WantSame(const InferContext& c) {
  Quantization own;
  DOPPIO_RETURN_IF_ERROR(ReadOwn(c.args, &own));
  for (size_t i = 0; i < c.input_count(); ++i) {
    DOPPIO_RETURN_IF_ERROR(WantQuantized(c, i));
    const Quantization& q = QuantizationOf(c.node(), i);
    if (q == own) continue;
    return InvalidArgument(Cat("scale ", own.scale, " and zero point ", own.zero_point,
                               " must be those of ", c.Describe(i), ", ", q.scale, " and ",
                               q.zero_point));
  }
  return {};
}

Status WantChannelsLast(const InferContext& c) {
  bool channels_last = false;
  DOPPIO_RETURN_IF_ERROR(ReadOrder(c.args, &channels_last));
  if (channels_last) return {};
  return InvalidArgument("argument 'order' must be NHWC");
}

Status WantRatio(float ratio, float least, float most, const char* what) {
  if (ratio >= least && ratio < most) return {};
  return InvalidArgument(Cat(what, " is ", ratio, "; it must lie in [", least, ", ", most, ")"));
}

// Y is input 0 with other integers.
Status InferSameShape(InferContext& c) {
  c.Set(0, ElementType::kUint8, c.input(0).shape);
  return {};
}

Quantization Own(const LowerContext& c) {
  Quantization own;
  (void)ReadOwn(c.args, &own);  // checked by the shape rule
  return own;
}

// The least integer of an output: the zero point behind a ReLU.
uint8_t LeastOf(const LowerContext& c, const Quantization& own) {
  return c.node().type.ends_with("Relu") ? static_cast<uint8_t>(own.zero_point) : uint8_t{0};
}

// --- in and out
// ------------------------------------------------------------------------------------

Status InferQuantize(InferContext& c) {
  Quantization own;
  DOPPIO_RETURN_IF_ERROR(ReadOwn(c.args, &own));
  if (c.input(0).type != ElementType::kFloat) {
    return InvalidArgument(Cat(c.Describe(0), " must be float32"));
  }
  return InferSameShape(c);
}

// y = clamp(round(x / scale) + zero_point, 0, 255).
Status EmitQuantize(LowerContext& c, const TensorRef& x, const Quantization& q,
                    const TensorRef& y) {
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef scale, c.Constant(ElementType::kFloat, {}, &q.scale));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef t, c.Temporary(ElementType::kFloat, x.dims));
  DOPPIO_RETURN_IF_ERROR(EmitBinary(c, {kernels::BinaryOp::kDiv}, x, scale, t));
  DOPPIO_RETURN_IF_ERROR(EmitUnary(c, {UnaryOp::kRound}, t, t));
  const auto zero_point = static_cast<float>(q.zero_point);
  DOPPIO_RETURN_IF_ERROR(EmitUnary(c, {UnaryOp::kScale, 1, zero_point}, t, t));
  DOPPIO_RETURN_IF_ERROR(EmitUnary(c, {UnaryOp::kClip, 0, 255}, t, t));
  return EmitCast(c, {}, t, y);
}

Status LowerQuantize(LowerContext& c) { return EmitQuantize(c, c.input(0), Own(c), c.output(0)); }

Status InferDequantize(InferContext& c) {
  DOPPIO_RETURN_IF_ERROR(WantQuantized(c, 0));
  c.Set(0, ElementType::kFloat, c.input(0).shape);
  return {};
}

Status EmitDequantize(LowerContext& c, const TensorRef& x, const Quantization& q,
                      const TensorRef& y) {
  DOPPIO_RETURN_IF_ERROR(EmitCast(c, {}, x, y));
  const auto zero_point = static_cast<float>(q.zero_point);
  DOPPIO_RETURN_IF_ERROR(EmitUnary(c, {UnaryOp::kScale, 1, -zero_point}, y, y));
  return EmitUnary(c, {UnaryOp::kScale, q.scale, 0}, y, y);
}

Status LowerDequantize(LowerContext& c) {
  return EmitDequantize(c, c.input(0), QuantizationOf(c.node(), 0), c.output(0));
}

// --- products
// --------------------------------------------------------------------------------------

// The scale of the sums over the output's.
float ProductRatio(const graph::Node& node, const Quantization& own) {
  return QuantizationOf(node, 0).scale * QuantizationOf(node, 1).scale / own.scale;
}

Status WantProduct(const InferContext& c) {
  Quantization own;
  DOPPIO_RETURN_IF_ERROR(WantQuantized(c, 0));
  DOPPIO_RETURN_IF_ERROR(WantQuantized(c, 1));
  DOPPIO_RETURN_IF_ERROR(WantQuantized(c, 2, ElementType::kInt32));
  DOPPIO_RETURN_IF_ERROR(ReadOwn(c.args, &own));
  return WantRatio(ProductRatio(c.node(), own), 0x1p-32f, 1, "X_scale W_scale / Y_scale");
}

// The sums of a product, in memory for the duration of the node, and what makes 8 bits of them.
StatusOr<TensorRef> Sums(LowerContext& c) {
  return c.Temporary(ElementType::kInt32, c.output(0).dims);
}

Status EmitRequantize(LowerContext& c, Rescale rescale, float ratio, const TensorRef& sums) {
  const Quantization own = Own(c);
  RequantizeProblem p;
  p.rescale = rescale;
  p.scale = ratio;
  p.zero_point = own.zero_point;
  p.low = LeastOf(c, own);
  p.count = sums.count();
  return c.Emit(ProblemKind::kRequantize, p, {sums}, {c.output(0)});
}

ConvOperands ProductOperands(const LowerContext& c, const TensorRef& sums) {
  return {.x = c.input(0),
          .w = c.input(1),
          .bias = c.input(2),
          .y = sums,
          .x_zero_point = QuantizationOf(c.node(), 0).zero_point,
          .w_zero_point = QuantizationOf(c.node(), 1).zero_point};
}

Status InferQuantizedConv(InferContext& c) {
  DOPPIO_RETURN_IF_ERROR(WantProduct(c));
  DOPPIO_RETURN_IF_ERROR(WantChannelsLast(c));
  return kConv.infer(c);
}

Status LowerQuantizedConv(LowerContext& c) {
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef sums, Sums(c));
  DOPPIO_RETURN_IF_ERROR(EmitConvolution(c, ProductOperands(c, sums)));
  return EmitRequantize(c, Rescale::kTwoRoundings, ProductRatio(c.node(), Own(c)), sums);
}

Status InferQuantizedConvTranspose(InferContext& c) {
  DOPPIO_RETURN_IF_ERROR(WantProduct(c));
  DOPPIO_RETURN_IF_ERROR(WantChannelsLast(c));
  return kConvTranspose.infer(c);
}

Status LowerQuantizedConvTranspose(LowerContext& c) {
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef sums, Sums(c));
  DOPPIO_RETURN_IF_ERROR(EmitTransposedConvolution(c, ProductOperands(c, sums)));
  return EmitRequantize(c, Rescale::kTwoRoundings, ProductRatio(c.node(), Own(c)), sums);
}

// x [n, rest...] is flattened behind its first dimension; w is [m, k].
Status InferQuantizedFc(InferContext& c) {
  DOPPIO_RETURN_IF_ERROR(WantProduct(c));
  const Shape &x = c.input(0).shape, &w = c.input(1).shape, &bias = c.input(2).shape;
  if (x.rank < 1 || w.rank != 2) {
    return InvalidArgument(Cat("weight ", c.Describe(1), " must have 2 dimensions"));
  }
  Dim k(1);
  for (int i = 1; i < x.rank; ++i) k = c.symbols().Mul(k, x[i]);
  if (k.known() && w[1].known() && k != w[1]) {
    return InvalidArgument(Cat(c.Describe(0), " has ", k.value(), " values a row, weight ",
                               c.Describe(1), " wants ", w[1].value()));
  }
  if (bias.rank != 1 || (bias[0].known() && w[0].known() && bias[0] != w[0])) {
    return InvalidArgument(
        Cat("bias ", c.Describe(2), " must have one dimension of ", c.symbols().Text(w[0])));
  }
  Shape y;
  y.push_back(x[0]);
  y.push_back(w[0]);
  c.Set(0, ElementType::kUint8, y);
  return {};
}

// A convolution over one pixel.
Status LowerQuantizedFc(LowerContext& c) {
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef sums, Sums(c));
  const ConvOperands o = ProductOperands(c, sums);
  kernels::ConvProblem p;
  p.type = ElementType::kUint8;
  p.x_zero_point = o.x_zero_point;
  p.w_zero_point = o.w_zero_point;
  p.n = sums.dims[0];
  p.c = o.w.dims[1];
  p.m = sums.dims[1];
  p.x = {.n = p.c, .c = 1};
  p.w = {.n = p.c, .c = 1};
  p.y = {.n = p.m, .c = 1};
  p.epilogue.bias = true;
  DOPPIO_RETURN_IF_ERROR(c.Emit(ProblemKind::kConv, p, {o.x, o.w, o.bias, {}}, {sums}));
  return EmitRequantize(c, Rescale::kTwoRoundings, ProductRatio(c.node(), Own(c)), sums);
}

// --- sums
// ------------------------------------------------------------------------------------------

Status InferQuantizedAdd(InferContext& c) {
  Quantization own;
  DOPPIO_RETURN_IF_ERROR(ReadOwn(c.args, &own));
  for (const size_t i : {0, 1}) {
    DOPPIO_RETURN_IF_ERROR(WantQuantized(c, i));
    DOPPIO_RETURN_IF_ERROR(WantRatio(QuantizationOf(c.node(), i).scale / own.scale, 0x1p-14f,
                                     0x1p8f, "the scale of an input over Y_scale"));
  }
  const Shape &a = c.input(0).shape, &b = c.input(1).shape;
  bool equal = a.rank == b.rank;
  for (int i = 0; equal && i < a.rank; ++i) {
    equal = !a[i].known() || !b[i].known() || a[i] == b[i];
  }
  if (!equal) {
    return InvalidArgument(Cat(c.Describe(0), " and ", c.Describe(1), " must have equal sizes"));
  }
  return InferSameShape(c);
}

Status LowerQuantizedAdd(LowerContext& c) {
  const Quantization own = Own(c);
  const Quantization &a = QuantizationOf(c.node(), 0), &b = QuantizationOf(c.node(), 1);
  kernels::QuantizedAddProblem p;
  p.a_scale = a.scale / own.scale;
  p.b_scale = b.scale / own.scale;
  p.a_zero_point = a.zero_point;
  p.b_zero_point = b.zero_point;
  p.y_zero_point = own.zero_point;
  p.low = LeastOf(c, own);
  p.count = c.output(0).count();
  if (c.input(1).count() != p.count) return InvalidArgument("its inputs differ in size");
  return c.Emit(ProblemKind::kQuantizedAdd, p, {c.input(0), c.input(1)}, {c.output(0)});
}

// --- functions of one integer
// ----------------------------------------------------------------------

Status EmitLookup(LowerContext& c, LookupProblem p, const TensorRef& x) {
  p.count = x.count();
  return c.Emit(ProblemKind::kLookup, p, {x}, {c.output(0)});
}

LookupProblem AtLeast(int32_t least) {
  LookupProblem p;
  for (int i = 0; i < 256; ++i) p.table[i] = static_cast<uint8_t>(std::max(i, least));
  return p;
}

// The integers of function(x) for every x that has one.
template <class Function>
LookupProblem TableOf(const Quantization& x, const Quantization& y, Function function) {
  LookupProblem p;
  for (int i = 0; i < 256; ++i) {
    const float scaled = function(static_cast<float>(i - x.zero_point));
    const auto held = static_cast<float>(255 - y.zero_point);
    const float inside = std::clamp(scaled, static_cast<float>(-y.zero_point), held);
    p.table[i] = static_cast<uint8_t>(std::lrint(inside) + y.zero_point);
  }
  return p;
}

Status InferQuantizedRelu(InferContext& c) {
  DOPPIO_RETURN_IF_ERROR(WantSame(c));
  return InferSameShape(c);
}

Status LowerQuantizedRelu(LowerContext& c) {
  return EmitLookup(c, AtLeast(Own(c).zero_point), c.input(0));
}

Status InferQuantizedLeakyRelu(InferContext& c) {
  DOPPIO_RETURN_IF_ERROR(WantBoth(c));
  float alpha = 0;
  DOPPIO_RETURN_IF_ERROR(c.args.Float("alpha", &alpha));
  if (!(alpha > 0 && alpha <= 1)) {
    return InvalidArgument(Cat("argument 'alpha' is ", alpha, "; it must lie in (0, 1]"));
  }
  return InferSameShape(c);
}

Status LowerQuantizedLeakyRelu(LowerContext& c) {
  float alpha = 0;
  DOPPIO_RETURN_IF_ERROR(c.args.Float("alpha", &alpha));
  const Quantization &x = QuantizationOf(c.node(), 0), y = Own(c);
  const float ratio = x.scale / y.scale;
  const auto function = [&](float value) {
    const float scaled = ratio * value;
    return scaled < 0 ? scaled * alpha : scaled;
  };
  return EmitLookup(c, TableOf(x, y, function), c.input(0));
}

// Probabilities fill the 256 integers from 0 on.
Status WantProbabilities(const InferContext& c) {
  DOPPIO_RETURN_IF_ERROR(WantBoth(c));
  Quantization own;
  DOPPIO_RETURN_IF_ERROR(ReadOwn(c.args, &own));
  if (own.scale == 1.0f / 256 && own.zero_point == 0) return {};
  return InvalidArgument(Cat("its output has scale ", own.scale, " and zero point ", own.zero_point,
                             "; they must be 1/256 and 0"));
}

Status InferQuantizedSigmoid(InferContext& c) {
  DOPPIO_RETURN_IF_ERROR(WantProbabilities(c));
  return InferSameShape(c);
}

Status LowerQuantizedSigmoid(LowerContext& c) {
  const Quantization& x = QuantizationOf(c.node(), 0);
  const auto function = [&](float value) { return 256.0f / (1.0f + std::exp(-x.scale * value)); };
  return EmitLookup(c, TableOf(x, Own(c), function), c.input(0));
}

// Rows are those of dimension 0; the argument `axis` means nothing.
Status LowerQuantizedSoftmax(LowerContext& c) {
  const TensorRef x = c.input(0);
  if (x.count() == 0) return {};
  kernels::QuantizedSoftmaxProblem p;
  p.scale = QuantizationOf(c.node(), 0).scale;
  p.rows = x.dims.rank() > 0 ? x.dims[0] : 1;
  p.columns = x.count() / p.rows;
  return c.Emit(ProblemKind::kQuantizedSoftmax, p, {x}, {c.output(0)});
}

// --- pools
// -----------------------------------------------------------------------------------------

Status InferQuantizedMaxPool(InferContext& c) {
  DOPPIO_RETURN_IF_ERROR(WantSame(c));
  DOPPIO_RETURN_IF_ERROR(WantChannelsLast(c));
  return kMaxPool.infer(c);
}

Status LowerQuantizedMaxPool(LowerContext& c) {
  DOPPIO_RETURN_IF_ERROR(kMaxPool.lower(c));
  if (LeastOf(c, Own(c)) == 0) return {};
  return EmitLookup(c, AtLeast(Own(c).zero_point), c.output(0));
}

Status InferQuantizedAveragePool(InferContext& c) {
  DOPPIO_RETURN_IF_ERROR(WantBoth(c));
  DOPPIO_RETURN_IF_ERROR(WantChannelsLast(c));
  Quantization own;
  DOPPIO_RETURN_IF_ERROR(ReadOwn(c.args, &own));
  DOPPIO_RETURN_IF_ERROR(WantRatio(QuantizationOf(c.node(), 0).scale / own.scale, 0x1p-8f, 0x1p8f,
                                   "X_scale / Y_scale"));
  return kAveragePool.infer(c);
}

// The sum of a window is a convolution of each channel with ones; padding counts as zeros.
Status LowerQuantizedAveragePool(LowerContext& c) {
  const TensorRef x = c.input(0);
  const int spatial_rank = x.dims.rank() - 2;
  SpatialArgs s;
  DOPPIO_RETURN_IF_ERROR(ReadCaffe2Spatial(c.args, spatial_rank, &s));
  SymbolTable no_symbols;
  int64_t taps = 1;
  for (int i = 0; i < spatial_rank; ++i) {
    Dim out;
    DOPPIO_RETURN_IF_ERROR(OutputSize(&s, i, Dim(x.dims[1 + i]), &no_symbols, &out));
    taps *= s.kernel[i];
  }
  constexpr uint8_t kOne = 1;
  const int64_t channels = x.dims[spatial_rank + 1];
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef one, c.Constant(ElementType::kUint8, {}, &kOne));
  Dims dims({channels}), strides({0});
  for (int i = 0; i < spatial_rank; ++i) dims.push_back(s.kernel[i]), strides.push_back(0);
  dims.push_back(1), strides.push_back(0);
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef sums, Sums(c));
  const Quantization &in = QuantizationOf(c.node(), 0), own = Own(c);
  DOPPIO_RETURN_IF_ERROR(EmitConvolution(c, {.x = x,
                                             .w = WithDims(one, dims, strides),
                                             .y = sums,
                                             .x_zero_point = in.zero_point,
                                             .groups = channels}));
  const float ratio = in.scale / (own.scale * static_cast<float>(taps));
  return EmitRequantize(c, Rescale::kOneRounding, ratio, sums);
}

// --- integers that stay as they are
// ----------------------------------------------------------------

// The plain operator's rule, for tensors of one scale.
template <const Operator& plain, bool kMaps = false>
Status InferMoved(InferContext& c) {
  DOPPIO_RETURN_IF_ERROR(WantSame(c));
  if (kMaps) DOPPIO_RETURN_IF_ERROR(WantChannelsLast(c));
  return plain.infer(c);
}

template <const Operator& plain>
Status LowerMoved(LowerContext& c) {
  return plain.lower(c);
}

// Always channels-last; the argument `order` is not read.
Status InferQuantizedResize(InferContext& c) {
  DOPPIO_RETURN_IF_ERROR(WantSame(c));
  const Shape& x = c.input(0).shape;
  if (x.rank != 4) return InvalidArgument(Cat(c.Describe(0), " must have 4 dimensions"));
  double height = 1, width = 1;
  DOPPIO_RETURN_IF_ERROR(c.args.Double("height_scale", &height));
  DOPPIO_RETURN_IF_ERROR(c.args.Double("width_scale", &width));
  Shape y = x;
  DOPPIO_RETURN_IF_ERROR(ScaledSize(c, 1, height, &y[1]));
  DOPPIO_RETURN_IF_ERROR(ScaledSize(c, 2, width, &y[2]));
  c.Set(0, ElementType::kUint8, y);
  return {};
}

Status LowerQuantizedResize(LowerContext& c) {
  double height = 1, width = 1;
  DOPPIO_RETURN_IF_ERROR(c.args.Double("height_scale", &height));
  DOPPIO_RETURN_IF_ERROR(c.args.Double("width_scale", &width));
  return EmitNearest(c, AsChannelsFirst(c.input(0), true), AsChannelsFirst(c.output(0), true),
                     height, width);
}

// --- regions
// ---------------------------------------------------------------------------------------

Status InferQuantizedRoiAlign(InferContext& c) {
  DOPPIO_RETURN_IF_ERROR(WantBoth(c));
  DOPPIO_RETURN_IF_ERROR(WantChannelsLast(c));
  const ValueFacts& rois = c.input(1);
  const Shape& x = c.input(0).shape;
  if (rois.type != ElementType::kFloat || rois.shape.rank != 2 || x.rank != 4) {
    return InvalidArgument(
        Cat(c.Describe(0), " must have 4 dimensions, ", c.Describe(1), " be float32 of 2"));
  }
  if (rois.shape[1].known() && !rois.shape[1].Is(5) && !(rois.shape[1].Is(4) && x[0].Is(1))) {
    return InvalidArgument(Cat(c.Describe(1), " must hold 5 numbers a region, or 4 of one image"));
  }
  int64_t height = 0, width = 0;
  DOPPIO_RETURN_IF_ERROR(c.args.IntIn("pooled_h", 1, 1 << 16, &height));
  DOPPIO_RETURN_IF_ERROR(c.args.IntIn("pooled_w", 1, 1 << 16, &width));
  Shape y;
  for (const Dim dim : {rois.shape[0], Dim(height), Dim(width), x[3]}) y.push_back(dim);
  c.Set(0, ElementType::kUint8, y);
  return {};
}

Status LowerQuantizedRoiAlign(LowerContext& c) {
  const TensorRef y = c.output(0);
  const Quantization& q = QuantizationOf(c.node(), 0);
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef pooled, c.Temporary(ElementType::kFloat, y.dims));
  DOPPIO_RETURN_IF_ERROR(EmitRoiAlign(c, c.input(0), q.zero_point, c.input(1), pooled));
  DOPPIO_RETURN_IF_ERROR(EmitUnary(c, {UnaryOp::kScale, q.scale, 0}, pooled, pooled));
  return EmitQuantize(c, pooled, Own(c), y);
}

// --- rows
// ------------------------------------------------------------------------------------------

constexpr ArgSpec kOwnArgs[] = {{"Y_scale", ArgKind::kFloat, 1}, {"Y_zero_point", ArgKind::kInt}};
constexpr ArgSpec kAlphaArg[] = {{"alpha", ArgKind::kFloat, 0.01}};
constexpr ArgSpec kAxisArg[] = {{"axis", ArgKind::kInt, 1}};
constexpr ArgSpec kAxesArg[] = {{"axes", ArgKind::kInts}};
constexpr ArgSpec kShapeArg[] = {{"shape", ArgKind::kInts}};
constexpr ArgSpec kSliceArgs[] = {{"starts", ArgKind::kInts}, {"ends", ArgKind::kInts}};
constexpr ArgSpec kConcatArgs[] = {{"axis", ArgKind::kInt, 0},
                                   {"order", ArgKind::kString, 0, "NCHW"}};
constexpr ArgSpec kGroupArgs[] = {{"group", ArgKind::kInt, 1},
                                  {"order", ArgKind::kString, 0, "NCHW"}};
constexpr ArgSpec kResizeArgs[] = {{"width_scale", ArgKind::kFloat, 1},
                                   {"height_scale", ArgKind::kFloat, 1},
                                   {"order", ArgKind::kString, 0, "NCHW"}};
constexpr ArgSpec kRoiArgs[] = {{"pooled_h", ArgKind::kInt, 1},
                                {"pooled_w", ArgKind::kInt, 1},
                                {"sampling_ratio", ArgKind::kInt, -1},
                                {"spatial_scale", ArgKind::kFloat, 1},
                                {"order", ArgKind::kString, 0, "NCHW"}};
constexpr auto kConvArgs = JoinArgs(kCaffe2SpatialArgs, kConvOnlyArgs, kOwnArgs);
constexpr auto kConvTransposeArgs = JoinArgs(kCaffe2SpatialArgs, kConvTransposeOnlyArgs, kOwnArgs);
constexpr auto kPoolArgs = JoinArgs(kCaffe2SpatialArgs, kCaffe2PoolOnlyArgs, kOwnArgs);
constexpr auto kLeakyReluArgs = JoinArgs(kAlphaArg, kOwnArgs);
constexpr auto kFlattenArgs = JoinArgs(kAxisArg, kOwnArgs);
constexpr auto kReshapeArgs = JoinArgs(kShapeArg, kOwnArgs);
constexpr auto kTransposeArgs = JoinArgs(kAxesArg, kOwnArgs);
constexpr auto kQuantizedSliceArgs = JoinArgs(kSliceArgs, kOwnArgs);
constexpr auto kQuantizedConcatArgs = JoinArgs(kConcatArgs, kOwnArgs);
constexpr auto kShuffleArgs = JoinArgs(kGroupArgs, kOwnArgs);
constexpr auto kQuantizedResizeArgs = JoinArgs(kResizeArgs, kOwnArgs);
constexpr auto kQuantizedRoiArgs = JoinArgs(kRoiArgs, kOwnArgs);

constexpr Operator Row(std::string_view type, int inputs, Status (*infer)(InferContext&),
                       Status (*lower)(LowerContext&), std::span<const ArgSpec> args,
                       const char* summary) {
  return {.domain = "",
          .type = type,
          .min_inputs = inputs,
          .max_inputs = inputs,
          .min_outputs = 1,
          .max_outputs = 1,
          .layout = LayoutTrait::kRowMajor,
          .flags = kPlain,
          .infer = infer,
          .lower = lower,
          .args = args,
          .summary = summary};
}

constexpr Operator ConvRow(std::string_view type) {
  return Row(type, 3, InferQuantizedConv, LowerQuantizedConv, kConvArgs,
             "convolution of quantised maps");
}
constexpr Operator AddRow(std::string_view type) {
  return Row(type, 2, InferQuantizedAdd, LowerQuantizedAdd, kOwnArgs,
             "the sum of two quantised tensors");
}
constexpr Operator MaxPoolRow(std::string_view type) {
  return Row(type, 1, InferQuantizedMaxPool, LowerQuantizedMaxPool, kPoolArgs,
             "the greatest of each window of quantised maps");
}
constexpr Operator AveragePoolRow(std::string_view type) {
  return Row(type, 1, InferQuantizedAveragePool, LowerQuantizedAveragePool, kPoolArgs,
             "the mean of each window of quantised maps");
}

}  // namespace

const Operator kInt8Quantize =
    Row("Int8Quantize", 1, InferQuantize, LowerQuantize, kOwnArgs, "floats as integers of 8 bits");
const Operator kInt8Dequantize =
    Row("Int8Dequantize", 1, InferDequantize, LowerDequantize, {}, "quantised tensors as floats");
const Operator kInt8Conv = ConvRow("Int8Conv");
const Operator kInt8ConvRelu = ConvRow("Int8ConvRelu");
const Operator kInt8ConvTranspose =
    Row("Int8ConvTranspose", 3, InferQuantizedConvTranspose, LowerQuantizedConvTranspose,
        kConvTransposeArgs, "transposed convolution of quantised maps");
const Operator kInt8Fc = Row("Int8FC", 3, InferQuantizedFc, LowerQuantizedFc, kOwnArgs,
                             "a fully connected layer of quantised values");
const Operator kInt8Add = AddRow("Int8Add");
const Operator kInt8AddRelu = AddRow("Int8AddRelu");
const Operator kInt8Sum = AddRow("Int8Sum");
const Operator kInt8SumRelu = AddRow("Int8SumRelu");
const Operator kInt8MaxPool = MaxPoolRow("Int8MaxPool");
const Operator kInt8MaxPoolRelu = MaxPoolRow("Int8MaxPoolRelu");
const Operator kInt8AveragePool = AveragePoolRow("Int8AveragePool");
const Operator kInt8AveragePoolRelu = AveragePoolRow("Int8AveragePoolRelu");
const Operator kInt8Relu = Row("Int8Relu", 1, InferQuantizedRelu, LowerQuantizedRelu, kOwnArgs,
                               "max(x, 0) of quantised values");
const Operator kInt8LeakyRelu =
    Row("Int8LeakyRelu", 1, InferQuantizedLeakyRelu, LowerQuantizedLeakyRelu, kLeakyReluArgs,
        "x, or alpha x below 0, of quantised values");
const Operator kInt8Sigmoid =
    Row("Int8Sigmoid", 1, InferQuantizedSigmoid, LowerQuantizedSigmoid, kOwnArgs,
        "1 / (1 + exp(-x)) of quantised values, in units of 1/256");
const Operator kInt8Softmax = Row("Int8Softmax", 1, InferQuantizedSigmoid, LowerQuantizedSoftmax,
                                  kFlattenArgs, "softmax of quantised rows, in units of 1/256");
const Operator kInt8Concat = [] {
  Operator row = Row("Int8Concat", 1, InferMoved<kConcat>, LowerMoved<kConcat>,
                     kQuantizedConcatArgs, "quantised tensors one behind the other along an axis");
  row.max_inputs = kVariadic;
  row.max_outputs = 2;
  return row;
}();
const Operator kInt8Flatten = Row("Int8Flatten", 1, InferMoved<kFlatten>, LowerMoved<kFlatten>,
                                  kFlattenArgs, "a quantised tensor as a matrix");
const Operator kInt8Reshape = [] {
  Operator row = Row("Int8Reshape", 1, InferMoved<kReshape>, LowerMoved<kReshape>, kReshapeArgs,
                     "a quantised tensor with other sizes");
  row.max_outputs = 2;
  return row;
}();
const Operator kInt8Slice = Row("Int8Slice", 1, InferMoved<kSlice>, LowerMoved<kSlice>,
                                kQuantizedSliceArgs, "a part of each axis of a quantised tensor");
const Operator kInt8ChannelShuffle =
    Row("Int8ChannelShuffle", 1, InferMoved<kChannelShuffle, true>, LowerMoved<kChannelShuffle>,
        kShuffleArgs, "channels of groups, interleaved, of quantised maps");
const Operator kInt8Transpose =
    Row("Int8Transpose", 1, InferMoved<kTranspose>, LowerMoved<kTranspose>, kTransposeArgs,
        "a quantised tensor with its dimensions in another order");
const Operator kInt8ResizeNearest =
    Row("Int8ResizeNearest", 1, InferQuantizedResize, LowerQuantizedResize, kQuantizedResizeArgs,
        "resamples quantised maps, nearest");
const Operator kInt8RoiAlign =
    Row("Int8RoIAlign", 2, InferQuantizedRoiAlign, LowerQuantizedRoiAlign, kQuantizedRoiArgs,
        "pools regions of quantised maps at points between pixels");

}  // namespace doppio::operators
