#include "runtime/operators/rows.h"

namespace doppio::operators {

std::span<const Operator* const> TableRows() {
  static const Operator* const rows[] = {
#define DOPPIO_OPERATOR(row) &row,
#include "runtime/operators/table.def"
#undef DOPPIO_OPERATOR
  };
  return rows;
}

}  // namespace doppio::operators
