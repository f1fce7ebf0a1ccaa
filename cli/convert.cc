// doppio convert: an ONNX model becomes a pair.
#include <doppio/convert.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/message.h"
#include "cli/command.h"
#include "runtime/platform/machine.h"

namespace doppio::cli {
namespace {

struct ConvertArguments {
  std::string model, folder;
  ConvertOptions options;
  bool list_passes = false, list_operators = false, no_optimize = false, json = false;
};

std::string ShapeText(const TensorInfo& info) {
  std::vector<std::string> sizes;
  for (const DimInfo& dim : info.dims) {
    sizes.push_back(dim.size >= 0 ? base::Cat(dim.size) : dim.symbol.empty() ? "?" : dim.symbol);
  }
  const char* type = info.type == ElementType::kUndefined ? "?" : ElementName(info.type);
  return info.has_shape ? fmt::format("{}[{}]", type, fmt::join(sizes, ", "))
                        : fmt::format("{}[...]", type);
}

void PrintReport(const ConvertArguments& args, const ConversionReport& report, double seconds) {
  fmt::print("{} (opset {}, {} nodes{}{}) -> {}/\n", args.model, report.opset, report.source_nodes,
             report.producer.empty() ? "" : ", made by ", report.producer, args.folder);
  for (const TensorInfo& info : report.inputs)
    fmt::print("  input       {}  {}\n", info.name, ShapeText(info));
  for (const TensorInfo& info : report.outputs)
    fmt::print("  output      {}  {}\n", info.name, ShapeText(info));
  fmt::print("  parameters  {} in {} tensors, {:.2f} MB\n", report.parameters,
             report.weight_tensors, static_cast<double>(report.weight_bytes) / 1e6);
  std::vector<std::string> operators;
  int nodes = 0;
  for (const auto& [name, count] : report.operators) {
    operators.push_back(fmt::format("{} {}", count, name));
    nodes += count;
  }
  fmt::print("  operators   {}: {}\n", nodes, fmt::join(operators, ", "));
  std::vector<std::string> passes;
  for (const auto& [name, changes] : report.passes) {
    if (changes > 0) passes.push_back(fmt::format("{} {}", name, changes));
  }
  if (!passes.empty()) fmt::print("  passes      {}\n", fmt::join(passes, ", "));
  fmt::print("  wrote       init_net.pb, predict_net.pb in {:.2f} s\n", seconds);
}

nlohmann::json ReportJson(const ConversionReport& report, double seconds) {
  const auto infos = [](const std::vector<TensorInfo>& list) {
    nlohmann::json json = nlohmann::json::array();
    for (const TensorInfo& info : list)
      json.push_back({{"name", info.name}, {"type", ShapeText(info)}});
    return json;
  };
  nlohmann::json passes = nlohmann::json::object();
  for (const auto& [name, changes] : report.passes) passes[name] = changes;
  return {{"schema", 1},
          {"opset", report.opset},
          {"producer", report.producer},
          {"source_nodes", report.source_nodes},
          {"inputs", infos(report.inputs)},
          {"outputs", infos(report.outputs)},
          {"parameters", report.parameters},
          {"weight_tensors", report.weight_tensors},
          {"weight_bytes", report.weight_bytes},
          {"operators", report.operators},
          {"passes", passes},
          {"warnings", report.warnings},
          {"seconds", seconds}};
}

Status Convert(ConvertArguments& args) {
  if (args.list_passes) {
    for (const PassInfo& pass : ListPasses()) fmt::print("{:<22} {}\n", pass.name, pass.summary);
    return {};
  }
  if (args.list_operators) {
    nlohmann::json list = nlohmann::json::array();
    for (const ImportedOperator& op : ListImportedOperators()) {
      if (!args.json) fmt::print("{:<18} {:<28} from version {}\n", op.domain, op.type, op.since);
      list.push_back({{"domain", op.domain}, {"type", op.type}, {"since", op.since}});
    }
    if (args.json) fmt::print("{}\n", nlohmann::json{{"schema", 1}, {"operators", list}}.dump(2));
    return {};
  }
  if (args.model.empty() || args.folder.empty()) {
    return InvalidArgument("a model and a folder are needed: doppio convert model.onnx -o deploy/");
  }
  args.options.optimize = !args.no_optimize;
  const int64_t begin = platform::NowNs();
  ConversionReport report;
  DOPPIO_RETURN_IF_ERROR(ConvertFile(args.model, args.folder, args.options, &report));
  const double seconds = static_cast<double>(platform::NowNs() - begin) / 1e9;
  for (const std::string& warning : report.warnings) Note("doppio: warning: " + warning);
  if (args.json) {
    fmt::print("{}\n", ReportJson(report, seconds).dump(2));
  } else if (!GlobalVerbosity().quiet) {
    PrintReport(args, report, seconds);
  }
  return {};
}

}  // namespace

void AddConvert(CLI::App& app, int* exit_status) {
  auto args = std::make_shared<ConvertArguments>();
  CLI::App* command = app.add_subcommand("convert", "Turn an ONNX model into a pair");
  command->footer(
      "Examples:\n"
      "  doppio convert model.onnx -o deploy/\n"
      "  doppio convert model.onnx -o deploy/ --shape input=1,3,224,224\n"
      "  doppio convert model.onnx -o backbone/ --outputs features\n"
      "Writes DIR/init_net.pb (weights) and DIR/predict_net.pb (graph): both whole, or none. A "
      "model with nodes that\n"
      "cannot be converted gives the list of all of them.");
  command->add_option("MODEL.onnx", args->model,
                      "The model; its side file of weights stays beside it");
  command->add_option("-o,--output-dir", args->folder, "Folder for the pair; made if missing");
  command->add_option("--shape", args->options.shapes,
                      "NAME=1,3,224,224: sizes of an input, numbers or symbols; NAME= may be left "
                      "out with one input");
  command->add_option("--inputs", args->options.inputs, "Cut: these values become the inputs")
      ->delimiter(',');
  command->add_option("--outputs", args->options.outputs, "Cut: these values become the outputs")
      ->delimiter(',');
  command->add_option("--rename", args->options.renames, "OLD=NEW: rename a blob");
  command->add_option("--disable-pass", args->options.disabled_passes,
                      "Leave a pass out (see --list-passes)");
  command->add_flag("--list-passes", args->list_passes, "List the passes");
  command->add_flag("--list-operators", args->list_operators,
                    "List the ONNX operators that are known, and since which version of their set");
  command->add_flag("--strict-caffe2", args->options.strict_caffe2,
                    "Refuse what the original Caffe2 could not run, and name it");
  command->add_flag("--no-optimize", args->no_optimize, "Run no pass");
  command->add_flag("--json", args->json, "Print the summary as JSON (docs/json.md)");
  command->callback([args, exit_status] {
    const Status status = Convert(*args);
    *exit_status = status.ok() ? kDone : Report(status);
  });
}

}  // namespace doppio::cli
