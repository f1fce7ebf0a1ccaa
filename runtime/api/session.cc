#include <doppio/predictor.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <vector>

#include "base/checked.h"
#include "base/message.h"
#include "runtime/api/predictor_impl.h"
#include "runtime/exec/executor.h"
#include "runtime/exec/thread_pool.h"
#include "runtime/operators/operator.h"
#include "runtime/operators/step_error.h"

namespace doppio {

using base::Cat;
using base::Quoted;

namespace {

// Memory for values whose size a run finds out: one growing buffer a slot.
class DynamicValues final : public kernels::OutputAllocator {
 public:
  explicit DynamicValues(base::MemoryBudget* budget) : budget_(budget) {}

  struct Slot {
    base::Buffer memory;
    Dims dims;
  };

  // Outputs of the next dynamic step go to these slots.
  void Expect(std::span<const plan::DynamicValue> values) { expected_ = values; }
  const Slot& slot(uint32_t i) const { return slots_[i]; }
  std::span<void* const> pointers() const { return {pointers_.data(), pointers_.size()}; }
  Status Reserve(size_t slots) {
    if (slots > pointers_.size()) {
      DOPPIO_RETURN_IF_ERROR(slots_.Resize(slots));
      DOPPIO_RETURN_IF_ERROR(pointers_.Resize(slots));
    }
    return {};
  }

  void* Allocate(int index, std::span<const int64_t> dims) override {
    if (static_cast<size_t>(index) >= expected_.size()) return nullptr;
    const plan::DynamicValue& value = expected_[static_cast<size_t>(index)];
    Slot& slot = slots_[value.slot];
    slot.dims = Dims(dims);
    const int64_t bytes = StorageBytes(value.type, ElementCount(slot.dims));
    if (bytes < 0) return nullptr;
    // At least one byte: a null pointer means failure.
    const size_t wanted = std::max<size_t>(static_cast<size_t>(bytes), 1);
    if (slot.memory.size() < wanted) {
      slot.memory = base::Buffer();
      StatusOr<base::Buffer> grown = base::Buffer::Allocate(wanted, budget_);
      if (!grown.ok()) return nullptr;
      slot.memory = std::move(*grown);
    }
    pointers_[value.slot] = slot.memory.data();
    return slot.memory.data();
  }

 private:
  base::MemoryBudget* budget_;
  std::span<const plan::DynamicValue> expected_;
  base::Array<Slot> slots_;
  base::Array<void*> pointers_;
};

// A segment with its memory, ready to run.
struct BoundSegment {
  plan::Segment* segment = nullptr;
  base::Array<int64_t> key;                // what led here from the segment before
  base::Array<exec::DeviceMemory> arenas;  // by device
  exec::Executor executor;
  exec::Profile profile;
};

std::string DimsText(const TensorInfo& info) {
  std::string text = "[";
  for (size_t i = 0; i < info.dims.size(); ++i) {
    if (i > 0) text += ", ";
    const DimInfo& dim = info.dims[i];
    text += dim.size >= 0 ? Cat(dim.size) : dim.symbol.empty() ? std::string("?") : dim.symbol;
  }
  return text + "]";
}

}  // namespace

class Session::Impl {
 public:
  Impl(std::shared_ptr<const Predictor> predictor, const SessionOptions& options)
      : predictor_(std::move(predictor)), dynamics_(&net().budget()) {
    const int wanted = options.threads > 0 ? options.threads : platform::UsableCores();
    StatusOr<std::unique_ptr<exec::ThreadPool>> pool = exec::ThreadPool::Create(wanted);
    if (!pool.ok()) pool = exec::ThreadPool::Create(1);  // fewer threads, same answers
    if (pool.ok()) pool_ = std::move(*pool);
  }

  Status Run(std::span<const NamedTensor> inputs, std::span<NamedOutput> outputs) {
    DOPPIO_RETURN_IF_ERROR(CheckOutputs(outputs));
    DOPPIO_RETURN_IF_ERROR(BindPlan(inputs));
    ran_ = false;
    for (size_t i = 0; i < input_views_.size(); ++i) input_pointers_[i] = input_views_[i].data;
    for (size_t at = 0;; ++at) {
      BoundSegment& bound = *path_[at];
      DOPPIO_RETURN_IF_ERROR(PointOutputs(*bound.segment, outputs));
      DOPPIO_RETURN_IF_ERROR(RunSegment(bound));
      if (bound.segment->end == plan::SegmentEnd::kFinished) break;
      DOPPIO_RETURN_IF_ERROR(Continue(at));
    }
    ran_ = true;
    return {};
  }

  Status Prepare(std::span<const NamedTensor> inputs) { return BindPlan(inputs); }

  size_t output_count() const { return net().outputs.size(); }

  TensorView output(size_t i) const {
    if (!ran_ || i >= output_pointers_.size()) return {};
    return {output_pointers_[i], output_infos_[i].type, output_infos_[i].dims};
  }

  void EnableProfile() { profiling_ = true; }

  std::vector<StepInfo> Profile() const {
    std::vector<StepInfo> steps;
    for (const auto& bound : path_) {
      const exec::Program& program = bound->segment->program;
      for (size_t i = 0; i < program.steps.size(); ++i) {
        const exec::Step& step = program.steps[i];
        const graph::Node* node = bound->segment->labels[step.label];
        StepInfo info;
        if (node != nullptr) {
          info.op_type = node->type;
          info.node = node->name;
          for (const graph::Value* value : node->outputs) {
            if (value != nullptr && info.output.empty()) info.output = value->name;
          }
        }
        info.kernel = net().kernels().rows()[step.kernel]->name;
        info.device = DeviceName(step.device);
        info.flops = step.flops;
        info.bytes = step.bytes;
        if (i < bound->profile.step_ns.size()) info.total_ns = bound->profile.step_ns[i];
        info.runs = bound->profile.runs;
        steps.push_back(std::move(info));
      }
    }
    return steps;
  }

  size_t arena_bytes() const {
    size_t sum = 0;
    for (const auto& bound : path_) {
      for (const exec::DeviceMemory& arena : bound->arenas) sum += arena.size();
    }
    return sum;
  }
  int threads() const { return pool_ != nullptr ? pool_->threads() : 1; }

 private:
  const Predictor::Impl& net() const { return predictor_->impl(); }

  // --- inputs
  // ----------------------------------------------------------------------------------------
  Status CheckInput(const TensorInfo& info, const TensorView& view) const {
    if (info.type != ElementType::kUndefined && view.type != info.type) {
      return InvalidArgument(
          Cat("input ", Quoted(info.name), " has type ", view.type, ", the net wants ", info.type));
    }
    const int64_t count = ElementCount(view.dims);
    if (count < 0) {
      return InvalidArgument(
          Cat("input ", Quoted(info.name), " has the impossible shape ", view.dims));
    }
    bool fits = !info.has_shape || static_cast<int>(info.dims.size()) == view.dims.rank();
    for (size_t i = 0; fits && info.has_shape && i < info.dims.size(); ++i) {
      fits = info.dims[i].size < 0 || info.dims[i].size == view.dims[static_cast<int>(i)];
    }
    if (fits) return {};
    return InvalidArgument(Cat("input ", Quoted(info.name), " has shape ", view.dims,
                               ", the net wants ", DimsText(info)));
  }

  // Sizes that share a symbol must agree.
  Status CheckSymbols() const {
    const auto& infos = net().inputs;
    for (size_t i = 0; i < infos.size(); ++i) {
      for (size_t d = 0; d < infos[i].dims.size() && infos[i].has_shape; ++d) {
        const std::string& symbol = infos[i].dims[d].symbol;
        if (symbol.empty()) continue;
        for (size_t j = 0; j <= i; ++j) {
          for (size_t e = 0; e < (j < i ? infos[j].dims.size() : d); ++e) {
            const int64_t a = input_views_[i].dims[static_cast<int>(d)];
            if (infos[j].dims[e].symbol != symbol) continue;
            const int64_t b = input_views_[j].dims[static_cast<int>(e)];
            if (a != b) {
              return InvalidArgument(Cat("size ", Quoted(symbol), " is ", b, " in input ",
                                         Quoted(infos[j].name), " but ", a, " in input ",
                                         Quoted(infos[i].name)));
            }
          }
        }
      }
    }
    return {};
  }

  Status SortInputs(std::span<const NamedTensor> inputs) {
    const auto& infos = net().inputs;
    input_views_.assign(infos.size(), TensorView());
    given_.assign(infos.size(), false);
    for (const auto& [name, view] : inputs) {
      size_t i = 0;
      while (i < infos.size() && infos[i].name != name) ++i;
      if (i == infos.size() && name.empty() && infos.size() == 1) i = 0;
      if (i == infos.size()) {
        std::string known;
        for (const TensorInfo& info : infos)
          known += (known.empty() ? "" : ", ") + Quoted(info.name);
        return InvalidArgument(Cat("the net has no input ", Quoted(name), "; it has ",
                                   known.empty() ? std::string("none") : known));
      }
      if (given_[i]) return InvalidArgument(Cat("input ", Quoted(name), " is given twice"));
      DOPPIO_RETURN_IF_ERROR(CheckInput(infos[i], view));
      input_views_[i] = view;
      given_[i] = true;
    }
    for (size_t i = 0; i < infos.size(); ++i) {
      if (!given_[i]) {
        return InvalidArgument(Cat("input ", Quoted(infos[i].name), " ", ElementName(infos[i].type),
                                   infos[i].has_shape ? DimsText(infos[i]) : std::string(),
                                   " is missing"));
      }
    }
    return {};
  }

  // --- plans
  // -----------------------------------------------------------------------------------------
  Status BindPlan(std::span<const NamedTensor> inputs) {
    if (pool_ == nullptr) return OutOfMemory("no memory for a session");
    DOPPIO_RETURN_IF_ERROR(SortInputs(inputs));
    key_.clear();
    for (const TensorView& view : input_views_) {
      DOPPIO_RETURN_IF_ERROR(key_.Append(static_cast<int64_t>(view.type)));
      DOPPIO_RETURN_IF_ERROR(key_.Append(view.dims.rank()));
      DOPPIO_RETURN_IF_ERROR(key_.AppendAll(view.dims.span()));
    }
    const bool same = plan_ != nullptr &&
                      std::equal(key_.begin(), key_.end(), plan_->key.begin(), plan_->key.end());
    if (same && !path_.empty()) return {};
    DOPPIO_RETURN_IF_ERROR(CheckSymbols());
    base::Array<operators::ValueFacts> findings;
    for (const TensorView& view : input_views_) {
      operators::ValueFacts facts;
      facts.type = view.type;
      facts.has_shape = true;
      facts.shape = operators::ShapeOf(view.dims);
      DOPPIO_RETURN_IF_ERROR(findings.Append(std::move(facts)));
    }
    path_.clear();
    input_pointers_.assign(input_views_.size(), nullptr);
    output_infos_.assign(net().outputs.size(), {});
    output_pointers_.assign(net().outputs.size(), nullptr);
    output_memory_.clear();
    output_memory_.resize(net().outputs.size());
    DOPPIO_ASSIGN_OR_RETURN(plan_, net().FindPlan(key_.span(), findings.span(), *pool_));
    return BindSegment(0, plan_->first.get(), {});
  }

  Status BindSegment(size_t at, plan::Segment* segment, std::span<const int64_t> key) {
    path_.resize(at);
    auto bound = std::make_unique<BoundSegment>();
    bound->segment = segment;
    DOPPIO_RETURN_IF_ERROR(bound->key.Assign(key));
    const exec::DeviceTable& devices = net().devices();
    for (int device = 0; device < devices.size(); ++device) {
      DOPPIO_ASSIGN_OR_RETURN(
          exec::DeviceMemory arena,
          exec::DeviceMemory::Allocate(devices, device, segment->program.arena_bytes[device],
                                       &net().budget()));
      DOPPIO_RETURN_IF_ERROR(bound->arenas.Append(std::move(arena)));
    }
    arenas_.clear();
    for (const auto& before : path_) AddArenas(*before);
    AddArenas(*bound);
    DOPPIO_ASSIGN_OR_RETURN(bound->executor, exec::Executor::Bind(segment->program, net().kernels(),
                                                                  arenas_, devices.size()));
    if (profiling_) {
      DOPPIO_RETURN_IF_ERROR(bound->profile.step_ns.Resize(segment->program.steps.size()));
    }
    const size_t scratch = segment->program.scratch_bytes * static_cast<size_t>(pool_->threads());
    if (scratch > scratch_.size()) {
      scratch_ = base::Buffer();
      StatusOr<base::Buffer> grown = base::Buffer::Allocate(scratch, &net().budget());
      if (!grown.ok()) {
        path_.clear();  // segments before this one need scratch too
        return grown.status();
      }
      scratch_ = std::move(*grown);
    }
    DOPPIO_RETURN_IF_ERROR(dynamics_.Reserve(segment->dynamic_slots));
    path_.push_back(std::move(bound));
    return {};
  }

  void AddArenas(const BoundSegment& bound) {
    for (const exec::DeviceMemory& arena : bound.arenas) arenas_.push_back(arena.data());
  }

  std::string DeviceName(int device) const {
    const kernels::DeviceDriver* driver = net().devices().driver(device);
    return driver == nullptr ? "cpu" : Cat(driver->name, ":", net().devices().id(device));
  }

  Status RunSegment(BoundSegment& bound) {
    dynamics_.Expect(bound.segment->dynamics.span());
    exec::Environment environment;
    environment.inputs = input_pointers_;
    environment.outputs = output_pointers_;
    environment.dynamics = dynamics_.pointers();
    environment.allocator = &dynamics_;
    exec::Profile* profile = bound.profile.step_ns.empty() ? nullptr : &bound.profile;
    const exec::RunResult result =
        bound.executor.Run(environment, *pool_, scratch_.data(), profile);
    if (result.ok()) return {};
    const exec::Step& step = bound.segment->program.steps[result.step];
    const graph::Node* node = bound.segment->labels[step.label];
    return operators::StepError(node != nullptr ? operators::NodeLabel(*node) : "a copy",
                                result.status);
  }

  // --- from one segment to the next
  // -------------------------------------------------------------------
  Status Continue(size_t at) {
    plan::Segment* segment = path_[at]->segment;
    findings_.clear();
    next_key_.clear();
    DOPPIO_RETURN_IF_ERROR(segment->end == plan::SegmentEnd::kContent ? FindContent(*path_[at])
                                                                      : FindSizes(*segment));
    if (at + 1 < path_.size() && std::equal(next_key_.begin(), next_key_.end(),
                                            path_[at + 1]->key.begin(), path_[at + 1]->key.end())) {
      return {};
    }
    DOPPIO_ASSIGN_OR_RETURN(plan::Segment * next,
                            net().FindNext(segment, next_key_.span(), findings_.span(), *pool_));
    return BindSegment(at + 1, next, next_key_.span());
  }

  Status FindSizes(const plan::Segment& segment) {
    for (const plan::DynamicValue& dynamic : segment.dynamics) {
      const Dims& dims = dynamics_.slot(dynamic.slot).dims;
      operators::ValueFacts facts;
      facts.type = dynamic.type;
      facts.has_shape = true;
      facts.shape = operators::ShapeOf(dims);
      DOPPIO_RETURN_IF_ERROR(findings_.Append(std::move(facts)));
      DOPPIO_RETURN_IF_ERROR(next_key_.Append(dims.rank()));
      DOPPIO_RETURN_IF_ERROR(next_key_.AppendAll(dims.span()));
    }
    return {};
  }

  const void* Locate(const exec::BufferRef& place) const {
    const void* base = nullptr;
    switch (place.place) {
      case exec::Place::kArena:
        base = path_[place.index]->arenas[place.device].data();
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
      default:
        break;
    }
    return base == nullptr ? nullptr : static_cast<const uint8_t*>(base) + place.offset;
  }

  Status FindContent(const BoundSegment& bound) {
    const plan::Segment& segment = *bound.segment;
    const plan::FrontierValue* value = nullptr;
    for (const plan::FrontierValue& candidate : segment.frontier) {
      if (candidate.value == segment.content_value) value = &candidate;
    }
    if (value == nullptr) return Internal("a plan does not know the value that it waits for");
    graph::Constant content;
    content.type = value->facts.type;
    content.dims = value->facts.shape.Numbers();
    content.count = ElementCount(content.dims);
    content.data = Locate(segment.content_place);
    operators::ValueFacts facts;
    DOPPIO_RETURN_IF_ERROR(operators::FactsOfConstant(content, &facts));
    facts.constant = nullptr;
    if (!facts.has_content) {
      return Unsupported(Cat("a shape is computed from ", content.count, " values of type ",
                             content.type, "; at most ", operators::kMaxContent,
                             " integers are possible"));
    }
    for (const graph::Dim& dim : facts.content) {
      DOPPIO_RETURN_IF_ERROR(next_key_.Append(dim.value()));
    }
    return findings_.Append(std::move(facts));
  }

  // --- outputs
  // ------------------------------------------------------------------------------------------
  Status CheckOutputs(std::span<const NamedOutput> wanted) const {
    for (const auto& [name, view] : wanted) {
      std::string known;
      bool found = false;
      for (const TensorInfo& info : net().outputs) found |= info.name == name;
      if (found) continue;
      for (const TensorInfo& info : net().outputs) {
        known += (known.empty() ? "" : ", ") + Quoted(info.name);
      }
      return InvalidArgument(Cat("the net has no output ", Quoted(name), "; it has ",
                                 known.empty() ? std::string("none") : known));
    }
    return {};
  }

  // Gives every output that this segment defines a place: the caller's, or the session's own.
  Status PointOutputs(const plan::Segment& segment, std::span<NamedOutput> wanted) {
    for (size_t i = 0; i < segment.outputs.size(); ++i) {
      const plan::OutputInfo& info = segment.outputs[i];
      if (!info.defined) continue;
      output_infos_[i] = info;
      const auto bytes = static_cast<size_t>(StorageBytes(info.type, ElementCount(info.dims)));
      MutableTensorView* target = nullptr;
      for (auto& [name, view] : wanted) {
        if (name == net().outputs[i].name) target = &view;
      }
      if (target != nullptr) {
        if (target->data == nullptr || target->bytes < bytes) {
          return InvalidArgument(Cat(
              "output ", Quoted(net().outputs[i].name), " ", info.type, info.dims, " takes ", bytes,
              " bytes, the caller's memory has ", target->data == nullptr ? 0 : target->bytes));
        }
        target->type = info.type;
        target->dims = info.dims;
        output_pointers_[i] = target->data;
        continue;
      }
      if (output_memory_[i].size() < bytes || output_memory_[i].data() == nullptr) {
        output_memory_[i] = base::Buffer();
        DOPPIO_ASSIGN_OR_RETURN(
            output_memory_[i], base::Buffer::Allocate(std::max<size_t>(bytes, 1), &net().budget()));
      }
      output_pointers_[i] = output_memory_[i].data();
    }
    return {};
  }

  std::shared_ptr<const Predictor> predictor_;
  std::unique_ptr<exec::ThreadPool> pool_;
  DynamicValues dynamics_;
  bool profiling_ = false;
  bool ran_ = false;

  std::shared_ptr<Plan> plan_;
  std::vector<std::unique_ptr<BoundSegment>> path_;
  std::vector<void*> arenas_;
  base::Buffer scratch_;

  // Reused from run to run, so that a run allocates nothing.
  base::Array<int64_t> key_, next_key_;
  base::Array<operators::ValueFacts> findings_;
  std::vector<TensorView> input_views_;
  std::vector<bool> given_;
  std::vector<const void*> input_pointers_;
  std::vector<plan::OutputInfo> output_infos_;
  std::vector<void*> output_pointers_;
  std::vector<base::Buffer> output_memory_;
};

Session::Session(std::shared_ptr<const Predictor> predictor, const SessionOptions& options)
    : impl_(std::make_unique<Impl>(std::move(predictor), options)) {}
Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

Status Session::Run(std::span<const NamedTensor> inputs, std::span<NamedOutput> outputs) {
  return impl_->Run(inputs, outputs);
}
size_t Session::output_count() const { return impl_->output_count(); }
TensorView Session::output(size_t i) const { return impl_->output(i); }
Status Session::Prepare(std::span<const NamedTensor> inputs) { return impl_->Prepare(inputs); }
void Session::EnableProfile() { impl_->EnableProfile(); }
std::vector<StepInfo> Session::Profile() const { return impl_->Profile(); }
size_t Session::arena_bytes() const { return impl_->arena_bytes(); }
int Session::threads() const { return impl_->threads(); }

}  // namespace doppio
