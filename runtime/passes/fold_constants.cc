// Nodes whose inputs are all constants are computed once, with the reference kernels. A result may
// not be larger than what it is made from and 1 MB: a Tile or ConstantOfShape that blows up stays a
// node.
#include "base/array.h"
#include "runtime/operators/evaluate.h"
#include "runtime/operators/operator.h"
#include "runtime/passes/pass.h"

namespace doppio::passes {
namespace {

using graph::Constant;
using graph::Graph;
using graph::Node;
using graph::Value;

constexpr int64_t kFreeBytes = 1 << 20;
constexpr double kMaxWork = 1e9;  // about a second of plain loops, for all nodes together

int64_t BytesOf(const Constant& constant) { return StorageBytes(constant.type, constant.count); }

// Whether `node` may be computed now; `bytes` is the size of its inputs.
bool AllConstant(const Node& node, base::Array<const Constant*>* inputs, int64_t* bytes) {
  *bytes = 0;
  for (const graph::Input& input : node.inputs) {
    if (input.value != nullptr && !input.value->is_constant) return false;
    const Constant* constant = input.value != nullptr ? &input.value->constant : nullptr;
    if (constant != nullptr) *bytes += BytesOf(*constant);
    if (!inputs->Append(constant).ok()) return false;
  }
  return true;
}

bool MayFold(const Node& node) {
  const operators::Operator* op = operators::FindOperator(node.domain, node.type);
  return op != nullptr && (op->flags & (operators::kRandom | operators::kDataDependent |
                                        operators::kControlFlow)) == 0;
}

}  // namespace

Status FoldConstants(Graph& graph, PassContext& context) {
  for (Node* node = graph.first(); node != nullptr;) {
    Node* const next = node->next;
    base::Array<const Constant*> inputs;
    int64_t bytes = 0;
    if (MayFold(*node) && AllConstant(*node, &inputs, &bytes)) {
      operators::EvaluateLimits limits;
      limits.max_bytes = bytes + kFreeBytes;
      limits.max_work = kMaxWork;
      base::Array<Constant> outputs;
      const Status status =
          operators::EvaluateNode(*node, {inputs.data(), inputs.size()}, &graph, &outputs, limits);
      // What cannot be computed here stays, and says why when it runs.
      if (status.ok()) {
        for (size_t i = 0; i < node->outputs.size(); ++i) {
          Value* const output = node->outputs[i];
          if (output != nullptr) graph.MakeConstant(output, outputs[i]);
        }
        graph.RemoveNode(node);
        ++context.changes;
      } else if (status.code() == StatusCode::kOutOfMemory) {
        return status;
      }
    }
    node = next;
  }
  return {};
}

}  // namespace doppio::passes
