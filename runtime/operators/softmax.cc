// Softmax, LogSoftmax and Hardmax along an axis, and the positions of extremes.
#include "base/message.h"
#include "kernels/problems/elementwise.h"
#include "kernels/problems/reduce.h"
#include "runtime/operators/element_class.h"
#include "runtime/operators/infer_context.h"
#include "runtime/operators/lower_context.h"
#include "runtime/operators/rows.h"

namespace doppio::operators {
namespace {

using base::Cat;
using kernels::ProblemKind;
using kernels::SoftmaxOp;

Status ReadAxis(const ArgReader& args, int rank, int* axis) {
  int64_t value = 0;
  DOPPIO_RETURN_IF_ERROR(args.Int("axis", &value));
  if (value < -rank || value >= rank) {
    return InvalidArgument(Cat("axis ", value, " does not exist in ", rank, " dimensions"));
  }
  *axis = static_cast<int>(value < 0 ? value + rank : value);
  return {};
}

// A tensor as [outer, size, inner] around an axis; its strides, when one stride walks each of the
// three.
struct Around {
  int64_t outer = 1, size = 1, inner = 1;
  int64_t outer_stride = 0, size_stride = 1, inner_stride = 1;
};

// The sizes before `axis` and after it as one. False when no single stride walks them.
bool SplitAround(const TensorRef& x, int axis, Around* around) {
  const auto walk = [&x](int begin, int end, int64_t* size, int64_t* stride) {
    int64_t dims[kMaxRank], strides[kMaxRank];
    int64_t* const operands[] = {strides};
    int rank = 0;
    for (int i = begin; i < end; ++i) {
      dims[rank] = x.dims[i];
      strides[rank++] = x.strides[i];
      *size *= x.dims[i];
    }
    kernels::Collapse(&rank, dims, 1, operands);
    *stride = rank == 0 ? 0 : strides[0];
    return rank <= 1;
  };
  around->size = x.dims[axis];
  around->size_stride = x.strides[axis];
  return walk(0, axis, &around->outer, &around->outer_stride) &&
         walk(axis + 1, x.dims.rank(), &around->inner, &around->inner_stride);
}

// --- softmax
// ---------------------------------------------------------------------------------------

Status InferSoftmax(InferContext& c) {
  const ValueFacts& x = c.input(0);
  int axis = 0;
  // Caffe2's knows float32 alone.
  if (!IsFloatType(x.type) || (!IsOnnx(c.node()) && x.type != ElementType::kFloat)) {
    return InvalidArgument(
        Cat(c.Describe(0), " is of a type that ", c.node().type, " does not take"));
  }
  DOPPIO_RETURN_IF_ERROR(ReadAxis(c.args, x.shape.rank, &axis));
  c.Set(0, x.type, x.shape);
  return {};
}

SoftmaxOp OpOf(std::string_view type) {
  return type == "LogSoftmax" ? SoftmaxOp::kLogSoftmax
         : type == "Hardmax"  ? SoftmaxOp::kHardmax
                              : SoftmaxOp::kSoftmax;
}

// Over row-major tensors whose axis `axis` stands in the middle.
Status EmitSoftmax(LowerContext& c, const TensorRef& x, const TensorRef& y, int axis) {
  Around from, to;
  if (!SplitAround(x, axis, &from) || !SplitAround(y, axis, &to)) {
    return Internal("softmax wants row-major tensors");
  }
  kernels::SoftmaxProblem p;
  p.op = OpOf(c.node().type);
  p.type = x.type;
  p.outer = from.outer;
  p.size = from.size;
  p.inner = from.inner;
  p.x_outer = from.outer_stride;
  p.x_size = from.size_stride;
  p.x_inner = from.inner_stride;
  p.y_outer = to.outer_stride;
  p.y_size = to.size_stride;
  p.y_inner = to.inner_stride;
  return c.Emit(ProblemKind::kSoftmax, p, {x}, {y});
}

Status LowerOnnxSoftmax(LowerContext& c) {
  int axis = 0;
  const TensorRef x = c.input(0);
  DOPPIO_RETURN_IF_ERROR(ReadAxis(c.args, x.dims.rank(), &axis));
  return EmitSoftmax(c, x, c.output(0), axis);
}

// Caffe2 takes all dimensions from the axis on as one.
Status LowerCaffe2Softmax(LowerContext& c) {
  int axis = 0;
  const TensorRef x = c.input(0);
  DOPPIO_RETURN_IF_ERROR(ReadAxis(c.args, x.dims.rank(), &axis));
  Dims rows({1, 1});
  for (int i = 0; i < x.dims.rank(); ++i) rows[i < axis ? 0 : 1] *= x.dims[i];
  return EmitSoftmax(c, Reshaped(x, rows), Reshaped(c.output(0), rows), 1);
}

// --- positions of extremes
// -----------------------------------------------------------------------------

Status InferArgReduce(InferContext& c) {
  const ValueFacts& x = c.input(0);
  int axis = 0;
  bool keep = true;
  if (!IsNumericType(x.type)) {
    return InvalidArgument(
        Cat(c.Describe(0), " is of a type that ", c.node().type, " does not take"));
  }
  DOPPIO_RETURN_IF_ERROR(ReadAxis(c.args, x.shape.rank, &axis));
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("keepdims", &keep));
  if (x.shape[axis].Is(0))
    return InvalidArgument(Cat("axis ", axis, " of ", c.Describe(0), " is empty"));
  Shape y;
  for (int i = 0; i < x.shape.rank; ++i) {
    if (i != axis) {
      y.push_back(x.shape[i]);
    } else if (keep) {
      y.push_back(Dim(1));
    }
  }
  c.Set(0, ElementType::kInt64, y);
  return {};
}

Status LowerArgReduce(LowerContext& c) {
  int axis = 0;
  Around from;
  const TensorRef x = c.input(0);
  DOPPIO_RETURN_IF_ERROR(ReadAxis(c.args, x.dims.rank(), &axis));
  if (!SplitAround(x, axis, &from)) return Internal("it wants a row-major tensor");
  kernels::ArgReduceProblem p;
  p.type = x.type;
  p.least = c.node().type == "ArgMin";
  if (!c.node().domain.empty())
    DOPPIO_RETURN_IF_ERROR(c.args.Bool("select_last_index", &p.select_last));
  p.outer = from.outer;
  p.size = from.size;
  p.inner = from.inner;
  p.x_outer = from.outer_stride;
  p.x_size = from.size_stride;
  p.x_inner = from.inner_stride;
  p.y_outer = from.inner;
  p.y_inner = 1;
  return c.Emit(ProblemKind::kArgReduce, p, {x}, {c.output(0)});
}

constexpr ArgSpec kSoftmaxArgs[] = {{"axis", ArgKind::kInt, 1}};
constexpr ArgSpec kOnnxSoftmaxArgs[] = {{"axis", ArgKind::kInt, -1}};
constexpr ArgSpec kArgReduceArgs[] = {{"axis", ArgKind::kInt, -1}, {"keepdims", ArgKind::kInt, 1}};
constexpr ArgSpec kOnnxArgReduceArgs[] = {{"axis", ArgKind::kInt, 0},
                                          {"keepdims", ArgKind::kInt, 1},
                                          {"select_last_index", ArgKind::kInt}};

constexpr Operator OnnxSoftmax(std::string_view type) {
  return {"ai.onnx",
          type,
          1,
          1,
          1,
          1,
          LayoutTrait::kRowMajor,
          kElementwise,
          InferSoftmax,
          LowerOnnxSoftmax,
          kOnnxSoftmaxArgs,
          "normalised exponentials, or the greatest value, along an axis"};
}
constexpr Operator ArgReduce(std::string_view domain, std::string_view type,
                             std::span<const ArgSpec> args) {
  return {domain,
          type,
          1,
          1,
          1,
          1,
          LayoutTrait::kRowMajor,
          kPlain,
          InferArgReduce,
          LowerArgReduce,
          args,
          "the position of the greatest or least value along an axis"};
}

}  // namespace

const Operator kSoftmax = {"",
                           "Softmax",
                           1,
                           1,
                           1,
                           1,
                           LayoutTrait::kRowMajor,
                           kElementwise,
                           InferSoftmax,
                           LowerCaffe2Softmax,
                           kSoftmaxArgs,
                           "normalised exponentials over all axes from one on"};
const Operator kOnnxSoftmax = OnnxSoftmax("Softmax");
const Operator kOnnxLogSoftmax = OnnxSoftmax("LogSoftmax");
const Operator kOnnxHardmax = OnnxSoftmax("Hardmax");
const Operator kArgMax = ArgReduce("", "ArgMax", kArgReduceArgs);
const Operator kArgMin = ArgReduce("", "ArgMin", kArgReduceArgs);
const Operator kOnnxArgMax = ArgReduce("ai.onnx", "ArgMax", kOnnxArgReduceArgs);
const Operator kOnnxArgMin = ArgReduce("ai.onnx", "ArgMin", kOnnxArgReduceArgs);

}  // namespace doppio::operators
