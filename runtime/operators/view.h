// Views: other dims and strides over the memory of a tensor. Shared by the families that move
// elements.
#pragma once

#include "runtime/operators/lower_context.h"

namespace doppio::operators {

// `size` elements along `axis` from `begin` on, every `step`-th (backwards when that is negative).
TensorRef Cut(TensorRef tensor, int axis, int64_t begin, int64_t size, int64_t step = 1);
// Dimension `axis` as two, of outer x inner elements.
TensorRef SplitAxis(TensorRef tensor, int axis, int64_t outer, int64_t inner);
// Dimension i of the result is dimension order[i] of `tensor`.
TensorRef Permuted(const TensorRef& tensor, std::span<const int> order);
// A new dimension at `axis` that repeats the tensor `size` times.
TensorRef Repeated(TensorRef tensor, int axis, int64_t size);

}  // namespace doppio::operators
