// A scale and a shift for each channel: batch normalisation at inference, AffineChannel; and local
// response normalisation.
#include <utility>

#include "base/message.h"
#include "kernels/problems/elementwise.h"
#include "kernels/problems/normalize.h"
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
using kernels::MapStrides;
using kernels::ProblemKind;
using kernels::UnaryOp;

// x and y, in channels-first order of dimensions, as [n, c, d, h, w] with neighbours merged.
struct Map {
  int64_t n = 1, c = 1;
  int64_t size[3] = {1, 1, 1};
  MapStrides x, y;
};

Status MapOf(const TensorRef& x, const TensorRef& y, Map* map) {
  const int rank = x.dims.rank();
  if (rank == 0) return InvalidArgument("a scalar has no channels");
  map->n = x.dims[0];
  map->x.n = x.strides[0];
  map->y.n = y.strides[0];
  if (rank > 1) {
    map->c = x.dims[1];
    map->x.c = x.strides[1];
    map->y.c = y.strides[1];
  }
  int64_t dims[kMaxRank], x_strides[kMaxRank], y_strides[kMaxRank];
  int spatial = 0;
  for (int i = 2; i < rank; ++i, ++spatial) {
    dims[spatial] = x.dims[i];
    x_strides[spatial] = x.strides[i];
    y_strides[spatial] = y.strides[i];
  }
  int64_t* const strides[] = {x_strides, y_strides};
  MergeDims(&spatial, dims, 2, strides);
  if (spatial > 3) return Unsupported(Cat(rank, " dimensions in this memory layout"));
  int64_t* const to_x[] = {&map->x.d, &map->x.h, &map->x.w};
  int64_t* const to_y[] = {&map->y.d, &map->y.h, &map->y.w};
  for (int i = 0; i < spatial; ++i) {
    const int at = 3 - spatial + i;
    map->size[at] = dims[i];
    *to_x[at] = x_strides[i];
    *to_y[at] = y_strides[i];
  }
  return {};
}

// Whether the node's tensors have their channels at the end.
Status NodeOrder(const graph::Node& node, const ArgReader& args, bool* channels_last) {
  *channels_last = false;
  return node.domain.empty() ? ReadOrder(args, channels_last) : Status();
}

Status CheckFloat(const InferContext& c) {
  if (IsFloatType(c.input(0).type)) return {};
  return InvalidArgument(
      Cat(c.Describe(0), " is of a type that ", c.node().type, " does not take"));
}

// Inputs 1 to `count` must hold one value a channel.
Status CheckParameters(const InferContext& c, size_t count, bool channels_last) {
  const Shape& x = c.input(0).shape;
  if (x.rank == 0) return InvalidArgument(Cat(c.Describe(0), " has no channels"));
  const int axis = x.rank == 1 ? -1 : channels_last ? x.rank - 1 : 1;
  const Dim channels = axis < 0 ? Dim(1) : x[axis];
  for (size_t i = 1; i <= count; ++i) {
    const Dim values = CountOf(c.input(i).shape, &c.symbols());
    if (values.known() && channels.known() && !(values == channels)) {
      return InvalidArgument(Cat(c.Describe(i), " must hold one value for each of the ",
                                 channels.value(), " channels of ", c.Describe(0)));
    }
    if (!IsFloatType(c.input(i).type))
      return InvalidArgument(Cat(c.Describe(i), " must hold floats"));
  }
  return {};
}

// --- batch normalisation and AffineChannel
// -----------------------------------------------------------------

Status InferBatchNorm(InferContext& c) {
  const bool caffe2 = c.node().domain.empty();
  bool flag = false, channels_last = false;
  DOPPIO_RETURN_IF_ERROR(c.args.Bool(caffe2 ? "is_test" : "training_mode", &flag));
  if (flag && !caffe2) {
    return Unsupported(
        "it is in its training form (training_mode is 1); only inference is possible");
  }
  DOPPIO_RETURN_IF_ERROR(NodeOrder(c.node(), c.args, &channels_last));
  DOPPIO_RETURN_IF_ERROR(CheckFloat(c));
  DOPPIO_RETURN_IF_ERROR(CheckParameters(c, 4, channels_last));
  c.Set(0, c.input(0).type, c.input(0).shape);
  if (!caffe2) return {};
  const size_t outputs = c.node().outputs.size();
  if (outputs != (flag ? 1u : 5u)) {
    return InvalidArgument(Cat("it has ", outputs, " outputs; with is_test ", flag ? 1 : 0,
                               " it must have ", flag ? 1 : 5));
  }
  if (c.input_count() > 5) DOPPIO_RETURN_IF_ERROR(CheckParameters(c, 6, channels_last));
  const Shape& x = c.input(0).shape;
  Shape channels;
  channels.push_back(x.rank == 1 ? Dim(1) : x[channels_last ? x.rank - 1 : 1]);
  for (size_t i = 1; i < outputs; ++i) c.Set(i, c.input(0).type, channels);
  return {};
}

Status InferAffineChannel(InferContext& c) {
  bool channels_last = false;
  DOPPIO_RETURN_IF_ERROR(NodeOrder(c.node(), c.args, &channels_last));
  DOPPIO_RETURN_IF_ERROR(CheckFloat(c));
  DOPPIO_RETURN_IF_ERROR(CheckParameters(c, 2, channels_last));
  c.Set(0, c.input(0).type, c.input(0).shape);
  return {};
}

// Caffe2's training form: y by the statistics of the batch; the running ones go on by `momentum`;
// the batch's mean and inverse deviation come out as well. Inputs 5 and 6, where they are, hold
// sums and sums of squares over num_batches such batches.
Status LowerTraining(LowerContext& c) {
  bool channels_last = false;
  float momentum = 0, epsilon = 0;
  int64_t batches = 1;
  DOPPIO_RETURN_IF_ERROR(NodeOrder(c.node(), c.args, &channels_last));
  DOPPIO_RETURN_IF_ERROR(c.args.Float("momentum", &momentum));
  DOPPIO_RETURN_IF_ERROR(c.args.Float("epsilon", &epsilon));
  DOPPIO_RETURN_IF_ERROR(c.args.IntIn("num_batches", 1, INT32_MAX, &batches));
  const TensorRef x = AsChannelsFirst(c.input(0), channels_last);
  if (x.dims.rank() < 2 || x.count() == 0) return InvalidArgument("an empty batch has no mean");
  Reduction over;
  Dims one = x.dims;  // a value a channel, as x's dimensions
  for (int i = 0; i < x.dims.rank(); ++i) {
    over.reduced[i] = i != 1;
    if (i != 1) one[i] = 1;
  }
  TensorRef made[5];  // y's place, running mean and variance, the batch's mean and 1 / deviation
  for (size_t i = 1; i < 5; ++i) {
    if (c.output(i).present()) {
      made[i] = Reshaped(c.output(i), one);
    } else {
      DOPPIO_ASSIGN_OR_RETURN(made[i], c.Temporary(x.type, one));
    }
  }
  const TensorRef mean = made[3], inverse = made[4];
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef centred, c.Temporary(x.type, x.dims));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef squares, c.Temporary(x.type, x.dims));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef variance, c.Temporary(x.type, one));
  if (c.input_count() > 5) {
    const auto count = static_cast<float>(batches * (x.count() / x.dims[1]));
    DOPPIO_RETURN_IF_ERROR(
        EmitUnary(c, {UnaryOp::kScale, 1 / count, 0}, Reshaped(c.input(5), one), mean));
    DOPPIO_RETURN_IF_ERROR(
        EmitUnary(c, {UnaryOp::kScale, 1 / count, 0}, Reshaped(c.input(6), one), variance));
    DOPPIO_RETURN_IF_ERROR(EmitUnary(c, {UnaryOp::kSquare}, mean, inverse));
    DOPPIO_RETURN_IF_ERROR(EmitBinary(c, {BinaryOp::kSub}, variance, inverse, variance));
    DOPPIO_RETURN_IF_ERROR(EmitBinary(c, {BinaryOp::kSub}, x, mean, centred));
  } else {
    DOPPIO_RETURN_IF_ERROR(EmitReduce(c, kernels::ReduceOp::kMean, over, x, mean));
    DOPPIO_RETURN_IF_ERROR(EmitBinary(c, {BinaryOp::kSub}, x, mean, centred));
    DOPPIO_RETURN_IF_ERROR(EmitUnary(c, {UnaryOp::kSquare}, centred, squares));
    DOPPIO_RETURN_IF_ERROR(EmitReduce(c, kernels::ReduceOp::kMean, over, squares, variance));
  }
  DOPPIO_RETURN_IF_ERROR(EmitUnary(c, {UnaryOp::kScale, 1, epsilon}, variance, inverse));
  DOPPIO_RETURN_IF_ERROR(EmitUnary(c, {UnaryOp::kRsqrt}, inverse, inverse));
  for (const auto& [running, batch] : {std::pair{1, mean}, std::pair{2, variance}}) {
    const auto at = static_cast<size_t>(running);
    DOPPIO_ASSIGN_OR_RETURN(const TensorRef share, c.Temporary(x.type, one));
    DOPPIO_RETURN_IF_ERROR(EmitUnary(c, {UnaryOp::kScale, 1 - momentum, 0}, batch, share));
    DOPPIO_RETURN_IF_ERROR(
        EmitUnary(c, {UnaryOp::kScale, momentum, 0}, Reshaped(c.input(2 + at), one), made[at]));
    DOPPIO_RETURN_IF_ERROR(EmitBinary(c, {BinaryOp::kAdd}, made[at], share, made[at]));
  }
  if (!c.output(0).present()) return {};
  const TensorRef y = AsChannelsFirst(c.output(0), channels_last);
  DOPPIO_RETURN_IF_ERROR(EmitBinary(c, {BinaryOp::kMul}, centred, inverse, centred));
  DOPPIO_RETURN_IF_ERROR(
      EmitBinary(c, {BinaryOp::kMul}, centred, Reshaped(c.input(1), one), centred));
  return EmitBinary(c, {BinaryOp::kAdd}, centred, Reshaped(c.input(2), one), y);
}

// With four parameters a batch normalisation, with two an affine function.
Status LowerAffine(LowerContext& c) {
  if (c.node().outputs.size() == 5) return LowerTraining(c);
  bool channels_last = false;
  DOPPIO_RETURN_IF_ERROR(NodeOrder(c.node(), c.args, &channels_last));
  const TensorRef x = AsChannelsFirst(c.input(0), channels_last);
  const TensorRef y = AsChannelsFirst(c.output(0), channels_last);
  Map map;
  DOPPIO_RETURN_IF_ERROR(MapOf(x, y, &map));
  TensorRef parameters[4];
  const size_t count = c.node().type == "AffineChannel" ? 2 : 4;
  for (size_t i = 0; i < count; ++i) {
    DOPPIO_ASSIGN_OR_RETURN(parameters[i], c.RowMajor(c.input(i + 1)));
    DOPPIO_ASSIGN_OR_RETURN(parameters[i], AsType(c, parameters[i], x.type));
  }
  kernels::AffineProblem p;
  p.type = x.type;
  if (count == 4) DOPPIO_RETURN_IF_ERROR(c.args.Double("epsilon", &p.epsilon));
  p.activation = c.epilogue().activation;
  p.alpha = c.epilogue().alpha;
  p.beta = c.epilogue().beta;
  p.n = map.n;
  p.c = map.c;
  p.d = map.size[0];
  p.h = map.size[1];
  p.w = map.size[2];
  p.x = map.x;
  p.y = map.y;
  return c.Emit(ProblemKind::kAffine, p,
                {x, parameters[0], parameters[1], parameters[2], parameters[3]}, {y});
}

// --- local response
// ------------------------------------------------------------------------------------

Status InferLrn(InferContext& c) {
  int64_t size = 0;
  DOPPIO_RETURN_IF_ERROR(c.args.IntIn("size", 1, INT32_MAX, &size));
  DOPPIO_RETURN_IF_ERROR(CheckFloat(c));
  const Shape& x = c.input(0).shape;
  if (c.node().domain.empty() && x.rank != 4) {
    return InvalidArgument(Cat(c.Describe(0), " must have 4 dimensions"));
  }
  if (x.rank < 2) return InvalidArgument(Cat(c.Describe(0), " has no channels"));
  c.Set(0, c.input(0).type, x);
  c.Set(1, c.input(0).type, x);
  return {};
}

Status LowerLrn(LowerContext& c) {
  bool channels_last = false;
  DOPPIO_RETURN_IF_ERROR(NodeOrder(c.node(), c.args, &channels_last));
  const TensorRef x = AsChannelsFirst(c.input(0), channels_last);
  TensorRef y = c.output(0), terms = c.output_count() > 1 ? c.output(1) : TensorRef();
  if (!y.present()) {
    DOPPIO_ASSIGN_OR_RETURN(y, c.Temporary(terms.type, terms.dims, &terms.strides));
  }
  const TensorRef wanted = terms;
  const bool apart = terms.present() && !(terms.strides == y.strides);
  if (apart) {
    DOPPIO_ASSIGN_OR_RETURN(terms, c.Temporary(y.type, y.dims, &y.strides));
  }
  const TensorRef y_map = AsChannelsFirst(y, channels_last);
  Map map;
  DOPPIO_RETURN_IF_ERROR(MapOf(x, y_map, &map));
  kernels::LrnProblem p;
  p.type = x.type;
  DOPPIO_RETURN_IF_ERROR(c.args.Int("size", &p.size));
  DOPPIO_RETURN_IF_ERROR(c.args.Double("alpha", &p.alpha));
  DOPPIO_RETURN_IF_ERROR(c.args.Double("beta", &p.beta));
  DOPPIO_RETURN_IF_ERROR(c.args.Double("bias", &p.bias));
  p.n = map.n;
  p.c = map.c;
  p.d = map.size[0];
  p.h = map.size[1];
  p.w = map.size[2];
  p.x = map.x;
  p.y = map.y;
  DOPPIO_RETURN_IF_ERROR(c.Emit(ProblemKind::kLrn, p, {x}, {y, terms}));
  return apart ? c.Copy(terms, wanted) : Status();
}

constexpr ArgSpec kSpatialBnArgs[] = {{"is_test", ArgKind::kInt},
                                      {"epsilon", ArgKind::kFloat, 1e-5},
                                      {"momentum", ArgKind::kFloat, 0.9},
                                      {"order", ArgKind::kString, 0, "NCHW"},
                                      {"num_batches", ArgKind::kInt, 1}};
constexpr ArgSpec kBatchNormArgs[] = {{"epsilon", ArgKind::kFloat, 1e-5},
                                      {"momentum", ArgKind::kFloat, 0.9},
                                      {"training_mode", ArgKind::kInt}};
constexpr ArgSpec kAffineChannelArgs[] = {{"order", ArgKind::kString, 0, "NCHW"},
                                          {"is_learnable", ArgKind::kInt}};
constexpr ArgSpec kLrnArgs[] = {{"size", ArgKind::kInt},
                                {"alpha", ArgKind::kFloat},
                                {"beta", ArgKind::kFloat},
                                {"bias", ArgKind::kFloat, 1},
                                {"order", ArgKind::kString, 0, "NCHW"}};
constexpr ArgSpec kOnnxLrnArgs[] = {{"size", ArgKind::kInt, 0, "", true},
                                    {"alpha", ArgKind::kFloat, 1e-4},
                                    {"beta", ArgKind::kFloat, 0.75},
                                    {"bias", ArgKind::kFloat, 1}};
constexpr uint32_t kFlags = kElementwise | kTakesActivation;

}  // namespace

const Operator kSpatialBn = {"",
                             "SpatialBN",
                             5,
                             7,
                             1,
                             5,
                             LayoutTrait::kAny,
                             kFlags,
                             InferBatchNorm,
                             LowerAffine,
                             kSpatialBnArgs,
                             "batch normalisation, by running statistics or those of the batch"};
const Operator kOnnxBatchNormalization = {"ai.onnx",
                                          "BatchNormalization",
                                          5,
                                          5,
                                          1,
                                          1,
                                          LayoutTrait::kAny,
                                          kFlags,
                                          InferBatchNorm,
                                          LowerAffine,
                                          kBatchNormArgs,
                                          "batch normalisation (inference only)"};
const Operator kAffineChannel = {"",
                                 "AffineChannel",
                                 3,
                                 3,
                                 1,
                                 1,
                                 LayoutTrait::kAny,
                                 kFlags,
                                 InferAffineChannel,
                                 LowerAffine,
                                 kAffineChannelArgs,
                                 "a scale and a shift for each channel"};
const Operator kLrn = {"",
                       "LRN",
                       1,
                       1,
                       1,
                       2,
                       LayoutTrait::kAxisRemap,
                       kPlain,
                       InferLrn,
                       LowerLrn,
                       kLrnArgs,
                       "local response normalisation over neighbouring channels"};
const Operator kOnnxLrn = {"ai.onnx",
                           "LRN",
                           1,
                           1,
                           1,
                           1,
                           LayoutTrait::kAxisRemap,
                           kPlain,
                           InferLrn,
                           LowerLrn,
                           kOnnxLrnArgs,
                           "local response normalisation over neighbouring channels"};

}  // namespace doppio::operators
