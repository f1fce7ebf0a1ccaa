// The pair as others see it: parsed by a parser generated from the schema, recognised by Netron's
// rule, the same bytes each time.
#include "runtime/graph/wire/schema.h"
#include "schemas/caffe2.pb.h"
#include "tests/catch.h"
#include "tests/converter/model_builder.h"

namespace doppio::converter_test {
namespace {

struct Pair {
  std::string init_bytes, predict_bytes;
  caffe2::NetDef init, predict;
};

Pair MakePair() {
  ModelBuilder model;
  model.model.mutable_graph()->set_name(
      "a name that is far too long for Netron's rule, which allows 63 bytes at most");
  auto* metadata = model.model.add_metadata_props();
  metadata->set_key("author");
  metadata->set_value("somebody");
  model.SymbolicInput("x", {"N", "3", "8", "8"});
  model.Floats("w", {64, 3, 3, 3}, std::vector<float>(64 * 27, 0.5f));
  model.Floats("b", {64}, std::vector<float>(64, 1.f));
  onnx::NodeProto* conv = model.Node("Conv", {"x", "w", "b"}, {"c"});
  conv->set_name("conv1");
  conv->set_doc_string("File \"/home/somebody/secret.py\", line 7");
  auto* trace = conv->add_metadata_props();
  trace->set_key("pkg.torch.onnx.stack_trace");
  trace->set_value("/home/somebody/secret.py");
  SetInts(conv, "pads", {1, 1, 1, 1});
  model.Node("Relu", {"c"}, {"y"});
  model.Output("y");
  const TemporaryFolder folder;
  REQUIRE(ConvertFile(folder.Write("model.onnx", model.Bytes()), folder.path("pair"), {}, nullptr)
              .ok());
  Pair pair;
  pair.init_bytes = ReadFile(folder.path("pair/init_net.pb"));
  pair.predict_bytes = ReadFile(folder.path("pair/predict_net.pb"));
  REQUIRE(pair.init.ParseFromString(pair.init_bytes));
  REQUIRE(pair.predict.ParseFromString(pair.predict_bytes));
  return pair;
}

// Netron's source/caffe2.js: a short printable name, then at once an operator.
bool NetronRecognises(const std::string& bytes) {
  if (bytes.size() <= 3) return false;
  if (bytes[0] == 0x12) return true;
  if (bytes[0] != 0x0A) return false;
  const auto length = static_cast<unsigned char>(bytes[1]);
  if (length >= 64 || bytes.size() <= 2u + length) return false;
  for (size_t i = 0; i < length; ++i) {
    if (bytes[2 + i] < 32 || bytes[2 + i] == 127) return false;
  }
  return bytes[2 + length] == 0x12;
}

TEST_CASE("a parser generated from the schema reads the pair") {
  const Pair pair = MakePair();
  CHECK(pair.init.unknown_fields().empty());
  CHECK(pair.predict.unknown_fields().empty());
  REQUIRE(pair.init.op_size() == 2);
  for (const caffe2::OperatorDef& op : pair.init.op()) {
    CHECK(op.unknown_fields().empty());
    CHECK(op.type() == "GivenTensorFill");
  }
  REQUIRE(pair.predict.op_size() == 2);
  const caffe2::OperatorDef& conv = pair.predict.op(0);
  CHECK(conv.type() == "Conv");
  CHECK(conv.name() == "conv1");
  CHECK(std::vector<std::string>(conv.input().begin(), conv.input().end()) ==
        std::vector<std::string>{"x", "w", "b"});
  CHECK(pair.predict.external_input(0) == "x");
  CHECK(pair.predict.external_output(0) == "y");
  bool metadata = false;
  for (const caffe2::Argument& arg : pair.predict.arg()) {
    metadata |= arg.name() == "metadata.author" && arg.s() == "somebody";
  }
  CHECK(metadata);
}

TEST_CASE("weights arrive bit for bit, and long ones start at a multiple of 64 bytes") {
  const Pair pair = MakePair();
  for (const caffe2::OperatorDef& op : pair.init.op()) {
    for (const caffe2::Argument& arg : op.arg()) {
      if (arg.name() != "values" || op.output(0) != "w") continue;
      REQUIRE(arg.floats_size() == 64 * 27);
      for (float value : arg.floats()) CHECK(value == 0.5f);
      const std::string run(reinterpret_cast<const char*>(arg.floats().data()), 64 * 27 * 4);
      CHECK(pair.init_bytes.find(run) % 64 == 0);
    }
  }
}

TEST_CASE("Netron's rule recognises both files, whatever the model is called") {
  const Pair pair = MakePair();
  CHECK(NetronRecognises(pair.init_bytes));
  CHECK(NetronRecognises(pair.predict_bytes));
}

TEST_CASE("the same model gives the same bytes") {
  const Pair one = MakePair(), two = MakePair();
  CHECK(one.init_bytes == two.init_bytes);
  CHECK(one.predict_bytes == two.predict_bytes);
}

TEST_CASE("stack traces and paths of exporters do not reach the pair") {
  const Pair pair = MakePair();
  CHECK(pair.predict_bytes.find("secret") == std::string::npos);
  CHECK(pair.init_bytes.find("secret") == std::string::npos);
}

void CheckNumber(const google::protobuf::Descriptor* message, const char* field, uint32_t number) {
  INFO(message->name() << "." << field);
  const auto* found = message->FindFieldByName(field);
  REQUIRE(found != nullptr);
  CHECK(static_cast<uint32_t>(found->number()) == number);
}

TEST_CASE("the runtime's field numbers are the schema's") {
  namespace wire = graph::wire;
  const auto* net = caffe2::NetDef::descriptor();
  CheckNumber(net, "name", wire::net_def::kName);
  CheckNumber(net, "op", wire::net_def::kOp);
  CheckNumber(net, "type", wire::net_def::kType);
  CheckNumber(net, "num_workers", wire::net_def::kNumWorkers);
  CheckNumber(net, "device_option", wire::net_def::kDeviceOption);
  CheckNumber(net, "arg", wire::net_def::kArg);
  CheckNumber(net, "external_input", wire::net_def::kExternalInput);
  CheckNumber(net, "external_output", wire::net_def::kExternalOutput);
  const auto* op = caffe2::OperatorDef::descriptor();
  CheckNumber(op, "input", wire::operator_def::kInput);
  CheckNumber(op, "output", wire::operator_def::kOutput);
  CheckNumber(op, "name", wire::operator_def::kName);
  CheckNumber(op, "type", wire::operator_def::kType);
  CheckNumber(op, "arg", wire::operator_def::kArg);
  CheckNumber(op, "device_option", wire::operator_def::kDeviceOption);
  CheckNumber(op, "engine", wire::operator_def::kEngine);
  CheckNumber(op, "control_input", wire::operator_def::kControlInput);
  CheckNumber(op, "is_gradient_op", wire::operator_def::kIsGradientOp);
  CheckNumber(op, "debug_info", wire::operator_def::kDebugInfo);
  CheckNumber(op, "domain", wire::operator_def::kDomain);
  CheckNumber(op, "op_version", wire::operator_def::kOpVersion);
  const auto* arg = caffe2::Argument::descriptor();
  CheckNumber(arg, "name", wire::argument::kName);
  CheckNumber(arg, "f", wire::argument::kF);
  CheckNumber(arg, "i", wire::argument::kI);
  CheckNumber(arg, "s", wire::argument::kS);
  CheckNumber(arg, "floats", wire::argument::kFloats);
  CheckNumber(arg, "ints", wire::argument::kInts);
  CheckNumber(arg, "strings", wire::argument::kStrings);
  CheckNumber(arg, "n", wire::argument::kN);
  CheckNumber(arg, "nets", wire::argument::kNets);
  CheckNumber(arg, "t", wire::argument::kT);
  CheckNumber(arg, "tensors", wire::argument::kTensors);
  const auto* tensor = caffe2::TensorProto::descriptor();
  CheckNumber(tensor, "dims", wire::tensor_proto::kDims);
  CheckNumber(tensor, "data_type", wire::tensor_proto::kDataType);
  CheckNumber(tensor, "float_data", wire::tensor_proto::kFloatData);
  CheckNumber(tensor, "int32_data", wire::tensor_proto::kInt32Data);
  CheckNumber(tensor, "byte_data", wire::tensor_proto::kByteData);
  CheckNumber(tensor, "string_data", wire::tensor_proto::kStringData);
  CheckNumber(tensor, "double_data", wire::tensor_proto::kDoubleData);
  CheckNumber(tensor, "int64_data", wire::tensor_proto::kInt64Data);
  CheckNumber(tensor, "storage_type", wire::tensor_proto::kStorageType);
  CheckNumber(tensor, "raw_data", wire::tensor_proto::kRawData);
}

}  // namespace
}  // namespace doppio::converter_test
