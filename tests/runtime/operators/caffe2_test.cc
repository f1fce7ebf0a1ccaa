// Operators that Caffe2 alone has: answers by hand, and what they refuse. tests/caffe2 holds the
// original's own answers.
#include <cmath>

#include "tests/runtime/operators/node_case.h"

namespace doppio::tests {
namespace {

Tensor I32(const Dims& dims, std::vector<double> values) {
  return {ElementType::kInt32, dims, std::move(values)};
}
Tensor U8(const Dims& dims, std::vector<double> values) {
  return {ElementType::kUint8, dims, std::move(values)};
}

TEST_CASE("losses of certain and of even answers, labels out of range") {
  const Tensor even = F({2, 2}, {0.5, 0.5, 0.5, 0.5});
  NodeCase("", "LabelCrossEntropy")
      .In(even)
      .In(I32({2}, {0, 1}))
      .Gives(F({2}, {0.693147, 0.693147}));
  NodeCase("", "CrossEntropy").In(even).In(F({2, 2}, {1, 0, 0, 0})).Gives(F({2}, {0.693147, 0}));
  NodeCase loss("", "SoftmaxWithLoss");
  loss.In(F({2, 2}, {0, 0, 100, 0})).In(I32({2}, {1, 0})).In(F({2}, {1, 3})).Outputs(2);
  loss.Gives(F({2, 2}, {0.5, 0.5, 1, 0}));
  loss.Gives(F({}, {0.693147 / 4}), 1);
  NodeCase("", "Accuracy").In(even).In(I32({2}, {0, 1})).Gives(F({}, {0.5}));
  NodeCase("", "Perplexity").In(F({2}, {0.25, 1})).Gives(F({}, {2}));
  for (const char* type : {"LabelCrossEntropy", "Accuracy"}) {
    CHECK_FALSE(NodeCase("", type).In(even).In(I32({2}, {0, 2})).Evaluate().ok());
    CHECK_FALSE(NodeCase("", type).In(even).In(I32({2}, {0, -1})).Evaluate().ok());
    CHECK_FALSE(NodeCase("", type).In(even).In(I32({1}, {0})).Evaluate().ok());
  }
  CHECK_FALSE(NodeCase("", "CrossEntropy").In(even).In(F({2}, {1, 0})).Evaluate().ok());
}

TEST_CASE("checks stop at what is not finite or false") {
  NodeCase("", "NanCheck").In(F({2}, {1, 2})).Gives(F({2}, {1, 2}));
  const Status status = NodeCase("", "NanCheck").In(F({2}, {1, INFINITY})).Evaluate();
  CHECK(Text(status) == "NanCheck 'n': element 1 of blob 'x0' is inf");
  NodeCase("", "Summarize").In(F({4}, {1, 2, 3, 4})).Gives(F({4}, {1, 4, 2.5, 1.2909945}));
  NodeCase("", "HasElements").In(F({0, 3}, {})).Gives(B({}, {0}));
}

TEST_CASE("categories, buckets, hashes and what lies outside them") {
  NodeCase("", "BatchBucketize")
      .In(F({2, 2}, {1, 5, 2, 6}))
      .In(I32({1}, {0}))
      .In(F({2}, {1, 2}))
      .In(I32({1}, {2}))
      .Gives(I32({2, 1}, {0, 1}));  // a value on a boundary is below it
  const auto segments = [](double id) {
    NodeCase node("", "SegmentOneHot");
    return node.In(I32({1}, {1})).In(I({1}, {id})).In(I({1}, {2})).Evaluate().ok();
  };
  CHECK(segments(1));
  CHECK_FALSE(segments(2));
  CHECK_FALSE(segments(-1));
  NodeCase("", "IndexHash").In(I32({3}, {1, 2, 3})).Int("modulo", 7).Gives(I32({3}, {0, 0, 0}));
  CHECK_FALSE(NodeCase("", "IndexHash").In(I32({1}, {1})).Int("modulo", 0).Evaluate().ok());
  NodeCase mod("", "Mod");
  mod.In(I({2}, {-7, 7})).Int("divisor", 4).Int("sign_follow_divisor", 1).Gives(I({2}, {1, 3}));
  CHECK_FALSE(NodeCase("", "Mod").In(I({1}, {1})).Int("divisor", 0).Evaluate().ok());
  NodeCase top("", "FlexibleTopK");
  top.In(F({2, 2}, {1, 2, 3, 3})).In(I({2}, {1, 2})).Outputs(2);
  top.Gives(F({3}, {2, 3, 3}));
  top.Gives(I({3}, {1, 0, 1}), 1);
  CHECK_FALSE(NodeCase("", "FlexibleTopK")
                  .In(F({1, 2}, {1, 2}))
                  .In(I({1}, {3}))
                  .Outputs(2)
                  .Evaluate()
                  .ok());
}

TEST_CASE("paths through scores") {
  // Symbols 1 1 blank 1: merged, but not over the blank.
  const Tensor scores = F({4, 1, 2}, {0.1, 0.9, 0.1, 0.9, 0.9, 0.1, 0.1, 0.9});
  NodeCase greedy("", "CTCGreedyDecoder");
  greedy.In(scores).Outputs(2);
  greedy.Gives(I32({1}, {2}));
  greedy.Gives(I32({2}, {1, 1}), 1);
  NodeCase beam("", "CTCBeamSearchDecoder");
  beam.In(scores).In(I32({1}, {2})).Outputs(2);
  beam.Gives(I32({1}, {1}));
  beam.Gives(I32({1}, {1}), 1);
  CHECK_FALSE(
      NodeCase("", "CTCGreedyDecoder").In(scores).In(I32({1}, {5})).Outputs(2).Evaluate().ok());
  NodeCase("", "ViterbiPath")
      .In(F({2, 2}, {1, 0, 0, 1}))
      .In(F({2, 2}, {5, 0, 0, 0}))
      .Gives(I32({2}, {0, 0}));  // staying in state 0 is worth more than state 1
  CHECK_FALSE(NodeCase("", "SwapBestPath").In(F({1, 2}, {1, 2})).In(I32({1}, {2})).Evaluate().ok());
}

TEST_CASE("rows of bytes, and rows that do not hold their scale") {
  NodeCase quantized("", "FloatToRowwiseQuantized8Bits");
  quantized.In(F({2, 2}, {0, 255, 7, 7})).Outputs(2);
  quantized.Gives(U8({2, 2}, {0, 255, 0, 0}));
  quantized.Gives(F({2, 2}, {1, 0, 0, 7}), 1);
  CHECK_FALSE(NodeCase("", "Fused8BitRowwiseQuantizedToFloat")
                  .In(U8({1, 7}, {0, 0, 0, 0, 0, 0, 0}))
                  .Evaluate()
                  .ok());
  CHECK_FALSE(NodeCase("", "QuantDecode").In(F({1}, {1})).In(U8({1}, {1})).Evaluate().ok());
}

TEST_CASE("a convolution with weights of its own at every position") {
  NodeCase("", "LC")
      .In(F({1, 1, 1, 2}, {2, 3}))
      .In(F({1, 2, 1, 1, 1, 1}, {10, 100}))
      .In(F({1, 2, 1}, {1, 2}))
      .Int("kernel", 1)
      .Gives(F({1, 1, 1, 2}, {21, 302}));
  CHECK_FALSE(NodeCase("", "LC")
                  .In(F({1, 1, 1, 2}, {2, 3}))
                  .In(F({1, 1, 1, 1, 1, 1}, {10}))
                  .Int("kernel", 1)
                  .Evaluate()
                  .ok());
}

TEST_CASE("regions: turned by a right angle, of images that are not there") {
  const auto rotated = [](double image) {
    NodeCase node("", "RoIAlignRotated");
    node.In(F({1, 1, 2, 2}, {1, 2, 3, 4})).In(F({1, 6}, {image, 0.5, 0.5, 1, 1, 90}));
    return node;
  };
  rotated(0).Gives(F({1, 1, 1, 1}, {2.5}));
  CHECK_FALSE(rotated(1).Evaluate().ok());
  CHECK_FALSE(rotated(NAN).Evaluate().ok());
  CHECK_FALSE(
      NodeCase("", "BatchPermutation").In(F({1, 1}, {1})).In(I32({1}, {1})).Evaluate().ok());
}

TEST_CASE("reductions up to a length; draws without repetition") {
  NodeCase("", "ReduceBackMean")
      .In(F({2, 2}, {1, 3, 5, 7}))
      .In(I32({2}, {1, 2}))
      .Gives(F({2}, {1, 6}));
  NodeCase("", "ReduceBackMax").In(F({1, 2}, {1, 3})).In(I32({1}, {1})).Gives(F({1}, {1}));
  NodeCase unique("", "UniqueUniformFill");
  unique.Ints("shape", {3}).Int("min", 0).Int("max", 3).In(F({3}, {0, 0, 0}));
  CHECK_FALSE(unique.Evaluate().ok());  // a shape twice
  NodeCase few("", "UniqueUniformFill");
  CHECK_FALSE(few.Ints("shape", {3}).Int("min", 0).Int("max", 1).Evaluate().ok());
  CHECK_FALSE(NodeCase("", "UniformFill").Ints("shape", {2}).Float("min", 1).Evaluate().ok());
}

TEST_CASE("batch normalisation and dropout in their training forms") {
  NodeCase norm("", "SpatialBN");
  norm.In(F({2, 1, 1}, {1, 3})).In(F({1}, {2})).In(F({1}, {10})).In(F({1}, {0})).In(F({1}, {0}));
  norm.Float("momentum", 0.5f).Float("epsilon", 0).Outputs(5);
  norm.Gives(F({2, 1, 1}, {8, 12}));
  norm.Gives(F({1}, {1}), 1);    // half of the mean
  norm.Gives(F({1}, {0.5}), 2);  // half of the variance
  norm.Gives(F({1}, {2}), 3);
  norm.Gives(F({1}, {1}), 4);
  NodeCase dropout("", "Dropout");
  dropout.In(F({100}, std::vector<double>(100, 1))).Float("ratio", 0.5f).Outputs(2);
  REQUIRE(dropout.Evaluate().ok());
  int kept = 0;
  for (int64_t i = 0; i < 100; ++i) {
    const bool stays = dropout.result(1).as<bool>()[i];
    CHECK(dropout.result(0).as<float>()[i] == (stays ? 2.0f : 0.0f));
    kept += stays;
  }
  CHECK((kept > 20 && kept < 80));
  CHECK_FALSE(NodeCase("", "Dropout").In(F({1}, {1})).Float("ratio", 1).Outputs(2).Evaluate().ok());
}

}  // namespace
}  // namespace doppio::tests
