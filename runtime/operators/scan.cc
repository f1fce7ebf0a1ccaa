// Running sums and products along an axis.
#include "base/message.h"
#include "runtime/operators/binary.h"
#include "runtime/operators/cast.h"
#include "runtime/operators/content.h"
#include "runtime/operators/element_class.h"
#include "runtime/operators/rows.h"
#include "runtime/operators/view.h"

namespace doppio::operators {
namespace {

using base::Cat;
using kernels::BinaryOp;

Status InferRunning(InferContext& c) {
  const ValueFacts& x = c.input(0);
  if (!IsNumericType(x.type)) {
    return InvalidArgument(
        Cat(c.Describe(0), " is of a type that ", c.node().type, " does not take"));
  }
  base::Array<int64_t> axes;
  bool known = false;
  DOPPIO_RETURN_IF_ERROR(NumbersFromInput(c, 1, &axes, &known));
  int axis = 0;
  if (known) {
    if (axes.size() != 1) return InvalidArgument(Cat("axis ", c.Describe(1), " must be one value"));
    DOPPIO_RETURN_IF_ERROR(c.CanonicalAxis(axes[0], x.shape.rank, &axis));
  }
  c.Set(0, x.type, x.shape);
  return {};
}

// One in the bits of `type`: what a product begins with.
StatusOr<TensorRef> One(LowerContext& c, ElementType type) {
  constexpr float kOne = 1;
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef one, c.Constant(ElementType::kFloat, Dims(), &kOne));
  return AsType(c, one, type);
}

// x as it is to be combined: backwards for `reverse`, and behind a zero (of a product: a one) for
// `exclusive`.
StatusOr<TensorRef> Prepared(LowerContext& c, int axis, bool product, bool reverse,
                             bool exclusive) {
  TensorRef x = c.input(0);
  const int64_t n = x.dims[axis];
  if (reverse) x = Cut(x, axis, n - 1, n, -1);
  if (!exclusive && !reverse) return x;
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef copy, c.Temporary(x.type, x.dims));
  if (!exclusive) {
    DOPPIO_RETURN_IF_ERROR(c.Copy(x, copy));
    return copy;
  }
  if (product) {
    DOPPIO_ASSIGN_OR_RETURN(const TensorRef one, One(c, x.type));
    DOPPIO_RETURN_IF_ERROR(c.FillFrom(Cut(copy, axis, 0, 1), one));
  } else {
    constexpr unsigned char kZero[16] = {};
    DOPPIO_RETURN_IF_ERROR(c.Fill(Cut(copy, axis, 0, 1), kZero));
  }
  if (n > 1) DOPPIO_RETURN_IF_ERROR(c.Copy(Cut(x, axis, 0, n - 1), Cut(copy, axis, 1, n - 1)));
  return copy;
}

// Doubling steps: after the step of distance d each element holds the sum, or the product, of the
// 2 d elements up to it.
Status LowerRunning(LowerContext& c) {
  const TensorRef y = c.output(0);
  if (y.count() == 0) return {};
  const int64_t named = c.Content(1)[0].value();
  const int axis = static_cast<int>(named < 0 ? named + y.dims.rank() : named);
  const int64_t n = y.dims[axis];
  const bool product = c.node().type == "CumProd";
  bool reverse = false, exclusive = false;
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("reverse", &reverse));
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("exclusive", &exclusive));
  DOPPIO_ASSIGN_OR_RETURN(TensorRef sums, Prepared(c, axis, product, reverse, exclusive));
  TensorRef spare[2];
  int turn = 0;
  for (int64_t distance = 1; distance < n; distance *= 2, turn ^= 1) {
    if (!spare[turn].present()) {
      DOPPIO_ASSIGN_OR_RETURN(spare[turn], c.Temporary(y.type, y.dims));
    }
    const TensorRef next = spare[turn];
    const int64_t rest = n - distance;
    DOPPIO_RETURN_IF_ERROR(c.Copy(Cut(sums, axis, 0, distance), Cut(next, axis, 0, distance)));
    DOPPIO_RETURN_IF_ERROR(EmitBinary(c, {product ? BinaryOp::kMul : BinaryOp::kAdd},
                                      Cut(sums, axis, distance, rest), Cut(sums, axis, 0, rest),
                                      Cut(next, axis, distance, rest)));
    sums = next;
  }
  if (reverse) sums = Cut(sums, axis, n - 1, n, -1);
  return c.Copy(sums, y);
}

constexpr ArgSpec kArgs[] = {{"exclusive", ArgKind::kInt}, {"reverse", ArgKind::kInt}};

constexpr Operator Running(std::string_view type, const char* summary) {
  return {.domain = "ai.onnx",
          .type = type,
          .min_inputs = 2,
          .max_inputs = 2,
          .min_outputs = 1,
          .max_outputs = 1,
          .layout = LayoutTrait::kAxisRemap,
          .flags = kPlain,
          .infer = InferRunning,
          .lower = LowerRunning,
          .args = kArgs,
          .summary = summary};
}

}  // namespace

const Operator kOnnxCumSum = Running("CumSum", "the sum of all elements up to each along an axis");
const Operator kOnnxCumProd = Running("CumProd", "their product");

}  // namespace doppio::operators
