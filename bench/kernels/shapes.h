// The benchmarks of each family, as lists of shapes of real nets.
#pragma once

namespace doppio::bench {

// `peak` in GFLOP/s is what the shares refer to.
void RegisterGemm(double peak);
void RegisterConv(double peak);

}  // namespace doppio::bench
