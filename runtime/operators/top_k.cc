// TopK of ONNX: the greatest or least values along an axis and where they stood.
#include "kernels/problems/top_k.h"

#include "base/message.h"
#include "runtime/operators/infer_context.h"
#include "runtime/operators/lower_context.h"
#include "runtime/operators/rows.h"

namespace doppio::operators {
namespace {

using base::Cat;

Status InferTopK(InferContext& c) {
  const ValueFacts& x = c.input(0);
  int64_t axis_arg = 0;
  int axis = 0;
  DOPPIO_RETURN_IF_ERROR(c.args.Int("axis", &axis_arg));
  DOPPIO_RETURN_IF_ERROR(c.CanonicalAxis(axis_arg, x.shape.rank, &axis));
  base::Array<int64_t> k;
  bool known = false;
  DOPPIO_RETURN_IF_ERROR(c.Content(1, &k, &known));
  Shape y = x.shape;
  y[axis] = Dim();
  if (known) {
    if (k.size() != 1) return InvalidArgument(Cat("k ", c.Describe(1), " must be one number"));
    const Dim size = x.shape[axis];
    if (k[0] < 0 || (size.known() && k[0] > size.value())) {
      return InvalidArgument(Cat("k is ", k[0], ", axis ", axis, " has ",
                                 size.known() ? Cat(size.value()) : std::string("?"), " values"));
    }
    y[axis] = Dim(k[0]);
  } else {
    c.NeedContent(1);
  }
  c.Set(0, x.type, y);
  c.Set(1, ElementType::kInt64, y);
  return {};
}

Status LowerTopK(LowerContext& c) {
  const TensorRef x = c.input(0);
  const TensorRef values = c.output(0);
  const TensorRef positions = c.output_count() > 1 ? c.output(1) : TensorRef();
  int64_t axis = 0, largest = 1;
  DOPPIO_RETURN_IF_ERROR(c.args.Int("axis", &axis));
  DOPPIO_RETURN_IF_ERROR(c.args.Int("largest", &largest));
  const int at = static_cast<int>(axis < 0 ? axis + x.dims.rank() : axis);
  const Dims& y_dims = values.present() ? values.dims : positions.dims;
  kernels::TopKProblem p;
  p.type = x.type;
  p.least = largest == 0;
  p.size = x.dims[at];
  p.k = y_dims[at];
  for (int i = 0; i < at; ++i) p.outer *= x.dims[i];
  for (int i = at + 1; i < x.dims.rank(); ++i) p.inner *= x.dims[i];
  p.x_size = p.y_k = p.inner;
  p.x_outer = p.size * p.inner;
  p.y_outer = p.k * p.inner;
  return c.Emit(kernels::ProblemKind::kTopK, p, {x}, {values, positions});
}

constexpr ArgSpec kTopKArgs[] = {
    {"axis", ArgKind::kInt, -1}, {"largest", ArgKind::kInt, 1}, {"sorted", ArgKind::kInt, 1}};

}  // namespace

const Operator kOnnxTopK = {.domain = "ai.onnx",
                            .type = "TopK",
                            .min_inputs = 2,
                            .max_inputs = 2,
                            .min_outputs = 1,
                            .max_outputs = 2,
                            .layout = LayoutTrait::kRowMajor,
                            .flags = kPlain,
                            .infer = InferTopK,
                            .lower = LowerTopK,
                            .args = kTopKArgs,
                            .summary = "the k greatest or least values along an axis"};

}  // namespace doppio::operators
