// LowerContext: how an operator turns into steps. Implemented by the planner; an operator poses
// kernel problems over TensorRefs and never learns which kernel takes them.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "kernels/kernel.h"
#include "kernels/problems/conv.h"
#include "runtime/operators/facts.h"
#include "runtime/operators/operator.h"

namespace doppio::operators {

// A tensor of the plan: where its elements stand, in strides of elements. Plain; valid while
// planning.
struct TensorRef {
  int32_t buffer = -1;  // the plan's number for the memory; -1: absent
  int64_t offset = 0;   // of element [0, 0, ...] in that memory, in elements
  ElementType type = ElementType::kUndefined;
  Dims dims;
  Dims strides;
  const void* constant = nullptr;  // its data, when the memory is a constant

  bool present() const { return buffer >= 0; }
  int64_t count() const { return ElementCount(dims); }
};

// Row-major strides of `dims`.
Dims RowMajorStrides(const Dims& dims);
// Strides with dimension 1 (the channels) innermost; rank >= 3.
Dims ChannelsLastStrides(const Dims& dims);
// Whether elements stand in row-major order without gaps. Strides of dimensions of size 1 do not
// matter.
bool IsRowMajor(const TensorRef& tensor);
// Whether dimension 1 is innermost and the others follow in order without gaps, pixels maybe apart.
bool IsChannelsLast(const TensorRef& tensor);

// What the planner has fused behind a node: output 0 is then what the last fused node makes.
struct FusedEpilogue {
  kernels::UnaryOp activation = kernels::UnaryOp::kIdentity;
  float alpha = 0, beta = 0;
  TensorRef residual;  // absent when none; same shape as output 0
};

class LowerContext {
 public:
  LowerContext(const graph::Node& node, const Operator& op)
      : args(node, op), node_(node), op_(op) {}

  const ArgReader args;
  const graph::Node& node() const { return node_; }
  const Operator& op() const { return op_; }

  virtual size_t input_count() const = 0;
  // Absent (present() false) where an optional input is left out.
  virtual TensorRef input(size_t i) const = 0;
  bool HasInput(size_t i) const { return i < input_count() && input(i).present(); }
  // The integer content of input `i`; its shape rule had it.
  virtual std::span<const Dim> Content(size_t i) const = 0;
  virtual size_t output_count() const = 0;
  // Absent where the output is left out or nobody reads it. Strides are those that the planner has
  // chosen.
  virtual TensorRef output(size_t i) const = 0;
  virtual const FusedEpilogue& epilogue() const = 0;

  // Memory for the duration of this node, row-major unless `strides` are given.
  virtual StatusOr<TensorRef> Temporary(ElementType type, const Dims& dims,
                                        const Dims* strides = nullptr) = 0;
  // A constant made while planning; the bytes are copied.
  virtual StatusOr<TensorRef> Constant(ElementType type, const Dims& dims, const void* data) = 0;
  // Output `i` is `source` (same type and count): a view, or a copy where that cannot be.
  virtual Status Alias(size_t i, const TensorRef& source) = 0;

  // Poses a problem. Operands are as the problem's struct says; absent ones are null pointers at
  // run time. `problem` is copied. An error when no kernel supports it.
  template <class Problem>
  Status Emit(kernels::ProblemKind kind, const Problem& problem,
              std::initializer_list<TensorRef> inputs, std::initializer_list<TensorRef> outputs) {
    return EmitRaw(kind, &problem, sizeof(problem), {inputs.begin(), inputs.size()},
                   {outputs.begin(), outputs.size()});
  }
  // Estimated nanoseconds of the best kernel for a problem; a large number when only `reference`
  // takes it.
  virtual double Cost(kernels::ProblemKind kind, const void* problem,
                      std::span<const TensorRef> inputs) const = 0;

  // Copies element by element, whatever the strides; dims are equal. kUnsupported for types below a
  // byte.
  Status Copy(const TensorRef& from, const TensorRef& to);
  // `tensor` itself when it is row-major, else a row-major copy.
  StatusOr<TensorRef> RowMajor(const TensorRef& tensor);
  // The same for channels-last.
  StatusOr<TensorRef> ChannelsLast(const TensorRef& tensor);
  // Sets every element of `to` to the element at `value`, of to's type.
  Status Fill(const TensorRef& to, const void* value);
  // The same with the one element of the tensor `value`.
  Status FillFrom(const TensorRef& to, const TensorRef& value);

 protected:
  ~LowerContext() = default;
  virtual Status EmitRaw(kernels::ProblemKind kind, const void* problem, size_t bytes,
                         std::span<const TensorRef> inputs, std::span<const TensorRef> outputs) = 0;

 private:
  const graph::Node& node_;
  const Operator& op_;
};

// A view of `tensor` with other dims and strides over the same memory.
TensorRef WithDims(TensorRef tensor, const Dims& dims, const Dims& strides);
// `tensor` (row-major) with other dims of the same count.
TensorRef Reshaped(TensorRef tensor, const Dims& dims);
// Strides that walk `tensor` as if it had `dims` (NumPy broadcasting, aligned at the end): 0 where
// repeated.
Dims BroadcastStrides(const TensorRef& tensor, const Dims& dims);
// Brings the dimensions of an element-wise problem into the order of the last operand's memory
// (outermost first) and merges them (kernels::Collapse): a dense tensor has rank 1 then, whatever
// its layout.
void MergeDims(int* rank, int64_t* dims, int operands, int64_t* const* strides);
// Bytes of one element; 0 for types that are packed below a byte.
int64_t ElementBytes(ElementType type);
// Strides of a feature map [n, c, spatial...] as kernels want them; rank 2 to 5.
kernels::MapStrides MapStridesOf(const TensorRef& tensor);

}  // namespace doppio::operators
