// Rows of operators that are called value by value (Operator::call), and their inputs as arrays.
#pragma once

#include <span>

#include "runtime/operators/call_context.h"
#include "runtime/operators/infer_context.h"

namespace doppio::operators {

struct Counts {
  int min_inputs = 1, max_inputs = 1;
  int min_outputs = 1, max_outputs = 1;
};

constexpr Operator CalledRow(std::string_view type, const Counts& counts,
                             Status (*infer)(InferContext&), Status (*call)(CallContext&),
                             std::span<const ArgSpec> args, const char* summary,
                             uint32_t flags = kPlain) {
  return {.domain = "",
          .type = type,
          .min_inputs = counts.min_inputs,
          .max_inputs = counts.max_inputs,
          .min_outputs = counts.min_outputs,
          .max_outputs = counts.max_outputs,
          .layout = LayoutTrait::kRowMajor,
          .flags = flags,
          .infer = infer,
          .lower = nullptr,
          .args = args,
          .summary = summary,
          .call = call};
}

// A shape rule that knows types alone: output i has the i-th of `types`, further ones the last.
template <ElementType... types>
Status InferTypes(InferContext& c) {
  constexpr ElementType kTypes[] = {types...};
  for (size_t i = 0; i < c.output_count(); ++i) {
    c.SetUnknownShape(i, kTypes[i < sizeof...(types) ? i : sizeof...(types) - 1]);
  }
  return {};
}

// Output 0 has the type and the sizes of input 0.
Status InferFirstInput(InferContext& c);

// The elements of input `i`, which must be float32.
StatusOr<std::span<const float>> FloatsOf(const CallContext& c, size_t i);
// The elements of input `i`, int32 or int64 of any shape.
Status IntegersOf(const CallContext& c, size_t i, base::Array<int64_t>* values);
// Output `i` becomes a float32 tensor, whose memory is returned.
StatusOr<float*> SetFloats(CallContext& c, size_t i, const Dims& dims);
// Output `i` becomes one float32 without dimensions.
Status SetFloat(CallContext& c, size_t i, double value);

// Input `i` has `rank` dimensions.
Status WantRank(const CallContext& c, size_t i, int rank);
// Inputs `i` and `j` have equal sizes.
Status WantSameDims(const CallContext& c, size_t i, size_t j);

}  // namespace doppio::operators
