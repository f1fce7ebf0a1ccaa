// EvaluateNode: computes one node at once with the reference rows, everything row-major. Used by
// constant folding, by the planner for contents that a shape rule asks for, and by tests as a path
// of its own.
#pragma once

#include <cstdint>
#include <span>

#include "base/array.h"
#include "runtime/graph/graph.h"

namespace doppio::operators {

// What one evaluation may cost; kUnsupported when it would cost more.
struct EvaluateLimits {
  int64_t max_bytes = int64_t{1} << 30;  // of outputs and temporaries together
  double max_work = 1e11;                // multiplications, or elements written
};

// `inputs` has one entry for each input of the node, null where it is left out; their data is
// row-major. The outputs live in `memory` (as long as that graph), one for each output of the node;
// outputs that are left out stay empty. Errors carry the node's label: kUnsupported (no such
// operator, random, control flow, over a limit), what the shape rule says, kComputeError for data
// that an operator cannot take.
Status EvaluateNode(const graph::Node& node, std::span<const graph::Constant* const> inputs,
                    graph::Graph* memory, base::Array<graph::Constant>* outputs,
                    const EvaluateLimits& limits = {});

}  // namespace doppio::operators
