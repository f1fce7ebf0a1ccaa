// Operators of domain ai.onnx.ml and casts over strings, from the model to the answer.
#include <cmath>

#include "tests/catch.h"
#include "tests/converter/model_builder.h"

namespace doppio::converter_test {
namespace {

using Floats = std::vector<float>;

struct MlModel : ModelBuilder {
  explicit MlModel(const std::string& type, const std::vector<int64_t>& dims) {
    onnx::OperatorSetIdProto* const set = model.add_opset_import();
    set->set_domain("ai.onnx.ml");
    set->set_version(3);
    Input("x", dims);
    node = Node(type, {"x"}, {"y"});
    node->set_domain("ai.onnx.ml");
    Output("y");
  }
  onnx::NodeProto* node;
};

TEST_CASE("ai.onnx.ml: a linear model") {
  MlModel model("LinearRegressor", {2, 2});
  SetFloats(model.node, "coefficients", {1, 2});
  SetFloats(model.node, "intercepts", {0.5f});
  CHECK(ConvertAndRun(model, {1, 1, 0, 3}, {2, 2}).values == Floats{3.5f, 6.5f});
  MlModel wrong("LinearRegressor", {1, 2});
  SetFloats(wrong.node, "coefficients", {1, 2, 3});
  CHECK_FALSE(ConvertAndRun(wrong, {1, 1}, {1, 2}).error.empty());
}

TEST_CASE("ai.onnx.ml: support vectors with a linear kernel") {
  MlModel model("SVMRegressor", {1, 2});
  SetText(model.node, "kernel_type", "LINEAR");
  SetInt(model.node, "n_supports", 2);
  SetFloats(model.node, "kernel_params", {0, 0, 0});
  SetFloats(model.node, "support_vectors", {1, 0, 0, 1});
  SetFloats(model.node, "coefficients", {2, 3});
  SetFloats(model.node, "rho", {0.5f});
  CHECK(ConvertAndRun(model, {10, 100}, {1, 2}).values == Floats{320.5f});
}

TEST_CASE("ai.onnx.ml: a model that imports no version of the domain is refused") {
  ModelBuilder model;
  model.Input("x", {1, 2});
  model.Node("Normalizer", {"x"}, {"y"})->set_domain("ai.onnx.ml");
  model.Output("y");
  CHECK(ConvertAndRun(model, {1, 2}, {1, 2}).error.find("no version of its domain") !=
        std::string::npos);
}

TEST_CASE("numbers go through strings and come back, infinities too") {
  ModelBuilder model;
  model.Input("x", {4});
  SetInt(model.Node("Cast", {"x"}, {"text"}), "to", onnx::TensorProto::STRING);
  SetInt(model.Node("Cast", {"text"}, {"y"}), "to", onnx::TensorProto::FLOAT);
  model.Output("y");
  const Floats x = {0.1f, -3, 1e-30f, INFINITY};
  CHECK(ConvertAndRun(model, x, {4}).values == x);
}

TEST_CASE("strings are joined, split and compared") {
  ModelBuilder model(20);
  model.Input("x", {2});
  SetInt(model.Node("Cast", {"x"}, {"text"}), "to", onnx::TensorProto::STRING);
  model.Node("StringConcat", {"text", "text"}, {"twice"});
  // "1.51.5" split at "." has three parts, "22" one.
  SetText(model.Node("StringSplit", {"twice"}, {"parts", "counts"}), "delimiter", ".");
  SetInt(model.Node("Cast", {"counts"}, {"y"}), "to", onnx::TensorProto::FLOAT);
  model.Output("y");
  CHECK(ConvertAndRun(model, {1.5f, 2}, {2}).values == Floats{3, 1});
  ModelBuilder equal(20);
  equal.Input("x", {2});
  SetInt(equal.Node("Cast", {"x"}, {"text"}), "to", onnx::TensorProto::STRING);
  equal.Node("StringConcat", {"text", "text"}, {"twice"});
  equal.Node("Equal", {"text", "twice"}, {"same"});
  SetInt(equal.Node("Cast", {"same"}, {"y"}), "to", onnx::TensorProto::FLOAT);
  equal.Output("y");
  CHECK(ConvertAndRun(equal, {1.5f, 2}, {2}).values == Floats{0, 0});
}

}  // namespace
}  // namespace doppio::converter_test
