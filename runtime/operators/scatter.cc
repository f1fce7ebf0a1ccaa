// Writing elements by index: ScatterElements, ScatterND.
#include "base/message.h"
#include "kernels/problems/indexing.h"
#include "runtime/operators/element_class.h"
#include "runtime/operators/infer_context.h"
#include "runtime/operators/lower_context.h"
#include "runtime/operators/rows.h"

namespace doppio::operators {
namespace {

using base::Cat;
using kernels::ProblemKind;
using kernels::ScatterOp;
using kernels::ScatterProblem;

Status ReadOp(const ArgReader& args, ElementType type, ScatterOp* op) {
  std::string_view name;
  DOPPIO_RETURN_IF_ERROR(args.Text("reduction", &name));
  if (name == "none") {
    *op = ScatterOp::kAssign;
    return {};
  }
  if (name == "add") {
    *op = ScatterOp::kAdd;
  } else if (name == "mul") {
    *op = ScatterOp::kMul;
  } else if (name == "max") {
    *op = ScatterOp::kMax;
  } else if (name == "min") {
    *op = ScatterOp::kMin;
  } else {
    return InvalidArgument(Cat("argument 'reduction' is ", base::Quoted(name)));
  }
  return IsNumericType(type) ? Status()
                             : InvalidArgument(Cat("reduction ", name, " does not take ", type));
}

Status CheckTypes(const InferContext& c) {
  ScatterOp op = ScatterOp::kAssign;
  DOPPIO_RETURN_IF_ERROR(ReadOp(c.args, c.input(0).type, &op));
  if (c.input(1).type != ElementType::kInt64 && c.input(1).type != ElementType::kInt32) {
    return InvalidArgument(Cat("indices ", c.Describe(1), " must be int64 or int32"));
  }
  if (c.input(0).type == c.input(2).type) return {};
  return InvalidArgument(Cat(c.Describe(0), " and updates ", c.Describe(2), " differ in type"));
}

bool Differ(Dim a, Dim b) { return a.known() && b.known() && !(a == b); }

Status InferScatterElements(InferContext& c) {
  const Shape& x = c.input(0).shape;
  const Shape& index = c.input(1).shape;
  const Shape& updates = c.input(2).shape;
  int64_t axis = 0;
  int along = 0;
  DOPPIO_RETURN_IF_ERROR(CheckTypes(c));
  DOPPIO_RETURN_IF_ERROR(c.args.Int("axis", &axis));
  DOPPIO_RETURN_IF_ERROR(c.CanonicalAxis(axis, x.rank, &along));
  bool fits = index.rank == x.rank && updates.rank == x.rank;
  for (int i = 0; fits && i < x.rank; ++i) {
    const bool within =
        i == along || !x[i].known() || !index[i].known() || index[i].value() <= x[i].value();
    fits = within && !Differ(index[i], updates[i]);
  }
  if (!fits) {
    return InvalidArgument(Cat("indices ", c.Describe(1), " and updates ", c.Describe(2),
                               " do not fit ", c.Describe(0)));
  }
  c.Set(0, c.input(0).type, x);
  return {};
}

Status InferScatterNd(InferContext& c) {
  const Shape& x = c.input(0).shape;
  const Shape& index = c.input(1).shape;
  const Shape& updates = c.input(2).shape;
  DOPPIO_RETURN_IF_ERROR(CheckTypes(c));
  const Dim depth = index.rank > 0 ? index[index.rank - 1] : Dim(0);
  bool fits = x.rank > 0 && index.rank > 0;
  if (fits && depth.known()) {
    const int64_t deep = depth.value();
    fits = deep >= 1 && deep <= x.rank && updates.rank == index.rank - 1 + x.rank - deep;
    for (int i = 0; fits && i < updates.rank; ++i) {
      const Dim wanted =
          i + 1 < index.rank ? index[i] : x[static_cast<int>(deep) + i - index.rank + 1];
      fits = !Differ(updates[i], wanted);
    }
  }
  if (!fits) {
    return InvalidArgument(Cat("indices ", c.Describe(1), " and updates ", c.Describe(2),
                               " do not fit ", c.Describe(0)));
  }
  c.Set(0, c.input(0).type, x);
  return {};
}

Status StartProblem(const LowerContext& c, ScatterProblem* p) {
  const TensorRef x = c.input(0);
  DOPPIO_RETURN_IF_ERROR(ReadOp(c.args, x.type, &p->op));
  p->type = x.type;
  p->index_type = c.input(1).type;
  p->rank = x.dims.rank();
  for (int i = 0; i < p->rank; ++i) p->x_dims[i] = x.dims[i];
  return {};
}

Status LowerScatterElements(LowerContext& c) {
  int64_t axis = 0;
  ScatterProblem p;
  DOPPIO_RETURN_IF_ERROR(StartProblem(c, &p));
  DOPPIO_RETURN_IF_ERROR(c.args.Int("axis", &axis));
  p.along = static_cast<int>(axis < 0 ? axis + p.rank : axis);
  const TensorRef index = c.input(1);
  for (int i = 0; i < p.rank; ++i) p.dims[i] = index.dims[i];
  return c.Emit(ProblemKind::kScatter, p, {c.input(0), index, c.input(2)}, {c.output(0)});
}

Status LowerScatterNd(LowerContext& c) {
  ScatterProblem p;
  DOPPIO_RETURN_IF_ERROR(StartProblem(c, &p));
  const TensorRef index = c.input(1);
  const int index_rank = index.dims.rank();
  p.depth = index.dims[index_rank - 1];
  for (int i = 0; i + 1 < index_rank; ++i) p.count *= index.dims[i];
  for (int i = static_cast<int>(p.depth); i < p.rank; ++i) p.inner *= p.x_dims[i];
  return c.Emit(ProblemKind::kScatter, p, {c.input(0), index, c.input(2)}, {c.output(0)});
}

constexpr ArgSpec kElementsArgs[] = {{"axis", ArgKind::kInt, 0},
                                     {"reduction", ArgKind::kString, 0, "none"}};
constexpr ArgSpec kNdArgs[] = {{"reduction", ArgKind::kString, 0, "none"}};

}  // namespace

const Operator kOnnxScatterElements = {"ai.onnx",
                                       "ScatterElements",
                                       3,
                                       3,
                                       1,
                                       1,
                                       LayoutTrait::kRowMajor,
                                       kElementwise,
                                       InferScatterElements,
                                       LowerScatterElements,
                                       kElementsArgs,
                                       "a tensor with some elements written anew"};
const Operator kOnnxScatterNd = {"ai.onnx",
                                 "ScatterND",
                                 3,
                                 3,
                                 1,
                                 1,
                                 LayoutTrait::kRowMajor,
                                 kElementwise,
                                 InferScatterNd,
                                 LowerScatterNd,
                                 kNdArgs,
                                 "a tensor with some slices written anew"};

}  // namespace doppio::operators
