// Caffe2's losses and measures of answers: what nets that were exported with their training ends
// compute. Gradients are not here.
#include <algorithm>
#include <cmath>

#include "base/message.h"
#include "runtime/operators/called_row.h"
#include "runtime/operators/rows.h"

namespace doppio::operators {
namespace {

using base::Cat;
using Numbers = base::Array<int64_t>;
using Floats = std::span<const float>;
constexpr auto kFloat = ElementType::kFloat;

// The least probability whose logarithm is taken.
constexpr double kLeast = 1e-20;
double NegativeLog(double probability) { return -std::log(std::max(probability, kLeast)); }

double At(Floats values, int64_t i) { return static_cast<double>(values[static_cast<size_t>(i)]); }

Status CheckLabel(int64_t label, int64_t row, int64_t classes) {
  if (label >= 0 && label < classes) return {};
  return ComputeError(Cat("label ", label, " of row ", row, " is not one of ", classes));
}

// x [rows, columns], by its first dimension, or by those before `axis`.
struct Matrix {
  Floats values;
  int64_t rows = 1, columns = 0;
  double at(int64_t row, int64_t column) const { return At(values, row * columns + column); }
};

Status MatrixOf(const CallContext& c, size_t i, int64_t axis, Matrix* x) {
  DOPPIO_ASSIGN_OR_RETURN(x->values, FloatsOf(c, i));
  const Dims& dims = c.input(i)->dims;
  if (axis < 0 || axis > dims.rank()) {
    return InvalidArgument(Cat("input ", i, " ", dims, " has no dimensions before axis ", axis));
  }
  for (int d = 0; d < axis; ++d) x->rows *= dims[d];
  x->columns = 1;
  for (int d = static_cast<int>(axis); d < dims.rank(); ++d) x->columns *= dims[d];
  return {};
}

// One label a row.
Status LabelsOf(const CallContext& c, size_t i, int64_t rows, int64_t classes, Numbers* labels) {
  DOPPIO_RETURN_IF_ERROR(IntegersOf(c, i, labels));
  if (static_cast<int64_t>(labels->size()) != rows) {
    return InvalidArgument(Cat("there are ", labels->size(), " labels for ", rows, " rows"));
  }
  for (int64_t row = 0; row < rows; ++row) {
    DOPPIO_RETURN_IF_ERROR(CheckLabel((*labels)[static_cast<size_t>(row)], row, classes));
  }
  return {};
}

// --- SoftmaxWithLoss
// -------------------------------------------------------------------------------

void SoftmaxRow(const Matrix& x, int64_t row, float* y) {
  double greatest = -INFINITY, sum = 0;
  for (int64_t j = 0; j < x.columns; ++j) greatest = std::max(greatest, x.at(row, j));
  for (int64_t j = 0; j < x.columns; ++j) sum += std::exp(x.at(row, j) - greatest);
  for (int64_t j = 0; j < x.columns; ++j) {
    y[j] = static_cast<float>(std::exp(x.at(row, j) - greatest) / sum);
  }
}

// Inputs: x, labels (one a row, or with label_prob a distribution a row), optional weights of rows.
Status CallSoftmaxWithLoss(CallContext& c) {
  int64_t axis = 1;
  bool distributions = false;
  float scale = 1;
  DOPPIO_RETURN_IF_ERROR(c.args.IntIn("axis", 0, kMaxRank, &axis));
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("label_prob", &distributions));
  DOPPIO_RETURN_IF_ERROR(c.args.Float("scale", &scale));
  Matrix x;
  DOPPIO_RETURN_IF_ERROR(MatrixOf(c, 0, axis, &x));
  Numbers labels;
  Floats targets, weights;
  if (distributions) {
    DOPPIO_ASSIGN_OR_RETURN(targets, FloatsOf(c, 1));
    if (targets.size() != x.values.size()) return WantSameDims(c, 0, 1);
  } else {
    DOPPIO_RETURN_IF_ERROR(LabelsOf(c, 1, x.rows, x.columns, &labels));
  }
  if (c.HasInput(2)) {
    DOPPIO_ASSIGN_OR_RETURN(weights, FloatsOf(c, 2));
    if (static_cast<int64_t>(weights.size()) != x.rows) {
      return InvalidArgument(Cat("there are ", weights.size(), " weights for ", x.rows, " rows"));
    }
  }
  DOPPIO_ASSIGN_OR_RETURN(float* const y, SetFloats(c, 0, c.input(0)->dims));
  double total = 0, mass = 0;
  for (int64_t row = 0; row < x.rows; ++row) {
    float* const p = y + row * x.columns;
    SoftmaxRow(x, row, p);
    double loss = 0;
    if (distributions) {
      for (int64_t j = 0; j < x.columns; ++j) {
        loss += At(targets, row * x.columns + j) * NegativeLog(static_cast<double>(p[j]));
      }
    } else {
      loss = NegativeLog(static_cast<double>(p[labels[static_cast<size_t>(row)]]));
    }
    const double weight = weights.empty() ? 1 : At(weights, row);
    total += weight * loss;
    mass += weight;
  }
  return SetFloat(c, 1, mass > 0 ? static_cast<double>(scale) * total / mass : 0);
}

// --- cross entropies
// -------------------------------------------------------------------------------

Status CallLabelCrossEntropy(CallContext& c) {
  Matrix x;
  Numbers labels;
  DOPPIO_RETURN_IF_ERROR(MatrixOf(c, 0, 1, &x));
  DOPPIO_RETURN_IF_ERROR(LabelsOf(c, 1, x.rows, x.columns, &labels));
  DOPPIO_ASSIGN_OR_RETURN(float* const y, SetFloats(c, 0, {x.rows}));
  for (int64_t row = 0; row < x.rows; ++row) {
    y[row] = static_cast<float>(NegativeLog(x.at(row, labels[static_cast<size_t>(row)])));
  }
  return {};
}

Status CallCrossEntropy(CallContext& c) {
  Matrix x, target;
  DOPPIO_RETURN_IF_ERROR(WantSameDims(c, 0, 1));
  DOPPIO_RETURN_IF_ERROR(MatrixOf(c, 0, 1, &x));
  DOPPIO_RETURN_IF_ERROR(MatrixOf(c, 1, 1, &target));
  DOPPIO_ASSIGN_OR_RETURN(float* const y, SetFloats(c, 0, {x.rows}));
  for (int64_t row = 0; row < x.rows; ++row) {
    double sum = 0;
    for (int64_t j = 0; j < x.columns; ++j) sum += target.at(row, j) * NegativeLog(x.at(row, j));
    y[row] = static_cast<float>(sum);
  }
  return {};
}

// The mean over the last dimension of ln(1 + exp(x)) - t x, written so that it does not overflow.
Status CallSigmoidCrossEntropy(CallContext& c) {
  bool trick = false, unjoined = false;
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("log_D_trick", &trick));
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("unjoined_lr_loss", &unjoined));
  if (trick || unjoined) return Unsupported("arguments log_D_trick and unjoined_lr_loss");
  DOPPIO_RETURN_IF_ERROR(WantSameDims(c, 0, 1));
  const Dims& dims = c.input(0)->dims;
  if (dims.rank() < 1) return InvalidArgument("its logits have no dimensions");
  Matrix x, target;
  DOPPIO_RETURN_IF_ERROR(MatrixOf(c, 0, dims.rank() - 1, &x));
  DOPPIO_RETURN_IF_ERROR(MatrixOf(c, 1, dims.rank() - 1, &target));
  Dims rows = dims;
  rows.erase(dims.rank() - 1);
  DOPPIO_ASSIGN_OR_RETURN(float* const y, SetFloats(c, 0, rows));
  for (int64_t row = 0; row < x.rows; ++row) {
    double sum = 0;
    for (int64_t j = 0; j < x.columns; ++j) {
      const double logit = x.at(row, j);
      sum += std::max(logit, 0.0) - target.at(row, j) * logit +
             std::log1p(std::exp(-std::fabs(logit)));
    }
    y[row] = static_cast<float>(x.columns > 0 ? sum / static_cast<double>(x.columns) : 0);
  }
  return {};
}

// 1 - s where the label is 1, else max(0, s - margin).
Status CallCosineEmbedding(CallContext& c) {
  float margin = 0;
  Numbers labels;
  DOPPIO_RETURN_IF_ERROR(c.args.Float("margin", &margin));
  DOPPIO_RETURN_IF_ERROR(WantSameDims(c, 0, 1));
  DOPPIO_ASSIGN_OR_RETURN(const Floats s, FloatsOf(c, 0));
  DOPPIO_RETURN_IF_ERROR(IntegersOf(c, 1, &labels));
  DOPPIO_ASSIGN_OR_RETURN(float* const y, SetFloats(c, 0, c.input(0)->dims));
  for (size_t i = 0; i < s.size(); ++i) {
    y[i] = labels[i] == 1 ? 1 - s[i] : std::max(0.0f, s[i] - margin);
  }
  return {};
}

// The divergence of Jensen and Shannon between two coins: the entropy of their mean less the mean
// of their entropies.
Status CallBernoulliJsd(CallContext& c) {
  DOPPIO_RETURN_IF_ERROR(WantSameDims(c, 0, 1));
  DOPPIO_ASSIGN_OR_RETURN(const Floats p, FloatsOf(c, 0));
  DOPPIO_ASSIGN_OR_RETURN(const Floats q, FloatsOf(c, 1));
  const auto entropy = [](double x) { return x * NegativeLog(x) + (1 - x) * NegativeLog(1 - x); };
  DOPPIO_ASSIGN_OR_RETURN(float* const y, SetFloats(c, 0, c.input(0)->dims));
  for (size_t i = 0; i < p.size(); ++i) {
    const auto a = static_cast<double>(p[i]), b = static_cast<double>(q[i]);
    y[i] = static_cast<float>(entropy((a + b) / 2) - (entropy(a) + entropy(b)) / 2);
  }
  return {};
}

// --- measures
// --------------------------------------------------------------------------------------

Status CallAveragedLoss(CallContext& c) {
  DOPPIO_ASSIGN_OR_RETURN(const Floats x, FloatsOf(c, 0));
  double sum = 0;
  for (const float value : x) sum += static_cast<double>(value);
  return SetFloat(c, 0, x.empty() ? 0 : sum / static_cast<double>(x.size()));
}

// The inverse of the geometric mean.
Status CallPerplexity(CallContext& c) {
  DOPPIO_ASSIGN_OR_RETURN(const Floats x, FloatsOf(c, 0));
  double sum = 0;
  for (const float value : x) sum += std::log(static_cast<double>(value));
  return SetFloat(c, 0, x.empty() ? 1 : std::exp(-sum / static_cast<double>(x.size())));
}

// The share of rows whose label is among the top_k greatest; of equal ones the first counts.
Status CallAccuracy(CallContext& c) {
  int64_t top = 1;
  Matrix x;
  Numbers labels;
  DOPPIO_RETURN_IF_ERROR(c.args.IntIn("top_k", 1, INT32_MAX, &top));
  DOPPIO_RETURN_IF_ERROR(WantRank(c, 0, 2));
  DOPPIO_RETURN_IF_ERROR(MatrixOf(c, 0, 1, &x));
  DOPPIO_RETURN_IF_ERROR(LabelsOf(c, 1, x.rows, x.columns, &labels));
  int64_t right = 0;
  for (int64_t row = 0; row < x.rows; ++row) {
    const int64_t label = labels[static_cast<size_t>(row)];
    int64_t before = 0;
    for (int64_t j = 0; j < x.columns; ++j) {
      const double value = x.at(row, j), own = x.at(row, label);
      before += value > own || (value == own && j < label);
    }
    right += before < top;
  }
  return SetFloat(c, 0, x.rows > 0 ? static_cast<double>(right) / static_cast<double>(x.rows) : 0);
}

// p becomes [1 - p, p].
Status CallMakeTwoClass(CallContext& c) {
  DOPPIO_ASSIGN_OR_RETURN(const Floats x, FloatsOf(c, 0));
  DOPPIO_ASSIGN_OR_RETURN(float* const y, SetFloats(c, 0, {static_cast<int64_t>(x.size()), 2}));
  for (size_t i = 0; i < x.size(); ++i) {
    y[2 * i] = 1 - x[i];
    y[2 * i + 1] = x[i];
  }
  return {};
}

constexpr ArgSpec kSoftmaxArgs[] = {{"axis", ArgKind::kInt, 1},
                                    {"scale", ArgKind::kFloat, 1},
                                    {"label_prob", ArgKind::kInt},
                                    {"only_loss", ArgKind::kInt},
                                    {"order", ArgKind::kString, 0, "NCHW"}};
constexpr ArgSpec kSigmoidArgs[] = {{"log_D_trick", ArgKind::kInt},
                                    {"unjoined_lr_loss", ArgKind::kInt}};
constexpr ArgSpec kMarginArgs[] = {{"margin", ArgKind::kFloat, 0, "", true}};
constexpr ArgSpec kTopArgs[] = {{"top_k", ArgKind::kInt, 1}};

constexpr Operator Row(std::string_view type, const Counts& counts, Status (*call)(CallContext&),
                       std::span<const ArgSpec> args, const char* summary) {
  return CalledRow(type, counts, InferTypes<kFloat>, call, args, summary);
}

}  // namespace

const Operator kSoftmaxWithLoss =
    Row("SoftmaxWithLoss", {2, 3, 2, 2}, CallSoftmaxWithLoss, kSoftmaxArgs,
        "softmax, and the mean cross entropy with labels");
const Operator kLabelCrossEntropy = Row("LabelCrossEntropy", {2, 2}, CallLabelCrossEntropy, {},
                                        "-ln of the probability that each row gives its label");
const Operator kCrossEntropy =
    Row("CrossEntropy", {2, 2}, CallCrossEntropy, {}, "cross entropy of two distributions a row");
const Operator kSigmoidCrossEntropyWithLogits =
    Row("SigmoidCrossEntropyWithLogits", {2, 2}, CallSigmoidCrossEntropy, kSigmoidArgs,
        "the mean cross entropy of sigmoids a row");
const Operator kCosineEmbeddingCriterion =
    Row("CosineEmbeddingCriterion", {2, 2}, CallCosineEmbedding, kMarginArgs,
        "the loss of similarities that should be 1, or below a margin");
const Operator kBernoulliJsd =
    Row("BernoulliJSD", {2, 2}, CallBernoulliJsd, {}, "Jensen-Shannon divergence of two coins");
const Operator kAveragedLoss = Row("AveragedLoss", {}, CallAveragedLoss, {}, "the mean of all");
const Operator kPerplexity =
    Row("Perplexity", {}, CallPerplexity, {}, "the inverse of the geometric mean");
const Operator kAccuracy =
    Row("Accuracy", {2, 2}, CallAccuracy, kTopArgs, "the share of labels among the top k");
const Operator kMakeTwoClass =
    Row("MakeTwoClass", {}, CallMakeTwoClass, {}, "a probability and what it lacks to 1");

}  // namespace doppio::operators
