// Integer tensors that follow from known sizes (Shape, Gather, Concat and their kin) become
// constants; a Reshape whose target is known but for one size gets -1 or 0 there. With fixed input
// shapes no shape arithmetic is left.
#include "runtime/operators/operator.h"
#include "runtime/passes/pass.h"

namespace doppio::passes {
namespace {

using graph::Dim;
using graph::Graph;
using graph::Node;
using graph::Value;
using operators::FactsTable;
using operators::ValueFacts;

bool IsIntegerContent(const ValueFacts& facts) {
  const bool type = facts.type == ElementType::kInt64 || facts.type == ElementType::kInt32 ||
                    facts.type == ElementType::kBool;
  return type && facts.Static() && facts.ContentKnown();
}

Status ToConstant(Graph& graph, Value* value, const ValueFacts& facts) {
  graph::Constant constant;
  constant.type = facts.type;
  constant.dims = facts.shape.Numbers();
  const auto count = facts.content.size();
  DOPPIO_ASSIGN_OR_RETURN(void* data, graph.Allocate(count * sizeof(int64_t)));
  for (size_t i = 0; i < count; ++i) {
    const int64_t number = facts.content[i].value();
    if (facts.type == ElementType::kInt64) static_cast<int64_t*>(data)[i] = number;
    if (facts.type == ElementType::kInt32)
      static_cast<int32_t*>(data)[i] = static_cast<int32_t>(number);
    if (facts.type == ElementType::kBool) static_cast<bool*>(data)[i] = number != 0;
  }
  constant.data = data;
  graph.MakeConstant(value, constant);
  return {};
}

// The integers to reshape `x` to `content` where that needs no size from the run: numbers, 0 for a
// size that x has at the same place, -1 for one other. False when there is more than one such
// other.
bool Target(const ValueFacts& x, const base::Array<Dim>& content, base::Array<int64_t>* target) {
  int open = 0;
  for (size_t i = 0; i < content.size(); ++i) {
    const auto at = static_cast<int>(i);
    int64_t size = 0;
    if (content[i].known()) {
      size = content[i].value();
      if (size == 0) return false;  // "copy the size" or an empty tensor: leave it to the operator
      if (size == -1) ++open;
    } else if (x.has_shape && at < x.shape.rank && x.shape[at] == content[i]) {
      size = 0;
    } else {
      size = -1;
      ++open;
    }
    if (!target->Append(size).ok()) return false;
  }
  return open <= 1;
}

Status FixReshape(Graph& graph, Node* node, const FactsTable& facts, PassContext& context) {
  Value* const shape = node->input(1);
  if (node->type != "Reshape" || shape == nullptr || shape->is_constant ||
      shape->id >= facts.size())
    return {};
  const ValueFacts& content = facts[shape->id];
  if (!content.has_content || content.content.empty()) return {};
  base::Array<int64_t> target;
  if (!Target(facts[node->input(0)->id], content.content, &target)) return {};
  const Dims dims{static_cast<int64_t>(target.size())};
  DOPPIO_ASSIGN_OR_RETURN(Value * constant, graph.AddConstantCopy(shape->name, ElementType::kInt64,
                                                                  dims, target.data()));
  DOPPIO_RETURN_IF_ERROR(graph.SetInput(node, 1, constant));
  graph.RemoveArg(node, "allowzero");
  ++context.changes;
  return {};
}

// What is known of the outputs is part of what a pair says about itself.
Status DeclareOutputs(Graph& graph, const FactsTable& facts) {
  for (const graph::GraphOutput& output : graph.outputs()) {
    Value* const value = output.value;
    const ValueFacts& known = facts[value->id];
    if (value->is_constant || value->is_input || known.type == ElementType::kUndefined) continue;
    value->declared.kind = known.kind;
    value->declared.type = known.type;
    if (!known.has_shape) continue;
    value->declared.has_shape = true;
    value->declared.dims.clear();
    for (int i = 0; i < known.shape.rank; ++i) {
      DOPPIO_RETURN_IF_ERROR(value->declared.dims.Append(known.shape[i]));
    }
  }
  return {};
}

}  // namespace

Status FoldShapes(Graph& graph, PassContext& context) {
  FactsTable facts;
  DOPPIO_RETURN_IF_ERROR(operators::InferGraph(graph, &facts));
  DOPPIO_RETURN_IF_ERROR(DeclareOutputs(graph, facts));
  for (Node* node = graph.first(); node != nullptr;) {
    Node* const next = node->next;
    const operators::Operator* op = operators::FindOperator(node->domain, node->type);
    bool all = !node->outputs.empty() && op != nullptr && !(op->flags & operators::kRandom);
    for (const Value* output : node->outputs) {
      all = all && (output == nullptr || IsIntegerContent(facts[output->id]));
    }
    if (all) {
      for (size_t i = 0; i < node->outputs.size(); ++i) {
        Value* const output = node->outputs[i];
        if (output != nullptr) DOPPIO_RETURN_IF_ERROR(ToConstant(graph, output, facts[output->id]));
      }
      graph.RemoveNode(node);
      ++context.changes;
    } else {
      DOPPIO_RETURN_IF_ERROR(FixReshape(graph, node, facts, context));
    }
    node = next;
  }
  return {};
}

}  // namespace doppio::passes
