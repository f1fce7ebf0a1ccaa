// Devices: a second one that is only memory of its own, and reference loops that refuse to touch
// any other. What runs there, what crosses the border, and how often.
#include "kernels/device.h"

#include <map>
#include <mutex>

#include "runtime/api/predictor_impl.h"
#include "tests/runtime/net.h"

namespace doppio {
namespace {

using graph::Node;
using graph::Value;
using kernels::Kernel;
using kernels::ProblemKind;
using kernels::TransferProblem;
using tests::Net;

constexpr int32_t kTestDevice = 20901701;  // Caffe2's ONLY_FOR_TEST

// The memory that was given out, by begin.
struct TestMemory {
  std::mutex mutex;
  std::map<const uint8_t*, size_t> blocks;
  int uploads = 0;
  int64_t limit = INT64_MAX;

  bool Holds(const void* pointer) {
    const std::lock_guard lock(mutex);
    const auto* byte = static_cast<const uint8_t*>(pointer);
    auto after = blocks.upper_bound(byte);
    if (after == blocks.begin()) return false;
    --after;
    return byte < after->first + after->second;
  }
};
TestMemory* test_memory = nullptr;

void* Allocate(int32_t, size_t bytes) {
  const std::lock_guard lock(test_memory->mutex);
  if (static_cast<int64_t>(bytes) > test_memory->limit) return nullptr;
  auto* block = static_cast<uint8_t*>(std::aligned_alloc(64, (bytes + 63) / 64 * 64));
  test_memory->blocks[block] = bytes;
  return block;
}

void Free(int32_t, void* block) {
  const std::lock_guard lock(test_memory->mutex);
  test_memory->blocks.erase(static_cast<uint8_t*>(block));
  std::free(block);
}

// The reference row of each kind that the device has.
const Kernel* wrapped[static_cast<size_t>(ProblemKind::kCount)];

template <ProblemKind kind, int inputs>
base::StepStatus RunThere(const void* problem, int phase, kernels::Range range,
                          const kernels::Operands& operands, void* scratch) {
  for (int i = 0; i < inputs; ++i) {
    if (operands.in[i] != nullptr && !test_memory->Holds(operands.in[i])) {
      return {base::StepCode::kOutOfMemory, 1};
    }
  }
  if (!test_memory->Holds(operands.out[0])) return {base::StepCode::kOutOfMemory, 2};
  return wrapped[static_cast<size_t>(kind)]->run(problem, phase, range, operands, scratch);
}

base::StepStatus RunTransfer(const void* problem, int, kernels::Range,
                             const kernels::Operands& operands, void*) {
  const auto& p = *static_cast<const TransferProblem*>(problem);
  const bool up = p.direction == TransferProblem::Direction::kToDevice;
  if (p.bytes == 0) return {};
  if (test_memory->Holds(operands.in[0]) == up) return {base::StepCode::kOutOfMemory, 3};
  if (test_memory->Holds(operands.out[0]) != up) return {base::StepCode::kOutOfMemory, 4};
  if (up) ++test_memory->uploads;
  std::memcpy(operands.out[0], operands.in[0], static_cast<size_t>(p.bytes));
  return {};
}

template <ProblemKind kind, int inputs>
Kernel RowThere(const char* name) {
  const kernels::KernelTable table;
  Kernel row = {};
  for (const Kernel* candidate : table.rows()) {
    const bool reference = candidate->engine == kernels::Engine::kReference;
    if (candidate->kind == kind && reference) {
      wrapped[static_cast<size_t>(kind)] = candidate;
      row = *candidate;
    }
  }
  row.name = name;
  row.run = &RunThere<kind, inputs>;
  row.device = kTestDevice;
  return row;
}

std::span<const Kernel> RowsThere() {
  static const Kernel rows[] = {
      RowThere<ProblemKind::kConv, 4>("conv_there"),
      RowThere<ProblemKind::kUnary, 1>("unary_there"),
      RowThere<ProblemKind::kBinary, 2>("binary_there"),
      RowThere<ProblemKind::kCopy, 1>("copy_there"),
      {.name = "transfer",
       .kind = ProblemKind::kTransfer,
       .engine = kernels::Engine::kReference,
       .supports = [](const void*) { return true; },
       .phases = 1,
       .units = [](const void*, int) -> int64_t { return 1; },
       .run = &RunTransfer,
       .device = kTestDevice},
  };
  return rows;
}

// A Predictor on a build with the test device.
class OnTestDevice {
 public:
  OnTestDevice() : driver_{"test", kTestDevice, RowsThere(), &Allocate, &Free} {
    test_memory = &memory;
  }
  ~OnTestDevice() { CHECK(memory.blocks.empty()); }

  StatusOr<std::shared_ptr<const Predictor>> Load(const graph::Graph& graph,
                                                  const PredictorOptions& options = {}) {
    pair_ = tests::WriteText(graph);
    const kernels::DeviceDriver* const drivers[] = {&driver_};
    auto impl = std::make_unique<Predictor::Impl>(options, drivers);
    DOPPIO_RETURN_IF_ERROR(
        impl->LoadPair({tests::BytesOfText(pair_->init.text), "init_net"},
                       {tests::BytesOfText(pair_->predict.text), "predict_net"}));
    return MakePredictor(std::move(impl));
  }

  TestMemory memory;

 private:
  kernels::DeviceDriver driver_;
  std::shared_ptr<tests::PairText> pair_;
};

// conv - relu - max pool - conv: everything but the pool has a kernel on the device.
void BuildConvs(Net* net) {
  Value* x = net->Input("x", {"N", "3", "9", "9"});
  Value* first = net->Op("Conv", {x, net->Noise("w1", {4, 3, 3, 3})}, "first");
  Value* pool = net->Op("MaxPool", {net->Op("Relu", {first}, "relu")}, "pool",
                        {{"kernel_shape", std::vector<int64_t>{2, 2}}});
  net->Output(net->Op("Conv", {pool, net->Noise("w2", {2, 4, 3, 3}, 7)}, "y"));
}

struct Steps {
  int there = 0, transfers = 0, here = 0;
};

Steps CountSteps(const Session& session) {
  Steps steps;
  for (const StepInfo& step : session.Profile()) {
    if (step.kernel == "transfer") {
      ++steps.transfers;
    } else if (step.device == "test:0") {
      ++steps.there;
    } else {
      REQUIRE(step.device == "cpu");
      ++steps.here;
    }
  }
  return steps;
}

std::vector<tests::Outcome> RunThere(const std::shared_ptr<const Predictor>& predictor,
                                     const std::vector<NamedTensor>& inputs, Steps* steps) {
  Session session(predictor, {.threads = 2});
  tests::RequireOk(session.Run(std::span<const NamedTensor>(inputs)));
  *steps = CountSteps(session);
  return tests::OutcomesOf(session);
}

void SayDevice(Node* node, int32_t type) {
  node->has_device = true;
  node->device.type = type;
}

TEST_CASE("device: everything that it can do runs there, the rest on the CPU, the answers agree") {
  OnTestDevice device;
  Net net;
  BuildConvs(&net);
  PredictorOptions options;
  options.device = "test";
  const auto predictor = device.Load(net.graph, options);
  tests::RequireOk(predictor.status());
  const std::vector<float> data = Net::MakeNoise(2 * 3 * 81, 3);
  for (const int64_t n : {1, 2}) {
    const std::vector<NamedTensor> inputs = {{"x", View(data.data(), {n, 3, 9, 9})}};
    Steps steps;
    tests::RequireClose(RunThere(*predictor, inputs, &steps), tests::RunNet(net.graph, inputs),
                        1e-5);
    CHECK(steps.there >= 2);
    CHECK(steps.here >= 1);
    CHECK(steps.transfers == 4);  // x, into the pool, out of it, y
  }
}

TEST_CASE("device: a constant is uploaded once for all plans and sessions") {
  OnTestDevice device;
  Net net;
  BuildConvs(&net);
  PredictorOptions options;
  options.device = "test:0";
  const auto predictor = device.Load(net.graph, options);
  tests::RequireOk(predictor.status());
  const std::vector<float> data = Net::MakeNoise(2 * 3 * 81, 3);
  Steps steps;
  for (const int64_t n : {1, 2, 1}) {
    RunThere(*predictor, {{"x", View(data.data(), {n, 3, 9, 9})}}, &steps);
  }
  // Two weights, and two transfers to the device a run.
  CHECK(device.memory.uploads == 2 + 3 * 2);
}

TEST_CASE("device: nodes run where their DeviceOption says") {
  OnTestDevice device;
  Net net;
  Value* x = net.Input("x", {"4", "8"});
  Node* there = net.Node("ai.onnx", "Exp", {x}, {"there"});
  SayDevice(there, kTestDevice);
  Node* again = net.Node("ai.onnx", "Sin", {there->outputs[0]}, {"again"});
  SayDevice(again, kTestDevice);
  Value* here = net.Op("Cos", {there->outputs[0]}, "here");
  Value* both = net.Op("Tanh", {there->outputs[0]}, "both");
  net.Output(net.Op("Add", {again->outputs[0], here}, "y"));
  net.Output(both);
  const auto predictor = device.Load(net.graph);
  tests::RequireOk(predictor.status());
  const std::vector<float> data = Net::MakeNoise(32, 3);
  const std::vector<NamedTensor> inputs = {{"x", View(data.data(), {4, 8})}};
  Steps steps;
  const auto outcomes = RunThere(*predictor, inputs, &steps);
  CHECK(steps.there == 2);
  CHECK(steps.here == 3);
  CHECK(steps.transfers == 3);  // x; there, once for both readers; again
  PredictorOptions cpu;
  cpu.device = "cpu";
  const auto plain = device.Load(net.graph, cpu);
  tests::RequireOk(plain.status());
  tests::RequireClose(outcomes, RunThere(*plain, inputs, &steps), 1e-5);
  CHECK(steps.there + steps.transfers == 0);
}

TEST_CASE("device: views, concatenation and broadcasting across the border") {
  OnTestDevice device;
  Net net;
  Value* x = net.Input("x", {"2", "4", "6", "6"});
  Value* conv = net.Op("Conv", {x, net.Noise("w", {4, 4, 1, 1})}, "conv");
  Node* sliced = net.Node("ai.onnx", "Slice",
                          {conv, net.Ints("begin", {3}), net.Ints("end", {-100}),
                           net.Ints("axes", {1}), net.Ints("steps", {-1})},
                          {"sliced"});
  Value* scaled = net.Op("Mul", {sliced->outputs[0], net.Noise("s", {4, 1, 1})}, "scaled");
  Value* turned =
      net.Op("Transpose", {scaled}, "turned", {{"perm", std::vector<int64_t>{0, 2, 3, 1}}});
  Value* sum = net.Op("ReduceMean", {turned, net.Ints("last", {3})}, "mean");
  Value* joined = net.Op("Concat", {turned, sum}, "joined", {{"axis", int64_t{3}}});
  net.Output(net.Op("Softmax", {joined}, "y"));
  net.Output(net.Op("Exp", {joined}, "z"));
  const std::vector<float> data = Net::MakeNoise(2 * 4 * 36, 3);
  const std::vector<NamedTensor> inputs = {{"x", View(data.data(), {2, 4, 6, 6})}};
  const auto expected = tests::RunNet(net.graph, inputs);
  for (Node* node = net.graph.first(); node != nullptr; node = node->next) {
    // Each node alone there, and then all of them.
    SayDevice(node, kTestDevice);
    const auto predictor = device.Load(net.graph);
    tests::RequireOk(predictor.status());
    Steps steps;
    tests::RequireClose(RunThere(*predictor, inputs, &steps), expected, 1e-5);
    node->has_device = false;
  }
  PredictorOptions options;
  options.device = "test";
  const auto predictor = device.Load(net.graph, options);
  tests::RequireOk(predictor.status());
  Steps steps;
  tests::RequireClose(RunThere(*predictor, inputs, &steps), expected, 1e-5);
  CHECK(steps.there >= 3);
}

TEST_CASE("device: values whose sizes depend on data, and shapes that are data") {
  OnTestDevice device;
  Net net;
  Value* x = net.Input("x", {"N"});
  Value* target = net.Input("target", {"2"}, ElementType::kInt64);
  Value* kept = net.Op("Exp", {x}, "kept");
  Value* column = net.Op("Transpose", {net.Op("NonZero", {x}, "where")}, "column");
  Value* picked = net.Op("GatherND", {kept, column}, "picked");
  net.Output(net.Op("Neg", {picked}, "y"));
  Value* doubled = net.Op("Mul", {target, net.Ints("two", {2})}, "doubled");
  net.Output(net.Op("Log", {net.Op("Reshape", {kept, doubled}, "reshaped")}, "z"));
  PredictorOptions options;
  options.device = "test";
  const auto predictor = device.Load(net.graph, options);
  tests::RequireOk(predictor.status());
  const std::vector<float> data = {1, 0, 2, 0, 3, 0, 0, 4};
  const int64_t sizes[] = {2, 1};
  const std::vector<NamedTensor> inputs = {{"x", View(data.data(), {8})},
                                           {"target", View(sizes, {2})}};
  Steps steps;
  tests::RequireClose(RunThere(*predictor, inputs, &steps), tests::RunNet(net.graph, inputs), 1e-5);
  CHECK(steps.there >= 3);
}

TEST_CASE("device: no memory there is an error, as are names that the build has not") {
  OnTestDevice device;
  Net net;
  BuildConvs(&net);
  PredictorOptions options;
  options.device = "test";
  device.memory.limit = 100;
  const auto predictor = device.Load(net.graph, options);
  tests::RequireOk(predictor.status());
  const std::vector<float> data = Net::MakeNoise(3 * 81, 3);
  Session session(*predictor, {.threads = 1});
  const Status status = session.Run({{"x", View(data.data(), {1, 3, 9, 9})}});
  CHECK(status.code() == StatusCode::kOutOfMemory);
  CHECK(std::string(status.message()).find("device test:0 has no ") != std::string::npos);
  for (const char* name : {"cuda", "test:", "test:x", "test:-1", "test:1x", ""}) {
    options.device = name;
    const Status refused = device.Load(net.graph, options).status();
    CHECK(refused.code() == StatusCode::kInvalidArgument);
    CHECK(std::string(refused.message()).ends_with("it has auto, cpu, test, test:N"));
  }
}

TEST_CASE("device: a DeviceOption that the build has not is named, Caffe2's CPU libraries run") {
  Net net;
  Value* x = net.Input("x", {"4"});
  Node* node = net.Node("ai.onnx", "Exp", {x}, {"y"});
  node->name = "e";
  net.Output(node->outputs[0]);
  const float data[] = {0, 0, 0, 0};
  const std::vector<NamedTensor> inputs = {{"x", View(data, {4})}};
  SayDevice(node, 1);
  {
    const tests::LoadedNet loaded = tests::LoadNet(net.graph);
    Session session(loaded.predictor, {.threads = 1});
    const Status status = session.Run(std::span<const NamedTensor>(inputs));
    CHECK(status.code() == StatusCode::kUnsupported);
    CHECK(std::string(status.message()) ==
          "Exp 'e': wants device type 1, which this build has not; with device \"cpu\" everything "
          "runs on the CPU");
  }
  PredictorOptions cpu;
  cpu.device = "cpu";
  CHECK(tests::RunNet(net.graph, inputs, cpu)[0].As<float>() == std::vector<float>(4, 1.0f));
  for (const int32_t type : {2, 5}) {  // MKLDNN, IDEEP
    SayDevice(node, type);
    CHECK(tests::RunNet(net.graph, inputs)[0].As<float>() == std::vector<float>(4, 1.0f));
  }
}

}  // namespace
}  // namespace doppio
