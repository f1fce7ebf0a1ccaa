// Tensors made from nothing but sizes and values: ConstantFill, GivenTensorFill with an input,
// RangeFill, ConstantOfShape, Range, EyeLike.
#include "runtime/operators/fill.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/half.h"
#include "base/message.h"
#include "runtime/operators/caffe2_types.h"
#include "runtime/operators/content.h"
#include "runtime/operators/element_class.h"
#include "runtime/operators/lower_context.h"
#include "runtime/operators/rows.h"

namespace doppio::operators {
namespace {

using base::Cat;

// One element of any type of whole bytes, and its value where it is an integer.
struct Element {
  ElementType type = ElementType::kFloat;
  unsigned char bytes[16] = {};
  bool is_integer = false;
  int64_t integer = 0;

  template <class T>
  void Set(ElementType of, T value) {
    type = of;
    std::memcpy(bytes, &value, sizeof(value));
  }
  // False for types that no integer makes.
  bool SetInteger(ElementType of, int64_t value);
};

bool Element::SetInteger(ElementType of, int64_t value) {
  is_integer = true;
  integer = value;
  switch (of) {
    case ElementType::kBool:
      integer = value != 0;
      Set(of, static_cast<uint8_t>(value != 0));
      return true;
    case ElementType::kInt8:
      Set(of, static_cast<int8_t>(value));
      return true;
    case ElementType::kUint8:
      Set(of, static_cast<uint8_t>(value));
      return true;
    case ElementType::kInt16:
      Set(of, static_cast<int16_t>(value));
      return true;
    case ElementType::kUint16:
      Set(of, static_cast<uint16_t>(value));
      return true;
    case ElementType::kInt32:
      Set(of, static_cast<int32_t>(value));
      return true;
    case ElementType::kUint32:
      Set(of, static_cast<uint32_t>(value));
      return true;
    case ElementType::kInt64:
    case ElementType::kUint64:
      Set(of, value);
      return true;
    default:
      return false;
  }
}

// The whole output is `element`.
Status FillContent(const InferContext& c, const Element& element) {
  base::Array<Dim>* content = nullptr;
  if (!element.is_integer) return {};
  DOPPIO_RETURN_IF_ERROR(StartContent(c, 0, &content));
  if (content == nullptr) return {};
  for (Dim& value : *content) value = HeldBy(element.type, Dim(element.integer));
  return {};
}

// --- ConstantFill
// ------------------------------------------------------------------------------------

// Without `dtype`, the field that `value` sits in decides: float, or int64.
Status ReadCaffe2Element(const graph::Node& node, const ArgReader& args, Element* element) {
  const graph::Argument* value = node.arg("value");
  ElementType type =
      value != nullptr && value->has_i && !value->has_f ? ElementType::kInt64 : ElementType::kFloat;
  DOPPIO_RETURN_IF_ERROR(ReadCaffe2Type(node, "dtype", &type));
  if (type == ElementType::kFloat || type == ElementType::kDouble) {
    float number = 0;
    DOPPIO_RETURN_IF_ERROR(args.Float("value", &number));
    if (type == ElementType::kFloat) {
      element->Set(type, number);
    } else {
      element->Set(type, static_cast<double>(number));
    }
    return {};
  }
  int64_t number = 0;
  if (value != nullptr && !value->has_i)
    return InvalidArgument("argument 'value' does not hold an integer");
  if (value != nullptr) number = value->i;
  return element->SetInteger(type, number) ? Status() : Unsupported(Cat("it fills with ", type));
}

Status FinishFill(InferContext& c, const Element& element, const Shape& shape, bool complete) {
  if (!complete) {
    c.SetUnknownShape(0, element.type);
    return {};
  }
  DOPPIO_RETURN_IF_ERROR(CheckFillSizes(shape));
  c.Set(0, element.type, shape);
  return FillContent(c, element);
}

Status InferConstantFill(InferContext& c) {
  Element element;
  Shape shape;
  bool complete = false;
  DOPPIO_RETURN_IF_ERROR(ReadCaffe2Element(c.node(), c.args, &element));
  DOPPIO_RETURN_IF_ERROR(ReadFillShape(c, &shape, &complete));
  return FinishFill(c, element, shape, complete);
}

Status LowerConstantFill(LowerContext& c) {
  Element element;
  DOPPIO_RETURN_IF_ERROR(ReadCaffe2Element(c.node(), c.args, &element));
  return c.Fill(c.output(0), element.bytes);
}

// --- DiagonalFill
// ------------------------------------------------------------------------------------

Status InferDiagonalFill(InferContext& c) {
  Element element;
  Shape shape;
  bool complete = false;
  DOPPIO_RETURN_IF_ERROR(ReadCaffe2Element(c.node(), c.args, &element));
  DOPPIO_RETURN_IF_ERROR(ReadFillShape(c, &shape, &complete));
  if (!complete) {
    c.SetUnknownShape(0, element.type);
    return {};
  }
  if (shape.rank < 2) return InvalidArgument("a diagonal has at least 2 dimensions");
  for (int i = 1; i < shape.rank && shape.rank > 2; ++i) {
    if (shape[i].known() && shape[0].known() && !(shape[i] == shape[0])) {
      return InvalidArgument("with more than 2 dimensions all must be equal");
    }
  }
  c.Set(0, element.type, shape);
  return {};
}

Status LowerDiagonalFill(LowerContext& c) {
  Element element;
  const TensorRef y = c.output(0);
  DOPPIO_RETURN_IF_ERROR(ReadCaffe2Element(c.node(), c.args, &element));
  if (y.count() == 0) return {};
  constexpr unsigned char kZero[16] = {};
  DOPPIO_RETURN_IF_ERROR(c.Fill(y, kZero));
  int64_t length = y.dims[0], stride = 0;
  for (int i = 0; i < y.dims.rank(); ++i) {
    length = std::min(length, y.dims[i]);
    stride += y.strides[i];
  }
  return c.Fill(WithDims(y, {length}, {stride}), element.bytes);
}

// --- ConstantOfShape
// -----------------------------------------------------------------------------------

Status ReadOnnxElement(const ArgReader& args, Element* element) {
  const graph::Constant* value = args.Tensor("value");
  if (value == nullptr) return {};  // float 0
  if (value->count != 1 || ElementBits(value->type) < 8) {
    return InvalidArgument(Cat("argument 'value' must hold one element, not ", value->count));
  }
  element->type = value->type;
  std::memcpy(element->bytes, value->data, static_cast<size_t>(ElementBits(value->type) / 8));
  ValueFacts facts;
  DOPPIO_RETURN_IF_ERROR(FactsOfConstant(*value, &facts));
  element->is_integer = facts.ContentKnown();
  if (element->is_integer) element->integer = facts.content[0].value();
  return {};
}

Status InferConstantOfShape(InferContext& c) {
  Element element;
  Shape shape;
  bool complete = false;
  DOPPIO_RETURN_IF_ERROR(ReadOnnxElement(c.args, &element));
  DOPPIO_RETURN_IF_ERROR(SizesFromInput(c, 0, &shape, &complete));
  return FinishFill(c, element, shape, complete);
}

Status LowerConstantOfShape(LowerContext& c) {
  Element element;
  DOPPIO_RETURN_IF_ERROR(ReadOnnxElement(c.args, &element));
  return c.Fill(c.output(0), element.bytes);
}

// --- Range
// -----------------------------------------------------------------------------------------

// Three numbers of one type.
struct Bounds {
  Dim integer[3] = {Dim(0), Dim(), Dim(1)};
  double real[3] = {0, 0, 1};
  bool known = true;
};

// Where the start, limit and step of a node stand among its inputs; -1: left out.
void BoundInputs(const graph::Node& node, int* inputs) {
  const bool only_limit = node.inputs.size() == 1;
  inputs[0] = only_limit ? -1 : 0;
  inputs[1] = only_limit ? 0 : 1;
  inputs[2] = node.inputs.size() == 3 ? 2 : -1;
}

// The float that `data` points at.
double RealOf(ElementType type, const void* data) {
  if (type == ElementType::kFloat16) {
    return static_cast<double>(base::ToFloat(*static_cast<const base::Float16*>(data)));
  }
  if (type == ElementType::kBFloat16) {
    return static_cast<double>(base::ToFloat(*static_cast<const base::BFloat16*>(data)));
  }
  return type == ElementType::kDouble ? *static_cast<const double*>(data)
                                      : static_cast<double>(*static_cast<const float*>(data));
}

Status ReadBounds(const InferContext& c, Bounds* bounds) {
  int inputs[3];
  BoundInputs(c.node(), inputs);
  for (int i = 0; i < 3; ++i) {
    if (inputs[i] < 0) continue;
    const auto input = static_cast<size_t>(inputs[i]);
    const ValueFacts& facts = c.input(input);
    const Dim count = CountOf(facts.shape, &c.symbols());
    if (!IsOnnx(c.node()) && facts.shape.rank != 0) {
      return InvalidArgument(Cat(c.Describe(input), " must have no dimensions"));
    }
    if (facts.type != c.input(0).type || (count.known() && !count.Is(1))) {
      return InvalidArgument(
          Cat(c.Describe(input), " must be one value of type ", c.input(0).type));
    }
    bounds->integer[i] = Dim();
    bool known = false;
    if (IsFloatType(facts.type)) {
      known = facts.constant != nullptr && facts.constant->count == 1;
      if (known) bounds->real[i] = RealOf(facts.type, facts.constant->data);
    } else if (facts.has_content && facts.content.size() == 1) {
      bounds->integer[i] = facts.content[0];
      known = !facts.content[0].unknown();
    }
    if (!known) c.NeedContent(input);
    bounds->known &= known;
  }
  return {};
}

// max(ceil((limit - start) / step), 0).
Status CountSteps(const InferContext& c, const Bounds& bounds, Dim* count) {
  *count = Dim();
  if (!bounds.known) return {};
  if (IsFloatType(c.input(0).type)) {
    const double steps = std::ceil((bounds.real[1] - bounds.real[0]) / bounds.real[2]);
    if (!(steps < 9e15)) return InvalidArgument("it has no end");
    *count = Dim(steps > 0 ? static_cast<int64_t>(steps) : 0);
    return {};
  }
  SymbolTable& symbols = c.symbols();
  const Dim step = bounds.integer[2];
  if (step.Is(0)) return InvalidArgument("its step is 0");
  if (!step.known() || step.value() == INT64_MIN) return {};
  const bool up = step.value() > 0;
  // Caffe2 cuts off, and adds a step only where the end is greater than what it reaches: one that
  // counts down loses its last step where it does not come out even.
  const Dim from = bounds.integer[0], to = bounds.integer[1];
  if (!IsOnnx(c.node()) && !up && from.known() && to.known() && to.value() < from.value()) {
    *count = Dim((from.value() - to.value()) / -step.value());
    return {};
  }
  const Dim extent = up ? symbols.Sub(bounds.integer[1], bounds.integer[0])
                        : symbols.Sub(bounds.integer[0], bounds.integer[1]);
  const Dim stride(up ? step.value() : -step.value());
  *count = extent.known() && extent.value() <= 0 ? Dim(0) : symbols.CeilDiv(extent, stride);
  return {};
}

Status InferRange(InferContext& c) {
  const ElementType type = c.input(0).type;
  if (!IsFloatType(type) && type != ElementType::kInt32 && type != ElementType::kInt64) {
    return Unsupported(Cat(c.Describe(0), " is of a type that Range does not take"));
  }
  Bounds bounds;
  Shape y;
  Dim count;
  DOPPIO_RETURN_IF_ERROR(ReadBounds(c, &bounds));
  DOPPIO_RETURN_IF_ERROR(CountSteps(c, bounds, &count));
  y.push_back(count);
  c.Set(0, type, y);
  base::Array<Dim>* content = nullptr;
  DOPPIO_RETURN_IF_ERROR(StartContent(c, 0, &content));
  if (content == nullptr) return {};
  Dim value = bounds.integer[0];
  for (Dim& element : *content) {
    element = HeldBy(type, value);
    value = c.symbols().Add(value, bounds.integer[2]);
  }
  return {};
}

// start + i * step, computed in Wide and stored as what `narrow` makes of it, as a constant.
template <class Wide, class Narrow>
Status EmitRange(LowerContext& c, Wide start, Wide step, Narrow narrow) {
  const TensorRef y = c.output(0);
  base::Array<decltype(narrow(start))> values;
  const int64_t count = y.dims[0];
  DOPPIO_RETURN_IF_ERROR(values.Resize(static_cast<size_t>(count)));
  for (int64_t i = 0; i < count; ++i) {
    values[static_cast<size_t>(i)] = narrow(start + static_cast<Wide>(i) * step);
  }
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef constant, c.Constant(y.type, y.dims, values.data()));
  return c.Alias(0, constant);
}

Status LowerRange(LowerContext& c) {
  int inputs[3];
  BoundInputs(c.node(), inputs);
  const ElementType type = c.output(0).type;
  int64_t integer[3] = {0, 0, 1};
  double real[3] = {0, 0, 1};
  for (int i = 0; i < 3; ++i) {
    if (inputs[i] < 0) continue;
    const auto input = static_cast<size_t>(inputs[i]);
    if (!IsFloatType(type)) {
      integer[i] = c.Content(input)[0].value();
    } else if (c.input(input).constant != nullptr) {
      real[i] = RealOf(type, c.input(input).constant);
    } else {
      return Unsupported("its bounds depend on data");
    }
  }
  switch (type) {
    case ElementType::kFloat:
      return EmitRange(c, static_cast<float>(real[0]), static_cast<float>(real[2]),
                       [](float value) { return value; });
    case ElementType::kDouble:
      return EmitRange(c, real[0], real[2], [](double value) { return value; });
    case ElementType::kFloat16:
      return EmitRange(c, real[0], real[2], [](double value) { return base::ToFloat16(value); });
    case ElementType::kBFloat16:
      return EmitRange(c, real[0], real[2], [](double value) { return base::ToBFloat16(value); });
    case ElementType::kInt32:
      return EmitRange(c, integer[0], integer[2],
                       [](int64_t value) { return static_cast<int32_t>(value); });
    default:
      return EmitRange(c, integer[0], integer[2], [](int64_t value) { return value; });
  }
}

// --- EyeLike
// ---------------------------------------------------------------------------------------

Status InferEyeLike(InferContext& c) {
  const ValueFacts& x = c.input(0);
  int64_t type = static_cast<int64_t>(x.type);
  if (x.shape.rank != 2) return InvalidArgument(Cat(c.Describe(0), " must have 2 dimensions"));
  if (c.args.Has("dtype")) {
    DOPPIO_RETURN_IF_ERROR(c.args.IntIn("dtype", 1, kElementTypeCount - 1, &type));
  }
  const auto element = static_cast<ElementType>(type);
  if (!IsNumericType(element) && element != ElementType::kBool) {
    return Unsupported(Cat("it makes ", element));
  }
  c.Set(0, element, x.shape);
  return {};
}

Element One(ElementType type) {
  Element one;
  switch (type) {
    case ElementType::kFloat:
      one.Set(type, 1.0f);
      break;
    case ElementType::kDouble:
      one.Set(type, 1.0);
      break;
    case ElementType::kFloat16:
      one.Set(type, uint16_t{0x3c00});
      break;
    case ElementType::kBFloat16:
      one.Set(type, uint16_t{0x3f80});
      break;
    default:
      one.SetInteger(type, 1);
  }
  return one;
}

Status LowerEyeLike(LowerContext& c) {
  int64_t k = 0;
  DOPPIO_RETURN_IF_ERROR(c.args.Int("k", &k));
  const TensorRef y = c.output(0);
  constexpr unsigned char kZero[16] = {};
  DOPPIO_RETURN_IF_ERROR(c.Fill(y, kZero));
  const int64_t rows = y.dims[0], columns = y.dims[1];
  if (k >= columns || k <= -rows) return {};
  const int64_t row = k < 0 ? -k : 0, column = k > 0 ? k : 0;
  TensorRef diagonal = y;
  diagonal.offset += row * y.strides[0] + column * y.strides[1];
  diagonal.dims = Dims({std::min(rows - row, columns - column)});
  diagonal.strides = Dims({y.strides[0] + y.strides[1]});
  return c.Fill(diagonal, One(y.type).bytes);
}

constexpr ArgSpec kConstantFillArgs[] = {{"value", ArgKind::kFloat},
                                         {"dtype", ArgKind::kInt, 1},
                                         {"shape", ArgKind::kInts},
                                         {"extra_shape", ArgKind::kInts},
                                         {"input_as_shape", ArgKind::kInt}};
constexpr ArgSpec kConstantOfShapeArgs[] = {{"value", ArgKind::kTensor}};
constexpr ArgSpec kEyeLikeArgs[] = {{"dtype", ArgKind::kInt}, {"k", ArgKind::kInt}};

// --- RangeFill, GivenTensorFill
// ----------------------------------------------------------------------

Status InferFloatFill(InferContext& c) { return InferFill(c, ElementType::kFloat); }

Status LowerRangeFill(LowerContext& c) {
  base::Array<float> values;
  DOPPIO_RETURN_IF_ERROR(values.Resize(static_cast<size_t>(c.output(0).count())));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef constant,
                          c.Constant(ElementType::kFloat, c.output(0).dims, values.data()));
  return c.Alias(0, constant);
}

// The form with an input, which gives the sizes; the reader of pairs knows the other.
Status LowerGivenTensorFill(LowerContext& c) {
  const std::span<const float> values = c.args.Floats("values");
  const int64_t wanted = c.output(0).count();
  if (static_cast<int64_t>(values.size()) < wanted) {
    return InvalidArgument(Cat("it holds ", values.size(), " values, its shape wants ", wanted));
  }
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef constant,
                          c.Constant(ElementType::kFloat, c.output(0).dims, values.data()));
  return c.Alias(0, constant);
}

constexpr ArgSpec kValuesArg[] = {{"values", ArgKind::kFloats}};
constexpr auto kGivenArgs = JoinArgs(kFillShapeArgs, kValuesArg);

}  // namespace

Status ReadFillShape(const InferContext& c, Shape* shape, bool* complete) {
  bool input_as_shape = false;
  *complete = true;
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("input_as_shape", &input_as_shape));
  const std::span<const int64_t> extra = c.args.Ints("extra_shape");
  if (!c.HasInput(0)) {
    if (input_as_shape || !extra.empty()) {
      return InvalidArgument("arguments input_as_shape and extra_shape want an input");
    }
    if (c.args.Ints("shape").size() > kMaxRank)
      return InvalidArgument("argument 'shape' is too long");
    for (int64_t size : c.args.Ints("shape")) shape->push_back(Dim(size));
    return {};
  }
  if (c.args.Has("shape"))
    return InvalidArgument("it has both an argument and an input for its shape");
  *shape = c.input(0).shape;
  if (input_as_shape && c.input(0).type != ElementType::kInt64) {
    return InvalidArgument(Cat(c.Describe(0), " must be int64 to be a shape"));
  }
  if (input_as_shape) DOPPIO_RETURN_IF_ERROR(SizesFromInput(c, 0, shape, complete));
  if (extra.size() > static_cast<size_t>(kMaxRank - shape->rank)) {
    return InvalidArgument("argument 'extra_shape' is too long");
  }
  for (int64_t size : extra) shape->push_back(Dim(size));
  return {};
}

Status CheckFillSizes(const Shape& shape) {
  for (int i = 0; i < shape.rank; ++i) {
    if (shape[i].known() && shape[i].value() < 0) {
      return InvalidArgument(Cat("its shape has the size ", shape[i].value()));
    }
  }
  return {};
}

Status InferFill(InferContext& c, ElementType type) {
  Shape shape;
  bool complete = false;
  DOPPIO_RETURN_IF_ERROR(ReadFillShape(c, &shape, &complete));
  if (!complete) {
    c.SetUnknownShape(0, type);
    return {};
  }
  DOPPIO_RETURN_IF_ERROR(CheckFillSizes(shape));
  c.Set(0, type, shape);
  return {};
}

const Operator kRangeFill = {.domain = "",
                             .type = "RangeFill",
                             .min_inputs = 0,
                             .max_inputs = 1,
                             .min_outputs = 1,
                             .max_outputs = 1,
                             .layout = LayoutTrait::kRowMajor,
                             .flags = kPlain,
                             .infer = InferFloatFill,
                             .lower = LowerRangeFill,
                             .args = kFillShapeArgs,
                             .summary = "0, 1, 2, ..."};
const Operator kGivenTensorFill = {.domain = "",
                                   .type = "GivenTensorFill",
                                   .min_inputs = 0,
                                   .max_inputs = 1,
                                   .min_outputs = 1,
                                   .max_outputs = 1,
                                   .layout = LayoutTrait::kRowMajor,
                                   .flags = kPlain,
                                   .infer = InferFloatFill,
                                   .lower = LowerGivenTensorFill,
                                   .args = kGivenArgs,
                                   .summary = "values of the file"};
const Operator kDiagonalFill = {.domain = "",
                                .type = "DiagonalFill",
                                .min_inputs = 0,
                                .max_inputs = 1,
                                .min_outputs = 1,
                                .max_outputs = 1,
                                .layout = LayoutTrait::kRowMajor,
                                .flags = kPlain,
                                .infer = InferDiagonalFill,
                                .lower = LowerDiagonalFill,
                                .args = kConstantFillArgs,
                                .summary = "a value on the diagonal, zeros beside it"};
const Operator kConstantFill = {"",
                                "ConstantFill",
                                0,
                                1,
                                1,
                                1,
                                LayoutTrait::kRowMajor,
                                kPlain,
                                InferConstantFill,
                                LowerConstantFill,
                                kConstantFillArgs,
                                "one value in a shape"};
const Operator kOnnxConstantOfShape = {"ai.onnx",
                                       "ConstantOfShape",
                                       1,
                                       1,
                                       1,
                                       1,
                                       LayoutTrait::kRowMajor,
                                       kPlain,
                                       InferConstantOfShape,
                                       LowerConstantOfShape,
                                       kConstantOfShapeArgs,
                                       "one value in a shape"};
const Operator kRange = {"",
                         "Range",
                         1,
                         3,
                         1,
                         1,
                         LayoutTrait::kRowMajor,
                         kPlain,
                         InferRange,
                         LowerRange,
                         {},
                         "numbers at equal distances"};
const Operator kOnnxRange = {"ai.onnx",
                             "Range",
                             3,
                             3,
                             1,
                             1,
                             LayoutTrait::kRowMajor,
                             kPlain,
                             InferRange,
                             LowerRange,
                             {},
                             "numbers at equal distances"};
const Operator kOnnxEyeLike = {"ai.onnx",
                               "EyeLike",
                               1,
                               1,
                               1,
                               1,
                               LayoutTrait::kRowMajor,
                               kPlain,
                               InferEyeLike,
                               LowerEyeLike,
                               kEyeLikeArgs,
                               "ones on a diagonal"};

}  // namespace doppio::operators
