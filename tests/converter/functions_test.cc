// Local functions are inlined: nested calls, attributes, overloads, optional inputs.
#include "tests/catch.h"
#include "tests/converter/model_builder.h"

namespace doppio::converter_test {
namespace {

using Floats = std::vector<float>;

onnx::FunctionProto* AddFunction(ModelBuilder* model, const std::string& name,
                                 const std::vector<std::string>& inputs,
                                 const std::string& output) {
  onnx::FunctionProto* function = model->model.add_functions();
  function->set_name(name);
  function->set_domain("local");
  for (const std::string& input : inputs) function->add_input(input);
  function->add_output(output);
  function->add_opset_import()->set_version(17);
  return function;
}

onnx::NodeProto* AddNode(onnx::FunctionProto* function, const std::string& type,
                         const std::vector<std::string>& inputs, const std::string& output) {
  onnx::NodeProto* node = function->add_node();
  node->set_op_type(type);
  for (const std::string& input : inputs) node->add_input(input);
  node->add_output(output);
  return node;
}

onnx::NodeProto* Call(ModelBuilder* model, const std::string& name,
                      const std::vector<std::string>& inputs, const std::string& output) {
  onnx::NodeProto* node = model->Node(name, inputs, {output});
  node->set_domain("local");
  return node;
}

TEST_CASE("a function calls another; names inside do not clash") {
  ModelBuilder model;
  model.Input("x", {2});
  onnx::FunctionProto* twice = AddFunction(&model, "Twice", {"a"}, "r");
  AddNode(twice, "Add", {"a", "a"}, "r");
  onnx::FunctionProto* four = AddFunction(&model, "FourTimes", {"a"}, "r");
  AddNode(four, "Twice", {"a"}, "t")->set_domain("local");
  AddNode(four, "Twice", {"t"}, "r")->set_domain("local");
  Call(&model, "FourTimes", {"x"}, "t");
  Call(&model, "FourTimes", {"t"}, "y");
  model.Output("y");
  CHECK(ConvertAndRun(model, {1, -1}, {2}).values == Floats{16, -16});
}

TEST_CASE("a function's attributes come from the call, else from their defaults") {
  ModelBuilder model;
  model.Input("x", {2});
  onnx::FunctionProto* leaky = AddFunction(&model, "Leaky", {"a"}, "r");
  onnx::AttributeProto* fallback = leaky->add_attribute_proto();
  fallback->set_name("slope");
  fallback->set_type(onnx::AttributeProto::FLOAT);
  fallback->set_f(0.5f);
  onnx::AttributeProto* alpha = AddNode(leaky, "LeakyRelu", {"a"}, "r")->add_attribute();
  alpha->set_name("alpha");
  alpha->set_type(onnx::AttributeProto::FLOAT);
  alpha->set_ref_attr_name("slope");
  Call(&model, "Leaky", {"x"}, "t");
  SetFloat(Call(&model, "Leaky", {"t"}, "y"), "slope", 0.25f);
  model.Output("y");
  CHECK(ConvertAndRun(model, {8, -8}, {2}).values == Floats{8, -1});
}

TEST_CASE("overloads of one name are told apart") {
  ModelBuilder model;
  model.Input("x", {1});
  for (const char* overload : {"one", "two"}) {
    onnx::FunctionProto* function = AddFunction(&model, "F", {"a"}, "r");
    function->set_overload(overload);
    AddNode(function, std::string(overload) == "one" ? "Relu" : "Neg", {"a"}, "r");
  }
  Call(&model, "F", {"x"}, "t")->set_overload("two");
  Call(&model, "F", {"t"}, "y")->set_overload("one");
  model.Output("y");
  CHECK(ConvertAndRun(model, {-3}, {1}).values == Floats{3});
}

TEST_CASE("an input that the call leaves out is left out inside") {
  ModelBuilder model;
  model.Input("x", {3});
  model.Floats("low", {}, {0});
  onnx::FunctionProto* clip = AddFunction(&model, "Bound", {"a", "lo", "hi"}, "r");
  AddNode(clip, "Clip", {"a", "lo", "hi"}, "r");
  Call(&model, "Bound", {"x", "low"}, "y");
  model.Output("y");
  CHECK(ConvertAndRun(model, {-1, 0, 7}, {3}).values == Floats{0, 0, 7});
}

TEST_CASE("a function that calls itself is refused") {
  ModelBuilder model;
  model.Input("x", {1});
  onnx::FunctionProto* loop = AddFunction(&model, "Loop_", {"a"}, "r");
  AddNode(loop, "Loop_", {"a"}, "r")->set_domain("local");
  Call(&model, "Loop_", {"x"}, "y");
  model.Output("y");
  CHECK(ConvertError(model.Bytes()).find("functions call each other too deeply, or themselves") !=
        std::string::npos);
}

}  // namespace
}  // namespace doppio::converter_test
