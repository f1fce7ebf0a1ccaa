// The options that say how a picture becomes an input.
#pragma once

#include <doppio/status.h>

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "vision/preprocess.h"

namespace doppio::cli {

struct PictureOptions {
  std::string preset, resize, crop, interpolation;
  std::vector<double> mean, std_dev;
  double scale = 0;
  bool bgr = false;

  void AddTo(CLI::App* command);
  // The steps: the preset (default raw), changed by the other options.
  StatusOr<vision::Preprocess> Steps() const;
};

}  // namespace doppio::cli
