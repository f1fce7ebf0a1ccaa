// Convolutions over other operands than the node's own, for the families that need them beside
// their own operator.
#pragma once

#include "runtime/operators/spatial.h"

namespace doppio::operators {

// What Caffe2's convolutions read beside kCaffe2SpatialArgs.
inline constexpr ArgSpec kConvOnlyArgs[] = {
    {"dilations", ArgKind::kInts}, {"dilation", ArgKind::kInt, 1}, {"dilation_h", ArgKind::kInt},
    {"dilation_w", ArgKind::kInt}, {"group", ArgKind::kInt, 1},
};
inline constexpr ArgSpec kConvTransposeOnlyArgs[] = {
    {"adjs", ArgKind::kInts}, {"adj", ArgKind::kInt},      {"adj_h", ArgKind::kInt},
    {"adj_w", ArgKind::kInt}, {"group", ArgKind::kInt, 1},
};

// `x`, `w` and `y` have the order of dimensions that the node's argument `order` says; `bias` may
// be absent. The zero points are those of quantised x and w, 0 otherwise.
struct ConvOperands {
  TensorRef x, w, bias, y;
  int32_t x_zero_point = 0, w_zero_point = 0;
  int64_t groups = 0;  // 0: as the node says
};

// Pose the convolution, or the transposed one, that the node's arguments describe.
Status EmitConvolution(LowerContext& c, const ConvOperands& operands);
Status EmitTransposedConvolution(LowerContext& c, const ConvOperands& operands);

}  // namespace doppio::operators
