#include <doppio/predictor.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "base/message.h"
#include "runtime/api/graph_runner.h"
#include "runtime/api/predictor_impl.h"
#include "runtime/exec/thread_pool.h"

namespace doppio {

using base::Cat;
using base::Quoted;
using operators::HostValue;

namespace {

std::string DimsText(const TensorInfo& info) {
  std::string text = "[";
  for (size_t i = 0; i < info.dims.size(); ++i) {
    if (i > 0) text += ", ";
    const DimInfo& dim = info.dims[i];
    text += dim.size >= 0 ? Cat(dim.size) : dim.symbol.empty() ? std::string("?") : dim.symbol;
  }
  return text + "]";
}

const char* KindName(ValueKind kind) {
  if (kind == ValueKind::kTensor) return "tensor";
  return kind == ValueKind::kSequence ? "sequence" : "optional";
}

}  // namespace

class Session::Impl {
 public:
  Impl(std::shared_ptr<const Predictor> predictor, const SessionOptions& options)
      : predictor_(std::move(predictor)),
        texts_(&net().budget()),
        runner_(net().plans(), &resources_) {
    const int wanted = options.threads > 0 ? options.threads : platform::UsableCores();
    StatusOr<std::unique_ptr<exec::ThreadPool>> pool = exec::ThreadPool::Create(wanted);
    if (!pool.ok()) pool = exec::ThreadPool::Create(1);  // fewer threads, same answers
    if (pool.ok()) pool_ = std::move(*pool);
    resources_.kernels = &net().kernels();
    resources_.devices = &net().devices();
    resources_.budget = &net().budget();
    resources_.pool = pool_.get();
    resources_.texts = &texts_;
  }

  Status Run(std::span<const NamedTensor> inputs, std::span<NamedOutput> outputs) {
    ran_ = false;
    DOPPIO_RETURN_IF_ERROR(CheckOutputs(outputs));
    DOPPIO_RETURN_IF_ERROR(SortInputs(inputs));
    targets_.assign(outputs.empty() ? 0 : net().outputs.size(), nullptr);
    for (auto& [name, view] : outputs) {
      for (size_t i = 0; i < net().outputs.size(); ++i) {
        if (net().outputs[i].name == name) targets_[i] = &view;
      }
    }
    return RunSorted();
  }

  Status RunValues(std::span<const NamedValue> inputs) {
    ran_ = false;
    targets_.clear();
    DOPPIO_RETURN_IF_ERROR(SortInputs(inputs));
    return RunSorted();
  }

  Status Prepare(std::span<const NamedTensor> inputs) {
    DOPPIO_RETURN_IF_ERROR(SortInputs(inputs));
    return runner_.Prepare(inputs_);
  }

  size_t output_count() const { return net().outputs.size(); }

  TensorView output(size_t i) const {
    if (!ran_ || i >= output_count()) return {};
    const HostValue& value = runner_.output(i);
    return {value.data, value.type, value.dims};
  }

  ValueView output_value(size_t i) const {
    return !ran_ || i >= output_count() ? ValueView() : ViewOf(runner_.output(i));
  }

  void EnableProfile() { resources_.profiling = true; }

  std::vector<StepInfo> Profile() const {
    std::vector<StepInfo> steps;
    runner_.AppendProfile(&steps);
    return steps;
  }

  size_t arena_bytes() const { return runner_.arena_bytes(); }
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
  Status CheckSymbols() {
    const auto& infos = net().inputs;
    const auto same = [](const Dims& dims, const HostValue& input) { return dims == input.dims; };
    if (std::equal(checked_.begin(), checked_.end(), inputs_.begin(), inputs_.end(), same))
      return {};
    checked_.clear();
    for (size_t i = 0; i < infos.size(); ++i) {
      if (infos[i].kind != ValueKind::kTensor || !infos[i].has_shape) continue;
      for (size_t d = 0; d < infos[i].dims.size(); ++d) {
        const std::string& symbol = infos[i].dims[d].symbol;
        if (symbol.empty()) continue;
        for (size_t j = 0; j <= i; ++j) {
          if (infos[j].kind != ValueKind::kTensor || !infos[j].has_shape) continue;
          for (size_t e = 0; e < (j < i ? infos[j].dims.size() : d); ++e) {
            const int64_t a = inputs_[i].dims[static_cast<int>(d)];
            if (infos[j].dims[e].symbol != symbol) continue;
            const int64_t b = inputs_[j].dims[static_cast<int>(e)];
            if (a != b) {
              return InvalidArgument(Cat("size ", Quoted(symbol), " is ", b, " in input ",
                                         Quoted(infos[j].name), " but ", a, " in input ",
                                         Quoted(infos[i].name)));
            }
          }
        }
      }
    }
    for (const HostValue& input : inputs_) checked_.push_back(input.dims);
    return {};
  }

  Status TakeInput(const TensorInfo& info, const TensorView& view, HostValue* input) const {
    if (info.kind != ValueKind::kTensor) {
      return InvalidArgument(
          Cat("input ", Quoted(info.name), " is no tensor; RunValues takes such inputs"));
    }
    DOPPIO_RETURN_IF_ERROR(CheckInput(info, view));
    input->type = view.type;
    input->dims = view.dims;
    input->data = view.data;
    return {};
  }
  Status TakeInput(const TensorInfo& info, const ValueView& view, HostValue* input) const {
    // A value stands for an optional that has it.
    const bool wrapped = info.kind == ValueKind::kOptional && view.kind != ValueKind::kOptional;
    if (view.kind != info.kind && !wrapped) {
      return InvalidArgument(Cat("input ", Quoted(info.name),
                                 " is of another kind: the net wants a ", KindName(info.kind)));
    }
    if (view.kind == ValueKind::kTensor && !wrapped) return TakeInput(info, view.tensor, input);
    DOPPIO_ASSIGN_OR_RETURN(*input, CopyOf(view, info.type));
    if (!wrapped) return {};
    base::Array<HostValue> one;
    DOPPIO_RETURN_IF_ERROR(one.Append(std::move(*input)));
    DOPPIO_ASSIGN_OR_RETURN(*input, NewHostList(ValueKind::kOptional, info.type, std::move(one)));
    return {};
  }

  StatusOr<HostValue> CopyOf(const ValueView& view, ElementType type) const {
    if (view.kind == ValueKind::kTensor) {
      if (type != ElementType::kUndefined && view.tensor.type != type) {
        return InvalidArgument(
            Cat("an element has type ", view.tensor.type, ", the net wants ", type));
      }
      DOPPIO_ASSIGN_OR_RETURN(
          HostValue copy,
          operators::NewHostTensor(view.tensor.type, view.tensor.dims, &net().budget()));
      const int64_t bytes = HostBytes(copy);
      if (bytes > 0) std::memcpy(copy.memory->data(), view.tensor.data, static_cast<size_t>(bytes));
      return copy;
    }
    base::Array<HostValue> elements;
    for (const ValueView& element : view.elements) {
      DOPPIO_ASSIGN_OR_RETURN(HostValue copy, CopyOf(element, type));
      DOPPIO_RETURN_IF_ERROR(elements.Append(std::move(copy)));
    }
    return NewHostList(view.kind, type, std::move(elements));
  }

  template <class Named>
  Status SortInputs(std::span<const Named> inputs) {
    if (pool_ == nullptr) return OutOfMemory("no memory for a session");
    const auto& infos = net().inputs;
    inputs_.assign(infos.size(), HostValue());
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
      DOPPIO_RETURN_IF_ERROR(TakeInput(infos[i], view, &inputs_[i]));
      given_[i] = true;
    }
    for (size_t i = 0; i < infos.size(); ++i) {
      if (!given_[i]) {
        return InvalidArgument(Cat("input ", Quoted(infos[i].name), " ", ElementName(infos[i].type),
                                   infos[i].has_shape ? DimsText(infos[i]) : std::string(),
                                   " is missing"));
      }
    }
    return CheckSymbols();
  }

  Status RunSorted() {
    texts_.Clear();
    for (HostValue& input : inputs_) {
      if (input.type == ElementType::kString) DOPPIO_RETURN_IF_ERROR(KeepTexts(&input));
    }
    DOPPIO_RETURN_IF_ERROR(runner_.Run(inputs_, targets_));
    ran_ = true;
    return {};
  }

  // Outputs may hold strings of inputs: the session keeps them until its next run.
  Status KeepTexts(HostValue* value) {
    for (size_t i = 0; i < value->size(); ++i) {
      DOPPIO_RETURN_IF_ERROR(KeepTexts(&(*value->elements)[i]));
    }
    if (value->kind != ValueKind::kTensor) return {};
    DOPPIO_ASSIGN_OR_RETURN(HostValue copy,
                            operators::NewHostTensor(value->type, value->dims, &net().budget()));
    for (int64_t i = 0; i < value->count(); ++i) {
      DOPPIO_ASSIGN_OR_RETURN(copy.memory->as<std::string_view>()[i],
                              texts_.Keep(value->as<std::string_view>()[i]));
    }
    *value = std::move(copy);
    return {};
  }

  static ValueView ViewOf(const HostValue& value) {
    ValueView view;
    view.kind = value.kind;
    view.tensor = {value.data, value.type, value.dims};
    for (size_t i = 0; i < value.size(); ++i) view.elements.push_back(ViewOf(value[i]));
    return view;
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

  std::shared_ptr<const Predictor> predictor_;
  std::unique_ptr<exec::ThreadPool> pool_;
  TextHeap texts_;
  RunResources resources_;
  GraphRunner runner_;
  bool ran_ = false;

  // Reused from run to run, so that a run allocates nothing.
  std::vector<HostValue> inputs_;
  std::vector<bool> given_;
  std::vector<Dims> checked_;  // sizes whose symbols agree
  std::vector<MutableTensorView*> targets_;
};

Session::Session(std::shared_ptr<const Predictor> predictor, const SessionOptions& options)
    : impl_(std::make_unique<Impl>(std::move(predictor), options)) {}
Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

Status Session::Run(std::span<const NamedTensor> inputs, std::span<NamedOutput> outputs) {
  return impl_->Run(inputs, outputs);
}
Status Session::RunValues(std::span<const NamedValue> inputs) { return impl_->RunValues(inputs); }
size_t Session::output_count() const { return impl_->output_count(); }
TensorView Session::output(size_t i) const { return impl_->output(i); }
ValueView Session::output_value(size_t i) const { return impl_->output_value(i); }
Status Session::Prepare(std::span<const NamedTensor> inputs) { return impl_->Prepare(inputs); }
void Session::EnableProfile() { impl_->EnableProfile(); }
std::vector<StepInfo> Session::Profile() const { return impl_->Profile(); }
size_t Session::arena_bytes() const { return impl_->arena_bytes(); }
int Session::threads() const { return impl_->threads(); }

}  // namespace doppio
