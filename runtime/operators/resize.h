// Resampling of feature maps, for the families that need it beside their own operator.
#pragma once

#include "runtime/operators/infer_context.h"
#include "runtime/operators/lower_context.h"

namespace doppio::operators {

// The size of `axis` of input 0 times `scale`, rounded down.
Status ScaledSize(const InferContext& c, int axis, double scale, Dim* out);

// y[n, c, i, j] = x[n, c, i / height_scale, j / width_scale], rounded down; maps in NCHW order of
// dimensions, any strides.
Status EmitNearest(LowerContext& c, const TensorRef& x, const TensorRef& y, double height_scale,
                   double width_scale);

}  // namespace doppio::operators
