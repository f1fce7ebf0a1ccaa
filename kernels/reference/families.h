// The groups of reference rows, one a file, for rows.cc to list.
#pragma once

#include <span>

#include "kernels/kernel.h"

namespace doppio::kernels::reference {

std::span<const Kernel> ConvRows();
std::span<const Kernel> GemmRows();
std::span<const Kernel> PoolRows();
std::span<const Kernel> UnaryRows();
std::span<const Kernel> BinaryRows();
std::span<const Kernel> WhereRows();
std::span<const Kernel> CastRows();
std::span<const Kernel> CopyRows();
std::span<const Kernel> ReduceRows();
std::span<const Kernel> ArgReduceRows();
std::span<const Kernel> SoftmaxRows();
std::span<const Kernel> AffineRows();
std::span<const Kernel> LrnRows();
std::span<const Kernel> LayerNormRows();
std::span<const Kernel> ResizeRows();
std::span<const Kernel> GatherRows();
std::span<const Kernel> ScatterRows();
std::span<const Kernel> NonZeroRows();
std::span<const Kernel> RnnRows();
std::span<const Kernel> TopKRows();
std::span<const Kernel> SamplingRows();
std::span<const Kernel> DftRows();
std::span<const Kernel> RandomRows();
std::span<const Kernel> LinearAttentionRows();
std::span<const Kernel> TreeEnsembleRows();
std::span<const Kernel> QuantizedRows();

}  // namespace doppio::kernels::reference
