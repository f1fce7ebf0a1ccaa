// FlatTrees: an ensemble of decision trees as one array of nodes, made from the two ways in which
// ONNX writes them down. Making it finds every mistake that would matter later: children that are
// not there, walks that never end, targets out of range.
#pragma once

#include "kernels/problems/tree_ensemble.h"
#include "runtime/operators/operator.h"

namespace doppio::operators {

// Numbers of an argument: a list of floats, or a tensor.
struct ArgNumbers {
  std::span<const float> floats;
  const graph::Constant* tensor = nullptr;

  size_t size() const {
    return tensor != nullptr ? static_cast<size_t>(tensor->count) : floats.size();
  }
  double operator[](size_t i) const;
  bool wide() const { return tensor != nullptr && tensor->type == ElementType::kDouble; }
};

// The tensor argument `name`_as_tensor if it is there, else the list `name`.
Status ReadNumbers(const ArgReader& args, std::string_view name, std::string_view tensor_name,
                   ArgNumbers* numbers);

// A node of any ensemble, before it is laid out.
struct RawNode {
  kernels::TreeTest test = kernels::TreeTest::kLeaf;
  bool nan_goes_to_yes = false;
  uint32_t feature = 0;
  double value = 0;
  int64_t yes = 0, no = 0;  // other raw nodes; of a leaf: its weights [yes, no)
};

struct RawTrees {
  base::Array<RawNode> nodes;
  base::Array<int64_t> roots;
  base::Array<int32_t> weight_targets;
  base::Array<double> weights;
  int64_t targets = 1;
  uint32_t most_feature = 0;
  bool wide = false;  // some number needs float64
};

// TreeEnsembleRegressor and TreeEnsembleClassifier: nodes by (tree, node), weights in lists called
// `target_*` or `class_*`.
Status ReadTreesById(const ArgReader& args, std::string_view weight_prefix, int64_t targets,
                     RawTrees* trees);
// TreeEnsemble: nodes and leaves by position.
Status ReadTreesByPosition(const ArgReader& args, RawTrees* trees);

template <class T>
struct FlatTrees {
  base::Array<kernels::TreeNode<T>> nodes;
  base::Array<int32_t> roots;
  base::Array<T> weights;
};

// Lays nodes out in the order in which a walk meets them. An error names a node that lies below
// itself.
template <class T>
Status Flatten(const RawTrees& trees, FlatTrees<T>* flat);

}  // namespace doppio::operators
