// Ensembles of decision trees of domain ai.onnx.ml: TreeEnsemble, and the older
// TreeEnsembleRegressor and TreeEnsembleClassifier, whose leaves may speak of several targets and
// whose nodes go by names. All three become one array of nodes when they are planned.
#include <algorithm>

#include "base/message.h"
#include "kernels/problems/indexing.h"
#include "runtime/operators/cast.h"
#include "runtime/operators/class_labels.h"
#include "runtime/operators/flat_trees.h"
#include "runtime/operators/infer_context.h"
#include "runtime/operators/lower_context.h"
#include "runtime/operators/rows.h"

namespace doppio::operators {
namespace {

using base::Cat;
using base::Quoted;
using kernels::ProblemKind;
using kernels::TreeAggregate;
using kernels::TreeEnsembleProblem;
using kernels::TreeNode;
using kernels::TreeOutput;

// An operator's arguments, read and checked.
struct Model {
  RawTrees trees;
  base::Array<double> base;
  ClassLabels labels;  // of a classifier
  TreeEnsembleProblem problem;
};

Status ReadBase(const ArgReader& args, Model* model) {
  ArgNumbers numbers;
  DOPPIO_RETURN_IF_ERROR(ReadNumbers(args, "base_values", "base_values_as_tensor", &numbers));
  const auto targets = static_cast<size_t>(model->trees.targets);
  if (numbers.size() > 1 && numbers.size() != targets) {
    return InvalidArgument(
        Cat("it has ", numbers.size(), " base values for ", targets, " targets"));
  }
  for (size_t i = 0; i < numbers.size(); ++i) {
    DOPPIO_RETURN_IF_ERROR(model->base.Append(numbers[i]));
  }
  return {};
}

Status ReadRegressor(const ArgReader& args, Model* model) {
  std::string_view aggregate;
  int64_t targets = 0;
  DOPPIO_RETURN_IF_ERROR(args.Int("n_targets", &targets));
  DOPPIO_RETURN_IF_ERROR(args.Text("aggregate_function", &aggregate));
  DOPPIO_RETURN_IF_ERROR(ReadTransform(args, &model->problem.transform));
  constexpr std::string_view kNames[] = {"SUM", "AVERAGE", "MIN", "MAX"};
  const auto found = std::find(std::begin(kNames), std::end(kNames), aggregate);
  if (found == std::end(kNames)) {
    return InvalidArgument(Cat("aggregate_function ", Quoted(aggregate), " is unknown"));
  }
  model->problem.aggregate = static_cast<TreeAggregate>(found - std::begin(kNames));
  DOPPIO_RETURN_IF_ERROR(ReadTreesById(args, "target", targets, &model->trees));
  return ReadBase(args, model);
}

Status ReadClassifier(const ArgReader& args, Model* model) {
  DOPPIO_RETURN_IF_ERROR(model->labels.Read(args, "classlabels_int64s"));
  DOPPIO_RETURN_IF_ERROR(ReadTransform(args, &model->problem.transform));
  const size_t classes = model->labels.named();
  RawTrees& trees = model->trees;
  DOPPIO_RETURN_IF_ERROR(ReadTreesById(args, "class", static_cast<int64_t>(classes), &trees));
  DOPPIO_RETURN_IF_ERROR(ReadBase(args, model));
  TreeEnsembleProblem& p = model->problem;
  p.output = classes == 1 ? TreeOutput::kSign : TreeOutput::kClasses;
  p.all_positive = std::all_of(trees.weights.begin(), trees.weights.end(),
                               [](double weight) { return weight >= 0; });
  if (classes != 2 || trees.weights.empty()) return {};
  p.spoken_of = trees.weight_targets[0];
  const bool one = std::all_of(trees.weight_targets.begin(), trees.weight_targets.end(),
                               [&](int32_t target) { return target == p.spoken_of; });
  if (one) p.output = TreeOutput::kBinary;
  return {};
}

Status ReadEnsemble(const ArgReader& args, Model* model) {
  int64_t aggregate = 1, transform = 0;
  DOPPIO_RETURN_IF_ERROR(args.IntIn("aggregate_function", 0, 3, &aggregate));
  DOPPIO_RETURN_IF_ERROR(args.IntIn("post_transform", 0, 4, &transform));
  constexpr TreeAggregate kAggregates[] = {TreeAggregate::kAverage, TreeAggregate::kSum,
                                           TreeAggregate::kMin, TreeAggregate::kMax};
  constexpr kernels::ScoreTransform kTransforms[] = {
      kernels::ScoreTransform::kNone, kernels::ScoreTransform::kSoftmax,
      kernels::ScoreTransform::kLogistic, kernels::ScoreTransform::kSoftmaxZero,
      kernels::ScoreTransform::kProbit};
  model->problem.aggregate = kAggregates[aggregate];
  model->problem.transform = kTransforms[transform];
  return ReadTreesByPosition(args, &model->trees);
}

Status ReadModel(const graph::Node& node, const ArgReader& args, Model* model) {
  if (node.type == "TreeEnsemble") return ReadEnsemble(args, model);
  return node.type == "TreeEnsembleRegressor" ? ReadRegressor(args, model)
                                              : ReadClassifier(args, model);
}

bool IsClassifier(const graph::Node& node) { return node.type == "TreeEnsembleClassifier"; }

Status InferTrees(InferContext& c) {
  const ValueFacts& x = c.input(0);
  const bool possible = x.type == ElementType::kFloat || x.type == ElementType::kDouble ||
                        x.type == ElementType::kFloat16 || x.type == ElementType::kInt64 ||
                        x.type == ElementType::kInt32;
  if (!possible || x.shape.rank < 1 || x.shape.rank > 2) {
    return InvalidArgument(Cat(c.Describe(0), " must hold numbers, a row of features a sample"));
  }
  Model model;
  DOPPIO_RETURN_IF_ERROR(ReadModel(c.node(), c.args, &model));
  const Dim features = x.shape[x.shape.rank - 1];
  if (features.known() && features.value() <= int64_t{model.trees.most_feature}) {
    return InvalidArgument(Cat(c.Describe(0), " has ", features.value(),
                               " features; trees ask for number ", model.trees.most_feature));
  }
  Shape rows, scores;
  rows.push_back(x.shape.rank == 1 ? Dim(1) : x.shape[0]);
  scores.push_back(rows[0]);
  scores.push_back(Dim(model.trees.targets));
  const size_t at = IsClassifier(c.node()) ? 1 : 0;
  if (at == 1) c.Set(0, model.labels.type(), rows);
  c.Set(at, c.node().type == "TreeEnsemble" ? x.type : ElementType::kFloat, scores);
  return {};
}

template <class T>
Status EmitTrees(LowerContext& c, const Model& model, const TensorRef& x, const TensorRef& scores,
                 const TensorRef& classes) {
  FlatTrees<T> flat;
  DOPPIO_RETURN_IF_ERROR(Flatten(model.trees, &flat));
  const auto constant = [&](ElementType type, const auto& array) {
    using Element = std::remove_cvref_t<decltype(array[0])>;
    const auto count = static_cast<int64_t>(array.size() * sizeof(Element)) /
                       std::max<int64_t>(ElementBytes(type), 1);
    return c.Constant(type, {count}, array.data());
  };
  TreeEnsembleProblem p = model.problem;
  p.wide = sizeof(T) == sizeof(double);
  p.rows = scores.present() ? scores.dims[0] : classes.dims[0];
  p.features = x.dims[x.dims.rank() - 1];
  p.trees = static_cast<int32_t>(flat.roots.size());
  p.targets = static_cast<int32_t>(model.trees.targets);
  p.base_count = static_cast<int32_t>(model.base.size());
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef nodes, constant(ElementType::kUint8, flat.nodes));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef roots, constant(ElementType::kInt32, flat.roots));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef targets,
                          constant(ElementType::kInt32, model.trees.weight_targets));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef weights, constant(x.type, flat.weights));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef base, constant(ElementType::kDouble, model.base));
  return c.Emit(ProblemKind::kTreeEnsemble, p, {x, nodes, roots, targets, weights, base},
                {scores, classes});
}

// labels = names[classes].
Status EmitLabels(LowerContext& c, const ClassLabels& labels, const TensorRef& classes,
                  const TensorRef& y) {
  const auto count = static_cast<int64_t>(labels.size());
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef names, c.Constant(labels.type(), {count}, labels.data()));
  kernels::GatherProblem p;
  p.element_bytes = ElementBytes(labels.type());
  p.axis = count;
  p.count = classes.count();
  return c.Emit(ProblemKind::kGather, p, {names, classes}, {y});
}

Status LowerTrees(LowerContext& c) {
  Model model;
  DOPPIO_RETURN_IF_ERROR(ReadModel(c.node(), c.args, &model));
  const bool wide = c.input(0).type == ElementType::kDouble || model.trees.wide;
  const ElementType type = wide ? ElementType::kDouble : ElementType::kFloat;
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef x, AsType(c, c.input(0), type));
  const bool classifier = IsClassifier(c.node());
  const TensorRef y = classifier ? (c.output_count() > 1 ? c.output(1) : TensorRef()) : c.output(0);
  TensorRef scores = y, classes;
  if (y.present() && y.type != type) {
    DOPPIO_ASSIGN_OR_RETURN(scores, c.Temporary(type, y.dims));
  }
  if (classifier && c.output(0).present()) {
    DOPPIO_ASSIGN_OR_RETURN(classes, c.Temporary(ElementType::kInt64, c.output(0).dims));
  }
  if (!scores.present() && !classes.present()) return {};
  DOPPIO_RETURN_IF_ERROR(
      (wide ? EmitTrees<double> : EmitTrees<float>)(c, model, x, scores, classes));
  if (y.present() && y.type != type) DOPPIO_RETURN_IF_ERROR(EmitCast(c, {}, scores, y));
  return classes.present() ? EmitLabels(c, model.labels, classes, c.output(0)) : Status();
}

constexpr ArgSpec kNodeArgs[] = {{"nodes_treeids", ArgKind::kInts},
                                 {"nodes_nodeids", ArgKind::kInts},
                                 {"nodes_featureids", ArgKind::kInts},
                                 {"nodes_modes", ArgKind::kStrings},
                                 {"nodes_values", ArgKind::kFloats},
                                 {"nodes_values_as_tensor", ArgKind::kTensor},
                                 {"nodes_truenodeids", ArgKind::kInts},
                                 {"nodes_falsenodeids", ArgKind::kInts},
                                 {"nodes_missing_value_tracks_true", ArgKind::kInts},
                                 {"base_values", ArgKind::kFloats},
                                 {"base_values_as_tensor", ArgKind::kTensor},
                                 {"post_transform", ArgKind::kString, 0, "NONE"}};
constexpr ArgSpec kTargetArgs[] = {{"n_targets", ArgKind::kInt, 1},
                                   {"aggregate_function", ArgKind::kString, 0, "SUM"},
                                   {"target_treeids", ArgKind::kInts},
                                   {"target_nodeids", ArgKind::kInts},
                                   {"target_ids", ArgKind::kInts},
                                   {"target_weights", ArgKind::kFloats},
                                   {"target_weights_as_tensor", ArgKind::kTensor}};
constexpr ArgSpec kClassArgs[] = {{"classlabels_strings", ArgKind::kStrings},
                                  {"classlabels_int64s", ArgKind::kInts},
                                  {"class_treeids", ArgKind::kInts},
                                  {"class_nodeids", ArgKind::kInts},
                                  {"class_ids", ArgKind::kInts},
                                  {"class_weights", ArgKind::kFloats},
                                  {"class_weights_as_tensor", ArgKind::kTensor}};
constexpr auto kRegressorArgs = JoinArgs(kNodeArgs, kTargetArgs);
constexpr auto kClassifierArgs = JoinArgs(kNodeArgs, kClassArgs);
constexpr ArgSpec kEnsembleArgs[] = {{"aggregate_function", ArgKind::kInt, 1},
                                     {"leaf_targetids", ArgKind::kInts},
                                     {"leaf_weights", ArgKind::kTensor},
                                     {"membership_values", ArgKind::kTensor},
                                     {"n_targets", ArgKind::kInt, 1},
                                     {"nodes_falseleafs", ArgKind::kInts},
                                     {"nodes_falsenodeids", ArgKind::kInts},
                                     {"nodes_featureids", ArgKind::kInts},
                                     {"nodes_missing_value_tracks_true", ArgKind::kInts},
                                     {"nodes_modes", ArgKind::kTensor},
                                     {"nodes_splits", ArgKind::kTensor},
                                     {"nodes_trueleafs", ArgKind::kInts},
                                     {"nodes_truenodeids", ArgKind::kInts},
                                     {"post_transform", ArgKind::kInt},
                                     {"tree_roots", ArgKind::kInts}};

constexpr Operator Trees(std::string_view type, int outputs, std::span<const ArgSpec> args,
                         const char* summary) {
  return {"ai.onnx.ml",           type,   1,          1,          1,    outputs,
          LayoutTrait::kRowMajor, kPlain, InferTrees, LowerTrees, args, summary};
}

}  // namespace

const Operator kMlTreeEnsemble =
    Trees("TreeEnsemble", 1, kEnsembleArgs, "what decision trees say together");
const Operator kMlTreeEnsembleRegressor =
    Trees("TreeEnsembleRegressor", 1, kRegressorArgs, "what decision trees say together");
const Operator kMlTreeEnsembleClassifier =
    Trees("TreeEnsembleClassifier", 2, kClassifierArgs, "the class that decision trees choose");

}  // namespace doppio::operators
