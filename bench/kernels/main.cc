// Speed of single kernels on one thread. Each line names its shape; "GFLOP/s" counts a multiply and
// an add apart, "share" is of the fused multiply-add peak measured at start. Operands are warm from
// the iteration before. DOPPIO_FORCE_TARGET chooses the SIMD target.
#include <benchmark/benchmark.h>

#include <cstdio>

#include "bench/kernels/shapes.h"
#include "bench/kernels/step.h"
#include "kernels/cpu/rows.h"

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  const double peak = doppio::bench::PeakGflops();
  std::printf("target %s, measured peak %.1f GFLOP/s\n", doppio::kernels::cpu::ChosenTargetName(),
              peak);
  doppio::bench::RegisterGemm(peak);
  doppio::bench::RegisterConv(peak);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
