// GraphRunner: runs one graph of a net, segment by segment, in memory of its own. A Session has one
// for the net; nodes with child graphs have one a child.
#pragma once

#include <doppio/predictor.h>

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/array.h"
#include "base/memory.h"
#include "runtime/api/graph_plans.h"
#include "runtime/exec/executor.h"
#include "runtime/operators/call_context.h"

namespace doppio {

// Characters of strings that a run makes.
class TextHeap {
 public:
  explicit TextHeap(base::MemoryBudget* budget) : budget_(budget) {}
  StatusOr<std::string_view> Keep(std::string_view text);
  void Clear() {
    blocks_.clear();
    left_ = 0;
  }

 private:
  base::MemoryBudget* budget_;
  base::Array<base::Buffer> blocks_;
  char* next_ = nullptr;
  size_t left_ = 0;
};

// What the runners of one Session share; none of them run at the same time.
struct RunResources {
  const kernels::KernelTable* kernels = nullptr;
  const exec::DeviceTable* devices = nullptr;
  base::MemoryBudget* budget = nullptr;
  exec::ThreadPool* pool = nullptr;
  TextHeap* texts = nullptr;
  base::Buffer scratch;
  bool profiling = false;
};

// Memory for values whose size a run finds out: one growing buffer a slot, or what a call has made.
class DynamicValues final : public kernels::OutputAllocator {
 public:
  explicit DynamicValues(base::MemoryBudget* budget) : budget_(budget) {}

  // Outputs of the next dynamic step go to these slots.
  void Expect(std::span<const plan::DynamicValue> values) { expected_ = values; }
  // What stands in a slot. Tensors made by steps own nothing: they live until the slot's next
  // value.
  const operators::HostValue& value(uint32_t slot) const { return slots_[slot].value; }
  void Set(uint32_t slot, operators::HostValue value);
  std::span<void* const> pointers() const { return {pointers_.data(), pointers_.size()}; }
  Status Reserve(size_t slots);

  void* Allocate(int index, std::span<const int64_t> dims) override;

 private:
  struct Slot {
    base::Buffer memory;
    operators::HostValue value;
  };

  base::MemoryBudget* budget_;
  std::span<const plan::DynamicValue> expected_;
  base::Array<Slot> slots_;
  base::Array<void*> pointers_;
};

class GraphRunner {
 public:
  // Both outlive the runner.
  GraphRunner(const GraphPlans& plans, RunResources* resources);
  ~GraphRunner();

  // Makes the plan for inputs of these kinds, types and sizes, in the order of the graph's inputs.
  Status Prepare(std::span<const operators::HostValue> inputs);
  // Runs. `targets` (empty, or one for each output of the graph, null for "the runner's own") says
  // where tensors go; type and dims are filled in. `inputs` are borrowed for the duration.
  Status Run(std::span<const operators::HostValue> inputs,
             std::span<MutableTensorView* const> targets);

  // Output `i` of the last successful run; valid until the next.
  const operators::HostValue& output(size_t i) const { return outputs_[i].value; }
  // The same; its memory is the caller's from now on.
  operators::HostValue TakeOutput(size_t i);

  void AppendProfile(std::vector<StepInfo>* steps) const;
  size_t arena_bytes() const;

 private:
  // A segment with its memory, ready to run.
  struct BoundSegment {
    std::shared_ptr<plan::Segment> segment;
    base::Array<int64_t> key;                // what led here from the segment before
    base::Array<exec::DeviceMemory> arenas;  // by device
    exec::Executor executor;
    exec::Profile profile;
  };
  struct Output {
    operators::HostValue value;
    size_t capacity = 0;  // of value.memory
  };
  struct Child {
    const graph::Graph* graph = nullptr;
    std::unique_ptr<GraphRunner> runner;
  };
  class Call;

  const graph::Graph& graph() const { return plans_.graph(); }
  Status BindPlan(std::span<const operators::HostValue> inputs);
  Status BindSegment(size_t at, std::shared_ptr<plan::Segment> segment,
                     std::span<const int64_t> key);
  Status RunSegment(BoundSegment& bound);
  Status RunCall(size_t at);
  StatusOr<GraphRunner*> RunnerOf(const graph::Graph& child);
  // From one segment to the next.
  Status Continue(size_t at);
  Status FindSizes(const plan::Segment& segment);
  Status FindContent(size_t at);
  // Where segment `at` finds a value.
  const void* Locate(size_t at, const exec::BufferRef& place) const;
  operators::HostValue ValueAt(size_t at, const plan::CallInput& input) const;
  Status PointOutputs(const plan::Segment& segment, std::span<MutableTensorView* const> targets);
  Status PointOutput(size_t i, const plan::OutputInfo& info, MutableTensorView* target);

  const GraphPlans& plans_;
  RunResources* resources_;
  DynamicValues dynamics_;
  std::shared_ptr<Plan> plan_;
  base::Array<std::unique_ptr<BoundSegment>> path_;
  base::Array<Child> children_;

  // Reused from run to run, so that a run allocates nothing.
  base::Array<int64_t> key_, next_key_;
  base::Array<operators::ValueFacts> findings_;
  graph::Constant found_;  // what findings_ says of content that is no integers
  base::Array<void*> arenas_;
  std::span<const operators::HostValue> inputs_;  // of the run at hand
  base::Array<const void*> input_pointers_;
  base::Array<void*> output_pointers_;
  base::Array<Output> outputs_;
};

}  // namespace doppio
