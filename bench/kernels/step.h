// Step: one kernel row with all the memory that it asks for, run on one thread, for benchmarks.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/memory.h"
#include "kernels/kernel.h"

namespace doppio::bench {

// The table of the target chosen at the first call.
const kernels::KernelTable& Table();

// Owns the packed operand, workspace and scratch; borrows problem and operands, which outlive it.
class Step {
 public:
  // `kernel` may be null or refuse the problem: then ok() is false.
  Step(const kernels::Kernel* kernel, const void* problem, const void* const* in, void* const* out);

  bool ok() const { return ok_; }
  // All phases.
  void Run();

 private:
  const kernels::Kernel* kernel_;
  const void* problem_;
  kernels::Operands operands_;
  base::Buffer packed_, workspace_, scratch_;
  bool ok_ = false;
};

// Aligned floats in [-1, 1).
class RandomFloats {
 public:
  explicit RandomFloats(int64_t count);
  float* data() const { return buffer_.as<float>(); }

 private:
  base::Buffer buffer_;
};

// Fused multiply-adds of this core, two operations each, measured in registers; GFLOP/s.
double PeakGflops();

}  // namespace doppio::bench
