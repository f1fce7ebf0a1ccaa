// Caffe2's operators that look at values and stop the net, or say nothing: NanCheck, EnforceFinite,
// Assert, Print, Summarize, HasElements, IsEmpty. Those without outputs run for their effect.
#include <algorithm>
#include <cmath>

#include "base/message.h"
#include "runtime/operators/called_row.h"
#include "runtime/operators/host_number.h"
#include "runtime/operators/rows.h"

namespace doppio::operators {
namespace {

using base::Cat;
using Floats = std::span<const float>;

Status WantFinite(const CallContext& c, size_t i) {
  const HostValue& x = *c.input(i);
  if (x.type != ElementType::kFloat && x.type != ElementType::kDouble) {
    return InvalidArgument(Cat("input ", i, " must hold floats, it is ", x.type, x.dims));
  }
  for (int64_t at = 0; at < x.count(); ++at) {
    const double value = HostNumber(x.type, x.data, at);
    if (!std::isfinite(value)) {
      return ComputeError(
          Cat("element ", at, " of blob ", base::Quoted(c.node().input(i)->name), " is ", value));
    }
  }
  return {};
}

Status InferNothing(InferContext&) { return {}; }

// The first input goes on when all are finite.
Status CallNanCheck(CallContext& c) {
  for (size_t i = 0; i < c.input_count(); ++i) DOPPIO_RETURN_IF_ERROR(WantFinite(c, i));
  DOPPIO_ASSIGN_OR_RETURN(HostValue own, c.Own(0));
  c.Set(0, std::move(own));
  return {};
}

Status CallEnforceFinite(CallContext& c) { return WantFinite(c, 0); }

Status CallAssert(CallContext& c) {
  const HostValue& x = *c.input(0);
  if (!IsHostNumber(x.type)) return InvalidArgument(Cat("it cannot test ", x.type));
  std::string_view text;
  DOPPIO_RETURN_IF_ERROR(c.args.Text("error_msg", &text));
  for (int64_t i = 0; i < x.count(); ++i) {
    if (HostNumber(x.type, x.data, i) != 0) continue;
    return ComputeError(Cat("element ", i, " is false", text.empty() ? "" : ": ", text));
  }
  return {};
}

// A library does not write to its program's output: what the net would print is left out.
Status CallPrint(CallContext&) { return {}; }

// Least, greatest, mean and standard deviation.
Status CallSummarize(CallContext& c) {
  DOPPIO_ASSIGN_OR_RETURN(const Floats x, FloatsOf(c, 0));
  if (x.empty()) return InvalidArgument("there is nothing to summarize");
  double sum = 0, squares = 0;
  const auto count = static_cast<double>(x.size());
  for (const float value : x) sum += static_cast<double>(value);
  for (const float value : x) {
    const double difference = static_cast<double>(value) - sum / count;
    squares += difference * difference;
  }
  DOPPIO_ASSIGN_OR_RETURN(float* const y, SetFloats(c, 0, {4}));
  y[0] = *std::min_element(x.begin(), x.end());
  y[1] = *std::max_element(x.begin(), x.end());
  y[2] = static_cast<float>(sum / count);
  y[3] = static_cast<float>(x.size() > 1 ? std::sqrt(squares / (count - 1)) : 0);
  return {};
}

Status SetBool(CallContext& c, bool value) {
  DOPPIO_ASSIGN_OR_RETURN(void* const memory, c.SetTensor(0, ElementType::kBool, {}));
  *static_cast<bool*>(memory) = value;
  return {};
}

Status CallHasElements(CallContext& c) {
  bool any = false;
  for (size_t i = 0; i < c.input_count(); ++i) any |= c.input(i)->count() > 0;
  return SetBool(c, any);
}

Status CallIsEmpty(CallContext& c) { return SetBool(c, c.input(0)->count() == 0); }

constexpr ArgSpec kAssertArgs[] = {{"error_msg", ArgKind::kString}};
constexpr ArgSpec kPrintArgs[] = {
    {"to_file", ArgKind::kInt}, {"limit", ArgKind::kInt}, {"every_n", ArgKind::kInt, 1}};
constexpr ArgSpec kFileArgs[] = {{"to_file", ArgKind::kInt}};

}  // namespace

const Operator kNanCheck = CalledRow("NanCheck", {1, kVariadic}, InferFirstInput, CallNanCheck, {},
                                     "its first input, when all inputs are finite");
const Operator kEnforceFinite = CalledRow("EnforceFinite", {1, 1, 0, 0}, InferNothing,
                                          CallEnforceFinite, {}, "stops at what is not finite");
const Operator kAssert = CalledRow("Assert", {1, 1, 0, 0}, InferNothing, CallAssert, kAssertArgs,
                                   "stops at what is false");
const Operator kPrint =
    CalledRow("Print", {1, 1, 0, 0}, InferNothing, CallPrint, kPrintArgs, "does nothing");
const Operator kSummarize =
    CalledRow("Summarize", {1, 1, 0, 1}, InferTypes<ElementType::kFloat>, CallSummarize, kFileArgs,
              "least, greatest, mean and standard deviation");
const Operator kHasElements =
    CalledRow("HasElements", {1, kVariadic}, InferTypes<ElementType::kBool>, CallHasElements, {},
              "whether any input has an element");
const Operator kIsEmpty = CalledRow("IsEmpty", {}, InferTypes<ElementType::kBool>, CallIsEmpty, {},
                                    "whether it has no element");

}  // namespace doppio::operators
