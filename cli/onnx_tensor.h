// ONNX's TensorProto files (.pb), read without protobuf: what ONNX's backend tests store inputs in.
#pragma once

#include <doppio/status.h>

#include <span>

#include "cli/tensor.h"

namespace doppio::cli {

// kCorruptModel says what is wrong. External data is refused.
StatusOr<Tensor> ParseOnnxTensor(std::span<const uint8_t> bytes);

}  // namespace doppio::cli
