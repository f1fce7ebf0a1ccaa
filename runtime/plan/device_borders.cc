// Steps on several devices: SegmentBuilder puts a transfer wherever an operand stands elsewhere
// than the step that reads or writes it runs.
#include <algorithm>

#include "base/message.h"
#include "runtime/plan/segment_builder.h"

namespace doppio::plan {

using kernels::ProblemKind;
using kernels::TransferProblem;

namespace {

// The elements of its memory that a tensor touches: [begin, begin + count).
struct Extent {
  int64_t begin = 0;
  int64_t count = 0;
};

Extent ExtentOf(const TensorRef& ref) {
  int64_t low = 0, high = 0;
  for (int i = 0; i < ref.dims.rank(); ++i) {
    if (ref.dims[i] == 0) return {ref.offset, 0};
    const int64_t reach = (ref.dims[i] - 1) * ref.strides[i];
    (reach < 0 ? low : high) += reach;
  }
  return {ref.offset + low, high - low + 1};
}

// Elements [begin, begin + count) of ref's memory as one row.
TensorRef Flat(const TensorRef& ref, const Extent& extent) {
  TensorRef flat = ref;
  flat.offset = extent.begin;
  flat.dims = Dims{extent.count};
  flat.strides = Dims{1};
  return flat;
}

}  // namespace

Status SegmentBuilder::EmitOn(int device, const graph::Node* node, ProblemKind kind,
                              const void* problem, size_t bytes, std::span<const TensorRef> inputs,
                              std::span<const TensorRef> outputs) {
  for (const TensorRef& ref : outputs) {
    // Values of sizes yet unknown are the session's, in ordinary memory.
    if (ref.present() && buffer(ref.buffer).place == exec::Place::kDynamic) device = 0;
  }
  const Choice choice = ChooseOn(device, node, kind, problem, inputs);
  if (resources_.devices->size() == 1) {
    return EmitStep(node, choice, kind, problem, bytes, inputs, outputs);
  }
  base::Array<TensorRef> moved_inputs, moved_outputs;
  for (TensorRef ref : inputs) {
    if (ref.present()) {
      DOPPIO_ASSIGN_OR_RETURN(ref, OnDevice(ref, choice.device));
    }
    DOPPIO_RETURN_IF_ERROR(moved_inputs.Append(ref));
  }
  for (TensorRef ref : outputs) {
    if (ref.present()) {
      PlanBuffer& memory = buffer(ref.buffer);
      if (memory.device == PlanBuffer::kUndecided) memory.device = choice.device;
      if (memory.device != choice.device) {
        DOPPIO_ASSIGN_OR_RETURN(ref, NewTensorOn(choice.device, ref, ref.strides));
      }
    }
    DOPPIO_RETURN_IF_ERROR(moved_outputs.Append(ref));
  }
  DOPPIO_RETURN_IF_ERROR(
      EmitStep(node, choice, kind, problem, bytes, moved_inputs.span(), moved_outputs.span()));
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (moved_outputs[i].buffer == outputs[i].buffer) continue;
    DOPPIO_RETURN_IF_ERROR(MoveInto(node, moved_outputs[i], outputs[i]));
  }
  return {};
}

// New memory on `device` for a tensor of like's type and dims.
StatusOr<TensorRef> SegmentBuilder::NewTensorOn(int device, const TensorRef& like,
                                                const Dims& strides) {
  DOPPIO_ASSIGN_OR_RETURN(TensorRef ref, NewArenaTensor(like.type, like.dims, strides));
  buffer(ref.buffer).device = device;
  ref.offset = -ExtentOf(ref).begin;  // backwards strides begin at the end
  return ref;
}

StatusOr<TensorRef> SegmentBuilder::OnDevice(const TensorRef& ref, int device) {
  const PlanBuffer& memory = buffer(ref.buffer);
  if (memory.device == device) return ref;
  const Extent extent = ExtentOf(ref);
  const auto placed = [&](TensorRef copy) {
    copy.dims = ref.dims;
    copy.strides = ref.strides;
    copy.offset = ref.offset - extent.begin;
    return copy;
  };
  for (int32_t i = memory.first_moved; i >= 0; i = moved_[static_cast<size_t>(i)].next) {
    const Moved& moved = moved_[static_cast<size_t>(i)];
    if (moved.device == device && moved.version == memory.version && moved.begin == extent.begin &&
        moved.count == extent.count && moved.ref.type == ref.type) {
      return placed(moved.ref);
    }
  }
  Moved moved;
  moved.device = device;
  moved.version = memory.version;
  moved.begin = extent.begin;
  moved.count = extent.count;
  if (memory.place == exec::Place::kConstant && memory.device == 0) {
    DOPPIO_ASSIGN_OR_RETURN(moved.ref, MoveConstant(ref, device, extent.begin, extent.count));
  } else {
    const TensorRef from = Flat(ref, extent);
    DOPPIO_ASSIGN_OR_RETURN(moved.ref, NewTensorOn(device, from, Dims{1}));
    DOPPIO_RETURN_IF_ERROR(EmitTransfer(from, moved.ref));
  }
  moved.next = buffer(ref.buffer).first_moved;
  buffer(ref.buffer).first_moved = static_cast<int32_t>(moved_.size());
  DOPPIO_RETURN_IF_ERROR(moved_.Append(moved));
  return placed(moved.ref);
}

StatusOr<TensorRef> SegmentBuilder::MoveConstant(const TensorRef& ref, int device, int64_t begin,
                                                 int64_t count) {
  const auto* data = static_cast<const uint8_t*>(ref.constant) + begin * ElementBits(ref.type) / 8;
  const auto bytes = static_cast<size_t>(StorageBytes(ref.type, count));
  const void* copy = nullptr;
  if (buffer(ref.buffer).plan_owned) {
    DOPPIO_ASSIGN_OR_RETURN(
        exec::DeviceMemory memory,
        exec::DeviceMemory::Allocate(*resources_.devices, device, bytes, nullptr));
    DOPPIO_RETURN_IF_ERROR(
        Upload(*resources_.kernels, *resources_.devices, device, data, bytes, memory.data()));
    copy = memory.data();
    DOPPIO_RETURN_IF_ERROR(segment_->device_constants.Append(std::move(memory)));
  } else {
    DOPPIO_ASSIGN_OR_RETURN(
        copy, resources_.device_constants->Get(*resources_.kernels, *resources_.devices, device,
                                               data, bytes));
  }
  PlanBuffer memory;
  memory.place = exec::Place::kConstant;
  memory.device = device;
  memory.index = static_cast<uint32_t>(segment_->program.constants.size());
  DOPPIO_RETURN_IF_ERROR(segment_->program.constants.Append(copy));
  TensorRef moved = ref;
  moved.offset = 0;
  moved.constant = data;
  DOPPIO_ASSIGN_OR_RETURN(moved.buffer, NewBuffer(memory));
  return moved;
}

// From one row-major tensor to another of the same count. One of the two stands on the CPU, or the
// bytes go by way of it.
Status SegmentBuilder::EmitTransfer(const TensorRef& from, const TensorRef& to) {
  const int source = device_of(from), target = device_of(to);
  if (source != 0 && target != 0) {
    DOPPIO_ASSIGN_OR_RETURN(const TensorRef between, NewTensorOn(0, from, from.strides));
    DOPPIO_RETURN_IF_ERROR(EmitTransfer(from, between));
    return EmitTransfer(between, to);
  }
  const int device = std::max(source, target);
  TransferProblem problem;
  problem.direction =
      source == 0 ? TransferProblem::Direction::kToDevice : TransferProblem::Direction::kFromDevice;
  problem.id = resources_.devices->id(device);
  problem.bytes = StorageBytes(from.type, from.count());
  const Choice choice = ChooseOn(device, nullptr, ProblemKind::kTransfer, &problem, {});
  return EmitStep(nullptr, choice, ProblemKind::kTransfer, &problem, sizeof(problem), {&from, 1},
                  {&to, 1});
}

// Strided tensors are packed where they stand before they travel, and spread where they arrive.
Status SegmentBuilder::MoveInto(const graph::Node* node, const TensorRef& from,
                                const TensorRef& to) {
  const Dims row_major = operators::RowMajorStrides(from.dims);
  TensorRef leaving = from, arriving = to;
  if (!operators::IsRowMajor(from)) {
    DOPPIO_ASSIGN_OR_RETURN(leaving, NewTensorOn(device_of(from), from, row_major));
    DOPPIO_RETURN_IF_ERROR(EmitCopy(node, from, leaving));
  }
  if (!operators::IsRowMajor(to)) {
    DOPPIO_ASSIGN_OR_RETURN(arriving, NewTensorOn(device_of(to), to, row_major));
  }
  DOPPIO_RETURN_IF_ERROR(EmitTransfer(leaving, arriving));
  return operators::IsRowMajor(to) ? Status() : EmitCopy(node, arriving, to);
}

}  // namespace doppio::plan
