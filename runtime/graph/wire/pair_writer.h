// Writes a Graph as a pair of nets. The same graph gives the same bytes.
#pragma once

#include <doppio/status.h>

#include <cstddef>
#include <cstdint>

#include "runtime/graph/graph.h"

namespace doppio::graph::wire {

// Takes bytes in order; keeps them somewhere.
class Sink {
 public:
  virtual Status Write(const void* data, size_t bytes) = 0;

 protected:
  ~Sink() = default;
};

// Writes weights and init nodes to `init`, everything else to `predict`. Fails only as the sinks
// do, for lack of memory, or, with kUnsupported, for one constant larger than a protobuf message
// may be (2 GiB). Blob names are kept; where two living values bear one name the younger is
// renamed.
Status WritePair(const Graph& graph, Sink* init, Sink* predict);

// The same as files `folder`/init_net.pb and `folder`/predict_net.pb: written as temporaries,
// synced, then renamed, init first. Makes the folder when it is missing; touches no other file.
// kIoError names the path; nothing partial is left behind.
Status WritePairFiles(const Graph& graph, const char* folder);

}  // namespace doppio::graph::wire
