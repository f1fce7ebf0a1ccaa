// CallContext: what an operator that runs outside of plans (Operator::call) sees of its node while
// a net runs, and where it puts what it makes. Implemented by the session.
#pragma once

#include <doppio/status.h>

#include <span>
#include <string_view>

#include "runtime/operators/host_value.h"
#include "runtime/operators/operator.h"

namespace doppio::operators {

class CallContext {
 public:
  CallContext(const graph::Node& node, const Operator& op) : args(node, op), node_(node) {}

  const ArgReader args;
  const graph::Node& node() const { return node_; }

  // Inputs as written; what child graphs capture does not count. Null: left out.
  size_t input_count() const { return node_.inputs.size() - node_.captures; }
  virtual const HostValue* input(size_t i) const = 0;
  bool HasInput(size_t i) const { return i < input_count() && input(i) != nullptr; }
  size_t output_count() const { return node_.outputs.size(); }
  bool HasOutput(size_t i) const { return node_.output(i) != nullptr; }

  // Input `i`, in memory that lives on after the run: for sequences and optionals that keep it.
  StatusOr<HostValue> Own(size_t i);
  // Output `i` (ignored where the node has none) is `value`.
  virtual void Set(size_t i, HostValue value) = 0;
  // Output `i` becomes a tensor of uninitialised memory, which is returned; never null, and there
  // until the call ends even where the node has no such output.
  StatusOr<void*> SetTensor(size_t i, ElementType type, const Dims& dims);
  StatusOr<HostValue> NewTensor(ElementType type, const Dims& dims) {
    return NewHostTensor(type, dims, budget());
  }
  // A copy of `text` that lives until the session's next run.
  virtual StatusOr<std::string_view> KeepText(std::string_view text) = 0;

  // Runs a child graph of the node with `bound` inputs; what it captures comes along. Its outputs
  // replace what `outputs` holds.
  virtual Status RunChild(const graph::Graph& child, std::span<const HostValue> bound,
                          base::Array<HostValue>* outputs) = 0;
  virtual base::MemoryBudget* budget() const = 0;

 protected:
  ~CallContext() = default;

 private:
  const graph::Node& node_;
  base::Array<std::shared_ptr<base::Buffer>> made_;  // by SetTensor
};

}  // namespace doppio::operators
