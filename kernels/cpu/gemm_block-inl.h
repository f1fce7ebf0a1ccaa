// Per-target declarations of the packed product (see gemm_block.h). Included once a target.
#if defined(DOPPIO_KERNELS_CPU_GEMM_BLOCK_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DOPPIO_KERNELS_CPU_GEMM_BLOCK_INL_H_
#undef DOPPIO_KERNELS_CPU_GEMM_BLOCK_INL_H_
#else
#define DOPPIO_KERNELS_CPU_GEMM_BLOCK_INL_H_
#endif

#include "base/checked.h"
#include "kernels/cpu/gemm_block.h"
#include "kernels/cpu/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace doppio::kernels::cpu {
namespace HWY_NAMESPACE {

HWY_INLINE int64_t PanelWidth() { return 2 * VectorLanes(); }
// Columns that `n` take in packed form: whole vectors.
HWY_INLINE int64_t PackedColumns(int64_t n) {
  return base::CeilDiv(n, VectorLanes()) * VectorLanes();
}
// Floats of packed columns of depth k.
HWY_INLINE int64_t PackedFloats(int64_t k, int64_t n) { return k * PackedColumns(n); }
// Scratch for the sums of a block of n columns.
HWY_INLINE int64_t SumFloats(int64_t n) { return kBlockRows * PackedColumns(n); }

// Packs rows [0, k) of the columns of panels [first, last) of b[k, n] into the whole packed matrix.
void PackPanels(const float* b, int64_t b_row, int64_t b_col, int64_t k, int64_t n, int64_t first,
                int64_t last, float* packed);

// Computes the block. Bits depend on the block's sizes alone.
void RunGemmBlock(const GemmBlock& block);

}  // namespace HWY_NAMESPACE
}  // namespace doppio::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif  // include guard
