// doppio run: computes a pair's outputs for given inputs.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/message.h"
#include "cli/command.h"
#include "cli/input_files.h"
#include "cli/output_files.h"
#include "cli/pair_argument.h"
#include "cli/picture_options.h"

namespace doppio::cli {
namespace {

constexpr int64_t kShownValues = 8;

struct RunArguments {
  PairArgument pair;
  PictureOptions picture;
  std::vector<std::string> inputs, outputs;
  std::string output_folder, labels;
  int top = 0, threads = 0;
  bool softmax = false, json = false;
};

StatusOr<std::vector<std::string>> ReadLabels(const std::string& path) {
  std::vector<std::string> labels;
  if (path.empty()) return labels;
  std::ifstream file(path);
  if (!file)
    return NotFound(
        base::Cat(path, ": cannot be read; --labels wants a text file, a label a line"));
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    labels.push_back(line);
  }
  return labels;
}

struct Scored {
  int64_t index;
  double score;
};

// The `count` greatest values among tensor[row * size .. + size), greatest first; the lower index
// among equals.
std::vector<Scored> TopOf(const TensorView& tensor, int64_t row, int64_t size, int count,
                          bool softmax) {
  std::vector<Scored> all;
  for (int64_t i = 0; i < size; ++i) all.push_back({i, NumberAt(tensor, row * size + i)});
  if (softmax && !all.empty()) {
    double highest = all[0].score, sum = 0;
    for (const Scored& s : all) highest = std::max(highest, s.score);
    for (Scored& s : all) sum += s.score = std::exp(s.score - highest);
    for (Scored& s : all) s.score /= sum;
  }
  const auto better = [](const Scored& a, const Scored& b) {
    return a.score != b.score ? a.score > b.score : a.index < b.index;
  };
  const auto kept = std::min<size_t>(static_cast<size_t>(count), all.size());
  std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(kept), all.end(),
                    better);
  all.resize(kept);
  return all;
}

std::string LabelOf(const std::vector<std::string>& labels, int64_t index) {
  return static_cast<size_t>(index) < labels.size() ? labels[static_cast<size_t>(index)] : "";
}

void PrintTop(const TensorView& tensor, const RunArguments& args,
              const std::vector<std::string>& labels, nlohmann::json* json) {
  const int64_t rows = tensor.dims.rank() > 0 ? tensor.dims[0] : 1;
  const int64_t size = rows > 0 ? ElementCount(tensor.dims) / rows : 0;
  for (int64_t row = 0; row < rows; ++row) {
    nlohmann::json listed = nlohmann::json::array();
    if (!args.json && rows > 1) fmt::print("  [{}]\n", row);
    for (const Scored& s : TopOf(tensor, row, size, args.top, args.softmax)) {
      const std::string label = LabelOf(labels, s.index);
      if (!args.json) fmt::print("  {:>6}  {:<12.6g} {}\n", s.index, s.score, label);
      listed.push_back({{"index", s.index}, {"score", s.score}, {"label", label}});
    }
    (*json)["top"].push_back(listed);
  }
}

void PrintTensor(const std::string& name, const TensorView& tensor, const RunArguments& args,
                 const std::vector<std::string>& labels, nlohmann::json* list) {
  const int64_t count = ElementCount(tensor.dims);
  nlohmann::json json = {{"name", name},
                         {"type", ElementName(tensor.type)},
                         {"dims", std::vector<int64_t>(tensor.dims.begin(), tensor.dims.end())}};
  std::string line = base::Cat(name, "  ", tensor.type, tensor.dims);
  if (tensor.type == ElementType::kString) {
    for (int64_t i = 0; i < std::min(count, kShownValues); ++i) {
      line += base::Cat(i == 0 ? "  " : ", ", base::Quoted(tensor.as<std::string_view>()[i]));
    }
  } else if (count > 0) {
    double low = INFINITY, high = -INFINITY, sum = 0;
    std::vector<double> first;
    for (int64_t i = 0; i < count; ++i) {
      const double value = NumberAt(tensor, i);
      low = std::min(low, value);
      high = std::max(high, value);
      sum += value;
      if (i < kShownValues) first.push_back(value);
    }
    line += fmt::format("  min {:.6g}  max {:.6g}  mean {:.6g}\n  {:.6g}{}", low, high,
                        sum / static_cast<double>(count), fmt::join(first, ", "),
                        count > kShownValues ? ", ..." : "");
    json.update({{"min", low},
                 {"max", high},
                 {"mean", sum / static_cast<double>(count)},
                 {"first", first}});
  }
  if (!args.json) fmt::print("{}\n", line);
  if (args.top > 0) PrintTop(tensor, args, labels, &json);
  list->push_back(json);
}

Status RunPair(const RunArguments& args) {
  DOPPIO_ASSIGN_OR_RETURN(const vision::Preprocess steps, args.picture.Steps());
  DOPPIO_ASSIGN_OR_RETURN(const std::vector<std::string> labels, ReadLabels(args.labels));
  DOPPIO_ASSIGN_OR_RETURN(const std::shared_ptr<const Predictor> predictor,
                          args.pair.Load(args.outputs));
  std::vector<std::pair<std::string, Tensor>> inputs;
  DOPPIO_RETURN_IF_ERROR(ReadInputs(args.inputs, predictor->inputs(), steps, &inputs));
  std::vector<NamedTensor> feeds;
  for (auto& [name, tensor] : inputs) feeds.emplace_back(name, tensor.view());
  SessionOptions options;
  options.threads = args.threads;
  Session session(predictor, options);
  DOPPIO_RETURN_IF_ERROR(session.Run(feeds));
  std::vector<std::string> names;
  for (const TensorInfo& info : predictor->outputs()) names.push_back(info.name);
  if (!args.output_folder.empty())
    DOPPIO_RETURN_IF_ERROR(WriteOutputs(session, names, args.output_folder));
  nlohmann::json json = {{"schema", 1}, {"outputs", nlohmann::json::array()}};
  for (size_t i = 0; i < names.size(); ++i) {
    const bool wanted = args.outputs.empty() || std::find(args.outputs.begin(), args.outputs.end(),
                                                          names[i]) != args.outputs.end();
    const bool shown = args.output_folder.empty() || args.json || args.top > 0;
    if (wanted && shown) PrintTensor(names[i], session.output(i), args, labels, &json["outputs"]);
  }
  if (args.json) fmt::print("{}\n", json.dump(2));
  return {};
}

}  // namespace

void AddRun(CLI::App& app, int* exit_status) {
  auto args = std::make_shared<RunArguments>();
  CLI::App* command = app.add_subcommand("run", "Run a pair on inputs");
  command->footer(
      "Examples:\n"
      "  doppio run deploy/ --input x.npy --output-dir results/\n"
      "  doppio run deploy/ --input dog.jpg --preset torchvision --top 5 --labels classes.txt "
      "--softmax\n"
      "Without --output-dir prints each output's shape, range and first values.");
  args->pair.AddTo(command);
  command->add_option(
      "--input", args->inputs,
      "NAME=FILE: a .npy file, an ONNX tensor .pb, or a JPEG or PNG picture; with one input "
      "NAME= may be left out");
  command->add_option("--output", args->outputs,
                      "Blob to fetch, also an intermediate one (default: all outputs)");
  command->add_option("--output-dir", args->output_folder,
                      "Write every output as DIR/NAME.npy, and index.json");
  command->add_option("--top", args->top, "List the K greatest values of each row")
      ->check(CLI::Range(1, 1 << 20));
  command->add_option("--labels", args->labels, "Names for --top, a line each");
  command->add_flag("--softmax", args->softmax, "Turn --top's values into probabilities first");
  command
      ->add_option("--threads", args->threads, "Threads (default: the cores this process may use)")
      ->check(CLI::Range(1, 1024));
  command->add_flag("--json", args->json, "Print the results as JSON (docs/json.md)");
  args->pair.AddRunOptionsTo(command);
  args->picture.AddTo(command);
  command->callback([args, exit_status] {
    const Status status = RunPair(*args);
    *exit_status = status.ok() ? kDone : Report(status);
  });
}

}  // namespace doppio::cli
