#include "runtime/operators/infer_context.h"

#include "base/message.h"

namespace doppio::operators {

using base::Cat;

void InferContext::Set(size_t i, ElementType type, const Shape& shape) const {
  if (i >= outputs_.size()) return;
  outputs_[i].type = type;
  outputs_[i].has_shape = true;
  outputs_[i].shape = shape;
}

void InferContext::SetUnknownShape(size_t i, ElementType type) const {
  if (i < outputs_.size()) outputs_[i].type = type;
}

void InferContext::SetKind(size_t i, graph::ValueKind kind, ElementType type) const {
  if (i >= outputs_.size()) return;
  outputs_[i].kind = kind;
  outputs_[i].type = type;
}

Status InferContext::CanonicalAxis(int64_t axis, int rank, int* result) const {
  if (axis < -rank || axis >= rank) {
    return InvalidArgument(Cat("axis ", axis, " does not exist in ", rank, " dimensions"));
  }
  *result = static_cast<int>(axis < 0 ? axis + rank : axis);
  return {};
}

Status InferContext::Content(size_t i, base::Array<int64_t>* values, bool* known) const {
  values->clear();
  *known = input(i).ContentKnown();
  if (!*known) return {};
  for (const Dim& value : input(i).content) DOPPIO_RETURN_IF_ERROR(values->Append(value.value()));
  return {};
}

std::string InferContext::Describe(size_t i) const {
  const graph::Value* value = node_.input(i);
  return Cat("input ", base::Quoted(value != nullptr ? value->name : "(none)"), " ",
             HasInput(i) ? FactsText(input(i), *symbols_) : std::string("(none)"));
}

Status InferNode(const InferContext& context) {
  const Operator& op = context.op();
  const graph::Node& node = context.node();
  const auto check = [&](const char* what, size_t count, int least, int most) {
    if (count >= static_cast<size_t>(least) && count <= static_cast<size_t>(most)) return Status();
    const std::string range = least == most       ? Cat(least)
                              : most == kVariadic ? Cat(least, " or more")
                                                  : Cat(least, " to ", most);
    return InvalidArgument(Cat("has ", count, " ", what, ", wants ", range));
  };
  Status status = check("inputs", node.inputs.size() - node.captures, op.min_inputs, op.max_inputs);
  if (status.ok()) status = check("outputs", node.outputs.size(), op.min_outputs, op.max_outputs);
  for (int i = 0; status.ok() && i < op.min_inputs && op.max_inputs != kVariadic; ++i) {
    if (!context.HasInput(static_cast<size_t>(i))) {
      status = InvalidArgument(Cat("input ", i, " is left out but not optional"));
    }
  }
  if (status.ok()) status = op.infer(const_cast<InferContext&>(context));
  return status.ok() ? status : status.Annotate(NodeLabel(node));
}

Status BroadcastShapes(const Shape& a, const Shape& b, SymbolTable* symbols, Shape* result) {
  const int rank = a.rank > b.rank ? a.rank : b.rank;
  Shape shape;
  for (int i = 0; i < rank; ++i) {
    const int ai = i - (rank - a.rank), bi = i - (rank - b.rank);
    const Dim x = ai < 0 ? Dim(1) : a[ai];
    const Dim y = bi < 0 ? Dim(1) : b[bi];
    if (x.Is(1)) {
      shape.push_back(y);
    } else if (y.Is(1) || x == y) {
      shape.push_back(x);
    } else if (x.known() && y.known()) {
      ValueFacts left, right;
      left.has_shape = right.has_shape = true;
      left.shape = a;
      right.shape = b;
      return InvalidArgument(Cat("shapes ", FactsText(left, *symbols).substr(1), " and ",
                                 FactsText(right, *symbols).substr(1),
                                 " do not broadcast: ", x.value(), " against ", y.value()));
    } else {
      // A symbol against a number other than 1: the number must win. Two symbols: nobody knows.
      shape.push_back(x.known() ? x : y.known() ? y : Dim());
    }
  }
  *result = shape;
  return {};
}

Status FactsOfDeclaration(const graph::Declaration& declared, ValueFacts* facts) {
  facts->kind = declared.kind;
  facts->type = declared.type;
  if (!facts->is_tensor()) return {};
  facts->has_shape = declared.has_shape;
  for (const Dim& dim : declared.dims) facts->shape.push_back(dim);
  return {};
}

namespace {

// Facts of one node's outputs, written straight into the table.
Status InferIntoTable(const graph::Node& node, const Operator& op, SymbolTable* symbols,
                      FactsTable* facts) {
  base::Array<const ValueFacts*> inputs;
  for (const graph::Input& input : node.inputs) {
    DOPPIO_RETURN_IF_ERROR(
        inputs.Append(input.value != nullptr ? &(*facts)[input.value->id] : nullptr));
  }
  base::Array<ValueFacts> outputs;
  DOPPIO_RETURN_IF_ERROR(outputs.Resize(node.outputs.size()));
  const InferContext context(node, op, symbols, {inputs.data(), inputs.size()},
                             {outputs.data(), outputs.size()});
  DOPPIO_RETURN_IF_ERROR(InferNode(context));
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i] != nullptr) (*facts)[node.outputs[i]->id] = std::move(outputs[i]);
  }
  return {};
}

// Without a type or rank a shape rule has nothing to work with. Rules of operators that are always
// called take what there is.
bool InputsUnknown(const graph::Node& node, const Operator& op, const FactsTable& facts) {
  if (op.lower == nullptr) return false;
  for (const graph::Input& input : node.inputs) {
    if (input.value == nullptr) continue;
    const ValueFacts& known = facts[input.value->id];
    if (known.type == ElementType::kUndefined || (known.is_tensor() && !known.has_shape)) {
      return true;
    }
  }
  return false;
}

}  // namespace

namespace {

Status InferNodes(const graph::Graph& graph, SymbolTable* symbols, FactsTable* facts) {
  for (const graph::Node* node = graph.first(); node != nullptr; node = node->next) {
    const Operator* op = FindOperator(node->domain, node->type);
    if (op == nullptr || InputsUnknown(*node, *op, *facts)) continue;
    DOPPIO_RETURN_IF_ERROR(InferIntoTable(*node, *op, symbols, facts));
  }
  return {};
}

Status FactsOfConstants(const graph::Graph& graph, FactsTable* facts) {
  facts->clear();
  DOPPIO_RETURN_IF_ERROR(facts->Resize(graph.value_ids()));
  for (uint32_t id = 0; id < graph.value_ids(); ++id) {
    const graph::Value* value = graph.value(id);
    if (value == nullptr || !value->is_constant) continue;
    DOPPIO_RETURN_IF_ERROR(FactsOfConstant(value->constant, &(*facts)[id]));
  }
  return {};
}

}  // namespace

Status InferGraph(graph::Graph& graph, FactsTable* facts) {
  DOPPIO_RETURN_IF_ERROR(FactsOfConstants(graph, facts));
  for (uint32_t id = 0; id < graph.value_ids(); ++id) {
    const graph::Value* value = graph.value(id);
    if (value == nullptr || value->is_constant) continue;
    DOPPIO_RETURN_IF_ERROR(FactsOfDeclaration(value->declared, &(*facts)[id]));
  }
  return InferNodes(graph, &graph.symbols(), facts);
}

Status InferGraph(const graph::Graph& graph, std::span<const ValueFacts> inputs,
                  SymbolTable* symbols, FactsTable* facts) {
  DOPPIO_RETURN_IF_ERROR(FactsOfConstants(graph, facts));
  for (size_t i = 0; i < inputs.size(); ++i) {
    ValueFacts& to = (*facts)[graph.inputs()[i]->id];
    to.kind = inputs[i].kind;
    to.type = inputs[i].type;
    to.has_shape = inputs[i].has_shape;
    to.shape = inputs[i].shape;
    to.has_content = inputs[i].has_content;
    DOPPIO_RETURN_IF_ERROR(to.content.Assign(inputs[i].content.span()));
  }
  return InferNodes(graph, symbols, facts);
}

}  // namespace doppio::operators
