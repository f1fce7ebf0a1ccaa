// Arithmetic of a problem, for profiles.
#pragma once

#include <cstdint>

#include "kernels/kernel.h"

namespace doppio::plan {

// Multiplications and additions of the direct algorithm; 0 for problems that mostly move data.
int64_t FlopsOf(kernels::ProblemKind kind, const void* problem);

}  // namespace doppio::plan
