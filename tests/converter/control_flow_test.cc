// Graphs inside nodes: branches, loops, what they capture, and what is wrong with them.
#include "tests/catch.h"
#include "tests/converter/model_builder.h"

namespace doppio::converter_test {
namespace {

using Floats = std::vector<float>;

onnx::GraphProto* AddGraph(onnx::NodeProto* node, const char* name) {
  onnx::AttributeProto* attribute = node->add_attribute();
  attribute->set_name(name);
  attribute->set_type(onnx::AttributeProto::GRAPH);
  attribute->mutable_g()->set_name(name);
  return attribute->mutable_g();
}

onnx::NodeProto* AddNode(onnx::GraphProto* graph, const char* type,
                         const std::vector<std::string>& inputs, const char* output) {
  onnx::NodeProto* node = graph->add_node();
  node->set_op_type(type);
  for (const std::string& input : inputs) node->add_input(input);
  node->add_output(output);
  return node;
}

// An If whose branches are one node each.
ModelBuilder Branches(const char* then_type, const char* else_type) {
  ModelBuilder model;
  model.Input("x", {3});
  model.Floats("limit", {}, {1});
  model.Node("ReduceMax", {"x"}, {"most"});
  model.Node("Squeeze", {"most"}, {"scalar"});
  model.Node("Greater", {"scalar", "limit"}, {"large"});
  onnx::NodeProto* branch = model.Node("If", {"large"}, {"y"});
  onnx::GraphProto* then_graph = AddGraph(branch, "then_branch");
  AddNode(then_graph, then_type, {"x"}, "t");
  then_graph->add_output()->set_name("t");
  onnx::GraphProto* else_graph = AddGraph(branch, "else_branch");
  AddNode(else_graph, else_type, {"x"}, "e");
  else_graph->add_output()->set_name("e");
  model.Output("y");
  return model;
}

TEST_CASE("If runs the branch that its condition names, with what it captures") {
  const ModelBuilder model = Branches("Neg", "Relu");
  CHECK(ConvertAndRun(model, {1, 2, -3}, {3}).values == Floats{-1, -2, 3});
  CHECK(ConvertAndRun(model, {1, 0.5f, -3}, {3}).values == Floats{1, 0.5f, 0});
}

TEST_CASE("a branch that cannot be converted is named, and so is the node around it") {
  const std::string error = ConvertAndRun(Branches("Neg", "Wobble"), {}, {}).error;
  CHECK(error.find("Wobble 'e' (opset 17): no importer for this operator") != std::string::npos);
  CHECK(error.find("If 'y' (opset 17): nodes inside it cannot be converted") != std::string::npos);
}

// y = x doubled until its sum is at least 100 or `trips` is reached; scan: the sums.
ModelBuilder Doubling(int64_t trips) {
  ModelBuilder model;
  model.Input("x", {2});
  model.Ints("trips", {trips});
  model.Floats("two", {}, {2});
  model.Floats("limit", {}, {100});
  onnx::NodeProto* loop = model.Node("Loop", {"trips", "", "x"}, {"y", "sums"});
  onnx::GraphProto* body = AddGraph(loop, "body");
  for (const char* name : {"i", "go", "v"}) body->add_input()->set_name(name);
  AddNode(body, "Mul", {"v", "two"}, "next");
  onnx::NodeProto* sum = AddNode(body, "ReduceSum", {"next"}, "sum");
  SetInt(sum, "keepdims", 0);
  AddNode(body, "Less", {"sum", "limit"}, "again");
  for (const char* name : {"again", "next", "sum"}) body->add_output()->set_name(name);
  model.Output("sums");
  model.Output("y");
  return model;
}

TEST_CASE("Loop carries values along, stops by condition or count, stacks what it scans") {
  CHECK(ConvertAndRun(Doubling(100), {1, 2}, {2}).values == Floats{6, 12, 24, 48, 96, 192});
  CHECK(ConvertAndRun(Doubling(2), {1, 2}, {2}).values == Floats{6, 12});
  const auto none = ConvertAndRun(Doubling(0), {1, 2}, {2});
  CHECK(none.error == "");
  CHECK(none.values.empty());
}

TEST_CASE("Scan walks its inputs, also backwards") {
  for (const int64_t direction : {0, 1}) {
    ModelBuilder model;
    model.Input("x", {3, 2});
    model.Floats("zero", {2}, {0, 0});
    onnx::NodeProto* scan = model.Node("Scan", {"zero", "x"}, {"total", "y"});
    SetInt(scan, "num_scan_inputs", 1);
    SetInts(scan, "scan_input_directions", {direction});
    onnx::GraphProto* body = AddGraph(scan, "body");
    for (const char* name : {"before", "row"}) body->add_input()->set_name(name);
    AddNode(body, "Add", {"before", "row"}, "after");
    AddNode(body, "Identity", {"after"}, "copy");
    for (const char* name : {"after", "copy"}) body->add_output()->set_name(name);
    model.Output("y");
    model.Output("total");
    const Floats expected =
        direction == 0 ? Floats{1, 2, 4, 6, 9, 12} : Floats{5, 6, 8, 10, 9, 12};
    CHECK(ConvertAndRun(model, {1, 2, 3, 4, 5, 6}, {3, 2}).values == expected);
  }
}

TEST_CASE("a graph in a graph captures through the one between; weights inside are its own") {
  ModelBuilder model;
  model.Input("x", {2});
  model.Floats("w", {2}, {10, 20});
  model.Ints("trips", {3});
  onnx::NodeProto* loop = model.Node("Loop", {"trips", "", "x"}, {"y"});
  onnx::GraphProto* body = AddGraph(loop, "body");
  for (const char* name : {"i", "go", "v"}) body->add_input()->set_name(name);
  AddNode(body, "Identity", {"go"}, "go_on");
  onnx::TensorProto* one = body->add_initializer();
  one->set_name("one");
  one->set_data_type(onnx::TensorProto::INT64);
  one->add_int64_data(1);
  AddNode(body, "Equal", {"i", "one"}, "is_one");
  onnx::NodeProto* branch = AddNode(body, "If", {"is_one"}, "next");
  AddNode(AddGraph(branch, "then_branch"), "Add", {"v", "w"}, "t");
  branch->mutable_attribute(0)->mutable_g()->add_output()->set_name("t");
  AddNode(AddGraph(branch, "else_branch"), "Add", {"v", "x"}, "e");
  branch->mutable_attribute(1)->mutable_g()->add_output()->set_name("e");
  for (const char* name : {"go_on", "next"}) body->add_output()->set_name(name);
  model.Output("y");
  CHECK(ConvertAndRun(model, {1, 2}, {2}).values == Floats{1 + 1 + 10 + 1, 2 + 2 + 20 + 2});
}

TEST_CASE("sequences are built, changed and put together again") {
  ModelBuilder model;
  model.Input("x", {2});
  model.Ints("front", {0});
  model.Ints("last", {-1});
  model.Node("Neg", {"x"}, {"n"});
  model.Node("SequenceConstruct", {"x", "n"}, {"two"});
  model.Node("SequenceAt", {"two", "last"}, {"again"});
  model.Node("SequenceInsert", {"two", "again", "front"}, {"three"});
  SetInt(model.Node("ConcatFromSequence", {"three"}, {"y"}), "axis", 0);
  model.Output("y");
  CHECK(ConvertAndRun(model, {1, 2}, {2}).values == Floats{-1, -2, 1, 2, -1, -2});
  model.Ints("far", {7});
  model.Node("SequenceAt", {"two", "far"}, {"z"});
  model.Output("z");
  CHECK(ConvertAndRun(model, {1, 2}, {2}).error == "SequenceAt 'z': position 7 is outside [-2, 2)");
}

}  // namespace
}  // namespace doppio::converter_test
