#include "runtime/api/graph_runner.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "base/message.h"
#include "runtime/operators/operator.h"
#include "runtime/operators/step_error.h"

namespace doppio {

using base::Cat;
using base::Quoted;
using operators::HostValue;
using plan::Segment;
using plan::SegmentEnd;

// --- TextHeap
// -----------------------------------------------------------------------------------------------

StatusOr<std::string_view> TextHeap::Keep(std::string_view text) {
  constexpr size_t kBlockBytes = 16 << 10;
  if (text.size() > left_) {
    const size_t bytes = std::max(kBlockBytes, text.size());
    DOPPIO_ASSIGN_OR_RETURN(base::Buffer block, base::Buffer::Allocate(bytes, budget_));
    next_ = block.as<char>();
    left_ = bytes;
    DOPPIO_RETURN_IF_ERROR(blocks_.Append(std::move(block)));
  }
  if (!text.empty()) std::memcpy(next_, text.data(), text.size());
  const std::string_view kept(next_, text.size());
  next_ += text.size();
  left_ -= text.size();
  return kept;
}

// --- DynamicValues
// -----------------------------------------------------------------------------------------------

void DynamicValues::Set(uint32_t slot, HostValue value) {
  pointers_[slot] = const_cast<void*>(value.data);
  slots_[slot].value = std::move(value);
}

Status DynamicValues::Reserve(size_t slots) {
  if (slots <= pointers_.size()) return {};
  DOPPIO_RETURN_IF_ERROR(slots_.Resize(slots));
  return pointers_.Resize(slots);
}

void* DynamicValues::Allocate(int index, std::span<const int64_t> dims) {
  if (static_cast<size_t>(index) >= expected_.size()) return nullptr;
  const plan::DynamicValue& expected = expected_[static_cast<size_t>(index)];
  Slot& slot = slots_[expected.slot];
  HostValue value;
  value.type = expected.type;
  value.dims = Dims(dims);
  const int64_t bytes = HostBytes(value);
  if (bytes < 0) return nullptr;
  // At least one byte: a null pointer means failure.
  const size_t wanted = std::max<size_t>(static_cast<size_t>(bytes), 1);
  if (slot.memory.size() < wanted) {
    slot.memory = base::Buffer();
    StatusOr<base::Buffer> grown = base::Buffer::Allocate(wanted, budget_);
    if (!grown.ok()) return nullptr;
    slot.memory = std::move(*grown);
  }
  value.data = slot.memory.data();
  Set(expected.slot, std::move(value));
  return slot.memory.data();
}

// --- calls
// -----------------------------------------------------------------------------------------------

// The CallContext of one call.
class GraphRunner::Call final : public operators::CallContext {
 public:
  Call(GraphRunner* runner, size_t at, const Segment& segment, const operators::Operator& op)
      : CallContext(*segment.call, op), runner_(runner), at_(at), segment_(segment) {}

  Status Start() {
    for (const plan::CallInput& input : segment_.call_inputs) {
      DOPPIO_RETURN_IF_ERROR(inputs_.Append(runner_->ValueAt(at_, input)));
    }
    return set_.Resize(segment_.dynamics.size());
  }

  const HostValue* input(size_t i) const override {
    return segment_.call_inputs[i].present ? &inputs_[i] : nullptr;
  }

  void Set(size_t i, HostValue value) override {
    const graph::Value* output = node().output(i);
    if (output == nullptr) return;
    for (size_t at = 0; at < segment_.dynamics.size(); ++at) {
      const plan::DynamicValue& dynamic = segment_.dynamics[at];
      if (dynamic.value != output->id) continue;
      runner_->dynamics_.Set(dynamic.slot, std::move(value));
      set_[at] = true;
      return;
    }
  }

  StatusOr<std::string_view> KeepText(std::string_view text) override {
    return runner_->resources_->texts->Keep(text);
  }

  Status RunChild(const graph::Graph& child, std::span<const HostValue> bound,
                  base::Array<HostValue>* outputs) override {
    if (bound.size() != child.bound_inputs) {
      return CorruptModel(
          Cat("a net inside it has ", child.bound_inputs, " inputs, ", bound.size(), " are given"));
    }
    DOPPIO_ASSIGN_OR_RETURN(GraphRunner * runner, runner_->RunnerOf(child));
    base::Array<HostValue> inputs;
    for (const HostValue& value : bound) DOPPIO_RETURN_IF_ERROR(inputs.Append(value));
    const size_t first = graph::FirstCapture(node(), child);
    for (size_t i = bound.size(); i < child.inputs().size(); ++i) {
      DOPPIO_RETURN_IF_ERROR(inputs.Append(inputs_[first + i - bound.size()]));
    }
    DOPPIO_RETURN_IF_ERROR(runner->Run(inputs.span(), {}));
    outputs->clear();
    for (size_t i = 0; i < child.outputs().size(); ++i) {
      DOPPIO_RETURN_IF_ERROR(outputs->Append(runner->TakeOutput(i)));
    }
    return {};
  }

  base::MemoryBudget* budget() const override { return runner_->resources_->budget; }

  // Whether the call has set every output that somebody may read.
  bool Complete() const {
    return std::all_of(set_.begin(), set_.end(), [](bool done) { return done; });
  }

 private:
  GraphRunner* runner_;
  size_t at_;
  const Segment& segment_;
  base::Array<HostValue> inputs_;
  base::Array<bool> set_;  // by dynamic value
};

// --- GraphRunner
// -----------------------------------------------------------------------------------------------

GraphRunner::GraphRunner(const GraphPlans& plans, RunResources* resources)
    : plans_(plans), resources_(resources), dynamics_(resources->budget) {}
GraphRunner::~GraphRunner() = default;

Status GraphRunner::Prepare(std::span<const HostValue> inputs) { return BindPlan(inputs); }

Status GraphRunner::Run(std::span<const HostValue> inputs,
                        std::span<MutableTensorView* const> targets) {
  DOPPIO_RETURN_IF_ERROR(BindPlan(inputs));
  inputs_ = inputs;
  for (size_t i = 0; i < inputs.size(); ++i) input_pointers_[i] = inputs[i].data;
  for (size_t at = 0;; ++at) {
    BoundSegment& bound = *path_[at];
    DOPPIO_RETURN_IF_ERROR(PointOutputs(*bound.segment, targets));
    DOPPIO_RETURN_IF_ERROR(RunSegment(bound));
    if (bound.segment->end == SegmentEnd::kFinished) break;
    if (bound.segment->end == SegmentEnd::kCall) DOPPIO_RETURN_IF_ERROR(RunCall(at));
    DOPPIO_RETURN_IF_ERROR(Continue(at));
  }
  return {};
}

HostValue GraphRunner::TakeOutput(size_t i) {
  Output& output = outputs_[i];
  if (output.value.memory != nullptr) {
    output.capacity = 0;
    return std::exchange(output.value, HostValue());
  }
  return output.value;
}

Status GraphRunner::BindPlan(std::span<const HostValue> inputs) {
  key_.clear();
  for (const HostValue& input : inputs) {
    DOPPIO_RETURN_IF_ERROR(key_.Append(static_cast<int64_t>(input.kind)));
    DOPPIO_RETURN_IF_ERROR(key_.Append(static_cast<int64_t>(input.type)));
    if (input.kind != graph::ValueKind::kTensor) continue;
    DOPPIO_RETURN_IF_ERROR(key_.Append(input.dims.rank()));
    DOPPIO_RETURN_IF_ERROR(key_.AppendAll(input.dims.span()));
  }
  const bool same = plan_ != nullptr &&
                    std::equal(key_.begin(), key_.end(), plan_->key.begin(), plan_->key.end());
  if (same && !path_.empty()) return {};
  findings_.clear();
  for (const HostValue& input : inputs) {
    operators::ValueFacts facts;
    facts.kind = input.kind;
    facts.type = input.type;
    facts.has_shape = facts.is_tensor();
    facts.shape = operators::ShapeOf(input.dims);
    DOPPIO_RETURN_IF_ERROR(findings_.Append(std::move(facts)));
  }
  path_.clear();
  outputs_.clear();
  const size_t outputs = graph().outputs().size();
  DOPPIO_RETURN_IF_ERROR(input_pointers_.Resize(inputs.size()));
  DOPPIO_RETURN_IF_ERROR(outputs_.Resize(outputs));
  DOPPIO_RETURN_IF_ERROR(output_pointers_.Resize(outputs));
  std::fill(output_pointers_.begin(), output_pointers_.end(), nullptr);
  DOPPIO_ASSIGN_OR_RETURN(plan_, plans_.Find(key_.span(), findings_.span(), *resources_->pool));
  return BindSegment(0, plan_->first, {});
}

Status GraphRunner::BindSegment(size_t at, std::shared_ptr<Segment> segment,
                                std::span<const int64_t> key) {
  while (path_.size() > at) path_.pop_back();
  auto bound = std::make_unique<BoundSegment>();
  DOPPIO_RETURN_IF_ERROR(bound->key.Assign(key));
  const exec::Program& program = segment->program;
  const exec::DeviceTable& devices = *resources_->devices;
  for (int device = 0; device < devices.size(); ++device) {
    DOPPIO_ASSIGN_OR_RETURN(exec::DeviceMemory arena,
                            exec::DeviceMemory::Allocate(
                                devices, device, program.arena_bytes[device], resources_->budget));
    DOPPIO_RETURN_IF_ERROR(bound->arenas.Append(std::move(arena)));
  }
  arenas_.clear();
  const auto add_arenas = [&](const BoundSegment& of) -> Status {
    for (const exec::DeviceMemory& arena : of.arenas) {
      DOPPIO_RETURN_IF_ERROR(arenas_.Append(arena.data()));
    }
    return {};
  };
  for (const auto& before : path_) DOPPIO_RETURN_IF_ERROR(add_arenas(*before));
  DOPPIO_RETURN_IF_ERROR(add_arenas(*bound));
  DOPPIO_ASSIGN_OR_RETURN(bound->executor, exec::Executor::Bind(program, *resources_->kernels,
                                                                arenas_.span(), devices.size()));
  if (resources_->profiling) {
    DOPPIO_RETURN_IF_ERROR(bound->profile.step_ns.Resize(program.steps.size()));
  }
  const size_t scratch = program.scratch_bytes * static_cast<size_t>(resources_->pool->threads());
  if (scratch > resources_->scratch.size()) {
    // The old one stays until there is a new one: segments bound before need it.
    DOPPIO_ASSIGN_OR_RETURN(base::Buffer grown,
                            base::Buffer::Allocate(scratch, resources_->budget));
    resources_->scratch = std::move(grown);
  }
  DOPPIO_RETURN_IF_ERROR(dynamics_.Reserve(segment->dynamic_slots));
  bound->segment = std::move(segment);
  return path_.Append(std::move(bound));
}

Status GraphRunner::RunSegment(BoundSegment& bound) {
  const Segment& segment = *bound.segment;
  dynamics_.Expect(segment.dynamics.span());
  exec::Environment environment;
  environment.inputs = input_pointers_;
  environment.outputs = output_pointers_.span();
  environment.dynamics = dynamics_.pointers();
  environment.allocator = &dynamics_;
  exec::Profile* profile = bound.profile.step_ns.empty() ? nullptr : &bound.profile;
  const exec::RunResult result =
      bound.executor.Run(environment, *resources_->pool, resources_->scratch.data(), profile);
  if (result.ok()) return {};
  const graph::Node* node = segment.labels[segment.program.steps[result.step].label];
  return operators::StepError(node != nullptr ? operators::NodeLabel(*node) : "a copy",
                              result.status);
}

Status GraphRunner::RunCall(size_t at) {
  // Child graphs of the node may not touch this path; the segment stays alive.
  const std::shared_ptr<Segment> segment = path_[at]->segment;
  const graph::Node& node = *segment->call;
  const operators::Operator* op = operators::FindOperator(node.domain, node.type);
  Call call(this, at, *segment, *op);
  DOPPIO_RETURN_IF_ERROR(call.Start());
  const Status status = op->call(call);
  if (!status.ok()) return status.Annotate(operators::NodeLabel(node));
  if (call.Complete()) return {};
  return Internal(Cat(operators::NodeLabel(node), ": not all outputs were made"));
}

StatusOr<GraphRunner*> GraphRunner::RunnerOf(const graph::Graph& child) {
  for (const Child& known : children_) {
    if (known.graph == &child) return known.runner.get();
  }
  Child made;
  made.graph = &child;
  made.runner.reset(new (std::nothrow) GraphRunner(plans_.child(child), resources_));
  if (made.runner == nullptr) return OutOfMemory("no memory for a child graph");
  GraphRunner* const runner = made.runner.get();
  DOPPIO_RETURN_IF_ERROR(children_.Append(std::move(made)));
  return runner;
}

// --- from one segment to the next
// -----------------------------------------------------------------------------------------------

Status GraphRunner::Continue(size_t at) {
  const std::shared_ptr<Segment> segment = path_[at]->segment;
  findings_.clear();
  next_key_.clear();
  DOPPIO_RETURN_IF_ERROR(segment->end == SegmentEnd::kContent ? FindContent(at)
                                                              : FindSizes(*segment));
  if (at + 1 < path_.size() && std::equal(next_key_.begin(), next_key_.end(),
                                          path_[at + 1]->key.begin(), path_[at + 1]->key.end())) {
    return {};
  }
  DOPPIO_ASSIGN_OR_RETURN(
      std::shared_ptr<Segment> next,
      plans_.FindNext(segment.get(), next_key_.span(), findings_.span(), *resources_->pool));
  return BindSegment(at + 1, std::move(next), next_key_.span());
}

Status GraphRunner::FindSizes(const Segment& segment) {
  for (const plan::DynamicValue& dynamic : segment.dynamics) {
    const HostValue& value = dynamics_.value(dynamic.slot);
    operators::ValueFacts facts;
    facts.kind = value.kind;
    facts.type = value.type;
    facts.has_shape = facts.is_tensor();
    facts.shape = operators::ShapeOf(value.dims);
    DOPPIO_RETURN_IF_ERROR(findings_.Append(std::move(facts)));
    DOPPIO_RETURN_IF_ERROR(next_key_.Append(static_cast<int64_t>(value.kind)));
    DOPPIO_RETURN_IF_ERROR(next_key_.Append(static_cast<int64_t>(value.type)));
    DOPPIO_RETURN_IF_ERROR(next_key_.Append(value.dims.rank()));
    DOPPIO_RETURN_IF_ERROR(next_key_.AppendAll(value.dims.span()));
  }
  return {};
}

Status GraphRunner::FindContent(size_t at) {
  const Segment& segment = *path_[at]->segment;
  const plan::FrontierValue* value = nullptr;
  for (const plan::FrontierValue& candidate : segment.frontier) {
    if (candidate.value == segment.content_value) value = &candidate;
  }
  if (value == nullptr) return Internal("a plan does not know the value that it waits for");
  graph::Constant content;
  content.type = value->facts.type;
  content.dims = value->facts.shape.Numbers();
  content.count = ElementCount(content.dims);
  content.data = Locate(at, segment.content_place);
  operators::ValueFacts facts;
  DOPPIO_RETURN_IF_ERROR(operators::FactsOfConstant(content, &facts));
  if (content.count > operators::kMaxContent || content.type == ElementType::kString) {
    return Unsupported(Cat("a shape is computed from ", content.count, " values of type ",
                           content.type, "; at most ", operators::kMaxContent,
                           " numbers are possible"));
  }
  if (facts.has_content) {
    facts.constant = nullptr;
    for (const graph::Dim& dim : facts.content) {
      DOPPIO_RETURN_IF_ERROR(next_key_.Append(dim.value()));
    }
  } else {  // floats and the like: their bits are the key, the plan gets a copy
    found_ = content;
    facts.constant = &found_;
    const int64_t bytes = StorageBytes(content.type, content.count);
    for (int64_t at = 0; at < bytes; at += 8) {
      int64_t word = 0;
      std::memcpy(&word, static_cast<const char*>(content.data) + at,
                  static_cast<size_t>(std::min<int64_t>(8, bytes - at)));
      DOPPIO_RETURN_IF_ERROR(next_key_.Append(word));
    }
  }
  return findings_.Append(std::move(facts));
}

const void* GraphRunner::Locate(size_t at, const exec::BufferRef& place) const {
  const void* base = nullptr;
  switch (place.place) {
    case exec::Place::kArena:
      base = path_[place.index]->arenas[place.device].data();
      break;
    case exec::Place::kConstant:
      base = path_[at]->segment->program.constants[place.index];
      break;
    case exec::Place::kInput:
      base = input_pointers_[place.index];
      break;
    case exec::Place::kOutput:
      base = output_pointers_[place.index];
      break;
    case exec::Place::kDynamic:
      base = dynamics_.pointers()[place.index];
      break;
    case exec::Place::kNone:
      break;
  }
  return base == nullptr ? nullptr : static_cast<const uint8_t*>(base) + place.offset;
}

HostValue GraphRunner::ValueAt(size_t at, const plan::CallInput& input) const {
  const HostValue* whole = nullptr;  // what the caller or another call has made
  if (input.place.place == exec::Place::kInput) whole = &inputs_[input.place.index];
  if (input.place.place == exec::Place::kDynamic) whole = &dynamics_.value(input.place.index);
  if (whole != nullptr && whole->kind != graph::ValueKind::kTensor) return *whole;
  HostValue value;  // maybe a view of `whole`, whose owner it keeps
  value.type = input.type;
  value.dims = input.dims;
  value.data = Locate(at, input.place);
  if (whole != nullptr) value.memory = whole->memory;
  return value;
}

// --- outputs
// -----------------------------------------------------------------------------------------------

// Gives every output that this segment defines a place: the caller's, or the runner's own.
Status GraphRunner::PointOutputs(const Segment& segment,
                                 std::span<MutableTensorView* const> targets) {
  for (size_t i = 0; i < segment.outputs.size(); ++i) {
    const plan::OutputInfo& info = segment.outputs[i];
    if (!info.defined) continue;
    DOPPIO_RETURN_IF_ERROR(PointOutput(i, info, targets.empty() ? nullptr : targets[i]));
  }
  return {};
}

Status GraphRunner::PointOutput(size_t i, const plan::OutputInfo& info, MutableTensorView* target) {
  Output& output = outputs_[i];
  const std::string_view name = graph().outputs()[i].name;
  if (info.kind != graph::ValueKind::kTensor) {
    if (target != nullptr) {
      return InvalidArgument(Cat("output ", Quoted(name), " is no tensor; it has no place in the ",
                                 "caller's memory"));
    }
    output.value = info.place.place == exec::Place::kInput ? inputs_[info.place.index]
                                                           : dynamics_.value(info.place.index);
    return {};
  }
  const auto bytes = static_cast<size_t>(StorageBytes(info.type, ElementCount(info.dims)));
  output.value.elements = nullptr;
  output.value.kind = info.kind;
  output.value.type = info.type;
  output.value.dims = info.dims;
  if (target != nullptr) {
    if (target->data == nullptr || target->bytes < bytes) {
      return InvalidArgument(Cat("output ", Quoted(name), " ", info.type, info.dims, " takes ",
                                 bytes, " bytes, the caller's memory has ",
                                 target->data == nullptr ? 0 : target->bytes));
    }
    target->type = info.type;
    target->dims = info.dims;
    output.value.memory = nullptr;
    output.value.data = target->data;
    output.capacity = 0;
  } else if (output.value.memory == nullptr || output.capacity < bytes) {
    output.value.memory = nullptr;
    DOPPIO_ASSIGN_OR_RETURN(output.value,
                            operators::NewHostTensor(info.type, info.dims, resources_->budget));
    output.capacity = std::max<size_t>(bytes, 1);
  }
  output_pointers_[i] = const_cast<void*>(output.value.data);
  return {};
}

// --- what is known of it
// -----------------------------------------------------------------------------------------------

void GraphRunner::AppendProfile(std::vector<StepInfo>* steps) const {
  const exec::DeviceTable& devices = *resources_->devices;
  for (const auto& bound : path_) {
    const Segment& segment = *bound->segment;
    for (size_t i = 0; i < segment.program.steps.size(); ++i) {
      const exec::Step& step = segment.program.steps[i];
      const graph::Node* node = segment.labels[step.label];
      const kernels::DeviceDriver* driver = devices.driver(step.device);
      StepInfo info;
      if (node != nullptr) {
        info.op_type = node->type;
        info.node = node->name;
        for (const graph::Value* value : node->outputs) {
          if (value != nullptr && info.output.empty()) info.output = value->name;
        }
      }
      info.kernel = resources_->kernels->rows()[step.kernel]->name;
      info.device = driver == nullptr ? "cpu" : Cat(driver->name, ":", devices.id(step.device));
      info.flops = step.flops;
      info.bytes = step.bytes;
      if (i < bound->profile.step_ns.size()) info.total_ns = bound->profile.step_ns[i];
      info.runs = bound->profile.runs;
      steps->push_back(std::move(info));
    }
  }
  for (const Child& child : children_) child.runner->AppendProfile(steps);
}

size_t GraphRunner::arena_bytes() const {
  size_t sum = 0;
  for (const auto& bound : path_) {
    for (const exec::DeviceMemory& arena : bound->arenas) sum += arena.size();
  }
  for (const Child& child : children_) sum += child.runner->arena_bytes();
  return sum;
}

}  // namespace doppio
