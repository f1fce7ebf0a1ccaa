// Losses, written out in simpler operators: NegativeLogLikelihoodLoss, SoftmaxCrossEntropyLoss.
#include "base/message.h"
#include "converter/importers/compose.h"

namespace doppio::converter {
namespace {

Value* SumOfAll(const NodeContext& n, Value* value) {
  return n.EmitOnnx("ReduceSum").In(value).Int("keepdims", 0).Temp().Done();
}

// `log_prob` [N, C, d...], `target` [N, d...]: -weight[target] log_prob at the target, 0 where the
// target is to be ignored; the mean is over the weights. ONNX gives the result as output 0.
void EmitLoss(const NodeContext& n, Value* log_prob, Value* target, Value* weight) {
  const ElementType type = n.facts(log_prob).type;
  const std::string reduction = n.Text("reduction", "mean");
  if (reduction != "none" && reduction != "sum" && reduction != "mean") {
    n.Unsupported(base::Cat("reduction ", base::Quoted(reduction), " is unknown"));
  }
  Value* ignored = nullptr;
  if (n.HasAttr("ignore_index")) {
    const ElementType integer = n.facts(target).type;
    Value* const index = n.Scalar(integer, static_cast<double>(n.Int("ignore_index", 0)));
    ignored = Binary(n, "Equal", target, index);
    target = Select(n, ignored, n.Scalar(integer, 0), target);
  }
  const int64_t classes[] = {1};
  Value* const at = Unsqueeze(n, target, classes);
  Value* const picked =
      n.EmitOnnx("GatherElements").In(log_prob).In(at).Int("axis", 1).Temp().Done();
  Value* const squeezed = Squeeze(n, picked, 1);
  Value* loss = n.EmitOnnx("Neg").In(squeezed).Temp().Done();
  Value* weights = nullptr;
  if (weight != nullptr) {
    weights = n.EmitOnnx("Gather").In(weight).In(target).Int("axis", 0).Temp().Done();
  }
  if (ignored != nullptr) {
    Value* const one = weights != nullptr ? weights : n.Scalar(type, 1);
    weights = Select(n, ignored, n.Scalar(type, 0), one);
  }
  if (weights != nullptr) loss = Binary(n, "Mul", loss, weights);
  if (reduction == "none") {
    n.EmitOnnx("Identity").In(loss).Out(0).Done();
  } else if (reduction == "sum") {
    n.EmitOnnx("ReduceSum").In(loss).Int("keepdims", 0).Out(0).Done();
  } else if (weights == nullptr) {
    n.EmitOnnx("ReduceMean").In(loss).Int("keepdims", 0).Out(0).Done();
  } else {
    n.EmitOnnx("Div").In(SumOfAll(n, loss)).In(SumOfAll(n, weights)).Out(0).Done();
  }
}

void ImportNegativeLogLikelihood(const NodeContext& n) {
  EmitLoss(n, n.in(0), n.in(1), n.Has(2) ? n.in(2) : nullptr);
}

void ImportSoftmaxCrossEntropy(const NodeContext& n) {
  Emission emission = n.EmitOnnx("LogSoftmax");
  emission.In(n.in(0)).Int("axis", 1);
  if (n.HasOutput(1)) {
    emission.Out(1);
  } else {
    emission.Temp();
  }
  EmitLoss(n, emission.Done(), n.in(1), n.Has(2) ? n.in(2) : nullptr);
}

constexpr ImporterRow kRows[] = {
    {"NegativeLogLikelihoodLoss", 12, ImportNegativeLogLikelihood},
    {"SoftmaxCrossEntropyLoss", 12, ImportSoftmaxCrossEntropy},
};

}  // namespace

std::span<const ImporterRow> LossImporters() { return kRows; }

}  // namespace doppio::converter
