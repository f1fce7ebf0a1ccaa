// Shapes on the command line: "1x3x224x224", "1,3,224,224", "x=N,3,224,224".
#pragma once

#include <doppio/status.h>
#include <doppio/tensor.h>

#include <string>
#include <vector>

namespace doppio::cli {

// A shape for one input; the name is empty where none is given. A size is a number or a symbol.
struct ShapeArgument {
  std::string name;
  std::vector<std::string> sizes;
};

StatusOr<ShapeArgument> ParseShape(const std::string& text);
// The sizes as numbers. kInvalidArgument where one is a symbol.
StatusOr<Dims> NumbersOf(const ShapeArgument& shape);

}  // namespace doppio::cli
