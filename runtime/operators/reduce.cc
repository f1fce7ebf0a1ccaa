// Reductions over axes: Caffe2's and ONNX's.

#include "runtime/operators/reduce.h"

#include <cmath>

#include "base/message.h"
#include "runtime/operators/binary.h"
#include "runtime/operators/cast.h"
#include "runtime/operators/content.h"
#include "runtime/operators/element_class.h"
#include "runtime/operators/rows.h"
#include "runtime/operators/view.h"
#include "runtime/operators/where.h"

namespace doppio::operators {
using base::Cat;
using kernels::ProblemKind;
using kernels::ReduceOp;
using kernels::ReduceProblem;

Status EmitReduce(LowerContext& c, ReduceOp op, const Reduction& r, const TensorRef& x,
                  const TensorRef& y) {
  ReduceProblem p;
  p.op = op;
  p.type = x.type;
  int out = 0;
  for (int i = 0; i < x.dims.rank(); ++i) {
    if (r.reduced[i]) {
      p.reduce_dims[p.reduce_rank] = x.dims[i];
      p.reduce_x[p.reduce_rank++] = x.strides[i];
      if (r.keep) ++out;
    } else {
      p.keep_dims[p.keep_rank] = x.dims[i];
      p.keep_x[p.keep_rank] = x.strides[i];
      p.keep_y[p.keep_rank++] = y.strides[out++];
    }
  }
  int64_t* const keep[] = {p.keep_x, p.keep_y};
  MergeDims(&p.keep_rank, p.keep_dims, 2, keep);
  int64_t* const reduce[] = {p.reduce_x};
  MergeDims(&p.reduce_rank, p.reduce_dims, 1, reduce);
  return c.Emit(ProblemKind::kReduce, p, {x}, {y});
}

namespace {

struct NamedOp {
  std::string_view suffix;
  ReduceOp op;
};
constexpr NamedOp kOps[] = {
    {"LogSumExp", ReduceOp::kLogSumExp},
    {"LogSum", ReduceOp::kLogSum},
    {"SumSquare", ReduceOp::kSumSquare},
    {"Sum", ReduceOp::kSum},
    {"Mean", ReduceOp::kMean},
    {"Max", ReduceOp::kMax},
    {"Min", ReduceOp::kMin},
    {"Prod", ReduceOp::kProd},
    {"L1", ReduceOp::kL1},
    {"L2", ReduceOp::kL2},
};

ReduceOp OpOf(std::string_view type) {
  for (const NamedOp& named : kOps) {
    if (type.ends_with(named.suffix)) return named.op;
  }
  return ReduceOp::kSum;
}

Status MarkAxes(std::span<const int64_t> axes, int rank, Reduction* r) {
  for (int64_t axis : axes) {
    if (axis < -rank || axis >= rank) {
      return InvalidArgument(Cat("axis ", axis, " does not exist in ", rank, " dimensions"));
    }
    r->reduced[axis < 0 ? axis + rank : axis] = true;
  }
  return {};
}

void MarkAll(int begin, int end, Reduction* r) {
  for (int i = begin; i < end; ++i) r->reduced[i] = true;
}

// Caffe2's ReduceFront*, ReduceBack* and SumElements name their axes by count.
Status ReadCaffe2Counted(const graph::Node& node, const ArgReader& args, int rank, Reduction* r) {
  r->keep = false;
  if (node.type == "SumElements") {
    MarkAll(0, rank, r);
    return {};
  }
  int64_t count = 1;
  DOPPIO_RETURN_IF_ERROR(args.IntIn("num_reduce_dim", 0, rank, &count));
  const int counted = static_cast<int>(count);
  if (node.type.starts_with("ReduceFront")) {
    MarkAll(0, counted, r);
  } else {
    MarkAll(rank - counted, rank, r);
  }
  return {};
}

bool IsCounted(std::string_view type) {
  return type == "SumElements" || type.starts_with("ReduceFront") || type.starts_with("ReduceBack");
}

// `axes_input`: the values of ONNX's second input, when it is there.
Status ReadReduction(const graph::Node& node, const ArgReader& args, int rank, bool has_axes_input,
                     std::span<const int64_t> axes_input, Reduction* r) {
  if (IsCounted(node.type)) return ReadCaffe2Counted(node, args, rank, r);
  DOPPIO_RETURN_IF_ERROR(args.Bool("keepdims", &r->keep));
  const std::span<const int64_t> axes = has_axes_input ? axes_input : args.Ints("axes");
  if (!axes.empty()) return MarkAxes(axes, rank, r);
  if (!node.domain.empty()) DOPPIO_RETURN_IF_ERROR(args.Bool("noop_with_empty_axes", &r->identity));
  if (!r->identity) MarkAll(0, rank, r);
  return {};
}

Shape ReducedShape(const Shape& x, const Reduction& r) {
  Shape y;
  for (int i = 0; i < x.rank; ++i) {
    if (!r.reduced[i]) {
      y.push_back(x[i]);
    } else if (r.keep) {
      y.push_back(Dim(1));
    }
  }
  return y;
}

Dim Combine(SymbolTable* symbols, ReduceOp op, Dim a, Dim b) {
  switch (op) {
    case ReduceOp::kSum:
      return symbols->Add(a, b);
    case ReduceOp::kProd:
      return symbols->Mul(a, b);
    case ReduceOp::kMax:
      return symbols->Max(a, b);
    case ReduceOp::kMin:
      return symbols->Min(a, b);
    default:
      return Dim();
  }
}

// The content where everything becomes one value.
Status ReduceContent(const InferContext& c, ReduceOp op) {
  const ValueFacts& x = c.input(0);
  base::Array<Dim>* content = nullptr;
  if (!x.has_content || x.content.empty()) return {};
  DOPPIO_RETURN_IF_ERROR(StartContent(c, 0, &content));
  if (content == nullptr || content->size() != 1) return {};
  Dim value = x.content[0];
  for (size_t i = 1; i < x.content.size(); ++i)
    value = Combine(&c.symbols(), op, value, x.content[i]);
  (*content)[0] = HeldBy(x.type, value);
  return {};
}

// How many of the reduced elements count, for each result: input 1 of ReduceFront* and ReduceBack*.
Status CheckLengths(const InferContext& c, const Reduction& r, const Shape& y) {
  const ValueFacts& lengths = c.input(1);
  int reduced = 0;
  for (int i = 0; i < c.input(0).shape.rank; ++i) reduced += r.reduced[i];
  if (lengths.type != ElementType::kInt32 || reduced != 1) {
    return InvalidArgument(Cat(c.Describe(1), " must be int32, for one reduced dimension"));
  }
  const Dim results = CountOf(y, &c.symbols()), count = CountOf(lengths.shape, &c.symbols());
  if (!results.known() || !count.known() || results == count) return {};
  return InvalidArgument(Cat(c.Describe(1), " must hold ", results.value(), " lengths"));
}

// x with what is beyond the lengths replaced by what does not count.
StatusOr<TensorRef> WithinLengths(LowerContext& c, ReduceOp op, const TensorRef& x, int axis,
                                  const Dims& kept) {
  const TensorRef lengths = Reshaped(c.input(1), kept);
  base::Array<int32_t> positions;
  for (int64_t i = 0; i < x.dims[axis]; ++i) {
    DOPPIO_RETURN_IF_ERROR(positions.Append(static_cast<int32_t>(i)));
  }
  Dims along = x.dims;
  for (int i = 0; i < along.rank(); ++i) along[i] = i == axis ? x.dims[axis] : 1;
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef ramp,
                          c.Constant(ElementType::kInt32, along, positions.data()));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef counts, c.Temporary(ElementType::kBool, x.dims));
  DOPPIO_RETURN_IF_ERROR(EmitBinary(c, {kernels::BinaryOp::kLess}, ramp, lengths, counts));
  const float nothing = op == ReduceOp::kMax ? -INFINITY : 0;
  DOPPIO_ASSIGN_OR_RETURN(TensorRef neutral, c.Constant(ElementType::kFloat, {}, &nothing));
  DOPPIO_ASSIGN_OR_RETURN(neutral, AsType(c, neutral, x.type));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef masked, c.Temporary(x.type, x.dims));
  DOPPIO_RETURN_IF_ERROR(EmitWhere(c, counts, x, neutral, masked));
  return masked;
}

Status LowerWithLengths(LowerContext& c, ReduceOp op, const Reduction& r) {
  const TensorRef x = c.input(0), y = c.output(0);
  Dims kept = x.dims;
  int axis = 0;
  for (int i = 0; i < x.dims.rank(); ++i) {
    if (!r.reduced[i]) continue;
    axis = i;
    kept[i] = 1;
  }
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef masked, WithinLengths(c, op, x, axis, kept));
  const bool mean = op == ReduceOp::kMean;
  DOPPIO_RETURN_IF_ERROR(EmitReduce(c, mean ? ReduceOp::kSum : op, r, masked, y));
  if (!mean) return {};
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef lengths, AsType(c, c.input(1), y.type));
  return EmitBinary(c, {kernels::BinaryOp::kDiv}, y, Reshaped(lengths, y.dims), y);
}

Status InferReduce(InferContext& c) {
  const ValueFacts& x = c.input(0);
  const ReduceOp op = OpOf(c.node().type);
  const bool extreme = op == ReduceOp::kMax || op == ReduceOp::kMin;
  if (!IsNumericType(x.type) && !(extreme && x.type == ElementType::kBool)) {
    return InvalidArgument(
        Cat(c.Describe(0), " is of a type that ", c.node().type, " does not take"));
  }
  base::Array<int64_t> axes;
  const bool has_input = !c.node().domain.empty() && c.HasInput(1);
  if (has_input) {
    bool known = false;
    DOPPIO_RETURN_IF_ERROR(NumbersFromInput(c, 1, &axes, &known));
    if (!known) {
      c.SetUnknownShape(0, x.type);
      return {};
    }
  }
  Reduction r;
  DOPPIO_RETURN_IF_ERROR(ReadReduction(c.node(), c.args, x.shape.rank, has_input, axes, &r));
  c.Set(0, x.type, ReducedShape(x.shape, r));
  if (c.node().domain.empty() && c.HasInput(1)) {
    return CheckLengths(c, r, ReducedShape(x.shape, r));
  }
  if (r.identity) return KeepContent(c, 0, 0);
  return ReduceContent(c, op);
}

Status LowerReduce(LowerContext& c) {
  base::Array<int64_t> axes;
  const bool has_input = !c.node().domain.empty() && c.HasInput(1);
  if (has_input) {
    for (const Dim& axis : c.Content(1)) DOPPIO_RETURN_IF_ERROR(axes.Append(axis.value()));
  }
  Reduction r;
  const TensorRef x = c.input(0);
  DOPPIO_RETURN_IF_ERROR(ReadReduction(c.node(), c.args, x.dims.rank(), has_input, axes, &r));
  if (r.identity) return c.Alias(0, x);
  if (c.node().domain.empty() && c.HasInput(1)) {
    return LowerWithLengths(c, OpOf(c.node().type), r);
  }
  DOPPIO_RETURN_IF_ERROR(EmitReduce(c, OpOf(c.node().type), r, x, c.output(0)));
  return {};
}

Status InferSumElements(InferContext& c) {
  bool average = false;
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("average", &average));
  return InferReduce(c);
}

Status LowerSumElements(LowerContext& c) {
  bool average = false;
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("average", &average));
  Reduction r;
  const TensorRef x = c.input(0);
  DOPPIO_RETURN_IF_ERROR(ReadCaffe2Counted(c.node(), c.args, x.dims.rank(), &r));
  return EmitReduce(c, average ? ReduceOp::kMean : ReduceOp::kSum, r, x, c.output(0));
}

constexpr ArgSpec kAxesArgs[] = {{"axes", ArgKind::kInts}, {"keepdims", ArgKind::kInt, 1}};
constexpr ArgSpec kCountArgs[] = {{"num_reduce_dim", ArgKind::kInt, 1}};
constexpr ArgSpec kSumElementsArgs[] = {{"average", ArgKind::kInt}};
constexpr ArgSpec kOnnxArgs[] = {{"keepdims", ArgKind::kInt, 1},
                                 {"noop_with_empty_axes", ArgKind::kInt}};

constexpr Operator Caffe2Reduce(std::string_view type, std::span<const ArgSpec> args) {
  return {"",
          type,
          1,
          1,
          1,
          1,
          LayoutTrait::kAxisRemap,
          kPlain,
          InferReduce,
          LowerReduce,
          args,
          "one value out of those along some axes"};
}
constexpr Operator CountedReduce(std::string_view type) {
  Operator row = Caffe2Reduce(type, kCountArgs);
  row.max_inputs = 2;
  return row;
}
constexpr Operator OnnxReduce(std::string_view type) {
  return {"ai.onnx",
          type,
          1,
          2,
          1,
          1,
          LayoutTrait::kAxisRemap,
          kPlain,
          InferReduce,
          LowerReduce,
          kOnnxArgs,
          "one value out of those along some axes"};
}

}  // namespace

const Operator kReduceSum = Caffe2Reduce("ReduceSum", kAxesArgs);
const Operator kReduceMean = Caffe2Reduce("ReduceMean", kAxesArgs);
const Operator kReduceMax = Caffe2Reduce("ReduceMax", kAxesArgs);
const Operator kReduceMin = Caffe2Reduce("ReduceMin", kAxesArgs);
const Operator kReduceL1 = Caffe2Reduce("ReduceL1", kAxesArgs);
const Operator kReduceL2 = Caffe2Reduce("ReduceL2", kAxesArgs);
const Operator kReduceFrontSum = CountedReduce("ReduceFrontSum");
const Operator kReduceFrontMean = CountedReduce("ReduceFrontMean");
const Operator kReduceFrontMax = CountedReduce("ReduceFrontMax");
const Operator kReduceBackSum = CountedReduce("ReduceBackSum");
const Operator kReduceBackMean = CountedReduce("ReduceBackMean");
const Operator kReduceBackMax = CountedReduce("ReduceBackMax");
const Operator kSumElements = {"",
                               "SumElements",
                               1,
                               1,
                               1,
                               1,
                               LayoutTrait::kAxisRemap,
                               kPlain,
                               InferSumElements,
                               LowerSumElements,
                               kSumElementsArgs,
                               "the sum, or the mean, of all elements"};
const Operator kOnnxReduceSum = OnnxReduce("ReduceSum");
const Operator kOnnxReduceMean = OnnxReduce("ReduceMean");
const Operator kOnnxReduceMax = OnnxReduce("ReduceMax");
const Operator kOnnxReduceMin = OnnxReduce("ReduceMin");
const Operator kOnnxReduceProd = OnnxReduce("ReduceProd");
const Operator kOnnxReduceL1 = OnnxReduce("ReduceL1");
const Operator kOnnxReduceL2 = OnnxReduce("ReduceL2");
const Operator kOnnxReduceSumSquare = OnnxReduce("ReduceSumSquare");
const Operator kOnnxReduceLogSum = OnnxReduce("ReduceLogSum");
const Operator kOnnxReduceLogSumExp = OnnxReduce("ReduceLogSumExp");

}  // namespace doppio::operators
