// Memory that is used again must never be memory that somebody still reads.
#include "tests/runtime/net.h"

namespace doppio {
namespace {

using graph::Value;
using tests::Net;

// The planned net equals itself on plain loops without passes, run twice in one Session.
void Check(const Net& net, const Dims& dims) {
  const std::vector<float> x = Net::MakeNoise(ElementCount(dims), 11);
  const std::vector<NamedTensor> inputs = {{"x", View(x.data(), dims)}};
  PredictorOptions plain;
  plain.engine = "reference";
  plain.optimize = false;
  // Every blob as an output: then nothing is fused and hardly anything reused.
  for (const graph::Node* node = net.graph.first(); node != nullptr; node = node->next) {
    for (const Value* output : node->outputs) plain.extra_outputs.emplace_back(output->name);
  }
  auto expected = tests::RunNet(net.graph, inputs, plain);
  expected.resize(net.graph.outputs().size());
  for (const char* engine : {"reference", "auto"}) {
    for (const bool optimize : {false, true}) {
      PredictorOptions options;
      options.engine = engine;
      options.optimize = optimize;
      INFO("engine " << engine << ", optimize " << optimize);
      const tests::LoadedNet loaded = tests::LoadNet(net.graph, options);
      Session session(loaded.predictor, {.threads = 2});
      for (int run = 0; run < 2; ++run) {
        tests::RequireOk(session.Run(std::span<const NamedTensor>(inputs)));
        tests::RequireClose(tests::OutcomesOf(session), expected, 1e-4);
      }
    }
  }
}

TEST_CASE("reuse: an activation of a value that is read later works on other memory") {
  Net net;
  Value* x = net.Input("x", {"2", "3"});
  Value* a = net.Op("Exp", {x}, "a");
  Value* b = net.Op("Neg", {a}, "b");
  Value* c = net.Op("Tanh", {b}, "c");
  net.Output(net.Op("Add", {c, a}, "y"));
  Check(net, {2, 3});
}

TEST_CASE("reuse: a value that is also an output keeps its content") {
  Net net;
  Value* x = net.Input("x", {"5"});
  Value* a = net.Op("Exp", {x}, "a");
  net.Output(a);
  net.Output(net.Op("Neg", {net.Op("Sqrt", {a}, "b")}, "y"));
  net.Output(a);
  Check(net, {5});
}

TEST_CASE("reuse: an input that is used twice by one node") {
  Net net;
  Value* x = net.Input("x", {"4", "4"});
  Value* a = net.Op("Exp", {x}, "a");
  Value* b = net.Op("Mul", {a, a}, "b");
  net.Output(net.Op("Sub", {b, net.Op("MatMul", {b, b}, "c")}, "y"));
  Check(net, {4, 4});
}

TEST_CASE("reuse: views of one memory do not write over one another") {
  Net net;
  Value* x = net.Input("x", {"4", "6"});
  Value* a = net.Op("Exp", {x}, "a");
  Value* view = net.Op("Reshape", {a, net.Ints("shape", {6, 4})}, "view");
  Value* negative = net.Op("Neg", {view}, "negative");
  Value* back = net.Op("Reshape", {negative, net.Ints("shape2", {4, 6})}, "back");
  net.Output(net.Op("Add", {back, a}, "y"));
  Check(net, {4, 6});
}

TEST_CASE("reuse: halves of a split do not write over one another") {
  Net net;
  Value* x = net.Input("x", {"4", "6"});
  Value* a = net.Op("Exp", {x}, "a");
  graph::Node* split = net.Node("ai.onnx", "Split", {a}, {"s0", "s1"},
                                {{"axis", int64_t{0}}, {"num_outputs", int64_t{2}}});
  Value* left = net.Op("Neg", {split->outputs[0]}, "left");
  Value* right = net.Op("Relu", {split->outputs[1]}, "right");
  Value* sum = net.Op("Add", {left, right}, "sum");
  net.Output(net.Op("Concat", {sum, split->outputs[1]}, "y", {{"axis", int64_t{1}}}));
  Check(net, {4, 6});
}

// The row-major copy of a map is made once: who views it must not work in place on it while others
// will read it again.
TEST_CASE("reuse: the row-major copy of a map stays whole while it is read") {
  Net net;
  Value* x = net.Input("x", {"1", "3", "5", "5"});
  Value* map = net.Op("Conv", {x, net.Noise("w", {4, 3, 3, 3})}, "map");
  Value* first = net.Op("Reshape", {map, net.Ints("flat1", {1, 36})}, "first");
  Value* changed = net.Op("Exp", {first}, "changed");
  Value* second = net.Op("Reshape", {map, net.Ints("flat2", {1, 36})}, "second");
  net.Output(net.Op("Sub", {changed, second}, "y"));
  Check(net, {1, 3, 5, 5});
}

TEST_CASE("reuse: a result that nobody reads behind a convolution") {
  Net net;
  Value* x = net.Input("x", {"1", "3", "5", "5"});
  net.Op("Relu", {net.Op("Conv", {x, net.Noise("w", {4, 3, 3, 3})}, "conv")}, "unread");
  net.Output(net.Op("Neg", {x}, "y"));
  PredictorOptions options;
  options.optimize = false;
  const std::vector<float> data = Net::MakeNoise(75, 2);
  const auto outcomes = tests::RunNet(net.graph, {{"x", View(data.data(), {1, 3, 5, 5})}}, options);
  CHECK(outcomes[0].As<float>()[7] == -data[7]);
}

TEST_CASE("reuse: a residual branch that is read by both sides") {
  Net net;
  Value* x = net.Input("x", {"1", "4", "6", "6"});
  Value* a = net.Op("Conv", {x, net.Noise("w1", {4, 4, 1, 1})}, "a");
  Value* r = net.Op("Relu", {a}, "r");
  Value* b = net.Op("Conv", {r, net.Noise("w2", {4, 4, 1, 1}, 5)}, "b");
  Value* sum = net.Op("Add", {r, b}, "sum");
  Value* out = net.Op("Relu", {sum}, "out");
  net.Output(net.Op("Mul", {out, net.Op("Sigmoid", {r}, "gate")}, "y"));
  Check(net, {1, 4, 6, 6});
}

TEST_CASE("reuse: the same blob is two outputs, and an input is an output") {
  Net net;
  Value* x = net.Input("x", {"3"});
  Value* y = net.Op("Neg", {x}, "y");
  net.Output(y);
  tests::RequireOk(net.graph.AddOutput(y, "again"));
  tests::RequireOk(net.graph.AddOutput(x, "same"));
  const float data[] = {1, -2, 3};
  const auto outcomes = tests::RunNet(net.graph, {{"x", View(data, {3})}});
  REQUIRE(outcomes.size() == 3);
  CHECK(outcomes[0].As<float>() == std::vector<float>{-1, 2, -3});
  CHECK(outcomes[1].bytes == outcomes[0].bytes);
  CHECK(outcomes[2].As<float>() == std::vector<float>{1, -2, 3});
}

}  // namespace
}  // namespace doppio
