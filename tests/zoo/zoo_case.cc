#include "tests/zoo/zoo_case.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>

#include "base/message.h"
#include "schemas/onnx.pb.h"

namespace doppio::zoo {
namespace {

using nlohmann::json;

// Of the greatest expected value. Independent runtimes agree to 2e-6 here; sums of a few thousand
// products in another order, and Winograd's transforms, stay below this.
constexpr double kTolerance = 1e-4;

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (bytes.empty()) throw std::runtime_error(path.string() + ": cannot be read");
  return bytes;
}

// A one-dimensional array of little-endian float32 as numpy saves it, version 1.0.
std::vector<float> ReadFloats(const std::filesystem::path& path) {
  const std::string file = ReadFile(path);
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(file.at(i)); };
  const size_t data = 10 + byte(8) + size_t{256} * byte(9);
  if (file.substr(0, data).find("'<f4'") == std::string::npos) {
    throw std::runtime_error(path.string() + ": holds no float32 array");
  }
  std::vector<float> values((file.size() - data) / sizeof(float));
  std::memcpy(values.data(), file.data() + data, values.size() * sizeof(float));
  return values;
}

Dims DimsOf(const json& shape) {
  Dims dims;
  for (const json& size : shape) dims.push_back(size.get<int64_t>());
  return dims;
}

Input InputOf(const json& row) {
  Input input;
  input.name = row.at("name");
  input.dims = DimsOf(row.at("shape"));
  input.floats =
      FillUniform({row.at("seed"), row.at("lo"), row.at("hi")}, ElementCount(input.dims));
  const std::string type = row.at("dtype");
  if (type == "float32") return input;
  if (type != "int64") throw std::runtime_error("input type " + type);
  input.type = ElementType::kInt64;
  for (float value : input.floats) {
    input.integers.push_back(static_cast<int64_t>(std::floor(value)));
  }
  return input;
}

void Restore(onnx_schema::TensorProto* tensor) {
  std::istringstream words(tensor->doc_string());
  std::string kind;
  Uniform rule;
  if (!(words >> kind >> rule.seed >> rule.lo >> rule.hi) || kind != "uniform") return;
  int64_t count = 1;
  for (int64_t size : tensor->dims()) count *= size;
  const std::vector<float> values = FillUniform(rule, count);
  tensor->set_raw_data(values.data(), values.size() * sizeof(float));
  tensor->clear_doc_string();
}

void RestoreGraph(onnx_schema::GraphProto* graph) {
  for (auto& tensor : *graph->mutable_initializer()) Restore(&tensor);
  for (auto& node : *graph->mutable_node()) {
    for (auto& attribute : *node.mutable_attribute()) {
      if (attribute.has_t()) Restore(attribute.mutable_t());
      if (attribute.has_g()) RestoreGraph(attribute.mutable_g());
    }
  }
}

}  // namespace

std::vector<float> FillUniform(const Uniform& rule, int64_t count) {
  std::vector<float> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) {
    uint64_t z = ((rule.seed << 32) + i + 1) * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    z ^= z >> 31;
    values[i] = rule.lo + static_cast<float>(z >> 40) * 0x1p-24f * (rule.hi - rule.lo);
  }
  return values;
}

TensorView Input::view() const {
  return type == ElementType::kInt64 ? View(integers.data(), dims) : View(floats.data(), dims);
}

std::vector<std::filesystem::path> FindCases(const std::filesystem::path& root) {
  if (std::filesystem::exists(root / "case.json")) return {root};
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator(root)) {
    if (std::filesystem::exists(entry.path() / "case.json")) found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

Case ReadCase(const std::filesystem::path& folder) {
  const json document = json::parse(ReadFile(folder / "case.json"));
  Case zoo_case;
  zoo_case.folder = folder;
  for (const json& row : document.at("inputs")) zoo_case.inputs.push_back(InputOf(row));
  for (const json& row : document.at("outputs")) {
    const std::string file = base::Cat("out_", zoo_case.outputs.size(), ".npy");
    zoo_case.outputs.push_back(
        {row.at("name"), DimsOf(row.at("shape")), row.at("stride"), ReadFloats(folder / file)});
  }
  return zoo_case;
}

void WriteWholeModel(const Case& zoo_case, const std::filesystem::path& path) {
  onnx_schema::ModelProto model;
  if (!model.ParseFromString(ReadFile(zoo_case.folder / "model.onnx"))) {
    throw std::runtime_error(zoo_case.name() + ": model.onnx is no ONNX model");
  }
  RestoreGraph(model.mutable_graph());
  std::ofstream file(path, std::ios::binary);
  if (!model.SerializeToOstream(&file) || !file.flush()) {
    throw std::runtime_error(path.string() + ": cannot be written");
  }
}

std::string Compare(const Output& expected, const TensorView& got) {
  if (got.type != ElementType::kFloat || !(got.dims == expected.dims)) {
    return base::Cat("output '", expected.name, "' is ", got.type, got.dims, ", expected ",
                     ElementType::kFloat, expected.dims);
  }
  const int64_t count = ElementCount(got.dims);
  if (static_cast<int64_t>(expected.values.size()) !=
      (count + expected.stride - 1) / expected.stride) {
    return base::Cat("output '", expected.name, "': ", expected.values.size(),
                     " values are expected");
  }
  double greatest = 0, worst = 0;
  for (size_t i = 0; i < expected.values.size(); ++i) {
    const double value = got.as<float>()[static_cast<int64_t>(i) * expected.stride];
    greatest = std::max(greatest, std::abs(static_cast<double>(expected.values[i])));
    const double error = std::abs(value - expected.values[i]);
    worst = error <= worst ? worst : error;  // NaN counts as worse
  }
  if (worst <= kTolerance * greatest) return "";
  return base::Cat("output '", expected.name, "' is off by ", worst, ", the greatest value is ",
                   greatest);
}

}  // namespace doppio::zoo
