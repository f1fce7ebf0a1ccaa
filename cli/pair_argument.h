// PAIR on the command line: a folder with init_net.pb and predict_net.pb, the two files by name, or
// an ONNX model that is converted in memory.
#pragma once

#include <doppio/predictor.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

namespace doppio::cli {

struct PairArgument {
  std::string path;
  std::string init_net, predict_net;
  std::string engine = "auto";
  std::string device = "auto";
  bool exact = false;
  bool optimize = true;
  std::string max_memory;
  std::vector<std::string> shapes;  // only with a model: as convert's --shape

  // The options that say which pair. `needed`: whether the command works without one.
  void AddTo(CLI::App* command);
  // --engine, --device, --exact, --max-memory.
  void AddRunOptionsTo(CLI::App* command);

  // What the options say, with intermediate blobs to fetch.
  StatusOr<PredictorOptions> Options(const std::vector<std::string>& extra_outputs) const;
  StatusOr<std::shared_ptr<const Predictor>> Load(
      const std::vector<std::string>& extra_outputs) const;
};

// "512M", "2G", "100000": bytes. kInvalidArgument for anything else.
StatusOr<size_t> ParseBytes(const std::string& text);

// Whether `path` is an ONNX model by its name.
bool IsOnnxPath(const std::string& path);

}  // namespace doppio::cli
