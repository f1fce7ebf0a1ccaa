#include "runtime/operators/operator.h"
#include "runtime/passes/pass.h"

namespace doppio::passes {
namespace {

// Only output 0 may be read: a Dropout whose mask is used stays.
bool OthersUnused(const graph::Node& node) {
  for (size_t i = 1; i < node.outputs.size(); ++i) {
    if (node.outputs[i] != nullptr && !node.outputs[i]->uses.empty()) return false;
  }
  return true;
}

}  // namespace

Status DropIdentities(graph::Graph& graph, PassContext& context) {
  for (graph::Node* node = graph.first(); node != nullptr;) {
    graph::Node* const next = node->next;
    const operators::Operator* op = operators::FindOperator(node->domain, node->type);
    graph::Value* const input = node->input(0);
    graph::Value* const output = node->output(0);
    if (op != nullptr && (op->flags & operators::kIdentity) && input != nullptr &&
        output != nullptr && OthersUnused(*node)) {
      DOPPIO_RETURN_IF_ERROR(graph.ReplaceAllUses(output, input));
      graph.RemoveNode(node);
      ++context.changes;
    }
    node = next;
  }
  return {};
}

}  // namespace doppio::passes
