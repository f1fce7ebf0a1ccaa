// Operators of transformers, signals and regions against worked examples.
#include <cmath>
#include <limits>

#include "tests/runtime/operators/node_case.h"

namespace doppio::tests {
namespace {

const double kNever = -std::numeric_limits<double>::infinity();

// One head of two queries and two keys of size 1: scores are products, scale 1.
NodeCase OneHead() {
  NodeCase node("ai.onnx", "Attention");
  node.In(F({1, 1, 2, 1}, {0, 0})).In(F({1, 1, 2, 1}, {5, 7})).In(F({1, 1, 2, 1}, {10, 20}));
  return node;
}

TEST_CASE("attention averages values where nothing tells keys apart; masks and windows leave out") {
  OneHead().Gives(F({1, 1, 2, 1}, {15, 15}));
  OneHead().Int("is_causal", 1).Gives(F({1, 1, 2, 1}, {10, 15}));
  OneHead().In(B({2, 2}, {0, 1, 1, 0})).Gives(F({1, 1, 2, 1}, {20, 10}));
  OneHead().In(F({1, 2}, {kNever, 0})).Gives(F({1, 1, 2, 1}, {20, 20}));
  OneHead().Int("left_window_size", 0).Gives(F({1, 1, 2, 1}, {15, 20}));
  // A row that may see nothing gives zeros, not NaN.
  OneHead().In(B({2, 2}, {0, 0, 1, 1})).Gives(F({1, 1, 2, 1}, {0, 15}));
  // A narrow mask hides the keys behind it.
  OneHead().In(B({2, 1}, {1, 1})).Gives(F({1, 1, 2, 1}, {10, 10}));
}

TEST_CASE("attention joins a cache, shares heads, and shows its scores") {
  NodeCase cached("ai.onnx", "Attention");
  cached.In(F({1, 1, 1, 1}, {0})).In(F({1, 1, 1, 1}, {3})).In(F({1, 1, 1, 1}, {30}));
  cached.Missing().In(F({1, 1, 2, 1}, {1, 2})).In(F({1, 1, 2, 1}, {0, 60})).Outputs(3);
  cached.Gives(F({1, 1, 1, 1}, {30}));
  cached.Gives(F({1, 1, 3, 1}, {1, 2, 3}), 1);
  cached.Gives(F({1, 1, 3, 1}, {0, 60, 30}), 2);
  // Two query heads, one head of keys; packed in three dimensions.
  NodeCase grouped("ai.onnx", "Attention");
  grouped.In(F({1, 1, 2}, {2, 3})).In(F({1, 1, 1}, {4})).In(F({1, 1, 1}, {9})).Outputs(4);
  grouped.Int("q_num_heads", 2).Int("kv_num_heads", 1).Float("scale", 1);
  grouped.Gives(F({1, 1, 2}, {9, 9}));
  grouped.Gives(F({1, 2, 1, 1}, {8, 12}), 3);
}

TEST_CASE("attention refuses what does not fit") {
  NodeCase heads("ai.onnx", "Attention");
  heads.In(F({1, 3, 1, 1}, {1, 2, 3})).In(F({1, 2, 1, 1}, {1, 2})).In(F({1, 2, 1, 1}, {1, 2}));
  CHECK(heads.Shapes() ==
        "Attention 'n': 3 heads of queries are no multiple of the 2 heads of keys");
  NodeCase packed("ai.onnx", "Attention");
  packed.In(F({1, 1, 2}, {1, 2})).In(F({1, 1, 2}, {1, 2})).In(F({1, 1, 2}, {1, 2}));
  CHECK(packed.Shapes() ==
        "Attention 'n': input 'x0' float32[1, 1, 2] has 3 dimensions: q_num_heads and "
        "kv_num_heads must be given");
}

TEST_CASE("linear attention keeps a state") {
  NodeCase node("ai.onnx", "LinearAttention");
  node.In(F({1, 2, 1}, {1, 1})).In(F({1, 2, 1}, {1, 2})).In(F({1, 2, 1}, {3, 5}));
  node.Int("q_num_heads", 1).Int("kv_num_heads", 1).Str("update_rule", "linear").Outputs(2);
  node.Gives(F({1, 2, 1}, {3, 13}));
  node.Gives(F({1, 1, 1, 1}, {13}), 1);
  NodeCase gated("ai.onnx", "LinearAttention");
  gated.In(F({1, 1, 1}, {1})).In(F({1, 1, 1}, {1})).In(F({1, 1, 1}, {1}));
  gated.Int("q_num_heads", 1).Int("kv_num_heads", 1).Str("update_rule", "gated");
  CHECK(gated.Shapes() == "LinearAttention 'n': its update_rule needs input decay");
}

TEST_CASE("the Fourier transform, both ways, of any length") {
  const Tensor impulse = F({1, 6, 1}, {1, 0, 0, 0, 0, 0});
  const std::vector<double> ones = {1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0};
  NodeCase("ai.onnx", "DFT").In(impulse).Gives(F({1, 6, 2}, ones));
  NodeCase("ai.onnx", "DFT")
      .In(F({1, 6, 2}, ones))
      .Int("inverse", 1)
      .Gives(F({1, 6, 2}, {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
  // Against the definition, for lengths with several prime factors.
  for (const int64_t n : {1, 5, 12, 30, 49}) {
    std::vector<double> x, y;
    for (int64_t i = 0; i < n; ++i) x.push_back(static_cast<double>(i * i % 7) - 2);
    for (int64_t k = 0; k < n / 2 + 1; ++k) {
      double re = 0, im = 0;
      for (int64_t i = 0; i < n; ++i) {
        const double angle = 2 * M_PI * static_cast<double>(k * i) / static_cast<double>(n);
        re += x[static_cast<size_t>(i)] * std::cos(angle);
        im -= x[static_cast<size_t>(i)] * std::sin(angle);
      }
      y.push_back(std::fabs(re) < 1e-9 ? 0 : re);
      y.push_back(std::fabs(im) < 1e-9 ? 0 : im);
    }
    NodeCase forward("ai.onnx", "DFT");
    forward.In(Typed(ElementType::kDouble, {1, n, 1}, x)).Int("onesided", 1);
    forward.Gives(Typed(ElementType::kDouble, {1, n / 2 + 1, 2}, y));
    if (n % 2 == 1 && n > 1) continue;  // an odd length must be stated on the way back
    NodeCase back("ai.onnx", "DFT");
    back.In(Typed(ElementType::kDouble, {1, n / 2 + 1, 2}, y)).In(I({}, {double(n)}));
    back.Int("onesided", 1).Int("inverse", 1);
    back.Gives(Typed(ElementType::kDouble, {1, n, 1}, x));
  }
  CHECK(NodeCase("ai.onnx", "DFT").In(impulse).In(I({}, {0})).Shapes() ==
        "DFT 'n': input 'x1' int64[]: a length of 0");
}

TEST_CASE("frames, windows") {
  NodeCase("ai.onnx", "STFT")
      .In(F({1, 4, 1}, {1, 2, 3, 4}))
      .In(I({}, {2}))
      .In(F({2}, {1, 2}))
      .Gives(F({1, 2, 2, 2}, {5, 0, -3, 0, 11, 0, -5, 0}));
  NodeCase("ai.onnx", "HannWindow").In(I({}, {4})).Gives(F({4}, {0, 0.5, 1, 0.5}));
  NodeCase("ai.onnx", "HannWindow").In(I({}, {3})).Int("periodic", 0).Gives(F({3}, {0, 1, 0}));
  NodeCase("ai.onnx", "HannWindow").In(I({}, {1})).Int("periodic", 0).Gives(F({1}, {1}));
}

TEST_CASE("maps are read between their pixels") {
  const Tensor map = F({1, 1, 2, 2}, {1, 2, 3, 4});
  // The centre; a corner pixel; half outside.
  NodeCase("ai.onnx", "GridSample")
      .In(map)
      .In(F({1, 1, 3, 2}, {0, 0, -0.5, -0.5, -1, -0.5}))
      .Gives(F({1, 1, 1, 3}, {2.5, 1, 0.5}));
  NodeCase("ai.onnx", "GridSample")
      .In(map)
      .In(F({1, 1, 2, 2}, {-5, -5, 5, 5}))
      .Str("padding_mode", "border")
      .Gives(F({1, 1, 1, 2}, {1, 4}));
  NodeCase("ai.onnx", "GridSample")
      .In(map)
      .In(F({1, 1, 1, 2}, {std::nan(""), 0}))
      .Gives(F({1, 1, 1, 1}, {0}));
  NodeCase("ai.onnx", "AffineGrid")
      .In(F({1, 2, 3}, {1, 0, 0, 0, 2, 0}))
      .In(I({1, 1, 2, 2}))
      .Gives(F({1, 2, 2, 2}, {-0.5, -1, 0.5, -1, -0.5, 1, 0.5, 1}));
  NodeCase("ai.onnx", "RoiAlign")
      .In(map)
      .In(F({1, 4}, {0, 0, 2, 2}))
      .In(I({0}))
      .Int("sampling_ratio", 2)
      .Gives(F({1, 1, 1, 1}, {2.5}));
  CHECK(
      Text(
          NodeCase("ai.onnx", "RoiAlign").In(map).In(F({1, 4}, {0, 0, 2, 2})).In(I({3})).Evaluate())
          .find("3") != std::string::npos);
  // Without offsets a deformable convolution is a convolution.
  NodeCase("ai.onnx", "DeformConv")
      .In(map)
      .In(F({1, 1, 2, 2}, {1, 10, 100, 1000}))
      .In(F({1, 8, 1, 1}, std::vector<double>(8, 0)))
      .In(F({1}, {0.5}))
      .Gives(F({1, 1, 1, 1}, {4321.5}));
}

TEST_CASE("blocks go back, the middle is cut out, pools are undone") {
  NodeCase("ai.onnx", "Col2Im")
      .In(F({1, 2, 2}, {1, 2, 3, 4}))
      .In(I({1, 3}))
      .In(I({1, 2}))
      .Gives(F({1, 1, 1, 3}, {1, 5, 4}));
  NodeCase("ai.onnx", "CenterCropPad")
      .In(F({1, 3}, {1, 2, 3}))
      .In(I({2, 2}))
      .Gives(F({2, 2}, {1, 2, 0, 0}));
  NodeCase("ai.onnx", "MaxUnpool")
      .In(F({1, 1, 1, 1}, {7}))
      .In(I({1, 1, 1, 1}, {2}))
      .Ints("kernel_shape", {2, 2})
      .Ints("strides", {2, 2})
      .Gives(F({1, 1, 2, 2}, {0, 0, 7, 0}));
  CHECK_FALSE(NodeCase("ai.onnx", "MaxUnpool")
                  .In(F({1, 1, 1, 1}, {7}))
                  .In(I({1, 1, 1, 1}, {4}))
                  .Ints("kernel_shape", {2, 2})
                  .Ints("strides", {2, 2})
                  .Evaluate()
                  .ok());
}

TEST_CASE("Caffe2's blocks side by side, in both orders, and back") {
  const Tensor map = F({1, 1, 2, 3}, {1, 2, 3, 4, 5, 6});
  const Tensor columns = F({1, 2, 2, 2}, {1, 2, 4, 5, 2, 3, 5, 6});
  NodeCase("", "Im2Col").In(map).Int("kernel_h", 1).Int("kernel_w", 2).Gives(columns);
  NodeCase("", "Im2Col")
      .In(F({1, 2, 3, 1}, map.values))
      .Int("kernel_h", 1)
      .Int("kernel_w", 2)
      .Str("order", "NHWC")
      .Gives(F({1, 2, 2, 2}, {1, 2, 2, 3, 4, 5, 5, 6}));
  NodeCase("", "Col2Im")
      .In(columns)
      .In(map)
      .Int("kernel_h", 1)
      .Int("kernel_w", 2)
      .Gives(F({1, 1, 2, 3}, {1, 4, 3, 4, 10, 6}));
  CHECK(NodeCase("", "Im2Col")
            .Declared(ElementType::kFloat, {"N", "3", "4", "?"})
            .Int("kernel", 3)
            .Int("pad", 1)
            .Shapes() == "float32[N, 27, 4, ?]");
  CHECK_FALSE(NodeCase("", "Col2Im").In(columns).In(map).Int("kernel", 2).Evaluate().ok());
  CHECK_FALSE(NodeCase("", "Im2Col").In(F({2}, {1, 2})).Int("kernel", 2).Evaluate().ok());
}

TEST_CASE("running products") {
  const Tensor x = F({3}, {1, 2, 3});
  NodeCase("ai.onnx", "CumProd").In(x).In(I({}, {0})).Gives(F({3}, {1, 2, 6}));
  NodeCase("ai.onnx", "CumProd")
      .In(x)
      .In(I({}, {0}))
      .Int("exclusive", 1)
      .Int("reverse", 1)
      .Gives(F({3}, {6, 3, 1}));
}

}  // namespace
}  // namespace doppio::tests
