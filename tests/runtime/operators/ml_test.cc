// Classical machine learning: trees, scalers, normalisers; and what malformed attributes say.
#include "tests/runtime/operators/node_case.h"

namespace doppio::tests {
namespace {

constexpr std::string_view kMl = "ai.onnx.ml";

void Set(NodeCase* node, std::string_view name, std::vector<float> values) {
  REQUIRE(node->graph().SetArg(node->node(), name, std::span<const float>(values)).ok());
}
void SetTexts(NodeCase* node, std::string_view name, const std::vector<std::string_view>& values) {
  graph::Argument* const argument = *node->graph().AddArg(node->node(), name);
  for (const std::string_view value : values) REQUIRE(argument->strings.Append(value).ok());
}

// x[0] <= 0.5 ? 10 : (x[1] <= 2 ? 20 : 30), in one tree of five nodes.
NodeCase Tree(int64_t last_true = 3) {
  NodeCase node(kMl, "TreeEnsembleRegressor");
  node.Ints("nodes_treeids", {0, 0, 0, 0, 0}).Ints("nodes_nodeids", {0, 1, 2, 3, 4});
  node.Ints("nodes_featureids", {0, 0, 1, 0, 0});
  node.Ints("nodes_truenodeids", {1, 0, last_true, 0, 0})
      .Ints("nodes_falsenodeids", {2, 0, 4, 0, 0});
  Set(&node, "nodes_values", {0.5f, 0, 2, 0, 0});
  SetTexts(&node, "nodes_modes", {"BRANCH_LEQ", "LEAF", "BRANCH_LEQ", "LEAF", "LEAF"});
  node.Ints("target_treeids", {0, 0, 0}).Ints("target_nodeids", {1, 3, 4});
  node.Ints("target_ids", {0, 0, 0}).Int("n_targets", 1);
  Set(&node, "target_weights", {10, 20, 30});
  return node;
}

TEST_CASE("trees are walked to their leaves") {
  Tree().In(F({3, 2}, {0.5, 9, 1, 2, 1, 3})).Gives(F({3, 1}, {10, 20, 30}));
}

TEST_CASE("trees that are none are errors: cycles, children that do not exist") {
  for (const int64_t child : {2, 0, 9, -1}) {
    INFO("child " << child);
    NodeCase node = Tree(child);
    node.In(F({1, 2}, {1, 2}));
    const Status status = node.Evaluate();
    CHECK_FALSE(status.ok());
  }
}

TEST_CASE("scalers and normalisers") {
  NodeCase scaler(kMl, "Scaler");
  Set(&scaler, "offset", {1, 2});
  Set(&scaler, "scale", {10, 100});
  scaler.In(F({1, 2}, {2, 3})).Gives(F({1, 2}, {10, 100}));
  NodeCase("ai.onnx.ml", "Normalizer")
      .Str("norm", "L1")
      .In(F({1, 2}, {-1, 3}))
      .Gives(F({1, 2}, {-0.25, 0.75}));
  NodeCase short_scale(kMl, "Scaler");
  Set(&short_scale, "offset", {1, 2, 3});
  Set(&short_scale, "scale", {10});
  CHECK_FALSE(short_scale.In(F({1, 2}, {2, 3})).Evaluate().ok());
}

}  // namespace
}  // namespace doppio::tests
