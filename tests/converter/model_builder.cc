#include "tests/converter/model_builder.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace doppio::converter_test {

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "doppio-XXXXXX").string();
  folder_ = mkdtemp(pattern.data());
}

TemporaryFolder::~TemporaryFolder() { std::filesystem::remove_all(folder_); }

std::string TemporaryFolder::Write(const std::string& name, const std::string& bytes) const {
  const std::string file = path(name);
  std::ofstream(file, std::ios::binary) << bytes;
  return file;
}

std::string ReadFile(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

bool FileExists(const std::string& path) { return std::filesystem::exists(path); }

ModelBuilder::ModelBuilder(int64_t opset) {
  model.set_ir_version(8);
  model.mutable_graph()->set_name("net");
  model.add_opset_import()->set_version(opset);
}

void ModelBuilder::Input(const std::string& name, const std::vector<int64_t>& dims, int type) {
  onnx::ValueInfoProto* info = model.mutable_graph()->add_input();
  info->set_name(name);
  auto* tensor = info->mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(type);
  tensor->mutable_shape();
  for (int64_t size : dims) tensor->mutable_shape()->add_dim()->set_dim_value(size);
}

void ModelBuilder::SymbolicInput(const std::string& name, const std::vector<std::string>& dims) {
  Input(name, {});
  auto* inputs = model.mutable_graph()->mutable_input();
  auto* shape =
      inputs->Mutable(inputs->size() - 1)->mutable_type()->mutable_tensor_type()->mutable_shape();
  for (const std::string& size : dims) {
    if (std::isdigit(static_cast<unsigned char>(size[0]))) {
      shape->add_dim()->set_dim_value(std::stoll(size));
    } else {
      shape->add_dim()->set_dim_param(size);
    }
  }
}

void ModelBuilder::Output(const std::string& name) {
  model.mutable_graph()->add_output()->set_name(name);
}

onnx::TensorProto* ModelBuilder::Floats(const std::string& name, const std::vector<int64_t>& dims,
                                        const std::vector<float>& values) {
  onnx::TensorProto* tensor = model.mutable_graph()->add_initializer();
  tensor->set_name(name);
  tensor->set_data_type(onnx::TensorProto::FLOAT);
  for (int64_t size : dims) tensor->add_dims(size);
  for (float value : values) tensor->add_float_data(value);
  return tensor;
}

onnx::TensorProto* ModelBuilder::Ints(const std::string& name, const std::vector<int64_t>& values) {
  onnx::TensorProto* tensor = model.mutable_graph()->add_initializer();
  tensor->set_name(name);
  tensor->set_data_type(onnx::TensorProto::INT64);
  tensor->add_dims(static_cast<int64_t>(values.size()));
  for (int64_t value : values) tensor->add_int64_data(value);
  return tensor;
}

onnx::NodeProto* ModelBuilder::Node(const std::string& type, const std::vector<std::string>& inputs,
                                    const std::vector<std::string>& outputs) {
  onnx::NodeProto* node = model.mutable_graph()->add_node();
  node->set_op_type(type);
  for (const std::string& input : inputs) node->add_input(input);
  for (const std::string& output : outputs) node->add_output(output);
  return node;
}

namespace {

onnx::AttributeProto* AddAttribute(onnx::NodeProto* node, const std::string& name,
                                   onnx::AttributeProto::AttributeType type) {
  onnx::AttributeProto* attribute = node->add_attribute();
  attribute->set_name(name);
  attribute->set_type(type);
  return attribute;
}

}  // namespace

void SetInt(onnx::NodeProto* node, const std::string& name, int64_t value) {
  AddAttribute(node, name, onnx::AttributeProto::INT)->set_i(value);
}
void SetFloat(onnx::NodeProto* node, const std::string& name, float value) {
  AddAttribute(node, name, onnx::AttributeProto::FLOAT)->set_f(value);
}
void SetText(onnx::NodeProto* node, const std::string& name, const std::string& value) {
  AddAttribute(node, name, onnx::AttributeProto::STRING)->set_s(value);
}
void SetInts(onnx::NodeProto* node, const std::string& name, const std::vector<int64_t>& values) {
  onnx::AttributeProto* attribute = AddAttribute(node, name, onnx::AttributeProto::INTS);
  for (int64_t value : values) attribute->add_ints(value);
}
void SetFloats(onnx::NodeProto* node, const std::string& name, const std::vector<float>& values) {
  onnx::AttributeProto* attribute = AddAttribute(node, name, onnx::AttributeProto::FLOATS);
  for (float value : values) attribute->add_floats(value);
}

Result ConvertAndRun(const ModelBuilder& builder, const std::vector<float>& input, const Dims& dims,
                     const ConvertOptions& options, ConversionReport* report) {
  const TemporaryFolder folder;
  const std::string model = folder.Write("model.onnx", builder.Bytes());
  Result result;
  const Status converted = ConvertFile(model, folder.path("pair"), options, report);
  if (!converted.ok()) return {{}, {}, converted.message()};
  PredictorOptions run_options;
  run_options.engine = "reference";
  auto loaded = Predictor::Load(folder.path("pair"), run_options);
  if (!loaded.ok()) return {{}, {}, loaded.status().message()};
  Session session(*loaded, {.threads = 1});
  const Status ran = session.Run({{(*loaded)->inputs()[0].name, View(input.data(), dims)}});
  if (!ran.ok()) return {{}, {}, ran.message()};
  const TensorView output = session.output(0);
  result.dims = output.dims;
  for (int64_t i = 0; i < ElementCount(output.dims); ++i) {
    result.values.push_back(
        output.type == ElementType::kInt64  ? static_cast<float>(output.as<int64_t>()[i])
        : output.type == ElementType::kBool ? static_cast<float>(output.as<bool>()[i])
                                            : output.as<float>()[i]);
  }
  return result;
}

std::string ConvertError(const std::string& bytes, const std::string& name) {
  const TemporaryFolder folder;
  const std::string model = folder.Write(name, bytes);
  const Status status = ConvertFile(model, folder.path("pair"), {}, nullptr);
  // A refused model leaves nothing behind.
  if (!status.ok() && FileExists(folder.path("pair"))) return "a folder was left behind";
  std::string message = status.message();
  const size_t at = message.find(model);
  if (at != std::string::npos) message.replace(at, model.size(), name);
  return message;
}

}  // namespace doppio::converter_test
