#include "kernels/cpu/rows.h"

#include <hwy/highway.h>

namespace doppio::kernels::cpu {

void ForEachGroup(GroupVisitor, void*) {}

Machine ChosenMachine() { return {}; }

const char* ChosenTargetName() { return hwy::TargetName(HWY_STATIC_TARGET); }

}  // namespace doppio::kernels::cpu
