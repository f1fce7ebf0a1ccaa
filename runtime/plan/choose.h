// Which kernel computes a problem: a deterministic choice by cost.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/device.h"
#include "runtime/plan/segment.h"

namespace doppio::plan {

struct Choice {
  int kernel = -1;     // index in the table; -1: nothing supports the problem
  double cost_ns = 0;  // kUnmeasuredCost for rows without a cost
  int device = 0;      // where the planner runs it: a number of the DeviceTable
};

inline constexpr double kUnmeasuredCost = 1e15;

// The cheapest row of `kind` that supports `problem`; rows without a cost come last, in table
// order. `constant[i]` says whether operand i is a constant, as rows that pack need it. `engine` is
// what the node asks for (OperatorDef.engine; unknown names mean nothing). `device_type`: only rows
// that run there (DeviceOption.device_type).
Choice ChooseKernel(const kernels::KernelTable& table, kernels::ProblemKind kind,
                    const void* problem, std::span<const bool> constant, const PlanOptions& options,
                    std::string_view engine, int32_t device_type = kernels::kCpuDevice);

}  // namespace doppio::plan
