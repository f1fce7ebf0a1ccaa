#include "runtime/operators/child_graph.h"

namespace doppio::operators {
namespace {

// `facts` without symbols; constants stay known through their content.
Status WithoutSymbols(const ValueFacts& facts, ValueFacts* result) {
  result->kind = facts.kind;
  result->type = facts.type;
  result->has_shape = facts.has_shape;
  result->shape = facts.shape;
  for (int i = 0; i < facts.shape.rank; ++i) {
    if (!facts.shape[i].known()) result->shape[i] = Dim();
  }
  if (!facts.ContentKnown()) return {};
  result->has_content = true;
  return result->content.Assign(facts.content.span());
}

Status InferOutputs(const graph::Graph& child, std::span<const ValueFacts> inputs,
                    base::Array<ValueFacts>* outputs) {
  SymbolTable symbols;
  FactsTable table;
  DOPPIO_RETURN_IF_ERROR(InferGraph(child, inputs, &symbols, &table));
  outputs->clear();
  for (const graph::GraphOutput& output : child.outputs()) {
    ValueFacts facts;
    DOPPIO_RETURN_IF_ERROR(WithoutSymbols(table[output.value->id], &facts));
    facts.has_content = false;  // another iteration, or another branch, may make another
    facts.content.clear();
    DOPPIO_RETURN_IF_ERROR(outputs->Append(std::move(facts)));
  }
  return {};
}

}  // namespace

Status InferChild(const InferContext& c, const graph::Graph& child,
                  std::span<const ValueFacts> bound, base::Array<ValueFacts>* outputs) {
  base::Array<ValueFacts> inputs;
  DOPPIO_RETURN_IF_ERROR(inputs.Resize(child.inputs().size()));
  for (size_t i = 0; i < bound.size() && i < child.bound_inputs; ++i) {
    DOPPIO_RETURN_IF_ERROR(WithoutSymbols(bound[i], &inputs[i]));
  }
  size_t capture = graph::FirstCapture(c.node(), child);
  for (size_t i = child.bound_inputs; i < inputs.size(); ++i, ++capture) {
    if (c.HasInput(capture)) DOPPIO_RETURN_IF_ERROR(WithoutSymbols(c.input(capture), &inputs[i]));
  }
  return InferOutputs(child, inputs.span(), outputs);
}

Status InferEmptyBody(const CallContext& c, const graph::Graph& body, size_t first_state,
                      size_t states, base::Array<ValueFacts>* outputs) {
  base::Array<ValueFacts> inputs;
  DOPPIO_RETURN_IF_ERROR(inputs.Resize(body.inputs().size()));
  for (size_t i = first_state; i < first_state + states && i < body.bound_inputs; ++i) {
    if (!c.HasInput(i)) continue;
    inputs[i].kind = c.input(i)->kind;
    inputs[i].type = c.input(i)->type;
    inputs[i].has_shape = true;
    inputs[i].shape = ShapeOf(c.input(i)->dims);
  }
  return InferOutputs(body, inputs.span(), outputs);
}

}  // namespace doppio::operators
