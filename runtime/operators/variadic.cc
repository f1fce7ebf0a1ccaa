// Sums, means and extremes of any number of tensors.
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
  const bool fits = c.node().type == "Mean"     ? IsFloatType(type)
                    : c.node().type == "SumInt" ? type == ElementType::kInt32
                                                : IsNumericType(type);
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
const Operator kSumInt = Variadic("", "SumInt", kElementwise);
const Operator kMax = Variadic("", "Max", kElementwise);
const Operator kMin = Variadic("", "Min", kElementwise);
const Operator kMean = Variadic("", "Mean", kElementwise);
const Operator kOnnxSum = Variadic("ai.onnx", "Sum", kElementwise | kTakesActivation);
const Operator kOnnxMax = Variadic("ai.onnx", "Max", kElementwise);
const Operator kOnnxMin = Variadic("ai.onnx", "Min", kElementwise);
const Operator kOnnxMean = Variadic("ai.onnx", "Mean", kElementwise);

}  // namespace doppio::operators
