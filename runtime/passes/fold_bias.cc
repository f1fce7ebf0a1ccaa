// A constant that is added to every position of a channel becomes the bias of the convolution or
// product before it, which adds it as it stores.
#include "runtime/passes/pass.h"

namespace doppio::passes {
namespace {

using graph::Graph;
using graph::Node;
using graph::Value;

bool IsFloatConstant(const Value* value) {
  return value != nullptr && value->is_constant && value->constant.type == ElementType::kFloat;
}

bool IsPlainAddition(const Node& node) {
  if (node.type != "Add" || node.inputs.size() != 2) return false;
  const graph::Argument* broadcast = node.arg("broadcast");
  return (node.domain.empty() || node.domain == "ai.onnx") &&
         (broadcast == nullptr || broadcast->i == 0);
}

// Whether `dims` is one value for each of `channels` at dimension 1 of a map of `spatial`
// dimensions more.
bool IsPerChannel(const Dims& dims, int64_t channels, int spatial) {
  const int rank = dims.rank();
  if (rank < spatial + 1 || rank > spatial + 2 || dims[rank - 1 - spatial] != channels)
    return false;
  for (int i = 0; i < rank; ++i) {
    if (i != rank - 1 - spatial && dims[i] != 1) return false;
  }
  return true;
}

// Output channels of a convolution without bias that takes one; 0 for other nodes.
int64_t ConvChannels(const Node& node) {
  if (!node.type.starts_with("Conv") || node.inputs.size() != 2 || !IsFloatConstant(node.input(1)))
    return 0;
  const graph::Argument* order = node.arg("order");
  if (order != nullptr && order->s == "NHWC") return 0;
  const Dims& w = node.input(1)->constant.dims;
  if (w.rank() < 3) return 0;
  if (!node.type.starts_with("ConvTranspose")) return w[0];
  const graph::Argument* group = node.arg("group");
  return w[1] * (group != nullptr && group->has_i ? group->i : 1);
}

// Columns of x W for a constant matrix W; 0 for other nodes.
int64_t ProductColumns(const Node& node) {
  const bool batched = node.domain.empty() && node.type == "BatchMatMul";
  const bool onnx = node.domain == "ai.onnx" && node.type == "MatMul";
  if (!(batched || onnx) || node.inputs.size() != 2 || !IsFloatConstant(node.input(1))) return 0;
  for (const char* name : {"trans_a", "trans_b"}) {
    const graph::Argument* arg = node.arg(name);
    if (arg != nullptr && arg->i != 0) return 0;
  }
  const Dims& w = node.input(1)->constant.dims;
  return w.rank() == 2 ? w[1] : 0;
}

StatusOr<Value*> AsVector(Graph& graph, const Value& bias) {
  graph::Constant constant = bias.constant;
  constant.dims = Dims{constant.count};
  return graph.AddConstant(bias.name, constant);
}

// Moves the bias into `head` and hands the addition's name on.
Status TakeBias(Graph& graph, Node* head, Node* addition, const Value& bias) {
  DOPPIO_ASSIGN_OR_RETURN(Value * vector, AsVector(graph, bias));
  DOPPIO_RETURN_IF_ERROR(graph.AddInputTo(head, vector));
  head->output(0)->name = addition->output(0)->name;
  DOPPIO_RETURN_IF_ERROR(graph.ReplaceAllUses(addition->output(0), head->output(0)));
  graph.RemoveNode(addition);
  return {};
}

}  // namespace

Status FoldBias(Graph& graph, PassContext& context) {
  operators::FactsTable facts;
  for (Node* node = graph.first(); node != nullptr; node = node->next) {
    const int64_t conv = ConvChannels(*node), product = ProductColumns(*node);
    if (conv == 0 && product == 0) continue;
    Node* const addition = OnlyReader(node->output(0));
    if (addition == nullptr || !IsPlainAddition(*addition)) continue;
    const Value* bias = addition->input(addition->input(0) == node->output(0) ? 1 : 0);
    if (!IsFloatConstant(bias)) continue;
    if (conv > 0) {
      const int spatial = node->input(1)->constant.dims.rank() - 2;
      if (!IsPerChannel(bias->constant.dims, conv, spatial)) continue;
    } else {
      // x must be known to have at least as many dimensions as the product's rows need: rank >= 2.
      if (facts.empty()) DOPPIO_RETURN_IF_ERROR(operators::InferGraph(graph, &facts));
      const Value* x = node->input(0);
      if (x == nullptr || x->id >= facts.size() || !facts[x->id].has_shape ||
          facts[x->id].shape.rank < 2) {
        continue;
      }
      if (!(bias->constant.dims == Dims{product})) continue;
      DOPPIO_ASSIGN_OR_RETURN(node->type, graph.Intern("FCTransposed"));
      node->domain = {};
      node->op_version = 0;
      graph.RemoveArg(node, "broadcast");
      DOPPIO_RETURN_IF_ERROR(graph.SetArg(node, "axis", int64_t{-1}));
    }
    DOPPIO_RETURN_IF_ERROR(TakeBias(graph, node, addition, *bias));
    ++context.changes;
  }
  return {};
}

}  // namespace doppio::passes
