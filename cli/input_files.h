// Inputs given on the command line: NAME=FILE, where FILE is .npy, an ONNX tensor .pb, or a
// picture.
#pragma once

#include <doppio/predictor.h>

#include <span>
#include <string>
#include <vector>

#include "cli/tensor.h"
#include "vision/preprocess.h"

namespace doppio::cli {

// One NAME=FILE; the name is empty where only a file was given.
struct InputArgument {
  std::string name, path;
};
InputArgument SplitInput(const std::string& text);

// Reads the tensor of a file by what its bytes are. Pictures go through `steps` and become [1, c,
// h, w] with the channels that `info` wants (3 unless it says 1). Errors name the path.
StatusOr<Tensor> ReadInputFile(const std::string& path, const TensorInfo& info,
                               const vision::Preprocess& steps);

// The inputs of a net from the command line's arguments, by name; with one input the name may be
// left out.
Status ReadInputs(std::span<const std::string> arguments, std::span<const TensorInfo> infos,
                  const vision::Preprocess& steps,
                  std::vector<std::pair<std::string, Tensor>>* inputs);

}  // namespace doppio::cli
