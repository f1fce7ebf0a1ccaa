// Per-target declaration of the element-wise functions over a row. Included once a target.
#if defined(DOPPIO_KERNELS_CPU_UNARY_ROW_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DOPPIO_KERNELS_CPU_UNARY_ROW_INL_H_
#undef DOPPIO_KERNELS_CPU_UNARY_ROW_INL_H_
#else
#define DOPPIO_KERNELS_CPU_UNARY_ROW_INL_H_
#endif

#include "kernels/cpu/vectors-inl.h"
#include "kernels/problems/unary_op.h"

HWY_BEFORE_NAMESPACE();
namespace doppio::kernels::cpu {
namespace HWY_NAMESPACE {

// Whether UnaryRow computes `op`.
bool HasUnaryRow(UnaryOp op);

// y[i] = op(x[i]) for i < n; y may be x. Errors are a few units in the last place.
void UnaryRow(UnaryOp op, float a, float b, const float* x, float* y, int64_t n);

}  // namespace HWY_NAMESPACE
}  // namespace doppio::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif  // include guard
