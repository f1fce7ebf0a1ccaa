// Nets whose sizes depend on data: segments, their keys, and what lies between them.
#include "tests/runtime/net.h"

namespace doppio {
namespace {

using graph::Value;
using tests::LoadedNet;
using tests::LoadNet;
using tests::Net;

std::vector<float> FloatsOf(const TensorView& view) {
  const float* data = view.as<float>();
  return {data, data + ElementCount(view.dims)};
}

// The values of x that are not zero, negated, and the number of all values.
void BuildPick(Net* net) {
  Value* x = net->Input("x", {"N"});
  Value* kept = net->Op("Exp", {x}, "kept");
  Value* where = net->Op("NonZero", {x}, "where");
  Value* column = net->Op("Transpose", {where}, "column");
  Value* picked = net->Op("GatherND", {x, column}, "picked");
  net->Output(net->Op("Neg", {picked}, "y"));
  net->Output(net->Op("Log", {kept}, "same"));
  net->Output(net->Op("Shape", {picked}, "count"));
}

TEST_CASE("segments: what NonZero finds decides the sizes, run after run") {
  Net net;
  BuildPick(&net);
  for (const char* engine : {"reference", "auto"}) {
    PredictorOptions options;
    options.engine = engine;
    const LoadedNet loaded = LoadNet(net.graph, options);
    Session session(loaded.predictor, {.threads = 2});
    const std::vector<std::vector<float>> inputs = {
        {1, 0, 2, 0, 3}, {0, 0, 0, 0, 0}, {1, 2, 3, 4, 5}, {0, 0, 7, 0, 0}, {1, 0, 2, 0, 3}, {4}};
    for (int round = 0; round < 2; ++round) {
      for (const std::vector<float>& x : inputs) {
        std::vector<float> expected;
        for (float value : x) {
          if (value != 0) expected.push_back(-value);
        }
        const Dims dims{static_cast<int64_t>(x.size())};
        tests::RequireOk(session.Run({{"x", View(x.data(), dims)}}));
        REQUIRE(FloatsOf(session.output(0)) == expected);
        REQUIRE(session.output(1).dims == dims);
        for (size_t i = 0; i < x.size(); ++i) {
          REQUIRE(session.output(1).as<float>()[i] == Approx(x[i]).margin(1e-5));
        }
        REQUIRE(session.output(2).as<int64_t>()[0] == static_cast<int64_t>(expected.size()));
      }
    }
  }
}

TEST_CASE("segments: the last node finds the sizes of an output, another is there before") {
  Net net;
  Value* x = net.Input("x", {"N"});
  net.Output(net.Op("Neg", {x}, "y"));
  net.Output(net.Op("NonZero", {x}, "where"));
  const float data[] = {0, 5, 0, 6};
  const auto outcomes = tests::RunNet(net.graph, {{"x", View(data, {4})}});
  CHECK(outcomes[0].As<float>() == std::vector<float>{0, -5, 0, -6});
  CHECK(outcomes[1].dims == Dims{1, 2});
  CHECK(outcomes[1].As<int64_t>() == std::vector<int64_t>{1, 3});
}

TEST_CASE("segments: two that depend on data, one after the other") {
  Net net;
  Value* x = net.Input("x", {"N"});
  Value* first = net.Op("NonZero", {x}, "first");
  Value* picked = net.Op("GatherND", {x, net.Op("Transpose", {first}, "t1")}, "picked");
  Value* shifted = net.Op("Sub", {picked, net.Floats("one", {1}, {1})}, "shifted");
  Value* second = net.Op("NonZero", {shifted}, "second");
  Value* again = net.Op("GatherND", {shifted, net.Op("Transpose", {second}, "t2")}, "again");
  net.Output(again);
  net.Output(net.Op("ReduceSum", {x}, "sum", {{"keepdims", int64_t{0}}}));
  const LoadedNet loaded = LoadNet(net.graph);
  Session session(loaded.predictor, {.threads = 1});
  for (const std::vector<float>& x_data :
       {std::vector<float>{1, 0, 3, 1}, {5, 6, 7, 8}, {0, 0, 0, 0}, {1, 1, 1, 1}, {1, 0, 3, 1}}) {
    std::vector<float> expected;
    float sum = 0;
    for (float value : x_data) {
      sum += value;
      if (value != 0 && value != 1) expected.push_back(value - 1);
    }
    tests::RequireOk(session.Run({{"x", View(x_data.data(), {4})}}));
    REQUIRE(FloatsOf(session.output(0)) == expected);
    REQUIRE(session.output(1).as<float>()[0] == sum);
  }
}

TEST_CASE("segments: a Reshape whose target is data runs with new targets") {
  Net net;
  Value* x = net.Input("x", {"2", "6"});
  Value* target = net.Input("target", {"R"}, ElementType::kInt64);
  Value* computed = net.Op("Mul", {target, net.Ints("two", {2})}, "computed");
  Value* y = net.Op("Reshape", {net.Op("Exp", {x}, "e"), computed}, "r");
  net.Output(net.Op("Log", {y}, "y"));
  const LoadedNet loaded = LoadNet(net.graph);
  Session session(loaded.predictor, {.threads = 1});
  const std::vector<float> data = Net::MakeNoise(12, 3);
  const int64_t targets[][2] = {{1, 3}, {3, 1}, {1, 3}};
  for (const auto& sizes : targets) {
    tests::RequireOk(session.Run({{"x", View(data.data(), {2, 6})}, {"target", View(sizes, {2})}}));
    REQUIRE(session.output(0).dims == Dims{2 * sizes[0], 2 * sizes[1]});
    for (int64_t i = 0; i < 12; ++i) {
      REQUIRE(session.output(0).as<float>()[i] == Approx(data[size_t(i)]).margin(1e-5));
    }
  }
  const int64_t wrong[] = {5, 5};
  const Status status =
      session.Run({{"x", View(data.data(), {2, 6})}, {"target", View(wrong, {2})}});
  CHECK(status.code() == StatusCode::kInvalidArgument);
  CHECK(std::string(status.message()).starts_with("Reshape 'r': "));
  const int64_t one[] = {6};
  tests::RequireOk(session.Run({{"x", View(data.data(), {2, 6})}, {"target", View(one, {1})}}));
  CHECK(session.output(0).dims == Dims{12});
}

TEST_CASE("segments: scales and ends of a range that are floats and data") {
  Net net;
  Value* x = net.Input("x", {"1", "1", "2", "2"});
  Value* scales = net.Input("scales", {"4"});
  Value* doubled = net.Op("Mul", {scales, net.Floats("f", {4}, {1, 1, 2, 2})}, "doubled");
  Value* none = net.Floats("none", {0}, {});
  Value* y = net.Op("Resize", {x, none, doubled}, "y", {{"mode", std::string_view("nearest")}});
  net.Output(y);
  // Again in a later segment: the scales are known still.
  Value* where = net.Op("NonZero", {y}, "where");
  Value* again = net.Op("Resize", {net.Op("Neg", {x}, "n"), none, doubled}, "z",
                        {{"mode", std::string_view("nearest")}});
  net.Output(net.Op("Shape", {where}, "count"));
  net.Output(again);
  Value* limit = net.Op("Gather", {scales, net.Ints("two", {2})}, "limit");
  Value* scalar = net.Op("Squeeze", {limit}, "scalar");
  net.Output(net.Op("Range", {net.Floats("zero", {}, {0}), scalar, net.Floats("half", {}, {0.5})},
                    "range"));
  const LoadedNet loaded = LoadNet(net.graph);
  Session session(loaded.predictor, {.threads = 1});
  const float data[] = {1, 0, 3, 4};
  for (const float factor : {1.0f, 1.5f, 2.0f, 1.0f}) {
    const float given[] = {1, 1, factor, 1};
    tests::RequireOk(session.Run({{"x", View(data, {1, 1, 2, 2})}, {"scales", View(given, {4})}}));
    const auto height = static_cast<int64_t>(4 * factor);
    REQUIRE(session.output(0).dims == Dims{1, 1, height, 4});
    REQUIRE(session.output(0).as<float>()[3] == 0);
    REQUIRE(session.output(2).dims == Dims{1, 1, height, 4});
    REQUIRE(session.output(2).as<float>()[4 * height - 1] == -4);
    REQUIRE(session.output(3).dims == Dims{static_cast<int64_t>(2 * factor)});
    REQUIRE(session.output(3).as<float>()[1] == 0.5f);
  }
}

TEST_CASE("segments: a map that is kept channels-last crosses into the next segment") {
  Net net;
  Value* x = net.Input("x", {"1", "3", "5", "5"});
  Value* map = net.Op("Conv", {x, net.Noise("w", {4, 3, 3, 3})}, "map");
  Value* where = net.Op("NonZero", {net.Op("Relu", {map}, "positive")}, "where");
  net.Output(net.Op("GatherND", {map, net.Op("Transpose", {where}, "t")}, "picked"));
  net.Output(net.Op("Conv", {map, net.Noise("w2", {2, 4, 1, 1}, 7)}, "y"));
  const std::vector<float> data = Net::MakeNoise(75, 5);
  const std::vector<NamedTensor> inputs = {{"x", View(data.data(), {1, 3, 5, 5})}};
  PredictorOptions plain;
  plain.engine = "reference";
  tests::RequireClose(tests::RunNet(net.graph, inputs), tests::RunNet(net.graph, inputs, plain),
                      1e-4);
  for (float value : tests::RunNet(net.graph, inputs)[0].As<float>()) REQUIRE(value > 0);
}

TEST_CASE("executor: an index out of range names the node, on any number of threads") {
  Net net;
  Value* table = net.Noise("table", {100, 600});
  Value* index = net.Input("index", {"N"}, ElementType::kInt64);
  graph::Node* gather = net.Node("ai.onnx", "Gather", {table, index}, {"y"});
  gather->name = "look up";
  net.Output(gather->outputs[0]);
  const LoadedNet loaded = LoadNet(net.graph);
  std::vector<int64_t> indices(300, 7);
  indices[171] = 100;
  indices[203] = -500;
  for (const int threads : {1, 2, 4}) {
    Session session(loaded.predictor, {.threads = threads});
    for (int run = 0; run < 5; ++run) {
      const Status status = session.Run({{"index", View(indices.data(), {300})}});
      REQUIRE(status.code() == StatusCode::kComputeError);
      REQUIRE(std::string(status.message()) ==
              "Gather 'look up': index 100 at position 171 is outside [-100, 100)");
    }
  }
}

}  // namespace
}  // namespace doppio
