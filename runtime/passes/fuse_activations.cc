// Exporters write some activations as small graphs. As one node they cost one pass over memory, or
// none when they are fused into a convolution's store.
#include <cmath>

#include "runtime/passes/pass.h"

namespace doppio::passes {
namespace {

using graph::Graph;
using graph::Node;
using graph::Value;

bool Is(const Node* node, std::string_view type) {
  return node != nullptr && node->type == type &&
         (node->domain.empty() || node->domain == "ai.onnx");
}

bool NoLegacyBroadcast(const Node& node) {
  const graph::Argument* broadcast = node.arg("broadcast");
  return broadcast == nullptr || broadcast->i == 0;
}

float FloatArg(const Node& node, std::string_view name, float fallback) {
  const graph::Argument* arg = node.arg(name);
  return arg != nullptr && arg->has_f ? arg->f : fallback;
}

bool Near(float a, double b) {
  return std::fabs(static_cast<double>(a) - b) <= 1e-6 * std::fabs(b);
}

// Splits a two-input node into a scalar constant and the other input.
bool WithScalar(const Node* node, std::string_view type, Value** other, float* scalar) {
  if (!Is(node, type) || node->inputs.size() != 2 || !NoLegacyBroadcast(*node)) return false;
  for (size_t i = 0; i < 2; ++i) {
    if (ScalarConstant(node->input(i), scalar)) {
      *other = node->input(1 - i);
      return *other != nullptr;
    }
  }
  return false;
}

// Whether `value` is min(max(x + 3, 0), 6) for `x`.
bool IsRelu6OfXPlus3(const Value* value, const Value* x) {
  const Node* clip = value->producer;
  if (!Is(clip, "Clip") || OnlyReader(value) == nullptr) return false;
  float low = 0, high = 0, three = 0;
  if (clip->inputs.size() == 1) {
    low = FloatArg(*clip, "min", -INFINITY);
    high = FloatArg(*clip, "max", INFINITY);
  } else if (!ScalarConstant(clip->input(1), &low) || !ScalarConstant(clip->input(2), &high)) {
    return false;
  }
  Value* inner = nullptr;
  return low == 0 && high == 6 && clip->input(0) != nullptr &&
         WithScalar(clip->input(0)->producer, "Add", &inner, &three) && three == 3 && inner == x;
}

// Whether `value` is clamp(x / 6 + 1/2, 0, 1) for `x`, in one of its spellings.
bool IsHardSigmoidOf(const Value* value, const Value* x) {
  const Node* node = value->producer;
  if (node == nullptr || OnlyReader(value) == nullptr) return false;
  if (Is(node, "HardSigmoid")) {
    return node->input(0) == x && Near(FloatArg(*node, "alpha", 0.2f), 1.0 / 6) &&
           Near(FloatArg(*node, "beta", 0.5f), 0.5);
  }
  Value* clipped = nullptr;
  float scale = 0;
  if (WithScalar(node, "Div", &clipped, &scale) && node->input(0) == clipped) {
    return scale == 6 && IsRelu6OfXPlus3(clipped, x);
  }
  return WithScalar(node, "Mul", &clipped, &scale) && Near(scale, 1.0 / 6) &&
         IsRelu6OfXPlus3(clipped, x);
}

bool IsSigmoidOf(const Value* value, const Value* x) {
  return Is(value->producer, "Sigmoid") && value->producer->input(0) == x &&
         OnlyReader(value) != nullptr;
}

// For `value` = 1 + erf(x / sqrt 2): x; else null.
Value* ErfArgument(const Value* value) {
  Value *erf = nullptr, *x = nullptr;
  float one = 0, root = 0;
  if (!WithScalar(value->producer, "Add", &erf, &one) || one != 1) return nullptr;
  const Node* erf_node = erf->producer;
  if (!Is(erf_node, "Erf") || erf_node->input(0) == nullptr) return nullptr;
  const Node* scaled = erf_node->input(0)->producer;
  if (WithScalar(scaled, "Div", &x, &root) && scaled->input(0) == x && Near(root, std::sqrt(2.0)))
    return x;
  return WithScalar(scaled, "Mul", &x, &root) && Near(root, std::sqrt(0.5)) ? x : nullptr;
}

// GELU as exporters write it, ending in `node`: the product of x, 1/2 and 1 + erf(x / sqrt 2) in
// any grouping.
Value* GeluArgument(const Node* node) {
  Value* product = nullptr;
  float half = 0;
  const auto x_times_erf = [](const Node* mul) -> Value* {
    if (!Is(mul, "Mul") || mul->inputs.size() != 2) return nullptr;
    for (size_t i = 0; i < 2; ++i) {
      Value* const other = mul->input(1 - i);
      if (mul->input(i) != nullptr && other != nullptr && ErfArgument(mul->input(i)) == other)
        return other;
    }
    return nullptr;
  };
  if (WithScalar(node, "Mul", &product, &half) && half == 0.5f)
    return x_times_erf(product->producer);
  if (!Is(node, "Mul") || node->inputs.size() != 2) return nullptr;
  for (size_t i = 0; i < 2; ++i) {  // (x / 2) (1 + erf), or x ((1 + erf) / 2)
    Value *scaled = nullptr, *const other = node->input(1 - i);
    if (node->input(i) == nullptr || other == nullptr ||
        !WithScalar(node->input(i)->producer, "Mul", &scaled, &half) || half != 0.5f) {
      continue;
    }
    if (ErfArgument(other) == scaled) return scaled;
    if (ErfArgument(scaled) == other) return other;
  }
  return nullptr;
}

// Turns `node` into one node of `type` that reads x; what it read before dies with drop_dead_nodes.
Status Rewrite(Graph& graph, Node* node, std::string_view type, std::string_view domain, Value* x) {
  DOPPIO_ASSIGN_OR_RETURN(node->type, graph.Intern(type));
  DOPPIO_ASSIGN_OR_RETURN(node->domain, graph.Intern(domain));
  node->op_version = 0;
  node->args.clear();
  DOPPIO_RETURN_IF_ERROR(graph.SetInput(node, 0, x));
  graph.TruncateInputs(node, 1);
  return {};
}

Status TryRewrite(Graph& graph, Node* node, PassContext& context) {
  if (!Is(node, "Mul") || node->inputs.size() != 2 || !NoLegacyBroadcast(*node)) return {};
  if (Value* x = GeluArgument(node); x != nullptr) {
    ++context.changes;
    return Rewrite(graph, node, "Gelu", "", x);
  }
  for (size_t i = 0; i < 2; ++i) {
    Value* const x = node->input(i);
    const Value* gate = node->input(1 - i);
    if (x == nullptr || gate == nullptr) continue;
    if (IsSigmoidOf(gate, x)) {
      ++context.changes;
      return Rewrite(graph, node, "Swish", "", x);
    }
    if (IsHardSigmoidOf(gate, x)) {
      ++context.changes;
      return Rewrite(graph, node, "HardSwish", "ai.onnx", x);
    }
  }
  return {};
}

}  // namespace

Status FuseActivations(Graph& graph, PassContext& context) {
  for (Node* node = graph.first(); node != nullptr; node = node->next) {
    DOPPIO_RETURN_IF_ERROR(TryRewrite(graph, node, context));
  }
  return {};
}

}  // namespace doppio::passes
