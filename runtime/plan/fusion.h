// Fusion: which nodes run as one step with the node before them: convolution or product, residual
// addition, activation.
#pragma once

#include <cstdint>
#include <span>

#include "base/array.h"
#include "runtime/graph/graph.h"
#include "runtime/operators/activation.h"
#include "runtime/operators/facts.h"

namespace doppio::plan {

// What is fused behind a head node. Absorbed nodes make no step of their own.
struct Fusion {
  const graph::Node* addition = nullptr;  // adds `residual` to the head's output
  const graph::Value* residual = nullptr;
  const graph::Node* activation = nullptr;
  operators::Activation function;
  const graph::Value* output = nullptr;  // what the fused step makes; null: nothing is fused
};

struct FusionTable {
  base::Array<Fusion> by_head;  // by node id
  base::Array<bool> absorbed;   // by node id
};

// Which nodes may be fused: those with order in [begin, end), by node id.
struct NodeOrder {
  std::span<const int32_t> order;  // position in execution order, by node id
  int32_t begin = 0;
  int32_t end = 0;

  bool Contains(const graph::Node* node) const {
    const int32_t at = order[node->id];
    return at >= begin && at < end;
  }
};

// Finds fusions among the nodes in `range`, first to last. An addition goes to the later of the two
// nodes that make its operands, so that the other operand is there already. Only for float32, and
// only where nobody else reads what lies between.
Status FindFusions(const graph::Graph& graph, const NodeOrder& range,
                   std::span<const operators::ValueFacts> facts, FusionTable* table);

}  // namespace doppio::plan
