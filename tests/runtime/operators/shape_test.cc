#include "tests/runtime/operators/node_case.h"

namespace doppio::tests {
namespace {

const Tensor k2x3 = F({2, 3}, {1, 2, 3, 4, 5, 6});

TEST_CASE("Reshape copies with 0, infers -1, and keeps symbols") {
  NodeCase("", "Reshape")
      .Ints("shape", {0, -1, 1})
      .In(k2x3)
      .Outputs(2)
      .Gives(F({2, 3, 1}, k2x3.values));
  const auto target = [](std::vector<double> sizes) {
    NodeCase node("ai.onnx", "Reshape");
    node.Declared(ElementType::kFloat, {"N", "3", "4"}).In(I(std::move(sizes)));
    return node.Shapes();
  };
  CHECK(target({0, -1}) == "float32[N, 12]");
  CHECK(target({-1, 4}) == "float32[3*N, 4]");
  CHECK(target({-1, 5}).starts_with("float32[floor("));
  CHECK(NodeCase("ai.onnx", "Reshape").In(k2x3).In(I({4, -1})).Shapes() ==
        "Reshape 'n': input 'x0' float32[2, 3] with 6 elements cannot take the shape [4, -1]");
  CHECK(NodeCase("ai.onnx", "Reshape").In(k2x3).In(I({-1, -1})).Shapes() ==
        "Reshape 'n': shape [-1, -1] has -1 twice");
  CHECK(
      NodeCase("ai.onnx", "Reshape").Int("allowzero", 1).In(F({0, 3}, {})).In(I({3, 0})).Shapes() ==
      "float32[3, 0]");
  CHECK(NodeCase("ai.onnx", "Reshape")
            .Declared(ElementType::kFloat, {"N"})
            .Declared(ElementType::kInt64, {"2"})
            .Shapes() == "float32[?, ?]");
}

TEST_CASE("Reshape of Caffe2 tells the sizes before") {
  NodeCase node("", "Reshape");
  node.Ints("shape", {6}).In(k2x3).Outputs(2);
  node.Gives(F({6}, k2x3.values));
  node.Gives(I({2, 3}), 1);
}

TEST_CASE("Flatten, Squeeze, Unsqueeze and ExpandDims count their axes") {
  const auto shape = [](const char* domain, const char* type) {
    NodeCase node(domain, type);
    node.Declared(ElementType::kFloat, {"N", "1", "4", "1"});
    return node;
  };
  CHECK(shape("", "Flatten").Shapes() == "float32[N, 4]");
  CHECK(shape("ai.onnx", "Flatten").Int("axis", -1).Shapes() == "float32[4*N, 1]");
  CHECK(shape("", "FlattenToVec").Shapes() == "float32[4*N]");
  CHECK(shape("", "Squeeze").Ints("dims", {1}).Shapes() == "float32[N, 4, 1]");
  CHECK(shape("ai.onnx", "Squeeze").In(I({-1, 1})).Shapes() == "float32[N, 4]");
  CHECK(shape("ai.onnx", "Unsqueeze").In(I({0, -1})).Shapes() == "float32[1, N, 1, 4, 1, 1]");
  CHECK(shape("", "ExpandDims").Ints("dims", {1}).Shapes() == "float32[N, 1, 1, 4, 1]");
  CHECK(shape("", "Squeeze").Ints("dims", {2}).Shapes() ==
        "Squeeze 'n': dimension 2 of input 'x0' float32[N, 1, 4, 1] is not 1");
  CHECK(shape("", "Squeeze").Ints("dims", {-1}).Shapes() ==
        "Squeeze 'n': argument 'dims' has the negative axis -1");
}

TEST_CASE("Transpose and its kin reorder") {
  NodeCase("", "Transpose").In(k2x3).Gives(F({3, 2}, {1, 4, 2, 5, 3, 6}));
  NodeCase("ai.onnx", "Transpose")
      .Ints("perm", {1, 0})
      .In(k2x3)
      .Gives(F({3, 2}, {1, 4, 2, 5, 3, 6}));
  CHECK(NodeCase("", "NCHW2NHWC").Declared(ElementType::kFloat, {"N", "3", "H", "W"}).Shapes() ==
        "float32[N, H, W, 3]");
  CHECK(NodeCase("", "NHWC2NCHW").Declared(ElementType::kFloat, {"N", "H", "W", "3"}).Shapes() ==
        "float32[N, 3, H, W]");
  NodeCase("", "ChannelShuffle")
      .Int("group", 2)
      .In(F({1, 4, 1, 1}, {1, 2, 3, 4}))
      .Gives(F({1, 4, 1, 1}, {1, 3, 2, 4}));
  NodeCase("ai.onnx", "DepthToSpace")
      .Int("blocksize", 2)
      .In(F({1, 4, 1, 1}, {1, 2, 3, 4}))
      .Gives(F({1, 1, 2, 2}, {1, 2, 3, 4}));
  NodeCase("ai.onnx", "SpaceToDepth")
      .Int("blocksize", 2)
      .In(F({1, 1, 2, 2}, {1, 2, 3, 4}))
      .Gives(F({1, 4, 1, 1}, {1, 2, 3, 4}));
  CHECK(NodeCase("", "Transpose").Ints("axes", {0, 0}).In(k2x3).Shapes() ==
        "Transpose 'n': [0, 0] does not name each of 2 axes once");
}

TEST_CASE("Concat joins and Split cuts") {
  NodeCase concat("", "Concat");
  concat.Int("axis", 1).In(k2x3).In(F({2, 1}, {7, 8})).Outputs(2);
  concat.Gives(F({2, 4}, {1, 2, 3, 7, 4, 5, 6, 8}));
  concat.Gives(Typed(ElementType::kInt32, {2}, {3, 1}), 1);
  NodeCase("", "Concat")
      .Int("axis", 0)
      .Int("add_axis", 1)
      .In(F({2}, {1, 2}))
      .In(F({2}, {3, 4}))
      .Outputs(2)
      .Gives(F({2, 2}, {1, 2, 3, 4}));
  CHECK(NodeCase("ai.onnx", "Concat")
            .Int("axis", 0)
            .Declared(ElementType::kFloat, {"N", "3"})
            .In(k2x3)
            .Shapes() == "float32[N + 2, 3]");
  CHECK(
      NodeCase("ai.onnx", "Concat").Int("axis", 0).In(k2x3).In(F({2, 2}, {1, 2, 3, 4})).Shapes() ==
      "Concat 'n': input 'x0' float32[2, 3] and input 'x1' float32[2, 2] cannot be joined along "
      "axis 0");
  NodeCase split("", "Split");
  split.Int("axis", 1).Ints("split", {1, 2}).In(k2x3).Outputs(2);
  split.Gives(F({2, 1}, {1, 4}));
  split.Gives(F({2, 2}, {2, 3, 5, 6}), 1);
  NodeCase uneven("ai.onnx", "Split");
  uneven.Int("num_outputs", 2).Int("axis", -1).In(k2x3).Outputs(2);
  uneven.Gives(F({2, 2}, {1, 2, 4, 5}));
  uneven.Gives(F({2, 1}, {3, 6}), 1);
  CHECK(NodeCase("ai.onnx", "Split").Int("axis", 1).In(k2x3).In(I({1, 1})).Outputs(2).Shapes() ==
        "Split 'n': the parts have 2 elements along axis 1, input 'x0' float32[2, 3] has 3");
}

TEST_CASE("Slice of ONNX clamps, steps and runs backwards") {
  const auto slice = [](double start, double end, double step) {
    NodeCase node("ai.onnx", "Slice");
    node.In(F({5}, {0, 1, 2, 3, 4})).In(I({start})).In(I({end})).In(I({0})).In(I({step}));
    return node;
  };
  slice(1, 4, 2).Gives(F({2}, {1, 3}));
  slice(-2, 100, 1).Gives(F({2}, {3, 4}));
  slice(-1, -100, -2).Gives(F({3}, {4, 2, 0}));
  slice(4, 1, 1).Gives(F({0}, {}));
  slice(3, 0, -1).Gives(F({3}, {3, 2, 1}));
  CHECK(slice(0, 1, 0).Shapes() == "Slice 'n': a step is 0");
  const auto symbolic = [](double start, double end) {
    NodeCase node("ai.onnx", "Slice");
    node.Declared(ElementType::kFloat, {"N", "H"}).In(I({start})).In(I({end})).In(I({1}));
    return node.Shapes();
  };
  CHECK(symbolic(1, INT32_MAX) == "float32[N, H + -1]");
  CHECK(symbolic(0, -1) == "float32[N, H + -1]");
  CHECK(symbolic(0, INT32_MAX) == "float32[N, H]");
}

TEST_CASE("Slice of Caffe2 counts its ends from one behind the last") {
  NodeCase("", "Slice")
      .Ints("starts", {0, 1})
      .Ints("ends", {-1, -2})
      .In(k2x3)
      .Gives(F({2, 1}, {2, 5}));
  NodeCase("", "Slice")
      .Ints("starts", {0, 1})
      .Ints("ends", {-1, 100})
      .In(k2x3)
      .Gives(F({2, 2}, {2, 3, 5, 6}));
  CHECK(NodeCase("", "Slice").Ints("starts", {0}).Ints("ends", {1}).In(k2x3).Shapes() ==
        "Slice 'n': it has 1 starts and 1 ends for 2 dimensions");
  CHECK(NodeCase("", "Slice").Ints("starts", {0, 2}).Ints("ends", {-1, 1}).In(k2x3).Shapes() ==
        "Slice 'n': along axis 1 it ends before it starts");
}

TEST_CASE("Expand and Tile repeat") {
  NodeCase("ai.onnx", "Expand")
      .In(F({2, 1}, {1, 2}))
      .In(I({1, 3}))
      .Gives(F({2, 3}, {1, 1, 1, 2, 2, 2}));
  NodeCase("", "Expand").In(F({2}, {1, 2})).In(I({2, -1})).Gives(F({2, 2}, {1, 2, 1, 2}));
  NodeCase("ai.onnx", "Tile")
      .In(F({1, 2}, {1, 2}))
      .In(I({2, 2}))
      .Gives(F({2, 4}, {1, 2, 1, 2, 1, 2, 1, 2}));
  NodeCase("", "Tile")
      .Int("tiles", 2)
      .Int("axis", 0)
      .In(F({2}, {1, 2}))
      .Gives(F({4}, {1, 2, 1, 2}));
  CHECK(NodeCase("", "Tile").Int("tiles", 2).Int("axis", -1).In(F({2}, {1, 2})).Shapes() ==
        "Tile 'n': axis -1 is negative");
}

struct PadCase {
  const char* mode;
  std::vector<double> pads, values;
};

TEST_CASE("Pad fills by its mode, however wide") {
  const PadCase cases[] = {
      {"constant", {1, 2}, {0, 1, 2, 3, 0, 0}},
      {"edge", {2, 1}, {1, 1, 1, 2, 3, 3}},
      {"reflect", {2, 2}, {3, 2, 1, 2, 3, 2, 1}},
      {"reflect", {5, 0}, {2, 1, 2, 3, 2, 1, 2, 3}},
      {"wrap", {2, 4}, {2, 3, 1, 2, 3, 1, 2, 3, 1}},
      {"constant", {-1, 1}, {2, 3, 0}},
      {"edge", {-1, 1}, {2, 3, 3}},
  };
  for (const PadCase& row : cases) {
    INFO(row.mode);
    NodeCase("ai.onnx", "Pad")
        .Str("mode", row.mode)
        .In(F({3}, {1, 2, 3}))
        .In(I(row.pads))
        .Gives(F(Dims({static_cast<int64_t>(row.values.size())}), row.values));
  }
  NodeCase("ai.onnx", "Pad")
      .Str("mode", "reflect")
      .In(F({2, 2}, {1, 2, 3, 4}))
      .In(I({1, 1}))
      .Missing()
      .In(I({-1}))
      .Gives(F({2, 4}, {2, 1, 2, 1, 4, 3, 4, 3}));
  NodeCase("ai.onnx", "Pad")
      .In(F({1, 1}, {1}))
      .In(I({1, 0, 0, 1}))
      .In(F({}, {9}))
      .Gives(F({2, 2}, {9, 9, 1, 9}));
  NodeCase("", "PadImage")
      .Int("pad", 1)
      .Float("value", 7)
      .In(F({1, 1, 1, 1}, {1}))
      .Gives(F({1, 1, 3, 3}, {7, 7, 7, 7, 1, 7, 7, 7, 7}));
}

TEST_CASE("fills, ranges and casts") {
  NodeCase("", "ConstantFill").Ints("shape", {2}).Float("value", 3).Gives(F({2}, {3, 3}));
  NodeCase("", "ConstantFill").Int("value", 3).Int("input_as_shape", 1).In(I({2})).Gives(I({3, 3}));
  NodeCase("ai.onnx", "ConstantOfShape").In(I({1, 2})).Gives(F({1, 2}, {0, 0}));
  NodeCase("", "Range").In(I({}, {3})).Gives(I({0, 1, 2}));
  NodeCase("ai.onnx", "Range")
      .In(F({}, {1}))
      .In(F({}, {2}))
      .In(F({}, {0.5}))
      .Gives(F({2}, {1, 1.5}));
  NodeCase("ai.onnx", "Range").In(I({}, {5})).In(I({}, {0})).In(I({}, {-2})).Gives(I({5, 3, 1}));
  NodeCase("ai.onnx", "EyeLike")
      .Int("k", 1)
      .In(F({2, 3}, {0, 0, 0, 0, 0, 0}))
      .Gives(F({2, 3}, {0, 1, 0, 0, 0, 1}));
  NodeCase("", "Cast")
      .Int("to", 2)
      .In(F({2}, {1.9, -1.9}))
      .Gives(Typed(ElementType::kInt32, {2}, {1, -1}));
  NodeCase("", "Cast").Str("to", "int64").In(F({1}, {1.9})).Gives(I({1}));
  NodeCase("ai.onnx", "Cast").Int("to", 9).In(F({2}, {0, 2})).Gives(B({2}, {0, 1}));
  NodeCase("ai.onnx", "CastLike").In(F({1}, {2})).In(I({1})).Gives(I({2}));
  CHECK(NodeCase("", "Cast").Int("to", 3).In(F({1}, {1})).Shapes() ==
        "Cast 'n': argument 'to' is 3, no type that can be made");
}

TEST_CASE("copies and dropout pass their input on") {
  NodeCase("", "Copy").In(k2x3).Gives(k2x3);
  NodeCase dropout("", "Dropout");
  dropout.Int("is_test", 1).In(F({2}, {1, 2})).Outputs(2);
  dropout.Gives(F({2}, {1, 2}));
  dropout.Gives(B({2}, {1, 1}), 1);
  CHECK(NodeCase("", "Dropout").In(k2x3).Shapes() ==
        "Dropout 'n': in its training form (is_test is 0) it has a mask and takes float32");
}

TEST_CASE("the content of integers is followed through shape arithmetic") {
  NodeCase shape("", "Shape");
  CHECK(shape.Declared(ElementType::kFloat, {"N", "3", "H"}).Content() == "N 3 H");
  CHECK(NodeCase("ai.onnx", "Shape")
            .Int("start", -2)
            .Declared(ElementType::kFloat, {"N", "3", "H"})
            .Content() == "3 H");
  CHECK(NodeCase("ai.onnx", "Size").Declared(ElementType::kFloat, {"N", "3"}).Content() == "3*N");
  CHECK(NodeCase("ai.onnx", "Gather").In(I({4, 5, 6})).In(I({}, {-1})).Content() == "6");
  CHECK(NodeCase("ai.onnx", "Concat").Int("axis", 0).In(I({4})).In(I({5, 6})).Content() == "4 5 6");
  CHECK(NodeCase("ai.onnx", "Slice").In(I({4, 5, 6})).In(I({1})).In(I({3})).Content() == "5 6");
  CHECK(NodeCase("ai.onnx", "Div").In(I({-7, 7})).In(I({}, {2})).Content() == "-3 3");
  CHECK(NodeCase("ai.onnx", "Equal").In(I({1, 2})).In(I({}, {2})).Content() == "0 1");
  CHECK(NodeCase("ai.onnx", "ReduceProd").Int("keepdims", 0).In(I({4, 5})).Content() == "20");
  CHECK(NodeCase("ai.onnx", "Cast").Int("to", 6).In(I({4, 5})).Content() == "4 5");
  CHECK(NodeCase("ai.onnx", "Cast").Int("to", 1).In(I({4, 5})).Content() == "-");
  CHECK(NodeCase("ai.onnx", "Add")
            .In(Typed(ElementType::kInt32, {1}, {INT32_MAX}))
            .In(Typed(ElementType::kInt32, {1}, {1}))
            .Content() == "?");
}

// Shape -> Gather -> Concat -> Reshape, as exporters write x.view(x.size(0), -1).
TEST_CASE("a reshape by the batch size keeps the symbol") {
  graph::Graph graph;
  graph::Value* x = *graph.AddInput("x");
  x->declared.type = ElementType::kFloat;
  x->declared.has_shape = true;
  REQUIRE(x->declared.dims.Append(graph.symbols().Symbol("N")).ok());
  REQUIRE(x->declared.dims.Append(graph::Dim(4)).ok());
  REQUIRE(x->declared.dims.Append(graph::Dim(5)).ok());
  const int64_t zero = 0, rest = -1;
  graph::Value* index = *graph.AddConstantCopy("i", ElementType::kInt64, {1}, &zero);
  graph::Value* minus = *graph.AddConstantCopy("m", ElementType::kInt64, {1}, &rest);
  const auto add = [&graph](const char* type, std::initializer_list<graph::Value*> inputs) {
    graph::Node* node = *graph.AddNode(type, "ai.onnx");
    for (graph::Value* input : inputs) REQUIRE(graph.AddInputTo(node, input).ok());
    graph::Value* output = *graph.AddOutputTo(node, type);
    if (std::string_view(type) == "Concat") REQUIRE(graph.SetArg(node, "axis", int64_t{0}).ok());
    return output;
  };
  graph::Value* sizes = add("Shape", {x});
  graph::Value* batch = add("Gather", {sizes, index});
  graph::Value* target = add("Concat", {batch, minus});
  graph::Value* y = add("Reshape", {x, target});
  operators::FactsTable facts;
  REQUIRE(operators::InferGraph(graph, &facts).ok());
  CHECK(operators::FactsText(facts[y->id], graph.symbols()) == "float32[N, 20]");
}

}  // namespace
}  // namespace doppio::tests
