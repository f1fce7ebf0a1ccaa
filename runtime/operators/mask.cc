// Tensors chosen by position: OneHot and Trilu.
#include "base/message.h"
#include "runtime/operators/binary.h"
#include "runtime/operators/cast.h"
#include "runtime/operators/content.h"
#include "runtime/operators/element_class.h"
#include "runtime/operators/rows.h"
#include "runtime/operators/view.h"
#include "runtime/operators/where.h"

namespace doppio::operators {
namespace {

using base::Cat;
using kernels::BinaryOp;

// --- OneHot
// ----------------------------------------------------------------------------------------

// The one number of input i, which may be a float.
Dim ReadDepth(const InferContext& c, size_t i) {
  const ValueFacts& facts = c.input(i);
  if (facts.has_content && facts.content.size() == 1) return facts.content[0];
  if (facts.type == ElementType::kFloat && facts.constant != nullptr &&
      facts.constant->count == 1) {
    const float depth = *facts.constant->as<float>();
    if (depth >= 0 && depth < 1e9f) return Dim(static_cast<int64_t>(depth));
  }
  c.NeedContent(i);
  return Dim();
}

// The new axis of the output, out of the rank of the indices.
Status ReadOneHotAxis(const graph::Node& node, const ArgReader& args, int rank, int* axis) {
  int64_t value = -1;
  if (!node.domain.empty()) DOPPIO_RETURN_IF_ERROR(args.Int("axis", &value));
  if (rank == kMaxRank || value < -rank - 1 || value > rank) {
    return InvalidArgument(Cat("axis ", value, " does not exist in ", rank + 1, " dimensions"));
  }
  *axis = static_cast<int>(value < 0 ? value + rank + 1 : value);
  return {};
}

Status InferOneHot(InferContext& c) {
  const ValueFacts& indices = c.input(0);
  const bool onnx = !c.node().domain.empty();
  int axis = 0;
  if (!(onnx ? IsNumericType(indices.type) : indices.type == ElementType::kInt64)) {
    return InvalidArgument(Cat(c.Describe(0), " is of a type that OneHot does not take"));
  }
  if (!onnx && indices.shape.rank != 1) {
    return InvalidArgument(Cat(c.Describe(0), " must have one dimension"));
  }
  DOPPIO_RETURN_IF_ERROR(ReadOneHotAxis(c.node(), c.args, indices.shape.rank, &axis));
  const Dim depth = ReadDepth(c, 1);
  if (depth.known() && depth.value() < 0)
    return InvalidArgument(Cat("its depth is ", depth.value()));
  if (onnx && (c.input(2).shape.rank != 1 || !(c.input(2).shape[0] == Dim(2)))) {
    return InvalidArgument(Cat(c.Describe(2), " must hold two values"));
  }
  Shape y;
  for (int i = 0; i <= indices.shape.rank; ++i) {
    y.push_back(i == axis ? depth : indices.shape[i < axis ? i : i - 1]);
  }
  c.Set(0, onnx ? c.input(2).type : ElementType::kFloat, y);
  return {};
}

// Whether index i selects position j of `depth`: i == j, or i == j - depth where it counts from the
// end.
StatusOr<TensorRef> Selected(LowerContext& c, const TensorRef& indices, int axis,
                             const Dims& dims) {
  const int64_t depth = dims[axis];
  base::Array<int64_t> positions;
  Dims along;
  for (int i = 0; i < dims.rank(); ++i) along.push_back(i == axis ? depth : 1);
  for (int64_t j = 0; j < depth; ++j) DOPPIO_RETURN_IF_ERROR(positions.Append(j));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef first,
                          c.Constant(ElementType::kInt64, along, positions.data()));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef mask, c.Temporary(ElementType::kBool, dims));
  DOPPIO_RETURN_IF_ERROR(EmitBinary(c, {BinaryOp::kEqual}, indices, first, mask));
  if (c.node().domain.empty()) return mask;  // Caffe2 knows no negative index
  for (int64_t& position : positions) position -= depth;
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef second,
                          c.Constant(ElementType::kInt64, along, positions.data()));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef negative, c.Temporary(ElementType::kBool, dims));
  DOPPIO_RETURN_IF_ERROR(EmitBinary(c, {BinaryOp::kEqual}, indices, second, negative));
  DOPPIO_RETURN_IF_ERROR(EmitBinary(c, {BinaryOp::kOr}, mask, negative, mask));
  return mask;
}

Status LowerOneHot(LowerContext& c) {
  const TensorRef y = c.output(0);
  if (y.count() == 0) return {};
  int axis = 0;
  DOPPIO_RETURN_IF_ERROR(ReadOneHotAxis(c.node(), c.args, c.input(0).dims.rank(), &axis));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef indices, AsType(c, c.input(0), ElementType::kInt64));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef mask,
                          Selected(c, Repeated(indices, axis, 1), axis, y.dims));
  TensorRef values;
  if (c.node().domain.empty()) {
    constexpr float kOffOn[] = {0, 1};
    DOPPIO_ASSIGN_OR_RETURN(values, c.Constant(ElementType::kFloat, Dims({2}), kOffOn));
  } else {
    values = c.input(2);
  }
  const TensorRef off = WithDims(Cut(values, 0, 0, 1), Dims(), Dims());
  const TensorRef on = WithDims(Cut(values, 0, 1, 1), Dims(), Dims());
  return EmitWhere(c, mask, on, off, y);
}

// --- Trilu
// -----------------------------------------------------------------------------------------

Status InferTrilu(InferContext& c) {
  const ValueFacts& x = c.input(0);
  if (x.shape.rank < 2) return InvalidArgument(Cat(c.Describe(0), " is no matrix"));
  if (c.HasInput(1)) {
    base::Array<int64_t> k;
    bool known = false;
    DOPPIO_RETURN_IF_ERROR(NumbersFromInput(c, 1, &k, &known));
    if (known && k.size() != 1) return InvalidArgument(Cat(c.Describe(1), " must be one value"));
  }
  c.Set(0, x.type, x.shape);
  return {};
}

// More elements than this would make too large a mask.
constexpr int64_t kMaxMask = int64_t{1} << 28;

Status LowerTrilu(LowerContext& c) {
  const TensorRef x = c.input(0), y = c.output(0);
  if (y.count() == 0) return {};
  bool upper = true;
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("upper", &upper));
  const int64_t k = c.HasInput(1) ? c.Content(1)[0].value() : 0;
  const int rank = x.dims.rank();
  const int64_t rows = x.dims[rank - 2], columns = x.dims[rank - 1];
  if (rows > kMaxMask / columns) return Unsupported(Cat("a matrix of ", rows, " x ", columns));
  base::Array<uint8_t> kept;
  DOPPIO_RETURN_IF_ERROR(kept.Resize(static_cast<size_t>(rows * columns)));
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) {
      const bool inside = upper ? j - i >= k : j - i <= k;
      kept[static_cast<size_t>(i * columns + j)] = inside ? 1 : 0;
    }
  }
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef mask,
                          c.Constant(ElementType::kBool, Dims({rows, columns}), kept.data()));
  constexpr unsigned char kZero[16] = {};
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef zero, c.Constant(x.type, Dims(), kZero));
  return EmitWhere(c, mask, x, zero, y);
}

constexpr ArgSpec kOneHotArgs[] = {{"axis", ArgKind::kInt, -1}};
constexpr ArgSpec kTriluArgs[] = {{"upper", ArgKind::kInt, 1}};

}  // namespace

const Operator kOneHot = {"",
                          "OneHot",
                          2,
                          2,
                          1,
                          1,
                          LayoutTrait::kRowMajor,
                          kPlain,
                          InferOneHot,
                          LowerOneHot,
                          {},
                          "one at the position of each index, else zero"};
const Operator kOnnxOneHot = {"ai.onnx",
                              "OneHot",
                              3,
                              3,
                              1,
                              1,
                              LayoutTrait::kRowMajor,
                              kPlain,
                              InferOneHot,
                              LowerOneHot,
                              kOneHotArgs,
                              "one value at the position of each index, else another"};
const Operator kOnnxTrilu = {"ai.onnx",
                             "Trilu",
                             1,
                             2,
                             1,
                             1,
                             LayoutTrait::kRowMajor,
                             kPlain,
                             InferTrilu,
                             LowerTrilu,
                             kTriluArgs,
                             "the part of each matrix above or below a diagonal"};

}  // namespace doppio::operators
