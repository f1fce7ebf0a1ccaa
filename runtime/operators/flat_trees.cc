#include "runtime/operators/flat_trees.h"

#include <algorithm>
#include <cmath>

#include "base/message.h"
#include "runtime/operators/host_number.h"

namespace doppio::operators {

using base::Cat;
using base::Quoted;
using kernels::TreeNode;
using kernels::TreeTest;

double ArgNumbers::operator[](size_t i) const {
  if (tensor == nullptr) return static_cast<double>(floats[i]);
  return HostNumber(tensor->type, tensor->data, static_cast<int64_t>(i));
}

Status ReadNumbers(const ArgReader& args, std::string_view name, std::string_view tensor_name,
                   ArgNumbers* numbers) {
  numbers->floats = args.Floats(name);
  numbers->tensor = args.Tensor(tensor_name);
  if (numbers->tensor != nullptr && !IsHostNumber(numbers->tensor->type)) {
    return InvalidArgument(Cat("argument ", Quoted(tensor_name), " holds no numbers"));
  }
  return {};
}

namespace {

Status WantSize(std::string_view name, size_t size, size_t wanted) {
  if (size == wanted) return {};
  return InvalidArgument(
      Cat("argument ", Quoted(name), " has ", size, " entries; it must have ", wanted));
}

// A list that may be left out; else one entry a node.
Status WantSizeOrNone(std::string_view name, size_t size, size_t wanted) {
  return size == 0 ? Status() : WantSize(name, size, wanted);
}

Status SetFeature(int64_t feature, RawNode* node, RawTrees* trees) {
  if (feature < 0 || feature > TreeNode<float>::kMaxFeature) {
    return InvalidArgument(Cat("feature ", feature, " is not possible"));
  }
  node->feature = static_cast<uint32_t>(feature);
  trees->most_feature = std::max(trees->most_feature, node->feature);
  return {};
}

Status CheckTarget(int64_t target, int64_t targets) {
  if (target >= 0 && target < targets) return {};
  return InvalidArgument(Cat("target ", target, " is outside [0, ", targets, ")"));
}

Status CheckTargets(int64_t targets) {
  if (targets >= 1 && targets <= TreeNode<float>::kMaxFeature) return {};
  return InvalidArgument(Cat("it has ", targets, " targets"));
}

// Whether an array of that many nodes and weights can be counted in 32 bits.
Status CheckCount(size_t count) {
  constexpr size_t kMost = size_t{1} << 30;
  if (count <= kMost) return {};
  return Unsupported(Cat(count, " nodes or weights; at most ", kMost, " are possible"));
}

Status ParseMode(std::string_view mode, TreeTest* test) {
  constexpr std::string_view kNames[] = {"BRANCH_LEQ", "BRANCH_LT",  "BRANCH_GTE", "BRANCH_GT",
                                         "BRANCH_EQ",  "BRANCH_NEQ", "LEAF"};
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (mode != kNames[i]) continue;
    *test = static_cast<TreeTest>(i);
    return {};
  }
  return InvalidArgument(Cat("mode ", Quoted(mode), " is unknown"));
}

// --- by (tree, node)
// -----------------------------------------------------------------------------------------------

// Where the node of an id stands.
struct NodeId {
  int64_t tree = 0, node = 0;
  int64_t index = 0;

  bool operator<(const NodeId& other) const {
    return tree != other.tree ? tree < other.tree : node < other.node;
  }
  bool Same(const NodeId& other) const { return tree == other.tree && node == other.node; }
};

// All nodes, sorted by id.
class NodeIndex {
 public:
  Status Make(std::span<const int64_t> trees, std::span<const int64_t> nodes) {
    DOPPIO_RETURN_IF_ERROR(ids_.Resize(nodes.size()));
    for (size_t i = 0; i < nodes.size(); ++i) {
      ids_[i] = {trees[i], nodes[i], static_cast<int64_t>(i)};
    }
    std::sort(ids_.begin(), ids_.end());
    for (size_t i = 1; i < ids_.size(); ++i) {
      if (!ids_[i].Same(ids_[i - 1])) continue;
      return InvalidArgument(
          Cat("node ", ids_[i].node, " of tree ", ids_[i].tree, " is there twice"));
    }
    return {};
  }

  Status Find(int64_t tree, int64_t node, int64_t* index) const {
    const NodeId wanted{tree, node, 0};
    const NodeId* found = std::lower_bound(ids_.begin(), ids_.end(), wanted);
    if (found == ids_.end() || !found->Same(wanted)) {
      return InvalidArgument(Cat("tree ", tree, " has no node ", node));
    }
    *index = found->index;
    return {};
  }

 private:
  base::Array<NodeId> ids_;
};

// The root of a tree is its node that is listed first.
Status FindRoots(std::span<const int64_t> tree_ids, RawTrees* trees) {
  base::Array<NodeId> first;  // by tree, then position
  DOPPIO_RETURN_IF_ERROR(first.Resize(tree_ids.size()));
  for (size_t i = 0; i < tree_ids.size(); ++i) {
    first[i] = {tree_ids[i], static_cast<int64_t>(i), static_cast<int64_t>(i)};
  }
  std::sort(first.begin(), first.end());
  for (size_t i = 0; i < first.size(); ++i) {
    if (i > 0 && first[i].tree == first[i - 1].tree) continue;
    DOPPIO_RETURN_IF_ERROR(trees->roots.Append(first[i].index));
  }
  return {};
}

// Weights of a leaf stand together, in the order of the lists.
Status ReadWeightsById(const ArgReader& args, std::string_view prefix, const NodeIndex& index,
                       RawTrees* trees) {
  const std::string name = Cat(prefix, "_weights"), tensor_name = Cat(name, "_as_tensor");
  const std::string tree_name = Cat(prefix, "_treeids"), node_name = Cat(prefix, "_nodeids");
  const std::string id_name = Cat(prefix, "_ids");
  const auto tree_ids = args.Ints(tree_name), node_ids = args.Ints(node_name);
  const auto targets = args.Ints(id_name);
  ArgNumbers weights;
  DOPPIO_RETURN_IF_ERROR(ReadNumbers(args, name, tensor_name, &weights));
  const size_t count = targets.size();
  DOPPIO_RETURN_IF_ERROR(CheckCount(count));
  DOPPIO_RETURN_IF_ERROR(WantSize(tree_name, tree_ids.size(), count));
  DOPPIO_RETURN_IF_ERROR(WantSize(node_name, node_ids.size(), count));
  DOPPIO_RETURN_IF_ERROR(WantSize(name, weights.size(), count));
  trees->wide = trees->wide || weights.wide();
  base::Array<int64_t> leaf_of;
  DOPPIO_RETURN_IF_ERROR(leaf_of.Resize(count));
  for (size_t i = 0; i < count; ++i) {
    DOPPIO_RETURN_IF_ERROR(CheckTarget(targets[i], trees->targets));
    DOPPIO_RETURN_IF_ERROR(index.Find(tree_ids[i], node_ids[i], &leaf_of[i]));
    RawNode& leaf = trees->nodes[static_cast<size_t>(leaf_of[i])];
    // What branches keep is never read.
    if (leaf.test == TreeTest::kLeaf) ++leaf.no;
  }
  int64_t begin = 0;
  for (RawNode& node : trees->nodes) {
    if (node.test != TreeTest::kLeaf) continue;
    const int64_t size = node.no;
    node.yes = node.no = begin;
    begin += size;
  }
  DOPPIO_RETURN_IF_ERROR(trees->weights.Resize(static_cast<size_t>(begin)));
  DOPPIO_RETURN_IF_ERROR(trees->weight_targets.Resize(static_cast<size_t>(begin)));
  for (size_t i = 0; i < count; ++i) {
    RawNode& leaf = trees->nodes[static_cast<size_t>(leaf_of[i])];
    if (leaf.test != TreeTest::kLeaf) continue;
    const auto at = static_cast<size_t>(leaf.no++);
    trees->weights[at] = weights[i];
    trees->weight_targets[at] = static_cast<int32_t>(targets[i]);
  }
  return {};
}

}  // namespace

Status ReadTreesById(const ArgReader& args, std::string_view weight_prefix, int64_t targets,
                     RawTrees* trees) {
  const auto tree_ids = args.Ints("nodes_treeids"), node_ids = args.Ints("nodes_nodeids");
  const auto features = args.Ints("nodes_featureids");
  const auto yes = args.Ints("nodes_truenodeids"), no = args.Ints("nodes_falsenodeids");
  const auto missing = args.Ints("nodes_missing_value_tracks_true");
  const auto modes = args.Strings("nodes_modes");
  ArgNumbers values;
  DOPPIO_RETURN_IF_ERROR(ReadNumbers(args, "nodes_values", "nodes_values_as_tensor", &values));
  const size_t count = node_ids.size();
  DOPPIO_RETURN_IF_ERROR(CheckTargets(targets));
  DOPPIO_RETURN_IF_ERROR(CheckCount(count));
  if (count == 0) return InvalidArgument("it has no nodes");
  DOPPIO_RETURN_IF_ERROR(WantSize("nodes_treeids", tree_ids.size(), count));
  DOPPIO_RETURN_IF_ERROR(WantSize("nodes_featureids", features.size(), count));
  DOPPIO_RETURN_IF_ERROR(WantSize("nodes_truenodeids", yes.size(), count));
  DOPPIO_RETURN_IF_ERROR(WantSize("nodes_falsenodeids", no.size(), count));
  DOPPIO_RETURN_IF_ERROR(WantSize("nodes_modes", modes.size(), count));
  DOPPIO_RETURN_IF_ERROR(WantSize("nodes_values", values.size(), count));
  DOPPIO_RETURN_IF_ERROR(WantSizeOrNone("nodes_missing_value_tracks_true", missing.size(), count));
  trees->targets = targets;
  trees->wide = values.wide();
  NodeIndex index;
  DOPPIO_RETURN_IF_ERROR(index.Make(tree_ids, node_ids));
  DOPPIO_RETURN_IF_ERROR(trees->nodes.Resize(count));
  for (size_t i = 0; i < count; ++i) {
    RawNode& node = trees->nodes[i];
    DOPPIO_RETURN_IF_ERROR(ParseMode(modes[i], &node.test));
    if (node.test == TreeTest::kLeaf) continue;
    node.value = values[i];
    node.nan_goes_to_yes = !missing.empty() && missing[i] != 0;
    DOPPIO_RETURN_IF_ERROR(SetFeature(features[i], &node, trees));
    DOPPIO_RETURN_IF_ERROR(index.Find(tree_ids[i], yes[i], &node.yes));
    DOPPIO_RETURN_IF_ERROR(index.Find(tree_ids[i], no[i], &node.no));
  }
  DOPPIO_RETURN_IF_ERROR(FindRoots(tree_ids, trees));
  return ReadWeightsById(args, weight_prefix, index, trees);
}

// --- by position
// -----------------------------------------------------------------------------------------------

namespace {

constexpr int64_t kMemberMode = 6;

// Takes what a node is a member of from the list of all: values up to the next NaN. The first test
// is the node's own, the others are added behind all nodes.
class Members {
 public:
  explicit Members(const graph::Constant* values) : values_(values) {}

  Status Expand(size_t node, RawTrees* trees) {
    trees->nodes[node].test = TreeTest::kEqual;
    trees->nodes[node].value = std::nan("");  // of nothing: equal to nothing
    for (bool first = true; values_ != nullptr && next_ < values_->count; first = false) {
      const double value = HostNumber(values_->type, values_->data, next_++);
      if (std::isnan(value)) break;
      if (!first) {
        RawNode further = trees->nodes[node];
        trees->nodes[node].no = static_cast<int64_t>(trees->nodes.size());
        node = trees->nodes.size();
        DOPPIO_RETURN_IF_ERROR(CheckCount(node));
        DOPPIO_RETURN_IF_ERROR(trees->nodes.Append(further));
      }
      trees->nodes[node].value = value;
    }
    return {};
  }

 private:
  const graph::Constant* values_;
  int64_t next_ = 0;
};

// A child: leaves stand behind the nodes.
Status ChildAt(int64_t id, bool is_leaf, size_t nodes, size_t leaves, int64_t* child) {
  const size_t count = is_leaf ? leaves : nodes;
  if (id < 0 || static_cast<size_t>(id) >= count) {
    return InvalidArgument(Cat(is_leaf ? "leaf " : "node ", id, " is outside [0, ", count, ")"));
  }
  *child = is_leaf ? static_cast<int64_t>(nodes) + id : id;
  return {};
}

Status WantTensor(const ArgReader& args, std::string_view name, const graph::Constant** tensor) {
  *tensor = args.Tensor(name);
  if (*tensor == nullptr) return InvalidArgument(Cat("argument ", Quoted(name), " is missing"));
  if (IsHostNumber((*tensor)->type)) return {};
  return InvalidArgument(Cat("argument ", Quoted(name), " holds no numbers"));
}

Status ReadLeaves(const ArgReader& args, const graph::Constant& weights, RawTrees* trees) {
  const auto targets = args.Ints("leaf_targetids");
  DOPPIO_RETURN_IF_ERROR(
      WantSize("leaf_weights", static_cast<size_t>(weights.count), targets.size()));
  for (size_t i = 0; i < targets.size(); ++i) {
    const auto at = static_cast<int64_t>(i);
    DOPPIO_RETURN_IF_ERROR(CheckTarget(targets[i], trees->targets));
    DOPPIO_RETURN_IF_ERROR(trees->weights.Append(HostNumber(weights.type, weights.data, at)));
    DOPPIO_RETURN_IF_ERROR(trees->weight_targets.Append(static_cast<int32_t>(targets[i])));
    RawNode leaf;
    leaf.yes = at;
    leaf.no = at + 1;
    DOPPIO_RETURN_IF_ERROR(trees->nodes.Append(leaf));
  }
  return {};
}

}  // namespace

Status ReadTreesByPosition(const ArgReader& args, RawTrees* trees) {
  const auto features = args.Ints("nodes_featureids");
  const auto yes = args.Ints("nodes_truenodeids"), no = args.Ints("nodes_falsenodeids");
  const auto yes_leaf = args.Ints("nodes_trueleafs"), no_leaf = args.Ints("nodes_falseleafs");
  const auto missing = args.Ints("nodes_missing_value_tracks_true");
  const auto roots = args.Ints("tree_roots");
  const graph::Constant *modes = nullptr, *splits = nullptr, *weights = nullptr;
  DOPPIO_RETURN_IF_ERROR(WantTensor(args, "nodes_modes", &modes));
  DOPPIO_RETURN_IF_ERROR(WantTensor(args, "nodes_splits", &splits));
  DOPPIO_RETURN_IF_ERROR(WantTensor(args, "leaf_weights", &weights));
  const graph::Constant* members = args.Tensor("membership_values");
  if (members != nullptr && !IsHostNumber(members->type)) {
    return InvalidArgument("argument 'membership_values' holds no numbers");
  }
  const size_t count = features.size(), leaves = static_cast<size_t>(weights->count);
  DOPPIO_RETURN_IF_ERROR(args.Int("n_targets", &trees->targets));
  DOPPIO_RETURN_IF_ERROR(CheckTargets(trees->targets));
  DOPPIO_RETURN_IF_ERROR(CheckCount(count));
  DOPPIO_RETURN_IF_ERROR(CheckCount(leaves));
  if (count == 0 || roots.empty()) return InvalidArgument("it has no nodes or no roots");
  DOPPIO_RETURN_IF_ERROR(WantSize("nodes_truenodeids", yes.size(), count));
  DOPPIO_RETURN_IF_ERROR(WantSize("nodes_falsenodeids", no.size(), count));
  DOPPIO_RETURN_IF_ERROR(WantSize("nodes_trueleafs", yes_leaf.size(), count));
  DOPPIO_RETURN_IF_ERROR(WantSize("nodes_falseleafs", no_leaf.size(), count));
  DOPPIO_RETURN_IF_ERROR(WantSize("nodes_modes", static_cast<size_t>(modes->count), count));
  DOPPIO_RETURN_IF_ERROR(WantSize("nodes_splits", static_cast<size_t>(splits->count), count));
  DOPPIO_RETURN_IF_ERROR(WantSizeOrNone("nodes_missing_value_tracks_true", missing.size(), count));
  trees->wide = splits->type == ElementType::kDouble || weights->type == ElementType::kDouble;
  DOPPIO_RETURN_IF_ERROR(trees->nodes.Resize(count));
  DOPPIO_RETURN_IF_ERROR(ReadLeaves(args, *weights, trees));
  Members membership(members);
  for (size_t i = 0; i < count; ++i) {
    RawNode& node = trees->nodes[i];
    const auto at = static_cast<int64_t>(i);
    const auto mode = static_cast<int64_t>(HostNumber(modes->type, modes->data, at));
    if (mode < 0 || mode > kMemberMode) return InvalidArgument(Cat("mode ", mode, " is unknown"));
    node.value = HostNumber(splits->type, splits->data, at);
    node.nan_goes_to_yes = !missing.empty() && missing[i] != 0;
    DOPPIO_RETURN_IF_ERROR(SetFeature(features[i], &node, trees));
    DOPPIO_RETURN_IF_ERROR(ChildAt(yes[i], yes_leaf[i] != 0, count, leaves, &node.yes));
    DOPPIO_RETURN_IF_ERROR(ChildAt(no[i], no_leaf[i] != 0, count, leaves, &node.no));
    node.test = static_cast<TreeTest>(mode);
    if (mode == kMemberMode) DOPPIO_RETURN_IF_ERROR(membership.Expand(i, trees));
  }
  for (const int64_t root : roots) {
    int64_t node = 0;
    DOPPIO_RETURN_IF_ERROR(ChildAt(root, false, count, leaves, &node));
    DOPPIO_RETURN_IF_ERROR(trees->roots.Append(node));
  }
  return {};
}

// --- layout
// -----------------------------------------------------------------------------------------------

namespace {

// Depth first, without recursion: a tree may be as deep as it has nodes.
template <class T>
class Layout {
 public:
  Layout(const RawTrees& trees, FlatTrees<T>* flat) : trees_(trees), flat_(flat) {}

  Status Run() {
    DOPPIO_RETURN_IF_ERROR(places_.Resize(trees_.nodes.size()));
    for (const double weight : trees_.weights) {
      DOPPIO_RETURN_IF_ERROR(flat_->weights.Append(static_cast<T>(weight)));
    }
    for (const int64_t root : trees_.roots) {
      DOPPIO_RETURN_IF_ERROR(Visit(root));
      DOPPIO_RETURN_IF_ERROR(flat_->roots.Append(PlaceOf(root).index));
    }
    return {};
  }

 private:
  enum State : uint8_t { kNew, kYesBelow, kNoBelow, kDone };
  struct Place {
    State state = kNew;
    int32_t index = 0;
  };

  Place& PlaceOf(int64_t node) { return places_[static_cast<size_t>(node)]; }
  const RawNode& Raw(int64_t node) const { return trees_.nodes[static_cast<size_t>(node)]; }

  Status Visit(int64_t root) {
    if (PlaceOf(root).state == kDone) return {};
    DOPPIO_RETURN_IF_ERROR(Enter(root));
    while (!path_.empty()) {
      const int64_t node = path_.back();
      Place& place = PlaceOf(node);
      if (Raw(node).test == TreeTest::kLeaf || place.state == kNoBelow) {
        Leave(node);
        continue;
      }
      const int64_t child = place.state == kNew ? Raw(node).yes : Raw(node).no;
      place.state = place.state == kNew ? kYesBelow : kNoBelow;
      if (PlaceOf(child).state == kDone) continue;
      if (PlaceOf(child).state != kNew) {
        return InvalidArgument(Cat("the node at position ", child, " lies below itself"));
      }
      DOPPIO_RETURN_IF_ERROR(Enter(child));
    }
    return {};
  }

  Status Enter(int64_t node) {
    PlaceOf(node).index = static_cast<int32_t>(flat_->nodes.size());
    DOPPIO_RETURN_IF_ERROR(flat_->nodes.Append({}));
    return path_.Append(node);
  }

  // All below it has its place.
  void Leave(int64_t at) {
    const RawNode& raw = Raw(at);
    TreeNode<T>& node = flat_->nodes[static_cast<size_t>(PlaceOf(at).index)];
    const bool leaf = raw.test == TreeTest::kLeaf;
    if (leaf && raw.no == raw.yes + 1) {
      const auto weight = static_cast<size_t>(raw.yes);
      node.Pack(raw.test, false, static_cast<uint32_t>(trees_.weight_targets[weight]));
      node.value = static_cast<T>(trees_.weights[weight]);
    } else {
      node.Pack(raw.test, raw.nan_goes_to_yes, raw.feature);
      node.value = static_cast<T>(raw.value);
      node.yes = leaf ? static_cast<int32_t>(raw.yes) : PlaceOf(raw.yes).index;
      node.no = leaf ? static_cast<int32_t>(raw.no) : PlaceOf(raw.no).index;
    }
    PlaceOf(at).state = kDone;
    path_.pop_back();
  }

  const RawTrees& trees_;
  FlatTrees<T>* flat_;
  base::Array<Place> places_;  // by raw node
  base::Array<int64_t> path_;
};

}  // namespace

template <class T>
Status Flatten(const RawTrees& trees, FlatTrees<T>* flat) {
  return Layout<T>(trees, flat).Run();
}

template Status Flatten(const RawTrees& trees, FlatTrees<float>* flat);
template Status Flatten(const RawTrees& trees, FlatTrees<double>* flat);

}  // namespace doppio::operators
