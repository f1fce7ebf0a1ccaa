#include "runtime/plan/segment_builder.h"

#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "base/message.h"
#include "kernels/problems/elementwise.h"
#include "runtime/plan/flops.h"
#include "runtime/plan/memory.h"

namespace doppio::plan {

using base::Cat;
using exec::BufferRef;

namespace {

// Problems are read in place; no plain struct needs more.
constexpr size_t kProblemAlignment = 16;

// Elements between the first and the last one that a tensor touches, plus one.
int64_t Extent(const Dims& dims, const Dims& strides) {
  int64_t extent = 1;
  for (int i = 0; i < dims.rank(); ++i) {
    if (dims[i] == 0) return 0;
    extent += (dims[i] - 1) * (strides[i] < 0 ? -strides[i] : strides[i]);
  }
  return extent;
}

template <class T>
void StoreContent(std::span<const graph::Dim> content, void* data) {
  for (size_t i = 0; i < content.size(); ++i) {
    static_cast<T*>(data)[i] = static_cast<T>(content[i].value());
  }
}

}  // namespace

Status SegmentBuilder::Start(std::span<const ValueFacts> facts) {
  facts_ = facts;
  DOPPIO_RETURN_IF_ERROR(refs_.Resize(resources_.graph->value_ids()));
  return row_major_refs_.Resize(resources_.graph->value_ids());
}

StatusOr<int32_t> SegmentBuilder::NewBuffer(const PlanBuffer& buffer) {
  DOPPIO_RETURN_IF_ERROR(buffers_.Append(buffer));
  return static_cast<int32_t>(buffers_.size() - 1);
}

StatusOr<TensorRef> SegmentBuilder::NewArenaTensor(ElementType type, const Dims& dims,
                                                   const Dims& strides) {
  PlanBuffer buffer;
  if (resources_.devices->size() > 1) buffer.device = PlanBuffer::kUndecided;
  buffer.index = segment_->index;
  buffer.bytes = ElementCount(dims) < 0 ? -1 : StorageBytes(type, Extent(dims, strides));
  if (buffer.bytes < 0) return OutOfMemory(Cat("a tensor of shape ", dims, " is too large"));
  TensorRef ref;
  ref.type = type;
  ref.dims = dims;
  ref.strides = strides;
  DOPPIO_ASSIGN_OR_RETURN(ref.buffer, NewBuffer(buffer));
  return ref;
}

StatusOr<TensorRef> SegmentBuilder::RefConstant(const graph::Constant& constant) {
  PlanBuffer buffer;
  buffer.place = exec::Place::kConstant;
  buffer.index = static_cast<uint32_t>(segment_->program.constants.size());
  buffer.constant = constant.data;
  DOPPIO_RETURN_IF_ERROR(segment_->program.constants.Append(constant.data));
  TensorRef ref;
  ref.type = constant.type;
  ref.dims = constant.dims;
  ref.strides = operators::RowMajorStrides(constant.dims);
  ref.constant = constant.data;
  DOPPIO_ASSIGN_OR_RETURN(ref.buffer, NewBuffer(buffer));
  return ref;
}

StatusOr<TensorRef> SegmentBuilder::NewConstant(ElementType type, const Dims& dims,
                                                const void* data) {
  const int64_t bytes = StorageBytes(type, ElementCount(dims));
  if (bytes < 0) return OutOfMemory(Cat("a constant of shape ", dims, " is too large"));
  DOPPIO_ASSIGN_OR_RETURN(base::Buffer copy,
                          base::Buffer::Allocate(static_cast<size_t>(bytes), resources_.budget));
  if (bytes > 0) std::memcpy(copy.data(), data, static_cast<size_t>(bytes));
  graph::Constant constant;
  constant.type = type;
  constant.dims = dims;
  constant.data = copy.data();
  DOPPIO_RETURN_IF_ERROR(segment_->constants.Append(std::move(copy)));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef ref, RefConstant(constant));
  buffer(ref.buffer).plan_owned = true;
  return ref;
}

StatusOr<TensorRef> SegmentBuilder::RefOf(const graph::Value* value) {
  TensorRef& ref = refs_[value->id];
  if (ref.present()) return ref;
  if (value->is_constant) {
    DOPPIO_ASSIGN_OR_RETURN(ref, RefConstant(value->constant));
    return ref;
  }
  const ValueFacts& known = facts_[value->id];
  if (!known.ContentKnown() || !known.Static()) {
    return Internal(Cat("blob ", base::Quoted(value->name), " is read before it is made"));
  }
  const Dims dims = known.shape.Numbers();
  base::Array<int64_t> storage;  // 8 bytes an element hold every type that contents have
  DOPPIO_RETURN_IF_ERROR(storage.Resize(known.content.size()));
  switch (ElementBits(known.type)) {
    case 8:
      StoreContent<uint8_t>(known.content, storage.data());
      break;
    case 32:
      StoreContent<int32_t>(known.content, storage.data());
      break;
    default:
      StoreContent<int64_t>(known.content, storage.data());
      break;
  }
  DOPPIO_ASSIGN_OR_RETURN(ref, NewConstant(known.type, dims, storage.data()));
  return ref;
}

StatusOr<TensorRef> SegmentBuilder::RowMajorRefOf(const graph::Value* value) {
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef ref, RefOf(value));
  if (operators::IsRowMajor(ref)) return ref;
  TensorRef& copy = row_major_refs_[value->id];
  if (copy.present()) return copy;
  DOPPIO_ASSIGN_OR_RETURN(copy,
                          NewArenaTensor(ref.type, ref.dims, operators::RowMajorStrides(ref.dims)));
  ++buffer(copy.buffer).live_values;  // until the value has been read for the last time
  DOPPIO_RETURN_IF_ERROR(EmitCopy(value->producer, ref, copy));
  return copy;
}

void SegmentBuilder::Release(const graph::Value* value) {
  const TensorRef& ref = refs_[value->id];
  const TensorRef& copy = row_major_refs_[value->id];
  if (ref.present()) --buffer(ref.buffer).live_values;
  if (copy.present()) --buffer(copy.buffer).live_values;
}

Status SegmentBuilder::EmitCopy(const graph::Node* node, const TensorRef& from,
                                const TensorRef& to) {
  const int device = device_of(from);
  if (device_of(to) == PlanBuffer::kUndecided) buffer(to.buffer).device = device;
  if (device_of(to) != device) return MoveInto(node, from, to);
  kernels::CopyProblem problem;
  problem.element_bytes = ElementBits(to.type) / 8;
  problem.rank = to.dims.rank();
  for (int i = 0; i < problem.rank; ++i) {
    problem.dims[i] = to.dims[i];
    problem.x_strides[i] = from.strides[i];
    problem.y_strides[i] = to.strides[i];
  }
  if (ElementBits(to.type) < 8) {  // packed: whole bytes in row-major order
    problem.element_bytes = 1;
    problem.rank = 1;
    problem.dims[0] = StorageBytes(to.type, to.count());
    problem.x_strides[0] = problem.y_strides[0] = 1;
  }
  int64_t* const strides[] = {problem.x_strides, problem.y_strides};
  kernels::Collapse(&problem.rank, problem.dims, 2, strides);
  return EmitOn(device, node, kernels::ProblemKind::kCopy, &problem, sizeof(problem), {&from, 1},
                {&to, 1});
}

void SegmentBuilder::Touch(int32_t id, int32_t step) {
  PlanBuffer& touched = buffer(id);
  if (touched.first < 0) touched.first = step;
  touched.last = step;
}

Status SegmentBuilder::AppendOperands(std::span<const TensorRef> refs, int32_t step) {
  for (const TensorRef& ref : refs) {
    PendingOperand operand;
    operand.buffer = ref.buffer;
    if (ref.present()) {
      operand.offset_bytes = ref.offset * ElementBits(ref.type) / 8;
      Touch(ref.buffer, step);
    }
    DOPPIO_RETURN_IF_ERROR(operands_.Append(operand));
  }
  return {};
}

Choice SegmentBuilder::Choose(const graph::Node* node, kernels::ProblemKind kind,
                              const void* problem, std::span<const TensorRef> inputs) const {
  return ChooseOn(resources_.DeviceOf(node), node, kind, problem, inputs);
}

// The CPU where the device has no row for it.
Choice SegmentBuilder::ChooseOn(int device, const graph::Node* node, kernels::ProblemKind kind,
                                const void* problem, std::span<const TensorRef> inputs) const {
  constexpr size_t kMaxOperands = 64;
  bool constant[kMaxOperands] = {};
  const size_t count = std::min(inputs.size(), kMaxOperands);
  for (size_t i = 0; i < count; ++i) {
    constant[i] = inputs[i].constant != nullptr &&
                  !buffers_[static_cast<size_t>(inputs[i].buffer)].plan_owned;
  }
  for (;; device = 0) {
    Choice choice = ChooseKernel(
        *resources_.kernels, kind, problem, {constant, count}, resources_.options,
        node != nullptr ? node->engine : std::string_view(), resources_.devices->type(device));
    choice.device = device;
    if (choice.kernel >= 0 || device == 0) return choice;
  }
}

Status SegmentBuilder::NoKernel(const graph::Node* node, kernels::ProblemKind kind) const {
  return Unsupported(Cat(node != nullptr ? operators::NodeLabel(*node) : std::string("a copy"),
                         ": no kernel of this build computes it for these types (problem kind ",
                         static_cast<int>(kind), ")"));
}

Status SegmentBuilder::PrepareKernel(const kernels::Kernel& kernel, const void* problem,
                                     std::span<const TensorRef> inputs, exec::Step* step) {
  base::Array<const void*> operands;
  for (const TensorRef& input : inputs) {
    const auto* data = static_cast<const uint8_t*>(input.constant);
    if (data != nullptr) data += input.offset * ElementBits(input.type) / 8;
    DOPPIO_RETURN_IF_ERROR(operands.Append(data));
  }
  exec::Program& program = segment_->program;
  if (kernel.packed_bytes != nullptr) {
    DOPPIO_ASSIGN_OR_RETURN(const void* packed,
                            resources_.weights->Get(kernel, problem, operands.data(), *pool_));
    step->packed = static_cast<int32_t>(program.packed.size());
    DOPPIO_RETURN_IF_ERROR(program.packed.Append(packed));
  }
  if (kernel.prepare != nullptr) {
    void* handle = kernel.prepare(problem, operands.data());
    if (handle == nullptr)
      return Unsupported(Cat(kernel.name, " refused a problem that it supports"));
    step->handle = static_cast<int32_t>(program.handles.size());
    DOPPIO_RETURN_IF_ERROR(program.handles.Append(handle));
    DOPPIO_RETURN_IF_ERROR(segment_->handles.Append({&kernel, handle}));
  }
  return {};
}

Status SegmentBuilder::Emit(const graph::Node* node, kernels::ProblemKind kind, const void* problem,
                            size_t bytes, std::span<const TensorRef> inputs,
                            std::span<const TensorRef> outputs) {
  return EmitOn(resources_.DeviceOf(node), node, kind, problem, bytes, inputs, outputs);
}

Status SegmentBuilder::EmitStep(const graph::Node* node, const Choice& choice,
                                kernels::ProblemKind kind, const void* problem, size_t bytes,
                                std::span<const TensorRef> inputs,
                                std::span<const TensorRef> outputs) {
  if (choice.kernel < 0) return NoKernel(node, kind);
  const kernels::Kernel& kernel = *resources_.kernels->rows()[static_cast<size_t>(choice.kernel)];
  exec::Program& program = segment_->program;
  const int32_t index = step_count();
  exec::Step step;
  step.device = static_cast<uint8_t>(choice.device);
  step.kernel = static_cast<uint32_t>(choice.kernel);
  step.first_operand = static_cast<uint32_t>(operands_.size());
  step.inputs = static_cast<uint16_t>(inputs.size());
  step.outputs = static_cast<uint16_t>(outputs.size());
  step.label = static_cast<uint32_t>(segment_->labels.size());
  DOPPIO_RETURN_IF_ERROR(segment_->labels.Append(node));
  while (program.problems.size() % kProblemAlignment != 0) {
    DOPPIO_RETURN_IF_ERROR(program.problems.Append(0));
  }
  step.problem = static_cast<uint32_t>(program.problems.size());
  DOPPIO_RETURN_IF_ERROR(program.problems.AppendAll({static_cast<const uint8_t*>(problem), bytes}));
  for (const TensorRef& ref : inputs) {
    if (ref.present()) step.bytes += StorageBytes(ref.type, ref.count());
  }
  for (const TensorRef& ref : outputs) {
    if (!ref.present()) continue;
    step.bytes += StorageBytes(ref.type, ref.count());
    ++buffer(ref.buffer).version;
    step.dynamic |= buffer(ref.buffer).place == exec::Place::kDynamic;
  }
  step.flops = FlopsOf(kind, problem);
  // Rows without a cost are plain loops: about a nanosecond a byte.
  step.parallel_ns =
      choice.cost_ns < kUnmeasuredCost ? static_cast<int64_t>(choice.cost_ns) : step.bytes;
  DOPPIO_RETURN_IF_ERROR(AppendOperands(inputs, index));
  DOPPIO_RETURN_IF_ERROR(AppendOperands(outputs, index));
  DOPPIO_RETURN_IF_ERROR(PrepareKernel(kernel, problem, inputs, &step));
  int32_t workspace = -1;
  if (kernel.workspace_bytes != nullptr && kernel.workspace_bytes(problem) > 0) {
    PlanBuffer memory;
    memory.device = choice.device;
    memory.index = segment_->index;
    memory.bytes = static_cast<int64_t>(kernel.workspace_bytes(problem));
    DOPPIO_ASSIGN_OR_RETURN(workspace, NewBuffer(memory));
    Touch(workspace, index);
  }
  DOPPIO_RETURN_IF_ERROR(workspaces_.Append(workspace));
  if (kernel.scratch_bytes != nullptr) {
    program.scratch_bytes = std::max(
        program.scratch_bytes, base::RoundUp(kernel.scratch_bytes(problem), base::kAlignment));
  }
  return program.steps.Append(step);
}

BufferRef SegmentBuilder::Resolve(const TensorRef& ref) const {
  const PlanBuffer& memory = buffers_[static_cast<size_t>(ref.buffer)];
  return {memory.place, static_cast<uint8_t>(memory.device), memory.index,
          memory.base + ref.offset * ElementBits(ref.type) / 8};
}

Status SegmentBuilder::PlaceArena(int device) {
  base::Array<Lifetime> lifetimes;
  const int32_t end = step_count();
  for (const PlanBuffer& memory : buffers_) {
    Lifetime lifetime;
    const bool own = memory.place == exec::Place::kArena && memory.device == device &&
                     memory.index == segment_->index && memory.first >= 0;
    lifetime.bytes = own ? memory.bytes : 0;
    lifetime.first = memory.first;
    lifetime.last = memory.pinned ? end : memory.last;
    DOPPIO_RETURN_IF_ERROR(lifetimes.Append(lifetime));
  }
  DOPPIO_ASSIGN_OR_RETURN(const int64_t arena_bytes, PlaceBuffers(lifetimes.span()));
  segment_->program.arena_bytes[device] = static_cast<size_t>(arena_bytes);
  for (size_t i = 0; i < buffers_.size(); ++i) {
    if (lifetimes[i].bytes > 0) buffers_[i].base = lifetimes[i].offset;
  }
  return {};
}

Status SegmentBuilder::Finish() {
  for (int device = 0; device < resources_.devices->size(); ++device) {
    DOPPIO_RETURN_IF_ERROR(PlaceArena(device));
  }
  exec::Program& program = segment_->program;
  for (const PendingOperand& operand : operands_) {
    BufferRef ref;
    if (operand.buffer >= 0) {
      const PlanBuffer& memory = buffer(operand.buffer);
      ref = {memory.place, static_cast<uint8_t>(memory.device), memory.index,
             memory.base + operand.offset_bytes};
    }
    DOPPIO_RETURN_IF_ERROR(program.operands.Append(ref));
  }
  for (size_t i = 0; i < workspaces_.size(); ++i) {
    if (workspaces_[i] >= 0) program.steps[i].workspace = buffer(workspaces_[i]).base;
  }
  return {};
}

}  // namespace doppio::plan
