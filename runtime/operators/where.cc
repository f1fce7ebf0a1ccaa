// The choice between two tensors, by a condition.
#include "runtime/operators/where.h"

#include "base/message.h"
#include "kernels/problems/elementwise.h"
#include "runtime/operators/content.h"
#include "runtime/operators/rows.h"

namespace doppio::operators {

using base::Cat;

Status EmitWhere(LowerContext& c, const TensorRef& condition, const TensorRef& a,
                 const TensorRef& b, const TensorRef& y) {
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
  return c.Emit(kernels::ProblemKind::kWhere, p, {condition, a, b}, {y});
}

namespace {
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

Status LowerWhere(LowerContext& c) {
  bool by_rows = false;
  if (c.node().domain.empty()) DOPPIO_RETURN_IF_ERROR(ReadByRows(c.node(), c.args, &by_rows));
  TensorRef condition = c.input(0);
  while (by_rows && condition.dims.rank() < c.output(0).dims.rank()) {
    condition.dims.push_back(1);
    condition.strides.push_back(0);
  }
  return EmitWhere(c, condition, c.input(1), c.input(2), c.output(0));
}

constexpr ArgSpec kWhereArgs[] = {{"broadcast_on_rows", ArgKind::kInt}};

}  // namespace

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
