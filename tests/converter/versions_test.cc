// Importers read a node by the meaning of its version.
#include "tests/catch.h"
#include "tests/converter/model_builder.h"

namespace doppio::converter_test {
namespace {

using Floats = std::vector<float>;

TEST_CASE("Add: before opset 7 `axis` says where the second shape begins") {
  ModelBuilder old_model(6);
  old_model.Input("x", {1, 2, 1, 2});
  old_model.Floats("b", {2}, {10, 20});
  onnx::NodeProto* add = old_model.Node("Add", {"x", "b"}, {"y"});
  SetInt(add, "broadcast", 1);
  SetInt(add, "axis", 1);
  old_model.Output("y");
  const Result result = ConvertAndRun(old_model, {1, 2, 3, 4}, {1, 2, 1, 2});
  CHECK(result.error == "");
  CHECK(result.values == Floats{11, 12, 23, 24});

  ModelBuilder new_model(13);
  new_model.Input("x", {1, 2, 1, 2});
  new_model.Floats("b", {2}, {10, 20});
  new_model.Node("Add", {"x", "b"}, {"y"});
  new_model.Output("y");
  CHECK(ConvertAndRun(new_model, {1, 2, 3, 4}, {1, 2, 1, 2}).values == Floats{11, 22, 13, 24});
}

TEST_CASE("Clip: bounds are attributes before opset 11 and inputs since") {
  ModelBuilder old_model(6);
  old_model.Input("x", {4});
  onnx::NodeProto* clip = old_model.Node("Clip", {"x"}, {"y"});
  SetFloat(clip, "min", -1);
  SetFloat(clip, "max", 2);
  old_model.Output("y");
  CHECK(ConvertAndRun(old_model, {-3, 0, 1, 9}, {4}).values == Floats{-1, 0, 1, 2});

  ModelBuilder new_model(13);
  new_model.Input("x", {4});
  new_model.Floats("low", {}, {-1});
  new_model.Node("Clip", {"x", "low", ""}, {"y"});
  new_model.Output("y");
  CHECK(ConvertAndRun(new_model, {-3, 0, 1, 9}, {4}).values == Floats{-1, 0, 1, 9});
}

TEST_CASE("Softmax: before opset 13 all dimensions from the axis on are one row") {
  for (const int opset : {11, 13}) {
    ModelBuilder model(opset);
    model.Input("x", {1, 2, 2});
    SetInt(model.Node("Softmax", {"x"}, {"y"}), "axis", 1);
    model.Output("y");
    const Result result = ConvertAndRun(model, {0, 0, 0, 0}, {1, 2, 2});
    CHECK(result.values == (opset == 11 ? Floats(4, 0.25f) : Floats(4, 0.5f)));
  }
}

TEST_CASE("ReduceSum, Squeeze, Unsqueeze: axes are attributes, then inputs") {
  for (const int opset : {11, 13}) {
    ModelBuilder model(opset);
    model.Input("x", {2, 1, 2});
    const bool input = opset >= 13;
    model.Ints("one", {1});
    model.Ints("last", {-1});
    const auto node = [&](const char* type, const char* from, const char* to, const char* axes,
                          int64_t axis) {
      std::vector<std::string> inputs = {from};
      if (input) inputs.push_back(axes);
      onnx::NodeProto* made = model.Node(type, inputs, {to});
      if (!input) SetInts(made, "axes", {axis});
      return made;
    };
    node("Squeeze", "x", "s", "one", 1);
    SetInt(node("ReduceSum", "s", "r", "last", -1), "keepdims", 0);
    node("Unsqueeze", "r", "y", "one", 1);
    model.Output("y");
    const Result result = ConvertAndRun(model, {1, 2, 3, 4}, {2, 1, 2});
    CHECK(result.error == "");
    CHECK(result.values == Floats{3, 7});
    CHECK(result.dims == Dims{2, 1});
  }
}

TEST_CASE("Slice: starts and ends are attributes before opset 10, inputs with steps since") {
  ModelBuilder old_model(9);
  old_model.Input("x", {4});
  onnx::NodeProto* slice = old_model.Node("Slice", {"x"}, {"y"});
  SetInts(slice, "starts", {-3});
  SetInts(slice, "ends", {9223372036854775807});
  old_model.Output("y");
  CHECK(ConvertAndRun(old_model, {1, 2, 3, 4}, {4}).values == Floats{2, 3, 4});

  ModelBuilder new_model(13);
  new_model.Input("x", {4});
  new_model.Ints("starts", {-1});
  new_model.Ints("ends", {-5});
  new_model.Ints("axes", {0});
  new_model.Ints("steps", {-2});
  new_model.Node("Slice", {"x", "starts", "ends", "axes", "steps"}, {"y"});
  new_model.Output("y");
  CHECK(ConvertAndRun(new_model, {1, 2, 3, 4}, {4}).values == Floats{4, 2});
}

TEST_CASE("Upsample 7, Upsample 9, Resize 10: nearest by floor, in all spellings") {
  for (const int opset : {7, 9, 10}) {
    ModelBuilder model(opset);
    model.Input("x", {1, 1, 1, 2});
    model.Floats("scales", {4}, {1, 1, 1, 2});
    onnx::NodeProto* resize = opset == 7   ? model.Node("Upsample", {"x"}, {"y"})
                              : opset == 9 ? model.Node("Upsample", {"x", "scales"}, {"y"})
                                           : model.Node("Resize", {"x", "scales"}, {"y"});
    if (opset == 7) SetFloats(resize, "scales", {1, 1, 1, 2});
    SetText(resize, "mode", "nearest");
    model.Output("y");
    const Result result = ConvertAndRun(model, {1, 2}, {1, 1, 1, 2});
    CHECK(result.error == "");
    CHECK(result.values == Floats{1, 1, 2, 2});
  }
}

TEST_CASE("Pad: paddings, pads, and an input") {
  for (const int opset : {1, 2, 13}) {
    ModelBuilder model(opset);
    model.Input("x", {2});
    model.Ints("p", {1, 2});
    onnx::NodeProto* pad =
        opset == 13 ? model.Node("Pad", {"x", "p"}, {"y"}) : model.Node("Pad", {"x"}, {"y"});
    if (opset == 1) SetInts(pad, "paddings", {1, 2});
    if (opset == 2) SetInts(pad, "pads", {1, 2});
    model.Output("y");
    CHECK(ConvertAndRun(model, {5, 6}, {2}).values == Floats{0, 5, 6, 0, 0});
  }
}

TEST_CASE("Conv: SAME_UPPER puts the odd padding at the end, SAME_LOWER at the begin") {
  for (const bool upper : {true, false}) {
    ModelBuilder model(13);
    model.Input("x", {1, 1, 1, 2});
    model.Floats("w", {1, 1, 1, 2}, {1, 10});
    SetText(model.Node("Conv", {"x", "w"}, {"y"}), "auto_pad", upper ? "SAME_UPPER" : "SAME_LOWER");
    model.Output("y");
    CHECK(ConvertAndRun(model, {1, 2}, {1, 1, 1, 2}).values ==
          (upper ? Floats{21, 2} : Floats{10, 21}));
  }
}

TEST_CASE("MaxPool: ceil_mode adds the last, smaller window") {
  ModelBuilder model(13);
  model.Input("x", {1, 1, 1, 3});
  onnx::NodeProto* pool = model.Node("MaxPool", {"x"}, {"y"});
  SetInts(pool, "kernel_shape", {1, 2});
  SetInts(pool, "strides", {1, 2});
  SetInt(pool, "ceil_mode", 1);
  model.Output("y");
  CHECK(ConvertAndRun(model, {1, 5, 3}, {1, 1, 1, 3}).values == Floats{5, 3});
}

TEST_CASE("BatchNormalization: training mode gives a warning and is converted for inference") {
  ModelBuilder model(14);
  model.Input("x", {1, 1, 1, 2});
  for (const char* name : {"scale", "bias", "mean", "var"}) {
    model.Floats(name, {1}, {name[0] == 'v' ? 4.f : name[0] == 'm' ? 1.f : 2.f});
  }
  onnx::NodeProto* norm =
      model.Node("BatchNormalization", {"x", "scale", "bias", "mean", "var"}, {"y"});
  SetInt(norm, "training_mode", 1);
  SetFloat(norm, "epsilon", 0);
  model.Output("y");
  ConversionReport report;
  const Result result = ConvertAndRun(model, {1, 3}, {1, 1, 1, 2}, {}, &report);
  CHECK(result.values == Floats{2, 4});
  REQUIRE(report.warnings.size() == 1);
  CHECK(report.warnings[0] ==
        "BatchNormalization 'y': the model was exported in training mode; converted for inference "
        "(call net.eval() before exporting)");
}

TEST_CASE("Reshape: 0 copies a size, allowzero = 1 means an empty dimension") {
  ModelBuilder model(14);
  model.Input("x", {2, 3});
  model.Ints("shape", {0, -1, 1});
  model.Node("Reshape", {"x", "shape"}, {"y"});
  model.Output("y");
  CHECK(ConvertAndRun(model, {1, 2, 3, 4, 5, 6}, {2, 3}).dims == Dims{2, 3, 1});

  ModelBuilder zero(14);
  zero.Input("x", {0, 3});
  zero.Ints("shape", {3, 0});
  SetInt(zero.Node("Reshape", {"x", "shape"}, {"y"}), "allowzero", 1);
  zero.Output("y");
  CHECK(ConvertAndRun(zero, {}, {0, 3}).dims == Dims{3, 0});
}

TEST_CASE("Constant: every form") {
  ModelBuilder model(13);
  model.Input("x", {2});
  SetFloat(model.Node("Constant", {}, {"a"}), "value_float", 1);
  SetFloats(model.Node("Constant", {}, {"b"}), "value_floats", {10, 20});
  SetInts(model.Node("Constant", {}, {"c"}), "value_ints", {1, 2});
  model.Node("Add", {"x", "a"}, {"xa"});
  model.Node("Add", {"xa", "b"}, {"xab"});
  model.Node("Reshape", {"xab", "c"}, {"y"});
  model.Output("y");
  const Result result = ConvertAndRun(model, {1, 2}, {2});
  CHECK(result.values == Floats{12, 23});
  CHECK(result.dims == Dims{1, 2});
}

TEST_CASE("a symbolic batch stays symbolic through Shape, Gather, Concat and Reshape") {
  ModelBuilder model(13);
  model.SymbolicInput("x", {"N", "2", "3"});
  model.Ints("zero", {0});
  model.Ints("rest", {-1});
  model.Node("Shape", {"x"}, {"s"});
  model.Node("Gather", {"s", "zero"}, {"n"});
  SetInt(model.Node("Concat", {"n", "rest"}, {"target"}), "axis", 0);
  model.Node("Reshape", {"x", "target"}, {"y"});
  model.Output("y");
  ConversionReport report;
  const Result result = ConvertAndRun(model, Floats(12), {2, 2, 3}, {}, &report);
  CHECK(result.dims == Dims{2, 6});
  REQUIRE(report.outputs.size() == 1);
  REQUIRE(report.outputs[0].dims.size() == 2);
  CHECK(report.outputs[0].dims[0].symbol == "N");
  CHECK(report.outputs[0].dims[1].size == 6);
  CHECK(report.operators == std::map<std::string, int>{{"ai.onnx.Reshape", 1}});
}

}  // namespace
}  // namespace doppio::converter_test
