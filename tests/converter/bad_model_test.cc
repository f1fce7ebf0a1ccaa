// Files that are no models, and models that contradict themselves: one clear sentence, nothing left
// behind.
#include <unistd.h>

#include "tests/catch.h"
#include "tests/converter/model_builder.h"

namespace doppio::converter_test {
namespace {

ModelBuilder SmallModel() {
  ModelBuilder model;
  model.Input("x", {1, 3});
  model.Floats("w", {3, 2}, {1, 2, 3, 4, 5, 6});
  model.Node("MatMul", {"x", "w"}, {"y"});
  model.Output("y");
  return model;
}

TEST_CASE("files of other kinds are named as what they are") {
  CHECK(ConvertError("") == "model.onnx: is an empty file");
  CHECK(ConvertError("version https://git-lfs.github.com/spec/v1\n") ==
        "model.onnx: is a Git LFS pointer, not the file itself; fetch it with `git lfs pull`");
  CHECK(ConvertError(std::string("\x1f\x8b\x08", 3)) ==
        "model.onnx: is a gzip archive; unpack it first");
  CHECK(ConvertError(std::string("PK\x03\x04....net/data.pkl")) ==
        "model.onnx: is a PyTorch checkpoint (weights without a graph); export the network with "
        "torch.onnx.export(net, inputs, 'model.onnx') and convert that");
  CHECK(ConvertError(std::string("PK\x03\x04....net/code/__torch__.py")) ==
        "model.onnx: is a TorchScript archive; export it with torch.onnx.export(net, inputs, "
        "'model.onnx') and convert that");
  CHECK(ConvertError(std::string("\x1c\0\0\0TFL3....", 12)) ==
        "model.onnx: is a TensorFlow Lite model; export the original network to ONNX (tf2onnx) and "
        "convert that");
  CHECK(ConvertError("hello world, no model here") ==
        "model.onnx: not an ONNX model, or damaged or cut short");
  CHECK(ConvertFile("/nowhere/model.onnx", "/nowhere/pair", {}, nullptr).code() ==
        StatusCode::kNotFound);
  CHECK(ConvertFile("/", "/nowhere/pair", {}, nullptr).code() == StatusCode::kIoError);
}

TEST_CASE("a pair given as a model is sent to doppio run") {
  const TemporaryFolder folder;
  const std::string model = folder.Write("model.onnx", SmallModel().Bytes());
  REQUIRE(ConvertFile(model, folder.path("pair"), {}, nullptr).ok());
  CHECK(ConvertError(ReadFile(folder.path("pair/predict_net.pb"))) ==
        "model.onnx: is a Caffe2 net, half of a pair already; run it with `doppio run FOLDER`");
}

TEST_CASE("every prefix of a model is refused or converts, and never crashes") {
  const std::string bytes = SmallModel().Bytes();
  int refused = 0;
  for (size_t length = 0; length < bytes.size(); ++length) {
    refused += !ConvertError(bytes.substr(0, length)).empty();
  }
  CHECK(refused > static_cast<int>(bytes.size()) / 2);
  CHECK(ConvertError(bytes) == "");
}

TEST_CASE("all nodes that cannot be converted are listed at once") {
  ModelBuilder model;
  model.Input("x", {2});
  model.Node("Frobnicate", {"x"}, {"a"})->set_name("first");
  model.Node("Relu", {"a"}, {"b"});
  model.Node("Wobble", {"b"}, {"c"});
  onnx::NodeProto* custom = model.Node("Relu", {"x"}, {"d"});
  custom->set_domain("my.ops");
  model.Node("Never", {"x"}, {"unread"});  // what no output needs is in nobody's way
  model.Output("c");
  model.Output("d");
  CHECK(ConvertError(model.Bytes()) ==
        "model.onnx: 3 nodes cannot be converted:\n"
        "  Frobnicate 'first' (opset 17): no importer for this operator\n"
        "  Wobble 'c' (opset 17): no importer for this operator\n"
        "  Relu 'd' (domain 'my.ops' version 0): operators of this domain are unknown");
}

TEST_CASE("what no output needs is not read: nodes, and weights whose file is missing") {
  ModelBuilder model;
  model.Input("x", {2});
  onnx::TensorProto* away = model.Floats("away", {2}, {});
  away->set_data_location(onnx::TensorProto::EXTERNAL);
  auto* location = away->add_external_data();
  location->set_key("location");
  location->set_value("missing.data");
  model.Node("Add", {"x", "away"}, {"unread"});
  model.Node("Relu", {"x"}, {"y"});
  model.Output("y");
  CHECK(ConvertError(model.Bytes()) == "");
  model.Output("unread");
  CHECK(ConvertError(model.Bytes()).find("missing.data") != std::string::npos);
}

TEST_CASE("a node whose shapes cannot be is named with its numbers") {
  ModelBuilder model;
  model.Input("x", {1, 4, 8, 8});
  model.Floats("w", {2, 3, 1, 1}, {1, 2, 3, 4, 5, 6});
  model.Node("Conv", {"x", "w"}, {"y"})->set_name("conv1");
  model.Output("y");
  CHECK(ConvertError(model.Bytes()) ==
        "model.onnx: 1 node cannot be converted:\n"
        "  Conv 'conv1' (opset 17): Conv 'conv1': input 'x' float32[1, 4, 8, 8] has 4 channels, "
        "weight "
        "input 'w' float32[2, 3, 1, 1] wants 3");
}

TEST_CASE("graphs that contradict themselves") {
  ModelBuilder missing;
  missing.Input("x", {1});
  missing.Node("Add", {"x", "nothing"}, {"y"});
  missing.Output("y");
  CHECK(ConvertError(missing.Bytes()) ==
        "model.onnx: Add 'y': input 'nothing' is made by no node before it and is no input of the "
        "graph");

  ModelBuilder twice;
  twice.Input("x", {1});
  twice.Node("Relu", {"x"}, {"y"});
  twice.Node("Tanh", {"x"}, {"y"});
  twice.Output("y");
  CHECK(ConvertError(twice.Bytes()) == "model.onnx: Tanh 'y': output 'y' is made twice");

  ModelBuilder output;
  output.Input("x", {1});
  output.Node("Relu", {"x"}, {"y"});
  output.Output("z");
  CHECK(ConvertError(output.Bytes()) == "model.onnx: output 'z' is made by no node");

  ModelBuilder initializers;
  initializers.Input("x", {1});
  initializers.Floats("w", {1}, {1});
  initializers.Floats("w", {1}, {2});
  initializers.Node("Add", {"x", "w"}, {"y"});
  initializers.Output("y");
  CHECK(ConvertError(initializers.Bytes()) == "model.onnx: two initializers are called 'w'");
}

TEST_CASE("tensors whose data does not match their shape") {
  ModelBuilder model = SmallModel();
  model.model.mutable_graph()->mutable_initializer(0)->mutable_float_data()->RemoveLast();
  CHECK(ConvertError(model.Bytes()) ==
        "tensor 'w': holds 5 values, its type and shape float32[3, 2] want 6");
  ModelBuilder raw = SmallModel();
  raw.model.mutable_graph()->mutable_initializer(0)->set_raw_data("short");
  CHECK(ConvertError(raw.Bytes()) ==
        "tensor 'w': holds 5 bytes, its type and shape float32[3, 2] want 24");
  ModelBuilder negative = SmallModel();
  negative.model.mutable_graph()->mutable_initializer(0)->set_dims(0, -3);
  CHECK(ConvertError(negative.Bytes()) == "tensor 'w': has the impossible shape [-3, 2]");
  ModelBuilder huge = SmallModel();
  huge.model.mutable_graph()->mutable_initializer(0)->set_dims(0, int64_t{1} << 62);
  CHECK(ConvertError(huge.Bytes()).find("has the impossible shape") != std::string::npos);
  ModelBuilder type = SmallModel();
  type.model.mutable_graph()->mutable_initializer(0)->set_data_type(99);
  CHECK(ConvertError(type.Bytes()) == "tensor 'w': unknown data type 99");
}

// --- external data -------------------------------------------------------------------------------

void MakeExternal(ModelBuilder* model,
                  const std::vector<std::pair<std::string, std::string>>& entries) {
  onnx::TensorProto* tensor = model->model.mutable_graph()->mutable_initializer(0);
  tensor->clear_float_data();
  tensor->set_data_location(onnx::TensorProto::EXTERNAL);
  for (const auto& [key, value] : entries) {
    auto* entry = tensor->add_external_data();
    entry->set_key(key);
    entry->set_value(value);
  }
}

std::string ExternalError(const std::vector<std::pair<std::string, std::string>>& entries,
                          const TemporaryFolder& folder) {
  ModelBuilder model = SmallModel();
  MakeExternal(&model, entries);
  const std::string path = folder.Write("model.onnx", model.Bytes());
  std::string message = ConvertFile(path, folder.path("pair"), {}, nullptr).message();
  for (const std::string& hide : {path, folder.path("")}) {
    for (size_t at; (at = message.find(hide)) != std::string::npos;) message.erase(at, hide.size());
  }
  return message;
}

TEST_CASE("external data beside the model is read in place") {
  const TemporaryFolder folder;
  const float values[] = {99, 1, 2, 3, 4, 5, 6};
  folder.Write("model.onnx.data",
               std::string(reinterpret_cast<const char*>(values), sizeof(values)));
  CHECK(ExternalError({{"location", "model.onnx.data"}, {"offset", "4"}, {"length", "24"}},
                      folder) == "");
  auto loaded = Predictor::Load(folder.path("pair"));
  REQUIRE(loaded.ok());
  Session session(*loaded, {.threads = 1});
  const float x[] = {1, 1, 1};
  REQUIRE(session.Run({{"x", View(x, {1, 3})}}).ok());
  CHECK(session.output(0).as<float>()[0] == 9);
  CHECK(session.output(0).as<float>()[1] == 12);
}

TEST_CASE("external data never leaves the model's folder") {
  const TemporaryFolder folder;
  folder.Write("inside", std::string(24, '\0'));
  const TemporaryFolder other;
  const std::string secret = other.Write("secret", std::string(24, '\0'));
  const std::string refused = " is not a file in the model's folder; such paths are refused";
  for (const std::string bad :
       {"../secret", "a/../../secret", "/etc/passwd", "C:\\x", "..\\x", ""}) {
    CHECK(ExternalError({{"location", bad}}, folder) ==
          ": external data " + ("'" + bad + "'") + refused);
  }
  REQUIRE(symlink(secret.c_str(), folder.path("link").c_str()) == 0);
  CHECK(ExternalError({{"location", "link"}}, folder) ==
        ": external data 'link' leads out of the model's folder by a symbolic link; such paths are "
        "refused");
  REQUIRE(link(secret.c_str(), folder.path("hard").c_str()) == 0);
  CHECK(ExternalError({{"location", "hard"}}, folder) ==
        ": external data 'hard' is a hard link; copy the file");
  CHECK(ExternalError({{"location", "missing.data"}}, folder) ==
        ": external data 'missing.data' is missing; it belongs beside the model, at missing.data");
}

TEST_CASE("external data entries that lie") {
  const TemporaryFolder folder;
  folder.Write("d", std::string(24, '\0'));
  const std::string w = "tensor 'w': ";
  CHECK(ExternalError({{"location", "d"}, {"offset", "-4"}}, folder) ==
        w + "external data offset '-4' is no number of bytes");
  CHECK(ExternalError({{"location", "d"}, {"offset", "4x"}}, folder) ==
        w + "external data offset '4x' is no number of bytes");
  CHECK(ExternalError({{"location", "d"}, {"length", "20"}}, folder) ==
        w + "external data has length 20, its shape wants 24 bytes");
  CHECK(ExternalError({{"location", "d"}, {"offset", "8"}}, folder) ==
        w + "external data at 8 of 24 bytes lies beyond the 24 bytes of 'd'");
  CHECK(ExternalError({{"location", "d"}, {"offset", "9223372036854775807"}}, folder) ==
        w + "external data at 9223372036854775807 of 24 bytes lies beyond the 24 bytes of 'd'");
  CHECK(ExternalError({{"location", "d"}, {"__memory_address", "1"}}, folder) ==
        w + "external data has the unknown key '__memory_address'");
}

}  // namespace
}  // namespace doppio::converter_test
