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

struct WriteOptions {
  // Protocol Buffers read no message of 2 GiB and more, and a fill is one: larger constants are
  // written in parts. A net may have any size.
  int64_t max_constant_bytes = (int64_t{1} << 31) - 4096;
};

// Writes weights and init nodes to `init`, everything else to `predict`. Fails only as the sinks
// do, for lack of memory, or, with kUnsupported, for a constant of strings or of less than 8 bits
// an element that is too large for one message. Blob names are kept; where two living values bear
// one name the younger is renamed.
Status WritePair(const Graph& graph, Sink* init, Sink* predict, const WriteOptions& options = {});

// The same as files `folder`/init_net.pb and `folder`/predict_net.pb: written as temporaries,
// synced, then renamed, init first. Makes the folder when it is missing; touches no other file.
// kIoError names the path; nothing partial is left behind.
Status WritePairFiles(const Graph& graph, const char* folder);

}  // namespace doppio::graph::wire
