// GraphPlans: the plans made so far for one graph of a net: the net's own, or a child graph (a
// branch, a loop's body). Part of a Predictor, shared by its Sessions.
#pragma once

#include <doppio/status.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>

#include "base/array.h"
#include "runtime/plan/planner.h"

namespace doppio {

// The plan for inputs of given types and sizes: the first segment, and the tree behind it.
struct Plan {
  base::Array<int64_t> key;  // of all inputs: kind, type, rank, sizes
  std::shared_ptr<plan::Segment> first;
};

// Thread safe once Start has returned.
class GraphPlans {
 public:
  // `resources` says what all graphs of the Predictor share; its graph and node order are not read.
  // Everything is borrowed.
  Status Start(const plan::PlanResources& resources, const graph::Graph* graph);

  const graph::Graph& graph() const { return *resources_.graph; }
  // The plans of a child graph of one of this graph's nodes.
  const GraphPlans& child(const graph::Graph& graph) const;

  // The plan of that key; made with `pool` when it is new. Plans beyond a few are forgotten, the
  // one unused for longest first; who runs one keeps it.
  StatusOr<std::shared_ptr<Plan>> Find(std::span<const int64_t> key, plan::Findings inputs,
                                       exec::ThreadPool& pool) const;
  // The segment that follows `segment` when a run has found `key`; the same holds.
  StatusOr<std::shared_ptr<plan::Segment>> FindNext(plan::Segment* segment,
                                                    std::span<const int64_t> key,
                                                    plan::Findings findings,
                                                    exec::ThreadPool& pool) const;

 private:
  static constexpr size_t kMaxPlans = 16;
  static constexpr size_t kMaxContinuations = 64;

  Status StartChild(const graph::Graph* graph);

  plan::PlanResources resources_;
  base::Array<int32_t> node_order_;
  base::Array<std::unique_ptr<GraphPlans>> children_;
  mutable std::mutex mutex_;
  mutable base::Array<std::shared_ptr<Plan>> plans_;  // most recently used last
};

}  // namespace doppio
