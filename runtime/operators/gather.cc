// Picking elements by index: Gather, GatherElements, GatherND.
#include "base/message.h"
#include "kernels/problems/indexing.h"
#include "runtime/operators/cast.h"
#include "runtime/operators/content.h"
#include "runtime/operators/rows.h"

namespace doppio::operators {
namespace {

using base::Cat;
using kernels::ProblemKind;

Status CheckIndexType(const InferContext& c, size_t i) {
  const ElementType type = c.input(i).type;
  if (type == ElementType::kInt64 || type == ElementType::kInt32) return {};
  return InvalidArgument(Cat("indices ", c.Describe(i), " must be int64 or int32"));
}

int64_t Product(const Dims& dims, int begin, int end) {
  int64_t product = 1;
  for (int i = begin; i < end; ++i) product *= dims[i];
  return product;
}

// --- Gather
// ----------------------------------------------------------------------------------------

struct GatherArgs {
  int axis = 0;
  bool wrap = true;  // negative indices count from the end
};

Status ReadGather(const graph::Node& node, const ArgReader& args, int rank, GatherArgs* gather) {
  int64_t axis = node.type == "BatchGather" ? 1 : 0;
  gather->wrap = !node.domain.empty();
  if (node.type == "Gather") DOPPIO_RETURN_IF_ERROR(args.Int("axis", &axis));
  if (axis < -rank || axis >= rank) {
    return InvalidArgument(Cat("axis ", axis, " does not exist in ", rank, " dimensions"));
  }
  gather->axis = static_cast<int>(axis < 0 ? axis + rank : axis);
  if (!node.domain.empty() || node.type != "Gather") return {};
  // The original wraps along axis 0 unless told otherwise.
  gather->wrap = gather->axis == 0;
  return args.Has("wrap_indices") ? args.Bool("wrap_indices", &gather->wrap) : Status();
}

// The content where the data is one-dimensional and the indices are known.
Status GatherContent(const InferContext& c, const GatherArgs& gather) {
  const ValueFacts& x = c.input(0);
  const ValueFacts& index = c.input(1);
  if (!x.has_content || !index.has_content || x.shape.rank != 1) return {};
  base::Array<Dim>* content = nullptr;
  DOPPIO_RETURN_IF_ERROR(StartContent(c, 0, &content));
  if (content == nullptr) return {};
  const auto size = static_cast<int64_t>(x.content.size());
  for (size_t i = 0; i < content->size(); ++i) {
    if (!index.content[i].known()) continue;
    int64_t at = index.content[i].value();
    const int64_t least = gather.wrap ? -size : 0;
    if (at < least || at >= size) {
      return InvalidArgument(
          Cat("index ", at, " at position ", i, " is outside [", least, ", ", size, ")"));
    }
    if (at < 0) at += size;
    (*content)[i] = x.content[static_cast<size_t>(at)];
  }
  return {};
}

Status InferGather(InferContext& c) {
  const Shape& x = c.input(0).shape;
  const Shape& index = c.input(1).shape;
  GatherArgs gather;
  DOPPIO_RETURN_IF_ERROR(CheckIndexType(c, 1));
  DOPPIO_RETURN_IF_ERROR(ReadGather(c.node(), c.args, x.rank, &gather));
  if (x.rank - 1 + index.rank > kMaxRank)
    return InvalidArgument("the result has too many dimensions");
  Shape y;
  for (int i = 0; i < gather.axis; ++i) y.push_back(x[i]);
  for (int i = 0; i < index.rank; ++i) y.push_back(index[i]);
  for (int i = gather.axis + 1; i < x.rank; ++i) y.push_back(x[i]);
  c.Set(0, c.input(0).type, y);
  return GatherContent(c, gather);
}

Status LowerGather(LowerContext& c) {
  const TensorRef x = c.input(0), index = c.input(1);
  GatherArgs gather;
  const int rank = x.dims.rank();
  DOPPIO_RETURN_IF_ERROR(ReadGather(c.node(), c.args, rank, &gather));
  kernels::GatherProblem p;
  p.element_bytes = ElementBytes(x.type);
  p.index_type = index.type;
  p.wrap = gather.wrap;
  p.outer = Product(x.dims, 0, gather.axis);
  p.axis = x.dims[gather.axis];
  p.inner = Product(x.dims, gather.axis + 1, rank);
  p.count = index.count();
  return c.Emit(ProblemKind::kGather, p, {x, index}, {c.output(0)});
}

// --- GatherElements
// --------------------------------------------------------------------------------

Status InferGatherElements(InferContext& c) {
  const Shape& x = c.input(0).shape;
  const Shape& index = c.input(1).shape;
  int64_t axis = 0;
  int along = 0;
  DOPPIO_RETURN_IF_ERROR(CheckIndexType(c, 1));
  DOPPIO_RETURN_IF_ERROR(c.args.Int("axis", &axis));
  DOPPIO_RETURN_IF_ERROR(c.CanonicalAxis(axis, x.rank, &along));
  bool fits = index.rank == x.rank;
  for (int i = 0; fits && i < x.rank; ++i) {
    fits = i == along || !x[i].known() || !index[i].known() || index[i].value() <= x[i].value();
  }
  if (!fits) return InvalidArgument(Cat("indices ", c.Describe(1), " do not fit ", c.Describe(0)));
  c.Set(0, c.input(0).type, index);
  return {};
}

Status LowerGatherElements(LowerContext& c) {
  const TensorRef x = c.input(0), index = c.input(1);
  int64_t axis = 0;
  DOPPIO_RETURN_IF_ERROR(c.args.Int("axis", &axis));
  kernels::GatherProblem p;
  p.element_bytes = ElementBytes(x.type);
  p.index_type = index.type;
  p.rank = x.dims.rank();
  p.along = static_cast<int>(axis < 0 ? axis + p.rank : axis);
  p.axis = x.dims[p.along];
  for (int i = 0; i < p.rank; ++i) {
    p.dims[i] = index.dims[i];
    p.x_strides[i] = x.strides[i];
  }
  return c.Emit(ProblemKind::kGather, p, {x, index}, {c.output(0)});
}

// --- GatherND
// --------------------------------------------------------------------------------------

Status InferGatherNd(InferContext& c) {
  const Shape& x = c.input(0).shape;
  const Shape& index = c.input(1).shape;
  int64_t batch = 0;
  DOPPIO_RETURN_IF_ERROR(CheckIndexType(c, 1));
  DOPPIO_RETURN_IF_ERROR(c.args.Int("batch_dims", &batch));
  if (x.rank == 0 || index.rank == 0 || batch < 0 || batch >= std::min(x.rank, index.rank)) {
    return InvalidArgument(
        Cat("batch_dims ", batch, " does not fit ", c.Describe(0), " and ", c.Describe(1)));
  }
  const Dim depth = index[index.rank - 1];
  if (!depth.known()) {
    c.SetUnknownShape(0, c.input(0).type);
    return {};
  }
  if (depth.value() < 1 || depth.value() > x.rank - batch) {
    return InvalidArgument(Cat(c.Describe(1), " holds positions of ", depth.value(), " indices, ",
                               c.Describe(0), " has ", x.rank - batch, " dimensions for them"));
  }
  Shape y;
  for (int i = 0; i + 1 < index.rank; ++i) y.push_back(index[i]);
  for (int i = static_cast<int>(batch + depth.value()); i < x.rank; ++i) y.push_back(x[i]);
  c.Set(0, c.input(0).type, y);
  return {};
}

Status LowerGatherNd(LowerContext& c) {
  const TensorRef x = c.input(0);
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef index, AsType(c, c.input(1), ElementType::kInt64));
  int64_t batch_dims = 0;
  DOPPIO_RETURN_IF_ERROR(c.args.Int("batch_dims", &batch_dims));
  const int batch = static_cast<int>(batch_dims), index_rank = index.dims.rank();
  kernels::GatherNdProblem p;
  p.element_bytes = ElementBytes(x.type);
  p.batch = Product(x.dims, 0, batch);
  p.depth = index.dims[index_rank - 1];
  p.count = Product(index.dims, batch, index_rank - 1);
  for (int i = 0; i < p.depth; ++i) p.dims[i] = x.dims[batch + i];
  p.inner = Product(x.dims, batch + static_cast<int>(p.depth), x.dims.rank());
  return c.Emit(ProblemKind::kGatherNd, p, {x, index}, {c.output(0)});
}

// --- NonZero
// ---------------------------------------------------------------------------------------

// The number of columns depends on the data.
Status InferNonZero(InferContext& c) {
  Shape y;
  y.push_back(Dim(c.input(0).shape.rank));
  y.push_back(Dim());
  c.Set(0, ElementType::kInt64, y);
  return {};
}

Status LowerNonZero(LowerContext& c) {
  const TensorRef x = c.input(0);
  kernels::NonZeroProblem p;
  p.type = x.type;
  p.rank = x.dims.rank();
  for (int i = 0; i < p.rank; ++i) p.dims[i] = x.dims[i];
  return c.Emit(ProblemKind::kNonZero, p, {x}, {c.output(0)});
}

constexpr ArgSpec kGatherArgs[] = {{"axis", ArgKind::kInt, 0}, {"wrap_indices", ArgKind::kInt}};
constexpr ArgSpec kAxisArgs[] = {{"axis", ArgKind::kInt, 0}};
constexpr ArgSpec kBatchDimsArgs[] = {{"batch_dims", ArgKind::kInt}};

constexpr Operator Gather(std::string_view domain, std::string_view type,
                          std::span<const ArgSpec> args) {
  return {domain,
          type,
          2,
          2,
          1,
          1,
          LayoutTrait::kRowMajor,
          kPlain,
          InferGather,
          LowerGather,
          args,
          "slices along an axis, by index"};
}

}  // namespace

const Operator kGather = Gather("", "Gather", kGatherArgs);
const Operator kBatchGather = Gather("", "BatchGather", {});
const Operator kOnnxGather = Gather("ai.onnx", "Gather", kAxisArgs);
const Operator kOnnxGatherElements = {"ai.onnx",
                                      "GatherElements",
                                      2,
                                      2,
                                      1,
                                      1,
                                      LayoutTrait::kRowMajor,
                                      kPlain,
                                      InferGatherElements,
                                      LowerGatherElements,
                                      kAxisArgs,
                                      "one element for each index"};
const Operator kOnnxGatherNd = {"ai.onnx",
                                "GatherND",
                                2,
                                2,
                                1,
                                1,
                                LayoutTrait::kRowMajor,
                                kPlain,
                                InferGatherNd,
                                LowerGatherNd,
                                kBatchDimsArgs,
                                "slices by position"};
const Operator kOnnxNonZero = {"ai.onnx",
                               "NonZero",
                               1,
                               1,
                               1,
                               1,
                               LayoutTrait::kRowMajor,
                               kDataDependent,
                               InferNonZero,
                               LowerNonZero,
                               {},
                               "the positions of all elements that are not zero"};

}  // namespace doppio::operators
