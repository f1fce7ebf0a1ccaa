// Vectors of floats and their tails, for every kernel file. Included once a target.
//
// Nothing here reads or writes outside [p, p + n), also where the target has no masked access.
#if defined(DOPPIO_KERNELS_CPU_VECTORS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DOPPIO_KERNELS_CPU_VECTORS_INL_H_
#undef DOPPIO_KERNELS_CPU_VECTORS_INL_H_
#else
#define DOPPIO_KERNELS_CPU_VECTORS_INL_H_
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace doppio::kernels::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;
using Floats = hn::Vec<FloatTag>;

HWY_INLINE int64_t VectorLanes() { return static_cast<int64_t>(hn::Lanes(FloatTag())); }

// The first n < lanes values of p, zero in the other lanes.
HWY_INLINE Floats LoadTail(const float* HWY_RESTRICT p, int64_t n) {
  const FloatTag d;
#if HWY_MEM_OPS_MIGHT_FAULT
  HWY_ALIGN float lanes[HWY_MAX_BYTES / sizeof(float)] = {};
  for (int64_t i = 0; i < n; ++i) lanes[i] = p[i];
  return hn::Load(d, lanes);
#else
  return hn::MaskedLoad(hn::FirstN(d, static_cast<size_t>(n)), d, p);
#endif
}

// Stores the first n < lanes values.
HWY_INLINE void StoreTail(Floats v, float* HWY_RESTRICT p, int64_t n) {
  const FloatTag d;
#if HWY_MEM_OPS_MIGHT_FAULT
  HWY_ALIGN float lanes[HWY_MAX_BYTES / sizeof(float)];
  hn::Store(v, d, lanes);
  for (int64_t i = 0; i < n; ++i) p[i] = lanes[i];
#else
  hn::BlendedStore(v, hn::FirstN(d, static_cast<size_t>(n)), d, p);
#endif
}

// min(n, lanes) values.
HWY_INLINE Floats LoadUpTo(const float* HWY_RESTRICT p, int64_t n) {
  return n >= VectorLanes() ? hn::LoadU(FloatTag(), p) : LoadTail(p, n);
}
HWY_INLINE void StoreUpTo(Floats v, float* HWY_RESTRICT p, int64_t n) {
  if (n >= VectorLanes()) {
    hn::StoreU(v, FloatTag(), p);
  } else {
    StoreTail(v, p, n);
  }
}

// min(max(v, lo), hi); NaN stays NaN where the target's instructions hand on their second operand.
HWY_INLINE Floats ClampTo(Floats v, Floats lo, Floats hi) { return hn::Min(hi, hn::Max(lo, v)); }

}  // namespace HWY_NAMESPACE
}  // namespace doppio::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif  // include guard
