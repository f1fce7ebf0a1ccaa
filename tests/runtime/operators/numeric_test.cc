#include <cmath>

#include "tests/runtime/operators/node_case.h"

namespace doppio::tests {
namespace {

const Tensor k2x3 = F({2, 3}, {1, 2, 3, 4, 5, 6});

struct ReduceCase {
  const char* type;
  double first;  // over axis 1 of k2x3, row 0
};

TEST_CASE("reductions reduce") {
  const ReduceCase cases[] = {{"ReduceSum", 6},
                              {"ReduceMean", 2},
                              {"ReduceMax", 3},
                              {"ReduceMin", 1},
                              {"ReduceProd", 6},
                              {"ReduceL1", 6},
                              {"ReduceL2", std::sqrt(14)},
                              {"ReduceSumSquare", 14},
                              {"ReduceLogSum", std::log(6)},
                              {"ReduceLogSumExp", 3 + std::log(1 + std::exp(-1) + std::exp(-2))}};
  for (const ReduceCase& row : cases) {
    NodeCase node("ai.onnx", row.type);
    node.Int("keepdims", 0).In(F({1, 3}, {1, 2, 3})).In(I({-1}));
    node.Gives(F({1}, {row.first}));
  }
  NodeCase("", "ReduceSum").Ints("axes", {0}).In(k2x3).Gives(F({1, 3}, {5, 7, 9}));
  NodeCase("", "ReduceMean").Int("keepdims", 0).In(k2x3).Gives(F({}, {3.5}));
  NodeCase("", "ReduceFrontSum").In(k2x3).Gives(F({3}, {5, 7, 9}));
  NodeCase("", "ReduceBackMax").In(k2x3).Gives(F({2}, {3, 6}));
  NodeCase("", "SumElements").Int("average", 1).In(k2x3).Gives(F({}, {3.5}));
  NodeCase("ai.onnx", "ReduceSum").Int("noop_with_empty_axes", 1).In(k2x3).Gives(k2x3);
  CHECK(NodeCase("", "ReduceSum").Ints("axes", {2}).In(k2x3).Shapes() ==
        "ReduceSum 'n': axis 2 does not exist in 2 dimensions");
}

TEST_CASE("Softmax of Caffe2 flattens, that of ONNX does not") {
  const Tensor x = F({1, 2, 2}, {0, 0, 0, 0});
  NodeCase("", "Softmax").In(x).Gives(F({1, 2, 2}, {0.25, 0.25, 0.25, 0.25}));
  NodeCase("ai.onnx", "Softmax").Int("axis", 1).In(x).Gives(F({1, 2, 2}, {0.5, 0.5, 0.5, 0.5}));
  NodeCase("ai.onnx", "LogSoftmax")
      .In(F({1, 2}, {0, 0}))
      .Gives(F({1, 2}, {std::log(0.5), std::log(0.5)}));
  NodeCase("ai.onnx", "Hardmax").In(F({1, 3}, {1, 3, 3})).Gives(F({1, 3}, {0, 1, 0}));
}

TEST_CASE("ArgMax and ArgMin say where") {
  NodeCase("", "ArgMax").In(k2x3).Gives(I({2, 1}, {2, 2}));
  NodeCase("ai.onnx", "ArgMin").Int("axis", 0).Int("keepdims", 0).In(k2x3).Gives(I({0, 0, 0}));
  NodeCase("ai.onnx", "ArgMax")
      .Int("axis", 1)
      .Int("select_last_index", 1)
      .In(F({1, 3}, {5, 5, 1}))
      .Gives(I({1, 1}, {1}));
}

TEST_CASE("batch normalisation works at inference only") {
  const Tensor x = F({1, 2, 1, 2}, {1, 2, 3, 4});
  const Tensor scale = F({2}, {2, 1}), shift = F({2}, {1, 0}), mean = F({2}, {1, 3}),
               var = F({2}, {4, 1});
  NodeCase bn("", "SpatialBN");
  bn.Int("is_test", 1).Float("epsilon", 0).In(x).In(scale).In(shift).In(mean).In(var);
  bn.Gives(F({1, 2, 1, 2}, {1, 2, 0, 1}));
  NodeCase training("", "SpatialBN");
  training.In(x).In(scale).In(shift).In(mean).In(var);
  CHECK(training.Shapes() == "SpatialBN 'n': it has 1 outputs; with is_test 0 it must have 5");
  NodeCase wrong("ai.onnx", "BatchNormalization");
  wrong.In(x).In(F({3}, {1, 1, 1})).In(shift).In(mean).In(var);
  CHECK(wrong.Shapes() ==
        "BatchNormalization 'n': input 'x1' float32[3] must hold one value for each of the 2 "
        "channels of "
        "input 'x0' float32[1, 2, 1, 2]");
  NodeCase("", "AffineChannel")
      .Str("order", "NHWC")
      .In(F({1, 1, 1, 2}, {1, 2}))
      .In(scale)
      .In(shift)
      .Gives(F({1, 1, 1, 2}, {3, 2}));
}

TEST_CASE("layer, instance, group and RMS normalisation") {
  NodeCase layer("", "LayerNorm");
  layer.Float("epsilon", 0).In(F({1, 2}, {1, 3})).Outputs(3);
  layer.Gives(F({1, 2}, {-1, 1}));
  layer.Gives(F({1, 1}, {2}), 1);
  layer.Gives(F({1, 1}, {1}), 2);
  NodeCase("ai.onnx", "LayerNormalization")
      .Float("epsilon", 0)
      .In(F({1, 2}, {1, 3}))
      .In(F({2}, {2, 3}))
      .In(F({2}, {1, 1}))
      .Gives(F({1, 2}, {-1, 4}));
  NodeCase("ai.onnx", "RMSNormalization")
      .Float("epsilon", 0)
      .In(F({1, 2}, {1, 7}))
      .In(F({2}, {1, 5}))
      .Gives(F({1, 2}, {0.2, 7}));
  const Tensor x = F({1, 2, 2}, {1, 3, 10, 30}), one = F({2}, {1, 1}), zero = F({2}, {0, 5});
  NodeCase("ai.onnx", "InstanceNormalization")
      .Float("epsilon", 0)
      .In(x)
      .In(one)
      .In(zero)
      .Gives(F({1, 2, 2}, {-1, 1, 4, 6}));
  NodeCase("ai.onnx", "GroupNormalization")
      .Int("num_groups", 2)
      .Float("epsilon", 0)
      .In(x)
      .In(one)
      .In(zero)
      .Gives(F({1, 2, 2}, {-1, 1, 4, 6}));
  NodeCase("", "GroupNorm")
      .Int("group", 2)
      .Float("epsilon", 0)
      .Str("order", "NHWC")
      .In(F({1, 2, 2}, {1, 10, 3, 30}))
      .In(one)
      .In(zero)
      .Gives(F({1, 2, 2}, {-1, 4, 1, 6}));
  NodeCase("", "Normalize").In(F({1, 2}, {3, 4})).Gives(F({1, 2}, {0.6, 0.8}));
  NodeCase("ai.onnx", "LpNormalization")
      .Int("p", 1)
      .In(F({2, 2}, {1, 3, 0, 0}))
      .Gives(F({2, 2}, {0.25, 0.75, 0, 0}));
  NodeCase("ai.onnx", "MeanVarianceNormalization")
      .Ints("axes", {0})
      .In(F({2}, {1, 3}))
      .Gives(F({2}, {-1, 1}));
  NodeCase lrn("", "LRN");
  lrn.Int("size", 1).Float("alpha", 1).Float("beta", 1).In(F({1, 1, 1, 1}, {2})).Outputs(2);
  lrn.Gives(F({1, 1, 1, 1}, {0.4}));
  lrn.Gives(F({1, 1, 1, 1}, {5}), 1);
}

TEST_CASE("resizing in both dialects") {
  const Tensor x = F({1, 1, 1, 2}, {1, 2});
  NodeCase("", "ResizeNearest").Float("width_scale", 2).In(x).Gives(F({1, 1, 1, 4}, {1, 1, 2, 2}));
  NodeCase("", "UpsampleBilinear")
      .Float("width_scale", 2)
      .In(x)
      .Gives(F({1, 1, 1, 4}, {1, 4.0 / 3, 5.0 / 3, 2}));
  NodeCase("ai.onnx", "Resize")
      .Str("mode", "linear")
      .In(x)
      .Missing()
      .In(F({4}, {1, 1, 1, 2}))
      .Gives(F({1, 1, 1, 4}, {1, 1.25, 1.75, 2}));
  NodeCase("ai.onnx", "Resize")
      .Ints("axes", {3})
      .In(x)
      .Missing()
      .Missing()
      .In(I({4}))
      .Gives(F({1, 1, 1, 4}, {1, 1, 2, 2}));
  NodeCase symbolic("ai.onnx", "Resize");
  symbolic.Declared(ElementType::kFloat, {"N", "3", "H", "W"}).Missing().In(F({4}, {1, 1, 2, 0.5}));
  CHECK(symbolic.Shapes() == "float32[N, 3, 2*H, floor((W)/(2))]");
}

TEST_CASE("gathering, and what is out of range") {
  NodeCase("", "Gather").In(k2x3).In(I({1, 0})).Gives(F({2, 3}, {4, 5, 6, 1, 2, 3}));
  NodeCase("", "BatchGather").In(k2x3).In(I({2})).Gives(F({2, 1}, {3, 6}));
  NodeCase("ai.onnx", "Gather").Int("axis", 1).In(k2x3).In(I({}, {-1})).Gives(F({2}, {3, 6}));
  NodeCase("ai.onnx", "GatherElements")
      .Int("axis", 1)
      .In(k2x3)
      .In(I({2, 1}, {2, 0}))
      .Gives(F({2, 1}, {3, 4}));
  NodeCase("ai.onnx", "GatherND").In(k2x3).In(I({2, 2}, {0, 1, 1, 2})).Gives(F({2}, {2, 6}));
  NodeCase("ai.onnx", "NonZero").In(F({2, 2}, {1, 0, 0, 5})).Gives(I({2, 2}, {0, 1, 0, 1}));
  const Status status =
      NodeCase("ai.onnx", "Gather").In(F({5}, {1, 2, 3, 4, 5})).In(I({1, 2, 7})).Evaluate();
  CHECK(Text(status) == "Gather 'n': index 7 at position 2 is outside [-5, 5)");
  CHECK(status.code() == StatusCode::kComputeError);
}

TEST_CASE("running sums, one-hot rows and triangles") {
  const Tensor x = F({5}, {1, 2, 3, 4, 5});
  const auto sum = [&x](int64_t reverse, int64_t exclusive) {
    NodeCase node("ai.onnx", "CumSum");
    node.Int("reverse", reverse).Int("exclusive", exclusive).In(x).In(I({}, {-1}));
    return node;
  };
  sum(0, 0).Gives(F({5}, {1, 3, 6, 10, 15}));
  sum(1, 0).Gives(F({5}, {15, 14, 12, 9, 5}));
  sum(0, 1).Gives(F({5}, {0, 1, 3, 6, 10}));
  sum(1, 1).Gives(F({5}, {14, 12, 9, 5, 0}));
  NodeCase("", "OneHot")
      .In(I({2, 0, 5}))
      .In(I({}, {3}))
      .Gives(F({3, 3}, {0, 0, 1, 1, 0, 0, 0, 0, 0}));
  NodeCase("ai.onnx", "OneHot")
      .Int("axis", 0)
      .In(I({-1, 0}))
      .In(I({}, {2}))
      .In(F({2}, {5, 7}))
      .Gives(F({2, 2}, {5, 7, 7, 5}));
  NodeCase("ai.onnx", "Trilu").In(k2x3).Gives(F({2, 3}, {1, 2, 3, 0, 5, 6}));
  NodeCase("ai.onnx", "Trilu")
      .Int("upper", 0)
      .In(k2x3)
      .In(I({}, {-1}))
      .Gives(F({2, 3}, {0, 0, 0, 4, 0, 0}));
}

TEST_CASE("scattering") {
  NodeCase("ai.onnx", "ScatterElements")
      .In(F({3}, {0, 0, 0}))
      .In(I({2, 0}))
      .In(F({2}, {1, 2}))
      .Gives(F({3}, {2, 0, 1}));
  NodeCase("ai.onnx", "ScatterElements")
      .Str("reduction", "add")
      .In(F({2}, {1, 1}))
      .In(I({1, 1}))
      .In(F({2}, {1, 2}))
      .Gives(F({2}, {1, 4}));
  NodeCase("ai.onnx", "ScatterND")
      .In(F({2, 2}, {1, 2, 3, 4}))
      .In(I({1, 1}, {1}))
      .In(F({1, 2}, {8, 9}))
      .Gives(F({2, 2}, {1, 2, 8, 9}));
}

TEST_CASE("evaluation reports division by zero, limits and unknown operators") {
  CHECK(Text(NodeCase("ai.onnx", "Div").In(I({1})).In(I({0})).Evaluate()) ==
        "Div 'n': integer division by zero at position 0");
  operators::EvaluateLimits limits;
  limits.max_bytes = 100;
  CHECK(Text(NodeCase("ai.onnx", "ConstantOfShape").In(I({1000})).Evaluate(limits)) ==
        "ConstantOfShape 'n': its results are too large to be computed in advance");
  limits = {};
  limits.max_work = 10;
  CHECK(Text(NodeCase("", "Relu").In(F({4, 3}, std::vector<double>(12, 1.0))).Evaluate(limits)) ==
        "Relu 'n': it takes too long to be computed in advance");
  CHECK(Text(NodeCase("", "NoSuch").Evaluate()) == "NoSuch 'n': it cannot be computed in advance");
}

TEST_CASE("einsum sums products along names") {
  const Tensor square = F({2, 2}, {1, 2, 3, 4});
  NodeCase("ai.onnx", "Einsum")
      .Str("equation", "ij,kj->ik")
      .In(k2x3)
      .In(F({1, 3}, {1, 0, 2}))
      .Gives(F({2, 1}, {7, 16}));
  NodeCase("ai.onnx", "Einsum").Str("equation", "ij->ji").In(square).Gives(F({2, 2}, {1, 3, 2, 4}));
  NodeCase("ai.onnx", "Einsum").Str("equation", "ii->i").In(square).Gives(F({2}, {1, 4}));
  NodeCase("ai.onnx", "Einsum").Str("equation", "ii").In(square).Gives(F({}, {5}));
  NodeCase("ai.onnx", "Einsum")
      .Str("equation", "i,j")
      .In(F({2}, {1, 2}))
      .In(F({2}, {3, 5}))
      .Gives(F({2, 2}, {3, 5, 6, 10}));
  NodeCase("ai.onnx", "Einsum")
      .Str("equation", "ab,bc,c->a")
      .In(square)
      .In(square)
      .In(F({2}, {1, 1}))
      .Gives(F({2}, {17, 37}));
  // The ellipsis broadcasts, and what only one operand has and nobody wants is summed.
  NodeCase("ai.onnx", "Einsum")
      .Str("equation", "...ij,...j->...i")
      .In(F({2, 1, 2}, {1, 2, 3, 4}))
      .In(F({1, 2}, {1, 10}))
      .Gives(F({2, 1}, {21, 43}));
  NodeCase("ai.onnx", "Einsum")
      .Str("equation", "ij,kl->k")
      .In(square)
      .In(square)
      .Gives(F({2}, {30, 70}));
  CHECK(NodeCase("ai.onnx", "Einsum").Str("equation", "ij,jk->ik").In(k2x3).In(square).Shapes() ==
        "Einsum 'n': input 'x1' float32[2, 2]: dimension 0 has size 2, another of the same name 3");
  CHECK(NodeCase("ai.onnx", "Einsum").Str("equation", "ij->ik").In(square).Shapes() ==
        "Einsum 'n': the output of 'ij->ik' names a dimension twice, or one of no term");
}

TEST_CASE("TopK gives the greatest or least values and their positions") {
  NodeCase greatest("ai.onnx", "TopK");
  greatest.In(F({2, 4}, {1, 7, 7, -2, 5, 0, 9, 5})).In(I({2})).Outputs(2);
  greatest.Gives(F({2, 2}, {7, 7, 9, 5}));
  greatest.Gives(I({2, 2}, {1, 2, 2, 0}), 1);
  NodeCase least("ai.onnx", "TopK");
  least.In(I({3, 2}, {3, 1, 1, 2, 2, 2})).In(I({1})).Int("axis", 0).Int("largest", 0).Outputs(2);
  least.Gives(I({1, 2}, {1, 1}));
  least.Gives(I({1, 2}, {1, 0}), 1);
  // Of NaNs: above every number.
  NodeCase nan("ai.onnx", "TopK");
  nan.In(F({3}, {1, std::nan(""), 3})).In(I({2})).Outputs(2);
  REQUIRE(nan.Evaluate().ok());
  CHECK(ValueAt(nan.result(1), 0) == 1);
  CHECK(ValueAt(nan.result(1), 1) == 2);
  NodeCase("ai.onnx", "TopK").In(F({2, 0}, {})).In(I({0})).Gives(F({2, 0}, {}));
  CHECK(NodeCase("ai.onnx", "TopK").In(F({3}, {1, 2, 3})).In(I({4})).Shapes() ==
        "TopK 'n': k is 4, axis 0 has 3 values");
  CHECK(NodeCase("ai.onnx", "TopK").In(F({3}, {1, 2, 3})).In(I({-1})).Shapes() ==
        "TopK 'n': k is -1, axis 0 has 3 values");
}

}  // namespace
}  // namespace doppio::tests
