// Which SIMD target runs: the best that this CPU supports, or the one that the environment variable
// DOPPIO_FORCE_TARGET names ("AVX2", "SSE4", ...; see Highway's names). The only reader of the
// environment in the library.
#pragma once

namespace doppio::kernels::cpu {

// Makes Highway's choice follow SupportedTargets() and DOPPIO_FORCE_TARGET. A name that this build
// or this CPU does not have leaves the choice as it is; ChosenTargetName() tells. Called by
// ForEachGroup.
void UpdateChosenTarget();

}  // namespace doppio::kernels::cpu
