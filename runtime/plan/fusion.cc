#include "runtime/plan/fusion.h"

#include "runtime/operators/operator.h"

namespace doppio::plan {
namespace {

using graph::Node;
using graph::Value;
using operators::FindOperator;
using operators::Operator;
using operators::ValueFacts;

// The one node that reads `value`, when there is exactly one reader and it is no output of the net.
const Node* OnlyReader(const Value* value) {
  return value->uses.size() == 1 ? value->uses[0].node : nullptr;
}

bool SameStaticShape(const ValueFacts& a, const ValueFacts& b) {
  return a.Static() && b.Static() && a.type == b.type && a.shape.Numbers() == b.shape.Numbers();
}

bool IsAddition(const Node& node) {
  return (node.type == "Add" || node.type == "Sum") && node.inputs.size() == 2 &&
         (node.domain.empty() || node.domain == "ai.onnx");
}

class Finder {
 public:
  Finder(const NodeOrder& range, std::span<const ValueFacts> facts, FusionTable* table)
      : range_(range), facts_(facts), table_(table) {}

  void FuseBehind(const Node* head) {
    const Operator* op = FindOperator(head->domain, head->type);
    if (op == nullptr || table_->absorbed[head->id] || head->outputs.empty()) return;
    const Value* output = head->outputs[0];
    if (output == nullptr || facts_[output->id].type != ElementType::kFloat) return;
    Fusion fusion;
    if (op->flags & operators::kTakesResidual) TakeAddition(head, &output, &fusion);
    if (op->flags & operators::kTakesActivation) TakeActivation(&output, &fusion);
    // What nobody reads gets no memory, so nothing may be stored there.
    if (output == head->outputs[0] || output->uses.empty()) return;
    fusion.output = output;
    table_->by_head[head->id] = fusion;
    if (fusion.addition != nullptr) table_->absorbed[fusion.addition->id] = true;
    if (fusion.activation != nullptr) table_->absorbed[fusion.activation->id] = true;
  }

 private:
  // Whether `value` is there before `node` runs.
  bool AvailableBefore(const Value* value, const Node* node) const {
    // A producer that is absorbed by a head before it only makes the value earlier.
    return value->producer == nullptr || range_.order[value->producer->id] < range_.order[node->id];
  }

  void TakeAddition(const Node* head, const Value** output, Fusion* fusion) const {
    const Node* addition = OnlyReader(*output);
    if (addition == nullptr || !IsAddition(*addition) || !range_.Contains(addition)) return;
    const size_t other = addition->inputs[0].value == *output ? 1 : 0;
    const Value* residual = addition->inputs[other].value;
    if (residual == nullptr || residual == *output || addition->output(0) == nullptr) return;
    const ValueFacts& sum = facts_[addition->output(0)->id];
    if (!SameStaticShape(facts_[residual->id], sum) ||
        !SameStaticShape(facts_[(*output)->id], sum)) {
      return;
    }
    if (residual->is_constant || !AvailableBefore(residual, head)) return;
    fusion->addition = addition;
    fusion->residual = residual;
    *output = addition->output(0);
  }

  void TakeActivation(const Value** output, Fusion* fusion) const {
    const Node* next = OnlyReader(*output);
    if (next == nullptr || !range_.Contains(next) || next->output(0) == nullptr) return;
    if (!operators::IsActivation(*next, &fusion->function)) return;
    if (!SameStaticShape(facts_[(*output)->id], facts_[next->output(0)->id])) return;
    fusion->activation = next;
    *output = next->output(0);
  }

  const NodeOrder& range_;
  std::span<const ValueFacts> facts_;
  FusionTable* table_;
};

}  // namespace

Status FindFusions(const graph::Graph& graph, const NodeOrder& range,
                   std::span<const ValueFacts> facts, FusionTable* table) {
  table->by_head.clear();
  table->absorbed.clear();
  DOPPIO_RETURN_IF_ERROR(table->by_head.Resize(graph.node_ids()));
  DOPPIO_RETURN_IF_ERROR(table->absorbed.Resize(graph.node_ids()));
  Finder finder(range, facts, table);
  // Later heads first: of two convolutions whose results are added, the later one takes the
  // addition.
  for (const Node* node = graph.last(); node != nullptr; node = node->previous) {
    if (range.Contains(node)) finder.FuseBehind(node);
  }
  return {};
}

}  // namespace doppio::plan
