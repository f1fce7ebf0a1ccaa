// Predictor::Impl: what a loaded pair is inside: the graph, its packed weights, and the plans made
// so far.
#pragma once

#include <doppio/predictor.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/api/graph_plans.h"
#include "runtime/graph/graph.h"
#include "runtime/graph/wire/pair_reader.h"
#include "runtime/plan/planner.h"

namespace doppio {

class Predictor::Impl {
 public:
  // `devices`: what this build can run on besides the CPU; borrowed.
  explicit Impl(const PredictorOptions& options,
                std::span<const kernels::DeviceDriver* const> devices = {});

  Status LoadPair(const graph::wire::NetFile& init, const graph::wire::NetFile& predict);
  // Takes over a graph that somebody else made (the converter).
  Status Adopt(std::unique_ptr<graph::Graph> graph);

  const graph::Graph& graph() const { return *graph_; }
  graph::Graph& mutable_graph() { return *graph_; }
  base::MemoryBudget& budget() const { return budget_; }
  const kernels::KernelTable& kernels() const { return kernels_; }
  const plan::PlanResources& resources() const { return resources_; }
  const plan::PackedWeights& weights() const { return weights_; }
  const exec::DeviceTable& devices() const { return devices_; }

  const GraphPlans& plans() const { return plans_; }

  std::vector<TensorInfo> inputs, outputs;

 private:
  Status SetOptions();
  Status SetDevices();
  Status AddExtraOutputs();
  Status Describe();

  PredictorOptions options_;
  mutable base::MemoryBudget budget_;
  std::span<const kernels::DeviceDriver* const> drivers_;
  kernels::KernelTable kernels_;
  exec::DeviceTable devices_;
  std::unique_ptr<graph::Graph> graph_;
  mutable plan::PackedWeights weights_;
  mutable plan::DeviceConstants device_constants_;
  plan::PlanResources resources_;
  GraphPlans plans_;
};

// Predictors are made by their static functions and by the converter.
StatusOr<std::shared_ptr<const Predictor>> MakePredictor(std::unique_ptr<Predictor::Impl> impl);

}  // namespace doppio
