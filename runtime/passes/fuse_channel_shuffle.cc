// Reshape [n, g, c/g, h, w], Transpose (0, 2, 1, 3, 4), Reshape [n, c, h, w] is Caffe2's
// ChannelShuffle, which moves data once and keeps the layout.
#include "runtime/passes/pass.h"

namespace doppio::passes {
namespace {

using graph::Graph;
using graph::Node;
using operators::FactsTable;
using operators::Shape;

bool IsReshape(const Node* node) { return node != nullptr && node->type == "Reshape"; }

bool SwapsDimensions1And2(const Node& transpose) {
  const graph::Argument* axes = transpose.arg(transpose.domain.empty() ? "axes" : "perm");
  if (transpose.type != "Transpose" || axes == nullptr || axes->ints.size() < 3) return false;
  for (size_t i = 0; i < axes->ints.size(); ++i) {
    const int64_t wanted = i == 1 ? 2 : i == 2 ? 1 : static_cast<int64_t>(i);
    if (axes->ints[i] != wanted) return false;
  }
  return true;
}

bool SameFrom(const Shape& a, int a_begin, const Shape& b, int b_begin) {
  if (a.rank - a_begin != b.rank - b_begin) return false;
  for (int i = 0; i < a.rank - a_begin; ++i) {
    if (!(a[a_begin + i] == b[b_begin + i])) return false;
  }
  return true;
}

// The number of groups when `split`, `transpose` and `join` are a channel shuffle; else 0.
int64_t Groups(const Node& split, const Node& transpose, const Node& join,
               const FactsTable& facts) {
  for (const Node* node : {&split, &join}) {
    if (node->input(0) == nullptr || node->output(0) == nullptr) return 0;
  }
  const auto& x = facts[split.input(0)->id];
  const auto& middle = facts[split.output(0)->id];
  const auto& y = facts[join.output(0)->id];
  if (!x.has_shape || !middle.has_shape || !y.has_shape || !SwapsDimensions1And2(transpose))
    return 0;
  const Shape &a = x.shape, &m = middle.shape, &b = y.shape;
  if (a.rank != 4 || m.rank != 5 || b.rank != 4 || !a[1].known() || !m[1].known() || !m[2].known())
    return 0;
  const bool same_ends = a[0] == m[0] && SameFrom(a, 2, m, 3) && SameFrom(a, 0, b, 0);
  return same_ends && m[1].value() * m[2].value() == a[1].value() ? m[1].value() : 0;
}

}  // namespace

Status FuseChannelShuffle(Graph& graph, PassContext& context) {
  FactsTable facts;
  for (Node* split = graph.first(); split != nullptr; split = split->next) {
    if (!IsReshape(split)) continue;
    Node* const transpose = OnlyReader(split->output(0));
    Node* const join = transpose != nullptr ? OnlyReader(transpose->output(0)) : nullptr;
    if (!IsReshape(join) || (join->output(1) != nullptr && !join->output(1)->uses.empty()))
      continue;
    if (facts.empty()) DOPPIO_RETURN_IF_ERROR(operators::InferGraph(graph, &facts));
    if (split->output(0)->id >= facts.size() || join->output(0)->id >= facts.size()) continue;
    const int64_t groups = Groups(*split, *transpose, *join, facts);
    if (groups == 0) continue;
    DOPPIO_ASSIGN_OR_RETURN(join->type, graph.Intern("ChannelShuffle"));
    join->domain = {};
    join->op_version = 0;
    join->args.clear();
    DOPPIO_RETURN_IF_ERROR(graph.SetArg(join, "group", groups));
    DOPPIO_RETURN_IF_ERROR(graph.SetInput(join, 0, split->input(0)));
    graph.TruncateInputs(join, 1);
    while (join->outputs.size() > 1) join->outputs.pop_back();  // Caffe2's Reshape has an old_shape
    ++context.changes;
  }
  return {};
}

}  // namespace doppio::passes
