// Caffe2's numbers and names of element types, as arguments `to` and `dtype` hold them.
#pragma once

#include <cstdint>
#include <string_view>

#include "runtime/operators/operator.h"

namespace doppio::operators {

// The argument `name` as a number of Caffe2's TensorProto.DataType or as a name ("float", "INT64").
// `*type` stays as it is when the argument is absent. kUnsupported for types that the original
// cannot make.
Status ReadCaffe2Type(const graph::Node& node, std::string_view name, ElementType* type);

}  // namespace doppio::operators
