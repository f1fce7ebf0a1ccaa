// Operators that keep the elements in their order and change the sizes: Reshape, Flatten, Squeeze
// and the like.
#include "base/message.h"
#include "runtime/operators/content.h"
#include "runtime/operators/lower_context.h"
#include "runtime/operators/rows.h"

namespace doppio::operators {
namespace {

using base::Cat;

// Output 0 has `shape` and the elements of input 0.
Status FinishView(InferContext& c, const Shape& shape) {
  c.Set(0, c.input(0).type, shape);
  return KeepContent(c, 0, 0);
}

Status LowerView(LowerContext& c) { return c.Alias(0, Reshaped(c.input(0), c.output(0).dims)); }

std::string ShapeText(const InferContext& c, const Shape& shape) {
  ValueFacts facts;
  facts.has_shape = true;
  facts.shape = shape;
  return FactsText(facts, c.symbols()).substr(1);
}

// --- Reshape
// ---------------------------------------------------------------------------------------

enum class Zero : uint8_t { kCopies, kIsEmpty };  // what a size of 0 in the target means

Status CannotReshape(const InferContext& c, const Shape& target) {
  return InvalidArgument(Cat(c.Describe(0), " with ",
                             c.symbols().Text(CountOf(c.input(0).shape, &c.symbols())),
                             " elements cannot take the shape ", ShapeText(c, target)));
}

// The size that stands for -1: what is left of `count` elements by the other sizes.
Status InferRest(const InferContext& c, const Shape& target, Dim count, Dim others, Dim* rest) {
  if (others.Is(0)) return CannotReshape(c, target);
  if (others.known() && count.known() && count.value() % others.value() != 0) {
    return CannotReshape(c, target);
  }
  *rest = c.symbols().FloorDiv(count, others);
  return {};
}

// Resolves 0 and -1 of `target`.
Status ResolveShape(const InferContext& c, const Shape& target, Zero zero, Shape* shape) {
  const Shape& x = c.input(0).shape;
  SymbolTable& symbols = c.symbols();
  *shape = target;
  int rest = -1;
  Dim others(1), count(1);
  // Dimensions that are copied cancel against themselves, so that unknown ones do no harm.
  bool copied[kMaxRank] = {};
  for (int i = 0; i < target.rank; ++i) {
    const Dim size = target[i];
    if (size.Is(0) && zero == Zero::kCopies) {
      if (i >= x.rank) {
        return InvalidArgument(Cat("size 0 at position ", i, " of ", ShapeText(c, target),
                                   " copies a dimension that ", c.Describe(0), " does not have"));
      }
      (*shape)[i] = x[i];
      copied[i] = !x[i].Is(0);
      if (!copied[i]) others = Dim(0);
    } else if (size.Is(-1)) {
      if (rest >= 0) return InvalidArgument(Cat("shape ", ShapeText(c, target), " has -1 twice"));
      rest = i;
    } else if (size.known() && size.value() < 0) {
      return InvalidArgument(Cat("shape ", ShapeText(c, target), " has a negative size"));
    } else {
      others = symbols.Mul(others, size);
    }
  }
  for (int i = 0; i < x.rank; ++i) {
    if (!copied[i]) count = symbols.Mul(count, x[i]);
  }
  if (rest >= 0) return InferRest(c, target, count, others, &shape->dims[rest]);
  if (count.known() && others.known() && !(count == others)) return CannotReshape(c, target);
  return {};
}

// The target shape from input 1. *complete is false when not even its rank is known.
Status FinishReshape(InferContext& c, const Shape& target, bool complete, Zero zero) {
  if (!complete) {
    c.SetUnknownShape(0, c.input(0).type);
    return {};
  }
  Shape shape;
  DOPPIO_RETURN_IF_ERROR(ResolveShape(c, target, zero, &shape));
  return FinishView(c, shape);
}

Status InferOnnxReshape(InferContext& c) {
  bool allow_zero = false, complete = false;
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("allowzero", &allow_zero));
  Shape target;
  DOPPIO_RETURN_IF_ERROR(SizesFromInput(c, 1, &target, &complete));
  return FinishReshape(c, target, complete, allow_zero ? Zero::kIsEmpty : Zero::kCopies);
}

// Output 1 holds the sizes before: int64, or of the shape input's type.
Status SetOldShape(InferContext& c) {
  if (c.output_count() < 2) return {};
  const Shape& x = c.input(0).shape;
  Shape sizes;
  sizes.push_back(Dim(x.rank));
  c.Set(1, c.HasInput(1) ? c.input(1).type : ElementType::kInt64, sizes);
  base::Array<Dim>* content = nullptr;
  DOPPIO_RETURN_IF_ERROR(StartContent(c, 1, &content));
  for (int i = 0; content != nullptr && i < x.rank; ++i) (*content)[static_cast<size_t>(i)] = x[i];
  return {};
}

Status InferCaffe2Reshape(InferContext& c) {
  DOPPIO_RETURN_IF_ERROR(SetOldShape(c));
  Shape target;
  bool complete = true;
  if (c.HasInput(1)) {
    if (c.args.Has("shape"))
      return InvalidArgument("it has both an argument and an input for its shape");
    DOPPIO_RETURN_IF_ERROR(SizesFromInput(c, 1, &target, &complete));
  } else {
    if (!c.args.Has("shape")) return InvalidArgument("argument 'shape' is missing");
    if (c.args.Ints("shape").size() > kMaxRank) {
      return InvalidArgument(Cat("argument 'shape' has ", c.args.Ints("shape").size(),
                                 " sizes; at most ", kMaxRank, " are possible"));
    }
    for (int64_t size : c.args.Ints("shape")) target.push_back(Dim(size));
  }
  return FinishReshape(c, target, complete, Zero::kCopies);
}

Status LowerCaffe2Reshape(LowerContext& c) {
  if (c.output_count() > 1 && c.output(1).present()) {
    const TensorRef x = c.input(0);
    int64_t wide[kMaxRank] = {};
    int32_t narrow[kMaxRank] = {};
    for (int i = 0; i < x.dims.rank(); ++i) {
      wide[i] = x.dims[i];
      narrow[i] = static_cast<int32_t>(x.dims[i]);
    }
    const TensorRef sizes = c.output(1);
    const void* data = sizes.type == ElementType::kInt32 ? static_cast<const void*>(narrow) : wide;
    DOPPIO_ASSIGN_OR_RETURN(const TensorRef constant, c.Constant(sizes.type, sizes.dims, data));
    DOPPIO_RETURN_IF_ERROR(c.Alias(1, constant));
  }
  return c.output(0).present() ? LowerView(c) : Status();
}

Status InferResizeLike(InferContext& c) {
  Shape shape;
  DOPPIO_RETURN_IF_ERROR(ResolveShape(c, c.input(1).shape, Zero::kIsEmpty, &shape));
  return FinishView(c, shape);
}

// --- Flatten
// ---------------------------------------------------------------------------------------

Dim Product(const Shape& shape, int begin, int end, SymbolTable* symbols) {
  Dim product(1);
  for (int i = begin; i < end; ++i) product = symbols->Mul(product, shape[i]);
  return product;
}

Status InferFlatten(InferContext& c) {
  const Shape& x = c.input(0).shape;
  const bool onnx = !c.node().domain.empty();
  int64_t axis = 1;
  DOPPIO_RETURN_IF_ERROR(c.args.Int("axis", &axis));
  if (axis < (onnx ? -x.rank : 0) || axis > x.rank) {
    return InvalidArgument(Cat("axis ", axis, " does not cut ", c.Describe(0), " in two"));
  }
  const int cut = static_cast<int>(axis < 0 ? axis + x.rank : axis);
  Shape y;
  y.push_back(Product(x, 0, cut, &c.symbols()));
  y.push_back(Product(x, cut, x.rank, &c.symbols()));
  return FinishView(c, y);
}

Status InferFlattenToVec(InferContext& c) {
  if (c.input(0).shape.rank == 0) {
    return InvalidArgument(Cat(c.Describe(0), " must have at least one dimension"));
  }
  Shape y;
  y.push_back(CountOf(c.input(0).shape, &c.symbols()));
  return FinishView(c, y);
}

// --- Squeeze and its inverse
// -------------------------------------------------------------------------

// Marks the named axes of `rank` dimensions; an error for one that does not exist or comes twice.
Status MarkAxes(const InferContext& c, std::span<const int64_t> axes, int rank, bool* marked) {
  for (int64_t axis : axes) {
    int at = 0;
    DOPPIO_RETURN_IF_ERROR(c.CanonicalAxis(axis, rank, &at));
    // Caffe2's ExpandDims takes an axis twice for once.
    if (marked[at] && c.node().type != "ExpandDims") {
      return InvalidArgument(Cat("axis ", axis, " is named twice"));
    }
    marked[at] = true;
  }
  return {};
}

Status FinishSqueeze(InferContext& c, std::span<const int64_t> axes) {
  const Shape& x = c.input(0).shape;
  bool removed[kMaxRank] = {};
  DOPPIO_RETURN_IF_ERROR(MarkAxes(c, axes, x.rank, removed));
  Shape y;
  for (int i = 0; i < x.rank; ++i) {
    if (!removed[i]) {
      y.push_back(x[i]);
    } else if (x[i].known() && !x[i].Is(1)) {
      return InvalidArgument(Cat("dimension ", i, " of ", c.Describe(0), " is not 1"));
    }
  }
  return FinishView(c, y);
}

Status FinishUnsqueeze(InferContext& c, std::span<const int64_t> axes) {
  const Shape& x = c.input(0).shape;
  if (axes.size() > static_cast<size_t>(kMaxRank - x.rank)) {
    return InvalidArgument(
        Cat(c.Describe(0), " and ", axes.size(), " more dimensions are over ", kMaxRank));
  }
  const int rank = x.rank + static_cast<int>(axes.size());
  bool added[kMaxRank] = {};
  DOPPIO_RETURN_IF_ERROR(MarkAxes(c, axes, rank, added));
  Shape y;
  int at = 0;
  for (int i = 0; i < rank && (added[i] || at < x.rank); ++i) {
    y.push_back(added[i] ? Dim(1) : x[at++]);
  }
  return FinishView(c, y);
}

Status CheckNotNegative(std::span<const int64_t> axes) {
  for (int64_t axis : axes) {
    if (axis < 0) return InvalidArgument(Cat("argument 'dims' has the negative axis ", axis));
  }
  return axes.empty() ? InvalidArgument("argument 'dims' names no axis") : Status();
}

Status InferCaffe2Squeeze(InferContext& c) {
  DOPPIO_RETURN_IF_ERROR(CheckNotNegative(c.args.Ints("dims")));
  return FinishSqueeze(c, c.args.Ints("dims"));
}

Status InferCaffe2ExpandDims(InferContext& c) {
  DOPPIO_RETURN_IF_ERROR(CheckNotNegative(c.args.Ints("dims")));
  return FinishUnsqueeze(c, c.args.Ints("dims"));
}

Status InferOnnxSqueeze(InferContext& c) {
  base::Array<int64_t> axes;
  if (c.HasInput(1)) {
    bool known = false;
    DOPPIO_RETURN_IF_ERROR(NumbersFromInput(c, 1, &axes, &known));
    if (known) return FinishSqueeze(c, axes);
    c.SetUnknownShape(0, c.input(0).type);
    return {};
  }
  const Shape& x = c.input(0).shape;
  if (!x.AllKnown()) {  // nobody knows which sizes will be 1
    c.SetUnknownShape(0, c.input(0).type);
    return {};
  }
  for (int i = 0; i < x.rank; ++i) {
    if (x[i].Is(1)) DOPPIO_RETURN_IF_ERROR(axes.Append(i));
  }
  return FinishSqueeze(c, axes);
}

Status InferOnnxUnsqueeze(InferContext& c) {
  base::Array<int64_t> axes;
  bool known = false;
  DOPPIO_RETURN_IF_ERROR(NumbersFromInput(c, 1, &axes, &known));
  if (known) return FinishUnsqueeze(c, axes);
  c.SetUnknownShape(0, c.input(0).type);
  return {};
}

// --- Caffe2's PrependDim and MergeDim
// -----------------------------------------------------------------

Status InferPrependDim(InferContext& c) {
  const Shape& x = c.input(0).shape;
  int64_t size = 0;
  DOPPIO_RETURN_IF_ERROR(c.args.IntIn("dim_size", 1, INT64_MAX, &size));
  if (x.rank == 0 || x.rank == kMaxRank || (x[0].known() && x[0].value() % size != 0)) {
    return InvalidArgument(Cat("dimension 0 of ", c.Describe(0), " does not divide by ", size));
  }
  Shape y;
  y.push_back(Dim(size));
  y.push_back(c.symbols().FloorDiv(x[0], Dim(size)));
  for (int i = 1; i < x.rank; ++i) y.push_back(x[i]);
  return FinishView(c, y);
}

Status InferMergeDim(InferContext& c) {
  const Shape& x = c.input(0).shape;
  if (x.rank < 2) return InvalidArgument(Cat(c.Describe(0), " must have at least two dimensions"));
  Shape y;
  y.push_back(c.symbols().Mul(x[0], x[1]));
  for (int i = 2; i < x.rank; ++i) y.push_back(x[i]);
  return FinishView(c, y);
}

constexpr ArgSpec kShapeArgs[] = {{"shape", ArgKind::kInts}};
constexpr ArgSpec kAllowZeroArgs[] = {{"allowzero", ArgKind::kInt}};
constexpr ArgSpec kAxisArgs[] = {{"axis", ArgKind::kInt, 1}};
constexpr ArgSpec kDimsArgs[] = {{"dims", ArgKind::kInts, 0, "", true}};
constexpr ArgSpec kDimSizeArgs[] = {{"dim_size", ArgKind::kInt, 0, "", true}};

using Infer = Status (*)(InferContext& context);

constexpr Operator View(std::string_view domain, std::string_view type, Infer infer,
                        std::span<const ArgSpec> args, int min_inputs, int max_inputs) {
  return {domain,
          type,
          min_inputs,
          max_inputs,
          1,
          1,
          LayoutTrait::kRowMajor,
          kPlain,
          infer,
          LowerView,
          args,
          "the same elements with other sizes"};
}

}  // namespace

const Operator kReshape = {"",
                           "Reshape",
                           1,
                           2,
                           1,
                           2,
                           LayoutTrait::kRowMajor,
                           kPlain,
                           InferCaffe2Reshape,
                           LowerCaffe2Reshape,
                           kShapeArgs,
                           "the same elements with other sizes, and the sizes before"};
const Operator kResizeLike = View("", "ResizeLike", InferResizeLike, {}, 2, 2);
const Operator kFlatten = View("", "Flatten", InferFlatten, kAxisArgs, 1, 1);
const Operator kFlattenToVec = View("", "FlattenToVec", InferFlattenToVec, {}, 1, 1);
const Operator kSqueeze = View("", "Squeeze", InferCaffe2Squeeze, kDimsArgs, 1, 1);
const Operator kExpandDims = View("", "ExpandDims", InferCaffe2ExpandDims, kDimsArgs, 1, 1);
const Operator kPrependDim = View("", "PrependDim", InferPrependDim, kDimSizeArgs, 1, 1);
const Operator kMergeDim = View("", "MergeDim", InferMergeDim, {}, 1, 1);
const Operator kOnnxReshape = View("ai.onnx", "Reshape", InferOnnxReshape, kAllowZeroArgs, 2, 2);
const Operator kOnnxFlatten = View("ai.onnx", "Flatten", InferFlatten, kAxisArgs, 1, 1);
const Operator kOnnxSqueeze = View("ai.onnx", "Squeeze", InferOnnxSqueeze, {}, 1, 2);
const Operator kOnnxUnsqueeze = View("ai.onnx", "Unsqueeze", InferOnnxUnsqueeze, {}, 2, 2);

}  // namespace doppio::operators
