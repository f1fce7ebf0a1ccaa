// Shapes as people write them: "1x3x224x224", "1,3,224,224", "x=N,3,224,224".
#pragma once

#include <doppio/status.h>
#include <doppio/tensor.h>

#include <string>
#include <string_view>
#include <vector>

namespace doppio::base {

// A shape for one input; the name is empty where none is given. A size is a number or a symbol.
struct ShapeText {
  std::string name;
  std::vector<std::string> sizes;
};

// kInvalidArgument shows the text and how to write it. From arguments of a call, never from files.
StatusOr<ShapeText> ParseShapeText(std::string_view text);
// The sizes as numbers. kInvalidArgument where one is a symbol or negative.
StatusOr<Dims> NumbersOf(const ShapeText& shape);

}  // namespace doppio::base
