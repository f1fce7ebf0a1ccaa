// Functions of one value. Caffe2's kernels take float32; other types stay ONNX's.
#include <cmath>
#include <limits>

#include "base/message.h"
#include "converter/importers/passthrough.h"

namespace doppio::converter {
namespace {

bool IsFloat(const NodeContext& n) { return n.type_of(0) == ElementType::kFloat; }

// The same name and meaning in Caffe2, without attributes (consumed_inputs of opset 1 meant
// nothing).
void ImportSame(const NodeContext& n) {
  if (!IsFloat(n)) return PassThrough(n, {"consumed_inputs"});
  n.Emit(n.type()).In(n.in(0)).Out(0).Done();
}

void ImportNeg(const NodeContext& n) {
  const ElementType type = n.type_of(0);
  const bool caffe2 = type == ElementType::kFloat || type == ElementType::kDouble ||
                      type == ElementType::kInt32 || type == ElementType::kInt64;
  if (!caffe2) return PassThrough(n, {"consumed_inputs"});
  n.Emit("Negative").In(n.in(0)).Out(0).Done();
}

void ImportLeakyRelu(const NodeContext& n) {
  if (!IsFloat(n)) return PassThrough(n, {"consumed_inputs"});
  n.Emit("LeakyRelu").In(n.in(0)).Float("alpha", n.Float("alpha", 0.01f)).Out(0).Done();
}

void ImportElu(const NodeContext& n) {
  if (!IsFloat(n)) return PassThrough(n, {"consumed_inputs"});
  n.Emit("Elu").In(n.in(0)).Float("alpha", n.Float("alpha", 1.0f)).Out(0).Done();
}

void ImportSelu(const NodeContext& n) {
  // Opset 1 had rounder defaults. Caffe2 refuses a scale of 1 or less.
  const float alpha = n.Float("alpha", n.opset() < 6 ? 1.6732f : 1.67326319217681884765625f);
  const float gamma = n.Float("gamma", n.opset() < 6 ? 1.0507f : 1.05070102214813232421875f);
  if (!IsFloat(n) || gamma <= 1) {
    n.EmitOnnx("Selu").In(n.in(0)).Float("alpha", alpha).Float("gamma", gamma).Out(0).Done();
    return;
  }
  n.Emit("Selu").In(n.in(0)).Float("alpha", alpha).Float("scale", gamma).Out(0).Done();
}

void ImportHardSigmoid(const NodeContext& n) {
  if (!IsFloat(n)) return PassThrough(n, {"consumed_inputs"});
  n.Emit("HardSigmoid")
      .In(n.in(0))
      .Float("alpha", n.Float("alpha", 0.2f))
      .Float("beta", n.Float("beta", 0.5f))
      .Out(0)
      .Done();
}

void ImportThresholdedRelu(const NodeContext& n) {
  if (!IsFloat(n)) return PassThrough(n);
  n.Emit("ThresholdedRelu").In(n.in(0)).Float("alpha", n.Float("alpha", 1.0f)).Out(0).Done();
}

void EmitClip(const NodeContext& n, std::optional<float> low, std::optional<float> high) {
  Emission clip = n.Emit("Clip");
  clip.In(n.in(0));
  if (low) clip.Float("min", *low);
  if (high) clip.Float("max", *high);
  clip.Out(0).Done();
}

void ImportClip(const NodeContext& n) {
  std::optional<float> low, high;
  if (n.opset() < 11) {  // bounds were attributes
    if (n.HasAttr("min")) low = n.Float("min", 0);
    if (n.HasAttr("max")) high = n.Float("max", 0);
    if (IsFloat(n)) return EmitClip(n, low, high);
    Emission clip = n.EmitOnnx("Clip");
    clip.In(n.in(0));
    clip.In(low ? n.Scalar(n.type_of(0), static_cast<double>(*low)) : nullptr);
    clip.In(high ? n.Scalar(n.type_of(0), static_cast<double>(*high)) : nullptr);
    clip.Out(0).Done();
    return;
  }
  const auto bound = [&](int i, std::optional<float>* value) {
    if (!n.Has(i)) return true;
    const std::optional<std::vector<float>> known = n.KnownFloats(i);
    if (!known || known->size() != 1) return false;
    *value = (*known)[0];
    return true;
  };
  if (!IsFloat(n) || !bound(1, &low) || !bound(2, &high)) return PassThrough(n);
  EmitClip(n, low, high);
}

void ImportGelu(const NodeContext& n) {
  const std::string approximate = n.Text("approximate", "none");
  if (!IsFloat(n)) return PassThrough(n);
  Emission gelu = n.Emit("Gelu");
  gelu.In(n.in(0));
  if (approximate == "tanh") gelu.Int("fast_gelu", 1);
  gelu.Out(0).Done();
}

void ImportSwish(const NodeContext& n) {
  if (!IsFloat(n) || n.Float("alpha", 1) != 1) return PassThrough(n);
  n.Emit("Swish").In(n.in(0)).Out(0).Done();
}

void ImportPRelu(const NodeContext& n) {
  const ValueFacts &x = n.facts(n.in(0)), &slope = n.facts(n.in(1));
  const auto count =
      slope.has_shape && slope.shape.AllKnown() ? ElementCount(slope.shape.Numbers()) : -1;
  const bool per_channel = slope.has_shape && x.has_shape && x.shape.rank >= 2 &&
                           slope.shape.rank == 1 && slope.shape[0] == x.shape[1];
  // Up to opset 6 one dimension meant channels; since then slopes broadcast from the right.
  if (IsFloat(n) && (count == 1 || (per_channel && n.opset() < 7))) {
    n.Emit("PRelu").In(n.in(0)).In(n.in(1)).Out(0).Done();
    return;
  }
  // [C, 1, ..., 1] is what exporters write for one slope a channel.
  bool channels = IsFloat(n) && slope.has_shape && x.has_shape && n.in(1)->is_constant &&
                  slope.shape.rank == x.shape.rank - 1 && x.shape.rank >= 2 &&
                  slope.shape[0] == x.shape[1];
  for (int i = 1; channels && i < slope.shape.rank; ++i) channels = slope.shape[i].Is(1);
  if (channels && n.opset() >= 7) {
    const int64_t all[] = {-1};
    Value* flat = n.EmitOnnx("Reshape").In(n.in(1)).In(n.IntsConstant(all)).Temp().Done();
    n.Emit("PRelu").In(n.in(0)).In(flat).Out(0).Done();
    return;
  }
  if (n.opset() < 7) n.Unsupported("slopes of this shape");
  PassThrough(n);
}

constexpr ImporterRow kRows[] = {
    {"Relu", 1, ImportSame},
    {"Sigmoid", 1, ImportSame},
    {"Tanh", 1, ImportSame},
    {"Exp", 1, ImportSame},
    {"Log", 1, ImportSame},
    {"Sqrt", 1, ImportSame},
    {"Abs", 1, ImportSame},
    {"Floor", 1, ImportSame},
    {"Ceil", 1, ImportSame},
    {"Softsign", 1, ImportSame},
    {"Softplus", 1, ImportAsIs},
    {"Sin", 7, ImportSame},
    {"Cos", 7, ImportSame},
    {"Tan", 7, ImportSame},
    {"Asin", 7, ImportSame},
    {"Acos", 7, ImportSame},
    {"Atan", 7, ImportSame},
    {"Sinh", 9, ImportSame},
    {"Cosh", 9, ImportSame},
    {"Asinh", 9, ImportAsIs},
    {"Acosh", 9, ImportAsIs},
    {"Atanh", 9, ImportAsIs},
    {"Erf", 9, ImportSame},
    {"Sign", 9, ImportSame},
    {"Round", 11, ImportAsIs},
    {"Reciprocal", 1, ImportSame},
    {"Neg", 1, ImportNeg},
    {"LeakyRelu", 1, ImportLeakyRelu},
    {"Elu", 1, ImportElu},
    {"Selu", 1, ImportSelu},
    {"Celu", 12, ImportAsIs},
    {"Clip", 1, ImportClip},
    {"HardSigmoid", 1, ImportHardSigmoid},
    {"HardSwish", 14, ImportAsIs},
    {"Mish", 18, ImportAsIs},
    {"Gelu", 20, ImportGelu},
    {"Swish", 24, ImportSwish},
    {"Shrink", 9, ImportAsIs},
    {"ThresholdedRelu", 1, ImportThresholdedRelu},
    {"PRelu", 1, ImportPRelu},
    {"IsNaN", 9, ImportAsIs},
    {"IsInf", 10, ImportAsIs},
    {"Not", 1, ImportAsIs},
    {"BitwiseNot", 18, ImportAsIs},
};

}  // namespace

std::span<const ImporterRow> ActivationImporters() { return kRows; }

}  // namespace doppio::converter
