// Sums, means and extremes of any number of tensors, and the choice between two.
#include "base/message.h"
#include "runtime/operators/binary.h"
#include "runtime/operators/binary_content.h"
#include "runtime/operators/content.h"
#include "runtime/operators/element_class.h"
#include "runtime/operators/elementwise.h"
#include "runtime/operators/rows.h"

namespace doppio::operators {
namespace {

using base::Cat;
using kernels::BinaryOp;
using kernels::ProblemKind;
using kernels::UnaryOp;

BinaryOp OpOf(std::string_view type) {
  return type == "Max" ? BinaryOp::kMax : type == "Min" ? BinaryOp::kMin : BinaryOp::kAdd;
}

Status CheckVariadicType(const InferContext& c, size_t i) {
  const ElementType type = c.input(i).type;
  const bool fits = c.node().type == "Mean" ? IsFloatType(type) : IsNumericType(type);
  if (!fits) {
    return InvalidArgument(
        Cat(c.Describe(i), " is of a type that ", c.node().type, " does not take"));
  }
  if (type == c.input(0).type) return {};
  return InvalidArgument(Cat(c.Describe(0), " and ", c.Describe(i), " differ in type"));
}

Status InferVariadic(InferContext& c, bool broadcast) {
  Shape shape = c.input(0).shape;
  for (size_t i = 0; i < c.input_count(); ++i) {
    if (!c.HasInput(i)) return InvalidArgument(Cat("input ", i, " is left out but not optional"));
    DOPPIO_RETURN_IF_ERROR(CheckVariadicType(c, i));
    const Shape& other = c.input(i).shape;
    bool equal = shape.rank == other.rank;
    for (int d = 0; d < shape.rank && equal; ++d) {
      equal = shape[d] == other[d] || !shape[d].known() || !other[d].known();
    }
    if (!broadcast && !equal) {
      return InvalidArgument(Cat(c.Describe(0), " and ", c.Describe(i), " differ in shape"));
    }
    DOPPIO_RETURN_IF_ERROR(BroadcastShapes(shape, other, &c.symbols(), &shape));
  }
  c.Set(0, c.input(0).type, shape);
  if (c.node().type == "Mean") return {};
  if (c.input_count() == 1) return KeepContent(c, 0, 0);
  return c.input_count() == 2 ? BinaryContent(c, OpOf(c.node().type)) : Status();
}
Status InferCaffe2Variadic(InferContext& c) { return InferVariadic(c, false); }
Status InferOnnxVariadic(InferContext& c) { return InferVariadic(c, true); }

// Whether an input after the second one stands in the output's memory, which the first step
// overwrites.
bool LaterInputIsOutput(const LowerContext& c, const TensorRef& y) {
  for (size_t i = 2; i < c.input_count(); ++i) {
    if (c.input(i).buffer == y.buffer) return true;
  }
  return false;
}

Status LowerVariadic(LowerContext& c) {
  const TensorRef y = c.output(0);
  const size_t count = c.input_count();
  if (count == 1) return c.Alias(0, c.input(0));
  TensorRef sum = y;
  if (LaterInputIsOutput(c, y)) {
    DOPPIO_ASSIGN_OR_RETURN(sum, c.Temporary(y.type, y.dims, &y.strides));
  }
  const bool mean = c.node().type == "Mean";
  const FusedEpilogue& fused = c.epilogue();
  TensorRef left = c.input(0);
  for (size_t i = 1; i < count; ++i) {
    BinaryFunction function{OpOf(c.node().type)};
    const bool last = i + 1 == count;
    if (last && !mean && IsFloatType(y.type)) {
      function.activation = fused.activation;
      function.alpha = fused.alpha;
      function.beta = fused.beta;
    }
    const TensorRef target = last ? y : sum;
    DOPPIO_RETURN_IF_ERROR(EmitBinary(c, function, left, c.input(i), target));
    left = target;
  }
  if (mean) return EmitUnary(c, {UnaryOp::kScale, 1.0 / static_cast<double>(count), 0}, y, y);
  if (IsFloatType(y.type) || fused.activation == UnaryOp::kIdentity) return {};
  return EmitUnary(
      c, {fused.activation, static_cast<double>(fused.alpha), static_cast<double>(fused.beta)}, y,
      y);
}

// --- Where
// -------------------------------------------------------------------------------------------

Status CheckWhere(const InferContext& c) {
  if (c.input(0).type != ElementType::kBool) {
    return InvalidArgument(Cat("condition ", c.Describe(0), " must be bool"));
  }
  if (c.input(1).type != c.input(2).type) {
    return InvalidArgument(Cat(c.Describe(1), " and ", c.Describe(2), " differ in type"));
  }
  return {};
}

Status WhereContent(const InferContext& c) {
  const ValueFacts& condition = c.input(0);
  const ValueFacts& a = c.input(1);
  const ValueFacts& b = c.input(2);
  if (!condition.has_content || !a.has_content || !b.has_content) return {};
  base::Array<Dim>* content = nullptr;
  DOPPIO_RETURN_IF_ERROR(StartContent(c, 0, &content));
  if (content == nullptr) return {};
  const Dims dims = c.output(0).shape.Numbers();
  PositionWalk at(dims);
  at.Add(RepeatStrides(condition.shape.Numbers(), dims));
  at.Add(RepeatStrides(a.shape.Numbers(), dims));
  at.Add(RepeatStrides(b.shape.Numbers(), dims));
  for (Dim& value : *content) {
    const Dim choice = condition.content[at[0]];
    const Dim yes = a.content[at[1]], no = b.content[at[2]];
    if (choice.known()) {
      value = choice.Is(0) ? no : yes;
    } else if (yes == no) {
      value = yes;
    }
    at.Next();
  }
  return {};
}

Status InferOnnxWhere(InferContext& c) {
  DOPPIO_RETURN_IF_ERROR(CheckWhere(c));
  Shape shape;
  DOPPIO_RETURN_IF_ERROR(BroadcastShapes(c.input(1).shape, c.input(2).shape, &c.symbols(), &shape));
  DOPPIO_RETURN_IF_ERROR(BroadcastShapes(c.input(0).shape, shape, &c.symbols(), &shape));
  c.Set(0, c.input(1).type, shape);
  return WhereContent(c);
}

// Whether the condition chooses whole rows of dimension 0.
Status ReadByRows(const graph::Node& node, const ArgReader& args, bool* by_rows) {
  *by_rows = node.type == "Conditional";
  return *by_rows ? Status() : args.Bool("broadcast_on_rows", by_rows);
}

Status InferCaffe2Where(InferContext& c) {
  DOPPIO_RETURN_IF_ERROR(CheckWhere(c));
  bool by_rows = false;
  DOPPIO_RETURN_IF_ERROR(ReadByRows(c.node(), c.args, &by_rows));
  const Shape& condition = c.input(0).shape;
  const Shape& a = c.input(1).shape;
  const Shape& b = c.input(2).shape;
  const auto differ = [](Dim x, Dim y) { return x.known() && y.known() && !(x == y); };
  bool fits =
      a.rank == b.rank && (by_rows ? condition.rank == 1 && a.rank > 0 : condition.rank == a.rank);
  for (int i = 0; fits && i < a.rank; ++i) {
    fits = !differ(a[i], b[i]) && (i >= condition.rank || !differ(condition[i], a[i]));
  }
  if (!fits) {
    return InvalidArgument(Cat("condition ", c.Describe(0), ", ", c.Describe(1), " and ",
                               c.Describe(2), " do not fit together"));
  }
  c.Set(0, c.input(1).type, a);
  return {};
}

Status EmitWhere(LowerContext& c, const TensorRef& condition) {
  const TensorRef a = c.input(1), b = c.input(2), y = c.output(0);
  kernels::WhereProblem p;
  p.element_bytes = ElementBytes(y.type);
  p.rank = y.dims.rank();
  const Dims c_strides = BroadcastStrides(condition, y.dims);
  const Dims a_strides = BroadcastStrides(a, y.dims), b_strides = BroadcastStrides(b, y.dims);
  for (int i = 0; i < p.rank; ++i) {
    p.dims[i] = y.dims[i];
    p.c_strides[i] = c_strides[i];
    p.a_strides[i] = a_strides[i];
    p.b_strides[i] = b_strides[i];
    p.y_strides[i] = y.strides[i];
  }
  int64_t* const strides[] = {p.c_strides, p.a_strides, p.b_strides, p.y_strides};
  MergeDims(&p.rank, p.dims, 4, strides);
  return c.Emit(ProblemKind::kWhere, p, {condition, a, b}, {y});
}

Status LowerWhere(LowerContext& c) {
  bool by_rows = false;
  if (c.node().domain.empty()) DOPPIO_RETURN_IF_ERROR(ReadByRows(c.node(), c.args, &by_rows));
  TensorRef condition = c.input(0);
  while (by_rows && condition.dims.rank() < c.output(0).dims.rank()) {
    condition.dims.push_back(1);
    condition.strides.push_back(0);
  }
  return EmitWhere(c, condition);
}

constexpr ArgSpec kWhereArgs[] = {{"broadcast_on_rows", ArgKind::kInt}};

constexpr Operator Variadic(std::string_view domain, std::string_view type, uint32_t flags) {
  return {domain,
          type,
          1,
          kVariadic,
          1,
          1,
          LayoutTrait::kAny,
          flags,
          domain.empty() ? InferCaffe2Variadic : InferOnnxVariadic,
          LowerVariadic,
          {},
          "combines any number of tensors element by element"};
}

}  // namespace

const Operator kSum = Variadic("", "Sum", kElementwise | kTakesActivation);
const Operator kMax = Variadic("", "Max", kElementwise);
const Operator kMin = Variadic("", "Min", kElementwise);
const Operator kMean = Variadic("", "Mean", kElementwise);
const Operator kOnnxSum = Variadic("ai.onnx", "Sum", kElementwise | kTakesActivation);
const Operator kOnnxMax = Variadic("ai.onnx", "Max", kElementwise);
const Operator kOnnxMin = Variadic("ai.onnx", "Min", kElementwise);
const Operator kOnnxMean = Variadic("ai.onnx", "Mean", kElementwise);
const Operator kWhere = {"",
                         "Where",
                         3,
                         3,
                         1,
                         1,
                         LayoutTrait::kAny,
                         kPlain,
                         InferCaffe2Where,
                         LowerWhere,
                         kWhereArgs,
                         "the first or the second value, by a condition"};
const Operator kConditional = {"",
                               "Conditional",
                               3,
                               3,
                               1,
                               1,
                               LayoutTrait::kAny,
                               kPlain,
                               InferCaffe2Where,
                               LowerWhere,
                               {},
                               "rows of the first or the second tensor, by a condition"};
const Operator kOnnxWhere = {"ai.onnx",
                             "Where",
                             3,
                             3,
                             1,
                             1,
                             LayoutTrait::kAny,
                             kPlain,
                             InferOnnxWhere,
                             LowerWhere,
                             {},
                             "the first or the second value, by a condition"};

}  // namespace doppio::operators
