// NodeLowering: the planner's LowerContext. Feeds one node's problems into a SegmentBuilder.
#pragma once

#include <span>

#include "runtime/operators/lower_context.h"
#include "runtime/plan/segment_builder.h"

namespace doppio::plan {

class NodeLowering final : public operators::LowerContext {
 public:
  NodeLowering(const graph::Node& node, const operators::Operator& op, SegmentBuilder* builder)
      : LowerContext(node, op), builder_(builder) {}

  // Where inputs and outputs stand; absent ones are default TensorRefs.
  base::Array<TensorRef> inputs;
  base::Array<TensorRef> outputs;
  operators::FusedEpilogue fused;
  // Set by Alias: output i is a view of this.
  base::Array<TensorRef> aliases;

  size_t input_count() const override { return inputs.size(); }
  TensorRef input(size_t i) const override { return i < inputs.size() ? inputs[i] : TensorRef(); }
  std::span<const graph::Dim> Content(size_t i) const override {
    const graph::Value* value = node().input(i);
    return value != nullptr ? builder_->facts(value).content.span() : std::span<const graph::Dim>();
  }
  size_t output_count() const override { return outputs.size(); }
  TensorRef output(size_t i) const override {
    return i < outputs.size() ? outputs[i] : TensorRef();
  }
  const operators::FusedEpilogue& epilogue() const override { return fused; }

  StatusOr<TensorRef> Temporary(ElementType type, const Dims& dims, const Dims* strides) override {
    return builder_->NewArenaTensor(
        type, dims, strides != nullptr ? *strides : operators::RowMajorStrides(dims));
  }
  StatusOr<TensorRef> Constant(ElementType type, const Dims& dims, const void* data) override {
    return builder_->NewConstant(type, dims, data);
  }
  Status Alias(size_t i, const TensorRef& source) override;
  double Cost(kernels::ProblemKind kind, const void* problem,
              std::span<const TensorRef> operands) const override {
    const Choice choice = builder_->Choose(&node(), kind, problem, operands);
    return choice.kernel >= 0 ? choice.cost_ns : kUnmeasuredCost;
  }

 protected:
  Status EmitRaw(kernels::ProblemKind kind, const void* problem, size_t bytes,
                 std::span<const TensorRef> problem_inputs,
                 std::span<const TensorRef> problem_outputs) override {
    return builder_->Emit(&node(), kind, problem, bytes, problem_inputs, problem_outputs);
  }

 private:
  SegmentBuilder* builder_;
};

}  // namespace doppio::plan
