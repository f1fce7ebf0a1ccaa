// Whether the original Caffe2 could run a pair.
#pragma once

#include <doppio/status.h>

#include "runtime/graph/graph.h"

namespace doppio::converter {

// kUnsupported with everything listed that the original lacks, a line each: operators of ONNX's
// dialect, and weights of types for which it has no fill.
Status CheckCaffe2(const graph::Graph& graph);

}  // namespace doppio::converter
