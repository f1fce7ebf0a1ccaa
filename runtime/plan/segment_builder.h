// SegmentBuilder: the state of a segment while it is planned: memory, steps, and where each value
// stands. The planner walks the nodes; NodeLowering (lowering.h) puts steps in through this.
#pragma once

#include <doppio/status.h>

#include <cstdint>
#include <span>

#include "base/array.h"
#include "runtime/operators/lower_context.h"
#include "runtime/plan/choose.h"
#include "runtime/plan/planner.h"

namespace doppio::plan {

using operators::TensorRef;
using operators::ValueFacts;

// One memory of the plan. Arena memories get their offset when all steps are known.
struct PlanBuffer {
  exec::Place place = exec::Place::kArena;
  // A number of the DeviceTable; kUndecided until a step writes it: it stands where that step runs.
  int device = 0;
  uint32_t index = 0;  // as BufferRef::index
  int64_t base = 0;    // bytes before the buffer's begin, for memories of earlier segments
  int64_t bytes = 0;   // kArena: size
  const void* constant = nullptr;
  // A constant that goes with the plan is never packed: packed forms outlive plans and are known by
  // the constant's address.
  bool plan_owned = false;
  int32_t first = -1, last = -1;  // steps that touch it
  bool pinned = false;            // lives on after the segment
  int live_values = 0;            // values that stand in it and will still be read
  uint32_t version = 0;           // how often steps have written it
  int32_t first_moved = -1;       // its copies on other devices, in SegmentBuilder::moved_

  static constexpr int kUndecided = -1;
};

class SegmentBuilder {
 public:
  SegmentBuilder(const PlanResources& resources, Segment* segment, exec::ThreadPool* pool)
      : resources_(resources), segment_(segment), pool_(pool) {}

  Status Start(std::span<const ValueFacts> facts);

  // --- memory
  // --------------------------------------------------------------------------------
  StatusOr<int32_t> NewBuffer(const PlanBuffer& buffer);
  PlanBuffer& buffer(int32_t id) { return buffers_[static_cast<size_t>(id)]; }
  // Row-major memory in the arena, of given strides.
  StatusOr<TensorRef> NewArenaTensor(ElementType type, const Dims& dims, const Dims& strides);
  StatusOr<TensorRef> NewConstant(ElementType type, const Dims& dims, const void* data);
  StatusOr<TensorRef> RefConstant(const graph::Constant& constant);

  // --- values
  // -------------------------------------------------------------------------------------- Where
  // `value` stands. Constants and known contents are put into memory when they are first asked for.
  StatusOr<TensorRef> RefOf(const graph::Value* value);
  bool Placed(const graph::Value* value) const { return refs_[value->id].present(); }
  void Place(const graph::Value* value, const TensorRef& ref) { refs_[value->id] = ref; }
  // A row-major form of `value`, converted once.
  StatusOr<TensorRef> RowMajorRefOf(const graph::Value* value);
  // `value` will not be read again: its memories hold one value less.
  void Release(const graph::Value* value);
  const ValueFacts& facts(const graph::Value* value) const { return facts_[value->id]; }

  // --- steps
  // --------------------------------------------------------------------------------
  Status Emit(const graph::Node* node, kernels::ProblemKind kind, const void* problem, size_t bytes,
              std::span<const TensorRef> inputs, std::span<const TensorRef> outputs);
  Choice Choose(const graph::Node* node, kernels::ProblemKind kind, const void* problem,
                std::span<const TensorRef> inputs) const;
  // Copies element by element, where `from` stands, and across the border if `to` stands elsewhere.
  Status EmitCopy(const graph::Node* node, const TensorRef& from, const TensorRef& to);
  // `ref` itself where it stands on `device`, else a copy there: made once for as long as nobody
  // writes the memory.
  StatusOr<TensorRef> OnDevice(const TensorRef& ref, int device);
  int32_t step_count() const { return static_cast<int32_t>(segment_->program.steps.size()); }

  // Places the arena and writes final operands.
  Status Finish();
  exec::BufferRef Resolve(const TensorRef& ref) const;

  const PlanResources& resources() const { return resources_; }
  Segment& segment() { return *segment_; }

 private:
  struct PendingOperand {
    int32_t buffer = -1;
    int64_t offset_bytes = 0;
  };
  // A copy of elements [begin, begin + count) of a buffer on another device.
  struct Moved {
    int device = 0;
    uint32_t version = 0;
    int64_t begin = 0, count = 0;
    TensorRef ref;  // of the copy; offset 0 is element `begin`
    int32_t next = -1;
  };
  // --- device_borders.cc
  Status EmitOn(int device, const graph::Node* node, kernels::ProblemKind kind, const void* problem,
                size_t bytes, std::span<const TensorRef> inputs,
                std::span<const TensorRef> outputs);
  StatusOr<TensorRef> NewTensorOn(int device, const TensorRef& like, const Dims& strides);
  StatusOr<TensorRef> MoveConstant(const TensorRef& ref, int device, int64_t begin, int64_t count);
  Status EmitTransfer(const TensorRef& from, const TensorRef& to);
  Status MoveInto(const graph::Node* node, const TensorRef& from, const TensorRef& to);

  Status EmitStep(const graph::Node* node, const Choice& choice, kernels::ProblemKind kind,
                  const void* problem, size_t bytes, std::span<const TensorRef> inputs,
                  std::span<const TensorRef> outputs);
  Choice ChooseOn(int device, const graph::Node* node, kernels::ProblemKind kind,
                  const void* problem, std::span<const TensorRef> inputs) const;
  int device_of(const TensorRef& ref) { return buffer(ref.buffer).device; }
  void Touch(int32_t buffer, int32_t step);
  Status PlaceArena(int device);
  Status AppendOperands(std::span<const TensorRef> refs, int32_t step);
  Status PrepareKernel(const kernels::Kernel& kernel, const void* problem,
                       std::span<const TensorRef> inputs, exec::Step* step);
  Status NoKernel(const graph::Node* node, kernels::ProblemKind kind) const;

  const PlanResources& resources_;
  Segment* segment_;
  exec::ThreadPool* pool_;
  std::span<const ValueFacts> facts_;
  base::Array<PlanBuffer> buffers_;
  base::Array<TensorRef> refs_;            // by value id
  base::Array<TensorRef> row_major_refs_;  // by value id
  base::Array<Moved> moved_;
  base::Array<PendingOperand> operands_;
  base::Array<int32_t> workspaces_;  // buffer of each step's workspace, or -1
};

}  // namespace doppio::plan
