// Batch, layer, instance, group and local response normalisation; dropout and identity.
#include "base/message.h"
#include "converter/importers/passthrough.h"

namespace doppio::converter {
namespace {

// Dropout and BatchNormalization as a training run has them: the pair computes inference.
void WarnTraining(const NodeContext& n) {
  n.Warn(
      "the model was exported in training mode; converted for inference (call net.eval() before "
      "exporting)");
}

bool TrainingBatchNorm(const NodeContext& n) {
  if (n.opset() >= 14) return n.Int("training_mode", 0) != 0;
  if (n.opset() < 7) return n.Int("is_test", 0) == 0 && n.HasAttr("is_test");
  for (int i = 1; i < n.node().output_size(); ++i) {
    if (n.HasOutput(i)) return true;  // running statistics were outputs
  }
  return false;
}

void ImportBatchNormalization(const NodeContext& n) {
  if (TrainingBatchNorm(n)) WarnTraining(n);
  if (n.opset() < 9 && n.Int("spatial", 1) == 0)
    n.Unsupported("spatial = 0 (statistics for every position)");
  const float epsilon = n.Float("epsilon", 1e-5f);
  const bool caffe2 = n.rank_of(0) >= 3 && n.type_of(0) == ElementType::kFloat &&
                      n.type_of(1) == ElementType::kFloat;
  Emission norm = caffe2 ? n.Emit("SpatialBN") : n.EmitOnnx("BatchNormalization");
  for (int i = 0; i < 5; ++i) norm.In(n.in(i));
  norm.Float("epsilon", epsilon);
  if (caffe2) norm.Int("is_test", 1);
  norm.Out(0).Done();
  // The other outputs are the statistics as they came in.
  for (int i = 1; i < n.node().output_size(); ++i) n.Bind(i, n.in(i % 2 == 1 ? 3 : 4));
}

void ImportDropout(const NodeContext& n) {
  bool training = n.opset() < 7 && n.HasAttr("is_test") && n.Int("is_test", 0) == 0;
  if (n.opset() >= 12 && n.Has(2)) {
    const std::optional<std::vector<int64_t>> mode = n.KnownInts(2);
    training = mode && !mode->empty() && (*mode)[0] != 0;
  }
  if (training) WarnTraining(n);
  if (n.HasOutput(1)) {  // somebody may read the mask: all true
    n.EmitOnnx("Dropout").In(n.in(0)).Out(0).Out(1).Done();
    return;
  }
  n.Emit("Dropout").In(n.in(0)).Int("is_test", 1).Out(0).Done();
}

void ImportIdentity(const NodeContext& n) { n.Emit("Copy").In(n.in(0)).Out(0).Done(); }

void ImportLrn(const NodeContext& n) {
  const int64_t size = n.Int("size", 0);
  if (size % 2 == 0 || n.rank_of(0) != 4 || n.type_of(0) != ElementType::kFloat)
    return PassThrough(n);
  n.Emit("LRN")
      .In(n.in(0))
      .Int("size", size)
      .Float("alpha", n.Float("alpha", 1e-4f))
      .Float("beta", n.Float("beta", 0.75f))
      .Float("bias", n.Float("bias", 1.0f))
      .Out(0)
      .Done();
}

void ImportInstanceNormalization(const NodeContext& n) {
  if (n.rank_of(0) != 4 || n.type_of(0) != ElementType::kFloat)
    return PassThrough(n, {"consumed_inputs"});
  n.Emit("InstanceNorm")
      .In(n.in(0))
      .In(n.in(1))
      .In(n.in(2))
      .Float("epsilon", n.Float("epsilon", 1e-5f))
      .Out(0)
      .Done();
}

// Opset 18 had one scale and shift a group; 21 has one a channel.
void ImportGroupNormalization(const NodeContext& n) {
  if (n.opset() < 21) n.Unsupported("GroupNormalization of opset 18 (scale and bias a group)");
  PassThrough(n);
}

constexpr ImporterRow kRows[] = {
    {"BatchNormalization", 1, ImportBatchNormalization},
    {"Dropout", 1, ImportDropout},
    {"Identity", 1, ImportIdentity},
    {"LRN", 1, ImportLrn},
    {"InstanceNormalization", 1, ImportInstanceNormalization},
    {"LayerNormalization", 17, ImportAsIs},
    {"RMSNormalization", 23, ImportAsIs},
    {"GroupNormalization", 18, ImportGroupNormalization},
    {"LpNormalization", 1, ImportAsIs},
    {"MeanVarianceNormalization", 9, ImportAsIs},
};

}  // namespace

std::span<const ImporterRow> NormalizationImporters() { return kRows; }

}  // namespace doppio::converter
