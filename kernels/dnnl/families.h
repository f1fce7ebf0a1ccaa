// The rows of each file, for rows.cc to list.
#pragma once

#include "kernels/kernel.h"

namespace doppio::kernels::dnnl {

extern const Kernel kConvRow;
extern const Kernel kConvTransposeRow;
extern const Kernel kGemmRow;
extern const Kernel kPoolRow;
extern const Kernel kAffineRow;

}  // namespace doppio::kernels::dnnl
