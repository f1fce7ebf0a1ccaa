// Which kernel computes a node: by engine, by cost, and by what the node asks for.
#include "runtime/plan/choose.h"

#include "kernels/problems/elementwise.h"
#include "tests/runtime/net.h"

namespace doppio::plan {
namespace {

using tests::Net;

// The kernels of a 3x3 convolution on a map, in order of steps.
std::vector<std::string> KernelsOf(const PredictorOptions& options, std::string_view engine) {
  Net net;
  graph::Value* x = net.Input("x", {"1", "16", "32", "32"});
  graph::Node* conv = net.Node("ai.onnx", "Conv", {x, net.Noise("w", {16, 16, 3, 3})}, {"y"});
  conv->engine = *net.graph.Intern(engine);
  net.Output(conv->outputs[0]);
  const tests::LoadedNet loaded = tests::LoadNet(net.graph, options);
  const std::vector<float> data = Net::MakeNoise(16 * 32 * 32, 2);
  Session session(loaded.predictor, {.threads = 1});
  tests::RequireOk(session.Run({{"x", View(data.data(), {1, 16, 32, 32})}}));
  std::vector<std::string> kernels;
  for (const StepInfo& step : session.Profile()) kernels.push_back(step.kernel);
  return kernels;
}

// How many of these kernels belong to an engine, or transform.
int Count(const std::vector<std::string>& names, bool (*wanted)(const kernels::Kernel&)) {
  const kernels::KernelTable table;
  int count = 0;
  for (const std::string& name : names) {
    const int index = table.Find(name.c_str());
    REQUIRE(index >= 0);
    count += wanted(*table.rows()[static_cast<size_t>(index)]) ? 1 : 0;
  }
  return count;
}
bool IsReference(const kernels::Kernel& row) { return row.engine == kernels::Engine::kReference; }
bool Transforms(const kernels::Kernel& row) { return row.transforms; }

TEST_CASE("choose: the reference engine takes plain loops only") {
  PredictorOptions options;
  options.engine = "reference";
  const auto kernels = KernelsOf(options, "");
  REQUIRE_FALSE(kernels.empty());
  CHECK(Count(kernels, IsReference) == static_cast<int>(kernels.size()));
}

TEST_CASE("choose: a convolution has something faster than plain loops") {
  const auto kernels = KernelsOf({}, "");
  CHECK(Count(kernels, IsReference) < static_cast<int>(kernels.size()));
}

TEST_CASE("choose: a node may ask for an engine, unknown ones mean nothing") {
  const auto usual = KernelsOf({}, "");
  CHECK(KernelsOf({}, "CUDNN") == usual);
  CHECK(KernelsOf({}, "reference") != usual);
  PredictorOptions simd;  // what the whole run asks for wins
  simd.engine = "simd";
  CHECK(KernelsOf(simd, "reference") == KernelsOf(simd, ""));
}

TEST_CASE("choose: exact refuses kernels that transform") {
  PredictorOptions options;
  options.exact = true;
  CHECK(Count(KernelsOf(options, ""), Transforms) == 0);
}

TEST_CASE("choose: the same choice every time, and none where nothing supports the problem") {
  const kernels::KernelTable table;
  kernels::CopyProblem copy;
  copy.element_bytes = 4;
  copy.rank = 1;
  copy.dims[0] = 100;
  copy.x_strides[0] = copy.y_strides[0] = 1;
  const bool constant[] = {false};
  const Choice first =
      ChooseKernel(table, kernels::ProblemKind::kCopy, &copy, constant, PlanOptions(), "");
  REQUIRE(first.kernel >= 0);
  for (int i = 0; i < 3; ++i) {
    const Choice again =
        ChooseKernel(table, kernels::ProblemKind::kCopy, &copy, constant, PlanOptions(), "");
    CHECK(again.kernel == first.kernel);
    CHECK(again.cost_ns == first.cost_ns);
  }
  const Choice none =
      ChooseKernel(table, kernels::ProblemKind::kCount, &copy, constant, PlanOptions(), "");
  CHECK(none.kernel == -1);
}

}  // namespace
}  // namespace doppio::plan
