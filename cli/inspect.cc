// doppio inspect: what a pair or model is made of.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "base/message.h"
#include "cli/command.h"
#include "cli/npy.h"
#include "cli/pair_argument.h"
#include "cli/tensor.h"
#include "runtime/api/predictor_impl.h"
#include "runtime/operators/operator.h"
#include "runtime/platform/atomic_file.h"

namespace doppio::cli {
namespace {

struct InspectArguments {
  PairArgument pair;
  std::vector<std::string> dumps;
  bool weights = false, ops = false, engines = false, operators = false, json = false;
};

std::string TensorText(const TensorInfo& info) {
  std::string text = info.type == ElementType::kUndefined ? "?" : ElementName(info.type);
  if (!info.has_shape) return text + "[...]";
  std::vector<std::string> sizes;
  for (const DimInfo& dim : info.dims) {
    sizes.push_back(dim.size >= 0 ? base::Cat(dim.size) : dim.symbol.empty() ? "?" : dim.symbol);
  }
  return fmt::format("{}[{}]", text, fmt::join(sizes, ", "));
}

struct WeightRow {
  std::string name;
  TensorView view;
  double low = 0, high = 0, mean = 0;
};

// Every constant that somebody reads, in the order of the net.
std::vector<WeightRow> Weights(const graph::Graph& graph, bool statistics) {
  std::vector<WeightRow> rows;
  for (uint32_t id = 0; id < graph.value_ids(); ++id) {
    const graph::Value* value = graph.value(id);
    if (value == nullptr || !value->is_constant || value->uses.empty()) continue;
    WeightRow row;
    row.name = value->name;
    row.view = {value->constant.data, value->constant.type, value->constant.dims};
    const int64_t count = value->constant.count;
    if (statistics && count > 0 && row.view.type != ElementType::kString) {
      row.low = INFINITY;
      row.high = -INFINITY;
      for (int64_t i = 0; i < count; ++i) {
        const double number = NumberAt(row.view, i);
        row.low = std::min(row.low, number);
        row.high = std::max(row.high, number);
        row.mean += number / static_cast<double>(count);
      }
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string OperatorKey(const graph::Node& node) {
  return node.domain.empty() ? std::string(node.type) : base::Cat(node.domain, ".", node.type);
}

nlohmann::json InfoJson(std::span<const TensorInfo> infos) {
  nlohmann::json list = nlohmann::json::array();
  for (const TensorInfo& info : infos) {
    nlohmann::json dims = nlohmann::json::array();
    for (const DimInfo& dim : info.dims) {
      if (dim.size >= 0) {
        dims.push_back(dim.size);
      } else {
        dims.push_back(dim.symbol);
      }
    }
    list.push_back({{"name", info.name}, {"type", ElementName(info.type)}, {"dims", dims}});
  }
  return list;
}

Status Dump(const graph::Graph& graph, const std::string& text) {
  const size_t equals = text.rfind('=');
  if (equals == std::string::npos) {
    return InvalidArgument(base::Cat("--dump ", base::Quoted(text), ": write NAME=FILE.npy"));
  }
  const std::string name = text.substr(0, equals), path = text.substr(equals + 1);
  for (const WeightRow& row : Weights(graph, false)) {
    if (row.name != name) continue;
    DOPPIO_ASSIGN_OR_RETURN(const std::string bytes, FormatNpy(row.view));
    DOPPIO_ASSIGN_OR_RETURN(platform::AtomicFile file, platform::AtomicFile::Create(path));
    DOPPIO_RETURN_IF_ERROR(file.Write(bytes.data(), bytes.size()));
    DOPPIO_RETURN_IF_ERROR(file.Sync());
    return file.Commit();
  }
  return NotFound(
      base::Cat("--dump: there is no weight ", base::Quoted(name), "; --weights lists them"));
}

void PrintText(const Predictor& predictor, const InspectArguments& args) {
  const graph::Graph& graph = predictor.impl().graph();
  std::map<std::string, int> operators;
  for (const graph::Node* node = graph.first(); node != nullptr; node = node->next)
    ++operators[OperatorKey(*node)];
  const std::vector<WeightRow> weights = Weights(graph, args.weights);
  int64_t parameters = 0, bytes = 0;
  for (const WeightRow& row : weights) {
    parameters += ElementCount(row.view.dims);
    bytes += StorageBytes(row.view.type, ElementCount(row.view.dims));
  }
  fmt::print("net         {}\n", graph.name);
  for (const TensorInfo& info : predictor.inputs())
    fmt::print("input       {}  {}\n", info.name, TensorText(info));
  for (const TensorInfo& info : predictor.outputs())
    fmt::print("output      {}  {}\n", info.name, TensorText(info));
  fmt::print("parameters  {} in {} tensors, {:.2f} MB\n", parameters, weights.size(),
             static_cast<double>(bytes) / 1e6);
  fmt::print("operators   {} of {} types\n", graph.node_count(), operators.size());
  if (args.ops) {
    for (const auto& [name, count] : operators) fmt::print("  {:>6}  {}\n", count, name);
  }
  if (!args.weights) return;
  fmt::print("\n{:<48} {:<10} {:<22} {:>12} {:>12} {:>12}\n", "weight", "type", "shape", "min",
             "max", "mean");
  for (const WeightRow& row : weights) {
    fmt::print("{:<48} {:<10} {:<22} {:>12.5g} {:>12.5g} {:>12.5g}\n", row.name,
               ElementName(row.view.type), base::Cat(row.view.dims), row.low, row.high, row.mean);
  }
}

void PrintJson(const Predictor& predictor, const InspectArguments& args) {
  const graph::Graph& graph = predictor.impl().graph();
  std::map<std::string, int> operators;
  for (const graph::Node* node = graph.first(); node != nullptr; node = node->next)
    ++operators[OperatorKey(*node)];
  nlohmann::json json = {{"schema", 1},
                         {"net", graph.name},
                         {"inputs", InfoJson(predictor.inputs())},
                         {"outputs", InfoJson(predictor.outputs())},
                         {"operators", operators},
                         {"weights", nlohmann::json::array()}};
  for (const WeightRow& row : Weights(graph, args.weights)) {
    nlohmann::json weight = {
        {"name", row.name},
        {"type", ElementName(row.view.type)},
        {"dims", std::vector<int64_t>(row.view.dims.begin(), row.view.dims.end())}};
    if (args.weights) weight.update({{"min", row.low}, {"max", row.high}, {"mean", row.mean}});
    json["weights"].push_back(weight);
  }
  fmt::print("{}\n", json.dump(2));
}

void PrintEngines() {
  const kernels::KernelTable table;
  for (const kernels::Kernel* row : table.rows()) {
    fmt::print("{:<10} {}\n", kernels::EngineName(row->engine), row->name);
  }
}

const char* KindName(operators::ArgKind kind) {
  constexpr const char* kNames[] = {"int",     "float", "string", "ints",  "floats",
                                    "strings", "net",   "nets",   "tensor"};
  return kNames[static_cast<size_t>(kind)];
}

std::string CountText(int least, int most) {
  if (least == most) return base::Cat(least);
  return most == operators::kVariadic ? base::Cat(least, " or more")
                                      : base::Cat(least, " to ", most);
}

// "axis = 1, order = NCHW, shape: ints".
std::string ArgumentsText(const operators::Operator& op) {
  std::vector<std::string> list;
  for (const operators::ArgSpec& spec : op.args) {
    const bool number =
        spec.kind == operators::ArgKind::kInt || spec.kind == operators::ArgKind::kFloat;
    if (spec.required) {
      list.push_back(fmt::format("{}: {}, required", spec.name, KindName(spec.kind)));
    } else if (number) {
      list.push_back(fmt::format("{} = {:g}", spec.name, spec.number));
    } else if (spec.kind == operators::ArgKind::kString && *spec.text != 0) {
      list.push_back(fmt::format("{} = {}", spec.name, spec.text));
    } else {
      list.push_back(fmt::format("{}: {}", spec.name, KindName(spec.kind)));
    }
  }
  return fmt::format("{}", fmt::join(list, ", "));
}

void PrintOperators(bool json) {
  nlohmann::json list = nlohmann::json::array();
  for (const operators::Operator* const op : operators::AllOperators()) {
    if (!json) {
      fmt::print("{:<8} {:<42} {}\n", op->domain, op->type, op->summary);
      continue;
    }
    list.push_back({{"domain", op->domain},
                    {"type", op->type},
                    {"inputs", CountText(op->min_inputs, op->max_inputs)},
                    {"outputs", CountText(op->min_outputs, op->max_outputs)},
                    {"arguments", ArgumentsText(*op)},
                    {"planned", op->lower != nullptr},
                    {"summary", op->summary}});
  }
  if (json) fmt::print("{}\n", nlohmann::json{{"schema", 1}, {"operators", list}}.dump(2));
}

Status Inspect(InspectArguments args) {
  if (args.engines) {
    PrintEngines();
    return {};
  }
  if (args.operators) {
    PrintOperators(args.json);
    return {};
  }
  args.pair.optimize = false;  // as the files have it
  DOPPIO_ASSIGN_OR_RETURN(const std::shared_ptr<const Predictor> predictor, args.pair.Load({}));
  for (const std::string& dump : args.dumps) {
    DOPPIO_RETURN_IF_ERROR(Dump(predictor->impl().graph(), dump));
  }
  if (args.json) {
    PrintJson(*predictor, args);
  } else {
    PrintText(*predictor, args);
  }
  return {};
}

}  // namespace

void AddInspect(CLI::App& app, int* exit_status) {
  auto args = std::make_shared<InspectArguments>();
  CLI::App* command = app.add_subcommand("inspect", "Show inputs, outputs, operators and weights");
  command->footer(
      "Examples:\n"
      "  doppio inspect deploy/ --ops\n"
      "  doppio inspect deploy/ --weights\n"
      "  doppio inspect deploy/ --dump conv1.weight=w.npy");
  args->pair.AddTo(command);
  command->add_flag("--weights", args->weights, "Every weight's name, type, shape, min, max, mean");
  command->add_flag("--ops", args->ops, "Operators by type, as a selective build wants them");
  command->add_option("--dump", args->dumps, "NAME=FILE.npy: write one weight to a file");
  command->add_flag("--engines", args->engines, "List every kernel of this build; needs no pair");
  command->add_flag("--operators", args->operators,
                    "List every operator of this build; needs no pair");
  command->add_flag("--json", args->json, "Print as JSON (docs/json.md)");
  command->callback([args, exit_status] {
    const Status status = Inspect(*args);
    *exit_status = status.ok() ? kDone : Report(status);
  });
}

}  // namespace doppio::cli
