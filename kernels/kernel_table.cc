#include <cstring>

#include "kernels/cpu/rows.h"
#include "kernels/device.h"
#include "kernels/kernel.h"
#include "kernels/reference/rows.h"
#if DOPPIO_HAVE_DNNL
#include "kernels/dnnl/rows.h"
#endif

namespace doppio::kernels {

const char* EngineName(Engine engine) {
  switch (engine) {
    case Engine::kReference:
      return "reference";
    case Engine::kSimd:
      return "simd";
    case Engine::kDnnl:
      return "dnnl";
    case Engine::kCudnn:
      return "cudnn";
  }
  return "unknown";
}

KernelTable::KernelTable(std::span<const DeviceDriver* const> devices)
    : machine_(cpu::ChosenMachine()) {
  for (const DeviceDriver* device : devices) Add(device->rows);
  cpu::ForEachGroup([](std::span<const Kernel> rows,
                       void* table) { static_cast<KernelTable*>(table)->Add(rows); },
                    this);
#if DOPPIO_HAVE_DNNL
  Add(dnnl::Rows());
#endif
  reference::ForEachGroup([](std::span<const Kernel> rows,
                             void* table) { static_cast<KernelTable*>(table)->Add(rows); },
                          this);
}

void KernelTable::Add(std::span<const Kernel> rows) {
  for (const Kernel& row : rows) {
    if (count_ < kMaxKernels) rows_[count_++] = &row;
  }
}

int KernelTable::Find(const char* name) const {
  for (int i = 0; i < count_; ++i) {
    if (std::strcmp(rows_[i]->name, name) == 0) return i;
  }
  return -1;
}

}  // namespace doppio::kernels
