#include "runtime/plan/device_constants.h"

#include "base/message.h"
#include "runtime/plan/choose.h"

namespace doppio::plan {

using kernels::TransferProblem;

Status Upload(const kernels::KernelTable& kernels, const exec::DeviceTable& devices, int device,
              const void* from, size_t bytes, void* to) {
  TransferProblem problem;
  problem.id = devices.id(device);
  problem.bytes = static_cast<int64_t>(bytes);
  const Choice choice = ChooseKernel(kernels, kernels::ProblemKind::kTransfer, &problem, {},
                                     PlanOptions(), "", devices.type(device));
  if (choice.kernel < 0) {
    return Internal(base::Cat("device ", devices.driver(device)->name, " takes no bytes"));
  }
  const kernels::Kernel& row = *kernels.rows()[static_cast<size_t>(choice.kernel)];
  kernels::Operands operands;
  operands.in = &from;
  operands.out = &to;
  if (row.prepare != nullptr) operands.handle = row.prepare(&problem, &from);
  bool ok = row.prepare == nullptr || operands.handle != nullptr;
  for (int phase = 0; ok && phase < row.phases; ++phase) {
    ok = row.run(&problem, phase, {0, row.units(&problem, phase)}, operands, nullptr).ok();
  }
  if (operands.handle != nullptr) row.release(operands.handle);
  if (ok) return {};
  return Status(StatusCode::kComputeError,
                base::Cat("device ", devices.driver(device)->name, " did not take a constant of ",
                          bytes, " bytes"));
}

StatusOr<const void*> DeviceConstants::Get(const kernels::KernelTable& kernels,
                                           const exec::DeviceTable& devices, int device,
                                           const void* constant, size_t bytes) {
  const std::lock_guard lock(mutex_);
  for (const Entry& entry : entries_) {
    const bool same = entry.constant == constant && entry.device == device;
    if (same && entry.memory.size() >= bytes) return static_cast<const void*>(entry.memory.data());
  }
  Entry entry;
  entry.constant = constant;
  entry.device = device;
  DOPPIO_ASSIGN_OR_RETURN(entry.memory,
                          exec::DeviceMemory::Allocate(devices, device, bytes, nullptr));
  DOPPIO_RETURN_IF_ERROR(Upload(kernels, devices, device, constant, bytes, entry.memory.data()));
  const void* copy = entry.memory.data();
  DOPPIO_RETURN_IF_ERROR(entries_.Append(std::move(entry)));
  return copy;
}

}  // namespace doppio::plan
