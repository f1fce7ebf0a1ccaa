// Predictor and Session: load a pair (init_net.pb, predict_net.pb) and run it. Enough for most
// programs:
//
//   auto loaded = doppio::Predictor::Load("deploy/");
//   if (!loaded.ok()) { puts(loaded.status().message()); return 2; }
//   doppio::Session session(*loaded, {.threads = 2});
//   doppio::Status status = session.Run({{"input", doppio::View(pixels, {1, 3, 224, 224})}});
//   doppio::TensorView out = session.output(0);
//
// Nothing here throws, prints or ends the process.
#pragma once

#include <doppio/status.h>
#include <doppio/tensor.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#define DOPPIO_EXPORT __attribute__((visibility("default")))

namespace doppio {

struct PredictorOptions {
  // "auto" (SIMD kernels, plain loops where there are none), "simd", "reference", or "dnnl" where
  // the build has it.
  std::string engine = "auto";
  // Where it runs: "cpu"; "auto": where each operator's DeviceOption says; or a device of the build
  // and its number, like "cuda:1". What a device cannot do runs on the CPU.
  std::string device = "auto";
  // No algorithm that computes in a transformed space (Winograd).
  bool exact = false;
  // Most bytes that this Predictor and its Sessions may hold together: copies of weights, packed
  // weights, intermediates. 0: half of what the machine leaves free when loading. Mapped file pages
  // are not counted.
  size_t max_memory = 0;
  // Read the files into memory instead of mapping them; needed when they may change while in use.
  bool copy_files = false;
  // Run the graph as the files have it, without the passes that make it faster.
  bool optimize = true;
  // Intermediate blobs to give out as further outputs, after the net's own.
  std::vector<std::string> extra_outputs;
};

// One size of a declared shape.
struct DimInfo {
  int64_t size = -1;   // -1: not fixed
  std::string symbol;  // its name where the model gives one
};

struct TensorInfo {
  std::string name;
  ValueKind kind = ValueKind::kTensor;
  ElementType type = ElementType::kUndefined;  // kUndefined: the pair does not say
  bool has_shape = false;
  std::vector<DimInfo> dims;
};

// What a step of the running plan is, and the time that it took so far (Session::Profile).
struct StepInfo {
  std::string op_type, node, output, kernel;
  std::string device;  // "cpu", or as PredictorOptions::device says it
  int64_t total_ns = 0;
  int64_t runs = 0;
  int64_t flops = 0;  // arithmetic of the direct algorithm
  int64_t bytes = 0;  // read and written
};

// A loaded pair: graph and weights, immutable and shared by any number of Sessions in any threads.
class DOPPIO_EXPORT Predictor {
 public:
  // Loads `folder`/init_net.pb and `folder`/predict_net.pb. Errors: kNotFound, kIoError (a file),
  // kCorruptModel (what is in it), kUnsupported (an operator), kInvalidArgument (an option),
  // kOutOfMemory.
  static StatusOr<std::shared_ptr<const Predictor>> Load(const std::string& folder,
                                                         const PredictorOptions& options = {});
  static StatusOr<std::shared_ptr<const Predictor>> LoadFiles(const std::string& init_net,
                                                              const std::string& predict_net,
                                                              const PredictorOptions& options = {});
  // From memory, which outlives the Predictor.
  static StatusOr<std::shared_ptr<const Predictor>> LoadBytes(std::span<const uint8_t> init_net,
                                                              std::span<const uint8_t> predict_net,
                                                              const PredictorOptions& options = {});
  ~Predictor();
  Predictor(const Predictor&) = delete;
  Predictor& operator=(const Predictor&) = delete;

  std::span<const TensorInfo> inputs() const;
  std::span<const TensorInfo> outputs() const;
  // Bytes counted against max_memory now.
  size_t memory_in_use() const;
  size_t packed_bytes() const;

  class Impl;
  const Impl& impl() const { return *impl_; }

 private:
  friend struct PredictorMaker;
  explicit Predictor(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

struct SessionOptions {
  // Threads that work on one run, the caller among them; 0: the cores that this process may use.
  int threads = 0;
};

// A named input or output.
using NamedTensor = std::pair<std::string_view, TensorView>;
using NamedOutput = std::pair<std::string_view, MutableTensorView>;
using NamedValue = std::pair<std::string_view, ValueView>;

// Runs a Predictor. Has its own intermediates; use it from one thread at a time.
class DOPPIO_EXPORT Session {
 public:
  explicit Session(std::shared_ptr<const Predictor> predictor, const SessionOptions& options = {});
  ~Session();
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;

  // Computes the outputs for these inputs. Borrows their memory for the duration of the call. The
  // first run with new input shapes makes a plan; further ones of the same shapes allocate nothing.
  // kInvalidArgument: a name, type or shape is wrong, or an input is missing; kComputeError: the
  // data holds what an operator cannot take.
  Status Run(std::initializer_list<NamedTensor> inputs) {
    return Run({inputs.begin(), inputs.size()});
  }
  Status Run(std::span<const NamedTensor> inputs) { return Run(inputs, {}); }
  // The same, with some outputs written to the caller's memory. `bytes` is the room there; type and
  // dims are filled in.
  Status Run(std::span<const NamedTensor> inputs, std::span<NamedOutput> outputs);

  // The same for nets with inputs that are sequences or optionals, which are copied.
  Status RunValues(std::span<const NamedValue> inputs);

  size_t output_count() const;
  // Output `i` of the last successful run; valid until the next Run. String tensors hold
  // std::string_view.
  TensorView output(size_t i) const;
  // The same, whatever it is; what output() gives for a sequence or an optional has no data.
  ValueView output_value(size_t i) const;

  // Makes the plan for inputs of these shapes (data may be null) without running.
  Status Prepare(std::span<const NamedTensor> inputs);
  // From now on steps are timed.
  void EnableProfile();
  std::vector<StepInfo> Profile() const;
  // Bytes of intermediates of the last plan.
  size_t arena_bytes() const;
  int threads() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Version, engines, SIMD target, usable cores: what `doppio --version` prints.
struct RuntimeInfo {
  std::string version;
  std::vector<std::string> engines;
  std::string simd_target;
  int usable_cores = 1;
  int format_major = 1, format_minor = 0;
};
DOPPIO_EXPORT RuntimeInfo GetRuntimeInfo();

}  // namespace doppio
