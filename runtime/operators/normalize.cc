// Normalisation by mean and variance of a part of the tensor itself: layer, instance, group, RMS.
#include "kernels/problems/normalize.h"

#include <cmath>

#include "base/message.h"
#include "kernels/problems/elementwise.h"
#include "runtime/operators/binary.h"
#include "runtime/operators/cast.h"
#include "runtime/operators/element_class.h"
#include "runtime/operators/elementwise.h"
#include "runtime/operators/reduce.h"
#include "runtime/operators/rows.h"
#include "runtime/operators/spatial.h"

namespace doppio::operators {
namespace {

using base::Cat;
using kernels::BinaryOp;
using kernels::LayerNormProblem;
using kernels::ProblemKind;
using kernels::ReduceOp;
using kernels::UnaryOp;

Status CheckFloat(const InferContext& c) {
  if (IsFloatType(c.input(0).type)) return {};
  return InvalidArgument(
      Cat(c.Describe(0), " is of a type that ", c.node().type, " does not take"));
}

// --- layer and RMS normalisation
// -------------------------------------------------------------------------

Status ReadAxis(const ArgReader& args, int rank, int* axis) {
  int64_t value = 0;
  DOPPIO_RETURN_IF_ERROR(args.Int("axis", &value));
  if (value < -rank || value >= rank) {
    return InvalidArgument(Cat("axis ", value, " does not exist in ", rank, " dimensions"));
  }
  *axis = static_cast<int>(value < 0 ? value + rank : value);
  return {};
}

Status InferLayerNorm(InferContext& c) {
  const Shape& x = c.input(0).shape;
  int axis = 0;
  DOPPIO_RETURN_IF_ERROR(CheckFloat(c));
  DOPPIO_RETURN_IF_ERROR(ReadAxis(c.args, x.rank, &axis));
  Shape inner, moments;
  for (int i = axis; i < x.rank; ++i) inner.push_back(x[i]);
  for (size_t i = 1; i < c.input_count(); ++i) {
    if (!c.HasInput(i)) continue;
    Shape shape;
    if (!IsFloatType(c.input(i).type))
      return InvalidArgument(Cat(c.Describe(i), " must hold floats"));
    DOPPIO_RETURN_IF_ERROR(BroadcastShapes(inner, c.input(i).shape, &c.symbols(), &shape));
    if (shape.rank != inner.rank) {
      return InvalidArgument(
          Cat(c.Describe(i), " does not fit the normalised axes of ", c.Describe(0)));
    }
  }
  const bool caffe2 = c.node().domain.empty();
  for (int i = 0; i < x.rank && (!caffe2 || i <= axis); ++i)
    moments.push_back(i < axis ? x[i] : Dim(1));
  c.Set(0, c.input(0).type, x);
  c.Set(1, ElementType::kFloat, moments);
  c.Set(2, ElementType::kFloat, moments);
  return {};
}

// Input i as one value for each of the normalised elements; absent when it is left out.
StatusOr<TensorRef> PerElement(LowerContext& c, size_t i, const Dims& inner, ElementType type) {
  if (!c.HasInput(i)) return TensorRef();
  DOPPIO_ASSIGN_OR_RETURN(TensorRef values, AsType(c, c.input(i), type));
  values = WithDims(values, inner, BroadcastStrides(values, inner));
  return c.RowMajor(values);
}

Status LowerLayerNorm(LowerContext& c) {
  const TensorRef x = c.input(0);
  int axis = 0;
  DOPPIO_RETURN_IF_ERROR(ReadAxis(c.args, x.dims.rank(), &axis));
  LayerNormProblem p;
  Dims inner;
  for (int i = 0; i < x.dims.rank(); ++i) {
    if (i < axis) {
      p.n *= x.dims[i];
    } else {
      p.inner *= x.dims[i];
      inner.push_back(x.dims[i]);
    }
  }
  p.type = x.type;
  p.per_element = true;
  p.rms = c.node().type == "RMSNormalization";
  p.std_output = c.node().domain.empty();
  p.x_n = p.y_n = p.x_c = p.y_c = p.inner;
  DOPPIO_RETURN_IF_ERROR(c.args.Double("epsilon", &p.epsilon));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef scale, PerElement(c, 1, inner, x.type));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef shift, PerElement(c, 2, inner, x.type));
  TensorRef y = c.output(0);
  if (!y.present()) {
    DOPPIO_ASSIGN_OR_RETURN(y, c.Temporary(x.type, x.dims));
  }
  const TensorRef mean = c.output_count() > 1 ? c.output(1) : TensorRef();
  const TensorRef deviation = c.output_count() > 2 ? c.output(2) : TensorRef();
  return c.Emit(ProblemKind::kLayerNorm, p, {x, scale, shift}, {y, mean, deviation});
}

// --- instance and group normalisation
// ----------------------------------------------------------------------

struct GroupArgs {
  bool channels_last = false;
  int64_t groups = 0;  // 0: as many as channels
};

Status ReadGroupArgs(const graph::Node& node, const ArgReader& args, GroupArgs* group) {
  if (node.domain.empty()) DOPPIO_RETURN_IF_ERROR(ReadOrder(args, &group->channels_last));
  if (node.type == "GroupNorm") return args.IntIn("group", 1, INT32_MAX, &group->groups);
  if (node.type == "GroupNormalization")
    return args.IntIn("num_groups", 1, INT32_MAX, &group->groups);
  return {};
}

Status InferGroupNorm(InferContext& c) {
  GroupArgs group;
  DOPPIO_RETURN_IF_ERROR(ReadGroupArgs(c.node(), c.args, &group));
  DOPPIO_RETURN_IF_ERROR(CheckFloat(c));
  const Shape& x = c.input(0).shape;
  if (x.rank < 2) return InvalidArgument(Cat(c.Describe(0), " has no channels"));
  const Dim channels = x[group.channels_last ? x.rank - 1 : 1];
  if (group.groups > 0 && channels.known() && channels.value() % group.groups != 0) {
    return InvalidArgument(Cat(channels.value(), " channels of ", c.Describe(0),
                               " do not divide into ", group.groups, " groups"));
  }
  for (size_t i = 1; i < 3; ++i) {
    const Dim values = CountOf(c.input(i).shape, &c.symbols());
    if (values.known() && channels.known() && !(values == channels)) {
      return InvalidArgument(Cat(c.Describe(i), " must hold one value for each of the ",
                                 channels.value(), " channels of ", c.Describe(0)));
    }
  }
  Shape moments;
  moments.push_back(x[0]);
  moments.push_back(group.groups > 0 ? Dim(group.groups) : channels);
  c.Set(0, c.input(0).type, x);
  c.Set(1, ElementType::kFloat, moments);
  c.Set(2, ElementType::kFloat, moments);
  return {};
}

// The spatial dimensions of a map as one; false when no one stride walks them.
bool MergeSpatial(const TensorRef& x, int64_t* size, int64_t* stride) {
  int64_t dims[kMaxRank], strides[kMaxRank];
  int rank = 0;
  *size = 1;
  for (int i = 2; i < x.dims.rank(); ++i) {
    dims[rank] = x.dims[i];
    strides[rank++] = x.strides[i];
    *size *= x.dims[i];
  }
  int64_t* const operands[] = {strides};
  kernels::Collapse(&rank, dims, 1, operands);
  *stride = rank == 0 ? 1 : strides[0];
  return rank <= 1;
}

Status LowerGroupNorm(LowerContext& c) {
  GroupArgs group;
  DOPPIO_RETURN_IF_ERROR(ReadGroupArgs(c.node(), c.args, &group));
  TensorRef x = AsChannelsFirst(c.input(0), group.channels_last);
  TensorRef y =
      c.output(0).present() ? AsChannelsFirst(c.output(0), group.channels_last) : TensorRef();
  if (!y.present()) {
    DOPPIO_ASSIGN_OR_RETURN(y, c.Temporary(x.type, x.dims));
  }
  LayerNormProblem p;
  if (!MergeSpatial(x, &p.inner, &p.x_inner)) {
    DOPPIO_ASSIGN_OR_RETURN(x, c.RowMajor(x));
    MergeSpatial(x, &p.inner, &p.x_inner);
  }
  const TensorRef wanted = y;
  const bool apart = !MergeSpatial(y, &p.inner, &p.y_inner);
  if (apart) {
    DOPPIO_ASSIGN_OR_RETURN(y, c.Temporary(y.type, y.dims));
    MergeSpatial(y, &p.inner, &p.y_inner);
  }
  p.type = x.type;
  p.n = x.dims[0];
  p.c = x.dims[1];
  p.groups = group.groups > 0 ? group.groups : p.c;
  p.x_n = x.strides[0];
  p.x_c = x.strides[1];
  p.y_n = y.strides[0];
  p.y_c = y.strides[1];
  DOPPIO_RETURN_IF_ERROR(c.args.Double("epsilon", &p.epsilon));
  DOPPIO_ASSIGN_OR_RETURN(TensorRef scale, c.RowMajor(c.input(1)));
  DOPPIO_ASSIGN_OR_RETURN(TensorRef shift, c.RowMajor(c.input(2)));
  DOPPIO_ASSIGN_OR_RETURN(scale, AsType(c, scale, x.type));
  DOPPIO_ASSIGN_OR_RETURN(shift, AsType(c, shift, x.type));
  const TensorRef mean = c.output_count() > 1 ? c.output(1) : TensorRef();
  const TensorRef deviation = c.output_count() > 2 ? c.output(2) : TensorRef();
  DOPPIO_RETURN_IF_ERROR(
      c.Emit(ProblemKind::kLayerNorm, p, {x, scale, shift}, {y, mean, deviation}));
  return apart ? c.Copy(y, wanted) : Status();
}

// --- by a norm, or by mean and variance over any axes
// ----------------------------------------------------

Status InferSameShape(InferContext& c) {
  DOPPIO_RETURN_IF_ERROR(CheckFloat(c));
  c.Set(0, c.input(0).type, c.input(0).shape);
  return {};
}

Status InferNormalize(InferContext& c) {
  int axis = 0;
  int64_t order = 2;
  DOPPIO_RETURN_IF_ERROR(ReadAxis(c.args, c.input(0).shape.rank, &axis));
  if (!c.node().domain.empty()) DOPPIO_RETURN_IF_ERROR(c.args.IntIn("p", 1, 2, &order));
  return InferSameShape(c);
}

// A tensor of x's sizes with the reduced axes 1.
StatusOr<TensorRef> Reduced(LowerContext& c, ReduceOp op, const Reduction& r, const TensorRef& x) {
  Dims dims = x.dims;
  for (int i = 0; i < dims.rank(); ++i) {
    if (r.reduced[i]) dims[i] = 1;
  }
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef y, c.Temporary(x.type, dims));
  DOPPIO_RETURN_IF_ERROR(EmitReduce(c, op, r, x, y));
  return y;
}

// x divided by its norm; a norm of zero counts as 1e-12, as the original has it.
Status LowerNormalize(LowerContext& c) {
  const TensorRef x = c.input(0);
  int axis = 0;
  int64_t order = 2;
  DOPPIO_RETURN_IF_ERROR(ReadAxis(c.args, x.dims.rank(), &axis));
  if (!c.node().domain.empty()) DOPPIO_RETURN_IF_ERROR(c.args.Int("p", &order));
  Reduction r;
  r.reduced[axis] = true;
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef norm,
                          Reduced(c, order == 1 ? ReduceOp::kL1 : ReduceOp::kL2, r, x));
  const double least = x.type == ElementType::kFloat16 ? 6e-8 : 1e-12;  // the least half above zero
  DOPPIO_RETURN_IF_ERROR(EmitUnary(c, {UnaryOp::kClip, least, HUGE_VAL}, norm, norm));
  return EmitBinary(c, {BinaryOp::kDiv}, x, norm, c.output(0));
}

Status MeanVarianceAxes(const ArgReader& args, int rank, Reduction* r) {
  constexpr int64_t kDefault[] = {0, 2, 3};
  std::span<const int64_t> axes = args.Ints("axes");
  if (axes.empty() && !args.Has("axes")) axes = kDefault;
  for (int64_t axis : axes) {
    const int64_t at = axis < 0 ? axis + rank : axis;
    if (at < 0 || at >= rank) {
      return InvalidArgument(Cat("axis ", axis, " does not exist in ", rank, " dimensions"));
    }
    r->reduced[at] = true;
  }
  return {};
}

Status InferMeanVariance(InferContext& c) {
  Reduction r;
  DOPPIO_RETURN_IF_ERROR(MeanVarianceAxes(c.args, c.input(0).shape.rank, &r));
  return InferSameShape(c);
}

// (x - mean) / (sqrt(variance) + 1e-9)
Status LowerMeanVariance(LowerContext& c) {
  const TensorRef x = c.input(0), y = c.output(0);
  Reduction r;
  DOPPIO_RETURN_IF_ERROR(MeanVarianceAxes(c.args, x.dims.rank(), &r));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef mean, Reduced(c, ReduceOp::kMean, r, x));
  DOPPIO_RETURN_IF_ERROR(EmitBinary(c, {BinaryOp::kSub}, x, mean, y));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef sum, Reduced(c, ReduceOp::kL2, r, y));
  const double count =
      static_cast<double>(x.count()) / static_cast<double>(std::max<int64_t>(1, sum.count()));
  DOPPIO_RETURN_IF_ERROR(EmitUnary(c, {UnaryOp::kScale, 1 / std::sqrt(count), 1e-9}, sum, sum));
  return EmitBinary(c, {BinaryOp::kDiv}, y, sum, y);
}

constexpr ArgSpec kLayerNormArgs[] = {{"axis", ArgKind::kInt, 1},
                                      {"epsilon", ArgKind::kFloat, 1e-5},
                                      {"elementwise_affine", ArgKind::kInt}};
constexpr ArgSpec kOnnxLayerNormArgs[] = {{"axis", ArgKind::kInt, -1},
                                          {"epsilon", ArgKind::kFloat, 1e-5},
                                          {"stash_type", ArgKind::kInt, 1}};
constexpr ArgSpec kInstanceNormArgs[] = {{"epsilon", ArgKind::kFloat, 1e-5},
                                         {"order", ArgKind::kString, 0, "NCHW"}};
constexpr ArgSpec kOnnxInstanceNormArgs[] = {{"epsilon", ArgKind::kFloat, 1e-5}};
constexpr ArgSpec kGroupNormArgs[] = {{"group", ArgKind::kInt, 32},
                                      {"epsilon", ArgKind::kFloat, 1e-5},
                                      {"order", ArgKind::kString, 0, "NCHW"},
                                      {"is_test", ArgKind::kInt, 1}};
constexpr ArgSpec kOnnxGroupNormArgs[] = {{"num_groups", ArgKind::kInt, 0, "", true},
                                          {"epsilon", ArgKind::kFloat, 1e-5},
                                          {"stash_type", ArgKind::kInt, 1}};
constexpr ArgSpec kNormalizeArgs[] = {{"axis", ArgKind::kInt, -1}};
constexpr ArgSpec kLpNormArgs[] = {{"axis", ArgKind::kInt, -1}, {"p", ArgKind::kInt, 2}};
constexpr ArgSpec kMeanVarianceArgs[] = {{"axes", ArgKind::kInts}};

}  // namespace

const Operator kLayerNorm = {"",
                             "LayerNorm",
                             1,
                             3,
                             1,
                             3,
                             LayoutTrait::kRowMajor,
                             kPlain,
                             InferLayerNorm,
                             LowerLayerNorm,
                             kLayerNormArgs,
                             "mean 0 and variance 1 over the last axes"};
const Operator kOnnxLayerNormalization = {"ai.onnx",
                                          "LayerNormalization",
                                          2,
                                          3,
                                          1,
                                          3,
                                          LayoutTrait::kRowMajor,
                                          kPlain,
                                          InferLayerNorm,
                                          LowerLayerNorm,
                                          kOnnxLayerNormArgs,
                                          "mean 0 and variance 1 over the last axes"};
const Operator kOnnxRmsNormalization = {"ai.onnx",
                                        "RMSNormalization",
                                        2,
                                        2,
                                        1,
                                        1,
                                        LayoutTrait::kRowMajor,
                                        kPlain,
                                        InferLayerNorm,
                                        LowerLayerNorm,
                                        kOnnxLayerNormArgs,
                                        "mean square 1 over the last axes"};
const Operator kInstanceNorm = {"",
                                "InstanceNorm",
                                3,
                                3,
                                1,
                                3,
                                LayoutTrait::kAxisRemap,
                                kPlain,
                                InferGroupNorm,
                                LowerGroupNorm,
                                kInstanceNormArgs,
                                "mean 0 and variance 1 for each channel of each picture"};
const Operator kOnnxInstanceNormalization = {
    "ai.onnx",
    "InstanceNormalization",
    3,
    3,
    1,
    1,
    LayoutTrait::kAxisRemap,
    kPlain,
    InferGroupNorm,
    LowerGroupNorm,
    kOnnxInstanceNormArgs,
    "mean 0 and variance 1 for each channel of each picture"};
const Operator kGroupNorm = {"",
                             "GroupNorm",
                             3,
                             3,
                             1,
                             3,
                             LayoutTrait::kAxisRemap,
                             kPlain,
                             InferGroupNorm,
                             LowerGroupNorm,
                             kGroupNormArgs,
                             "mean 0 and variance 1 for groups of channels"};
const Operator kOnnxGroupNormalization = {"ai.onnx",
                                          "GroupNormalization",
                                          3,
                                          3,
                                          1,
                                          1,
                                          LayoutTrait::kAxisRemap,
                                          kPlain,
                                          InferGroupNorm,
                                          LowerGroupNorm,
                                          kOnnxGroupNormArgs,
                                          "mean 0 and variance 1 for groups of channels"};
const Operator kNormalize = {"",
                             "Normalize",
                             1,
                             1,
                             1,
                             1,
                             LayoutTrait::kAxisRemap,
                             kPlain,
                             InferNormalize,
                             LowerNormalize,
                             kNormalizeArgs,
                             "divides by the Euclidean norm along an axis"};
const Operator kOnnxLpNormalization = {"ai.onnx",
                                       "LpNormalization",
                                       1,
                                       1,
                                       1,
                                       1,
                                       LayoutTrait::kAxisRemap,
                                       kPlain,
                                       InferNormalize,
                                       LowerNormalize,
                                       kLpNormArgs,
                                       "divides by the norm along an axis"};
const Operator kOnnxMeanVarianceNormalization = {"ai.onnx",
                                                 "MeanVarianceNormalization",
                                                 1,
                                                 1,
                                                 1,
                                                 1,
                                                 LayoutTrait::kAxisRemap,
                                                 kPlain,
                                                 InferMeanVariance,
                                                 LowerMeanVariance,
                                                 kMeanVarianceArgs,
                                                 "mean 0 and variance 1 over any axes"};

}  // namespace doppio::operators
