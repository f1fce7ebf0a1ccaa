// TopK of ONNX and of Caffe2: the greatest or least values along an axis and where they stood.
#include "kernels/problems/top_k.h"

#include <algorithm>

#include "base/message.h"
#include "runtime/operators/binary.h"
#include "runtime/operators/infer_context.h"
#include "runtime/operators/lower_context.h"
#include "runtime/operators/rows.h"
#include "runtime/operators/where.h"

namespace doppio::operators {
namespace {

using base::Cat;
using kernels::BinaryOp;

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

// --- Caffe2's
// ----------------------------------------------------------------------------------------

Status ReadCaffe2TopK(const ArgReader& args, int rank, int64_t* k, int* axis) {
  int64_t named = -1;
  DOPPIO_RETURN_IF_ERROR(args.IntIn("k", 1, INT32_MAX, k));
  DOPPIO_RETURN_IF_ERROR(args.IntIn("axis", -1, rank - 1, &named));
  *axis = static_cast<int>(named < 0 ? rank - 1 : named);
  return {};
}

Status InferCaffe2TopK(InferContext& c) {
  const ValueFacts& x = c.input(0);
  int64_t k = 0;
  int axis = 0;
  if (x.type != ElementType::kFloat || x.shape.rank < 1) {
    return InvalidArgument(Cat(c.Describe(0), " must be float32 of at least one dimension"));
  }
  DOPPIO_RETURN_IF_ERROR(ReadCaffe2TopK(c.args, x.shape.rank, &k, &axis));
  Shape y = x.shape, flat;
  y[axis] = Dim(k);
  flat.push_back(CountOf(y, &c.symbols()));
  c.Set(0, x.type, y);
  c.Set(1, ElementType::kInt64, y);
  c.Set(2, ElementType::kInt64, flat);
  return {};
}

// What is beyond the axis has value 0 and position -1; output 2 counts positions in the whole
// tensor.
Status LowerCaffe2TopK(LowerContext& c) {
  const TensorRef x = c.input(0);
  int64_t k = 0;
  int axis = 0;
  DOPPIO_RETURN_IF_ERROR(ReadCaffe2TopK(c.args, x.dims.rank(), &k, &axis));
  Dims dims = x.dims;
  dims[axis] = k;
  if (ElementCount(dims) == 0) return {};
  TensorRef out[2] = {c.output(0), c.output_count() > 1 ? c.output(1) : TensorRef()};
  constexpr ElementType kTypes[] = {ElementType::kFloat, ElementType::kInt64};
  for (int i = 0; i < 2; ++i) {
    if (!out[i].present()) {
      DOPPIO_ASSIGN_OR_RETURN(out[i], c.Temporary(kTypes[i], dims));
    }
  }
  const int64_t found = std::min(k, x.dims[axis]);
  constexpr unsigned char kZero[16] = {};
  constexpr int64_t kNowhere = -1;
  if (found < k) {
    DOPPIO_RETURN_IF_ERROR(c.Fill(out[0], kZero));
    DOPPIO_RETURN_IF_ERROR(c.Fill(out[1], &kNowhere));
  }
  kernels::TopKProblem p;
  p.type = x.type;
  p.size = x.dims[axis];
  p.k = found;
  for (int i = 0; i < axis; ++i) p.outer *= x.dims[i];
  for (int i = axis + 1; i < x.dims.rank(); ++i) p.inner *= x.dims[i];
  p.x_size = p.y_k = p.inner;
  p.x_outer = p.size * p.inner;
  p.y_outer = k * p.inner;
  if (found > 0) {
    DOPPIO_RETURN_IF_ERROR(c.Emit(kernels::ProblemKind::kTopK, p, {x}, {out[0], out[1]}));
  }
  const TensorRef flat = c.output_count() > 2 ? c.output(2) : TensorRef();
  if (!flat.present()) return {};
  // position * inner + where the row begins; -1 stays.
  base::Array<int64_t> begins;
  for (int64_t outer = 0; outer < p.outer; ++outer) {
    for (int64_t inner = 0; inner < p.inner; ++inner) {
      DOPPIO_RETURN_IF_ERROR(begins.Append(outer * p.x_outer + inner));
    }
  }
  const Dims rows({p.outer, k, p.inner});
  const TensorRef positions = Reshaped(out[1], rows), y = Reshaped(flat, rows);
  DOPPIO_ASSIGN_OR_RETURN(
      const TensorRef begin,
      c.Constant(ElementType::kInt64, Dims({p.outer, 1, p.inner}), begins.data()));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef step, c.Constant(ElementType::kInt64, Dims(), &p.inner));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef sum, c.Temporary(ElementType::kInt64, rows));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef nowhere,
                          c.Constant(ElementType::kInt64, Dims(), &kNowhere));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef missing, c.Temporary(ElementType::kBool, rows));
  DOPPIO_RETURN_IF_ERROR(EmitBinary(c, {BinaryOp::kMul}, positions, step, sum));
  DOPPIO_RETURN_IF_ERROR(EmitBinary(c, {BinaryOp::kAdd}, sum, begin, sum));
  DOPPIO_RETURN_IF_ERROR(EmitBinary(c, {BinaryOp::kEqual}, positions, nowhere, missing));
  return EmitWhere(c, missing, nowhere, sum, y);
}

constexpr ArgSpec kCaffe2TopKArgs[] = {{"k", ArgKind::kInt, 0, "", true},
                                       {"axis", ArgKind::kInt, -1}};
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

const Operator kTopK = {.domain = "",
                        .type = "TopK",
                        .min_inputs = 1,
                        .max_inputs = 1,
                        .min_outputs = 2,
                        .max_outputs = 3,
                        .layout = LayoutTrait::kRowMajor,
                        .flags = kPlain,
                        .infer = InferCaffe2TopK,
                        .lower = LowerCaffe2TopK,
                        .args = kCaffe2TopKArgs,
                        .summary = "the k greatest values along an axis"};

}  // namespace doppio::operators
