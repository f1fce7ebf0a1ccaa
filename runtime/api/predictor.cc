#include <doppio/predictor.h>

#include <charconv>
#include <new>

#include "base/message.h"
#include "kernels/cpu/rows.h"
#include "runtime/api/predictor_impl.h"
#include "runtime/graph/wire/schema.h"
#include "runtime/passes/pass.h"
#include "runtime/platform/machine.h"

namespace doppio {
namespace {

using base::Cat;
using graph::wire::NetFile;

size_t DefaultMemoryLimit() {
  const size_t free = platform::FreeMemoryBytes();
  return free == SIZE_MAX ? SIZE_MAX : free / 2;
}

StatusOr<plan::EngineChoice> EngineFromName(const std::string& name) {
  if (name == "auto" || name.empty()) return plan::EngineChoice::kAuto;
  if (name == "reference") return plan::EngineChoice::kReference;
  if (name == "simd") return plan::EngineChoice::kSimd;
#if DOPPIO_HAVE_DNNL
  if (name == "dnnl") return plan::EngineChoice::kDnnl;
#endif
  std::string known = "auto";
  for (const std::string& engine : GetRuntimeInfo().engines) known += ", " + engine;
  return InvalidArgument(
      Cat("engine ", base::Quoted(name), " is not in this build; it has ", known));
}

TensorInfo DescribeValue(const graph::Value& value, std::string_view name,
                         const graph::SymbolTable& symbols) {
  TensorInfo info;
  info.name = name;
  info.kind = value.declared.kind;
  info.type = value.is_constant ? value.constant.type : value.declared.type;
  info.has_shape = value.is_constant || value.declared.has_shape;
  for (const graph::Dim& dim : value.declared.dims) {
    DimInfo size;
    if (dim.known()) size.size = dim.value();
    size.symbol = symbols.SymbolName(dim);
    info.dims.push_back(size);
  }
  if (value.is_constant) {
    for (int64_t size : value.constant.dims) info.dims.push_back({size, ""});
  }
  return info;
}

StatusOr<std::shared_ptr<const Predictor>> LoadFrom(std::unique_ptr<Predictor::Impl> impl,
                                                    const NetFile& init, const NetFile& predict) {
  DOPPIO_RETURN_IF_ERROR(impl->LoadPair(init, predict));
  return MakePredictor(std::move(impl));
}

}  // namespace

Predictor::Impl::Impl(const PredictorOptions& options,
                      std::span<const kernels::DeviceDriver* const> devices)
    : options_(options),
      budget_(options.max_memory != 0 ? options.max_memory : DefaultMemoryLimit()),
      drivers_(devices),
      kernels_(devices),
      weights_(&budget_) {}

Status Predictor::Impl::SetOptions() {
  DOPPIO_ASSIGN_OR_RETURN(resources_.options.engine, EngineFromName(options_.engine));
  resources_.options.exact = options_.exact;
  return SetDevices();
}

Status Predictor::Impl::SetDevices() {
  if (options_.device == "cpu") {
    resources_.options.device = 0;
    return {};
  }
  if (options_.device == "auto") {
    for (const graph::Node* node = graph_->first(); node != nullptr; node = node->next) {
      for (const kernels::DeviceDriver* driver : drivers_) {
        const bool wanted = node->has_device && node->device.type == driver->type;
        if (!wanted || devices_.Find(driver->type, node->device.id) >= 0) continue;
        DOPPIO_RETURN_IF_ERROR(devices_.Add(driver, node->device.id).status());
      }
    }
    return {};
  }
  const size_t colon = options_.device.find(':');
  const std::string name = options_.device.substr(0, colon);
  const std::string_view number =
      colon == std::string::npos ? "0" : std::string_view(options_.device).substr(colon + 1);
  int32_t id = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), id);
  const bool is_number = error == std::errc() && end == number.data() + number.size() && id >= 0;
  std::string known = "auto, cpu";
  for (const kernels::DeviceDriver* driver : drivers_) {
    if (is_number && name == driver->name) {
      DOPPIO_ASSIGN_OR_RETURN(resources_.options.device, devices_.Add(driver, id));
      return {};
    }
    known += Cat(", ", driver->name, ", ", driver->name, ":N");
  }
  return InvalidArgument(
      Cat("device ", base::Quoted(options_.device), " is not in this build; it has ", known));
}

Status Predictor::Impl::LoadPair(const NetFile& init, const NetFile& predict) {
  auto graph = std::unique_ptr<graph::Graph>(new (std::nothrow) graph::Graph(&budget_));
  if (graph == nullptr) return OutOfMemory("no memory for a graph");
  DOPPIO_RETURN_IF_ERROR(graph::wire::ReadPair(init, predict, graph.get()));
  return Adopt(std::move(graph));
}

Status Predictor::Impl::AddExtraOutputs() {
  for (const std::string& name : options_.extra_outputs) {
    graph::Value* found = nullptr;
    for (uint32_t id = 0; id < graph_->value_ids(); ++id) {
      graph::Value* value = graph_->value(id);
      if (value != nullptr && value->name == name) found = value;  // the last version of the blob
    }
    if (found == nullptr) return NotFound(Cat("blob ", base::Quoted(name), " is not in the net"));
    bool known = false;
    for (const graph::GraphOutput& output : graph_->outputs()) known |= output.name == name;
    if (!known) DOPPIO_RETURN_IF_ERROR(graph_->AddOutput(found, name));
  }
  return {};
}

Status Predictor::Impl::Describe() {
  for (const graph::Value* input : graph_->inputs()) {
    inputs.push_back(DescribeValue(*input, input->name, graph_->symbols()));
  }
  for (const graph::GraphOutput& output : graph_->outputs()) {
    outputs.push_back(DescribeValue(*output.value, output.name, graph_->symbols()));
  }
  return {};
}

Status Predictor::Impl::Adopt(std::unique_ptr<graph::Graph> graph) {
  graph_ = std::move(graph);
  DOPPIO_RETURN_IF_ERROR(SetOptions());
  DOPPIO_RETURN_IF_ERROR(AddExtraOutputs());
  DOPPIO_RETURN_IF_ERROR(Describe());
  if (options_.optimize) DOPPIO_RETURN_IF_ERROR(passes::PrepareToRun(graph_.get()));
  resources_.kernels = &kernels_;
  resources_.weights = &weights_;
  resources_.budget = &budget_;
  resources_.devices = &devices_;
  resources_.device_constants = &device_constants_;
  return plans_.Start(resources_, graph_.get());
}

Predictor::Predictor(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Predictor::~Predictor() = default;

// The one way to construct a Predictor.
struct PredictorMaker {
  static std::shared_ptr<const Predictor> Make(std::unique_ptr<Predictor::Impl> impl) {
    return std::shared_ptr<const Predictor>(new Predictor(std::move(impl)));
  }
};

StatusOr<std::shared_ptr<const Predictor>> MakePredictor(std::unique_ptr<Predictor::Impl> impl) {
  return PredictorMaker::Make(std::move(impl));
}

StatusOr<std::shared_ptr<const Predictor>> Predictor::Load(const std::string& folder,
                                                           const PredictorOptions& options) {
  const std::string slash = folder.empty() || folder.back() == '/' ? "" : "/";
  return LoadFiles(folder + slash + "init_net.pb", folder + slash + "predict_net.pb", options);
}

StatusOr<std::shared_ptr<const Predictor>> Predictor::LoadFiles(const std::string& init_net,
                                                                const std::string& predict_net,
                                                                const PredictorOptions& options) {
  auto impl = std::make_unique<Impl>(options);
  const auto mode = options.copy_files ? platform::FileMode::kCopy : platform::FileMode::kMap;
  DOPPIO_ASSIGN_OR_RETURN(platform::MappedFile predict,
                          platform::MappedFile::Open(predict_net.c_str(), mode, &impl->budget()));
  DOPPIO_ASSIGN_OR_RETURN(platform::MappedFile init,
                          platform::MappedFile::Open(init_net.c_str(), mode, &impl->budget()));
  // The bytes do not move with their MappedFile, so the graph may own the files after it was read.
  const NetFile init_file{init.bytes(), init_net.c_str()};
  const NetFile predict_file{predict.bytes(), predict_net.c_str()};
  auto graph = std::make_unique<graph::Graph>(&impl->budget());
  DOPPIO_RETURN_IF_ERROR(graph->Own(std::move(init)));
  DOPPIO_RETURN_IF_ERROR(graph->Own(std::move(predict)));
  DOPPIO_RETURN_IF_ERROR(graph::wire::ReadPair(init_file, predict_file, graph.get()));
  const Status status = impl->Adopt(std::move(graph));
  if (!status.ok()) return status.Annotate(predict_net);
  return MakePredictor(std::move(impl));
}

StatusOr<std::shared_ptr<const Predictor>> Predictor::LoadBytes(
    std::span<const uint8_t> init_net, std::span<const uint8_t> predict_net,
    const PredictorOptions& options) {
  return LoadFrom(std::make_unique<Impl>(options), {init_net, "init_net"},
                  {predict_net, "predict_net"});
}

std::span<const TensorInfo> Predictor::inputs() const { return impl_->inputs; }
std::span<const TensorInfo> Predictor::outputs() const { return impl_->outputs; }
size_t Predictor::memory_in_use() const { return impl_->budget().used(); }
size_t Predictor::packed_bytes() const { return impl_->weights().bytes(); }

RuntimeInfo GetRuntimeInfo() {
  RuntimeInfo info;
  info.version = DOPPIO_VERSION;
  info.engines = {"reference", "simd"};
#if DOPPIO_HAVE_DNNL
  info.engines.push_back("dnnl");
#endif
  info.simd_target = kernels::cpu::ChosenTargetName();
  info.usable_cores = platform::UsableCores();
  info.format_major = static_cast<int>(graph::wire::kFormatMajor);
  info.format_minor = static_cast<int>(graph::wire::kFormatMinor);
  return info;
}

}  // namespace doppio
