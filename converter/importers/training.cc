// Steps of optimizers, domain ai.onnx.preview.training: Adagrad, Adam, Momentum, written out.
#include "base/message.h"
#include "converter/importers/compose.h"
#include "converter/importers/passthrough.h"

namespace doppio::converter {
namespace {

constexpr const char* kDomain = "ai.onnx.preview.training";

// Arithmetic of one node's tensors; numbers are of the type of the tensor beside them.
struct Formula {
  const NodeContext& n;

  Value* Number(Value* like, double value) const { return n.Scalar(n.facts(like).type, value); }
  Value* Times(Value* x, double factor) const { return Binary(n, "Mul", x, Number(x, factor)); }
  Value* Plus(Value* x, double value) const { return Binary(n, "Add", x, Number(x, value)); }
  Value* Mul(Value* a, Value* b) const { return Binary(n, "Mul", a, b); }
  Value* Add(Value* a, Value* b) const { return Binary(n, "Add", a, b); }
  Value* Sub(Value* a, Value* b) const { return Binary(n, "Sub", a, b); }
  Value* Div(Value* a, Value* b) const { return Binary(n, "Div", a, b); }
};

// Behind the rate (input 0) and the count of steps (input 1) stand `kinds` lists of tensors; how
// many tensors each has.
int TensorCount(const NodeContext& n, int kinds) {
  const int given = n.input_count() - 2;
  if (given < kinds || given % kinds != 0) {
    n.Unsupported(base::Cat(n.input_count(), " inputs, wants 2 and a multiple of ", kinds));
  }
  return given / kinds;
}

// The gradient of tensor `i`, with the weight's own pull.
Value* Gradient(const NodeContext& n, int i, int count) {
  const Formula f{n};
  const float norm = n.Float("norm_coefficient", 0);
  Value* const gradient = n.in(2 + count + i);
  if (norm == 0) return gradient;
  return f.Add(f.Times(n.in(2 + i), static_cast<double>(norm)), gradient);
}

// What the rate becomes at step 0 and after it.
Value* ByStep(const NodeContext& n, Value* first, Value* later) {
  Value* const zero = n.Scalar(ElementType::kInt64, 0);
  return Select(n, Binary(n, "Greater", n.in(1), zero), later, first);
}

// Duchi et al., "Adaptive Subgradient Methods" (2011).
void ImportAdagrad(const NodeContext& n) {
  const Formula f{n};
  const int count = TensorCount(n, 3);
  Value* const step = CastTo(n, n.in(1), n.type_of(0));
  const auto decay = static_cast<double>(n.Float("decay_factor", 0));
  Value* const rate = f.Div(n.in(0), f.Plus(f.Times(step, decay), 1));
  for (int i = 0; i < count; ++i) {
    Value* const gradient = Gradient(n, i, count);
    Value* const squares = f.Add(n.in(2 + 2 * count + i), f.Mul(gradient, gradient));
    Value* const root =
        f.Plus(Unary(n, "Sqrt", squares), static_cast<double>(n.Float("epsilon", 1e-6f)));
    Give(n, i, f.Sub(n.in(2 + i), f.Div(f.Mul(rate, gradient), root)));
    Give(n, count + i, squares);
  }
}

// Kingma, Ba, "Adam: A Method for Stochastic Optimization" (2014), algorithm 1.
void ImportAdam(const NodeContext& n) {
  const Formula f{n};
  const int count = TensorCount(n, 4);
  const auto alpha = static_cast<double>(n.Float("alpha", 0.9f));
  const auto beta = static_cast<double>(n.Float("beta", 0.999f));
  Value* const step = CastTo(n, n.in(1), n.type_of(0));
  // 1 - b^step.
  const auto left = [&](double b) {
    Value* const power = Binary(n, "Pow", f.Number(step, b), step);
    return f.Plus(f.Times(power, -1), 1);
  };
  Value* const corrected = f.Div(f.Mul(n.in(0), Unary(n, "Sqrt", left(beta))), left(alpha));
  Value* const rate = ByStep(n, n.in(0), corrected);
  const double kept = 1 - static_cast<double>(n.Float("norm_coefficient_post", 0));
  for (int i = 0; i < count; ++i) {
    Value* const gradient = Gradient(n, i, count);
    Value* const mean =
        f.Add(f.Times(n.in(2 + 2 * count + i), alpha), f.Times(gradient, 1 - alpha));
    Value* const squares =
        f.Add(f.Times(n.in(2 + 3 * count + i), beta), f.Times(f.Mul(gradient, gradient), 1 - beta));
    Value* const root =
        f.Plus(Unary(n, "Sqrt", squares), static_cast<double>(n.Float("epsilon", 1e-6f)));
    Value* const moved = f.Sub(n.in(2 + i), f.Div(f.Mul(rate, mean), root));
    Give(n, i, kept == 1 ? moved : f.Times(moved, kept));
    Give(n, count + i, mean);
    Give(n, 2 * count + i, squares);
  }
}

// Sutskever et al., "On the importance of initialization and momentum" (2013).
void ImportMomentum(const NodeContext& n) {
  const Formula f{n};
  const int count = TensorCount(n, 3);
  const std::string mode = n.Text("mode", "");
  if (mode != "standard" && mode != "nesterov") {
    n.Unsupported(base::Cat("mode ", base::Quoted(mode), " is unknown"));
  }
  const auto alpha = static_cast<double>(n.Float("alpha", 0));
  for (int i = 0; i < count; ++i) {
    Value* const gradient = Gradient(n, i, count);
    Value* const share = ByStep(n, f.Number(gradient, 1),
                                f.Number(gradient, static_cast<double>(n.Float("beta", 0))));
    Value* const speed = f.Add(f.Times(n.in(2 + 2 * count + i), alpha), f.Mul(share, gradient));
    Value* const pull = mode == "standard" ? speed : f.Add(gradient, f.Times(speed, alpha));
    Give(n, i, f.Sub(n.in(2 + i), f.Mul(n.in(0), pull)));
    Give(n, count + i, speed);
  }
}

constexpr ImporterRow kRows[] = {
    {"Adagrad", 1, ImportAdagrad, kDomain},
    {"Adam", 1, ImportAdam, kDomain},
    {"Momentum", 1, ImportMomentum, kDomain},
};

}  // namespace

std::span<const ImporterRow> TrainingImporters() { return kRows; }

}  // namespace doppio::converter
