// Batch normalisation at inference is a per-channel scale and shift: y = s (x - mean) / sqrt(var +
// eps) + b. Behind a convolution or product it scales the weight's output channels and shifts the
// bias. Source: Jacob et al. 2018, "Quantization and Training of Neural Networks", section 3.2.
#include <cmath>

#include "base/message.h"
#include "runtime/operators/operator.h"
#include "runtime/passes/pass.h"

namespace doppio::passes {
namespace {

using graph::Constant;
using graph::Graph;
using graph::Node;
using graph::Value;

bool IsInferenceBatchNorm(const Node& node) {
  if (node.inputs.size() != 5) return false;
  const bool caffe2 = node.domain.empty() && node.type == "SpatialBN";
  const bool onnx = node.domain == "ai.onnx" && node.type == "BatchNormalization";
  if (!caffe2 && !onnx) return false;
  for (size_t i = 1; i < 5; ++i) {
    const Value* value = node.input(i);
    if (value == nullptr || !value->is_constant || value->constant.type != ElementType::kFloat ||
        value->constant.dims.rank() != 1 ||
        value->constant.count != node.input(1)->constant.count) {
      return false;
    }
  }
  for (size_t i = 1; i < node.outputs.size(); ++i) {
    if (node.outputs[i] != nullptr && !node.outputs[i]->uses.empty()) return false;
  }
  return true;
}

bool ChannelsLast(const Node& node) {
  const graph::Argument* order = node.arg("order");
  return order != nullptr && order->s == "NHWC";
}

// How the weight of a node walks its output channels: [outer, channels, inner] over its row-major
// elements.
struct WeightWalk {
  int64_t outer = 0, channels = 0, inner = 0;
};

// For a convolution w [m, c / g, k..]; a transposed one w [c, m / g, k..] with group 1; FC w [n,
// k]; FCTransposed w [k, n]. False for everything else.
bool WalkWeight(const Node& node, WeightWalk* walk) {
  const Value* weight = node.input(1);
  if (weight == nullptr || !weight->is_constant || weight->constant.type != ElementType::kFloat)
    return false;
  const Dims& dims = weight->constant.dims;
  const int64_t count = weight->constant.count;
  if (dims.rank() < 2 || count == 0) return false;
  if (node.type.starts_with("ConvTranspose")) {
    const graph::Argument* group = node.arg("group");
    if ((group != nullptr && group->i != 1) || ChannelsLast(node)) return false;
    *walk = {dims[0], dims[1], count / (dims[0] * dims[1])};
    return true;
  }
  // Only a product of matrices has its columns where the normalisation has its channels.
  const graph::Argument* axis = node.arg("axis");
  const bool matrix = dims.rank() == 2 && (axis == nullptr || (axis->has_i && axis->i == 1));
  if (node.type.starts_with("Conv") || (node.type == "FC" && matrix)) {
    *walk = {1, dims[0], count / dims[0]};
    return true;
  }
  return false;
}

// The scale and shift of a batch normalisation, in double.
struct ScaleShift {
  const float *scale, *shift, *mean, *var;
  double epsilon;

  double Factor(int64_t i) const {
    return static_cast<double>(scale[i]) / std::sqrt(static_cast<double>(var[i]) + epsilon);
  }
  double Bias(int64_t i, double old) const {
    return (old - static_cast<double>(mean[i])) * Factor(i) + static_cast<double>(shift[i]);
  }
};

ScaleShift ReadScaleShift(const Node& norm) {
  const graph::Argument* epsilon = norm.arg("epsilon");
  return {norm.input(1)->constant.as<float>(), norm.input(2)->constant.as<float>(),
          norm.input(3)->constant.as<float>(), norm.input(4)->constant.as<float>(),
          epsilon != nullptr && epsilon->has_f ? static_cast<double>(epsilon->f) : 1e-5};
}

StatusOr<Value*> ScaledWeight(Graph& graph, const Value& weight, const WeightWalk& walk,
                              const ScaleShift& norm) {
  const auto bytes = static_cast<size_t>(StorageBytes(ElementType::kFloat, weight.constant.count));
  DOPPIO_ASSIGN_OR_RETURN(void* memory, graph.Allocate(bytes));
  const float* from = weight.constant.as<float>();
  float* to = static_cast<float*>(memory);
  for (int64_t o = 0; o < walk.outer; ++o) {
    for (int64_t c = 0; c < walk.channels; ++c) {
      const double factor = norm.Factor(c);
      for (int64_t i = 0; i < walk.inner; ++i) *to++ = static_cast<float>(*from++ * factor);
    }
  }
  Constant constant = weight.constant;
  constant.data = memory;
  return graph.AddConstant(weight.name, constant);
}

StatusOr<Value*> ShiftedBias(Graph& graph, const Node& head, std::string_view name,
                             int64_t channels, const ScaleShift& norm) {
  const Value* old = head.input(2);
  DOPPIO_ASSIGN_OR_RETURN(void* memory,
                          graph.Allocate(static_cast<size_t>(channels) * sizeof(float)));
  float* to = static_cast<float*>(memory);
  for (int64_t c = 0; c < channels; ++c) {
    const double before = old != nullptr ? static_cast<double>(old->constant.as<float>()[c]) : 0.0;
    to[c] = static_cast<float>(norm.Bias(c, before));
  }
  Constant constant;
  constant.type = ElementType::kFloat;
  constant.dims = Dims{channels};
  constant.data = memory;
  return graph.AddConstant(name, constant);
}

bool BiasIsConstant(const Node& head, int64_t channels) {
  const Value* bias = head.input(2);
  return bias == nullptr || (bias->is_constant && bias->constant.type == ElementType::kFloat &&
                             bias->constant.count == channels);
}

Status Record(Graph& graph, const Node& head, const Node& norm, std::string_view weight,
              std::string_view bias, double epsilon) {
  const std::string text = base::Cat(epsilon);
  const std::string_view old_bias =
      head.input(2) != nullptr ? head.input(2)->name : std::string_view();
  const std::string_view parameters[] = {norm.input(1)->name, norm.input(2)->name,
                                         norm.input(3)->name, norm.input(4)->name, text};
  const std::string_view weight_steps[] = {"fold_batch_norm.weight",
                                           head.input(1)->name,
                                           parameters[0],
                                           parameters[1],
                                           parameters[2],
                                           parameters[3],
                                           parameters[4]};
  const std::string_view bias_steps[] = {"fold_batch_norm.bias", old_bias,      parameters[0],
                                         parameters[1],          parameters[2], parameters[3],
                                         parameters[4]};
  DOPPIO_RETURN_IF_ERROR(RecordRecipe(graph, weight, weight_steps));
  return RecordRecipe(graph, bias, bias_steps);
}

Status Fold(Graph& graph, Node* head, Node* norm, const WeightWalk& walk) {
  const ScaleShift values = ReadScaleShift(*norm);
  const std::string bias_name = head->input(2) != nullptr
                                    ? std::string(head->input(2)->name)
                                    : base::Cat(head->input(1)->name, "_bias");
  DOPPIO_RETURN_IF_ERROR(
      Record(graph, *head, *norm, head->input(1)->name, bias_name, values.epsilon));
  DOPPIO_ASSIGN_OR_RETURN(Value * weight, ScaledWeight(graph, *head->input(1), walk, values));
  DOPPIO_ASSIGN_OR_RETURN(Value * bias,
                          ShiftedBias(graph, *head, bias_name, walk.channels, values));
  DOPPIO_RETURN_IF_ERROR(graph.SetInput(head, 1, weight));
  if (head->inputs.size() > 2) {
    DOPPIO_RETURN_IF_ERROR(graph.SetInput(head, 2, bias));
  } else {
    DOPPIO_RETURN_IF_ERROR(graph.AddInputTo(head, bias));
  }
  // The blob that the normalisation made keeps its name: that is what it holds now.
  head->output(0)->name = norm->output(0)->name;
  DOPPIO_RETURN_IF_ERROR(graph.ReplaceAllUses(norm->output(0), head->output(0)));
  graph.RemoveNode(norm);
  return {};
}

}  // namespace

Status FoldBatchNorm(Graph& graph, PassContext& context) {
  for (Node* node = graph.first(); node != nullptr; node = node->next) {
    WeightWalk walk;
    if (!WalkWeight(*node, &walk) || !BiasIsConstant(*node, walk.channels)) continue;
    Node* const norm = OnlyReader(node->output(0));
    if (norm == nullptr || norm->input(0) != node->output(0) || !IsInferenceBatchNorm(*norm))
      continue;
    if (norm->input(1)->constant.count != walk.channels ||
        ChannelsLast(*norm) != ChannelsLast(*node)) {
      continue;
    }
    DOPPIO_RETURN_IF_ERROR(Fold(graph, node, norm, walk));
    ++context.changes;
  }
  return {};
}

}  // namespace doppio::passes
