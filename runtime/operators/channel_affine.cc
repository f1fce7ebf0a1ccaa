// A scale and a shift for each channel: batch normalisation at inference, AffineChannel; and local
// response normalisation.
#include "base/message.h"
#include "kernels/problems/elementwise.h"
#include "kernels/problems/normalize.h"
#include "runtime/operators/cast.h"
#include "runtime/operators/element_class.h"
#include "runtime/operators/rows.h"
#include "runtime/operators/spatial.h"

namespace doppio::operators {
namespace {

using base::Cat;
using kernels::MapStrides;
using kernels::ProblemKind;

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
  if (flag != caffe2) {
    return Unsupported(
        caffe2 ? "it is in its training form (is_test is 0); only inference is possible"
               : "it is in its training form (training_mode is 1); only inference is possible");
  }
  DOPPIO_RETURN_IF_ERROR(NodeOrder(c.node(), c.args, &channels_last));
  DOPPIO_RETURN_IF_ERROR(CheckFloat(c));
  DOPPIO_RETURN_IF_ERROR(CheckParameters(c, 4, channels_last));
  c.Set(0, c.input(0).type, c.input(0).shape);
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

// With four parameters a batch normalisation, with two an affine function.
Status LowerAffine(LowerContext& c) {
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
  if (c.node().domain.empty() && (x.rank != 4 || size % 2 == 0)) {
    return InvalidArgument(x.rank != 4 ? Cat(c.Describe(0), " must have 4 dimensions")
                                       : Cat("argument 'size' is ", size, "; it must be odd"));
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
                             1,
                             LayoutTrait::kAny,
                             kFlags,
                             InferBatchNorm,
                             LowerAffine,
                             kSpatialBnArgs,
                             "batch normalisation (inference only)"};
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
