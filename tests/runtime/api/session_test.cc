// Predictor and Session: what callers give, get, and are told.
#include <thread>

#include "tests/runtime/net.h"

namespace doppio {
namespace {

using graph::Value;
using tests::LoadedNet;
using tests::LoadNet;
using tests::Net;

constexpr float kZeros[64] = {};

// y = a + b, both [N, 2].
LoadedNet LoadSum(const PredictorOptions& options = {}) {
  Net net;
  Value* a = net.Input("a", {"N", "2"});
  net.Output(net.Op("Add", {a, net.Input("b", {"N", "2"})}, "y"));
  return LoadNet(net.graph, options);
}

std::string ErrorOf(const LoadedNet& loaded, const std::vector<NamedTensor>& inputs) {
  Session session(loaded.predictor, {.threads = 1});
  const Status status = session.Run(std::span<const NamedTensor>(inputs));
  CHECK(status.code() == StatusCode::kInvalidArgument);
  return status.message();
}

TEST_CASE("session: wrong inputs are said to be wrong in words") {
  const LoadedNet sum = LoadSum();
  const NamedTensor a = {"a", View(kZeros, {1, 2})}, b = {"b", View(kZeros, {1, 2})};
  const int64_t ints[2] = {};
  CHECK(ErrorOf(sum, {a, {"c", b.second}}) == "the net has no input 'c'; it has 'a', 'b'");
  CHECK(ErrorOf(sum, {a, {"b", View(ints, {1, 2})}}) ==
        "input 'b' has type int64, the net wants float32");
  CHECK(ErrorOf(sum, {a, {"b", View(kZeros, {1, 3})}}) ==
        "input 'b' has shape [1, 3], the net wants [N, 2]");
  CHECK(ErrorOf(sum, {a, {"b", View(kZeros, {2})}}) ==
        "input 'b' has shape [2], the net wants [N, 2]");
  CHECK(ErrorOf(sum, {a, {"b", View(kZeros, {-1, 2})}}) ==
        "input 'b' has the impossible shape [-1, 2]");
  CHECK(ErrorOf(sum, {a}) == "input 'b' float32[N, 2] is missing");
  CHECK(ErrorOf(sum, {a, b, a}) == "input 'a' is given twice");
  CHECK(ErrorOf(sum, {a, {"b", View(kZeros, {3, 2})}}) ==
        "size 'N' is 1 in input 'a' but 3 in input 'b'");
}

TEST_CASE("session: one symbol twice in one input must be one size") {
  Net net;
  net.Output(net.Op("Neg", {net.Input("x", {"N", "N"})}, "y"));
  CHECK(ErrorOf(LoadNet(net.graph), {{"x", View(kZeros, {2, 3})}}) ==
        "size 'N' is 2 in input 'x' but 3 in input 'x'");
}

TEST_CASE("session: a session goes on after an error") {
  const LoadedNet sum = LoadSum();
  Session session(sum.predictor, {.threads = 1});
  const float a[] = {1, 2}, b[] = {10, 20};
  const NamedTensor good[] = {{"a", View(a, {1, 2})}, {"b", View(b, {1, 2})}};
  tests::RequireOk(session.Run(std::span(good)));
  CHECK_FALSE(session.Run({{"a", View(a, {1, 2})}, {"b", View(kZeros, {2, 2})}}).ok());
  CHECK_FALSE(session.Run({{"a", View(a, {1, 2})}}).ok());
  tests::RequireOk(session.Run(std::span(good)));
  CHECK(session.output(0).as<float>()[1] == 22.0f);
}

TEST_CASE("session: the only input may go without its name") {
  Net net;
  net.Output(net.Op("Neg", {net.Input("x", {"2"})}, "y"));
  const float x[] = {1, -2};
  CHECK(tests::RunNet(net.graph, {{"", View(x, {2})}})[0].As<float>() == std::vector<float>{-1, 2});
}

TEST_CASE("session: outputs go to the caller's memory when it is large enough") {
  const LoadedNet sum = LoadSum();
  Session session(sum.predictor, {.threads = 1});
  const float a[] = {1, 2}, b[] = {10, 20};
  const NamedTensor inputs[] = {{"a", View(a, {1, 2})}, {"b", View(b, {1, 2})}};
  float y[4] = {-1, -1, -1, -1};
  MutableTensorView memory;
  memory.data = y;
  memory.bytes = sizeof(y);
  NamedOutput outputs[] = {{"y", memory}};
  tests::RequireOk(session.Run(inputs, outputs));
  CHECK(y[0] == 11.0f);
  CHECK(y[1] == 22.0f);
  CHECK(y[2] == -1.0f);
  CHECK(outputs[0].second.type == ElementType::kFloat);
  CHECK(outputs[0].second.dims == Dims{1, 2});
  CHECK(session.output(0).data == y);

  outputs[0].second.bytes = 7;
  const Status status = session.Run(inputs, outputs);
  CHECK(status.code() == StatusCode::kInvalidArgument);
  CHECK(std::string(status.message()) ==
        "output 'y' float32[1, 2] takes 8 bytes, the caller's memory has 7");
  tests::RequireOk(session.Run(std::span(inputs)));
  CHECK(session.output(0).data != y);
  CHECK(session.output(0).as<float>()[0] == 11.0f);
}

TEST_CASE("session: an output that the net does not have is said to be wrong") {
  const LoadedNet sum = LoadSum();
  Session session(sum.predictor, {.threads = 1});
  const NamedTensor inputs[] = {{"a", View(kZeros, {1, 2})}, {"b", View(kZeros, {1, 2})}};
  float y[4];
  MutableTensorView memory;
  memory.data = y;
  memory.bytes = sizeof(y);
  NamedOutput outputs[] = {{"z", memory}};
  const Status status = session.Run(inputs, outputs);
  CHECK(status.code() == StatusCode::kInvalidArgument);
  CHECK(std::string(status.message()) == "the net has no output 'z'; it has 'y'");
}

TEST_CASE("session: new shapes make new plans, and more than are kept") {
  const LoadedNet sum = LoadSum();
  Session session(sum.predictor, {.threads = 2});
  const std::vector<float> a = Net::MakeNoise(100, 1), b = Net::MakeNoise(100, 2);
  for (int round = 0; round < 2; ++round) {
    for (int64_t n = 0; n <= 40; ++n) {
      const Dims dims{n, 2};
      tests::RequireOk(session.Run({{"a", View(a.data(), dims)}, {"b", View(b.data(), dims)}}));
      REQUIRE(session.output(0).dims == dims);
      for (int64_t i = 0; i < 2 * n; ++i) {
        REQUIRE(session.output(0).as<float>()[i] == a[size_t(i)] + b[size_t(i)]);
      }
    }
  }
}

// A convolution, a pool and a product large enough to be cut among threads.
LoadedNet LoadLarge(const PredictorOptions& options = {}) {
  Net net;
  Value* x = net.Input("x", {"N", "8", "31", "29"});
  Value* conv = net.Op("Conv", {x, net.Noise("w", {24, 8, 3, 3})}, "conv");
  Value* relu = net.Op("Relu", {conv}, "relu");
  Value* pool = net.Op(
      "MaxPool", {relu}, "pool",
      {{"kernel_shape", std::vector<int64_t>{2, 2}}, {"strides", std::vector<int64_t>{2, 2}}});
  Value* flat = net.Op("Flatten", {pool}, "flat");
  Value* product = net.Op("MatMul", {flat, net.Noise("m", {24 * 14 * 13, 40})}, "product");
  net.Output(net.Op("Softmax", {product}, "y", {{"axis", int64_t{1}}}));
  return LoadNet(net.graph, options);
}

TEST_CASE("session: any number of threads gives the same bits") {
  const LoadedNet large = LoadLarge();
  const std::vector<float> x = Net::MakeNoise(3 * 8 * 31 * 29, 4);
  const std::vector<NamedTensor> inputs = {{"x", View(x.data(), {3, 8, 31, 29})}};
  const auto expected = tests::RunOnce(large.predictor, inputs, 1);
  for (const int threads : {2, 4}) {
    INFO(threads << " threads");
    CHECK(tests::RunOnce(large.predictor, inputs, threads) == expected);
  }
}

TEST_CASE("session: sessions in several threads over one predictor give the same bits") {
  const LoadedNet large = LoadLarge();
  const std::vector<float> x = Net::MakeNoise(3 * 8 * 31 * 29, 4);
  std::vector<std::vector<tests::Outcome>> expected;
  for (int64_t n = 1; n <= 3; ++n) {
    expected.push_back(tests::RunOnce(large.predictor, {{"x", View(x.data(), {n, 8, 31, 29})}}));
  }
  const LoadedNet fresh = LoadLarge();  // plans are made while others run
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 2; ++caller) {
    callers.emplace_back([&] {
      Session session(fresh.predictor, {.threads = 2});
      for (int run = 0; run < 6; ++run) {
        const int64_t n = run % 3 + 1;
        const bool ok = session.Run({{"x", View(x.data(), {n, 8, 31, 29})}}).ok();
        const TensorView y = session.output(0);
        const std::string& bytes = expected[size_t(n - 1)][0].bytes;
        if (!ok || std::memcmp(y.data, bytes.data(), bytes.size()) != 0) wrong.fetch_add(1);
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(wrong.load() == 0);
}

TEST_CASE("session: too small a memory limit is an error, not a crash") {
  const std::vector<float> x = Net::MakeNoise(8 * 31 * 29, 4);
  size_t failed = 0;
  for (size_t limit = 1; limit < (4u << 20); limit = limit * 3 / 2 + 1) {
    PredictorOptions options;
    options.max_memory = limit;
    Net net;
    net.Output(net.Op(
        "Exp",
        {net.Op("Conv", {net.Input("x", {"N", "8", "31", "29"}), net.Noise("w", {24, 8, 3, 3})},
                "conv")},
        "y"));
    const auto pair = tests::WriteText(net.graph);
    const auto predictor = tests::TryLoad(*pair, options);
    Status status = predictor.status();
    if (predictor.ok()) {
      Session session(*predictor, {.threads = 1});
      status = session.Run({{"x", View(x.data(), {1, 8, 31, 29})}});
    }
    if (status.ok()) continue;
    INFO("limit " << limit << ": " << status.message());
    REQUIRE(status.code() == StatusCode::kOutOfMemory);
    ++failed;
  }
  CHECK(failed > 3);
}

TEST_CASE("predictor: intermediate blobs can be further outputs") {
  Net net;
  Value* x = net.Input("x", {"2"});
  net.Output(net.Op("Exp", {net.Op("Neg", {x}, "middle")}, "y"));
  PredictorOptions options;
  options.extra_outputs = {"middle", "y"};
  const LoadedNet loaded = LoadNet(net.graph, options);
  REQUIRE(loaded.predictor->outputs().size() == 2);
  CHECK(loaded.predictor->outputs()[1].name == "middle");
  const float data[] = {1, -2};
  const auto outcomes = tests::RunOnce(loaded.predictor, {{"x", View(data, {2})}});
  CHECK(outcomes[1].As<float>() == std::vector<float>{-1, 2});

  options.extra_outputs = {"nowhere"};
  const auto pair = tests::WriteText(net.graph);
  const auto failed = tests::TryLoad(*pair, options);
  REQUIRE_FALSE(failed.ok());
  CHECK(failed.status().code() == StatusCode::kNotFound);
  CHECK(std::string(failed.status().message()) == "blob 'nowhere' is not in the net");
}

TEST_CASE("predictor: an unknown engine is named, with those that there are") {
  Net net;
  net.Output(net.Op("Neg", {net.Input("x", {"2"})}, "y"));
  PredictorOptions options;
  options.engine = "turbo";
  const auto pair = tests::WriteText(net.graph);
  const auto failed = tests::TryLoad(*pair, options);
  REQUIRE_FALSE(failed.ok());
  CHECK(failed.status().code() == StatusCode::kInvalidArgument);
  CHECK(std::string(failed.status().message())
            .starts_with("engine 'turbo' is not in this build; it has auto, reference, simd"));
}

TEST_CASE("predictor: it tells names, types and sizes of inputs and outputs") {
  const LoadedNet sum = LoadSum();
  REQUIRE(sum.predictor->inputs().size() == 2);
  const TensorInfo& b = sum.predictor->inputs()[1];
  CHECK(b.name == "b");
  CHECK(b.type == ElementType::kFloat);
  REQUIRE(b.dims.size() == 2);
  CHECK(b.dims[0].size == -1);
  CHECK(b.dims[0].symbol == "N");
  CHECK(b.dims[1].size == 2);
  CHECK(sum.predictor->outputs()[0].name == "y");
}

TEST_CASE("pair: constants too large for one operator go in parts, and come back whole") {
  Net net;
  Value* x = net.Input("x", {"N", "3"});
  Value* w = net.Noise("w", {3, 5});             // rows of 20 bytes
  Value* one = net.Noise("one", {1, 1, 40}, 2);  // no first dimension to cut
  const std::vector<double> doubles(21, 0.25);
  Value* odd = *net.graph.AddConstantCopy("odd", ElementType::kDouble, {3, 7}, doubles.data());
  net.Output(net.Op("MatMul", {x, w}, "y"));
  net.Output(net.Op("Add", {x, net.Op("ReduceSum", {one}, "sum")}, "z"));
  net.Output(net.Op("Neg", {odd}, "minus"));
  net.graph.simplified = true;
  const float data[] = {1, 2, 3};
  const std::vector<NamedTensor> inputs = {{"x", View(data, {1, 3})}};
  const auto expected = tests::RunNet(net.graph, inputs);
  for (const int64_t limit : {16, 20, 40, 60}) {
    INFO("limit " << limit);
    tests::PairText pair, again;
    tests::RequireOk(graph::wire::WritePair(net.graph, &pair.init, &pair.predict,
                                            {.max_constant_bytes = limit}));
    tests::RequireOk(graph::wire::WritePair(net.graph, &again.init, &again.predict,
                                            {.max_constant_bytes = limit}));
    CHECK(pair.init.text == again.init.text);
    CHECK(pair.predict.text == again.predict.text);
    const auto loaded = tests::TryLoad(pair);
    tests::RequireOk(loaded.status());
    CHECK(tests::RunOnce(*loaded, inputs) == expected);
    Session session(*loaded, {.threads = 1});  // put together once, not in every run
    tests::RequireOk(session.Run(std::span<const NamedTensor>(inputs)));
    for (const StepInfo& step : session.Profile()) CHECK(step.op_type != "Concat");
  }
  tests::PairText pair;
  const Status status =
      graph::wire::WritePair(net.graph, &pair.init, &pair.predict, {.max_constant_bytes = 2});
  CHECK(status.code() == StatusCode::kUnsupported);
}

TEST_CASE("planner: an unknown operator is refused by name") {
  Net net;
  net.Output(net.Caffe2("Frobnicate", {net.Input("x", {"2"})}, "y"));
  const auto pair = tests::WriteText(net.graph);
  const auto predictor = tests::TryLoad(*pair);
  Status status = predictor.status();
  if (predictor.ok()) {
    Session session(*predictor, {.threads = 1});
    status = session.Run({{"x", View(kZeros, {2})}});
  }
  CHECK(status.code() == StatusCode::kUnsupported);
  CHECK(std::string(status.message()) ==
        "Frobnicate 'y': operator type 'Frobnicate' is unknown to this runtime");
}

}  // namespace
}  // namespace doppio
