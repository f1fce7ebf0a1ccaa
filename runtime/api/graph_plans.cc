#include "runtime/api/graph_plans.h"

#include <algorithm>
#include <new>

namespace doppio {
namespace {

bool SameKey(const base::Array<int64_t>& known, std::span<const int64_t> key) {
  return std::equal(known.begin(), known.end(), key.begin(), key.end());
}

}  // namespace

Status GraphPlans::Start(const plan::PlanResources& resources, const graph::Graph* graph) {
  resources_ = resources;
  resources_.graph = graph;
  DOPPIO_RETURN_IF_ERROR(plan::NumberNodes(*graph, &node_order_));
  resources_.node_order = node_order_.span();
  for (const graph::Node* node = graph->first(); node != nullptr; node = node->next) {
    for (const graph::Argument& arg : node->args) {
      if (arg.net != nullptr) DOPPIO_RETURN_IF_ERROR(StartChild(arg.net.get()));
      for (const auto& net : arg.nets) DOPPIO_RETURN_IF_ERROR(StartChild(net.get()));
    }
  }
  return {};
}

Status GraphPlans::StartChild(const graph::Graph* graph) {
  std::unique_ptr<GraphPlans> child(new (std::nothrow) GraphPlans());
  if (child == nullptr) return OutOfMemory("no memory for a child graph");
  DOPPIO_RETURN_IF_ERROR(child->Start(resources_, graph));
  return children_.Append(std::move(child));
}

const GraphPlans& GraphPlans::child(const graph::Graph& graph) const {
  size_t i = 0;
  while (children_[i]->resources_.graph != &graph) ++i;
  return *children_[i];
}

StatusOr<std::shared_ptr<Plan>> GraphPlans::Find(std::span<const int64_t> key,
                                                 plan::Findings inputs,
                                                 exec::ThreadPool& pool) const {
  const std::lock_guard lock(mutex_);
  for (size_t i = 0; i < plans_.size(); ++i) {
    if (!SameKey(plans_[i]->key, key)) continue;
    std::shared_ptr<Plan> found = plans_[i];
    plans_.Erase(i);
    DOPPIO_RETURN_IF_ERROR(plans_.Append(found));
    return found;
  }
  auto made = std::make_shared<Plan>();
  DOPPIO_RETURN_IF_ERROR(made->key.Assign(key));
  DOPPIO_ASSIGN_OR_RETURN(made->first, plan::PlanSegment(resources_, nullptr, inputs, pool));
  if (plans_.size() == kMaxPlans) plans_.Erase(0);
  DOPPIO_RETURN_IF_ERROR(plans_.Append(made));
  return made;
}

StatusOr<std::shared_ptr<plan::Segment>> GraphPlans::FindNext(plan::Segment* segment,
                                                              std::span<const int64_t> key,
                                                              plan::Findings findings,
                                                              exec::ThreadPool& pool) const {
  const std::lock_guard lock(mutex_);
  base::Array<plan::Segment::Continuation>& known = segment->next;
  for (size_t i = 0; i < known.size(); ++i) {
    if (!SameKey(known[i].key, key)) continue;
    plan::Segment::Continuation found = std::move(known[i]);
    known.Erase(i);
    std::shared_ptr<plan::Segment> next = found.segment;
    DOPPIO_RETURN_IF_ERROR(known.Append(std::move(found)));
    return next;
  }
  plan::Segment::Continuation made;
  DOPPIO_RETURN_IF_ERROR(made.key.Assign(key));
  DOPPIO_ASSIGN_OR_RETURN(made.segment, plan::PlanSegment(resources_, segment, findings, pool));
  std::shared_ptr<plan::Segment> next = made.segment;
  if (known.size() == kMaxContinuations) known.Erase(0);
  DOPPIO_RETURN_IF_ERROR(known.Append(std::move(made)));
  return next;
}

}  // namespace doppio
