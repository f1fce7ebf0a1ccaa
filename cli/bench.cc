// doppio bench: latency and throughput of a pair.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/message.h"
#include "base/shape_text.h"
#include "cli/command.h"
#include "cli/input_files.h"
#include "cli/pair_argument.h"
#include "runtime/platform/machine.h"

namespace doppio::cli {
namespace {

using platform::NowNs;

struct BenchArguments {
  PairArgument pair;
  std::vector<std::string> inputs, shapes;
  int threads = 0, runs = 0, warmup = 3;
  double seconds = 0;
  bool per_op = false, json = false;
};

double Ms(int64_t ns) { return static_cast<double>(ns) / 1e6; }

// The value that `share` of the sorted values do not exceed (nearest rank).
double Percentile(const std::vector<int64_t>& sorted, double share) {
  const auto rank = static_cast<size_t>(share * static_cast<double>(sorted.size() - 1) + 0.5);
  return Ms(sorted[rank]);
}

// Made-up data: floats random in [-1, 1) by a fixed generator, everything else 0.
void FillInput(Tensor* tensor, uint64_t seed) {
  tensor->bytes.assign(static_cast<size_t>(StorageBytes(tensor->type, tensor->count())), 0);
  if (tensor->type != ElementType::kFloat) return;
  auto* values = reinterpret_cast<float*>(tensor->bytes.data());
  uint64_t state = seed;
  for (int64_t i = 0; i < tensor->count(); ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;  // Knuth's MMIX generator
    values[i] = static_cast<float>(static_cast<double>(state >> 40) / (1 << 23) - 1.0);
  }
}

StatusOr<Dims> DimsFor(const TensorInfo& info, const std::vector<base::ShapeText>& shapes,
                       bool only_input) {
  for (const base::ShapeText& shape : shapes) {
    if (shape.name == info.name || (shape.name.empty() && only_input))
      return base::NumbersOf(shape);
  }
  if (!info.has_shape) {
    return InvalidArgument(base::Cat("input ", base::Quoted(info.name),
                                     " has no shape in the pair; give one with --shape ", info.name,
                                     "=1x3x224x224"));
  }
  Dims dims;
  for (const DimInfo& dim : info.dims)
    dims.push_back(dim.size >= 0 ? dim.size : 1);  // free sizes: 1
  return dims;
}

Status MakeInputs(const BenchArguments& args, const Predictor& predictor,
                  std::vector<std::pair<std::string, Tensor>>* inputs) {
  std::vector<base::ShapeText> shapes;
  for (const std::string& text : args.shapes) {
    DOPPIO_ASSIGN_OR_RETURN(base::ShapeText shape, base::ParseShapeText(text));
    shapes.push_back(std::move(shape));
  }
  DOPPIO_RETURN_IF_ERROR(ReadInputs(args.inputs, predictor.inputs(), vision::Preprocess(), inputs));
  for (const TensorInfo& info : predictor.inputs()) {
    const bool given =
        std::any_of(inputs->begin(), inputs->end(), [&](auto& i) { return i.first == info.name; });
    if (given) continue;
    Tensor tensor;
    tensor.type = info.type == ElementType::kUndefined ? ElementType::kFloat : info.type;
    DOPPIO_ASSIGN_OR_RETURN(tensor.dims, DimsFor(info, shapes, predictor.inputs().size() == 1));
    if (tensor.type == ElementType::kString)
      return Unsupported("string inputs cannot be made up; give --input");
    FillInput(&tensor, inputs->size() + 1);
    inputs->emplace_back(info.name, std::move(tensor));
  }
  return {};
}

nlohmann::json StepsJson(const std::vector<StepInfo>& steps) {
  nlohmann::json list = nlohmann::json::array();
  int64_t total = 0;
  for (const StepInfo& step : steps) total += step.total_ns;
  for (const StepInfo& step : steps) {
    const double ms = step.runs > 0 ? Ms(step.total_ns) / static_cast<double>(step.runs) : 0;
    list.push_back(
        {{"op", step.op_type},
         {"node", step.node},
         {"output", step.output},
         {"implementation", step.kernel},
         {"ms", ms},
         {"gflops", ms > 0 ? static_cast<double>(step.flops) / ms / 1e6 : 0},
         {"bytes", step.bytes},
         {"share",
          total > 0 ? static_cast<double>(step.total_ns) / static_cast<double>(total) : 0}});
  }
  return list;
}

void PrintSteps(const nlohmann::json& steps) {
  fmt::print("\n{:>9} {:>6} {:>9} {:>10}  {:<18} {:<32} {}\n", "ms", "share", "GFLOP/s", "MB",
             "operator", "implementation", "output");
  for (const auto& step : steps) {
    fmt::print(
        "{:>9.4f} {:>5.1f}% {:>9.1f} {:>10.3f}  {:<18} {:<32} {}\n", step["ms"].get<double>(),
        100 * step["share"].get<double>(), step["gflops"].get<double>(),
        static_cast<double>(step["bytes"].get<int64_t>()) / 1e6, step["op"].get<std::string>(),
        step["implementation"].get<std::string>(), step["output"].get<std::string>());
  }
}

void PrintSummary(const nlohmann::json& json) {
  const auto& latency = json["latency_ms"];
  fmt::print("load {:.2f} ms, first run {:.2f} ms\n", json["load_ms"].get<double>(),
             json["first_run_ms"].get<double>());
  fmt::print("latency ms: min {:.4f}  median {:.4f}  p90 {:.4f}  p99 {:.4f}\n",
             latency["min"].get<double>(), latency["median"].get<double>(),
             latency["p90"].get<double>(), latency["p99"].get<double>());
  fmt::print("throughput {:.2f}/s on {} thread(s), {} ({})\n",
             json["throughput_per_s"].get<double>(), json["threads"].get<int>(),
             json["cpu"].get<std::string>(), json["target"].get<std::string>());
  fmt::print("arena {:.2f} MB, peak resident {:.2f} MB\n",
             static_cast<double>(json["arena_bytes"].get<size_t>()) / 1e6,
             static_cast<double>(json["peak_rss_bytes"].get<size_t>()) / 1e6);
}

Status Bench(const BenchArguments& args) {
  const int64_t load_begin = NowNs();
  DOPPIO_ASSIGN_OR_RETURN(const std::shared_ptr<const Predictor> predictor, args.pair.Load({}));
  const int64_t load_ns = NowNs() - load_begin;
  std::vector<std::pair<std::string, Tensor>> inputs;
  DOPPIO_RETURN_IF_ERROR(MakeInputs(args, *predictor, &inputs));
  std::vector<NamedTensor> feeds;
  for (auto& [name, tensor] : inputs) feeds.emplace_back(name, tensor.view());
  SessionOptions options;
  options.threads = args.threads;
  Session session(predictor, options);
  if (args.per_op) session.EnableProfile();
  const int64_t first_begin = NowNs();
  DOPPIO_RETURN_IF_ERROR(session.Run(feeds));
  const int64_t first_ns = NowNs() - first_begin;
  for (int i = 0; i < args.warmup; ++i) DOPPIO_RETURN_IF_ERROR(session.Run(feeds));
  std::vector<int64_t> times;
  const int64_t begin = NowNs();
  const auto limit_ns = static_cast<int64_t>((args.seconds > 0 ? args.seconds : 3.0) * 1e9);
  while (args.runs > 0 ? static_cast<int>(times.size()) < args.runs
                       : times.size() < 3 || NowNs() - begin < limit_ns) {
    const int64_t start = NowNs();
    DOPPIO_RETURN_IF_ERROR(session.Run(feeds));
    times.push_back(NowNs() - start);
  }
  const double seconds = static_cast<double>(NowNs() - begin) / 1e9;
  std::sort(times.begin(), times.end());
  nlohmann::json json = {{"schema", 1},
                         {"load_ms", Ms(load_ns)},
                         {"first_run_ms", Ms(first_ns)},
                         {"latency_ms",
                          {{"min", Ms(times[0])},
                           {"median", Percentile(times, 0.5)},
                           {"p90", Percentile(times, 0.9)},
                           {"p99", Percentile(times, 0.99)}}},
                         {"runs", times.size()},
                         {"throughput_per_s", static_cast<double>(times.size()) / seconds},
                         {"threads", session.threads()},
                         {"cpu", platform::CpuName()},
                         {"target", GetRuntimeInfo().simd_target},
                         {"arena_bytes", session.arena_bytes()},
                         {"packed_bytes", predictor->packed_bytes()},
                         {"peak_rss_bytes", platform::PeakMemoryBytes()},
                         {"steps", nlohmann::json::array()}};
  if (args.per_op) json["steps"] = StepsJson(session.Profile());
  if (args.json) {
    fmt::print("{}\n", json.dump(2));
  } else {
    PrintSummary(json);
    if (args.per_op) PrintSteps(json["steps"]);
  }
  return {};
}

}  // namespace

void AddBench(CLI::App& app, int* exit_status) {
  auto args = std::make_shared<BenchArguments>();
  CLI::App* command = app.add_subcommand("bench", "Measure a pair's latency and throughput");
  command->footer(
      "Examples:\n"
      "  doppio bench deploy/ --threads 1 --seconds 5\n"
      "  doppio bench deploy/ --shape input=8x3x224x224 --per-op\n"
      "Inputs that are not given are made up: floats random, integers 0, free sizes 1.");
  args->pair.AddTo(command);
  command->add_option("--input", args->inputs, "NAME=FILE, as in doppio run");
  command->add_option("--shape", args->shapes, "NAME=1x3x224x224: the shape of a made-up input");
  command
      ->add_option("--threads", args->threads, "Threads (default: the cores this process may use)")
      ->check(CLI::Range(1, 1024));
  auto* runs = command->add_option("--runs", args->runs, "Measure so many runs")
                   ->check(CLI::Range(1, 1 << 30));
  command->add_option("--seconds", args->seconds, "Measure for so long (default 3)")
      ->check(CLI::Range(0.001, 1e6))
      ->excludes(runs);
  command->add_option("--warmup", args->warmup, "Runs before measuring (default 3)")
      ->check(CLI::Range(0, 1 << 20));
  command->add_flag("--per-op", args->per_op,
                    "List every step: time, GFLOP/s, bytes, share, implementation");
  command->add_flag("--json", args->json, "Print the results as JSON (docs/json.md)");
  args->pair.AddRunOptionsTo(command);
  command->callback([args, exit_status] {
    const Status status = Bench(*args);
    *exit_status = status.ok() ? kDone : Report(status);
  });
}

}  // namespace doppio::cli
