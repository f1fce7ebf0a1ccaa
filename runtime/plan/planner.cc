#include "runtime/plan/planner.h"

#include <cstring>

#include "base/message.h"
#include "runtime/operators/infer_context.h"
#include "runtime/plan/fusion.h"
#include "runtime/plan/lowering.h"

namespace doppio::plan {
namespace {

using base::Cat;
using graph::Node;
using graph::Value;
using operators::InferContext;
using operators::LayoutTrait;
using operators::Operator;

// DeviceOption's numbers for Caffe2's MKLDNN and IDEEP: libraries, but on the CPU.
constexpr int32_t kMkldnnDevice = 2, kIdeepDevice = 5;

bool RunsOnCpu(int32_t device_type) {
  return device_type == kernels::kCpuDevice || device_type == kMkldnnDevice ||
         device_type == kIdeepDevice;
}

class Planner {
 public:
  Planner(const PlanResources& resources, const Segment* previous, exec::ThreadPool* pool,
          Segment* segment)
      : resources_(resources),
        graph_(*resources.graph),
        previous_(previous),
        segment_(*segment),
        builder_(resources, segment, pool) {}

  Status Plan(Findings findings) {
    DOPPIO_RETURN_IF_ERROR(TakeFindings(findings));
    DOPPIO_RETURN_IF_ERROR(InferSegment());
    range_.order = resources_.node_order;
    DOPPIO_RETURN_IF_ERROR(FindFusions(graph_, range_, facts_.span(), &fusions_));
    DOPPIO_RETURN_IF_ERROR(builder_.Start(facts_.span()));
    DOPPIO_RETURN_IF_ERROR(PlaceKnownValues(findings));
    DOPPIO_RETURN_IF_ERROR(CountUses());
    for (const Node* node = begin_; node != end_; node = node->next) {
      DOPPIO_RETURN_IF_ERROR(LowerNode(*node));
    }
    DOPPIO_RETURN_IF_ERROR(WriteOutputs());
    DOPPIO_RETURN_IF_ERROR(PinFrontier());
    DOPPIO_RETURN_IF_ERROR(builder_.Finish());
    DOPPIO_RETURN_IF_ERROR(RecordCall());
    return RecordFrontier();
  }

 private:
  // --- what is known at the beginning
  // --------------------------------------------------------------
  Status TakeFindings(Findings findings) {
    DOPPIO_RETURN_IF_ERROR(facts_.Resize(graph_.value_ids()));
    for (uint32_t id = 0; id < graph_.value_ids(); ++id) {
      const Value* value = graph_.value(id);
      if (value != nullptr && value->is_constant) {
        DOPPIO_RETURN_IF_ERROR(operators::FactsOfConstant(value->constant, &facts_[id]));
      }
    }
    DOPPIO_RETURN_IF_ERROR(segment_.outputs.Resize(graph_.outputs().size()));
    if (previous_ == nullptr) {
      begin_ = graph_.first();
      for (size_t i = 0; i < graph_.inputs().size(); ++i) {
        DOPPIO_RETURN_IF_ERROR(CopyFacts(findings[i], &facts_[graph_.inputs()[i]->id]));
      }
      return {};
    }
    begin_ = previous_->next_node;
    for (size_t i = 0; i < previous_->outputs.size(); ++i)
      segment_.outputs[i] = previous_->outputs[i];
    for (const FrontierValue& value : previous_->frontier) {
      DOPPIO_RETURN_IF_ERROR(CopyFacts(value.facts, &facts_[value.value]));
    }
    if (previous_->end == SegmentEnd::kContent) {
      DOPPIO_RETURN_IF_ERROR(CopyFacts(findings[0], &facts_[previous_->content_value]));
      return KeepFound(&facts_[previous_->content_value]);
    }
    for (size_t i = 0; i < previous_->dynamics.size(); ++i) {
      DOPPIO_RETURN_IF_ERROR(CopyFacts(findings[i], &facts_[previous_->dynamics[i].value]));
    }
    return {};
  }

  // Content that is no integers goes with the segment, as a constant: rules and lowerings that take
  // constants take it.
  Status KeepFound(ValueFacts* facts) {
    if (facts->constant == nullptr) return {};
    const auto bytes =
        static_cast<size_t>(StorageBytes(facts->constant->type, facts->constant->count));
    DOPPIO_ASSIGN_OR_RETURN(base::Buffer copy, base::Buffer::Allocate(bytes, resources_.budget));
    if (bytes > 0) std::memcpy(copy.data(), facts->constant->data, bytes);
    segment_.found = *facts->constant;
    segment_.found.data = copy.data();
    facts->constant = &segment_.found;
    return segment_.constants.Append(std::move(copy));
  }

  static Status CopyFacts(const ValueFacts& from, ValueFacts* to) {
    to->kind = from.kind;
    to->type = from.type;
    to->has_shape = from.has_shape;
    to->shape = from.shape;
    to->has_content = from.has_content;
    to->constant = from.constant;
    return to->content.Assign(from.content.span());
  }

  // --- inference until the end of the segment
  // -----------------------------------------------------------
  Status InferSegment() {
    range_.begin = begin_ != nullptr ? resources_.node_order[begin_->id] : INT32_MAX;
    segment_.end = SegmentEnd::kFinished;
    for (const Node* node = begin_; node != nullptr; node = node->next) {
      bool ends_before = false, ends_after = false;
      const Status status = InferOne(*node, &ends_before, &ends_after);
      DOPPIO_RETURN_IF_ERROR(status);
      if (!ends_before && !ends_after) continue;
      end_ = ends_before ? node : node->next;
      segment_.next_node = end_;
      range_.end = end_ != nullptr ? resources_.node_order[end_->id] : INT32_MAX;
      return {};
    }
    end_ = nullptr;
    range_.end = INT32_MAX;
    return {};
  }

  Status InferOne(const Node& node, bool* ends_before, bool* ends_after) {
    const Operator* op = operators::FindOperator(node.domain, node.type);
    if (op == nullptr) {
      return Unsupported(
          Cat(operators::NodeLabel(node), ": operator type ", base::Quoted(node.type),
              node.domain.empty() ? std::string() : Cat(" of domain ", base::Quoted(node.domain)),
              " is unknown to this runtime"));
    }
    if (resources_.DeviceOf(&node) < 0) {
      return Unsupported(
          Cat(operators::NodeLabel(node), ": wants device type ", node.device.type,
              ", which this build has not; with device \"cpu\" everything runs on the CPU"));
    }
    base::Array<const ValueFacts*> inputs;
    for (const graph::Input& input : node.inputs) {
      DOPPIO_RETURN_IF_ERROR(
          inputs.Append(input.value != nullptr ? &facts_[input.value->id] : nullptr));
    }
    base::Array<ValueFacts> outputs;
    DOPPIO_RETURN_IF_ERROR(outputs.Resize(node.outputs.size()));
    const InferContext context(node, *op, &symbols_, {inputs.data(), inputs.size()},
                               {outputs.data(), outputs.size()});
    // What is always called says its sizes when it runs.
    if (op->lower != nullptr) DOPPIO_RETURN_IF_ERROR(operators::InferNode(context));
    if (context.needed_content() >= 0) {
      *ends_before = true;
      segment_.end = SegmentEnd::kContent;
      segment_.content_value = node.inputs[static_cast<size_t>(context.needed_content())].value->id;
      return {};
    }
    if (operators::IsCalled(*op, inputs.span(), outputs.span())) {
      *ends_after = true;
      segment_.end = SegmentEnd::kCall;
      segment_.call = &node;
    } else if (op->flags & operators::kDataDependent) {
      *ends_after = true;
      segment_.end = SegmentEnd::kDynamicValues;
    }
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      const Value* output = node.outputs[i];
      if (output == nullptr) continue;
      if (*ends_after) {
        DOPPIO_RETURN_IF_ERROR(segment_.dynamics.Append({output->id, 0, outputs[i].type}));
      } else if (!outputs[i].Static()) {
        return Internal(Cat(operators::NodeLabel(node), ": the shape of output ",
                            base::Quoted(output->name), " could not be inferred"));
      }
      facts_[output->id] = std::move(outputs[i]);
    }
    return {};
  }

  // --- where known values stand
  // ---------------------------------------------------------------------------
  Status PlaceKnownValues(Findings findings) {
    if (previous_ == nullptr) {
      for (uint32_t i = 0; i < graph_.inputs().size(); ++i) {
        const Dims dims = findings[i].shape.Numbers();
        DOPPIO_RETURN_IF_ERROR(PlaceOutside(graph_.inputs()[i], {exec::Place::kInput, 0, i, 0}, 0,
                                            operators::RowMajorStrides(dims)));
      }
      return {};
    }
    segment_.dynamic_slots = previous_->dynamic_slots;
    for (const FrontierValue& value : previous_->frontier) {
      const graph::Constant* found = facts_[value.value].constant;
      if (found != nullptr) {
        DOPPIO_ASSIGN_OR_RETURN(const TensorRef ref, builder_.RefConstant(*found));
        builder_.buffer(ref.buffer).plan_owned = true;
        builder_.Place(graph_.value(value.value), ref);
      } else if (value.placed) {
        DOPPIO_RETURN_IF_ERROR(
            PlaceOutside(graph_.value(value.value), value.place, value.offset, value.strides));
      }
    }
    if (previous_->end == SegmentEnd::kContent) return {};
    for (const DynamicValue& dynamic : previous_->dynamics) {
      const Dims dims = facts_[dynamic.value].shape.Numbers();
      DOPPIO_RETURN_IF_ERROR(PlaceOutside(graph_.value(dynamic.value),
                                          {exec::Place::kDynamic, 0, dynamic.slot, 0}, 0,
                                          operators::RowMajorStrides(dims)));
    }
    return {};
  }

  // `value` stands in memory that this segment does not place.
  Status PlaceOutside(const Value* value, const exec::BufferRef& place, int64_t offset,
                      const Dims& strides) {
    PlanBuffer memory;
    memory.place = place.place;
    memory.index = place.index;
    memory.base = place.offset;
    memory.device = place.device;
    TensorRef ref;
    ref.type = facts_[value->id].type;
    ref.dims = facts_[value->id].shape.Numbers();
    ref.strides = strides;
    ref.offset = offset;
    DOPPIO_ASSIGN_OR_RETURN(ref.buffer, builder_.NewBuffer(memory));
    builder_.Place(value, ref);
    return {};
  }

  // --- uses
  // --------------------------------------------------------------------------------
  bool AfterSegment(const graph::Use& use) const {
    return use.node == nullptr || resources_.node_order[use.node->id] >= range_.end;
  }

  // A node whose outputs are all known integers makes no step: whoever needs them gets a constant.
  bool KnownWithoutRunning(const Node& node) const {
    for (const Value* output : node.outputs) {
      if (output != nullptr && !facts_[output->id].ContentKnown()) return false;
    }
    return true;
  }

  bool Unused(const Node& node) const {
    for (const Value* output : node.outputs) {
      if (output != nullptr && !output->uses.empty()) return false;
    }
    return true;
  }

  Status CountUses() {
    DOPPIO_RETURN_IF_ERROR(uses_left_.Resize(graph_.value_ids()));
    for (uint32_t id = 0; id < graph_.value_ids(); ++id) {
      const Value* value = graph_.value(id);
      if (value == nullptr) continue;
      for (const graph::Use& use : value->uses) {
        // What is read after the segment is never done with here.
        uses_left_[id] += AfterSegment(use) || range_.Contains(use.node) ? 1 : 0;
      }
    }
    return {};
  }

  // --- lowering
  // --------------------------------------------------------------------------------
  bool IsDynamicNode(const Node& node) const {
    return segment_.end == SegmentEnd::kDynamicValues && node.next == end_;
  }

  Status LowerNode(const Node& node) {
    if (&node == segment_.call) return LowerCall(node);
    if (fusions_.absorbed[node.id]) return {};
    const Operator& op = *operators::FindOperator(node.domain, node.type);
    const Fusion& fusion = fusions_.by_head[node.id];
    const bool dynamic = IsDynamicNode(node);
    if (!dynamic && (Unused(node) || KnownWithoutRunning(node))) {
      ReadInputs(node);
      return {};
    }
    NodeLowering lowering(node, op, &builder_);
    DOPPIO_RETURN_IF_ERROR(GatherInputs(node, op, &lowering));
    if (fusion.output != nullptr) DOPPIO_RETURN_IF_ERROR(GatherEpilogue(fusion, &lowering));
    DOPPIO_RETURN_IF_ERROR(MakeOutputs(node, op, fusion, dynamic, &lowering));
    const Status status = op.lower(lowering);
    if (!status.ok()) return status.Annotate(operators::NodeLabel(node));
    for (size_t i = 0; i < lowering.outputs.size(); ++i) {
      const Value* output = OutputValue(node, fusion, i);
      if (output == nullptr || dynamic) continue;
      const bool aliased = i < lowering.aliases.size() && lowering.aliases[i].present();
      PutValue(output, aliased ? lowering.aliases[i] : lowering.outputs[i]);
    }
    ReadInputs(node);
    if (fusion.addition != nullptr) ReadInputs(*fusion.addition);
    if (fusion.activation != nullptr) ReadInputs(*fusion.activation);
    return {};
  }

  // The session computes it when the steps before have run: its inputs must stand where it finds
  // them, and each output gets a slot.
  Status LowerCall(const Node& node) {
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const Value* value = node.inputs[i].value;
      TensorRef ref;
      if (value != nullptr && facts_[value->id].is_tensor()) {
        DOPPIO_ASSIGN_OR_RETURN(ref, builder_.RowMajorRefOf(value));
        DOPPIO_ASSIGN_OR_RETURN(ref, builder_.OnDevice(ref, 0));
      } else if (value != nullptr) {
        DOPPIO_ASSIGN_OR_RETURN(ref, builder_.RefOf(value));
      }
      if (ref.present()) builder_.buffer(ref.buffer).pinned = true;
      DOPPIO_RETURN_IF_ERROR(call_refs_.Append(ref));
    }
    for (DynamicValue& dynamic : segment_.dynamics) dynamic.slot = segment_.dynamic_slots++;
    ReadInputs(node);
    return {};
  }

  Status RecordCall() {
    for (const TensorRef& ref : call_refs_) {
      CallInput input;
      input.present = ref.present();
      if (input.present) {
        input.place = builder_.Resolve(ref);
        input.type = ref.type;
        input.dims = ref.dims;
      }
      DOPPIO_RETURN_IF_ERROR(segment_.call_inputs.Append(input));
    }
    return {};
  }

  static const Value* OutputValue(const Node& node, const Fusion& fusion, size_t i) {
    return i == 0 && fusion.output != nullptr ? fusion.output : node.outputs[i];
  }

  void PutValue(const Value* value, const TensorRef& ref) {
    builder_.Place(value, ref);
    if (uses_left_[value->id] > 0) ++builder_.buffer(ref.buffer).live_values;
  }

  // The inputs of `node` have been read once more.
  void ReadInputs(const Node& node) {
    for (const graph::Input& input : node.inputs) {
      if (input.value == nullptr || --uses_left_[input.value->id] != 0) continue;
      builder_.Release(input.value);
    }
  }

  Status GatherInputs(const Node& node, const Operator& op, NodeLowering* lowering) {
    for (const graph::Input& input : node.inputs) {
      TensorRef ref;
      if (input.value != nullptr) {
        DOPPIO_ASSIGN_OR_RETURN(ref, op.layout == LayoutTrait::kRowMajor
                                         ? builder_.RowMajorRefOf(input.value)
                                         : builder_.RefOf(input.value));
      }
      DOPPIO_RETURN_IF_ERROR(lowering->inputs.Append(ref));
    }
    return {};
  }

  Status GatherEpilogue(const Fusion& fusion, NodeLowering* lowering) {
    operators::FusedEpilogue& fused = lowering->fused;
    fused.activation = fusion.function.op;
    fused.alpha = static_cast<float>(fusion.function.alpha);
    fused.beta = static_cast<float>(fusion.function.beta);
    if (fusion.residual == nullptr) return {};
    const bool row_major = lowering->op().layout == LayoutTrait::kRowMajor;
    DOPPIO_ASSIGN_OR_RETURN(fused.residual, row_major ? builder_.RowMajorRefOf(fusion.residual)
                                                      : builder_.RefOf(fusion.residual));
    return {};
  }

  // --- layouts
  // --------------------------------------------------------------------------------
  static bool SaysChannelsLast(const Node& node) {
    const graph::Argument* order = node.arg("order");
    return order != nullptr && order->s == "NHWC";
  }

  // Strides for an output: channels-last where the operator prefers it or its input has it already.
  Dims ChooseStrides(const Node& node, const Operator& op, const NodeLowering& lowering,
                     const Dims& dims) const {
    const bool map = dims.rank() >= 3 && dims.rank() <= 5 && node.outputs.size() >= 1;
    const Dims row_major = operators::RowMajorStrides(dims);
    if (!map || op.layout == LayoutTrait::kRowMajor || SaysChannelsLast(node)) return row_major;
    if (op.layout == LayoutTrait::kChannelsLast) {
      const bool indices = node.output(1) != nullptr && !node.output(1)->uses.empty();
      return indices ? row_major : operators::ChannelsLastStrides(dims);
    }
    for (const TensorRef& input : lowering.inputs) {
      if (input.present() && input.dims.rank() == dims.rank() && !operators::IsRowMajor(input) &&
          operators::IsChannelsLast(input)) {
        return operators::ChannelsLastStrides(dims);
      }
    }
    return row_major;
  }

  // The index of the net's output that may be computed in the caller's memory, or -1.
  int DirectOutput(const Value* value) const {
    for (const graph::Use& use : value->uses) {
      if (use.node == nullptr) return static_cast<int>(use.index);
    }
    return -1;
  }

  Status MakeOutputs(const Node& node, const Operator& op, const Fusion& fusion, bool dynamic,
                     NodeLowering* lowering) {
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      const Value* value = OutputValue(node, fusion, i);
      TensorRef ref;
      if (value != nullptr && dynamic) {
        DOPPIO_ASSIGN_OR_RETURN(ref, MakeDynamicOutput(value));
      } else if (value != nullptr && !value->uses.empty()) {
        DOPPIO_ASSIGN_OR_RETURN(ref, MakeOutput(node, op, fusion, value, i, *lowering));
      }
      DOPPIO_RETURN_IF_ERROR(lowering->outputs.Append(ref));
    }
    return {};
  }

  StatusOr<TensorRef> MakeDynamicOutput(const Value* value) {
    PlanBuffer memory;
    memory.place = exec::Place::kDynamic;
    memory.index = segment_.dynamic_slots++;
    for (DynamicValue& dynamic : segment_.dynamics) {
      if (dynamic.value == value->id) dynamic.slot = memory.index;
    }
    TensorRef ref;
    ref.type = facts_[value->id].type;
    DOPPIO_ASSIGN_OR_RETURN(ref.buffer, builder_.NewBuffer(memory));
    return ref;
  }

  StatusOr<TensorRef> MakeOutput(const Node& node, const Operator& op, const Fusion& fusion,
                                 const Value* value, size_t i, const NodeLowering& lowering) {
    const ValueFacts& known = facts_[value->id];
    const Dims dims = known.shape.Numbers();
    const Dims strides = ChooseStrides(node, op, lowering, dims);
    TensorRef ref;
    ref.type = known.type;
    ref.dims = dims;
    ref.strides = strides;
    const int direct = DirectOutput(value);
    if (direct >= 0 && operators::IsRowMajor(ref)) {
      PlanBuffer memory;
      memory.place = exec::Place::kOutput;
      memory.index = static_cast<uint32_t>(direct);
      DOPPIO_ASSIGN_OR_RETURN(ref.buffer, builder_.NewBuffer(memory));
      return ref;
    }
    if (i == 0 && (op.flags & operators::kElementwise) && fusion.residual == nullptr) {
      const TensorRef reused = ReusableInput(node, ref, lowering);
      if (reused.present()) return reused;
    }
    return builder_.NewArenaTensor(known.type, dims, strides);
  }

  // Input 0's memory, when this node is the last that reads it and the output fits it exactly.
  TensorRef ReusableInput(const Node& node, const TensorRef& wanted, const NodeLowering& lowering) {
    const Value* value = node.input(0);
    if (value == nullptr || uses_left_[value->id] != 1) return {};
    const TensorRef& input = lowering.inputs[0];
    if (input.type != wanted.type || !(input.dims == wanted.dims) ||
        !(input.strides == wanted.strides)) {
      return {};
    }
    const PlanBuffer& memory = builder_.buffer(input.buffer);
    const bool own = memory.place == exec::Place::kArena && memory.index == segment_.index &&
                     memory.device == resources_.DeviceOf(&node);
    return own && memory.live_values == 1 ? input : TensorRef();
  }

  // --- the end
  // --------------------------------------------------------------------------------
  bool MadeHere(const Value* value) const {
    if (value->producer == nullptr) return previous_ == nullptr;
    return range_.Contains(value->producer);
  }

  // Fills the caller's memory with outputs that do not stand there yet.
  Status WriteOutputs() {
    for (uint32_t i = 0; i < graph_.outputs().size(); ++i) {
      const Value* value = graph_.outputs()[i].value;
      const bool dynamic_before =
          previous_ != nullptr && !segment_.outputs[i].defined && IsFoundBefore(value);
      if (!(MadeHere(value) || dynamic_before) || IsDynamicHere(value)) continue;
      OutputInfo& info = segment_.outputs[i];
      info.defined = true;
      info.kind = facts_[value->id].kind;
      info.type = facts_[value->id].type;
      if (info.kind != graph::ValueKind::kTensor) {
        DOPPIO_ASSIGN_OR_RETURN(const TensorRef ref, builder_.RefOf(value));
        info.place = builder_.Resolve(ref);
        continue;
      }
      info.dims = facts_[value->id].shape.Numbers();
      DOPPIO_ASSIGN_OR_RETURN(const TensorRef ref, builder_.RefOf(value));
      const PlanBuffer& memory = builder_.buffer(ref.buffer);
      if (memory.place == exec::Place::kOutput && memory.index == i) continue;
      PlanBuffer target;
      target.place = exec::Place::kOutput;
      target.index = i;
      TensorRef to = ref;
      to.constant = nullptr;
      to.offset = 0;
      to.strides = operators::RowMajorStrides(ref.dims);
      DOPPIO_ASSIGN_OR_RETURN(to.buffer, builder_.NewBuffer(target));
      DOPPIO_RETURN_IF_ERROR(builder_.EmitCopy(value->producer, ref, to));
    }
    return {};
  }

  bool IsDynamicHere(const Value* value) const {
    for (const DynamicValue& dynamic : segment_.dynamics) {
      if (dynamic.value == value->id) return true;
    }
    return false;
  }
  bool IsFoundBefore(const Value* value) const {
    for (const DynamicValue& dynamic : previous_->dynamics) {
      if (dynamic.value == value->id) return true;
    }
    return false;
  }

  bool ReadLater(const Value* value) const {
    for (const graph::Use& use : value->uses) {
      if (use.node != nullptr && AfterSegment(use)) return true;
    }
    return false;
  }

  template <class F>
  Status ForEachFrontierValue(F visit) {
    if (segment_.end == SegmentEnd::kFinished) return {};
    for (uint32_t id = 0; id < graph_.value_ids(); ++id) {
      const Value* value = graph_.value(id);
      if (value == nullptr || value->is_constant || !facts_[id].Static()) continue;
      const bool wanted = ReadLater(value) ||
                          (segment_.end == SegmentEnd::kContent && id == segment_.content_value);
      if (wanted && !IsDynamicHere(value)) DOPPIO_RETURN_IF_ERROR(visit(value));
    }
    return {};
  }

  Status PinFrontier() {
    DOPPIO_RETURN_IF_ERROR(ForEachFrontierValue([&](const Value* value) -> Status {
      if (!builder_.Placed(value)) return {};
      DOPPIO_ASSIGN_OR_RETURN(const TensorRef ref, builder_.RefOf(value));
      builder_.buffer(ref.buffer).pinned = true;
      return {};
    }));
    if (segment_.end != SegmentEnd::kContent) return {};
    // The content is read as a row-major array.
    DOPPIO_ASSIGN_OR_RETURN(content_ref_,
                            builder_.RowMajorRefOf(graph_.value(segment_.content_value)));
    DOPPIO_ASSIGN_OR_RETURN(content_ref_, builder_.OnDevice(content_ref_, 0));
    builder_.buffer(content_ref_.buffer).pinned = true;
    return {};
  }

  Status RecordFrontier() {
    if (content_ref_.present()) segment_.content_place = builder_.Resolve(content_ref_);
    return ForEachFrontierValue([&](const Value* value) -> Status {
      FrontierValue recorded;
      recorded.value = value->id;
      DOPPIO_RETURN_IF_ERROR(CopyFacts(facts_[value->id], &recorded.facts));
      recorded.placed = builder_.Placed(value);
      if (recorded.placed) {
        DOPPIO_ASSIGN_OR_RETURN(const TensorRef ref, builder_.RefOf(value));
        recorded.offset = 0;
        recorded.place = builder_.Resolve(ref);
        recorded.strides = ref.strides;
      }
      return segment_.frontier.Append(std::move(recorded));
    });
  }

  const PlanResources& resources_;
  const graph::Graph& graph_;
  const Segment* previous_;
  Segment& segment_;
  SegmentBuilder builder_;
  operators::SymbolTable symbols_;
  operators::FactsTable facts_;
  FusionTable fusions_;
  NodeOrder range_;
  const Node* begin_ = nullptr;
  const Node* end_ = nullptr;
  base::Array<int32_t> uses_left_;
  TensorRef content_ref_;
  base::Array<TensorRef> call_refs_;  // by input of the called node
};

}  // namespace

Status NumberNodes(const graph::Graph& graph, base::Array<int32_t>* order) {
  order->clear();
  DOPPIO_RETURN_IF_ERROR(order->Resize(graph.node_ids()));
  int32_t position = 0;
  for (const Node* node = graph.first(); node != nullptr; node = node->next) {
    (*order)[node->id] = ++position;
  }
  return {};
}

int PlanResources::DeviceOf(const Node* node) const {
  if (options.device != PlanOptions::kAsNodesSay) return options.device;
  if (node == nullptr || !node->has_device || RunsOnCpu(node->device.type)) return 0;
  return devices->Find(node->device.type, node->device.id);
}

StatusOr<std::unique_ptr<Segment>> PlanSegment(const PlanResources& resources,
                                               const Segment* previous, Findings findings,
                                               exec::ThreadPool& pool) {
  std::unique_ptr<Segment> segment(new (std::nothrow) Segment());
  if (segment == nullptr) return OutOfMemory("no memory for a plan");
  segment->index = previous != nullptr ? previous->index + 1 : 0;
  Planner planner(resources, previous, &pool, segment.get());
  DOPPIO_RETURN_IF_ERROR(planner.Plan(findings));
  return segment;
}

}  // namespace doppio::plan
