#include "runtime/operators/evaluate.h"

#include <cstring>

#include "base/message.h"
#include "kernels/problems/gemm.h"
#include "kernels/problems/pool.h"
#include "kernels/reference/rows.h"
#include "runtime/operators/infer_context.h"
#include "runtime/operators/lower_context.h"
#include "runtime/operators/step_error.h"

namespace doppio::operators {
namespace {

using base::Cat;
using graph::Constant;
using kernels::Kernel;
using kernels::ProblemKind;

struct Search {
  ProblemKind kind;
  const void* problem;
  const Kernel* found = nullptr;
};

const Kernel* FindReference(ProblemKind kind, const void* problem) {
  Search search{kind, problem};
  kernels::reference::ForEachGroup(
      [](std::span<const Kernel> rows, void* context) {
        auto* s = static_cast<Search*>(context);
        for (const Kernel& row : rows) {
          if (s->found == nullptr && row.kind == s->kind && row.supports(s->problem))
            s->found = &row;
        }
      },
      &search);
  return search.found;
}

// Multiplications of a product, else the elements written.
double WorkOf(ProblemKind kind, const void* problem, std::span<const TensorRef> outputs) {
  double written = 0;
  for (const TensorRef& output : outputs) {
    if (output.present()) written += static_cast<double>(output.count());
  }
  if (kind == ProblemKind::kConv || kind == ProblemKind::kConvTranspose) {
    const auto& p = *static_cast<const kernels::ConvProblem*>(problem);
    return written * static_cast<double>(p.c) / static_cast<double>(p.groups) *
           static_cast<double>(p.kd) * static_cast<double>(p.kh) * static_cast<double>(p.kw);
  }
  if (kind == ProblemKind::kGemm) {
    return written * static_cast<double>(static_cast<const kernels::GemmProblem*>(problem)->k);
  }
  if (kind == ProblemKind::kPool) {
    const auto& p = *static_cast<const kernels::PoolProblem*>(problem);
    return written * static_cast<double>(p.kd) * static_cast<double>(p.kh) *
           static_cast<double>(p.kw);
  }
  return written;
}

// Runs every problem as it is posed. Buffer numbers index base pointers.
class ImmediateContext final : public LowerContext, private kernels::OutputAllocator {
 public:
  ImmediateContext(const graph::Node& node, const Operator& op, std::span<const ValueFacts> facts,
                   const EvaluateLimits& limits, graph::Graph* memory)
      : LowerContext(node, op),
        facts_(facts),
        memory_(memory),
        bytes_left_(limits.max_bytes),
        work_left_(limits.max_work) {}

  Status AddInput(const graph::Constant* constant) {
    TensorRef ref;
    if (constant != nullptr) {
      ref.type = constant->type;
      ref.dims = constant->dims;
      ref.strides = RowMajorStrides(constant->dims);
      ref.constant = constant->data;
      DOPPIO_RETURN_IF_ERROR(AddBuffer(const_cast<void*>(constant->data), &ref.buffer));
    }
    return inputs_.Append(ref);
  }

  // An output that the rule has sized; one without known sizes is made when its kernel knows them.
  Status AddOutput(const ValueFacts& facts, bool present) {
    TensorRef ref;
    if (present) {
      ref.type = facts.type;
      void* data = nullptr;
      if (facts.Static()) {
        ref.dims = facts.shape.Numbers();
        ref.strides = RowMajorStrides(ref.dims);
        DOPPIO_ASSIGN_OR_RETURN(data, Allocate(ref.type, ref.dims));
      }
      DOPPIO_RETURN_IF_ERROR(AddBuffer(data, &ref.buffer));
    }
    return outputs_.Append(ref);
  }

  graph::Constant OutputConstant(size_t i) const {
    const TensorRef& ref = outputs_[i];
    if (!ref.present()) return {};
    return {ref.type, ref.dims, bases_[static_cast<size_t>(ref.buffer)], ref.count()};
  }

  size_t input_count() const override { return inputs_.size(); }
  TensorRef input(size_t i) const override { return inputs_[i]; }
  std::span<const Dim> Content(size_t i) const override { return facts_[i].content.span(); }
  size_t output_count() const override { return outputs_.size(); }
  TensorRef output(size_t i) const override { return outputs_[i]; }
  const FusedEpilogue& epilogue() const override { return epilogue_; }

  StatusOr<TensorRef> Temporary(ElementType type, const Dims& dims, const Dims* strides) override {
    TensorRef ref;
    ref.type = type;
    ref.dims = dims;
    ref.strides = strides != nullptr ? *strides : RowMajorStrides(dims);
    int64_t last = 0;  // position of the last element: strides may leave gaps
    for (int i = 0; i < dims.rank(); ++i) {
      if (dims[i] > 0) last += (dims[i] - 1) * ref.strides[i];
    }
    DOPPIO_RETURN_IF_ERROR(Charge(type, last + 1));
    DOPPIO_ASSIGN_OR_RETURN(
        base::Buffer buffer,
        base::Buffer::Allocate(static_cast<size_t>(StorageBytes(type, last + 1)),
                               memory_->budget()));
    DOPPIO_RETURN_IF_ERROR(AddBuffer(buffer.data(), &ref.buffer));
    DOPPIO_RETURN_IF_ERROR(temporaries_.Append(std::move(buffer)));
    return ref;
  }

  StatusOr<TensorRef> Constant(ElementType type, const Dims& dims, const void* data) override {
    DOPPIO_ASSIGN_OR_RETURN(TensorRef ref, Temporary(type, dims, nullptr));
    void* to = bases_[static_cast<size_t>(ref.buffer)];
    const int64_t bytes = StorageBytes(type, ref.count());
    if (bytes > 0) std::memcpy(to, data, static_cast<size_t>(bytes));
    ref.constant = to;
    return ref;
  }

  Status Alias(size_t i, const TensorRef& source) override {
    const TensorRef to = outputs_[i];
    if (!to.present()) return {};
    if (IsRowMajor(source) && (source.offset == 0 || ElementBits(source.type) >= 8)) {
      const int64_t bytes = StorageBytes(source.type, source.count());
      if (bytes > 0) std::memmove(Address(to), Address(source), static_cast<size_t>(bytes));
      return {};
    }
    return Copy(source, to);
  }

  double Cost(ProblemKind, const void*, std::span<const TensorRef>) const override { return 0; }

 private:
  Status AddBuffer(void* data, int32_t* number) {
    *number = static_cast<int32_t>(bases_.size());
    return bases_.Append(data);
  }

  Status Charge(ElementType type, int64_t count) {
    const int64_t bytes = StorageBytes(type, count);
    if (bytes < 0 || bytes > bytes_left_) {
      return Unsupported("its results are too large to be computed in advance");
    }
    bytes_left_ -= bytes;
    return {};
  }

  StatusOr<void*> Allocate(ElementType type, const Dims& dims) {
    const int64_t count = ElementCount(dims);
    DOPPIO_RETURN_IF_ERROR(Charge(type, count));
    const auto bytes = static_cast<size_t>(StorageBytes(type, count));
    DOPPIO_ASSIGN_OR_RETURN(void* data, memory_->Allocate(bytes));
    // Kernels leave the unused bits of the last byte alone.
    if (ElementBits(type) < 8 && bytes > 0) static_cast<char*>(data)[bytes - 1] = 0;
    return data;
  }

  // An output whose sizes its kernel has found out.
  void* Allocate(int index, std::span<const int64_t> dims) override {
    TensorRef& ref = outputs_[static_cast<size_t>(index)];
    ref.dims = Dims(dims);
    ref.strides = RowMajorStrides(ref.dims);
    StatusOr<void*> data = Allocate(ref.type, ref.dims);
    if (!data.ok()) return nullptr;
    bases_[static_cast<size_t>(ref.buffer)] = *data;
    return *data;
  }

  void* Address(const TensorRef& ref) const {
    if (!ref.present()) return nullptr;
    auto* base = static_cast<char*>(bases_[static_cast<size_t>(ref.buffer)]);
    return base == nullptr ? nullptr : base + ref.offset * ElementBits(ref.type) / 8;
  }

  Status EmitRaw(ProblemKind kind, const void* problem, size_t, std::span<const TensorRef> inputs,
                 std::span<const TensorRef> outputs) override {
    const Kernel* kernel = FindReference(kind, problem);
    if (kernel == nullptr) return Unsupported("no kernel computes it with these types");
    work_left_ -= WorkOf(kind, problem, outputs);
    if (work_left_ < 0) return Unsupported("it takes too long to be computed in advance");
    base::Array<const void*> in;
    base::Array<void*> out;
    for (const TensorRef& ref : inputs) DOPPIO_RETURN_IF_ERROR(in.Append(Address(ref)));
    for (const TensorRef& ref : outputs) DOPPIO_RETURN_IF_ERROR(out.Append(Address(ref)));
    kernels::Operands operands;
    operands.in = in.data();
    operands.out = out.data();
    operands.allocator = this;
    return Run(*kernel, problem, operands);
  }

  Status Run(const Kernel& kernel, const void* problem, kernels::Operands operands) {
    const auto bytes_of = [problem](size_t (*bytes)(const void*)) {
      return bytes != nullptr ? bytes(problem) : size_t{0};
    };
    DOPPIO_ASSIGN_OR_RETURN(
        const base::Buffer workspace,
        base::Buffer::Allocate(bytes_of(kernel.workspace_bytes), memory_->budget()));
    DOPPIO_ASSIGN_OR_RETURN(
        const base::Buffer scratch,
        base::Buffer::Allocate(bytes_of(kernel.scratch_bytes), memory_->budget()));
    operands.workspace = workspace.data();
    for (int phase = 0; phase < kernel.phases; ++phase) {
      const kernels::Range all{0, kernel.units(problem, phase)};
      const base::StepStatus status = kernel.run(problem, phase, all, operands, scratch.data());
      if (!status.ok()) {
        failed_ = true;
        return StepError(NodeLabel(node()), status);
      }
    }
    return {};
  }

 public:
  // Whether an error came from data: it names the node already.
  bool failed() const { return failed_; }

 private:
  std::span<const ValueFacts> facts_;
  graph::Graph* memory_;
  int64_t bytes_left_;
  double work_left_;
  FusedEpilogue epilogue_;
  base::Array<void*> bases_;
  base::Array<base::Buffer> temporaries_;
  base::Array<TensorRef> inputs_, outputs_;
  bool failed_ = false;
};

// Facts of the inputs and, by the shape rule, of the outputs.
Status InferFacts(const graph::Node& node, const Operator& op,
                  std::span<const Constant* const> inputs, base::Array<ValueFacts>* in,
                  base::Array<ValueFacts>* out) {
  DOPPIO_RETURN_IF_ERROR(in->Resize(inputs.size()));
  DOPPIO_RETURN_IF_ERROR(out->Resize(node.outputs.size()));
  base::Array<const ValueFacts*> pointers;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i] != nullptr) DOPPIO_RETURN_IF_ERROR(FactsOfConstant(*inputs[i], &(*in)[i]));
    DOPPIO_RETURN_IF_ERROR(pointers.Append(inputs[i] != nullptr ? &(*in)[i] : nullptr));
  }
  SymbolTable symbols;
  const InferContext context(node, op, &symbols, pointers.span(), out->span());
  DOPPIO_RETURN_IF_ERROR(InferNode(context));
  if (IsCalled(op, pointers.span(), out->span())) {
    return Unsupported(Cat(NodeLabel(node), ": it cannot be computed in advance"));
  }
  for (const ValueFacts& facts : *out) {
    if (!facts.Static() && (op.flags & kDataDependent) == 0 &&
        facts.type != ElementType::kUndefined) {
      return Unsupported(Cat(NodeLabel(node), ": its sizes are not known"));
    }
  }
  return {};
}

}  // namespace

Status EvaluateNode(const graph::Node& node, std::span<const Constant* const> inputs,
                    graph::Graph* memory, base::Array<Constant>* outputs,
                    const EvaluateLimits& limits) {
  outputs->clear();
  const Operator* op = FindOperator(node.domain, node.type);
  if (op == nullptr || op->lower == nullptr || (op->flags & (kRandom | kControlFlow)) != 0) {
    return Unsupported(Cat(NodeLabel(node), ": it cannot be computed in advance"));
  }
  base::Array<ValueFacts> in, out;
  DOPPIO_RETURN_IF_ERROR(InferFacts(node, *op, inputs, &in, &out));
  ImmediateContext context(node, *op, in.span(), limits, memory);
  Status status;
  for (size_t i = 0; i < inputs.size() && status.ok(); ++i) status = context.AddInput(inputs[i]);
  for (size_t i = 0; i < out.size() && status.ok(); ++i) {
    status = context.AddOutput(out[i], node.outputs[i] != nullptr);
  }
  if (status.ok()) status = op->lower(context);
  if (!status.ok()) return context.failed() ? status : status.Annotate(NodeLabel(node));
  for (size_t i = 0; i < out.size(); ++i) {
    DOPPIO_RETURN_IF_ERROR(outputs->Append(context.OutputConstant(i)));
  }
  return {};
}

}  // namespace doppio::operators
