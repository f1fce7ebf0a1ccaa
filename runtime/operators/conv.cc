// Convolution and transposed convolution: Caffe2's Conv and ConvTranspose, ONNX's of the same
// names.
#include "runtime/operators/conv.h"

#include "base/message.h"
#include "runtime/operators/rows.h"
#include "runtime/operators/spatial.h"

namespace doppio::operators {
namespace {

using base::Cat;
using kernels::ConvProblem;
using kernels::ProblemKind;

struct ConvArgs {
  SpatialArgs spatial;
  int64_t groups = 1;
  bool channels_last = false;  // order NHWC: x, w and y have their channels at the end
};

// `x` and `w` in channels-first order of dimensions; w's spatial sizes start at 2.
Status ReadConvArgs(const ArgReader& args, bool onnx, int spatial_rank,
                    std::span<const int64_t> weight_kernel, ConvArgs* conv) {
  if (args.Has("group")) {
    DOPPIO_RETURN_IF_ERROR(args.IntIn("group", 1, int64_t{1} << 31, &conv->groups));
  }
  if (onnx) return ReadOnnxSpatial(args, spatial_rank, weight_kernel, &conv->spatial);
  DOPPIO_RETURN_IF_ERROR(ReadOrder(args, &conv->channels_last));
  DOPPIO_RETURN_IF_ERROR(ReadCaffe2Spatial(args, spatial_rank, &conv->spatial));
  return {};
}

Status CheckRanks(const InferContext& c) {
  const ValueFacts& x = c.input(0);
  const ValueFacts& w = c.input(1);
  if (x.shape.rank < 3) {
    return InvalidArgument(Cat(c.Describe(0), " has no spatial dimension"));
  }
  if (w.shape.rank != x.shape.rank) {
    return InvalidArgument(Cat(c.Describe(0), " and weight ", c.Describe(1), " differ in rank"));
  }
  if (w.type != x.type) {
    return InvalidArgument(Cat(c.Describe(0), " and weight ", c.Describe(1), " differ in type"));
  }
  return {};
}

Status CheckBias(const InferContext& c, Dim channels) {
  if (!c.HasInput(2)) return {};
  const ValueFacts& bias = c.input(2);
  if (bias.shape.rank == 1 &&
      (!bias.shape[0].known() || !channels.known() || bias.shape[0] == channels)) {
    return {};
  }
  return InvalidArgument(
      Cat("bias ", c.Describe(2), " must have one dimension of ", c.symbols().Text(channels)));
}

void WeightKernel(const Shape& w, int64_t* kernel) {
  for (int i = 2; i < w.rank && i < 2 + kMaxSpatial; ++i)
    kernel[i - 2] = w[i].known() ? w[i].value() : 1;
}

Status InferConv(InferContext& c) {
  DOPPIO_RETURN_IF_ERROR(CheckRanks(c));
  ConvArgs conv;
  const int spatial_rank = c.input(0).shape.rank - 2;
  const bool onnx = IsOnnx(c.node());
  bool channels_last = false;
  if (!onnx) DOPPIO_RETURN_IF_ERROR(ReadOrder(c.args, &channels_last));
  const Shape x = ToChannelsFirst(c.input(0).shape, channels_last);
  const Shape w = ToChannelsFirst(c.input(1).shape, channels_last);
  int64_t kernel[kMaxSpatial] = {1, 1, 1};
  WeightKernel(w, kernel);
  DOPPIO_RETURN_IF_ERROR(
      ReadConvArgs(c.args, onnx, spatial_rank, {kernel, static_cast<size_t>(spatial_rank)}, &conv));
  if (x[1].known() && w[1].known() && x[1].value() != w[1].value() * conv.groups) {
    return InvalidArgument(Cat(c.Describe(0), " has ", x[1].value(), " channels, weight ",
                               c.Describe(1), " wants ", w[1].value() * conv.groups));
  }
  if (w[0].known() && w[0].value() % conv.groups != 0) {
    return InvalidArgument(
        Cat(w[0].value(), " output channels do not divide into ", conv.groups, " groups"));
  }
  Shape y;
  y.push_back(x[0]);
  y.push_back(w[0]);
  for (int i = 0; i < spatial_rank; ++i) {
    if (w[2 + i].known() && w[2 + i].value() != conv.spatial.kernel[i]) {
      return InvalidArgument(Cat("kernel size ", conv.spatial.kernel[i],
                                 " differs from the weight's, ", c.Describe(1)));
    }
    Dim out;
    DOPPIO_RETURN_IF_ERROR(OutputSize(&conv.spatial, i, x[2 + i], &c.symbols(), &out));
    y.push_back(out);
  }
  DOPPIO_RETURN_IF_ERROR(CheckBias(c, w[0]));
  c.Set(0, c.input(0).type, FromChannelsFirst(y, channels_last));
  return {};
}

// The problem of a convolution over maps that are already in channels-first order of dimensions.
ConvProblem MakeProblem(const ConvArgs& conv, const TensorRef& x, const TensorRef& y) {
  ConvProblem p;
  const SpatialArgs& s = conv.spatial;
  p.type = x.type;
  p.n = x.dims[0];
  p.c = x.dims[1];
  p.m = y.dims[1];
  p.groups = conv.groups;
  Spread(s.rank, x.dims.begin() + 2, 1, &p.id, &p.ih, &p.iw);
  Spread(s.rank, y.dims.begin() + 2, 1, &p.od, &p.oh, &p.ow);
  Spread(s.rank, s.kernel, 1, &p.kd, &p.kh, &p.kw);
  Spread(s.rank, s.stride, 1, &p.sd, &p.sh, &p.sw);
  Spread(s.rank, s.dilation, 1, &p.dd, &p.dh, &p.dw);
  Spread(s.rank, s.pad_begin, 0, &p.pd, &p.ph, &p.pw);
  p.x = MapStridesOf(x);
  p.y = MapStridesOf(y);
  return p;
}

void SetEpilogue(const FusedEpilogue& fused, bool bias, const TensorRef& residual, ConvProblem* p) {
  p->epilogue.bias = bias;
  p->epilogue.activation = fused.activation;
  p->epilogue.alpha = fused.alpha;
  p->epilogue.beta = fused.beta;
  if (residual.present()) {
    p->epilogue.residual = true;
    p->residual = MapStridesOf(residual);
  }
}

// Emits the problem on x as it stands, or on a channels-last copy of it when that is cheaper in
// all.
Status EmitConv(LowerContext& c, ProblemKind kind, const ConvArgs& conv, ConvProblem p, TensorRef x,
                const TensorRef& w, const TensorRef& bias, const TensorRef& y) {
  const TensorRef residual =
      AsChannelsFirst(c.epilogue().residual, conv.channels_last && c.epilogue().residual.present());
  SetEpilogue(c.epilogue(), bias.present(), residual, &p);
  if (!IsChannelsLast(x)) {
    const Dims strides = ChannelsLastStrides(x.dims);
    ConvProblem channels_last = p;
    TensorRef view = WithDims(x, x.dims, strides);
    channels_last.x = MapStridesOf(view);
    // Writing a permuted copy costs about 1 ns for 4 elements beyond the convolution itself.
    const double copy_ns = static_cast<double>(x.count()) / 4;
    const TensorRef operands[] = {x, w, bias, residual};
    if (c.Cost(kind, &channels_last, operands) + copy_ns < c.Cost(kind, &p, operands)) {
      DOPPIO_ASSIGN_OR_RETURN(x, c.ChannelsLast(x));
      p = channels_last;
    }
  }
  return c.Emit(kind, p, {x, w, bias, residual}, {y});
}

// The node's own operands.
ConvOperands OperandsOf(const LowerContext& c) {
  return {.x = c.input(0),
          .w = c.input(1),
          .bias = c.HasInput(2) ? c.input(2) : TensorRef(),
          .y = c.output(0)};
}

Status LowerConv(LowerContext& c) { return EmitConvolution(c, OperandsOf(c)); }

// --- transposed
// ------------------------------------------------------------------------------------

struct TransposeArgs {
  ConvArgs conv;
  int64_t output_padding[kMaxSpatial] = {0, 0, 0};
  std::span<const int64_t> output_shape;  // ONNX: sizes that the padding is made to fit
};

Status ReadTransposeArgs(const ArgReader& args, bool onnx, int spatial_rank,
                         std::span<const int64_t> weight_kernel, TransposeArgs* t) {
  DOPPIO_RETURN_IF_ERROR(ReadConvArgs(args, onnx, spatial_rank, weight_kernel, &t->conv));
  base::Array<int64_t> values;
  if (!onnx) {  // the original does not read these
    for (int64_t& dilation : t->conv.spatial.dilation) dilation = 1;
  }
  if (onnx) {
    DOPPIO_RETURN_IF_ERROR(values.Assign(args.Ints("output_padding")));
    t->output_shape = args.Ints("output_shape");
    if (t->output_shape.size() > static_cast<size_t>(spatial_rank)) {
      t->output_shape =
          t->output_shape.subspan(t->output_shape.size() - static_cast<size_t>(spatial_rank));
    }
  } else {
    DOPPIO_RETURN_IF_ERROR(values.Assign(args.Ints("adjs")));
    const bool pair = args.Has("adj_h") && args.Has("adj_w");
    if (args.Has("adj") || pair) {
      for (const char* name : {"adj_h", "adj_w"}) {
        int64_t number = 0;
        DOPPIO_RETURN_IF_ERROR(args.Int(args.Has("adj") ? "adj" : name, &number));
        DOPPIO_RETURN_IF_ERROR(values.Append(number));
      }
    }
    if (t->conv.spatial.legacy_pad == LegacyPad::kCaffe) {
      return InvalidArgument("legacy_pad CAFFE_LEGACY_POOLING has no meaning here");
    }
  }
  if (!values.empty() && values.size() != static_cast<size_t>(spatial_rank)) {
    return InvalidArgument(Cat("output padding has ", values.size(), " values for ", spatial_rank,
                               " spatial dimensions"));
  }
  for (size_t i = 0; i < values.size(); ++i) {
    const int64_t limit = std::max(t->conv.spatial.stride[i], t->conv.spatial.dilation[i]);
    if (values[i] < 0 || values[i] > limit) {
      return InvalidArgument(Cat("output padding ", values[i], " is not in [0, ", limit, "]"));
    }
    t->output_padding[i] = values[i];
  }
  return {};
}

// The output size along axis i; settles pad_begin where auto_pad or output_shape decide it.
Status TransposedSize(TransposeArgs* t, int i, Dim in, SymbolTable* symbols, Dim* out) {
  SpatialArgs& s = t->conv.spatial;
  const int64_t extent = s.dilation[i] * (s.kernel[i] - 1) + 1;
  const Dim full = symbols->Add(symbols->Mul(symbols->Sub(in, Dim(1)), Dim(s.stride[i])),
                                Dim(extent + t->output_padding[i]));
  const bool same = s.auto_pad == AutoPad::kSameUpper || s.auto_pad == AutoPad::kSameLower;
  if (!t->output_shape.empty() || same) {
    *out = t->output_shape.empty() ? symbols->Mul(in, Dim(s.stride[i]))
                                   : Dim(t->output_shape[static_cast<size_t>(i)]);
    if (!full.known() || !out->known()) return {};
    const int64_t total = full.value() - out->value();
    // ONNX's formula; a negative total grows the output with zeros at the end.
    const int64_t small = total >= 0 ? total / 2 : 0;
    s.pad_begin[i] = s.auto_pad == AutoPad::kSameUpper || total < 0 ? small : total - small;
    s.pad_end[i] = total - s.pad_begin[i];
  } else {
    *out = symbols->Sub(full, Dim(s.pad_begin[i] + s.pad_end[i]));
  }
  if (out->known() && out->value() <= 0) {
    return InvalidArgument(Cat("the output size would be ", out->value()));
  }
  return {};
}

// Caffe2 keeps a weight [c_in, m / group, k...]; with order NHWC [c_in, k..., m / group].
Status InferConvTranspose(InferContext& c) {
  DOPPIO_RETURN_IF_ERROR(CheckRanks(c));
  const bool onnx = IsOnnx(c.node());
  bool channels_last = false;
  if (!onnx) DOPPIO_RETURN_IF_ERROR(ReadOrder(c.args, &channels_last));
  const Shape x = ToChannelsFirst(c.input(0).shape, channels_last);
  const Shape w = ToChannelsFirst(c.input(1).shape, channels_last);
  const int spatial_rank = x.rank - 2;
  int64_t kernel[kMaxSpatial] = {1, 1, 1};
  WeightKernel(w, kernel);
  TransposeArgs t;
  DOPPIO_RETURN_IF_ERROR(ReadTransposeArgs(c.args, onnx, spatial_rank,
                                           {kernel, static_cast<size_t>(spatial_rank)}, &t));
  if (x[1].known() && w[0].known() && x[1].value() != w[0].value()) {
    return InvalidArgument(Cat(c.Describe(0), " has ", x[1].value(), " channels, weight ",
                               c.Describe(1), " wants ", w[0].value()));
  }
  if (x[1].known() && x[1].value() % t.conv.groups != 0) {
    return InvalidArgument(
        Cat(x[1].value(), " channels do not divide into ", t.conv.groups, " groups"));
  }
  Shape y;
  y.push_back(x[0]);
  y.push_back(c.symbols().Mul(w[1], Dim(t.conv.groups)));
  for (int i = 0; i < spatial_rank; ++i) {
    if (w[2 + i].known() && w[2 + i].value() != t.conv.spatial.kernel[i]) {
      return InvalidArgument(Cat("kernel size ", t.conv.spatial.kernel[i],
                                 " differs from the weight's, ", c.Describe(1)));
    }
    Dim out;
    DOPPIO_RETURN_IF_ERROR(TransposedSize(&t, i, x[2 + i], &c.symbols(), &out));
    y.push_back(out);
  }
  DOPPIO_RETURN_IF_ERROR(CheckBias(c, y[1]));
  c.Set(0, c.input(0).type, FromChannelsFirst(y, channels_last));
  return {};
}

Status LowerConvTranspose(LowerContext& c) { return EmitTransposedConvolution(c, OperandsOf(c)); }

constexpr auto kCaffe2ConvArgs = JoinArgs(kCaffe2SpatialArgs, kConvOnlyArgs);
constexpr auto kCaffe2ConvTransposeArgs = JoinArgs(kCaffe2SpatialArgs, kConvTransposeOnlyArgs);
constexpr ArgSpec kOnnxConvArgs[] = {
    {"auto_pad", ArgKind::kString, 0, "NOTSET"},
    {"dilations", ArgKind::kInts},
    {"group", ArgKind::kInt, 1},
    {"kernel_shape", ArgKind::kInts},
    {"pads", ArgKind::kInts},
    {"strides", ArgKind::kInts},
};
constexpr ArgSpec kOnnxConvTransposeArgs[] = {
    {"auto_pad", ArgKind::kString, 0, "NOTSET"},
    {"dilations", ArgKind::kInts},
    {"group", ArgKind::kInt, 1},
    {"kernel_shape", ArgKind::kInts},
    {"output_padding", ArgKind::kInts},
    {"output_shape", ArgKind::kInts},
    {"pads", ArgKind::kInts},
    {"strides", ArgKind::kInts},
};

constexpr Operator Caffe2Conv(std::string_view type) {
  return {"",
          type,
          2,
          3,
          1,
          1,
          LayoutTrait::kChannelsLast,
          kTakesActivation | kTakesResidual,
          InferConv,
          LowerConv,
          kCaffe2ConvArgs,
          "convolution of 1 to 3 spatial dimensions"};
}

}  // namespace

Status EmitConvolution(LowerContext& c, const ConvOperands& operands) {
  ConvArgs conv;
  const bool onnx = IsOnnx(c.node());
  if (!onnx) DOPPIO_RETURN_IF_ERROR(ReadOrder(c.args, &conv.channels_last));
  const TensorRef x = AsChannelsFirst(operands.x, conv.channels_last);
  const TensorRef w = AsChannelsFirst(operands.w, conv.channels_last);
  const TensorRef y = AsChannelsFirst(operands.y, conv.channels_last);
  const int spatial_rank = x.dims.rank() - 2;
  DOPPIO_RETURN_IF_ERROR(ReadConvArgs(
      c.args, onnx, spatial_rank, {w.dims.begin() + 2, static_cast<size_t>(spatial_rank)}, &conv));
  SymbolTable no_symbols;
  for (int i = 0; i < spatial_rank; ++i) {  // settles SAME padding
    Dim out;
    DOPPIO_RETURN_IF_ERROR(OutputSize(&conv.spatial, i, Dim(x.dims[2 + i]), &no_symbols, &out));
  }
  ConvProblem p = MakeProblem(conv, x, y);
  if (operands.groups > 0) p.groups = operands.groups;
  p.x_zero_point = operands.x_zero_point;
  p.w_zero_point = operands.w_zero_point;
  p.w = MapStridesOf(w);
  return EmitConv(c, ProblemKind::kConv, conv, p, x, w, operands.bias, y);
}

Status EmitTransposedConvolution(LowerContext& c, const ConvOperands& operands) {
  TransposeArgs t;
  const bool onnx = IsOnnx(c.node());
  if (!onnx) DOPPIO_RETURN_IF_ERROR(ReadOrder(c.args, &t.conv.channels_last));
  const TensorRef x = AsChannelsFirst(operands.x, t.conv.channels_last);
  const TensorRef w = AsChannelsFirst(operands.w, t.conv.channels_last);
  const TensorRef y = AsChannelsFirst(operands.y, t.conv.channels_last);
  const int spatial_rank = x.dims.rank() - 2;
  DOPPIO_RETURN_IF_ERROR(ReadTransposeArgs(
      c.args, onnx, spatial_rank, {w.dims.begin() + 2, static_cast<size_t>(spatial_rank)}, &t));
  SymbolTable no_symbols;
  for (int i = 0; i < spatial_rank; ++i) {
    Dim out;
    DOPPIO_RETURN_IF_ERROR(TransposedSize(&t, i, Dim(x.dims[2 + i]), &no_symbols, &out));
  }
  ConvProblem p = MakeProblem(t.conv, x, y);
  p.x_zero_point = operands.x_zero_point;
  p.w_zero_point = operands.w_zero_point;
  const kernels::MapStrides w_strides = MapStridesOf(w);
  p.w = w_strides;
  p.w.c = w_strides.n;  // dimension 0 of the weight counts input channels
  p.w.n = w_strides.c;
  return EmitConv(c, ProblemKind::kConvTranspose, t.conv, p, x, w, operands.bias, y);
}

const Operator kConv = Caffe2Conv("Conv");
const Operator kConv1D = Caffe2Conv("Conv1D");
const Operator kConv2D = Caffe2Conv("Conv2D");
const Operator kConv3D = Caffe2Conv("Conv3D");
const Operator kConvTranspose = {"",
                                 "ConvTranspose",
                                 2,
                                 3,
                                 1,
                                 1,
                                 LayoutTrait::kChannelsLast,
                                 kTakesActivation | kTakesResidual,
                                 InferConvTranspose,
                                 LowerConvTranspose,
                                 kCaffe2ConvTransposeArgs,
                                 "transposed convolution"};
const Operator kOnnxConv = {"ai.onnx",
                            "Conv",
                            2,
                            3,
                            1,
                            1,
                            LayoutTrait::kChannelsLast,
                            kTakesActivation | kTakesResidual,
                            InferConv,
                            LowerConv,
                            kOnnxConvArgs,
                            "convolution with automatic padding or 1 to 3 spatial dimensions"};
const Operator kOnnxConvTranspose = {
    "ai.onnx",
    "ConvTranspose",
    2,
    3,
    1,
    1,
    LayoutTrait::kChannelsLast,
    kTakesActivation | kTakesResidual,
    InferConvTranspose,
    LowerConvTranspose,
    kOnnxConvTransposeArgs,
    "transposed convolution with dilation, automatic padding or 1 to 3 spatial dimensions"};

}  // namespace doppio::operators
