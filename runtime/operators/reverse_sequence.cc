// ReverseSequence of ONNX: the first steps of each sequence of a batch, backwards.
#include <cstring>

#include "base/message.h"
#include "runtime/operators/call_context.h"
#include "runtime/operators/infer_context.h"
#include "runtime/operators/rows.h"

namespace doppio::operators {
namespace {

using base::Cat;

Status ReadAxes(const ArgReader& args, int64_t* batch, int64_t* time) {
  DOPPIO_RETURN_IF_ERROR(args.IntIn("batch_axis", 0, 1, batch));
  DOPPIO_RETURN_IF_ERROR(args.IntIn("time_axis", 0, 1, time));
  if (*batch != *time) return {};
  return InvalidArgument("batch_axis and time_axis must be 0 and 1, or 1 and 0");
}

Status InferReverse(InferContext& c) {
  int64_t batch = 0, time = 0;
  const ValueFacts& x = c.input(0);
  DOPPIO_RETURN_IF_ERROR(ReadAxes(c.args, &batch, &time));
  if (x.has_shape && x.shape.rank < 2) {
    return InvalidArgument(Cat(c.Describe(0), " must have at least 2 dimensions"));
  }
  if (c.input(1).type != ElementType::kInt64) {
    return InvalidArgument(Cat(c.Describe(1), " must be int64"));
  }
  if (x.has_shape) {
    c.Set(0, x.type, x.shape);
  } else {
    c.SetUnknownShape(0, x.type);
  }
  return {};
}

Status CallReverse(CallContext& c) {
  const HostValue &x = *c.input(0), &lengths = *c.input(1);
  int64_t batch_axis = 0, time_axis = 0;
  DOPPIO_RETURN_IF_ERROR(ReadAxes(c.args, &batch_axis, &time_axis));
  if (x.dims.rank() < 2 || ElementBits(x.type) < 8) {
    return InvalidArgument(Cat("input 0 ", x.type, x.dims, " is no sequence of a batch"));
  }
  const int64_t batch = x.dims[static_cast<int>(batch_axis)];
  const int64_t time = x.dims[static_cast<int>(time_axis)];
  if (lengths.dims.rank() != 1 || lengths.dims[0] != batch) {
    return InvalidArgument(Cat("input 1 must hold ", batch, " lengths, it is ", lengths.dims));
  }
  DOPPIO_ASSIGN_OR_RETURN(void* const data, c.SetTensor(0, x.type, x.dims));
  int64_t inner = ElementBits(x.type) / 8;
  for (int i = 2; i < x.dims.rank(); ++i) inner *= x.dims[i];
  if (x.count() == 0) return {};
  const int64_t batch_step = batch_axis == 0 ? time : 1, time_step = batch_axis == 0 ? 1 : batch;
  for (int64_t b = 0; b < batch; ++b) {
    const int64_t length = lengths.as<int64_t>()[b];
    if (length < 0 || length > time) {
      return ComputeError(
          Cat("length ", length, " of sequence ", b, " is outside [0, ", time, "]"));
    }
    for (int64_t t = 0; t < time; ++t) {
      const int64_t from = t < length ? length - 1 - t : t;
      std::memcpy(static_cast<char*>(data) + (b * batch_step + t * time_step) * inner,
                  x.as<char>() + (b * batch_step + from * time_step) * inner,
                  static_cast<size_t>(inner));
    }
  }
  return {};
}

constexpr ArgSpec kArgs[] = {{"batch_axis", ArgKind::kInt, 1}, {"time_axis", ArgKind::kInt}};

}  // namespace

const Operator kOnnxReverseSequence = {.domain = "ai.onnx",
                                       .type = "ReverseSequence",
                                       .min_inputs = 2,
                                       .max_inputs = 2,
                                       .min_outputs = 1,
                                       .max_outputs = 1,
                                       .layout = LayoutTrait::kRowMajor,
                                       .flags = kPlain,
                                       .infer = InferReverse,
                                       .lower = nullptr,
                                       .args = kArgs,
                                       .summary = "the first steps of each sequence, backwards",
                                       .call = CallReverse};

}  // namespace doppio::operators
