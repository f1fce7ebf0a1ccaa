// The rows of table.def, as the families' files define them.
#pragma once

#include <span>

#include "runtime/operators/operator.h"

namespace doppio::operators {

// In the order of table.def.
std::span<const Operator* const> TableRows();

#define DOPPIO_OPERATOR(row) extern const Operator row;
#include "runtime/operators/table.def"
#undef DOPPIO_OPERATOR

}  // namespace doppio::operators
