// Reads Caffe2's Argument and TensorProto messages. Used by the pair reader.
#pragma once

#include <doppio/status.h>

#include <cstdint>
#include <span>

#include "runtime/graph/graph.h"

namespace doppio::graph::wire {

// Nets inside arguments of nets inside arguments..., and no deeper.
inline constexpr int kMaxNetDepth = 32;

// Reads a nested net into `net` (fresh).
using NetReader = Status (*)(std::span<const uint8_t> bytes, int depth, Graph* net);

// Fills `arg` from a serialised Argument; memory comes from `graph`. `depth` counts the nets around
// it.
Status ReadArgument(std::span<const uint8_t> bytes, Graph* graph, NetReader read_net, int depth,
                    Argument* arg);

// Fills `tensor` from a serialised TensorProto; `fallback` is the type where the message says
// UNDEFINED.
Status ReadTensor(std::span<const uint8_t> bytes, Graph* graph, ElementType fallback,
                  Constant* tensor);

// The bytes of fields that are kept as they were, gathered while a message is read.
class UnknownFields {
 public:
  Status Add(std::span<const uint8_t> raw) { return bytes_.AppendAll(raw); }
  // Interns what was gathered.
  Status StoreTo(Graph* graph, std::string_view* unknown) const;

 private:
  base::Array<uint8_t> bytes_;
};

}  // namespace doppio::graph::wire
