// Regions of maps, for the families that need them beside their own operator.
#pragma once

#include "runtime/operators/lower_context.h"

namespace doppio::operators {

// Caffe2's RoIAlign, as the node's arguments describe it, of maps of floats or quantised ones,
// whose zero point is given; `y` holds floats (see kernels::RoiAlignProblem). `map` and `y` have
// the order of dimensions that the argument `order` says.
Status EmitRoiAlign(LowerContext& c, const TensorRef& map, int32_t zero_point,
                    const TensorRef& rois, const TensorRef& y);

}  // namespace doppio::operators
