#include "runtime/passes/pass.h"

#include "base/message.h"

namespace doppio::passes {
namespace {

constexpr Pass kPasses[] = {
    {"drop_identities", "remove nodes that hand their input through (Identity, Dropout, Copy)",
     DropIdentities},
    {"fold_constants", "compute nodes whose inputs are all constants", FoldConstants},
    {"fold_shapes", "replace integer tensors that follow from known sizes by constants",
     FoldShapes},
    {"fold_batch_norm", "fold batch normalisation into the convolution or product before it",
     FoldBatchNorm},
    {"fold_bias", "make an added constant the bias of the convolution or product before it",
     FoldBias},
    {"fuse_activations",
     "write x sigmoid(x), x hardsigmoid(x) and the erf form of GELU as one node", FuseActivations},
    {"fuse_channel_shuffle", "write Reshape, Transpose, Reshape as ChannelShuffle where it is one",
     FuseChannelShuffle},
    {"drop_dead_nodes", "remove nodes whose results nobody reads", DropDeadNodes},
};
static_assert(std::size(kPasses) <= PassReport::kMaxPasses);

// Rewrites enable one another; real graphs settle after two or three rounds.
constexpr int kMaxRounds = 8;

bool Contains(std::span<const std::string_view> names, std::string_view name) {
  for (std::string_view candidate : names) {
    if (candidate == name) return true;
  }
  return false;
}

Status CheckNames(std::span<const std::string_view> disabled) {
  for (std::string_view name : disabled) {
    bool known = false;
    std::string all;
    for (const Pass& pass : kPasses) {
      known |= name == pass.name;
      all += all.empty() ? "" : ", ";
      all += pass.name;
    }
    if (!known) {
      return InvalidArgument(
          base::Cat("there is no pass ", base::Quoted(name), "; there are ", all));
    }
  }
  return {};
}

}  // namespace

std::span<const Pass> AllPasses() { return kPasses; }

Status Simplify(graph::Graph& graph, std::span<const std::string_view> disabled,
                PassReport* report) {
  DOPPIO_RETURN_IF_ERROR(CheckNames(disabled));
  for (int round = 0; round < kMaxRounds; ++round) {
    int64_t changes = 0;
    for (size_t i = 0; i < std::size(kPasses); ++i) {
      if (Contains(disabled, kPasses[i].name)) continue;
      PassContext context;
      const Status status = kPasses[i].run(graph, context);
      if (!status.ok()) return status;
      changes += context.changes;
      if (report != nullptr) report->changes[i] += context.changes;
    }
    if (changes == 0) break;
  }
  graph.simplified = true;
  return {};
}

namespace {

// A constant that a child graph captures becomes one of its own (over the same memory), so that the
// child's plans know it: weights are packed, shapes that follow from it are computed.
void SinkConstants(graph::Graph* graph, graph::Node* node, graph::Graph* child, size_t* capture) {
  for (size_t i = child->bound_inputs; i < child->inputs().size();) {
    const graph::Value* outer = node->input(*capture);
    if (outer == nullptr || !outer->is_constant) {
      ++*capture;
      ++i;
      continue;
    }
    child->MakeConstant(child->inputs()[i], outer->constant);
    graph->RemoveInput(node, *capture);
    --node->captures;
  }
}

Status PrepareChildren(graph::Graph* graph);

// Constants that came from outside may make more of the child known.
Status PrepareChild(graph::Graph* child) {
  DOPPIO_RETURN_IF_ERROR(PrepareChildren(child));
  return Simplify(*child, {}, nullptr);
}

Status PrepareChildren(graph::Graph* graph) {
  for (graph::Node* node = graph->first(); node != nullptr; node = node->next) {
    size_t capture = node->inputs.size() - node->captures;
    for (graph::Argument& arg : node->args) {
      if (arg.net != nullptr) SinkConstants(graph, node, arg.net.get(), &capture);
      for (auto& net : arg.nets) SinkConstants(graph, node, net.get(), &capture);
    }
    for (graph::Argument& arg : node->args) {
      if (arg.net != nullptr) DOPPIO_RETURN_IF_ERROR(PrepareChild(arg.net.get()));
      for (auto& net : arg.nets) DOPPIO_RETURN_IF_ERROR(PrepareChild(net.get()));
    }
  }
  return {};
}

}  // namespace

Status PrepareToRun(graph::Graph* graph) {
  if (!graph->simplified) {
    DOPPIO_RETURN_IF_ERROR(Simplify(*graph, {}, nullptr));
  } else {
    // Large constants stand in parts, and their Concat is left.
    PassContext context;
    DOPPIO_RETURN_IF_ERROR(FoldConstants(*graph, context));
  }
  return PrepareChildren(graph);
}

graph::Node* OnlyReader(const graph::Value* value) {
  return value != nullptr && value->uses.size() == 1 ? value->uses[0].node : nullptr;
}

bool ScalarConstant(const graph::Value* value, float* scalar) {
  if (value == nullptr || !value->is_constant || value->constant.type != ElementType::kFloat ||
      value->constant.count != 1 || value->constant.dims.rank() > 1) {
    return false;
  }
  *scalar = value->constant.as<float>()[0];
  return true;
}

Status RecordRecipe(graph::Graph& graph, std::string_view weight,
                    std::span<const std::string_view> steps) {
  DOPPIO_ASSIGN_OR_RETURN(graph::Argument * recipe, graph.AddNetArg(base::Cat("recipe.", weight)));
  for (std::string_view step : steps) {
    DOPPIO_ASSIGN_OR_RETURN(std::string_view text, graph.Intern(step));
    DOPPIO_RETURN_IF_ERROR(recipe->strings.Append(text));
  }
  return {};
}

}  // namespace doppio::passes
