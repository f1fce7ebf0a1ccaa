// Reads a pair (init_net, predict_net) into a Graph: weights become constants that point into the
// files where they can, operators become nodes, blobs that are written again become new values.
#pragma once

#include <doppio/status.h>

#include <cstdint>
#include <span>

#include "runtime/graph/graph.h"

namespace doppio::graph::wire {

// One serialised NetDef and what to call it in messages.
struct NetFile {
  std::span<const uint8_t> bytes;
  const char* path = "";
};

// Fills `graph` (fresh). The bytes outlive the graph: constants borrow from them (see Graph::Own).
// kCorruptModel names the file, the operator and the blob: damaged bytes, a blob that nothing
// makes, a fill whose values do not match its shape, two files that do not belong together or are
// swapped, a format newer than this reader.
Status ReadPair(const NetFile& init, const NetFile& predict, Graph* graph);

}  // namespace doppio::graph::wire
