// The reference rows: plain loops, obviously right. One group a family, one file a group.
#pragma once

#include <span>

#include "kernels/kernel.h"

namespace doppio::kernels::reference {

using GroupVisitor = void (*)(std::span<const Kernel> rows, void* context);
// Calls `visit` with every group of rows, in the order of the table.
void ForEachGroup(GroupVisitor visit, void* context);

}  // namespace doppio::kernels::reference
