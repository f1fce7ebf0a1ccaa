// TreeEnsembleProblem: the sum (or mean, least, greatest) of what many decision trees say of each
// row of features, and for classifiers the class.
#pragma once

#include <cstdint>

#include "kernels/problems/scores.h"

namespace doppio::kernels {

// When a node goes to its first child.
enum class TreeTest : uint8_t {
  kLessEqual,
  kLess,
  kGreaterEqual,
  kGreater,
  kEqual,
  kNotEqual,
  kLeaf,  // never: it says something
};

// 16 bytes with T = float. Children are indices into the array of all nodes, so that trees may
// share nodes; whoever makes the array makes sure that every walk ends.
template <class T>
struct TreeNode {
  T value = 0;          // what the feature is compared with; of a leaf with one weight: the weight
  uint32_t packed = 0;  // test, flag and feature (of a leaf with one weight: its target)
  // The children; of a leaf: its weights [first, end), or kInline twice.
  int32_t yes = kInline, no = kInline;

  static constexpr int32_t kInline = -1;
  static constexpr uint32_t kMaxFeature = (1u << 28) - 1;

  TreeTest test() const { return static_cast<TreeTest>(packed & 7); }
  bool nan_goes_to_yes() const { return (packed & 8) != 0; }
  uint32_t feature() const { return packed >> 4; }
  void Pack(TreeTest test, bool nan_goes_to_yes, uint32_t feature) {
    packed = static_cast<uint32_t>(test) | (nan_goes_to_yes ? 8u : 0u) | feature << 4;
  }
};

enum class TreeAggregate : uint8_t { kSum, kAverage, kMin, kMax };

enum class TreeOutput : uint8_t {
  kScores,   // one score a target, and nothing else
  kClasses,  // and the class with the best score
  kBinary,   // two classes, but leaves speak of one (`spoken_of`): its score decides
  kSign,     // one target; the class is 1 where its score is positive, else 0
};

// Operands: in[0] x [rows, features] row-major and contiguous; in[1] TreeNode<T> [..]; in[2] roots
// int32 [trees]; in[3] targets of weights int32; in[4] weights T; in[5] base values float64
// [base_count], added to the targets. out[0] scores [rows, targets]; out[1] class int64 [rows], an
// index into the targets; either may be null. T, x and scores are float32, or float64 with `wide`.
struct TreeEnsembleProblem {
  bool wide = false;
  int64_t rows = 1, features = 1;
  int32_t trees = 1;
  int32_t targets = 1;
  int32_t base_count = 0;  // 0, 1 or targets
  TreeAggregate aggregate = TreeAggregate::kSum;
  TreeOutput output = TreeOutput::kScores;
  // kBinary: the class with weights. With class 0 both scores follow from its sum, which then
  // speaks for class 1; with class 1 the score of class 0 stays what its base value says.
  int32_t spoken_of = 0;
  bool all_positive = false;  // no weight is negative: a sum above a half decides (kBinary)
  ScoreTransform transform = ScoreTransform::kNone;
};

}  // namespace doppio::kernels
