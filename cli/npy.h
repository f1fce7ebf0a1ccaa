// NumPy's .npy files. Format: numpy.lib.format, versions 1.0 to 3.0.
#pragma once

#include <doppio/status.h>

#include <span>
#include <string>

#include "cli/tensor.h"

namespace doppio::cli {

// Reads little-endian numbers and bools, C or Fortran order (turned to C), and unicode strings.
// kCorruptModel says what is wrong with the file.
StatusOr<Tensor> ParseNpy(std::span<const uint8_t> bytes);

// The bytes of a file that holds `tensor`. bfloat16 goes as its bits in uint16, float8 and float4
// in uint8, int4 and int2 one value a byte, strings as unicode.
StatusOr<std::string> FormatNpy(const TensorView& tensor);

}  // namespace doppio::cli
