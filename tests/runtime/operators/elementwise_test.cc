#include <cmath>
#include <limits>

#include "runtime/operators/activation.h"
#include "tests/runtime/operators/node_case.h"

namespace doppio::tests {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

struct UnaryCase {
  const char* domain;
  const char* type;
  double x, y;
};

TEST_CASE("unary functions compute what their names say") {
  const UnaryCase cases[] = {
      {"", "Relu", -2, 0},
      {"", "ReluN", 9, 6},
      {"", "LeakyRelu", -2, -0.02},
      {"", "Elu", -1, std::expm1(-1)},
      {"", "Selu", -1, 1.0507010 * 1.6732632 * std::expm1(-1)},
      {"", "Sigmoid", 1, 1 / (1 + std::exp(-1))},
      {"", "HardSigmoid", 1, 0.7},
      {"", "Swish", 1, 1 / (1 + std::exp(-1))},
      {"", "Gelu", 1, 0.841344746},
      {"", "Softplus", 1, std::log1p(std::exp(1))},
      {"", "Softsign", -3, -0.75},
      {"", "ThresholdedRelu", 0.5, 0},
      {"", "Sqr", -3, 9},
      {"", "Cube", -2, -8},
      {"", "Cbrt", 27, 3},
      {"", "Rsqrt", 4, 0.5},
      {"", "Negative", 4, -4},
      {"", "Reciprocal", 4, 0.25},
      {"", "Floor", -1.5, -2},
      {"", "Ceil", -1.5, -1},
      {"ai.onnx", "Celu", -1, std::expm1(-1)},
      {"ai.onnx", "HardSwish", 1, 4.0 / 6},
      {"ai.onnx", "Mish", 1, std::tanh(std::log1p(std::exp(1)))},
      {"ai.onnx", "Round", 2.5, 2},
      {"ai.onnx", "Shrink", 2, 2},
      {"ai.onnx", "Erf", 0.5, std::erf(0.5)},
      {"ai.onnx", "Asinh", 0.5, std::asinh(0.5)},
      {"ai.onnx", "Sign", -0.5, -1},
      {"ai.onnx", "Neg", -0.5, 0.5},
  };
  for (const UnaryCase& row : cases) {
    NodeCase(row.domain, row.type).In(F({1}, {row.x})).Gives(F({1}, {row.y}));
  }
}

TEST_CASE("unary functions read their arguments") {
  NodeCase("", "LeakyRelu").Float("alpha", 0.5f).In(F({1}, {-2})).Gives(F({1}, {-1}));
  NodeCase("", "Clip")
      .Float("min", -1)
      .Float("max", 2)
      .In(F({3}, {-3, 1, 5}))
      .Gives(F({3}, {-1, 1, 2}));
  NodeCase("", "Pow").Float("exponent", 3).In(F({2}, {2, -2})).Gives(F({2}, {8, -8}));
  NodeCase("", "Scale").Float("scale", 3).In(F({2}, {2, -2})).Gives(F({2}, {6, -6}));
  NodeCase("ai.onnx", "Gelu").Str("approximate", "tanh").In(F({1}, {1})).Gives(F({1}, {0.841192}));
  NodeCase("ai.onnx", "Shrink")
      .Float("lambd", 1)
      .Float("bias", 0.5f)
      .In(F({3}, {-2, 0.5, 2}))
      .Gives(F({3}, {-1.5, 0, 1.5}));
  NodeCase("ai.onnx", "IsInf")
      .Int("detect_negative", 0)
      .In(F({3}, {-kInf, 0, kInf}))
      .Gives(B({3}, {0, 0, 1}));
}

TEST_CASE("unary functions keep integers and refuse what they cannot take") {
  NodeCase("ai.onnx", "Abs").In(I({-3, 4})).Gives(I({3, 4}));
  NodeCase("ai.onnx", "Neg").In(I({-3, 4})).Gives(I({3, -4}));
  NodeCase("ai.onnx", "Not").In(B({2}, {0, 1})).Gives(B({2}, {1, 0}));
  CHECK(NodeCase("", "Exp").In(I({1})).Shapes() ==
        "Exp 'n': input 'x0' int64[1] is of a type that Exp does not take");
  CHECK(NodeCase("", "LeakyRelu").Int("alpha", 1).In(F({1}, {1})).Shapes() ==
        "LeakyRelu 'n': argument 'alpha' does not hold a float");
  CHECK(NodeCase("ai.onnx", "Gelu").Str("approximate", "fast").In(F({1}, {1})).Shapes() ==
        "Gelu 'n': argument 'approximate' is 'fast'");
}

TEST_CASE("Clip of ONNX takes bounds as inputs, also large integers") {
  NodeCase("ai.onnx", "Clip")
      .In(F({3}, {-3, 1, 5}))
      .In(F({}, {-1}))
      .In(F({}, {2}))
      .Gives(F({3}, {-1, 1, 2}));
  NodeCase("ai.onnx", "Clip")
      .In(F({3}, {-3, 1, 5}))
      .Missing()
      .In(F({}, {2}))
      .Gives(F({3}, {-3, 1, 2}));
  NodeCase("ai.onnx", "Clip").In(I({5, 9})).In(I({}, {6})).Gives(I({6, 9}));
  NodeCase clip("ai.onnx", "Clip");
  clip.Declared(ElementType::kFloat, {"N"}).Declared(ElementType::kFloat, {}).Outputs(1);
  operators::Activation activation;
  CHECK_FALSE(operators::IsActivation(*clip.node(), &activation));
}

TEST_CASE("IsActivation names the function and its parameters") {
  NodeCase node("", "ReluN");
  node.Float("n", 4).In(F({1}, {0})).Outputs(1);
  operators::Activation activation;
  REQUIRE(operators::IsActivation(*node.node(), &activation));
  CHECK(activation.op == kernels::UnaryOp::kClip);
  CHECK(activation.alpha == 0);
  CHECK(activation.beta == 4);
  NodeCase add("", "Add");
  CHECK_FALSE(operators::IsActivation(*add.node(), &activation));
}

TEST_CASE("binary functions broadcast by NumPy's rule") {
  NodeCase("", "Add")
      .In(F({2, 1}, {1, 2}))
      .In(F({3}, {10, 20, 30}))
      .Gives(F({2, 3}, {11, 21, 31, 12, 22, 32}));
  NodeCase("ai.onnx", "Sub").In(F({2}, {1, 2})).In(F({}, {1})).Gives(F({2}, {0, 1}));
  NodeCase("ai.onnx", "Div").In(I({-7, 7})).In(I({2, -2})).Gives(I({-3, -3}));
  NodeCase("ai.onnx", "Mod").In(I({-7, 7})).In(I({3, -3})).Gives(I({2, -2}));
  NodeCase("ai.onnx", "Mod")
      .Int("fmod", 1)
      .In(F({2}, {-7, 7}))
      .In(F({2}, {3, -3}))
      .Gives(F({2}, {-1, 1}));
  NodeCase("ai.onnx", "Pow").In(F({2}, {2, 3})).In(I({3, 2})).Gives(F({2}, {8, 9}));
  NodeCase("", "LE").In(F({3}, {1, 2, 3})).In(F({}, {2})).Gives(B({3}, {1, 1, 0}));
  NodeCase("ai.onnx", "Equal").In(B({2}, {1, 0})).In(B({2}, {1, 1})).Gives(B({2}, {1, 0}));
  NodeCase("ai.onnx", "PRelu")
      .In(F({2, 2}, {-1, 2, -3, 4}))
      .In(F({2}, {0.5, 2}))
      .Gives(F({2, 2}, {-0.5, 2, -1.5, 4}));
  NodeCase("ai.onnx", "BitShift")
      .Str("direction", "LEFT")
      .In(Typed(ElementType::kUint8, {2}, {1, 3}))
      .In(Typed(ElementType::kUint8, {2}, {2, 1}))
      .Gives(Typed(ElementType::kUint8, {2}, {4, 6}));
}

TEST_CASE("binary shapes stay symbolic, and errors name both sides") {
  CHECK(NodeCase("", "Add")
            .Declared(ElementType::kFloat, {"N", "3", "1"})
            .Declared(ElementType::kFloat, {"1", "W"})
            .Shapes() == "float32[N, 3, W]");
  CHECK(NodeCase("", "Add").In(F({2}, {1, 2})).In(F({3}, {1, 2, 3})).Shapes() ==
        "Add 'n': shapes [2] and [3] do not broadcast: 2 against 3");
  CHECK(NodeCase("", "Add").In(F({1}, {1})).In(I({1})).Shapes() ==
        "Add 'n': input 'x0' float32[1] and input 'x1' int64[1] differ in type");
}

TEST_CASE("Caffe2's older broadcasting aligns at an axis") {
  const Tensor x = F({1, 2, 2}, {1, 2, 3, 4});
  NodeCase("", "Add")
      .Int("broadcast", 1)
      .Int("axis", 1)
      .In(x)
      .In(F({2}, {10, 20}))
      .Gives(F({1, 2, 2}, {11, 12, 23, 24}));
  NodeCase("", "Mul")
      .Int("broadcast", 1)
      .In(x)
      .In(F({2}, {10, 20}))
      .Gives(F({1, 2, 2}, {10, 40, 30, 80}));
  NodeCase("", "Mul")
      .Int("broadcast", 1)
      .Str("axis_str", "C")
      .In(x)
      .In(F({2}, {10, 20}))
      .Gives(F({1, 2, 2}, {10, 20, 60, 80}));
  NodeCase("", "Sub")
      .Int("broadcast", 1)
      .In(x)
      .In(F({1, 1, 1, 1}, {1}))
      .Gives(F({1, 2, 2}, {0, 1, 2, 3}));
  CHECK(NodeCase("", "Add").Int("broadcast", 1).In(x).In(F({3}, {1, 2, 3})).Shapes() ==
        "Add 'n': input 'x1' float32[3] does not match input 'x0' float32[1, 2, 2] from axis 2: 3 "
        "against 2");
  CHECK(NodeCase("", "Add").Int("axis", 1).In(x).In(x).Shapes() ==
        "Add 'n': argument axis has a meaning only with broadcast=1");
}

TEST_CASE("PRelu of Caffe2 has one slope, or one a channel") {
  const Tensor x = F({1, 2, 2}, {-1, 2, -3, 4});
  NodeCase("", "PRelu").In(x).In(F({2}, {0.5, 2})).Gives(F({1, 2, 2}, {-0.5, 2, -6, 4}));
  NodeCase("", "PRelu")
      .Str("order", "NHWC")
      .In(x)
      .In(F({2}, {0.5, 2}))
      .Gives(F({1, 2, 2}, {-0.5, 2, -1.5, 4}));
  NodeCase("", "PRelu").In(x).In(F({1}, {3})).Gives(F({1, 2, 2}, {-3, 2, -9, 4}));
}

TEST_CASE("sums, means and extremes take any number of tensors") {
  const Tensor a = F({2}, {1, 2}), b = F({2}, {3, 1}), c = F({2}, {5, 0});
  NodeCase("", "Sum").In(a).In(b).In(c).Gives(F({2}, {9, 3}));
  NodeCase("", "Max").In(a).In(b).In(c).Gives(F({2}, {5, 2}));
  NodeCase("", "Mean").In(a).In(b).In(c).Gives(F({2}, {3, 1}));
  NodeCase("", "Min").In(a).Gives(a);
  NodeCase("ai.onnx", "Sum")
      .In(F({2, 1}, {1, 2}))
      .In(b)
      .In(F({}, {1}))
      .Gives(F({2, 2}, {5, 3, 6, 4}));
  CHECK(NodeCase("", "Sum").In(a).In(F({}, {1})).Shapes() ==
        "Sum 'n': input 'x0' float32[2] and input 'x1' float32[] differ in shape");
}

TEST_CASE("Where chooses, also by rows") {
  NodeCase("ai.onnx", "Where")
      .In(B({2, 1}, {1, 0}))
      .In(F({2}, {1, 2}))
      .In(F({}, {9}))
      .Gives(F({2, 2}, {1, 2, 9, 9}));
  NodeCase("", "Where")
      .Int("broadcast_on_rows", 1)
      .In(B({2}, {0, 1}))
      .In(F({2, 2}, {1, 2, 3, 4}))
      .In(F({2, 2}, {5, 6, 7, 8}))
      .Gives(F({2, 2}, {5, 6, 3, 4}));
  NodeCase("", "Conditional")
      .In(B({2}, {0, 1}))
      .In(F({2}, {1, 2}))
      .In(F({2}, {5, 6}))
      .Gives(F({2}, {5, 2}));
}

}  // namespace
}  // namespace doppio::tests
