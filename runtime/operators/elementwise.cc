// Element-wise functions of one value: Caffe2's and ONNX's.
#include "runtime/operators/elementwise.h"

#include <limits>

#include "base/message.h"
#include "kernels/problems/elementwise.h"
#include "runtime/operators/binary.h"
#include "runtime/operators/content.h"
#include "runtime/operators/element_class.h"
#include "runtime/operators/rows.h"

namespace doppio::operators {

using base::Cat;
using kernels::BinaryOp;
using kernels::ProblemKind;
using kernels::UnaryOp;

Status EmitUnary(LowerContext& c, const Activation& activation, const TensorRef& x,
                 const TensorRef& y) {
  kernels::UnaryProblem p;
  p.op = activation.op;
  p.alpha = activation.alpha;
  p.beta = activation.beta;
  p.x_type = x.type;
  const bool test = p.op == UnaryOp::kIsNan || p.op == UnaryOp::kIsInf;
  p.y_type = test ? ElementType::kBool : x.type;
  p.rank = y.dims.rank();
  for (int i = 0; i < p.rank; ++i) {
    p.dims[i] = y.dims[i];
    p.x_strides[i] = x.strides[i];
    p.y_strides[i] = y.strides[i];
  }
  int64_t* const strides[] = {p.x_strides, p.y_strides};
  MergeDims(&p.rank, p.dims, 2, strides);
  return c.Emit(ProblemKind::kUnary, p, {x}, {y});
}

namespace {

// Whether kernels compute `op` on elements of `type`.
bool Takes(UnaryOp op, ElementType type) {
  switch (op) {
    case UnaryOp::kNot:
      return type == ElementType::kBool;
    case UnaryOp::kBitwiseNot:
      return IsIntegerType(type);
    case UnaryOp::kIdentity:
    case UnaryOp::kRelu:
    case UnaryOp::kClip:
    case UnaryOp::kAbs:
    case UnaryOp::kNeg:
    case UnaryOp::kSign:
    case UnaryOp::kSquare:
    case UnaryOp::kCube:
      return IsNumericType(type);
    default:
      return IsFloatType(type);
  }
}

// Reads every argument once more for its error: IsActivation only says no.
Status ArgumentError(const ArgReader& args, const Operator& op) {
  for (const ArgSpec& spec : op.args) {
    double number = 0;
    int64_t integer = 0;
    std::string_view text;
    if (spec.kind == ArgKind::kFloat) DOPPIO_RETURN_IF_ERROR(args.Double(spec.name, &number));
    if (spec.kind == ArgKind::kInt) DOPPIO_RETURN_IF_ERROR(args.Int(spec.name, &integer));
    if (spec.kind == ArgKind::kString) {
      DOPPIO_RETURN_IF_ERROR(args.Text(spec.name, &text));
      return InvalidArgument(Cat("argument '", spec.name, "' is ", base::Quoted(text)));
    }
  }
  return InvalidArgument("its arguments do not make a function");
}

// The content of a negation, an absolute value and the like.
Status UnaryContent(const InferContext& c, UnaryOp op) {
  const ValueFacts& x = c.input(0);
  if (!x.has_content || (op != UnaryOp::kNeg && op != UnaryOp::kNot && op != UnaryOp::kAbs))
    return {};
  base::Array<Dim>* content = nullptr;
  DOPPIO_RETURN_IF_ERROR(StartContent(c, 0, &content));
  if (content == nullptr) return {};
  for (size_t i = 0; i < content->size(); ++i) {
    const Dim value = x.content[i];
    if (op == UnaryOp::kNeg) {
      (*content)[i] = HeldBy(x.type, c.symbols().Mul(value, Dim(-1)));
    } else if (value.known() && op == UnaryOp::kNot) {
      (*content)[i] = Dim(value.value() == 0 ? 1 : 0);
    } else if (value.known() && value.value() > INT32_MIN) {
      (*content)[i] = Dim(value.value() < 0 ? -value.value() : value.value());
    }
  }
  return {};
}

Status InferUnary(InferContext& c) {
  Activation activation;
  if (!IsActivation(c.node(), &activation)) return ArgumentError(c.args, c.op());
  const ValueFacts& x = c.input(0);
  if (!Takes(activation.op, x.type)) {
    return InvalidArgument(
        Cat(c.Describe(0), " is of a type that ", c.node().type, " does not take"));
  }
  ElementType type = x.type;
  if (activation.op == UnaryOp::kIsNan || activation.op == UnaryOp::kIsInf) {
    type = c.node().domain.empty() ? ElementType::kUint8 : ElementType::kBool;
  }
  c.Set(0, type, x.shape);
  return UnaryContent(c, activation.op);
}

Status LowerUnary(LowerContext& c) {
  Activation activation;
  if (!IsActivation(c.node(), &activation)) return Internal("not a function");
  if (activation.op == UnaryOp::kIdentity) return c.Alias(0, c.input(0));
  return EmitUnary(c, activation, c.input(0), c.output(0));
}

// --- ONNX Clip: bounds are inputs
// ----------------------------------------------------------------------

Status InferOnnxClip(InferContext& c) {
  const ValueFacts& x = c.input(0);
  if (!IsNumericType(x.type)) {
    return InvalidArgument(Cat(c.Describe(0), " is of a type that Clip does not take"));
  }
  for (size_t i = 1; i < 3; ++i) {
    if (!c.HasInput(i)) continue;
    const Dim count = CountOf(c.input(i).shape, &c.symbols());
    if (c.input(i).type != x.type || (count.known() && !count.Is(1))) {
      return InvalidArgument(Cat("bound ", c.Describe(i), " must be one value of type ", x.type));
    }
  }
  c.Set(0, x.type, x.shape);
  return {};
}

Status LowerOnnxClip(LowerContext& c) {
  Activation activation;
  const TensorRef x = c.input(0), y = c.output(0);
  if (!c.HasInput(1) && !c.HasInput(2)) return c.Alias(0, x);
  if (IsActivation(c.node(), &activation)) return EmitUnary(c, activation, x, y);
  // Bounds that depend on data, or that no double holds.
  const auto scalar = [](const TensorRef& bound) { return WithDims(bound, Dims(), Dims()); };
  if (c.HasInput(1)) {
    DOPPIO_RETURN_IF_ERROR(EmitBinary(c, {BinaryOp::kMax}, x, scalar(c.input(1)), y));
  }
  if (!c.HasInput(2)) return {};
  return EmitBinary(c, {BinaryOp::kMin}, c.HasInput(1) ? y : x, scalar(c.input(2)), y);
}

constexpr ArgSpec kAlpha1[] = {{"alpha", ArgKind::kFloat, 1}};
constexpr ArgSpec kLeakyArgs[] = {{"alpha", ArgKind::kFloat, 0.01}};
constexpr ArgSpec kHardSigmoidArgs[] = {{"alpha", ArgKind::kFloat, 0.2},
                                        {"beta", ArgKind::kFloat, 0.5}};
constexpr ArgSpec kSeluArgs[] = {{"alpha", ArgKind::kFloat, 1.6732631921768188},
                                 {"scale", ArgKind::kFloat, 1.0507010221481323}};
constexpr ArgSpec kOnnxSeluArgs[] = {{"alpha", ArgKind::kFloat, 1.6732631921768188},
                                     {"gamma", ArgKind::kFloat, 1.0507010221481323}};
constexpr ArgSpec kClipArgs[] = {
    {"min", ArgKind::kFloat, static_cast<double>(std::numeric_limits<float>::lowest())},
    {"max", ArgKind::kFloat, static_cast<double>(std::numeric_limits<float>::max())}};
constexpr ArgSpec kReluNArgs[] = {{"n", ArgKind::kFloat, 6}};
constexpr ArgSpec kGeluArgs[] = {{"fast_gelu", ArgKind::kInt}};
constexpr ArgSpec kOnnxGeluArgs[] = {{"approximate", ArgKind::kString, 0, "none"}};
constexpr ArgSpec kScaleArgs[] = {{"scale", ArgKind::kFloat, 1}};
constexpr ArgSpec kShrinkArgs[] = {{"lambd", ArgKind::kFloat, 0.5}, {"bias", ArgKind::kFloat, 0}};
constexpr ArgSpec kIsInfArgs[] = {{"detect_positive", ArgKind::kInt, 1},
                                  {"detect_negative", ArgKind::kInt, 1}};

constexpr Operator Caffe2Unary(std::string_view type, std::span<const ArgSpec> args = {}) {
  return {"",
          type,
          1,
          1,
          1,
          1,
          LayoutTrait::kAny,
          kElementwise,
          InferUnary,
          LowerUnary,
          args,
          "a function of each element"};
}
constexpr Operator OnnxUnary(std::string_view type, std::span<const ArgSpec> args = {}) {
  Operator row = Caffe2Unary(type, args);
  row.domain = "ai.onnx";
  return row;
}
// The result is of another type than the input, hence not in its place.
constexpr Operator Test(std::string_view domain, std::string_view type,
                        std::span<const ArgSpec> args = {}) {
  Operator row = Caffe2Unary(type, args);
  row.domain = domain;
  row.flags = kPlain;
  return row;
}

}  // namespace

const Operator kAbs = Caffe2Unary("Abs");
const Operator kAcos = Caffe2Unary("Acos");
const Operator kAsin = Caffe2Unary("Asin");
const Operator kAtan = Caffe2Unary("Atan");
const Operator kCbrt = Caffe2Unary("Cbrt");
const Operator kCeil = Caffe2Unary("Ceil");
const Operator kClip = Caffe2Unary("Clip", kClipArgs);
const Operator kEnsureClipped = Caffe2Unary("EnsureClipped", kClipArgs);
const Operator kCos = Caffe2Unary("Cos");
const Operator kCosh = Caffe2Unary("Cosh");
const Operator kCube = Caffe2Unary("Cube");
const Operator kElu = Caffe2Unary("Elu", kAlpha1);
const Operator kErf = Caffe2Unary("Erf");
const Operator kExp = Caffe2Unary("Exp");
const Operator kFloor = Caffe2Unary("Floor");
const Operator kGelu = Caffe2Unary("Gelu", kGeluArgs);
const Operator kHardSigmoid = Caffe2Unary("HardSigmoid", kHardSigmoidArgs);
const Operator kLeakyRelu = Caffe2Unary("LeakyRelu", kLeakyArgs);
const Operator kLog = Caffe2Unary("Log");
const Operator kNegative = Caffe2Unary("Negative");
const Operator kNot = Caffe2Unary("Not");
const Operator kReciprocal = Caffe2Unary("Reciprocal");
const Operator kRelu = Caffe2Unary("Relu");
const Operator kReluN = Caffe2Unary("ReluN", kReluNArgs);
const Operator kRsqrt = Caffe2Unary("Rsqrt");
const Operator kScale = Caffe2Unary("Scale", kScaleArgs);
const Operator kSelu = Caffe2Unary("Selu", kSeluArgs);
const Operator kSigmoid = Caffe2Unary("Sigmoid");
const Operator kSign = Caffe2Unary("Sign");
const Operator kSin = Caffe2Unary("Sin");
const Operator kSinh = Caffe2Unary("Sinh");
const Operator kSoftplus = Caffe2Unary("Softplus");
const Operator kSoftsign = Caffe2Unary("Softsign");
const Operator kSqr = Caffe2Unary("Sqr");
const Operator kSqrt = Caffe2Unary("Sqrt");
const Operator kSwish = Caffe2Unary("Swish");
const Operator kTan = Caffe2Unary("Tan");
const Operator kTanh = Caffe2Unary("Tanh");
const Operator kThresholdedRelu = Caffe2Unary("ThresholdedRelu", kAlpha1);
const Operator kIsNaN = Test("", "IsNaN");
const Operator kOnnxAbs = OnnxUnary("Abs");
const Operator kOnnxAcos = OnnxUnary("Acos");
const Operator kOnnxAcosh = OnnxUnary("Acosh");
const Operator kOnnxAsin = OnnxUnary("Asin");
const Operator kOnnxAsinh = OnnxUnary("Asinh");
const Operator kOnnxAtan = OnnxUnary("Atan");
const Operator kOnnxAtanh = OnnxUnary("Atanh");
const Operator kOnnxBitwiseNot = OnnxUnary("BitwiseNot");
const Operator kOnnxCeil = OnnxUnary("Ceil");
const Operator kOnnxCelu = OnnxUnary("Celu", kAlpha1);
const Operator kOnnxCos = OnnxUnary("Cos");
const Operator kOnnxCosh = OnnxUnary("Cosh");
const Operator kOnnxElu = OnnxUnary("Elu", kAlpha1);
const Operator kOnnxErf = OnnxUnary("Erf");
const Operator kOnnxExp = OnnxUnary("Exp");
const Operator kOnnxFloor = OnnxUnary("Floor");
const Operator kOnnxGelu = OnnxUnary("Gelu", kOnnxGeluArgs);
const Operator kOnnxHardSigmoid = OnnxUnary("HardSigmoid", kHardSigmoidArgs);
const Operator kOnnxHardSwish = OnnxUnary("HardSwish");
const Operator kOnnxLeakyRelu = OnnxUnary("LeakyRelu", kLeakyArgs);
const Operator kOnnxLog = OnnxUnary("Log");
const Operator kOnnxMish = OnnxUnary("Mish");
const Operator kOnnxNeg = OnnxUnary("Neg");
const Operator kOnnxNot = OnnxUnary("Not");
const Operator kOnnxReciprocal = OnnxUnary("Reciprocal");
const Operator kOnnxRelu = OnnxUnary("Relu");
const Operator kOnnxRound = OnnxUnary("Round");
const Operator kOnnxSelu = OnnxUnary("Selu", kOnnxSeluArgs);
const Operator kOnnxShrink = OnnxUnary("Shrink", kShrinkArgs);
const Operator kOnnxSigmoid = OnnxUnary("Sigmoid");
const Operator kOnnxSign = OnnxUnary("Sign");
const Operator kOnnxSin = OnnxUnary("Sin");
const Operator kOnnxSinh = OnnxUnary("Sinh");
const Operator kOnnxSoftplus = OnnxUnary("Softplus");
const Operator kOnnxSoftsign = OnnxUnary("Softsign");
const Operator kOnnxSqrt = OnnxUnary("Sqrt");
const Operator kOnnxSwish = OnnxUnary("Swish", kAlpha1);
const Operator kOnnxTan = OnnxUnary("Tan");
const Operator kOnnxTanh = OnnxUnary("Tanh");
const Operator kOnnxThresholdedRelu = OnnxUnary("ThresholdedRelu", kAlpha1);
const Operator kOnnxIsNaN = Test("ai.onnx", "IsNaN");
const Operator kOnnxIsInf = Test("ai.onnx", "IsInf", kIsInfArgs);
const Operator kOnnxClip = {"ai.onnx",
                            "Clip",
                            1,
                            3,
                            1,
                            1,
                            LayoutTrait::kAny,
                            kElementwise,
                            InferOnnxClip,
                            LowerOnnxClip,
                            {},
                            "min(max(x, low), high); bounds are inputs"};

}  // namespace doppio::operators
