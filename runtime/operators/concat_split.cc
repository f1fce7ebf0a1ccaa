// Joining tensors along an axis, and cutting them apart.
#include "base/message.h"
#include "runtime/operators/content.h"
#include "runtime/operators/rows.h"
#include "runtime/operators/spatial.h"
#include "runtime/operators/view.h"

namespace doppio::operators {
namespace {

using base::Cat;

// Where a node joins or cuts. With `stack`, the axis does not exist in the parts.
struct JoinAxis {
  int axis = 0;
  bool stack = false;
};

// `part_rank`: of the parts; `whole_rank` of the joined tensor is one more where they are stacked.
Status ReadJoinAxis(const graph::Node& node, const ArgReader& args, int whole_rank,
                    JoinAxis* join) {
  int64_t axis = 0;
  if (node.domain.empty()) {
    DOPPIO_RETURN_IF_ERROR(args.Bool("add_axis", &join->stack));
    if (args.Has("axis") && args.Has("order")) {
      return InvalidArgument("arguments axis and order exclude each other");
    }
    bool channels_last = false;
    DOPPIO_RETURN_IF_ERROR(ReadOrder(args, &channels_last));
    axis = channels_last ? 3 : 1;
  }
  if (!args.Has("order")) DOPPIO_RETURN_IF_ERROR(args.Int("axis", &axis));
  if (axis < -whole_rank || axis >= whole_rank) {
    return InvalidArgument(Cat("axis ", axis, " does not exist in ", whole_rank, " dimensions"));
  }
  join->axis = static_cast<int>(axis < 0 ? axis + whole_rank : axis);
  return {};
}

Status WholeRank(const ArgReader& args, bool caffe2, int part_rank, int* rank) {
  bool stack = false;
  if (caffe2) DOPPIO_RETURN_IF_ERROR(args.Bool("add_axis", &stack));
  *rank = part_rank + (stack ? 1 : 0);
  return *rank <= kMaxRank ? Status() : InvalidArgument("the result has too many dimensions");
}

// --- Concat
// ----------------------------------------------------------------------------------------

Status CheckPart(const InferContext& c, size_t i, const JoinAxis& join) {
  if (!c.HasInput(i)) return InvalidArgument(Cat("input ", i, " is left out but not optional"));
  const ValueFacts& first = c.input(0);
  const ValueFacts& part = c.input(i);
  bool fits = part.type == first.type && part.shape.rank == first.shape.rank;
  for (int d = 0; fits && d < first.shape.rank; ++d) {
    const Dim a = first.shape[d], b = part.shape[d];
    fits = (!join.stack && d == join.axis) || !a.known() || !b.known() || a == b;
  }
  if (fits) return {};
  return InvalidArgument(
      Cat(c.Describe(0), " and ", c.Describe(i), " cannot be joined along axis ", join.axis));
}

// Copies what is known of the parts' content to its place in the whole.
Status ConcatContent(const InferContext& c, const JoinAxis& join) {
  base::Array<Dim>* content = nullptr;
  bool any = false;
  for (size_t i = 0; i < c.input_count(); ++i) any |= c.input(i).has_content;
  if (!any) return {};
  DOPPIO_RETURN_IF_ERROR(StartContent(c, 0, &content));
  if (content == nullptr) return {};
  const Dims strides = RowMajorStrides(c.output(0).shape.Numbers());
  int64_t at = 0;
  for (size_t i = 0; i < c.input_count(); ++i) {
    const ValueFacts& part = c.input(i);
    if (!part.shape.AllKnown()) return {};  // cannot be: the whole is known
    Dims dims = part.shape.Numbers();
    if (join.stack) dims.insert(join.axis, 1);
    PositionWalk to(dims);
    to.Add(strides, at * strides[join.axis]);
    for (const Dim& value : part.content) {
      (*content)[to[0]] = value;
      to.Next();
    }
    at += dims[join.axis];
  }
  return {};
}

Status InferConcat(InferContext& c) {
  if (!c.HasInput(0)) return InvalidArgument("input 0 is left out but not optional");
  int rank = 0;
  JoinAxis join;
  DOPPIO_RETURN_IF_ERROR(WholeRank(c.args, c.node().domain.empty(), c.input(0).shape.rank, &rank));
  DOPPIO_RETURN_IF_ERROR(ReadJoinAxis(c.node(), c.args, rank, &join));
  Shape y = c.input(0).shape;
  Dim size(join.stack ? static_cast<int64_t>(c.input_count()) : 0);
  for (size_t i = 0; i < c.input_count(); ++i) {
    DOPPIO_RETURN_IF_ERROR(CheckPart(c, i, join));
    const Shape& part = c.input(i).shape;
    if (!join.stack) size = c.symbols().Add(size, part[join.axis]);
    for (int d = 0; d < y.rank; ++d) {
      if (!y[d].known() && part[d].known()) y[d] = part[d];  // a number says more than a symbol
    }
  }
  if (join.stack) {
    y.push_back(Dim());
    for (int d = y.rank - 1; d > join.axis; --d) y[d] = y[d - 1];
  }
  y[join.axis] = size;
  c.Set(0, c.input(0).type, y);
  Shape parts;
  parts.push_back(Dim(static_cast<int64_t>(c.input_count())));
  c.Set(1, ElementType::kInt32, parts);
  return ConcatContent(c, join);
}

// The sizes of the parts, as Caffe2's second output has them.
Status LowerSplitInfo(LowerContext& c, const JoinAxis& join) {
  base::Array<int32_t> sizes;
  for (size_t i = 0; i < c.input_count(); ++i) {
    DOPPIO_RETURN_IF_ERROR(
        sizes.Append(join.stack ? 1 : static_cast<int32_t>(c.input(i).dims[join.axis])));
  }
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef constant,
                          c.Constant(ElementType::kInt32, c.output(1).dims, sizes.data()));
  return c.Alias(1, constant);
}

Status LowerConcat(LowerContext& c) {
  int rank = 0;
  JoinAxis join;
  DOPPIO_RETURN_IF_ERROR(WholeRank(c.args, c.node().domain.empty(), c.input(0).dims.rank(), &rank));
  DOPPIO_RETURN_IF_ERROR(ReadJoinAxis(c.node(), c.args, rank, &join));
  if (c.output_count() > 1 && c.output(1).present())
    DOPPIO_RETURN_IF_ERROR(LowerSplitInfo(c, join));
  const TensorRef y = c.output(0);
  if (!y.present()) return {};
  if (c.input_count() == 1 && !join.stack) return c.Alias(0, c.input(0));
  int64_t at = 0;
  for (size_t i = 0; i < c.input_count(); ++i) {
    TensorRef part = c.input(i);
    if (join.stack) part = Repeated(part, join.axis, 1);
    const int64_t size = part.dims[join.axis];
    if (part.count() > 0) DOPPIO_RETURN_IF_ERROR(c.Copy(part, Cut(y, join.axis, at, size)));
    at += size;
  }
  return {};
}

// --- Split
// -----------------------------------------------------------------------------------------

// The sizes of the parts along the axis, as numbers or symbols.
Status EqualParts(const InferContext& c, Dim size, base::Array<Dim>* sizes) {
  const int64_t count = static_cast<int64_t>(c.node().outputs.size());
  const bool uneven = c.args.Has("num_outputs");
  if (uneven) {
    int64_t stated = 0;
    DOPPIO_RETURN_IF_ERROR(c.args.Int("num_outputs", &stated));
    if (stated != count) {
      return InvalidArgument(
          Cat("argument 'num_outputs' is ", stated, ", but it has ", count, " outputs"));
    }
  } else if (size.known() && size.value() % count != 0) {
    return InvalidArgument(
        Cat("size ", size.value(), " does not divide into ", count, " equal parts"));
  }
  const Dim part =
      uneven ? c.symbols().CeilDiv(size, Dim(count)) : c.symbols().FloorDiv(size, Dim(count));
  for (int64_t i = 0; i < count; ++i) {
    Dim rest = part;
    if (uneven && size.known()) {
      const int64_t left = size.value() - i * part.value();
      rest = Dim(left < 0 ? 0 : left < part.value() ? left : part.value());
    } else if (uneven && i + 1 == count) {
      rest = c.symbols().Sub(size, c.symbols().Mul(part, Dim(count - 1)));
    }
    DOPPIO_RETURN_IF_ERROR(sizes->Append(rest));
  }
  return {};
}

Status StatedParts(const InferContext& c, std::span<const Dim> stated, Dim size, int axis) {
  if (stated.size() != c.node().outputs.size()) {
    return InvalidArgument(
        Cat("it states ", stated.size(), " sizes for ", c.node().outputs.size(), " outputs"));
  }
  Dim sum(0);
  for (const Dim& part : stated) {
    if (part.known() && part.value() < 0)
      return InvalidArgument(Cat("a part has the size ", part.value()));
    sum = c.symbols().Add(sum, part);
  }
  if (!sum.known() || !size.known() || sum == size) return {};
  return InvalidArgument(Cat("the parts have ", sum.value(), " elements along axis ", axis, ", ",
                             c.Describe(0), " has ", size.value()));
}

Status InferSplit(InferContext& c) {
  const Shape& x = c.input(0).shape;
  JoinAxis join;
  DOPPIO_RETURN_IF_ERROR(ReadJoinAxis(c.node(), c.args, x.rank, &join));
  const Dim size = x[join.axis];
  base::Array<Dim> sizes;
  const std::span<const int64_t> stated = c.args.Ints("split");
  if (c.HasInput(1)) {
    if (!stated.empty())
      return InvalidArgument("it has both an argument and an input for its sizes");
    if (c.input(1).has_content) {
      DOPPIO_RETURN_IF_ERROR(sizes.Assign(c.input(1).content.span()));
    } else {
      DOPPIO_RETURN_IF_ERROR(sizes.Resize(c.node().outputs.size()));
    }
    if (!c.input(1).ContentKnown()) c.NeedContent(1);
    DOPPIO_RETURN_IF_ERROR(StatedParts(c, sizes, size, join.axis));
  } else if (!stated.empty()) {
    for (int64_t part : stated) DOPPIO_RETURN_IF_ERROR(sizes.Append(Dim(part)));
    DOPPIO_RETURN_IF_ERROR(StatedParts(c, sizes, size, join.axis));
  } else {
    DOPPIO_RETURN_IF_ERROR(EqualParts(c, size, &sizes));
  }
  Dim at(0);
  for (size_t i = 0; i < sizes.size(); ++i) {
    Shape y = x;
    y[join.axis] = sizes[i];
    if (join.stack) {
      if (sizes[i].known() && !sizes[i].Is(1))
        return InvalidArgument("add_axis wants parts of size 1");
      for (int d = join.axis; d + 1 < y.rank; ++d) y[d] = y[d + 1];
      --y.rank;
    }
    c.Set(i, c.input(0).type, y);
    if (c.input(0).has_content && x.AllKnown() && y.AllKnown() && at.known()) {
      Selection selection{x.Numbers(), RowMajorStrides(x.Numbers())};
      selection.dims[join.axis] = sizes[i].value();
      selection.offset = at.value() * selection.strides[join.axis];
      DOPPIO_RETURN_IF_ERROR(SelectContent(c, 0, i, selection));
    }
    at = c.symbols().Add(at, sizes[i]);
  }
  return {};
}

Status LowerSplit(LowerContext& c) {
  const TensorRef x = c.input(0);
  JoinAxis join;
  DOPPIO_RETURN_IF_ERROR(ReadJoinAxis(c.node(), c.args, x.dims.rank(), &join));
  // Parts that nobody reads still take their place: their sizes are stated, or all are equal.
  const std::span<const int64_t> stated = c.args.Ints("split");
  const int64_t count = static_cast<int64_t>(c.node().outputs.size());
  const int64_t whole = x.dims[join.axis];
  const int64_t chunk = c.args.Has("num_outputs") ? (whole + count - 1) / count : whole / count;
  int64_t at = 0;
  for (size_t i = 0; i < c.output_count(); ++i) {
    int64_t size = std::min(chunk, whole - at);
    if (c.HasInput(1)) {
      size = c.Content(1)[i].value();
    } else if (!stated.empty()) {
      size = stated[i];
    }
    if (c.output(i).present()) {
      TensorRef part = Cut(x, join.axis, at, size);
      if (join.stack) {
        part.dims.erase(join.axis);
        part.strides.erase(join.axis);
      }
      DOPPIO_RETURN_IF_ERROR(c.Alias(i, part));
    }
    at += size;
  }
  return {};
}

constexpr ArgSpec kConcatArgs[] = {{"axis", ArgKind::kInt, 1},
                                   {"add_axis", ArgKind::kInt},
                                   {"order", ArgKind::kString, 0, "NCHW"}};
constexpr ArgSpec kOnnxConcatArgs[] = {{"axis", ArgKind::kInt, 0, "", true}};
constexpr ArgSpec kSplitArgs[] = {{"axis", ArgKind::kInt, 1},
                                  {"split", ArgKind::kInts},
                                  {"add_axis", ArgKind::kInt},
                                  {"order", ArgKind::kString, 0, "NCHW"}};
constexpr ArgSpec kOnnxSplitArgs[] = {{"axis", ArgKind::kInt, 0}, {"num_outputs", ArgKind::kInt}};

constexpr Operator Caffe2Concat(std::string_view type) {
  return {"",
          type,
          1,
          kVariadic,
          1,
          2,
          LayoutTrait::kAxisRemap,
          kPlain,
          InferConcat,
          LowerConcat,
          kConcatArgs,
          "tensors one behind the other along an axis, and their sizes"};
}
constexpr Operator Split(std::string_view domain, std::string_view type,
                         std::span<const ArgSpec> args) {
  return {domain,
          type,
          1,
          2,
          1,
          kVariadic,
          LayoutTrait::kAxisRemap,
          kPlain,
          InferSplit,
          LowerSplit,
          args,
          "parts of a tensor along an axis"};
}

}  // namespace

const Operator kConcat = Caffe2Concat("Concat");
const Operator kDepthConcat = Caffe2Concat("DepthConcat");
const Operator kOnnxConcat = {"ai.onnx",
                              "Concat",
                              1,
                              kVariadic,
                              1,
                              1,
                              LayoutTrait::kAxisRemap,
                              kPlain,
                              InferConcat,
                              LowerConcat,
                              kOnnxConcatArgs,
                              "tensors one behind the other along an axis"};
const Operator kSplit = Split("", "Split", kSplitArgs);
const Operator kDepthSplit = Split("", "DepthSplit", kSplitArgs);
const Operator kOnnxSplit = Split("ai.onnx", "Split", kOnnxSplitArgs);

}  // namespace doppio::operators
