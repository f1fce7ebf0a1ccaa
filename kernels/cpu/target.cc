#include "kernels/cpu/target.h"

#include <cstdlib>
#include <cstring>

#include "kernels/cpu/rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/target.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace doppio::kernels::cpu {
namespace HWY_NAMESPACE {

int64_t TargetBit() { return HWY_TARGET; }
int VectorFloats() {
  return static_cast<int>(hwy::HWY_NAMESPACE::Lanes(hwy::HWY_NAMESPACE::ScalableTag<float>()));
}

}  // namespace HWY_NAMESPACE
}  // namespace doppio::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppio::kernels::cpu {
namespace {

HWY_EXPORT(TargetBit);
HWY_EXPORT(VectorFloats);

int64_t TargetsNamed(const char* name) {
  for (int64_t targets = HWY_TARGETS; targets != 0; targets &= targets - 1) {
    const int64_t target = targets & -targets;
    if (std::strcmp(hwy::TargetName(target), name) == 0) return target;
  }
  return 0;
}

}  // namespace

void UpdateChosenTarget() {
  const int64_t supported = hwy::SupportedTargets();
  const char* const name = std::getenv("DOPPIO_FORCE_TARGET");
  const int64_t forced = name != nullptr ? TargetsNamed(name) & supported : 0;
  hwy::GetChosenTarget().Update(forced != 0 ? forced : supported);
}

const char* ChosenTargetName() {
  UpdateChosenTarget();
  return hwy::TargetName(HWY_DYNAMIC_DISPATCH(TargetBit)());
}

Machine ChosenMachine() {
  UpdateChosenTarget();
  Machine machine;
  machine.vector_floats = HWY_DYNAMIC_DISPATCH(VectorFloats)();
  // Two FMA pipes at a nominal 3 GHz: vectors x 2 pipes x 2 operations x 3. Targets of 4 floats are
  // taken for one multiply and one add a cycle, as on the boards and old CPUs that choose them.
  const double pipes = machine.vector_floats > 4 ? 2 : 1;
  machine.flops_per_ns = machine.vector_floats * pipes * 2 * 3.0;
  machine.stream_bytes_per_ns = machine.vector_floats > 4 ? 12 : 6;
  return machine;
}

}  // namespace doppio::kernels::cpu
#endif  // HWY_ONCE
