// The SIMD rows, compiled once for every target of the architecture and chosen at run time.
#pragma once

#include <span>

#include "kernels/kernel.h"

namespace doppio::kernels::cpu {

using GroupVisitor = void (*)(std::span<const Kernel> rows, void* context);
// Calls `visit` with every group of rows for the SIMD target chosen now, most specialised rows
// first. Highway's SetSupportedTargetsForTest before this call chooses another target.
void ForEachGroup(GroupVisitor visit, void* context);

// What the cost functions may know of the chosen target.
Machine ChosenMachine();
// Name of the chosen target, e.g. "AVX3_ZEN4" or "NEON".
const char* ChosenTargetName();

}  // namespace doppio::kernels::cpu
