// The net arguments doppio.inputs and doppio.outputs: one text a value, "float32[N,3,224,224]
// name". A size is a number, a symbol, or "?"; "float32 name" has an unknown rank; "?[...] name" an
// unknown type; "sequence(float32) name" and "optional(float32[N]) name" are no tensors.
#pragma once

#include <doppio/status.h>

#include <string>
#include <string_view>

#include "runtime/graph/graph.h"

namespace doppio::graph::wire {

// The name in such a text; the whole text when it has another form.
std::string_view DeclaredName(std::string_view text);

// The text for a value that users call `name`.
std::string FormatDeclaration(const Declaration& declared, std::string_view name,
                              const SymbolTable& symbols);

// Gives the graph's inputs and outputs what the arguments (either may be null) declare.
Status ApplyDeclarations(const Argument* inputs, const Argument* outputs, Graph* graph);

}  // namespace doppio::graph::wire
