// For operators whose newest ONNX form the runtime has: everything is handed on as it is.
#pragma once

#include "converter/importer.h"

namespace doppio::converter {

// Emits the operator of the node's own domain and type with all its attributes, inputs and outputs.
// Attributes named in `dropped` are left out.
void PassThrough(const NodeContext& n, std::initializer_list<std::string_view> dropped = {});
// As PassThrough, for tables.
void ImportAsIs(const NodeContext& n);

// Adds the node's attribute of that name to the emission, if it is there.
void CopyAttribute(const NodeContext& n, std::string_view name, Emission* emission);

// An axis that may count from the end, within `rank`; throws NodeProblem when it does not exist.
int64_t CanonicalAxis(int64_t axis, int rank);

// Whether all values are non-negative.
bool AllNonNegative(std::span<const int64_t> values);

}  // namespace doppio::converter
