// The sizes of Caffe2's fills, for the families that draw or list their elements.
#pragma once

#include "runtime/operators/infer_context.h"

namespace doppio::operators {

// What ReadFillShape reads.
inline constexpr ArgSpec kFillShapeArgs[] = {
    {"shape", ArgKind::kInts}, {"extra_shape", ArgKind::kInts}, {"input_as_shape", ArgKind::kInt}};

// The sizes by argument `shape`, or those of input 0 (or its values) and `extra_shape`. *complete
// is false while they depend on data.
Status ReadFillShape(const InferContext& c, Shape* shape, bool* complete);
// None is negative.
Status CheckFillSizes(const Shape& shape);
// Output 0 has `type` and those sizes.
Status InferFill(InferContext& c, ElementType type);

}  // namespace doppio::operators
