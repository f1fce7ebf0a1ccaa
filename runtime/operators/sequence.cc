// Sequences of tensors: ONNX's SequenceEmpty, SequenceConstruct, SequenceInsert, SequenceErase,
// SequenceAt, SequenceLength, SplitToSequence, ConcatFromSequence and SequenceMap. A sequence is
// immutable; a changed one shares its elements with the old.
#include <cstring>

#include "base/message.h"
#include "runtime/operators/call_context.h"
#include "runtime/operators/child_graph.h"
#include "runtime/operators/infer_context.h"
#include "runtime/operators/rows.h"
#include "runtime/operators/scalar_input.h"

namespace doppio::operators {
namespace {

using base::Cat;

Status WantSequence(const CallContext& c, size_t i) {
  if (c.input(i)->kind == ValueKind::kSequence) return {};
  return InvalidArgument(Cat("input ", i, " is no sequence"));
}

// A position among `size` elements; from the end when negative.
Status ReadPosition(const CallContext& c, size_t i, int64_t size, int64_t* position) {
  DOPPIO_RETURN_IF_ERROR(ReadScalar(c, i, position));
  if (*position < -size || *position >= size) {
    return ComputeError(Cat("position ", *position, " is outside [", -size, ", ", size, ")"));
  }
  if (*position < 0) *position += size;
  return {};
}

Status CopyElements(const HostValue& sequence, base::Array<HostValue>* elements) {
  for (size_t i = 0; i < sequence.size(); ++i) {
    DOPPIO_RETURN_IF_ERROR(elements->Append(sequence[i]));
  }
  return {};
}

Status SetSequence(CallContext& c, ElementType type, base::Array<HostValue> elements) {
  DOPPIO_ASSIGN_OR_RETURN(HostValue made,
                          NewHostList(ValueKind::kSequence, type, std::move(elements)));
  c.Set(0, std::move(made));
  return {};
}

Status InferSequence(InferContext& c) {
  int64_t type = 0;
  if (c.node().type == "SequenceEmpty") DOPPIO_RETURN_IF_ERROR(c.args.Int("dtype", &type));
  const bool empty = c.node().type == "SequenceEmpty";
  c.SetKind(0, ValueKind::kSequence, empty ? static_cast<ElementType>(type) : c.input(0).type);
  return {};
}

Status CallEmpty(CallContext& c) {
  int64_t type = 0;
  DOPPIO_RETURN_IF_ERROR(c.args.IntIn("dtype", 1, kElementTypeCount - 1, &type));
  return SetSequence(c, static_cast<ElementType>(type), {});
}

Status CallConstruct(CallContext& c) {
  base::Array<HostValue> elements;
  for (size_t i = 0; i < c.input_count(); ++i) {
    if (!c.HasInput(i)) return InvalidArgument(Cat("input ", i, " is left out"));
    DOPPIO_ASSIGN_OR_RETURN(HostValue own, c.Own(i));
    DOPPIO_RETURN_IF_ERROR(elements.Append(std::move(own)));
  }
  const ElementType type = c.input(0)->type;
  return SetSequence(c, type, std::move(elements));
}

Status CallInsert(CallContext& c) {
  DOPPIO_RETURN_IF_ERROR(WantSequence(c, 0));
  const HostValue& sequence = *c.input(0);
  const auto size = static_cast<int64_t>(sequence.size());
  int64_t position = size;
  if (c.HasInput(2)) {
    DOPPIO_RETURN_IF_ERROR(ReadScalar(c, 2, &position));
    if (position < -size || position > size) {
      return ComputeError(Cat("position ", position, " is outside [", -size, ", ", size, "]"));
    }
    if (position < 0) position += size;
  }
  DOPPIO_ASSIGN_OR_RETURN(const HostValue own, c.Own(1));
  base::Array<HostValue> elements;
  DOPPIO_RETURN_IF_ERROR(elements.Reserve(sequence.size() + 1));
  for (int64_t i = 0; i <= size; ++i) {
    if (i == position) DOPPIO_RETURN_IF_ERROR(elements.Append(own));
    if (i < size) DOPPIO_RETURN_IF_ERROR(elements.Append(sequence[static_cast<size_t>(i)]));
  }
  return SetSequence(c, own.type, std::move(elements));
}

Status CallErase(CallContext& c) {
  DOPPIO_RETURN_IF_ERROR(WantSequence(c, 0));
  const HostValue& sequence = *c.input(0);
  const auto size = static_cast<int64_t>(sequence.size());
  if (size == 0) return ComputeError("the sequence is empty");
  int64_t position = size - 1;
  if (c.HasInput(1)) DOPPIO_RETURN_IF_ERROR(ReadPosition(c, 1, size, &position));
  base::Array<HostValue> elements;
  DOPPIO_RETURN_IF_ERROR(CopyElements(sequence, &elements));
  elements.Erase(static_cast<size_t>(position));
  return SetSequence(c, sequence.type, std::move(elements));
}

Status InferAt(InferContext& c) {
  c.SetUnknownShape(0, c.input(0).type);
  return {};
}

Status CallAt(CallContext& c) {
  DOPPIO_RETURN_IF_ERROR(WantSequence(c, 0));
  int64_t position = 0;
  DOPPIO_RETURN_IF_ERROR(ReadPosition(c, 1, static_cast<int64_t>(c.input(0)->size()), &position));
  c.Set(0, (*c.input(0))[static_cast<size_t>(position)]);
  return {};
}

Status InferLength(InferContext& c) {
  c.Set(0, ElementType::kInt64, {});
  return {};
}

Status CallLength(CallContext& c) {
  DOPPIO_RETURN_IF_ERROR(WantSequence(c, 0));
  const auto size = static_cast<int64_t>(c.input(0)->size());
  DOPPIO_ASSIGN_OR_RETURN(void* data, c.SetTensor(0, ElementType::kInt64, {}));
  *static_cast<int64_t*>(data) = size;
  return {};
}

// --- taking apart and putting together
// -----------------------------------------------------------------------------------------------

Status CanonicalAxis(int64_t axis, int rank, int* result) {
  if (axis < -rank || axis >= rank) {
    return InvalidArgument(Cat("axis ", axis, " does not exist in ", rank, " dimensions"));
  }
  *result = static_cast<int>(axis < 0 ? axis + rank : axis);
  return {};
}

// Copies between rows [begin, begin + size) along `axis` of `whole` and a part of that size.
void CopyPart(const Dims& whole, int axis, int64_t begin, int64_t size, int64_t element_bytes,
              const void* from, void* to, bool into_whole) {
  int64_t outer = 1, inner = element_bytes;
  for (int i = 0; i < axis; ++i) outer *= whole[i];
  for (int i = axis + 1; i < whole.rank(); ++i) inner *= whole[i];
  const int64_t run = size * inner;
  for (int64_t i = 0; run > 0 && i < outer; ++i) {
    const int64_t in_whole = (i * whole[axis] + begin) * inner, in_part = i * run;
    std::memcpy(static_cast<char*>(to) + (into_whole ? in_whole : in_part),
                static_cast<const char*>(from) + (into_whole ? in_part : in_whole),
                static_cast<size_t>(run));
  }
}

Status SplitSizes(const CallContext& c, int64_t length, base::Array<int64_t>* sizes, bool* scalar) {
  *scalar = true;
  int64_t chunk = 1;
  if (c.HasInput(1)) {
    const HostValue& split = *c.input(1);
    *scalar = split.dims.rank() == 0;
    if (!*scalar) {
      int64_t sum = 0;
      for (int64_t i = 0; i < split.count(); ++i) {
        const int64_t size =
            split.type == ElementType::kInt64 ? split.as<int64_t>()[i] : split.as<int32_t>()[i];
        if (size < 0 || size > length - sum) return InvalidArgument("the parts do not fit");
        sum += size;
        DOPPIO_RETURN_IF_ERROR(sizes->Append(size));
      }
      return sum == length
                 ? Status()
                 : InvalidArgument(Cat("the parts have ", sum, " rows, the input ", length));
    }
    DOPPIO_RETURN_IF_ERROR(ReadScalar(c, 1, &chunk));
    if (chunk <= 0) return InvalidArgument(Cat("parts of ", chunk, " rows"));
  }
  for (int64_t at = 0; at < length; at += chunk) {
    DOPPIO_RETURN_IF_ERROR(sizes->Append(std::min(chunk, length - at)));
  }
  return {};
}

Status CallSplit(CallContext& c) {
  const HostValue& x = *c.input(0);
  int64_t axis_arg = 0, keep_dims = 0;
  int axis = 0;
  DOPPIO_RETURN_IF_ERROR(c.args.Int("axis", &axis_arg));
  DOPPIO_RETURN_IF_ERROR(c.args.Int("keepdims", &keep_dims));
  DOPPIO_RETURN_IF_ERROR(CanonicalAxis(axis_arg, x.dims.rank(), &axis));
  if (ElementBits(x.type) < 8) return Unsupported(Cat("tensors of ", x.type));
  if (c.HasInput(1) && c.input(1)->type != ElementType::kInt64 &&
      c.input(1)->type != ElementType::kInt32) {
    return InvalidArgument(Cat("sizes of parts of type ", c.input(1)->type));
  }
  base::Array<int64_t> sizes;
  bool scalar = false;
  DOPPIO_RETURN_IF_ERROR(SplitSizes(c, x.dims[axis], &sizes, &scalar));
  // Without sizes the parts have one row, and lose the dimension unless it is to be kept.
  const bool squeeze = !c.HasInput(1) && keep_dims == 0;
  base::Array<HostValue> elements;
  int64_t begin = 0;
  for (const int64_t size : sizes) {
    Dims dims = x.dims;
    dims[axis] = size;
    if (squeeze) dims.erase(axis);
    DOPPIO_ASSIGN_OR_RETURN(HostValue part, c.NewTensor(x.type, dims));
    CopyPart(x.dims, axis, begin, size, ElementBits(x.type) / 8, x.data, part.memory->data(),
             false);
    DOPPIO_RETURN_IF_ERROR(elements.Append(std::move(part)));
    begin += size;
  }
  return SetSequence(c, x.type, std::move(elements));
}

Status CallConcat(CallContext& c) {
  DOPPIO_RETURN_IF_ERROR(WantSequence(c, 0));
  const HostValue& sequence = *c.input(0);
  if (sequence.size() == 0) return ComputeError("the sequence is empty");
  int64_t axis_arg = 0, new_axis = 0;
  DOPPIO_RETURN_IF_ERROR(c.args.Int("axis", &axis_arg));
  DOPPIO_RETURN_IF_ERROR(c.args.Int("new_axis", &new_axis));
  const HostValue& first = sequence[0];
  const int rank = first.dims.rank() + (new_axis != 0 ? 1 : 0);
  int axis = 0;
  DOPPIO_RETURN_IF_ERROR(CanonicalAxis(axis_arg, rank, &axis));
  if (rank > kMaxRank || ElementBits(first.type) < 8) return Unsupported(Cat("such tensors"));
  const auto widened = [&](const HostValue& value) {
    Dims dims = value.dims;
    if (new_axis != 0) dims.insert(axis, 1);
    return dims;
  };
  Dims dims = widened(first);
  dims[axis] = 0;
  for (size_t i = 0; i < sequence.size(); ++i) {
    Dims part = widened(sequence[i]);
    const bool same_rank = part.rank() == rank && sequence[i].type == first.type &&
                           sequence[i].kind == ValueKind::kTensor;
    const int64_t size = same_rank ? part[axis] : 0;
    if (same_rank) part[axis] = dims[axis];
    if (!same_rank || !(part == dims)) {
      return InvalidArgument(Cat("element ", i, " ", sequence[i].type, sequence[i].dims,
                                 " does not fit element 0 ", first.type, first.dims));
    }
    dims[axis] += size;
  }
  const ElementType type = first.type;
  DOPPIO_ASSIGN_OR_RETURN(void* data, c.SetTensor(0, type, dims));
  int64_t begin = 0;
  for (size_t i = 0; i < sequence.size(); ++i) {
    const int64_t size = widened(sequence[i])[axis];
    CopyPart(dims, axis, begin, size, ElementBits(type) / 8, sequence[i].data, data, true);
    begin += size;
  }
  return {};
}

// --- SequenceMap
// -----------------------------------------------------------------------------------------------

Status InferMap(InferContext& c) {
  const graph::Graph* body = c.args.Net("body");
  if (body == nullptr) return CorruptModel("argument 'body' holds no net");
  base::Array<ValueFacts> bound, made;
  for (size_t i = 0; i < body->bound_inputs && i < c.input_count(); ++i) {
    ValueFacts facts;
    if (c.HasInput(i)) facts.type = c.input(i).type;
    DOPPIO_RETURN_IF_ERROR(bound.Append(std::move(facts)));
  }
  DOPPIO_RETURN_IF_ERROR(InferChild(c, *body, bound.span(), &made));
  for (size_t i = 0; i < c.output_count() && i < made.size(); ++i) {
    c.SetKind(i, ValueKind::kSequence, made[i].type);
  }
  return {};
}

Status CallMap(CallContext& c) {
  const graph::Graph* body = c.args.Net("body");
  if (body == nullptr) return CorruptModel("argument 'body' holds no net");
  if (body->outputs().size() < c.output_count()) return CorruptModel("its body lacks outputs");
  DOPPIO_RETURN_IF_ERROR(WantSequence(c, 0));
  const size_t size = c.input(0)->size();
  base::Array<base::Array<HostValue>> results;
  DOPPIO_RETURN_IF_ERROR(results.Resize(c.output_count()));
  base::Array<HostValue> bound, outputs;
  for (size_t at = 0; at < size; ++at) {
    bound.clear();
    for (size_t i = 0; i < c.input_count(); ++i) {
      if (!c.HasInput(i)) return InvalidArgument(Cat("input ", i, " is left out"));
      const HostValue& input = *c.input(i);
      if (input.kind == ValueKind::kSequence && input.size() != size) {
        return InvalidArgument(
            Cat("input ", i, " has ", input.size(), " elements, input 0 has ", size));
      }
      DOPPIO_RETURN_IF_ERROR(bound.Append(input.kind == ValueKind::kSequence ? input[at] : input));
    }
    DOPPIO_RETURN_IF_ERROR(c.RunChild(*body, bound.span(), &outputs));
    for (size_t i = 0; i < results.size(); ++i) {
      DOPPIO_RETURN_IF_ERROR(results[i].Append(std::move(outputs[i])));
    }
  }
  for (size_t i = 0; i < results.size(); ++i) {
    const ElementType type = results[i].empty() ? c.input(0)->type : results[i][0].type;
    DOPPIO_ASSIGN_OR_RETURN(HostValue made,
                            NewHostList(ValueKind::kSequence, type, std::move(results[i])));
    c.Set(i, std::move(made));
  }
  return {};
}

constexpr ArgSpec kEmptyArgs[] = {{"dtype", ArgKind::kInt, 1}};
constexpr ArgSpec kSplitArgs[] = {{"axis", ArgKind::kInt}, {"keepdims", ArgKind::kInt, 1}};
constexpr ArgSpec kConcatArgs[] = {{"axis", ArgKind::kInt, 0, "", true},
                                   {"new_axis", ArgKind::kInt}};
constexpr ArgSpec kMapArgs[] = {{"body", ArgKind::kNet, 0, "", true}};

constexpr Operator Row(std::string_view type, int min_inputs, int max_inputs,
                       Status (*infer)(InferContext&), Status (*call)(CallContext&),
                       std::span<const ArgSpec> args, const char* summary) {
  return {.domain = "ai.onnx",
          .type = type,
          .min_inputs = min_inputs,
          .max_inputs = max_inputs,
          .min_outputs = 1,
          .max_outputs = 1,
          .layout = LayoutTrait::kRowMajor,
          .flags = kPlain,
          .infer = infer,
          .lower = nullptr,
          .args = args,
          .summary = summary,
          .call = call};
}

}  // namespace

const Operator kOnnxSequenceEmpty =
    Row("SequenceEmpty", 0, 0, InferSequence, CallEmpty, kEmptyArgs, "a sequence of nothing");
const Operator kOnnxSequenceConstruct = Row("SequenceConstruct", 1, kVariadic, InferSequence,
                                            CallConstruct, {}, "a sequence of the inputs");
const Operator kOnnxSequenceInsert =
    Row("SequenceInsert", 2, 3, InferSequence, CallInsert, {}, "a sequence with one more element");
const Operator kOnnxSequenceErase =
    Row("SequenceErase", 1, 2, InferSequence, CallErase, {}, "a sequence without one element");
const Operator kOnnxSequenceAt =
    Row("SequenceAt", 2, 2, InferAt, CallAt, {}, "an element of a sequence");
const Operator kOnnxSequenceLength =
    Row("SequenceLength", 1, 1, InferLength, CallLength, {}, "how many elements a sequence has");
const Operator kOnnxSplitToSequence = Row("SplitToSequence", 1, 2, InferSequence, CallSplit,
                                          kSplitArgs, "a tensor in parts along an axis");
const Operator kOnnxConcatFromSequence =
    Row("ConcatFromSequence", 1, 1, InferAt, CallConcat, kConcatArgs,
        "the elements put together along an axis, an old or a new one");
const Operator kOnnxSequenceMap = {.domain = "ai.onnx",
                                   .type = "SequenceMap",
                                   .min_inputs = 1,
                                   .max_inputs = kVariadic,
                                   .min_outputs = 1,
                                   .max_outputs = kVariadic,
                                   .layout = LayoutTrait::kRowMajor,
                                   .flags = kControlFlow,
                                   .infer = InferMap,
                                   .lower = nullptr,
                                   .args = kMapArgs,
                                   .summary = "a child graph for every element of sequences",
                                   .call = CallMap};

}  // namespace doppio::operators
