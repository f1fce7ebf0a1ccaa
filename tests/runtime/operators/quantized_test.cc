// Caffe2's operators on quantised tensors: integers worked by hand, and what they refuse.
#include "tests/runtime/operators/node_case.h"

namespace doppio::tests {
namespace {

Tensor Q(const Dims& dims, std::vector<double> values) {
  return {ElementType::kUint8, dims, std::move(values)};
}
Tensor Sums(std::vector<double> values) {
  return {ElementType::kInt32, Dims({static_cast<int64_t>(values.size())}), values};
}

NodeCase Int8(std::string_view type, float scale = 1, int64_t zero_point = 0) {
  NodeCase node("", type);
  node.Float("Y_scale", scale).Int("Y_zero_point", zero_point);
  return node;
}

TEST_CASE("quantised tensors are made and read") {
  Int8("Int8Quantize", 0.5f, 10)
      .In(F({5}, {0, 0.25, 0.75, -100, 1000}))
      .Gives(Q({5}, {10, 10, 12, 0, 255}));  // halves go to the even integer
  NodeCase("", "Int8Dequantize")
      .In(Q({3}, {10, 12, 0}))
      .Quantized(0.5f, 10)
      .Gives(F({3}, {0, 1, -5}));
  CHECK(NodeCase("", "Int8Dequantize").In(Q({1}, {1})).Shapes() ==
        "Int8Dequantize 'n': input 'x0' uint8[1] must be a quantised tensor of uint8, made by an "
        "Int8 operator");
  CHECK_FALSE(Int8("Int8Quantize", 0).In(F({1}, {1})).Evaluate().ok());
  CHECK_FALSE(Int8("Int8Quantize", 1, 256).In(F({1}, {1})).Evaluate().ok());
}

TEST_CASE("quantised products add up exactly, and are rounded once") {
  const auto conv = [](std::string_view type, float scale) {
    NodeCase node = Int8(type, scale, 100);
    node.Str("order", "NHWC").Int("kernel", 1);
    node.In(Q({1, 1, 2, 1}, {12, 7})).Quantized(0.5f, 10);
    node.In(Q({1, 1, 1, 1}, {23})).Quantized(0.5f, 20);
    node.In(Sums({4})).Quantized(0.25f, 0);
    return node;
  };
  // (2 3 + 4) / 4 and (-3 3 + 4) / 4: 2.5 and -1.25.
  conv("Int8Conv", 1).Gives(Q({1, 1, 2, 1}, {103, 99}));
  conv("Int8ConvRelu", 1).Gives(Q({1, 1, 2, 1}, {103, 100}));
  CHECK_FALSE(conv("Int8Conv", 0.25f).Evaluate().ok());  // its ratio of scales is not below 1
  Int8("Int8FC", 1, 100)
      .In(Q({1, 2}, {12, 7}))
      .Quantized(0.5f, 10)
      .In(Q({2, 2}, {21, 22, 20, 30}))
      .Quantized(0.5f, 20)
      .In(Sums({0, 8}))
      .Quantized(0.25f, 0)
      .Gives(Q({1, 2}, {99, 94}));  // (2 - 6) / 4, (8 - 30) / 4 = -5.5
  NodeCase planar = Int8("Int8Conv", 1);
  planar.Int("kernel", 1).In(Q({1, 1, 1, 1}, {1})).Quantized(0.5f, 0);
  planar.In(Q({1, 1, 1, 1}, {1})).Quantized(0.5f, 0).In(Sums({0})).Quantized(0.25f, 0);
  CHECK_FALSE(planar.Evaluate().ok());
}

TEST_CASE("quantised pools, sums and functions") {
  const Tensor map = Q({1, 2, 2, 1}, {10, 20, 30, 41});
  const auto pool = [&](std::string_view type, int64_t zero_point) {
    NodeCase node = Int8(type, 1, zero_point);
    node.Int("kernel", 2).Str("order", "NHWC").In(map).Quantized(1, 20);
    return node;
  };
  pool("Int8MaxPool", 20).Gives(Q({1, 1, 1, 1}, {41}));
  pool("Int8AveragePool", 50).Gives(Q({1, 1, 1, 1}, {55}));  // 5.25
  CHECK_FALSE(pool("Int8MaxPool", 21).Evaluate().ok());
  Int8("Int8AddRelu", 1, 100)
      .In(Q({2}, {3, 0}))
      .Quantized(1, 2)
      .In(Q({2}, {8, 0}))
      .Quantized(0.5f, 4)
      .Gives(Q({2}, {103, 100}));
  Int8("Int8Relu", 1, 3).In(Q({3}, {0, 3, 9})).Quantized(1, 3).Gives(Q({3}, {3, 3, 9}));
  Int8("Int8LeakyRelu", 1, 100)
      .In(Q({2}, {10, 110}))
      .Quantized(1, 100)
      .Float("alpha", 0.5f)
      .Gives(Q({2}, {55, 110}));
  Int8("Int8Sigmoid", 1.0f / 256)
      .In(Q({2}, {128, 255}))
      .Quantized(0.25f, 128)
      .Gives(Q({2}, {128, 255}));
  CHECK_FALSE(Int8("Int8Sigmoid", 0.5f).In(Q({1}, {128})).Quantized(0.25f, 128).Evaluate().ok());
}

TEST_CASE("integers that only move keep their scale") {
  Int8("Int8Concat", 1, 7)
      .In(Q({1, 1}, {1}))
      .Quantized(1, 7)
      .In(Q({2, 1}, {2, 3}))
      .Quantized(1, 7)
      .Gives(Q({3, 1}, {1, 2, 3}));  // axis 0, unless the order or the axis is given
  CHECK(Int8("Int8Flatten", 1, 8).In(Q({1, 1}, {1})).Quantized(1, 7).Shapes() ==
        "Int8Flatten 'n': scale 1 and zero point 8 must be those of input 'x0' uint8[1, 1], 1 and "
        "7");
  Int8("Int8ResizeNearest", 1, 7)
      .In(Q({1, 1, 2, 1}, {1, 2}))
      .Quantized(1, 7)
      .Float("width_scale", 2)
      .Gives(Q({1, 1, 4, 1}, {1, 1, 2, 2}));
}

}  // namespace
}  // namespace doppio::tests
