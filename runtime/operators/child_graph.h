// What is known of a child graph's outputs (a branch, a loop's body) before it runs.
#pragma once

#include "runtime/operators/call_context.h"
#include "runtime/operators/infer_context.h"

namespace doppio::operators {

// Facts of the outputs of `child`, a child graph of c's node, from facts of its bound inputs (fewer
// may be given: the others are unknown) and of what it captures. Symbols of one graph mean nothing
// in another: sizes that are no numbers become unknown.
Status InferChild(const InferContext& c, const graph::Graph& child,
                  std::span<const ValueFacts> bound, base::Array<ValueFacts>* outputs);

// The same while a net runs, for a loop that makes no iteration: of the inputs from `first_state`
// on, `states` have the types of the call's inputs of the same position.
Status InferEmptyBody(const CallContext& c, const graph::Graph& body, size_t first_state,
                      size_t states, base::Array<ValueFacts>* outputs);

}  // namespace doppio::operators
