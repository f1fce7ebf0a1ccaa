// Tensor: a tensor that owns its memory, as the command reads it from files and prints it.
#pragma once

#include <doppio/tensor.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace doppio::cli {

struct Tensor {
  ElementType type = ElementType::kUndefined;
  Dims dims;
  std::vector<uint8_t> bytes;                  // all types but strings
  std::vector<std::string> strings;            // string tensors
  std::vector<std::string_view> string_views;  // what view() points at

  int64_t count() const { return ElementCount(dims); }
  // Borrows this tensor.
  TensorView view();
};

// Element `i` as a number, for every type that has one; float8, bfloat16 and the like included.
double NumberAt(const TensorView& tensor, int64_t i);

}  // namespace doppio::cli
