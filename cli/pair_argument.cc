#include "cli/pair_argument.h"

#include <sys/stat.h>

#include <charconv>

#include "base/message.h"
#include "cli/command.h"
#if DOPPIO_HAVE_CONVERTER
#include <doppio/convert.h>
#endif

namespace doppio::cli {

using base::Cat;

bool IsOnnxPath(const std::string& path) {
  struct stat info;
  return path.ends_with(".onnx") || (stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode));
}

StatusOr<size_t> ParseBytes(const std::string& text) {
  uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [after, error] = std::from_chars(text.data(), end, number);
  std::string_view unit(after, static_cast<size_t>(end - after));
  if (unit.ends_with("B") || unit.ends_with("b")) unit.remove_suffix(1);
  int shift = -1;
  if (unit.empty()) shift = 0;
  if (unit == "K" || unit == "k") shift = 10;
  if (unit == "M" || unit == "m") shift = 20;
  if (unit == "G" || unit == "g") shift = 30;
  if (error != std::errc() || shift < 0 || number == 0 || number > (UINT64_MAX >> shift)) {
    return InvalidArgument(
        Cat("size ", base::Quoted(text), ": write bytes, or a number with K, M or G"));
  }
  return static_cast<size_t>(number << shift);
}

void PairArgument::AddTo(CLI::App* command) {
  command->add_option("PAIR", path, "Folder with init_net.pb and predict_net.pb, or MODEL.onnx");
  command->add_option("--init-net", init_net, "The pair's weights, instead of a folder");
  command->add_option("--predict-net", predict_net, "The pair's graph, instead of a folder");
}

void PairArgument::AddRunOptionsTo(CLI::App* command) {
  command->add_option("--engine", engine,
                      "auto, simd, reference, or dnnl where the build has it (default auto)");
  command->add_option("--device", device,
                      "cpu, or auto: where the pair's operators say (default auto)");
  command->add_flag("--exact", exact, "No algorithm that computes in a transformed space");
  command->add_option(
      "--max-memory", max_memory,
      "Most bytes to allocate, e.g. 512M (default: half of what the machine leaves free)");
}

StatusOr<PredictorOptions> PairArgument::Options(
    const std::vector<std::string>& extra_outputs) const {
  PredictorOptions options;
  options.engine = engine;
  options.device = device;
  options.exact = exact;
  options.optimize = optimize;
  options.extra_outputs = extra_outputs;
  if (!max_memory.empty()) {
    DOPPIO_ASSIGN_OR_RETURN(options.max_memory, ParseBytes(max_memory));
  }
  return options;
}

StatusOr<std::shared_ptr<const Predictor>> PairArgument::Load(
    const std::vector<std::string>& extra_outputs) const {
  DOPPIO_ASSIGN_OR_RETURN(const PredictorOptions options, Options(extra_outputs));
  if (!init_net.empty() || !predict_net.empty()) {
    if (init_net.empty() || predict_net.empty() || !path.empty()) {
      return InvalidArgument("--init-net and --predict-net go together, without a folder");
    }
    return Predictor::LoadFiles(init_net, predict_net, options);
  }
  if (path.empty()) {
    return InvalidArgument("no pair is given: name a folder with init_net.pb and predict_net.pb");
  }
  if (!IsOnnxPath(path)) return Predictor::Load(path, options);
#if DOPPIO_HAVE_CONVERTER
  Note(Cat("converting ", path, " in memory; `doppio convert ", path,
           " -o DIR` does it once for all"));
  return LoadOnnx(path, ConvertOptions(), options);
#else
  return Unsupported(Cat(
      path, ": this build has no converter; give a folder with init_net.pb and predict_net.pb"));
#endif
}

}  // namespace doppio::cli
