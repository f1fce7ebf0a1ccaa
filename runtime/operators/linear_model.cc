// LinearClassifier and LinearRegressor of domain ai.onnx.ml.
#include <algorithm>

#include "base/checked.h"
#include "runtime/operators/class_labels.h"
#include "runtime/operators/feature_rows.h"
#include "runtime/operators/rows.h"

namespace doppio::operators {
namespace {

using base::Cat;
using kernels::ScoreTransform;

// One row of coefficients a target.
struct LinearModel {
  std::span<const float> coefficients, intercepts;
  int64_t targets = 0;
  ScoreTransform transform = ScoreTransform::kNone;

  // What target `t` says of a row.
  double Score(int64_t t, std::span<const double> row) const {
    const float* weights = coefficients.data() + static_cast<size_t>(t) * row.size();
    double sum = 0;
    for (size_t f = 0; f < row.size(); ++f) sum += static_cast<double>(weights[f]) * row[f];
    return sum + (intercepts.empty() ? 0 : static_cast<double>(intercepts[static_cast<size_t>(t)]));
  }
};

// `targets`: as the arguments say, 0 where they do not.
Status ReadLinear(const ArgReader& args, int64_t targets, LinearModel* model) {
  model->coefficients = args.Floats("coefficients");
  model->intercepts = args.Floats("intercepts");
  const auto intercepts = static_cast<int64_t>(model->intercepts.size());
  model->targets = targets > 0 ? targets : intercepts;
  DOPPIO_RETURN_IF_ERROR(ReadTransform(args, &model->transform));
  if (model->coefficients.empty()) return InvalidArgument("argument 'coefficients' is empty");
  if (intercepts == 0 || intercepts == model->targets) return {};
  return InvalidArgument(
      Cat("it has ", intercepts, " intercepts for ", model->targets, " targets"));
}

Status CheckCoefficients(const LinearModel& model, int64_t features) {
  int64_t wanted = 0;
  const auto count = static_cast<int64_t>(model.coefficients.size());
  if (base::CheckedMul(model.targets, features, &wanted) && wanted == count) return {};
  return InvalidArgument(Cat("it has ", count, " coefficients for ", model.targets, " targets and ",
                             features, " features"));
}

// How many columns of scores a classifier gives.
int64_t ScoreColumns(const LinearModel& model, const ClassLabels& labels) {
  return model.targets == 1 && labels.named() == 2 ? 2 : model.targets;
}

Status ReadLinearClassifier(const ArgReader& args, LinearModel* model, ClassLabels* labels) {
  DOPPIO_RETURN_IF_ERROR(labels->Read(args, "classlabels_ints"));
  DOPPIO_RETURN_IF_ERROR(ReadLinear(args, 0, model));
  const auto named = static_cast<int64_t>(labels->named());
  if (model->targets == 0) model->targets = named;  // no intercepts
  if (model->targets == named || (model->targets == 1 && named == 2)) return {};
  return InvalidArgument(Cat("it has ", named, " labels for ", model->targets, " targets"));
}

Status InferClassifier(InferContext& c) {
  LinearModel model;
  ClassLabels labels;
  Shape rows, scores;
  Dim row_count, features;
  DOPPIO_RETURN_IF_ERROR(InferFeatureRows(c, &row_count, &features));
  DOPPIO_RETURN_IF_ERROR(ReadLinearClassifier(c.args, &model, &labels));
  if (features.known()) DOPPIO_RETURN_IF_ERROR(CheckCoefficients(model, features.value()));
  rows.push_back(row_count);
  scores.push_back(row_count);
  scores.push_back(Dim(ScoreColumns(model, labels)));
  c.Set(0, labels.type(), rows);
  c.Set(1, ElementType::kFloat, scores);
  return {};
}

Status CallClassifier(CallContext& c) {
  LinearModel model;
  ClassLabels labels;
  FeatureRows x;
  base::Array<double> sums;
  DOPPIO_RETURN_IF_ERROR(x.Read(c));
  DOPPIO_RETURN_IF_ERROR(ReadLinearClassifier(c.args, &model, &labels));
  DOPPIO_RETURN_IF_ERROR(CheckCoefficients(model, x.features));
  const int64_t columns = ScoreColumns(model, labels);
  DOPPIO_RETURN_IF_ERROR(sums.Resize(static_cast<size_t>(columns)));
  DOPPIO_ASSIGN_OR_RETURN(HostValue chosen, c.NewTensor(labels.type(), {x.rows}));
  DOPPIO_ASSIGN_OR_RETURN(HostValue all_scores,
                          c.NewTensor(ElementType::kFloat, {x.rows, columns}));
  float* scores = all_scores.memory->as<float>();
  for (int64_t i = 0; i < x.rows; ++i) {
    const std::span<const double> row = x.Row(i);
    const bool second = columns > model.targets;
    double* const own = sums.data() + (second ? 1 : 0);
    for (int64_t t = 0; t < model.targets; ++t) own[t] = model.Score(t, row);
    const size_t best =
        model.targets == 1
            ? (own[0] > 0 ? 1 : 0)
            : static_cast<size_t>(std::max_element(sums.begin(), sums.end()) - sums.begin());
    labels.Write(best, static_cast<size_t>(i), chosen.memory->data());
    if (second) {
      kernels::AddSecondScore(kernels::SecondScore::kComplement, model.transform, sums.data());
    } else {
      kernels::TransformTargets(model.transform, sums.span());
    }
    for (const double score : sums) *scores++ = static_cast<float>(score);
  }
  c.Set(0, std::move(chosen));
  c.Set(1, std::move(all_scores));
  return {};
}

Status ReadLinearRegressor(const ArgReader& args, LinearModel* model) {
  int64_t targets = 0;
  DOPPIO_RETURN_IF_ERROR(args.IntIn("targets", 1, INT32_MAX, &targets));
  return ReadLinear(args, targets, model);
}

Status InferRegressor(InferContext& c) {
  LinearModel model;
  Shape y;
  Dim rows, features;
  DOPPIO_RETURN_IF_ERROR(InferFeatureRows(c, &rows, &features));
  DOPPIO_RETURN_IF_ERROR(ReadLinearRegressor(c.args, &model));
  if (features.known()) DOPPIO_RETURN_IF_ERROR(CheckCoefficients(model, features.value()));
  y.push_back(rows);
  y.push_back(Dim(model.targets));
  c.Set(0, ElementType::kFloat, y);
  return {};
}

Status CallRegressor(CallContext& c) {
  LinearModel model;
  FeatureRows x;
  base::Array<double> sums;
  DOPPIO_RETURN_IF_ERROR(x.Read(c));
  DOPPIO_RETURN_IF_ERROR(ReadLinearRegressor(c.args, &model));
  DOPPIO_RETURN_IF_ERROR(CheckCoefficients(model, x.features));
  DOPPIO_RETURN_IF_ERROR(sums.Resize(static_cast<size_t>(model.targets)));
  DOPPIO_ASSIGN_OR_RETURN(void* data, c.SetTensor(0, ElementType::kFloat, {x.rows, model.targets}));
  auto* y = static_cast<float*>(data);
  for (int64_t i = 0; i < x.rows; ++i) {
    const std::span<const double> row = x.Row(i);
    for (int64_t t = 0; t < model.targets; ++t) sums[static_cast<size_t>(t)] = model.Score(t, row);
    kernels::TransformTargets(model.transform, sums.span());
    for (const double sum : sums) *y++ = static_cast<float>(sum);
  }
  return {};
}

constexpr ArgSpec kClassifierArgs[] = {{"classlabels_ints", ArgKind::kInts},
                                       {"classlabels_strings", ArgKind::kStrings},
                                       {"coefficients", ArgKind::kFloats, 0, "", true},
                                       {"intercepts", ArgKind::kFloats},
                                       {"multi_class", ArgKind::kInt},
                                       {"post_transform", ArgKind::kString, 0, "NONE"}};
constexpr ArgSpec kRegressorArgs[] = {{"coefficients", ArgKind::kFloats},
                                      {"intercepts", ArgKind::kFloats},
                                      {"post_transform", ArgKind::kString, 0, "NONE"},
                                      {"targets", ArgKind::kInt, 1}};

}  // namespace

const Operator kMlLinearClassifier = {.domain = "ai.onnx.ml",
                                      .type = "LinearClassifier",
                                      .min_inputs = 1,
                                      .max_inputs = 1,
                                      .min_outputs = 1,
                                      .max_outputs = 2,
                                      .layout = LayoutTrait::kRowMajor,
                                      .flags = kPlain,
                                      .infer = InferClassifier,
                                      .lower = nullptr,
                                      .args = kClassifierArgs,
                                      .summary = "the class with the greatest linear function",
                                      .call = CallClassifier};
const Operator kMlLinearRegressor = {.domain = "ai.onnx.ml",
                                     .type = "LinearRegressor",
                                     .min_inputs = 1,
                                     .max_inputs = 1,
                                     .min_outputs = 1,
                                     .max_outputs = 1,
                                     .layout = LayoutTrait::kRowMajor,
                                     .flags = kPlain,
                                     .infer = InferRegressor,
                                     .lower = nullptr,
                                     .args = kRegressorArgs,
                                     .summary = "linear functions of the features",
                                     .call = CallRegressor};

}  // namespace doppio::operators
