// Optional values: ONNX's Optional, OptionalHasElement and OptionalGetElement.
#include "base/message.h"
#include "runtime/operators/call_context.h"
#include "runtime/operators/infer_context.h"
#include "runtime/operators/rows.h"

namespace doppio::operators {
namespace {

Status InferOptional(InferContext& c) {
  int64_t type = 0;
  DOPPIO_RETURN_IF_ERROR(c.args.Int("element_type", &type));
  c.SetKind(0, ValueKind::kOptional,
            c.HasInput(0) ? c.input(0).type : static_cast<ElementType>(type));
  return {};
}

Status CallOptional(CallContext& c) {
  int64_t type = 0;
  DOPPIO_RETURN_IF_ERROR(c.args.IntIn("element_type", 0, kElementTypeCount - 1, &type));
  base::Array<HostValue> elements;
  auto element_type = static_cast<ElementType>(type);
  if (c.HasInput(0)) {
    element_type = c.input(0)->type;
    DOPPIO_ASSIGN_OR_RETURN(HostValue own, c.Own(0));
    DOPPIO_RETURN_IF_ERROR(elements.Append(std::move(own)));
  }
  DOPPIO_ASSIGN_OR_RETURN(HostValue made,
                          NewHostList(ValueKind::kOptional, element_type, std::move(elements)));
  c.Set(0, std::move(made));
  return {};
}

Status InferHasElement(InferContext& c) {
  c.Set(0, ElementType::kBool, {});
  return {};
}

// What is no optional is always there.
Status CallHasElement(CallContext& c) {
  const bool has =
      c.HasInput(0) && (c.input(0)->kind != ValueKind::kOptional || c.input(0)->size() == 1);
  DOPPIO_ASSIGN_OR_RETURN(void* data, c.SetTensor(0, ElementType::kBool, {}));
  *static_cast<bool*>(data) = has;
  return {};
}

Status InferGetElement(InferContext& c) {
  // Whether a tensor or a sequence is inside is not followed.
  c.SetUnknownShape(0, c.input(0).type);
  return {};
}

Status CallGetElement(CallContext& c) {
  const HostValue& value = *c.input(0);
  if (value.kind != ValueKind::kOptional) {
    DOPPIO_ASSIGN_OR_RETURN(HostValue own, c.Own(0));
    c.Set(0, std::move(own));
    return {};
  }
  if (value.size() == 0) return ComputeError("the optional has no element");
  c.Set(0, value[0]);
  return {};
}

constexpr ArgSpec kOptionalArgs[] = {{"element_type", ArgKind::kInt}};

}  // namespace

const Operator kOnnxOptional = {.domain = "ai.onnx",
                                .type = "Optional",
                                .min_inputs = 0,
                                .max_inputs = 1,
                                .min_outputs = 1,
                                .max_outputs = 1,
                                .layout = LayoutTrait::kRowMajor,
                                .flags = kPlain,
                                .infer = InferOptional,
                                .lower = nullptr,
                                .args = kOptionalArgs,
                                .summary = "an optional that holds the input, or nothing",
                                .call = CallOptional};
const Operator kOnnxOptionalHasElement = {.domain = "ai.onnx",
                                          .type = "OptionalHasElement",
                                          .min_inputs = 0,
                                          .max_inputs = 1,
                                          .min_outputs = 1,
                                          .max_outputs = 1,
                                          .layout = LayoutTrait::kRowMajor,
                                          .flags = kPlain,
                                          .infer = InferHasElement,
                                          .lower = nullptr,
                                          .args = {},
                                          .summary = "whether an optional holds something",
                                          .call = CallHasElement};
const Operator kOnnxOptionalGetElement = {.domain = "ai.onnx",
                                          .type = "OptionalGetElement",
                                          .min_inputs = 1,
                                          .max_inputs = 1,
                                          .min_outputs = 1,
                                          .max_outputs = 1,
                                          .layout = LayoutTrait::kRowMajor,
                                          .flags = kPlain,
                                          .infer = InferGetElement,
                                          .lower = nullptr,
                                          .args = {},
                                          .summary = "what an optional holds",
                                          .call = CallGetElement};

}  // namespace doppio::operators
