// TopKProblem: the k greatest (or least) values along an axis, and where they stood.
#pragma once

#include <doppio/tensor.h>

#include <cstdint>

namespace doppio::kernels {

// For each outer and inner index, the k greatest of `size` values, greatest first; of equals the
// one that stands first comes first; NaN counts as greater than any number. least: the other way
// round. Operands: in[0] x; out[0] values, out[1] positions in [0, size), int64; either may be
// null.
struct TopKProblem {
  ElementType type = ElementType::kFloat;
  bool least = false;
  int64_t outer = 1, size = 1, inner = 1, k = 1;  // k <= size
  int64_t x_outer = 0, x_size = 1, x_inner = 1;
  int64_t y_outer = 0, y_k = 1, y_inner = 1;  // of both outputs
};

}  // namespace doppio::kernels
