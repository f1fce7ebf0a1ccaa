#include "bench/kernels/step.h"

#include <utility>

namespace doppio::bench {

const kernels::KernelTable& Table() {
  static const kernels::KernelTable table;
  return table;
}

namespace {

base::Buffer Bytes(size_t bytes) {
  StatusOr<base::Buffer> buffer = base::Buffer::Allocate(bytes, nullptr);
  return buffer.ok() ? std::move(*buffer) : base::Buffer();
}

}  // namespace

Step::Step(const kernels::Kernel* kernel, const void* problem, const void* const* in,
           void* const* out)
    : kernel_(kernel), problem_(problem) {
  if (kernel == nullptr || !kernel->supports(problem)) return;
  operands_.in = in;
  operands_.out = out;
  if (kernel->packed_bytes != nullptr) {
    packed_ = Bytes(kernel->packed_bytes(problem));
    kernel->pack(problem, {0, kernel->pack_units(problem)}, in, packed_.data());
    operands_.packed = packed_.data();
  }
  if (kernel->workspace_bytes != nullptr) {
    workspace_ = Bytes(kernel->workspace_bytes(problem));
    operands_.workspace = workspace_.data();
  }
  if (kernel->scratch_bytes != nullptr) scratch_ = Bytes(kernel->scratch_bytes(problem));
  ok_ = true;
}

void Step::Run() {
  for (int phase = 0; phase < kernel_->phases; ++phase) {
    kernel_->run(problem_, phase, {0, kernel_->units(problem_, phase)}, operands_, scratch_.data());
  }
}

RandomFloats::RandomFloats(int64_t count)
    : buffer_(Bytes(static_cast<size_t>(count) * sizeof(float))) {
  uint32_t state = 12345;
  for (int64_t i = 0; i < count; ++i) {
    state = state * 1664525 + 1013904223;
    data()[i] = static_cast<float>(state >> 8) / (1 << 23) - 1;
  }
}

}  // namespace doppio::bench
