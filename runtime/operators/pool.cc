// Pooling: Caffe2's MaxPool, AveragePool and LpPool, ONNX's MaxPool, AveragePool, LpPool and their
// global forms.
#include "kernels/problems/pool.h"

#include "base/message.h"
#include "runtime/operators/rows.h"
#include "runtime/operators/spatial.h"

namespace doppio::operators {
namespace {

using base::Cat;
using kernels::PoolOp;
using kernels::PoolProblem;
using kernels::ProblemKind;

Status ReadPoolArgs(const graph::Node& node, const ArgReader& args, int spatial_rank,
                    SpatialArgs* spatial, bool* channels_last) {
  *channels_last = false;
  if (!IsOnnx(node)) {
    DOPPIO_RETURN_IF_ERROR(ReadOrder(args, channels_last));
    return ReadCaffe2Spatial(args, spatial_rank, spatial);
  }
  if (node.type.starts_with("Global")) {
    spatial->rank = spatial_rank;
    spatial->global_pooling = true;
    if (spatial_rank < 1 || spatial_rank > kMaxSpatial) {
      return Unsupported(Cat(spatial_rank, " spatial dimensions; 1 to 3 are possible"));
    }
    return {};
  }
  return ReadOnnxSpatial(args, spatial_rank, {}, spatial);
}

Status InferPool(InferContext& c) {
  const ValueFacts& x_facts = c.input(0);
  if (x_facts.shape.rank < 3) {
    return InvalidArgument(Cat(c.Describe(0), " has no spatial dimension"));
  }
  SpatialArgs spatial;
  bool channels_last = false;
  const int spatial_rank = x_facts.shape.rank - 2;
  DOPPIO_RETURN_IF_ERROR(ReadPoolArgs(c.node(), c.args, spatial_rank, &spatial, &channels_last));
  const Shape x = ToChannelsFirst(x_facts.shape, channels_last);
  Shape y = x;
  for (int i = 0; i < spatial_rank; ++i) {
    if (!IsOnnx(c.node()) && spatial.dilation[i] != 1) {
      return InvalidArgument(Cat("a pool has no dilation, it says ", spatial.dilation[i]));
    }
    if (!IsOnnx(c.node()) && spatial.global_pooling &&
        (spatial.pad_begin[i] != 0 || spatial.pad_end[i] != 0 || spatial.stride[i] != 1)) {
      return InvalidArgument("a global pool has neither padding nor strides");
    }
    // Caffe2 refuses a window that may lie wholly in the padding.
    if (!spatial.global_pooling && !IsOnnx(c.node()) &&
        (spatial.pad_begin[i] >= spatial.kernel[i] || spatial.pad_end[i] >= spatial.kernel[i])) {
      return InvalidArgument(Cat("padding must be smaller than the kernel ", spatial.kernel[i]));
    }
    DOPPIO_RETURN_IF_ERROR(OutputSize(&spatial, i, x[2 + i], &c.symbols(), &y.dims[2 + i]));
  }
  c.Set(0, x_facts.type, FromChannelsFirst(y, channels_last));
  c.Set(1, ElementType::kInt64, FromChannelsFirst(y, channels_last));
  return {};
}

PoolOp OpOf(std::string_view type) {
  if (type.find("Average") != std::string_view::npos) return PoolOp::kAverage;
  return type.find("Lp") != std::string_view::npos ? PoolOp::kLp : PoolOp::kMax;
}

Status LowerPool(LowerContext& c) {
  SpatialArgs s;
  bool channels_last = false;
  const int spatial_rank = c.input(0).dims.rank() - 2;
  DOPPIO_RETURN_IF_ERROR(ReadPoolArgs(c.node(), c.args, spatial_rank, &s, &channels_last));
  const TensorRef x = AsChannelsFirst(c.input(0), channels_last);
  const TensorRef y =
      AsChannelsFirst(c.output(0).present() ? c.output(0) : c.output(1), channels_last);
  SymbolTable no_symbols;
  for (int i = 0; i < spatial_rank; ++i) {
    Dim out;
    DOPPIO_RETURN_IF_ERROR(OutputSize(&s, i, Dim(x.dims[2 + i]), &no_symbols, &out));
  }
  PoolProblem p;
  p.op = OpOf(c.node().type);
  p.type = x.type;
  p.n = x.dims[0];
  p.c = x.dims[1];
  Spread(s.rank, x.dims.begin() + 2, 1, &p.id, &p.ih, &p.iw);
  Spread(s.rank, y.dims.begin() + 2, 1, &p.od, &p.oh, &p.ow);
  Spread(s.rank, s.kernel, 1, &p.kd, &p.kh, &p.kw);
  Spread(s.rank, s.stride, 1, &p.sd, &p.sh, &p.sw);
  Spread(s.rank, s.dilation, 1, &p.dd, &p.dh, &p.dw);
  Spread(s.rank, s.pad_begin, 0, &p.pd, &p.ph, &p.pw);
  Spread(s.rank, s.pad_end, 0, &p.pd_end, &p.ph_end, &p.pw_end);
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("count_include_pad", &p.count_include_pad));
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("storage_order", &p.indices_column_major));
  if (p.op == PoolOp::kLp) {
    float order = 2;
    if (IsOnnx(c.node())) {
      int64_t integer = 2;
      DOPPIO_RETURN_IF_ERROR(c.args.Int("p", &integer));
      order = static_cast<float>(integer);
    } else {
      DOPPIO_RETURN_IF_ERROR(c.args.Float("p", &order));
    }
    p.p = static_cast<double>(order);
  }
  p.x = MapStridesOf(x);
  p.y = MapStridesOf(y);
  const TensorRef indices = c.output_count() > 1 ? c.output(1) : TensorRef();
  p.indices = indices.present();
  return c.Emit(ProblemKind::kPool, p, {x}, {y, indices});
}

// Indices count in the row-major input, and share y's strides: such a pool stays row-major.
Status LowerMaxPool(LowerContext& c) {
  if (c.output_count() < 2 || !c.output(1).present()) return LowerPool(c);
  if (IsRowMajor(c.output(1)) && (!c.output(0).present() || IsRowMajor(c.output(0))))
    return LowerPool(c);
  return Internal("a pool with indices must be row-major");
}

constexpr auto kCaffe2PoolArgs = JoinArgs(kCaffe2SpatialArgs, kCaffe2PoolOnlyArgs);
constexpr ArgSpec kOnnxPoolArgs[] = {
    {"auto_pad", ArgKind::kString, 0, "NOTSET"},
    {"ceil_mode", ArgKind::kInt},
    {"count_include_pad", ArgKind::kInt},
    {"dilations", ArgKind::kInts},
    {"kernel_shape", ArgKind::kInts, 0, "", true},
    {"pads", ArgKind::kInts},
    {"storage_order", ArgKind::kInt},
    {"strides", ArgKind::kInts},
    {"p", ArgKind::kInt, 2},
};
constexpr ArgSpec kGlobalLpArgs[] = {{"p", ArgKind::kInt, 2}};

constexpr Operator Caffe2Pool(std::string_view type) {
  return {"",
          type,
          1,
          1,
          1,
          1,
          LayoutTrait::kChannelsLast,
          kPlain,
          InferPool,
          LowerPool,
          kCaffe2PoolArgs,
          "pooling of 1 to 3 spatial dimensions"};
}
constexpr Operator OnnxPool(std::string_view type, std::span<const ArgSpec> args) {
  return {"ai.onnx",
          type,
          1,
          1,
          1,
          1,
          LayoutTrait::kChannelsLast,
          kPlain,
          InferPool,
          LowerPool,
          args,
          "pooling of 1 to 3 spatial dimensions"};
}

}  // namespace

const Operator kMaxPool = Caffe2Pool("MaxPool");
const Operator kMaxPool1D = Caffe2Pool("MaxPool1D");
const Operator kMaxPool2D = Caffe2Pool("MaxPool2D");
const Operator kMaxPool3D = Caffe2Pool("MaxPool3D");
const Operator kAveragePool = Caffe2Pool("AveragePool");
const Operator kAveragePool1D = Caffe2Pool("AveragePool1D");
const Operator kAveragePool2D = Caffe2Pool("AveragePool2D");
const Operator kAveragePool3D = Caffe2Pool("AveragePool3D");
const Operator kLpPool = Caffe2Pool("LpPool");
const Operator kOnnxMaxPool = {
    "ai.onnx",
    "MaxPool",
    1,
    1,
    1,
    2,
    LayoutTrait::kChannelsLast,
    kPlain,
    InferPool,
    LowerMaxPool,
    kOnnxPoolArgs,
    "max pooling with dilation, ceil rounding, automatic padding or indices"};
const Operator kOnnxAveragePool = OnnxPool("AveragePool", kOnnxPoolArgs);
const Operator kOnnxLpPool = OnnxPool("LpPool", kOnnxPoolArgs);
const Operator kOnnxGlobalLpPool = OnnxPool("GlobalLpPool", kGlobalLpArgs);

}  // namespace doppio::operators
