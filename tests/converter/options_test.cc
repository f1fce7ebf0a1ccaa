// --shape, --inputs, --outputs, --rename, --disable-pass.
#include "tests/catch.h"
#include "tests/converter/model_builder.h"

namespace doppio::converter_test {
namespace {

using Floats = std::vector<float>;

ModelBuilder TwoLayers() {
  ModelBuilder model;
  model.SymbolicInput("x", {"N", "2"});
  model.Floats("w", {2, 2}, {1, 2, 3, 4});
  model.Node("MatMul", {"x", "w"}, {"hidden"});
  auto* info = model.model.mutable_graph()->add_value_info();
  info->set_name("hidden");
  auto* tensor = info->mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(onnx::TensorProto::FLOAT);
  tensor->mutable_shape()->add_dim()->set_dim_param("N");
  tensor->mutable_shape()->add_dim()->set_dim_value(2);
  model.Node("Relu", {"hidden"}, {"y"});
  model.Output("y");
  return model;
}

TEST_CASE("--shape pins a symbolic size, and names what is wrong") {
  ConvertOptions options;
  options.shapes = {"x=1,2"};
  ConversionReport report;
  CHECK(ConvertAndRun(TwoLayers(), {1, -1}, {1, 2}, options, &report).values == Floats{0, 0});
  CHECK(report.outputs[0].dims[0].size == 1);
  CHECK(ConvertAndRun(TwoLayers(), {1, 1, 1, 1}, {2, 2}, options).error ==
        "input 'x' has shape [2, 2], the net wants [1, 2]");
  options.shapes = {"z=1,2"};
  CHECK(ConvertAndRun(TwoLayers(), {}, {}, options).error ==
        "--shape: the model has no input 'z'; it has 'x'");
  options.shapes = {"x=1,2,3"};
  CHECK(ConvertAndRun(TwoLayers(), {}, {}, options).error ==
        "--shape: input 'x' has 2 dimensions, the shape given has 3");
  options.shapes = {"x=1,,2"};
  CHECK(ConvertAndRun(TwoLayers(), {}, {}, options).error ==
        "shape 'x=1,,2': write NAME=1,3,224,224 or 1x3x224x224");
}

TEST_CASE("--outputs and --inputs cut the graph") {
  ConvertOptions front;
  front.outputs = {"hidden"};
  CHECK(ConvertAndRun(TwoLayers(), {1, -1}, {1, 2}, front).values == Floats{-2, -2});
  ConvertOptions back;
  back.inputs = {"hidden"};
  CHECK(ConvertAndRun(TwoLayers(), {1, -1}, {1, 2}, back).values == Floats{1, 0});
  back.inputs = {"nowhere"};
  CHECK(ConvertAndRun(TwoLayers(), {}, {}, back).error ==
        "--inputs: the model describes no value 'nowhere' (its type must stand in value_info)");
}

TEST_CASE("--rename renames inputs and outputs") {
  ConvertOptions options;
  options.renames = {"x=picture", "y=scores"};
  ConversionReport report;
  CHECK(ConvertAndRun(TwoLayers(), {1, 1}, {1, 2}, options, &report).values == Floats{4, 6});
  CHECK(report.inputs[0].name == "picture");
  CHECK(report.outputs[0].name == "scores");
  options.renames = {"z=t"};
  CHECK(ConvertAndRun(TwoLayers(), {}, {}, options).error == "--rename: there is no blob 'z'");
}

TEST_CASE("passes can be left out, one or all") {
  ConvertOptions options;
  options.disabled_passes = {"no_such_pass"};
  CHECK(ConvertAndRun(TwoLayers(), {}, {}, options).error.find("there is no pass 'no_such_pass'") !=
        std::string::npos);
  for (const PassInfo& pass : ListPasses()) {
    options.disabled_passes = {pass.name};
    CHECK(ConvertAndRun(TwoLayers(), {1, 1}, {1, 2}, options).values == Floats{4, 6});
  }
  ConvertOptions none;
  none.optimize = false;
  CHECK(ConvertAndRun(TwoLayers(), {1, 1}, {1, 2}, none).values == Floats{4, 6});
}

TEST_CASE("--strict-caffe2 takes what Caffe2 has and names what it lacks") {
  ConvertOptions strict;
  strict.strict_caffe2 = true;
  CHECK(ConvertAndRun(TwoLayers(), {1, -1}, {1, 2}, strict).values == Floats{0, 0});
  ModelBuilder model = TwoLayers();
  model.Node("HardSwish", {"hidden"}, {"z"});
  model.Output("z");
  const std::string error = ConvertAndRun(model, {}, {}, strict).error;
  CHECK(error.find("for 1 reason:") != std::string::npos);
  CHECK(error.find("HardSwish 'z': Caffe2 has no operator that computes it") != std::string::npos);
}

}  // namespace
}  // namespace doppio::converter_test
