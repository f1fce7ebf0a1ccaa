// The doppio command.
#include <doppio/predictor.h>
#include <fmt/format.h>

#include <cstdio>
#include <exception>

#include "cli/command.h"
#if DOPPIO_HAVE_CONVERTER
#include <doppio/convert.h>
#endif

namespace doppio::cli {

Verbosity& GlobalVerbosity() {
  static Verbosity verbosity;
  return verbosity;
}

int Report(const Status& status) {
  fmt::print(stderr, "doppio: {}\n", status.message());
  // Everything but a run that met bad data, or a machine that gave out, is a wrong call or a wrong
  // file.
  switch (status.code()) {
    case StatusCode::kOk:
      return kDone;
    case StatusCode::kComputeError:
    case StatusCode::kInternal:
      return kFailed;
    default:
      return kBadInput;
  }
}

void Note(const std::string& line) {
  if (!GlobalVerbosity().quiet) fmt::print(stderr, "{}\n", line);
}

void Detail(const std::string& line) {
  if (GlobalVerbosity().verbose) fmt::print(stderr, "{}\n", line);
}

namespace {

std::string VersionText() {
  const RuntimeInfo info = GetRuntimeInfo();
  std::string text = fmt::format("doppio {}\n", info.version);
  text += fmt::format("engines: {}\n", fmt::join(info.engines, ", "));
  text += fmt::format("SIMD target: {}\n", info.simd_target);
  text += fmt::format("usable cores: {}\n", info.usable_cores);
  text += fmt::format("pair format: {}.{}\n", info.format_major, info.format_minor);
#if DOPPIO_HAVE_CONVERTER
  text += fmt::format("newest ONNX opset: {}\n", NewestOpset());
#else
  text += "converter: not in this build\n";
#endif
  text += fmt::format("libraries: CLI11 {}, fmt {}.{}.{}", CLI11_VERSION, FMT_VERSION / 10000,
                      FMT_VERSION / 100 % 100, FMT_VERSION % 100);
  return text;
}

int Main(int argc, char** argv) {
  CLI::App app{"Turns an ONNX model into a pair (init_net.pb, predict_net.pb) and runs that pair."};
  app.set_version_flag("--version", VersionText, "Print engines, SIMD target, cores, versions");
  app.require_subcommand(1);
  app.fallthrough();
  app.add_flag("-q,--quiet", GlobalVerbosity().quiet, "Print results and errors only");
  app.add_flag("-v,--verbose", GlobalVerbosity().verbose, "Say more on stderr");
  app.footer(
      "Each subcommand explains itself with an example: doppio run --help\n"
      "Exit status: 0 done, 1 the run or comparison failed, 2 the call or the input is wrong.");
  int exit_status = kDone;
#if DOPPIO_HAVE_CONVERTER
  AddConvert(app, &exit_status);
#endif
  AddRun(app, &exit_status);
  AddBench(app, &exit_status);
  AddInspect(app, &exit_status);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // CLI11 has codes of its own; help and version are no errors.
    return app.exit(error) == 0 ? kDone : kBadInput;
  }
  return exit_status;
}

}  // namespace
}  // namespace doppio::cli

int main(int argc, char** argv) {
  try {
    return doppio::cli::Main(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "doppio: %s\n", error.what());
    return doppio::cli::kFailed;
  }
}
