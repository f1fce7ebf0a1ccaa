// What binary functions make of integers that are known, or symbolic.
#pragma once

#include "kernels/problems/elementwise.h"
#include "runtime/operators/infer_context.h"

namespace doppio::operators {

// Output 0 holds op(input 0, input 1) with NumPy broadcasting, as far as their content is known.
// The output's type and shape are set already.
Status BinaryContent(const InferContext& c, kernels::BinaryOp op);

}  // namespace doppio::operators
