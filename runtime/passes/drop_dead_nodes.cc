#include "runtime/passes/pass.h"

namespace doppio::passes {

Status DropDeadNodes(graph::Graph& graph, PassContext& context) {
  // Backwards, so that what only fed a dead node is dead when its turn comes.
  for (graph::Node* node = graph.last(); node != nullptr;) {
    graph::Node* const previous = node->previous;
    bool used = node->outputs.empty();  // no outputs: there for its effect
    for (const graph::Value* output : node->outputs)
      used |= output != nullptr && !output->uses.empty();
    if (!used) {
      graph.RemoveNode(node);
      ++context.changes;
    }
    node = previous;
  }
  return {};
}

}  // namespace doppio::passes
