// Which element-wise function a node is. The element-wise family lowers with it; the planner fuses
// by it.
#pragma once

#include "kernels/problems/unary_op.h"
#include "runtime/operators/operator.h"

namespace doppio::operators {

struct Activation {
  kernels::UnaryOp op = kernels::UnaryOp::kIdentity;
  double alpha = 0, beta = 0;
};

// Whether `node` computes one element-wise function of its input 0 and nothing else; fills
// `activation`. Arguments that the function needs from inputs count only as constants (ONNX Clip's
// bounds).
bool IsActivation(const graph::Node& node, Activation* activation);

}  // namespace doppio::operators
