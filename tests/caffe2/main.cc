// Runs pairs as other tools wrote them and compares with the answers of the original Caffe2 (see
// README.md). Each pair is read a second time as doppio writes it, and must give the same again.
//
//   doppio_caffe2_cases [--expect FILE] [--only SUBSTRING] [--show] FOLDER...
//
// Prints a line for every case that fails unexpectedly (with --show, for every case) and counts.
// Exit status 1 when a case fails that FILE does not list, or when one passes that it lists.
#include <doppio/predictor.h>

#include <cmath>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "base/message.h"
#include "cli/npy.h"
#include "runtime/graph/wire/pair_reader.h"
#include "runtime/graph/wire/pair_writer.h"
#include "tests/conformance/expectations.h"

namespace doppio::caffe2 {
namespace {

using base::Cat;
using nlohmann::json;

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(path.string() + ": cannot be read");
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::span<const uint8_t> BytesOf(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

struct Named {
  std::string name;
  cli::Tensor tensor;
};

struct PairCase {
  std::string name, op;
  bool refused = false;  // the original refuses it
  std::string init, predict;
  std::vector<Named> inputs, outputs;
};

Named ReadNamed(const std::filesystem::path& folder, const json& row) {
  auto tensor = cli::ParseNpy(BytesOf(ReadFile(folder / row.at("file").get<std::string>())));
  if (!tensor.ok()) throw std::runtime_error(tensor.status().message());
  return {row.at("blob"), std::move(*tensor)};
}

PairCase ReadCase(const std::filesystem::path& root, const json& row) {
  PairCase test;
  test.name = row.at("name");
  test.op = row.value("operator", "net");
  test.refused = row.value("error", false);
  const std::filesystem::path folder = root / test.name;
  test.init = ReadFile(folder / "init_net.pb");
  test.predict = ReadFile(folder / "predict_net.pb");
  for (const json& input : row.at("inputs")) test.inputs.push_back(ReadNamed(folder, input));
  for (const json& output : row.at("outputs")) test.outputs.push_back(ReadNamed(folder, output));
  return test;
}

// Floats within 1e-5 of the greatest finite expected one, or of 1; all others equal.
std::string Difference(const TensorView& got, cli::Tensor& expected) {
  const TensorView want = expected.view();
  if (got.type != want.type || !(got.dims == want.dims)) {
    return Cat(got.type, got.dims, ", expected ", want.type, want.dims);
  }
  double greatest = 1;
  const int64_t count = ElementCount(want.dims);
  const bool floats = want.type == ElementType::kFloat || want.type == ElementType::kDouble;
  for (int64_t i = 0; i < count && floats; ++i) {
    const double value = std::fabs(cli::NumberAt(want, i));
    if (std::isfinite(value)) greatest = std::max(greatest, value);
  }
  for (int64_t i = 0; i < count; ++i) {
    if (want.type == ElementType::kString) {
      if (got.as<std::string_view>()[i] == want.as<std::string_view>()[i]) continue;
      return Cat("element ", i, " differs");
    }
    const double a = cli::NumberAt(got, i), b = cli::NumberAt(want, i);
    const bool equal = a == b || (std::isnan(a) && std::isnan(b)) ||
                       (floats && std::fabs(a - b) <= 1e-5 * greatest);
    if (!equal) return Cat("element ", i, " is ", a, ", expected ", b);
  }
  return "";
}

Status RunPair(const std::string& init, const std::string& predict, PairCase& test,
               std::string* difference) {
  DOPPIO_ASSIGN_OR_RETURN(const std::shared_ptr<const Predictor> predictor,
                          Predictor::LoadBytes(BytesOf(init), BytesOf(predict)));
  Session session(predictor, {.threads = 1});
  std::vector<NamedTensor> inputs;
  for (Named& input : test.inputs) inputs.emplace_back(input.name, input.tensor.view());
  DOPPIO_RETURN_IF_ERROR(session.Run(inputs));
  if (session.output_count() < test.outputs.size()) *difference = "too few outputs";
  for (size_t i = 0; i < test.outputs.size() && difference->empty(); ++i) {
    const std::string text = Difference(session.output(i), test.outputs[i].tensor);
    if (!text.empty()) *difference = "output " + test.outputs[i].name + ": " + text;
  }
  return {};
}

class StringSink final : public graph::wire::Sink {
 public:
  Status Write(const void* data, size_t bytes) override {
    text.append(static_cast<const char*>(data), bytes);
    return {};
  }
  std::string text;
};

// The pair as doppio writes it.
Status Rewrite(const PairCase& test, std::string* init, std::string* predict) {
  graph::Graph graph;
  DOPPIO_RETURN_IF_ERROR(graph::wire::ReadPair({BytesOf(test.init), "init_net.pb"},
                                               {BytesOf(test.predict), "predict_net.pb"}, &graph));
  StringSink sinks[2];
  DOPPIO_RETURN_IF_ERROR(graph::wire::WritePair(graph, &sinks[0], &sinks[1]));
  *init = std::move(sinks[0].text);
  *predict = std::move(sinks[1].text);
  return {};
}

// Empty when the case passes.
std::string WhyFails(PairCase& test) {
  std::string difference;
  const Status status = RunPair(test.init, test.predict, test, &difference);
  if (test.refused) {
    if (status.ok()) return "an answer where the original reports an error";
    return std::string_view(status.message()).empty() ? "an error without a message" : "";
  }
  if (!status.ok()) return status.message();
  if (!difference.empty()) return difference;
  std::string init, predict;
  Status again = Rewrite(test, &init, &predict);
  if (again.ok()) again = RunPair(init, predict, test, &difference);
  if (!again.ok()) return Cat("written again: ", again.message());
  return difference.empty() ? "" : "written again: " + difference;
}

struct Options {
  std::vector<std::string> folders;
  std::string expectations, only;
  bool show = false;
};

int RunAll(const Options& options) {
  conformance::Expectations expectations;
  if (!options.expectations.empty()) expectations.Add(options.expectations);
  int passed = 0, listed = 0, failed = 0;
  for (const std::string& folder : options.folders) {
    const json cases = json::parse(ReadFile(std::filesystem::path(folder) / "cases.json"));
    for (const json& row : cases) {
      PairCase test = ReadCase(folder, row);
      if (test.name.find(options.only) == std::string::npos) continue;
      const std::string why = WhyFails(test);
      conformance::Case key;
      key.name = test.name;
      key.operators = {test.op};
      const std::string reason = expectations.WhyFails(key);
      if (why.empty() != reason.empty()) {
        ++failed;
        std::cout << (why.empty() ? "PASSES    " : "FAIL      ") << test.name << " "
                  << (why.empty() ? "although it is listed: " + reason : why) << std::endl;
        continue;
      }
      ++(why.empty() ? passed : listed);
      if (options.show)
        std::cout << (why.empty() ? "ok        " : "listed    ") << test.name << "\n";
    }
  }
  std::cout << passed << " passed, " << listed << " fail as listed, " << failed
            << " fail or pass against the list\n";
  return failed == 0 && passed > 0 ? 0 : 1;
}

}  // namespace
}  // namespace doppio::caffe2

int main(int argc, char** argv) {
  doppio::caffe2::Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--expect" && i + 1 < argc) {
      options.expectations = argv[++i];
    } else if (argument == "--only" && i + 1 < argc) {
      options.only = argv[++i];
    } else if (argument == "--show") {
      options.show = true;
    } else {
      options.folders.push_back(argument);
    }
  }
  try {
    return doppio::caffe2::RunAll(options);
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 2;
  }
}
