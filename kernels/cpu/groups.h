// The groups of SIMD rows, one a source file; table.cc puts them in order. Each returns the rows of
// the target that is chosen at the time of the call.
#pragma once

#include <span>

#include "kernels/kernel.h"

namespace doppio::kernels::cpu {

std::span<const Kernel> ConvRows();
std::span<const Kernel> DwConvRows();
std::span<const Kernel> CopyRows();
std::span<const Kernel> UnaryRows();
std::span<const Kernel> BinaryRows();
std::span<const Kernel> PoolRows();
std::span<const Kernel> SoftmaxRows();
std::span<const Kernel> RnnRows();
std::span<const Kernel> AffineRows();
std::span<const Kernel> ReduceRows();
std::span<const Kernel> ConvTransposeRows();
std::span<const Kernel> LayerNormRows();
std::span<const Kernel> LrnRows();
std::span<const Kernel> ResizeRows();
std::span<const Kernel> GemmRows();

}  // namespace doppio::kernels::cpu
