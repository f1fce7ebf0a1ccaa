// Planner: from a graph and the sizes at hand to a Segment: infers, fuses, chooses layouts and
// kernels, packs weights, places memory.
#pragma once

#include <doppio/status.h>

#include <memory>
#include <span>

#include "runtime/plan/device_constants.h"
#include "runtime/plan/segment.h"
#include "runtime/plan/weights.h"

namespace doppio::plan {

// What all plans of a Predictor share. Borrowed; outlives every Segment.
struct PlanResources {
  const graph::Graph* graph = nullptr;
  const kernels::KernelTable* kernels = nullptr;
  PackedWeights* weights = nullptr;
  const exec::DeviceTable* devices = nullptr;
  DeviceConstants* device_constants = nullptr;
  base::MemoryBudget* budget = nullptr;
  std::span<const int32_t> node_order;  // position in execution order, by node id
  PlanOptions options;

  // Where `node` (null: a copy of the plan's own) is to run: a number of `devices`; -1 when its
  // DeviceOption names a device that is not there.
  int DeviceOf(const graph::Node* node) const;
};

// The facts that a run brings: of the net's inputs (for the first segment), or of what the segment
// before found out (its dynamics in order, or the one content value).
using Findings = std::span<const operators::ValueFacts>;

// Position of every live node in execution order, by node id.
Status NumberNodes(const graph::Graph& graph, base::Array<int32_t>* order);

// Plans the first segment (`previous` null) or the one after `previous`. `pool` packs weights.
// Errors are those of shape rules (kInvalidArgument, naming node, blob and sizes), of operators
// that no kernel computes (kUnsupported) and of memory.
StatusOr<std::unique_ptr<Segment>> PlanSegment(const PlanResources& resources,
                                               const Segment* previous, Findings findings,
                                               exec::ThreadPool& pool);

}  // namespace doppio::plan
