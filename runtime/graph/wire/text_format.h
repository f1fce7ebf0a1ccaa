// Nets in protobuf's text format: old exporters wrote the step net of a RecurrentNetwork so.
#pragma once

#include <doppio/status.h>

#include <string_view>

#include "runtime/graph/wire/message_builder.h"

namespace doppio::graph::wire {

// Appends the fields of the NetDef that `text` spells to `net`, in protobuf's binary form. Tensors
// inside arguments are not read. kCorruptModel with the line for anything that is no net.
Status NetFromText(std::string_view text, MessageBuilder* net);

}  // namespace doppio::graph::wire
