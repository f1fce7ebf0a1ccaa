// Element-wise functions of two values: arithmetic, comparisons, logic, with NumPy's broadcasting
// or Caffe2's older one.
#include "runtime/operators/binary.h"

#include "base/message.h"
#include "runtime/operators/binary_content.h"
#include "runtime/operators/element_class.h"
#include "runtime/operators/elementwise.h"
#include "runtime/operators/reduce.h"
#include "runtime/operators/rows.h"
#include "runtime/operators/spatial.h"
#include "runtime/operators/strings.h"

namespace doppio::operators {

using base::Cat;
using kernels::BinaryOp;
using kernels::ProblemKind;
using kernels::UnaryOp;

Status EmitBinary(LowerContext& c, const BinaryFunction& function, const TensorRef& a,
                  const TensorRef& b, const TensorRef& y) {
  kernels::BinaryProblem p;
  p.op = function.op;
  p.type = a.type;
  p.b_type = b.type;
  p.activation = function.activation;
  p.alpha = function.alpha;
  p.beta = function.beta;
  p.rank = y.dims.rank();
  const Dims a_strides = BroadcastStrides(a, y.dims), b_strides = BroadcastStrides(b, y.dims);
  for (int i = 0; i < p.rank; ++i) {
    p.dims[i] = y.dims[i];
    p.a_strides[i] = a_strides[i];
    p.b_strides[i] = b_strides[i];
    p.y_strides[i] = y.strides[i];
  }
  int64_t* const strides[] = {p.a_strides, p.b_strides, p.y_strides};
  MergeDims(&p.rank, p.dims, 3, strides);
  return c.Emit(ProblemKind::kBinary, p, {a, b}, {y});
}

namespace {

struct NamedOp {
  std::string_view type;
  BinaryOp op;
};
constexpr NamedOp kOps[] = {
    {"Add", BinaryOp::kAdd},
    {"And", BinaryOp::kAnd},
    {"BitwiseAnd", BinaryOp::kBitwiseAnd},
    {"BitwiseOr", BinaryOp::kBitwiseOr},
    {"BitwiseXor", BinaryOp::kBitwiseXor},
    {"Div", BinaryOp::kDiv},
    {"EQ", BinaryOp::kEqual},
    {"Equal", BinaryOp::kEqual},
    {"GE", BinaryOp::kGreaterEqual},
    {"GT", BinaryOp::kGreater},
    {"Greater", BinaryOp::kGreater},
    {"GreaterOrEqual", BinaryOp::kGreaterEqual},
    {"LE", BinaryOp::kLessEqual},
    {"LT", BinaryOp::kLess},
    {"Less", BinaryOp::kLess},
    {"LessOrEqual", BinaryOp::kLessEqual},
    {"Mul", BinaryOp::kMul},
    {"NE", BinaryOp::kNotEqual},
    {"Or", BinaryOp::kOr},
    {"PRelu", BinaryOp::kPRelu},
    {"Pow", BinaryOp::kPow},
    {"Sub", BinaryOp::kSub},
    {"Xor", BinaryOp::kXor},
};

bool IsComparison(BinaryOp op) { return op >= BinaryOp::kEqual && op <= BinaryOp::kGreaterEqual; }

// The function of a node whose operands have `type`.
Status ReadOp(const graph::Node& node, const ArgReader& args, ElementType type, BinaryOp* op) {
  if (node.type == "Mod") {
    bool fmod = false;
    DOPPIO_RETURN_IF_ERROR(args.Bool("fmod", &fmod));
    *op = fmod ? BinaryOp::kFmod : BinaryOp::kMod;
    return {};
  }
  if (node.type == "BitShift") {
    std::string_view direction;
    DOPPIO_RETURN_IF_ERROR(args.Text("direction", &direction));
    if (direction != "LEFT" && direction != "RIGHT") {
      return InvalidArgument(
          Cat("argument 'direction' is ", base::Quoted(direction), "; it must be LEFT or RIGHT"));
    }
    *op = direction == "LEFT" ? BinaryOp::kShiftLeft : BinaryOp::kShiftRight;
    return {};
  }
  for (const NamedOp& named : kOps) {
    if (named.type == node.type) *op = named.op;
  }
  if (type == ElementType::kBool) {  // Caffe2's bitwise operators take bools as well
    if (*op == BinaryOp::kBitwiseAnd) *op = BinaryOp::kAnd;
    if (*op == BinaryOp::kBitwiseOr) *op = BinaryOp::kOr;
    if (*op == BinaryOp::kBitwiseXor) *op = BinaryOp::kXor;
  }
  return {};
}

bool Takes(BinaryOp op, ElementType type) {
  switch (op) {
    case BinaryOp::kAnd:
    case BinaryOp::kOr:
    case BinaryOp::kXor:
      return type == ElementType::kBool;
    case BinaryOp::kEqual:
    case BinaryOp::kNotEqual:
      return IsNumericType(type) || type == ElementType::kBool;
    case BinaryOp::kBitwiseAnd:
    case BinaryOp::kBitwiseOr:
    case BinaryOp::kBitwiseXor:
    case BinaryOp::kShiftLeft:
    case BinaryOp::kShiftRight:
      return IsIntegerType(type);
    default:
      return IsNumericType(type);
  }
}

// Sets type and content of output 0 of shape `shape`.
Status FinishBinary(InferContext& c, BinaryOp op, const Shape& shape) {
  c.Set(0, IsComparison(op) ? ElementType::kBool : c.input(0).type, shape);
  return BinaryContent(c, op);
}

Status CheckTypes(const InferContext& c, BinaryOp op) {
  const ElementType a = c.input(0).type, b = c.input(1).type;
  const bool texts = a == ElementType::kString && op == BinaryOp::kEqual && IsOnnx(c.node());
  const bool ordered_bools = a == ElementType::kBool && !IsOnnx(c.node()) &&
                             (op == BinaryOp::kLessEqual || op == BinaryOp::kGreaterEqual);
  if (!texts && !ordered_bools && !Takes(op, a)) {
    return InvalidArgument(
        Cat(c.Describe(0), " is of a type that ", c.node().type, " does not take"));
  }
  if (a == b || (op == BinaryOp::kPow && IsOnnx(c.node()) && IsNumericType(b))) return {};
  return InvalidArgument(Cat(c.Describe(0), " and ", c.Describe(1), " differ in type"));
}

Status InferOnnxBinary(InferContext& c) {
  BinaryOp op = BinaryOp::kAdd;
  DOPPIO_RETURN_IF_ERROR(ReadOp(c.node(), c.args, c.input(0).type, &op));
  DOPPIO_RETURN_IF_ERROR(CheckTypes(c, op));
  Shape shape;
  DOPPIO_RETURN_IF_ERROR(BroadcastShapes(c.input(0).shape, c.input(1).shape, &c.symbols(), &shape));
  return FinishBinary(c, op, shape);
}

// Whether the shapes of a slope and its x broadcast to x's alone.
Status InferOnnxPRelu(InferContext& c) {
  DOPPIO_RETURN_IF_ERROR(CheckTypes(c, BinaryOp::kPRelu));
  const Shape& x = c.input(0).shape;
  Shape shape;
  DOPPIO_RETURN_IF_ERROR(BroadcastShapes(x, c.input(1).shape, &c.symbols(), &shape));
  bool grows = shape.rank != x.rank;
  for (int i = 0; i < x.rank && !grows; ++i)
    grows = x[i].Is(1) && shape[i].known() && !shape[i].Is(1);
  if (grows) {
    return InvalidArgument(Cat("slope ", c.Describe(1), " does not broadcast to ", c.Describe(0)));
  }
  c.Set(0, c.input(0).type, x);
  return {};
}

// --- Caffe2's older broadcasting
// -------------------------------------------------------------------------

struct LegacyArgs {
  bool broadcast = false;
  int64_t axis = -1;  // of a, where b's dimension 0 stands; -1: at the end
};

Status ReadLegacyArgs(const ArgReader& args, LegacyArgs* legacy) {
  std::string_view letter, order;
  DOPPIO_RETURN_IF_ERROR(args.Bool("broadcast", &legacy->broadcast));
  DOPPIO_RETURN_IF_ERROR(args.Int("axis", &legacy->axis));
  DOPPIO_RETURN_IF_ERROR(args.Text("axis_str", &letter));
  DOPPIO_RETURN_IF_ERROR(args.Text("order", &order));
  if (!legacy->broadcast) {
    if (args.Has("axis") || !letter.empty()) {
      return InvalidArgument("argument axis has a meaning only with broadcast=1");
    }
    return {};
  }
  if (letter.empty()) return {};
  if (legacy->axis != -1) return InvalidArgument("arguments axis and axis_str exclude each other");
  const size_t at = order.find(letter);
  if (letter.size() != 1 || at == std::string_view::npos) {
    return InvalidArgument(
        Cat("argument axis_str ", base::Quoted(letter), " is no letter of ", base::Quoted(order)));
  }
  legacy->axis = static_cast<int64_t>(at);
  return {};
}

// The axis of a at which b's dimension 0 stands.
Status LegacyAxis(const LegacyArgs& legacy, int a_rank, int b_rank, int* axis) {
  const int64_t at = legacy.axis == -1 ? a_rank - b_rank : legacy.axis;
  if (at < 0 || at > a_rank - b_rank) {
    return InvalidArgument(
        Cat("axis ", legacy.axis, " does not place ", b_rank, " dimensions within ", a_rank));
  }
  *axis = static_cast<int>(at);
  return {};
}

Status CheckLegacyShapes(const InferContext& c, const LegacyArgs& legacy) {
  const Shape& a = c.input(0).shape;
  const Shape& b = c.input(1).shape;
  if (CountOf(b, &c.symbols()).Is(1)) return {};
  int axis = 0;
  DOPPIO_RETURN_IF_ERROR(LegacyAxis(legacy, a.rank, b.rank, &axis));
  int begin = 0, end = b.rank;
  while (begin < end && b[begin].Is(1)) ++begin;
  while (end > begin && b[end - 1].Is(1)) --end;
  for (int i = begin; i < end; ++i) {
    if (!a[axis + i].known() || !b[i].known() || a[axis + i] == b[i]) continue;
    return InvalidArgument(Cat(c.Describe(1), " does not match ", c.Describe(0), " from axis ",
                               axis, ": ", b[i].value(), " against ", a[axis + i].value()));
  }
  return {};
}

Status InferCaffe2Binary(InferContext& c) {
  BinaryOp op = BinaryOp::kAdd;
  DOPPIO_RETURN_IF_ERROR(ReadOp(c.node(), c.args, c.input(0).type, &op));
  DOPPIO_RETURN_IF_ERROR(CheckTypes(c, op));
  LegacyArgs legacy;
  DOPPIO_RETURN_IF_ERROR(ReadLegacyArgs(c.args, &legacy));
  if (!legacy.broadcast) {
    Shape shape;
    DOPPIO_RETURN_IF_ERROR(
        BroadcastShapes(c.input(0).shape, c.input(1).shape, &c.symbols(), &shape));
    return FinishBinary(c, op, shape);
  }
  DOPPIO_RETURN_IF_ERROR(CheckLegacyShapes(c, legacy));
  c.Set(0, IsComparison(op) ? ElementType::kBool : c.input(0).type, c.input(0).shape);
  return {};
}

// b as a tensor that broadcasts to a_rank dimensions by NumPy's rule.
StatusOr<TensorRef> LegacyView(const LegacyArgs& legacy, int a_rank, const TensorRef& b) {
  if (b.count() == 1) return WithDims(b, Dims(), Dims());
  int axis = 0;
  DOPPIO_RETURN_IF_ERROR(LegacyAxis(legacy, a_rank, b.dims.rank(), &axis));
  TensorRef view = b;
  while (view.dims.rank() < a_rank - axis) {
    view.dims.push_back(1);
    view.strides.push_back(0);
  }
  return view;
}

// The sum of a over all dimensions along which b was repeated.
Status InferSumReduceLike(InferContext& c) {
  const ValueFacts &a = c.input(0), &b = c.input(1);
  LegacyArgs legacy;
  DOPPIO_RETURN_IF_ERROR(ReadLegacyArgs(c.args, &legacy));
  if (!IsFloatType(a.type) || b.type != a.type) {
    return InvalidArgument(Cat(c.Describe(0), " and ", c.Describe(1), " must be floats of a type"));
  }
  if (legacy.broadcast) {
    DOPPIO_RETURN_IF_ERROR(CheckLegacyShapes(c, legacy));
  } else {
    bool same = a.shape.rank == b.shape.rank;
    for (int i = 0; i < a.shape.rank && same; ++i) {
      same = !a.shape[i].known() || !b.shape[i].known() || a.shape[i] == b.shape[i];
    }
    if (!same) {
      return InvalidArgument(Cat("without broadcast=1 ", c.Describe(0), " and ", c.Describe(1),
                                 " must have one shape"));
    }
  }
  c.Set(0, a.type, b.shape);
  return {};
}

Status LowerSumReduceLike(LowerContext& c) {
  const TensorRef a = c.input(0), y = c.output(0);
  LegacyArgs legacy;
  DOPPIO_RETURN_IF_ERROR(ReadLegacyArgs(c.args, &legacy));
  if (!legacy.broadcast) return c.Copy(a, y);
  Reduction reduction;
  reduction.keep = false;
  Dims kept;
  int axis = 0;
  const bool all = y.count() == 1;
  if (!all) DOPPIO_RETURN_IF_ERROR(LegacyAxis(legacy, a.dims.rank(), y.dims.rank(), &axis));
  for (int i = 0; i < a.dims.rank(); ++i) {
    const bool inside = !all && i >= axis && i < axis + y.dims.rank() && y.dims[i - axis] != 1;
    reduction.reduced[i] = !inside;
    if (inside) kept.push_back(a.dims[i]);
  }
  return EmitReduce(c, kernels::ReduceOp::kSum, reduction, a, Reshaped(y, kept));
}

Status LowerBinary(LowerContext& c, const TensorRef& b) {
  BinaryFunction function;
  const TensorRef a = c.input(0), y = c.output(0);
  DOPPIO_RETURN_IF_ERROR(ReadOp(c.node(), c.args, a.type, &function.op));
  const FusedEpilogue& fused = c.epilogue();
  if (IsFloatType(a.type)) {
    function.activation = fused.activation;
    function.alpha = fused.alpha;
    function.beta = fused.beta;
  }
  DOPPIO_RETURN_IF_ERROR(EmitBinary(c, function, a, b, y));
  if (function.activation == fused.activation) return {};
  const Activation behind = {fused.activation, static_cast<double>(fused.alpha),
                             static_cast<double>(fused.beta)};
  return EmitUnary(c, behind, y, y);
}

Status LowerOnnxBinary(LowerContext& c) { return LowerBinary(c, c.input(1)); }

Status LowerCaffe2Binary(LowerContext& c) {
  LegacyArgs legacy;
  DOPPIO_RETURN_IF_ERROR(ReadLegacyArgs(c.args, &legacy));
  if (!legacy.broadcast) return LowerBinary(c, c.input(1));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef b,
                          LegacyView(legacy, c.input(0).dims.rank(), c.input(1)));
  return LowerBinary(c, b);
}

// --- Caffe2's Pow: with one input a function of it
// -------------------------------------------------------

Status InferCaffe2Pow(InferContext& c) {
  if (c.input_count() == 1) {
    if (!c.args.Has("exponent")) return InvalidArgument("argument 'exponent' is missing");
    double exponent = 0;
    DOPPIO_RETURN_IF_ERROR(c.args.Double("exponent", &exponent));
    if (!IsFloatType(c.input(0).type)) {
      return InvalidArgument(Cat(c.Describe(0), " is of a type that Pow does not take"));
    }
    c.Set(0, c.input(0).type, c.input(0).shape);
    return {};
  }
  LegacyArgs legacy;
  DOPPIO_RETURN_IF_ERROR(ReadLegacyArgs(c.args, &legacy));
  const Shape& a = c.input(0).shape;
  const Shape& b = c.input(1).shape;
  bool equal = a.rank == b.rank;
  for (int i = 0; i < a.rank && equal; ++i) equal = a[i] == b[i] || !a[i].known() || !b[i].known();
  if (!legacy.broadcast && !equal) {
    return InvalidArgument(Cat(c.Describe(0), " and ", c.Describe(1), " differ in shape"));
  }
  return InferCaffe2Binary(c);
}

Status LowerCaffe2Pow(LowerContext& c) {
  if (c.input_count() == 2) return LowerCaffe2Binary(c);
  Activation activation;
  if (!IsActivation(c.node(), &activation)) return Internal("not a function");
  return EmitUnary(c, activation, c.input(0), c.output(0));
}

// --- Caffe2's PRelu
// --------------------------------------------------------------------------------------

Status InferCaffe2PRelu(InferContext& c) {
  DOPPIO_RETURN_IF_ERROR(CheckTypes(c, BinaryOp::kPRelu));
  bool channels_last = false;
  DOPPIO_RETURN_IF_ERROR(ReadOrder(c.args, &channels_last));
  const Shape& x = c.input(0).shape;
  const Dim slopes = CountOf(c.input(1).shape, &c.symbols());
  const int axis = channels_last ? x.rank - 1 : 1;
  const bool per_channel = x.rank > axis && axis >= 0 && (!x[axis].known() || x[axis] == slopes);
  if (slopes.known() && !slopes.Is(1) && !per_channel) {
    return InvalidArgument(
        Cat("slope ", c.Describe(1), " must hold one value, or one a channel of ", c.Describe(0)));
  }
  c.Set(0, c.input(0).type, x);
  return {};
}

Status LowerCaffe2PRelu(LowerContext& c) {
  bool channels_last = false;
  DOPPIO_RETURN_IF_ERROR(ReadOrder(c.args, &channels_last));
  const TensorRef x = c.input(0);
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef slope, c.RowMajor(c.input(1)));
  TensorRef view = Reshaped(slope, Dims({slope.count()}));
  if (slope.count() != 1 && !channels_last) {
    for (int i = 2; i < x.dims.rank(); ++i) {
      view.dims.push_back(1);
      view.strides.push_back(0);
    }
  }
  return EmitBinary(c, {BinaryOp::kPRelu}, x, view, c.output(0));
}

constexpr ArgSpec kLegacyArgs[] = {
    {"broadcast", ArgKind::kInt},
    {"axis", ArgKind::kInt, -1},
    {"axis_str", ArgKind::kString},
    {"order", ArgKind::kString, 0, "NCHW"},
};
constexpr ArgSpec kPowArgs[] = {
    {"exponent", ArgKind::kFloat},
    {"broadcast", ArgKind::kInt},
    {"axis", ArgKind::kInt, -1},
    {"axis_str", ArgKind::kString},
    {"order", ArgKind::kString, 0, "NCHW"},
};
constexpr ArgSpec kOrderArgs[] = {{"order", ArgKind::kString, 0, "NCHW"}};
constexpr ArgSpec kModArgs[] = {{"fmod", ArgKind::kInt}};
constexpr ArgSpec kBitShiftArgs[] = {{"direction", ArgKind::kString}};

constexpr Operator Caffe2Binary(std::string_view type, uint32_t flags) {
  return {"",
          type,
          2,
          2,
          1,
          1,
          LayoutTrait::kAny,
          flags,
          InferCaffe2Binary,
          LowerCaffe2Binary,
          kLegacyArgs,
          "a function of two elements"};
}
constexpr Operator OnnxBinary(std::string_view type, uint32_t flags,
                              std::span<const ArgSpec> args = {},
                              Status (*call)(CallContext&) = nullptr) {
  return {"ai.onnx",
          type,
          2,
          2,
          1,
          1,
          LayoutTrait::kAny,
          flags,
          InferOnnxBinary,
          LowerOnnxBinary,
          args,
          "a function of two elements",
          call};
}
constexpr uint32_t kArithmetic = kElementwise | kTakesActivation;

}  // namespace

const Operator kAdd = Caffe2Binary("Add", kArithmetic);
const Operator kSub = Caffe2Binary("Sub", kArithmetic);
const Operator kMul = Caffe2Binary("Mul", kArithmetic);
const Operator kDiv = Caffe2Binary("Div", kArithmetic);
const Operator kAnd = Caffe2Binary("And", kElementwise);
const Operator kOr = Caffe2Binary("Or", kElementwise);
const Operator kXor = Caffe2Binary("Xor", kElementwise);
const Operator kBitwiseAnd = Caffe2Binary("BitwiseAnd", kElementwise);
const Operator kBitwiseOr = Caffe2Binary("BitwiseOr", kElementwise);
const Operator kBitwiseXor = Caffe2Binary("BitwiseXor", kElementwise);
const Operator kEq = Caffe2Binary("EQ", kPlain);
const Operator kNe = Caffe2Binary("NE", kPlain);
const Operator kLt = Caffe2Binary("LT", kPlain);
const Operator kLe = Caffe2Binary("LE", kPlain);
const Operator kGt = Caffe2Binary("GT", kPlain);
const Operator kGe = Caffe2Binary("GE", kPlain);
const Operator kPow = {"",
                       "Pow",
                       1,
                       2,
                       1,
                       1,
                       LayoutTrait::kAny,
                       kElementwise,
                       InferCaffe2Pow,
                       LowerCaffe2Pow,
                       kPowArgs,
                       "x to the power of an argument or a tensor"};
const Operator kPRelu = {"",
                         "PRelu",
                         2,
                         2,
                         1,
                         1,
                         LayoutTrait::kAny,
                         kElementwise,
                         InferCaffe2PRelu,
                         LowerCaffe2PRelu,
                         kOrderArgs,
                         "x < 0 ? slope x : x"};
const Operator kOnnxAdd = OnnxBinary("Add", kArithmetic);
const Operator kOnnxSub = OnnxBinary("Sub", kArithmetic);
const Operator kOnnxMul = OnnxBinary("Mul", kArithmetic);
const Operator kOnnxDiv = OnnxBinary("Div", kArithmetic);
const Operator kOnnxPow = OnnxBinary("Pow", kElementwise);
const Operator kOnnxAnd = OnnxBinary("And", kElementwise);
const Operator kOnnxOr = OnnxBinary("Or", kElementwise);
const Operator kOnnxXor = OnnxBinary("Xor", kElementwise);
const Operator kOnnxBitwiseAnd = OnnxBinary("BitwiseAnd", kElementwise);
const Operator kOnnxBitwiseOr = OnnxBinary("BitwiseOr", kElementwise);
const Operator kOnnxBitwiseXor = OnnxBinary("BitwiseXor", kElementwise);
const Operator kSumReduceLike = {.domain = "",
                                 .type = "SumReduceLike",
                                 .min_inputs = 2,
                                 .max_inputs = 2,
                                 .min_outputs = 1,
                                 .max_outputs = 1,
                                 .layout = LayoutTrait::kRowMajor,
                                 .flags = kPlain,
                                 .infer = InferSumReduceLike,
                                 .lower = LowerSumReduceLike,
                                 .args = kLegacyArgs,
                                 .summary = "the sum over what broadcasting repeated"};
const Operator kOnnxEqual = OnnxBinary("Equal", kPlain, {}, CallStringEqual);
const Operator kOnnxLess = OnnxBinary("Less", kPlain);
const Operator kOnnxLessOrEqual = OnnxBinary("LessOrEqual", kPlain);
const Operator kOnnxGreater = OnnxBinary("Greater", kPlain);
const Operator kOnnxGreaterOrEqual = OnnxBinary("GreaterOrEqual", kPlain);
const Operator kOnnxMod = OnnxBinary("Mod", kElementwise, kModArgs);
const Operator kOnnxBitShift = OnnxBinary("BitShift", kElementwise, kBitShiftArgs);
const Operator kOnnxPRelu = {"ai.onnx",
                             "PRelu",
                             2,
                             2,
                             1,
                             1,
                             LayoutTrait::kAny,
                             kElementwise,
                             InferOnnxPRelu,
                             LowerOnnxBinary,
                             {},
                             "x < 0 ? slope x : x"};

}  // namespace doppio::operators
