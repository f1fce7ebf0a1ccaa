// Nets inside Caffe2's operators (If, While, RecurrentNetwork, ...) run in the workspace of the net
// around them and read and write its blobs by name. This says the same in single assignment: what a
// net is given by its operator (bound), what it takes from around (captured), what it hands back.
#pragma once

#include <doppio/status.h>

#include <span>
#include <string_view>

#include "runtime/graph/graph.h"

namespace doppio::graph::wire {

using Names = base::Array<std::string_view>;

// Adds `name` unless it is there.
Status AddName(std::string_view name, Names* names);
bool HasName(const Names& names, std::string_view name);

// Adds the names that `net` writes, each once, in the order of their first writing.
Status AddWritten(const Graph& net, Names* names);

// The outputs of `net` are what these names stand for when it ends; a name that it neither reads
// nor writes becomes an input of its.
Status HandBack(std::span<const std::string_view> names, Graph* net);

}  // namespace doppio::graph::wire
