// BitCast of ONNX: the same bits as another type.
#include "base/message.h"
#include "runtime/operators/infer_context.h"
#include "runtime/operators/lower_context.h"
#include "runtime/operators/rows.h"

namespace doppio::operators {
namespace {

using base::Cat;

Status InferBitCast(InferContext& c) {
  int64_t to = 0;
  DOPPIO_RETURN_IF_ERROR(c.args.IntIn("to", 1, kElementTypeCount - 1, &to));
  const auto type = static_cast<ElementType>(to);
  const ValueFacts& x = c.input(0);
  if (type == ElementType::kString || x.type == ElementType::kString ||
      ElementBits(type) != ElementBits(x.type)) {
    return InvalidArgument(Cat(c.Describe(0), " does not have the bits of ", type));
  }
  c.Set(0, type, x.shape);
  return {};
}

Status LowerBitCast(LowerContext& c) {
  TensorRef x = c.input(0);
  x.type = c.output(0).type;
  if (ElementBytes(x.type) == 0) return Unsupported("types of less than a byte");
  return c.Copy(x, c.output(0));
}

constexpr ArgSpec kArgs[] = {{"to", ArgKind::kInt, 0, "", true}};

}  // namespace

const Operator kOnnxBitCast = {.domain = "ai.onnx",
                               .type = "BitCast",
                               .min_inputs = 1,
                               .max_inputs = 1,
                               .min_outputs = 1,
                               .max_outputs = 1,
                               .layout = LayoutTrait::kRowMajor,
                               .flags = kPlain,
                               .infer = InferBitCast,
                               .lower = LowerBitCast,
                               .args = kArgs,
                               .summary = "the same bits as another type"};

}  // namespace doppio::operators
