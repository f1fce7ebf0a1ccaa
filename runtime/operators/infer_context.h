// InferContext: what a shape rule sees of its node, and where it puts what it concludes.
#pragma once

#include <cstdint>

#include "runtime/operators/facts.h"
#include "runtime/operators/operator.h"

namespace doppio::operators {

class InferContext {
 public:
  InferContext(const graph::Node& node, const Operator& op, SymbolTable* symbols,
               std::span<const ValueFacts* const> inputs, std::span<ValueFacts> outputs)
      : args(node, op),
        symbols_(symbols),
        node_(node),
        op_(op),
        inputs_(inputs),
        outputs_(outputs) {}

  const ArgReader args;

  const graph::Node& node() const { return node_; }
  const Operator& op() const { return op_; }
  SymbolTable& symbols() const { return *symbols_; }

  size_t input_count() const { return inputs_.size(); }
  bool HasInput(size_t i) const { return i < inputs_.size() && inputs_[i] != nullptr; }
  const ValueFacts& input(size_t i) const { return *inputs_[i]; }
  size_t output_count() const { return outputs_.size(); }
  ValueFacts& output(size_t i) const { return outputs_[i]; }
  bool HasOutput(size_t i) const { return i < node_.outputs.size() && node_.outputs[i] != nullptr; }

  // Gives output `i` (ignored when the node has none) a type and a shape.
  void Set(size_t i, ElementType type, const Shape& shape) const;
  void SetUnknownShape(size_t i, ElementType type) const;
  // Output `i` is a sequence or an optional of tensors of `type`.
  void SetKind(size_t i, graph::ValueKind kind, ElementType type) const;

  // An axis that may count from the end, as an index into `rank` dimensions.
  Status CanonicalAxis(int64_t axis, int rank, int* result) const;

  // The integers that input `i` holds. kOk with *known = false where they depend on data: the rule
  // then says what it can without them, or calls NeedContent when nothing can be said at run time
  // either.
  Status Content(size_t i, base::Array<int64_t>* values, bool* known) const;
  // At run time the planner computes input `i` first and asks again with its content.
  void NeedContent(size_t i) const { needed_content_ = static_cast<int>(i); }
  int needed_content() const { return needed_content_; }

  // Text of an input for messages: "input 'x' float32[1, 3, 8, 8]".
  std::string Describe(size_t i) const;

 private:
  SymbolTable* symbols_;
  const graph::Node& node_;
  const Operator& op_;
  std::span<const ValueFacts* const> inputs_;
  std::span<ValueFacts> outputs_;
  mutable int needed_content_ = -1;
};

// Checks the counts of inputs and outputs, then runs the operator's shape rule. Messages begin with
// the node's label.
Status InferNode(const InferContext& context);

// The NumPy rule for two shapes; an error names both.
Status BroadcastShapes(const Shape& a, const Shape& b, SymbolTable* symbols, Shape* result);

// Facts of every value of a graph, by value id.
using FactsTable = base::Array<ValueFacts>;

// Infers a whole graph for listings, messages and passes: inputs as declared, operators without a
// row and shapes that depend on data leave their outputs unknown. Nodes that cannot be are errors.
Status InferGraph(graph::Graph& graph, FactsTable* facts);
// The same for a child graph, whose inputs have these facts, and with symbols of the caller's.
Status InferGraph(const graph::Graph& graph, std::span<const ValueFacts> inputs,
                  SymbolTable* symbols, FactsTable* facts);

// As far as a declaration says.
Status FactsOfDeclaration(const graph::Declaration& declared, ValueFacts* facts);

}  // namespace doppio::operators
