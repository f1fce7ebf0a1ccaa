// Passes: rewrites of a Graph that keep its meaning. Each is small, named, switchable, idempotent,
// and stands in a file of its own. The converter runs them before it writes a pair; the runtime
// runs them at load on a pair that is not marked as simplified.
#pragma once

#include <doppio/status.h>

#include <cstdint>
#include <span>
#include <string_view>

#include "runtime/graph/graph.h"
#include "runtime/operators/infer_context.h"

namespace doppio::passes {

// What a pass gets beside the graph.
struct PassContext {
  int64_t changes = 0;  // rewrites done by the pass that runs now
};

struct Pass {
  const char* name;
  const char* summary;  // one line, for --list-passes
  Status (*run)(graph::Graph& graph, PassContext& context);
};

// In the order in which they run.
std::span<const Pass> AllPasses();

// What happened, for the converter's summary. `changes` by index in AllPasses().
struct PassReport {
  static constexpr size_t kMaxPasses = 32;
  int64_t changes[kMaxPasses] = {};
};

// Runs all passes but the disabled ones, again and again until none changes anything, and marks the
// graph as simplified. kInvalidArgument names an unknown disabled pass. `report` may be null.
Status Simplify(graph::Graph& graph, std::span<const std::string_view> disabled,
                PassReport* report);

// What a loaded pair needs before planning: Simplify unless it is marked, and the same for its
// child graphs, with what they capture.
Status PrepareToRun(graph::Graph* graph);

// The passes, one a file.
Status FoldConstants(graph::Graph& graph, PassContext& context);
Status FoldShapes(graph::Graph& graph, PassContext& context);
Status DropIdentities(graph::Graph& graph, PassContext& context);
Status FoldBatchNorm(graph::Graph& graph, PassContext& context);
Status FoldBias(graph::Graph& graph, PassContext& context);
Status FuseActivations(graph::Graph& graph, PassContext& context);
Status FuseChannelShuffle(graph::Graph& graph, PassContext& context);
Status DropDeadNodes(graph::Graph& graph, PassContext& context);

// --- shared by passes
// ---------------------------------------------------------------------------------

// The one node that reads `value`, when there is exactly one reader and it is no output of the
// graph.
graph::Node* OnlyReader(const graph::Value* value);

// A float32 constant of one value and at most one dimension, which makes no result of higher rank;
// false when `value` is anything else.
bool ScalarConstant(const graph::Value* value, float* scalar);

// Writes down how a weight was changed, as the net argument "recipe.<weight>": the name of the
// pass, then the names and numbers that it used; `compare` and `update` follow it.
Status RecordRecipe(graph::Graph& graph, std::string_view weight,
                    std::span<const std::string_view> steps);

}  // namespace doppio::passes
