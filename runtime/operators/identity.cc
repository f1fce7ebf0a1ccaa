// Operators whose output is their input: copies of all kinds, and dropout, which is one outside of
// training.
#include "base/message.h"
#include "runtime/operators/call_context.h"
#include "runtime/operators/content.h"
#include "runtime/operators/lower_context.h"
#include "runtime/operators/random.h"
#include "runtime/operators/rows.h"

namespace doppio::operators {
namespace {

Status InferIdentity(InferContext& c) {
  if (!c.input(0).is_tensor()) {
    c.SetKind(0, c.input(0).kind, c.input(0).type);
    return {};
  }
  c.Set(0, c.input(0).type, c.input(0).shape);
  if (c.output_count() > 0) c.output(0).constant = c.input(0).constant;
  return KeepContent(c, 0, 0);
}

Status LowerIdentity(LowerContext& c) { return c.Alias(0, c.input(0)); }

Status CallIdentity(CallContext& c) {
  DOPPIO_ASSIGN_OR_RETURN(HostValue own, c.Own(0));
  c.Set(0, std::move(own));
  return {};
}

Status InferCaffe2Dropout(InferContext& c) {
  bool is_test = false;
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("is_test", &is_test));
  if (!is_test) {
    float ratio = 0;
    DOPPIO_RETURN_IF_ERROR(c.args.Float("ratio", &ratio));
    if (!(ratio >= 0 && ratio < 1)) {
      return InvalidArgument(base::Cat("argument 'ratio' is ", ratio, "; it must lie in [0, 1)"));
    }
    if (c.node().outputs.size() < 2 || c.input(0).type != ElementType::kFloat) {
      return InvalidArgument("in its training form (is_test is 0) it has a mask and takes float32");
    }
  }
  c.Set(1, ElementType::kBool, c.input(0).shape);
  return InferIdentity(c);
}

Status InferOnnxDropout(InferContext& c) {
  if (c.HasInput(2)) {
    if (c.input(2).type != ElementType::kBool) {
      return InvalidArgument(base::Cat("training_mode ", c.Describe(2), " must be bool"));
    }
    if (!c.input(2).ContentKnown()) c.NeedContent(2);
    if (c.input(2).has_content && c.input(2).content.size() == 1 && c.input(2).content[0].Is(1)) {
      return Unsupported("it is in its training form (training_mode is true)");
    }
  }
  c.Set(1, ElementType::kBool, c.input(0).shape);
  return InferIdentity(c);
}

Status LowerDropout(LowerContext& c) {
  bool is_test = true;
  if (!IsOnnx(c.node())) DOPPIO_RETURN_IF_ERROR(c.args.Bool("is_test", &is_test));
  if (!is_test) {
    float ratio = 0;
    DOPPIO_RETURN_IF_ERROR(c.args.Float("ratio", &ratio));
    return EmitDropout(c, ratio, c.input(0), c.output(0), c.output(1));
  }
  if (c.output_count() > 1 && c.output(1).present()) {
    constexpr bool kKept = true;
    DOPPIO_RETURN_IF_ERROR(c.Fill(c.output(1), &kKept));
  }
  return c.output(0).present() ? LowerIdentity(c) : Status();
}

constexpr ArgSpec kDropoutArgs[] = {{"is_test", ArgKind::kInt}, {"ratio", ArgKind::kFloat, 0.5}};
constexpr ArgSpec kOnnxDropoutArgs[] = {{"seed", ArgKind::kInt}};

constexpr Operator Identity(std::string_view domain, std::string_view type, int max_inputs = 1) {
  return {domain,
          type,
          1,
          max_inputs,
          1,
          1,
          LayoutTrait::kAny,
          kElementwise | kIdentity,
          InferIdentity,
          LowerIdentity,
          {},
          "the input itself",
          CallIdentity};
}

}  // namespace

const Operator kCopy = Identity("", "Copy");
const Operator kAlias = Identity("", "Alias");
const Operator kStopGradient = Identity("", "StopGradient");
const Operator kEnsureCpuOutput = Identity("", "EnsureCPUOutput");
const Operator kCopyFromCpuInput = Identity("", "CopyFromCPUInput");
const Operator kCopyCpuToGpu = Identity("", "CopyCPUToGPU");
const Operator kCopyGpuToCpu = Identity("", "CopyGPUToCPU");
const Operator kCopyOnDeviceLike = Identity("", "CopyOnDeviceLike", 2);
const Operator kEnsureDense = Identity("", "EnsureDense");
const Operator kOnnxIdentity = Identity("ai.onnx", "Identity");
const Operator kDropout = {"",
                           "Dropout",
                           1,
                           1,
                           1,
                           2,
                           LayoutTrait::kAny,
                           kElementwise | kIdentity,
                           InferCaffe2Dropout,
                           LowerDropout,
                           kDropoutArgs,
                           "the input itself, or in its training form what a draw keeps of it"};
const Operator kOnnxDropout = {"ai.onnx",
                               "Dropout",
                               1,
                               3,
                               1,
                               2,
                               LayoutTrait::kAny,
                               kElementwise | kIdentity,
                               InferOnnxDropout,
                               LowerDropout,
                               kOnnxDropoutArgs,
                               "the input itself (inference only)"};

}  // namespace doppio::operators
