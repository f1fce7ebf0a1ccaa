#include "tests/conformance/test_data.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "converter/convert_error.h"
#include "converter/model_file.h"
#include "converter/tensors.h"
#include "schemas/onnx_data.pb.h"

namespace doppio::conformance {
namespace {

namespace fs = std::filesystem;
namespace onnx = doppio::onnx_schema;

std::string ReadFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(path.string() + ": cannot be read");
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

template <class Message>
void Parse(const fs::path& path, Message* message) {
  if (!message->ParseFromString(ReadFile(path))) {
    throw std::runtime_error(path.string() + ": damaged");
  }
}

void CollectOperators(const onnx::GraphProto& graph, std::set<std::string>* operators);

void CollectOperators(const onnx::NodeProto& node, std::set<std::string>* operators) {
  const bool plain = node.domain().empty() || node.domain() == "ai.onnx";
  operators->insert(plain ? node.op_type() : node.domain() + "." + node.op_type());
  for (const onnx::AttributeProto& attribute : node.attribute()) {
    if (attribute.has_g()) CollectOperators(attribute.g(), operators);
  }
}

void CollectOperators(const onnx::GraphProto& graph, std::set<std::string>* operators) {
  for (const onnx::NodeProto& node : graph.node()) CollectOperators(node, operators);
}

// Turns messages into views over memory that a StoredValue keeps.
class Reader {
 public:
  Reader(const fs::path& path, graph::Graph* memory) : tensors_(path.string(), memory) {}

  ValueView Tensor(const onnx::TensorProto& tensor) {
    const graph::Constant constant = tensors_.Read(tensor);
    ValueView view;
    view.tensor = {constant.data, constant.type, constant.dims};
    return view;
  }
  ValueView Sequence(const onnx::SequenceProto& sequence) {
    ValueView view;
    view.kind = ValueKind::kSequence;
    for (const auto& tensor : sequence.tensor_values()) view.elements.push_back(Tensor(tensor));
    for (const auto& inner : sequence.sequence_values()) view.elements.push_back(Sequence(inner));
    for (const auto& inner : sequence.optional_values()) view.elements.push_back(Optional(inner));
    if (sequence.map_values_size() + sequence.sparse_tensor_values_size() > 0) {
      throw std::runtime_error("sequences of maps or sparse tensors are no values of doppio's");
    }
    if (!view.elements.empty()) view.tensor.type = view.elements[0].tensor.type;
    return view;
  }
  ValueView Optional(const onnx::OptionalProto& optional) {
    ValueView view;
    view.kind = ValueKind::kOptional;
    if (optional.has_tensor_value()) view.elements.push_back(Tensor(optional.tensor_value()));
    if (optional.has_sequence_value()) {
      view.elements.push_back(Sequence(optional.sequence_value()));
    }
    if (!view.elements.empty()) view.tensor.type = view.elements[0].tensor.type;
    return view;
  }

 private:
  converter::TensorReader tensors_;
};

StoredValue ReadValue(const fs::path& path, const onnx::TypeProto& type) {
  StoredValue stored;
  stored.memory = std::make_unique<graph::Graph>();
  // Messages live as long as the views into them.
  const auto keep = [&](auto message) {
    Parse(path, message.get());
    converter::Check(stored.memory->KeepAlive(message));
    return message;
  };
  Reader reader(path, stored.memory.get());
  if (type.value_case() == onnx::TypeProto::kSequenceType) {
    stored.view = reader.Sequence(*keep(std::make_shared<onnx::SequenceProto>()));
  } else if (type.value_case() == onnx::TypeProto::kOptionalType) {
    stored.view = reader.Optional(*keep(std::make_shared<onnx::OptionalProto>()));
  } else {
    stored.view = reader.Tensor(*keep(std::make_shared<onnx::TensorProto>()));
    // ONNX up to 1.12 stored the bits of bfloat16 as uint16.
    const bool bits = stored.view.tensor.type == ElementType::kUint16 &&
                      type.tensor_type().elem_type() == onnx::TensorProto::BFLOAT16;
    if (bits) stored.view.tensor.type = ElementType::kBFloat16;
  }
  return stored;
}

std::vector<StoredValue> ReadValues(
    const fs::path& folder, const char* prefix,
    const google::protobuf::RepeatedPtrField<onnx::ValueInfoProto>& infos) {
  std::vector<StoredValue> values;
  for (int i = 0; i < infos.size(); ++i) {
    const fs::path path = folder / (prefix + std::to_string(i) + ".pb");
    if (!fs::exists(path)) break;
    values.push_back(ReadValue(path, infos[i].type()));
  }
  return values;
}

}  // namespace

std::vector<fs::path> FindCases(const fs::path& root) {
  std::vector<fs::path> folders;
  const fs::recursive_directory_iterator all(root, fs::directory_options::follow_directory_symlink);
  for (const fs::directory_entry& entry : all) {
    if (entry.path().filename() == "model.onnx") folders.push_back(entry.path().parent_path());
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

Case ReadCase(const fs::path& folder) {
  Case test;
  test.name = folder.filename().string();
  test.model = folder / "model.onnx";
  onnx::ModelProto model;
  Parse(test.model, &model);
  CollectOperators(model.graph(), &test.operators);
  for (const onnx::FunctionProto& function : model.functions()) {
    for (const onnx::NodeProto& node : function.node()) CollectOperators(node, &test.operators);
  }
  std::set<std::string> weights;
  for (const auto& tensor : model.graph().initializer()) weights.insert(tensor.name());
  for (const auto& info : model.graph().input()) {
    if (weights.count(info.name()) == 0) test.inputs.push_back(info.name());
  }
  for (const auto& info : model.graph().output()) test.outputs.push_back(info.name());
  if (fs::exists(folder / "data.json")) {
    const auto data = nlohmann::json::parse(ReadFile(folder / "data.json"));
    test.tolerance.rtol = data.value("rtol", test.tolerance.rtol);
    test.tolerance.atol = data.value("atol", test.tolerance.atol);
  }
  return test;
}

std::vector<DataSet> ReadData(const fs::path& folder, const Case& test) {
  onnx::ModelProto model;
  Parse(test.model, &model);
  google::protobuf::RepeatedPtrField<onnx::ValueInfoProto> inputs;
  for (const auto& info : model.graph().input()) {
    const bool wanted =
        std::find(test.inputs.begin(), test.inputs.end(), info.name()) != test.inputs.end();
    if (wanted) *inputs.Add() = info;
  }
  std::vector<fs::path> sets;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (entry.path().filename().string().starts_with("test_data_set_")) {
      sets.push_back(entry.path());
    }
  }
  std::sort(sets.begin(), sets.end());
  std::vector<DataSet> data;
  for (const fs::path& set : sets) {
    data.push_back({set.filename().string(), ReadValues(set, "input_", inputs),
                    ReadValues(set, "output_", model.graph().output())});
  }
  return data;
}

}  // namespace doppio::conformance
