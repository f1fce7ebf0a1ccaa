// Passes one by one: the graph before and after, twice, and the same numbers either way.
#include "runtime/passes/pass.h"
#include "tests/runtime/net.h"

namespace doppio::passes {
namespace {

using graph::Node;
using graph::Value;
using tests::Net;
using tests::RequireOk;

std::string Types(const graph::Graph& graph) {
  std::string text;
  for (const Node* node = graph.first(); node != nullptr; node = node->next) {
    if (!text.empty()) text += ' ';
    text += node->type;
  }
  return text;
}

const Pass& PassOf(std::string_view name) {
  for (const Pass& pass : AllPasses()) {
    if (pass.name == name) return pass;
  }
  FAIL("no pass " << name);
  return AllPasses()[0];
}

// Runs one pass; returns its changes.
int64_t RunPass(Net* net, std::string_view name) {
  PassContext context;
  RequireOk(PassOf(name).run(net->graph, context));
  return context.changes;
}

// The net gives the same numbers before and after the pass, which makes `changes` changes and none
// the second time.
void Check(Net* net, std::string_view pass, int64_t changes, const std::vector<NamedTensor>& inputs,
           double tolerance = 1e-5) {
  PredictorOptions plain;
  plain.engine = "reference";
  plain.optimize = false;
  const auto before = tests::RunNet(net->graph, inputs, plain);
  CHECK(RunPass(net, pass) == changes);
  CHECK(RunPass(net, pass) == 0);
  const auto after = tests::RunNet(net->graph, inputs, plain);
  tests::RequireClose(after, before, tolerance);
  plain.optimize = true;
  tests::RequireClose(tests::RunNet(net->graph, inputs, plain), before, tolerance);
}

struct Data {
  explicit Data(const Dims& sizes, uint32_t seed = 3)
      : dims(sizes), values(Net::MakeNoise(ElementCount(sizes), seed)) {}
  NamedTensor As(std::string_view name) const { return {name, View(values.data(), dims)}; }
  Dims dims;
  std::vector<float> values;
};

TEST_CASE("drop_identities: copies of all kinds go, and the outputs keep their names") {
  Net net;
  Value* x = net.Input("x", {"2", "3"});
  Value* a = net.Op("Identity", {x}, "a");
  Value* b = net.Caffe2("Copy", {a}, "b");
  Value* c = net.Op("Relu", {b}, "c");
  net.Output(net.Caffe2("Dropout", {c}, "y", {{"is_test", int64_t{1}}}));
  const Data data({2, 3});
  Check(&net, "drop_identities", 3, {data.As("x")});
  CHECK(Types(net.graph) == "Relu");
  CHECK(net.graph.outputs()[0].name == "y");
}

TEST_CASE("drop_identities: a Dropout whose mask is read stays") {
  Net net;
  Value* x = net.Input("x", {"4"});
  Node* dropout = net.Node("", "Dropout", {x}, {"y", "mask"}, {{"is_test", int64_t{1}}});
  net.Output(dropout->outputs[0]);
  net.Output(dropout->outputs[1]);
  const Data data({4});
  Check(&net, "drop_identities", 0, {data.As("x")});
}

TEST_CASE("drop_identities: an output that is an input is copied") {
  Net net;
  net.Output(net.Op("Identity", {net.Input("x", {"3"})}, "y"));
  const Data data({3});
  Check(&net, "drop_identities", 1, {data.As("x")});
  CHECK(Types(net.graph).empty());
}

TEST_CASE("fold_constants: what follows from constants is computed once") {
  Net net;
  Value* x = net.Input("x", {"2"});
  Value* sum = net.Op("Add", {net.Floats("a", {2}, {1, 2}), net.Floats("b", {2}, {3, 5})}, "sum");
  net.Output(net.Op("Mul", {x, net.Op("Neg", {sum}, "negative")}, "y"));
  const Data data({2});
  Check(&net, "fold_constants", 2, {data.As("x")});
  CHECK(Types(net.graph) == "Mul");
  const Value* folded = net.graph.first()->input(1);
  REQUIRE(folded->is_constant);
  CHECK(folded->constant.as<float>()[0] == -4.0f);
  CHECK(folded->constant.as<float>()[1] == -7.0f);
}

TEST_CASE("fold_constants: a constant that would blow up stays a node") {
  Net net;
  Value* big = net.Op("Expand", {net.Floats("one", {1}, {1}), net.Ints("sizes", {1 << 20})}, "big");
  net.Output(net.Op("ReduceMax", {net.Op("Add", {net.Input("x", {"1"}), big}, "sum")}, "y"));
  const Data data({1});
  Check(&net, "fold_constants", 0, {data.As("x")});
}

TEST_CASE("fold_constants: what cannot be computed stays and says why when it runs") {
  Net net;
  Value* gathered = net.Op("Gather", {net.Floats("w", {2}, {1, 2}), net.Ints("i", {7})}, "g");
  net.Output(net.Op("Add", {net.Input("x", {"1"}), gathered}, "y"));
  CHECK(RunPass(&net, "fold_constants") == 0);
  CHECK(Types(net.graph) == "Gather Add");
}

TEST_CASE("fold_shapes: the shape arithmetic of a flattening goes") {
  Net net;
  Value* x = net.Input("x", {"N", "3", "2"});
  Value* shape = net.Op("Shape", {x}, "shape");
  Value* n = net.Op("Gather", {shape, net.Ints("zero", {0})}, "n");
  Value* target = net.Op("Concat", {n, net.Ints("rest", {-1})}, "target", {{"axis", int64_t{0}}});
  net.Output(net.Op("Reshape", {x, target}, "y"));
  const Data data({4, 3, 2});
  Check(&net, "fold_shapes", 1, {data.As("x")});
  const Value* constant = net.graph.last()->input(1);
  REQUIRE(constant->is_constant);
  REQUIRE(constant->constant.count == 2);
  CHECK(constant->constant.as<int64_t>()[0] == 0);
  CHECK(constant->constant.as<int64_t>()[1] == -1);
  RunPass(&net, "drop_dead_nodes");
  CHECK(Types(net.graph) == "Reshape");
}

TEST_CASE("fold_shapes: with fixed sizes every node of known integers becomes a constant") {
  Net net;
  Value* x = net.Input("x", {"5", "2"});
  net.Output(net.Op("Shape", {x}, "shape"));
  net.Output(net.Op("Relu", {x}, "y"));
  const Data data({5, 2});
  Check(&net, "fold_shapes", 1, {data.As("x")});
  CHECK(Types(net.graph) == "Relu");
}

// x -> Conv (bias or not) -> BatchNormalization.
void BuildConvNorm(Net* net, bool bias, bool second_reader) {
  Value* x = net->Input("x", {"N", "3", "6", "5"});
  Value* w = net->Noise("w", {4, 3, 3, 3});
  Value* conv = bias ? net->Op("Conv", {x, w, net->Noise("b", {4}, 2)}, "conv")
                     : net->Op("Conv", {x, w}, "conv");
  Value* norm = net->Op("BatchNormalization",
                        {conv, net->Noise("scale", {4}, 3), net->Noise("shift", {4}, 4),
                         net->Noise("mean", {4}, 5), net->Floats("var", {4}, {0.5f, 1, 2, 3})},
                        "norm", {{"epsilon", 1e-3f}});
  net->Output(norm);
  if (second_reader) net->Output(net->Op("Relu", {conv}, "relu"));
}

TEST_CASE("fold_batch_norm: a normalisation goes into the convolution before it") {
  for (const bool bias : {false, true}) {
    Net net;
    BuildConvNorm(&net, bias, false);
    const Data data({2, 3, 6, 5});
    Check(&net, "fold_batch_norm", 1, {data.As("x")});
    CHECK(Types(net.graph) == "Conv");
    CHECK(net.graph.first()->inputs.size() == 3);
    CHECK(net.graph.first()->outputs[0]->name == "norm");
    CHECK(net.graph.arg("recipe.w") != nullptr);
  }
}

TEST_CASE("fold_batch_norm: not when somebody else reads the convolution") {
  Net net;
  BuildConvNorm(&net, true, true);
  const Data data({1, 3, 6, 5});
  Check(&net, "fold_batch_norm", 0, {data.As("x")});
}

TEST_CASE("fold_batch_norm: a transposed convolution scales its second dimension") {
  Net net;
  Value* conv =
      net.Op("ConvTranspose", {net.Input("x", {"1", "3", "4", "4"}), net.Noise("w", {3, 2, 3, 3})},
             "conv", {{"strides", std::vector<int64_t>{2, 2}}});
  net.Output(net.Caffe2("SpatialBN",
                        {conv, net.Noise("s", {2}, 3), net.Noise("b", {2}, 4),
                         net.Noise("m", {2}, 5), net.Floats("v", {2}, {0.5f, 2})},
                        "y", {{"is_test", int64_t{1}}}));
  const Data data({1, 3, 4, 4});
  Check(&net, "fold_batch_norm", 1, {data.As("x")});
}

TEST_CASE("fold_batch_norm: not where a product's last dimension is not the channel") {
  Net net;
  Value* product = net.Caffe2(
      "FC", {net.Input("x", {"2", "3", "4"}), net.Noise("w", {3, 4}), net.Noise("b", {3})},
      "product", {{"axis", int64_t{2}}});
  net.Output(net.Op("BatchNormalization",
                    {product, net.Noise("s", {3}, 3), net.Noise("t", {3}, 4),
                     net.Noise("m", {3}, 5), net.Floats("v", {3}, {0.5f, 2, 1})},
                    "y"));
  const Data data({2, 3, 4});
  Check(&net, "fold_batch_norm", 0, {data.As("x")});
}

TEST_CASE("fold_bias: an addition of one value a channel becomes the bias") {
  for (const Dims& dims : {Dims{4, 1, 1}, Dims{1, 4, 1, 1}}) {
    Net net;
    Value* conv =
        net.Op("Conv", {net.Input("x", {"1", "3", "5", "5"}), net.Noise("w", {4, 3, 3, 3})}, "c");
    net.Output(net.Op("Add", {net.Noise("b", dims, 2), conv}, "y"));
    const Data data({1, 3, 5, 5});
    Check(&net, "fold_bias", 1, {data.As("x")});
    CHECK(Types(net.graph) == "Conv");
    CHECK(net.graph.first()->input(2)->constant.dims == Dims{4});
  }
}

TEST_CASE("fold_bias: not when the addition broadcasts over another dimension") {
  Net net;
  Value* conv =
      net.Op("Conv", {net.Input("x", {"1", "3", "4", "4"}), net.Noise("w", {4, 3, 1, 1})}, "c");
  net.Output(net.Op("Add", {conv, net.Noise("b", {4}, 2)}, "y"));  // along the width
  const Data data({1, 3, 4, 4});
  Check(&net, "fold_bias", 0, {data.As("x")});
}

TEST_CASE("fold_bias: a product with a constant matrix takes a bias") {
  Net net;
  Value* product =
      net.Op("MatMul", {net.Input("x", {"2", "N", "4"}), net.Noise("w", {4, 5})}, "product");
  net.Output(net.Op("Add", {product, net.Noise("b", {5}, 2)}, "y"));
  const Data data({2, 3, 4});
  Check(&net, "fold_bias", 1, {data.As("x")});
  CHECK(Types(net.graph) == "FCTransposed");
}

TEST_CASE("fuse_activations: x sigmoid(x) is one node") {
  Net net;
  Value* x = net.Input("x", {"2", "5"});
  net.Output(net.Op("Mul", {net.Op("Sigmoid", {x}, "s"), x}, "y"));
  const Data data({2, 5});
  Check(&net, "fuse_activations", 1, {data.As("x")});
  RunPass(&net, "drop_dead_nodes");
  CHECK(Types(net.graph) == "Swish");
}

TEST_CASE("fuse_activations: not when the sigmoid is read elsewhere") {
  Net net;
  Value* x = net.Input("x", {"2", "5"});
  Value* s = net.Op("Sigmoid", {x}, "s");
  net.Output(net.Op("Mul", {s, x}, "y"));
  net.Output(s);
  const Data data({2, 5});
  Check(&net, "fuse_activations", 0, {data.As("x")});
}

TEST_CASE("fuse_activations: x sigmoid(x) in double keeps working") {
  Net net;
  Value* x = net.Input("x", {"3"}, ElementType::kDouble);
  net.Output(net.Op("Mul", {net.Op("Sigmoid", {x}, "s"), x}, "y"));
  const double values[] = {-1, 0.5, 2};
  PredictorOptions plain;
  plain.optimize = false;
  const std::vector<NamedTensor> inputs = {{"x", View(values, {3})}};
  const auto before = tests::RunNet(net.graph, inputs, plain);
  const auto after = tests::RunNet(net.graph, inputs);
  REQUIRE(after[0].dims == before[0].dims);
  for (size_t i = 0; i < 3; ++i) {
    CHECK(after[0].As<double>()[i] == Approx(before[0].As<double>()[i]));
  }
}

TEST_CASE("fuse_activations: both spellings of a hard swish are one node") {
  for (const bool spelled : {false, true}) {
    Net net;
    Value* x = net.Input("x", {"2", "7"});
    Value* gate = nullptr;
    if (spelled) {
      Value* shifted = net.Op("Add", {x, net.Floats("three", {}, {3})}, "shifted");
      Value* clipped = net.Op(
          "Clip", {shifted, net.Floats("low", {}, {0}), net.Floats("high", {}, {6})}, "clipped");
      gate = net.Op("Div", {clipped, net.Floats("six", {}, {6})}, "gate");
    } else {
      gate = net.Op("HardSigmoid", {x}, "gate", {{"alpha", 1.0f / 6}, {"beta", 0.5f}});
    }
    net.Output(net.Op("Mul", {x, gate}, "y"));
    Data data({2, 7});
    for (float& value : data.values) value *= 5;
    Check(&net, "fuse_activations", 1, {data.As("x")});
    RunPass(&net, "drop_dead_nodes");
    CHECK(Types(net.graph) == "HardSwish");
  }
}

TEST_CASE("fuse_activations: a scalar of several dimensions that adds a dimension is left alone") {
  Net net;
  Value* x = net.Input("x", {"4"});
  Value* shifted = net.Op("Add", {x, net.Floats("three", {1, 1}, {3})}, "shifted");
  Value* clipped =
      net.Op("Clip", {shifted, net.Floats("low", {}, {0}), net.Floats("high", {}, {6})}, "clipped");
  Value* gate = net.Op("Div", {clipped, net.Floats("six", {}, {6})}, "gate");
  net.Output(net.Op("Mul", {x, gate}, "y"));
  const Data data({4});
  Check(&net, "fuse_activations", 0, {data.As("x")});
}

TEST_CASE("fuse_activations: every grouping of GELU is one node") {
  for (int grouping = 0; grouping < 3; ++grouping) {
    Net net;
    Value* x = net.Input("x", {"3", "4"});
    Value* root = net.Floats("root", {}, {1.41421356f});
    Value* half = net.Floats("half", {}, {0.5f});
    Value* erf = net.Op("Erf", {net.Op("Div", {x, root}, "scaled")}, "erf");
    Value* one = net.Op("Add", {erf, net.Floats("one", {}, {1})}, "one_plus");
    Value* y = nullptr;
    if (grouping == 0) y = net.Op("Mul", {net.Op("Mul", {x, one}, "product"), half}, "y");
    if (grouping == 1) y = net.Op("Mul", {net.Op("Mul", {x, half}, "product"), one}, "y");
    if (grouping == 2) y = net.Op("Mul", {x, net.Op("Mul", {half, one}, "product")}, "y");
    net.Output(y);
    const Data data({3, 4});
    INFO("grouping " << grouping);
    Check(&net, "fuse_activations", 1, {data.As("x")});
    RunPass(&net, "drop_dead_nodes");
    CHECK(Types(net.graph) == "Gelu");
  }
}

void BuildShuffle(Net* net, std::vector<int64_t> perm) {
  Value* x = net->Input("x", {"2", "6", "3", "3"});
  Value* split = net->Op("Reshape", {x, net->Ints("a", {2, 3, 2, 3, 3})}, "split");
  Value* swapped = net->Op("Transpose", {split}, "swapped", {{"perm", std::move(perm)}});
  net->Output(net->Op("Reshape", {swapped, net->Ints("b", {2, 6, 3, 3})}, "y"));
}

TEST_CASE("fuse_channel_shuffle: the three nodes become one") {
  Net net;
  BuildShuffle(&net, {0, 2, 1, 3, 4});
  const Data data({2, 6, 3, 3});
  Check(&net, "fuse_channel_shuffle", 1, {data.As("x")}, 0);
  RunPass(&net, "drop_dead_nodes");
  CHECK(Types(net.graph) == "ChannelShuffle");
}

TEST_CASE("fuse_channel_shuffle: not for another transposition") {
  Net net;
  BuildShuffle(&net, {0, 2, 1, 4, 3});
  const Data data({2, 6, 3, 3});
  Check(&net, "fuse_channel_shuffle", 0, {data.As("x")}, 0);
}

TEST_CASE("fuse_channel_shuffle: not when the old shape of the last reshape is read") {
  Net net;
  Value* x = net.Input("x", {"2", "6", "3", "3"});
  Value* split = net.Op("Reshape", {x, net.Ints("a", {2, 3, 2, 3, 3})}, "split");
  Value* swapped =
      net.Op("Transpose", {split}, "swapped", {{"perm", std::vector<int64_t>{0, 2, 1, 3, 4}}});
  Node* join = net.Node("", "Reshape", {swapped}, {"y", "old"},
                        {{"shape", std::vector<int64_t>{2, 6, 3, 3}}});
  net.Output(join->outputs[0]);
  net.Output(join->outputs[1]);
  const Data data({2, 6, 3, 3});
  Check(&net, "fuse_channel_shuffle", 0, {data.As("x")}, 0);
}

TEST_CASE("drop_dead_nodes: chains that end nowhere go, back to front") {
  Net net;
  Value* x = net.Input("x", {"3"});
  net.Op("Exp", {net.Op("Neg", {x}, "dead1")}, "dead2");
  net.Output(net.Op("Relu", {x}, "y"));
  const Data data({3});
  Check(&net, "drop_dead_nodes", 2, {data.As("x")});
  CHECK(Types(net.graph) == "Relu");
}

TEST_CASE("simplify: a pass that is switched off does nothing, the others work") {
  Net net;
  Value* x = net.Input("x", {"3"});
  net.Output(net.Op("Relu", {net.Op("Identity", {x}, "same")}, "y"));
  const std::string_view disabled[] = {"drop_identities"};
  PassReport report;
  RequireOk(Simplify(net.graph, disabled, &report));
  CHECK(Types(net.graph) == "Identity Relu");
  CHECK(net.graph.simplified);
  RequireOk(Simplify(net.graph, {}, &report));
  CHECK(Types(net.graph) == "Relu");
  CHECK(report.changes[0] == 1);
}

TEST_CASE("simplify: an unknown pass is named, with all that there are") {
  Net net;
  const std::string_view disabled[] = {"fold_everything"};
  const Status status = Simplify(net.graph, disabled, nullptr);
  CHECK(status.code() == StatusCode::kInvalidArgument);
  CHECK(std::string(status.message()) ==
        "there is no pass 'fold_everything'; there are drop_identities, fold_constants, "
        "fold_shapes, fold_batch_norm, fold_bias, fuse_activations, fuse_channel_shuffle, "
        "drop_dead_nodes");
}

}  // namespace
}  // namespace doppio::passes
