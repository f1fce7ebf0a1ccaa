// SVMClassifier and SVMRegressor of domain ai.onnx.ml: support vector machines as libsvm trains
// them, and the linear ones of liblinear, which have no support vectors.
#include <algorithm>
#include <cmath>

#include "base/checked.h"
#include "runtime/operators/class_labels.h"
#include "runtime/operators/feature_rows.h"
#include "runtime/operators/rows.h"

namespace doppio::operators {
namespace {

using base::Cat;
using base::Quoted;
using kernels::ScoreTransform;

enum class SvmKernel : uint8_t { kLinear, kPoly, kRbf, kSigmoid };

// What both operators say alike.
struct Svm {
  SvmKernel kernel = SvmKernel::kLinear;
  double gamma = 0, coef0 = 0, degree = 0;
  std::span<const float> coefficients, vectors, rho;
  int64_t vector_count = 0;
  ScoreTransform transform = ScoreTransform::kNone;

  // K(row, vector).
  double Kernel(std::span<const double> row, const float* vector) const {
    double sum = 0;
    for (size_t f = 0; f < row.size(); ++f) {
      const double other = static_cast<double>(vector[f]);
      sum += kernel == SvmKernel::kRbf ? (row[f] - other) * (row[f] - other) : row[f] * other;
    }
    switch (kernel) {
      case SvmKernel::kPoly:
        return std::pow(gamma * sum + coef0, degree);
      case SvmKernel::kRbf:
        return std::exp(-gamma * sum);
      case SvmKernel::kSigmoid:
        return std::tanh(gamma * sum + coef0);
      case SvmKernel::kLinear:
        break;
    }
    return sum;
  }
};

Status WantCount(const char* what, size_t size, int64_t wanted) {
  if (static_cast<int64_t>(size) == wanted) return {};
  return InvalidArgument(Cat("it has ", size, " ", what, "; it must have ", wanted));
}

Status ReadSvm(const ArgReader& args, int64_t vector_count, Svm* svm) {
  constexpr std::string_view kNames[] = {"LINEAR", "POLY", "RBF", "SIGMOID"};
  std::string_view name;
  DOPPIO_RETURN_IF_ERROR(args.Text("kernel_type", &name));
  const auto found = std::find(std::begin(kNames), std::end(kNames), name);
  if (found == std::end(kNames)) {
    return InvalidArgument(Cat("kernel_type ", Quoted(name), " is unknown"));
  }
  svm->kernel = static_cast<SvmKernel>(found - std::begin(kNames));
  const auto params = args.Floats("kernel_params");
  if (!params.empty()) {
    DOPPIO_RETURN_IF_ERROR(WantCount("kernel parameters", params.size(), 3));
    svm->gamma = static_cast<double>(params[0]);
    svm->coef0 = static_cast<double>(params[1]);
    svm->degree = static_cast<double>(params[2]);
  }
  svm->coefficients = args.Floats("coefficients");
  svm->vectors = args.Floats("support_vectors");
  svm->rho = args.Floats("rho");
  svm->vector_count = vector_count;
  if (svm->coefficients.empty()) return InvalidArgument("argument 'coefficients' is empty");
  if (svm->rho.empty()) return InvalidArgument("argument 'rho' is empty");
  // Without support vectors the coefficients are those of the features.
  if (vector_count == 0) svm->kernel = SvmKernel::kLinear;
  return ReadTransform(args, &svm->transform);
}

// The lists that go by features. `rows` of coefficients where there are no support vectors.
Status CheckFeatures(const Svm& svm, int64_t rows, int64_t features) {
  int64_t wanted = 0;
  const int64_t count = svm.vector_count > 0 ? svm.vector_count : rows;
  if (!base::CheckedMul(count, features, &wanted)) {
    return InvalidArgument("there are too many features");
  }
  return svm.vector_count > 0 ? WantCount("values of support vectors", svm.vectors.size(), wanted)
                              : WantCount("coefficients", svm.coefficients.size(), wanted);
}

// --- SVMRegressor
// -----------------------------------------------------------------------------------------------

Status ReadRegressor(const ArgReader& args, Svm* svm, bool* one_class) {
  int64_t supports = 0;
  DOPPIO_RETURN_IF_ERROR(args.IntIn("n_supports", 0, INT32_MAX, &supports));
  DOPPIO_RETURN_IF_ERROR(args.Bool("one_class", one_class));
  DOPPIO_RETURN_IF_ERROR(ReadSvm(args, supports, svm));
  return supports == 0 ? Status() : WantCount("coefficients", svm->coefficients.size(), supports);
}

Status InferRegressor(InferContext& c) {
  Svm svm;
  bool one_class = false;
  Dim rows, features;
  DOPPIO_RETURN_IF_ERROR(InferFeatureRows(c, &rows, &features));
  DOPPIO_RETURN_IF_ERROR(ReadRegressor(c.args, &svm, &one_class));
  if (features.known()) DOPPIO_RETURN_IF_ERROR(CheckFeatures(svm, 1, features.value()));
  Shape y;
  y.push_back(rows);
  y.push_back(Dim(1));
  c.Set(0, ElementType::kFloat, y);
  return {};
}

Status CallRegressor(CallContext& c) {
  Svm svm;
  bool one_class = false;
  FeatureRows x;
  DOPPIO_RETURN_IF_ERROR(x.Read(c));
  DOPPIO_RETURN_IF_ERROR(ReadRegressor(c.args, &svm, &one_class));
  DOPPIO_RETURN_IF_ERROR(CheckFeatures(svm, 1, x.features));
  DOPPIO_ASSIGN_OR_RETURN(void* data, c.SetTensor(0, ElementType::kFloat, {x.rows, 1}));
  for (int64_t i = 0; i < x.rows; ++i) {
    const std::span<const double> row = x.Row(i);
    double sum = svm.vector_count == 0 ? svm.Kernel(row, svm.coefficients.data()) : 0;
    for (int64_t v = 0; v < svm.vector_count; ++v) {
      sum += static_cast<double>(svm.coefficients[static_cast<size_t>(v)]) *
             svm.Kernel(row, svm.vectors.data() + v * x.features);
    }
    sum += static_cast<double>(svm.rho[0]);
    static_cast<float*>(data)[i] = one_class ? (sum > 0 ? 1.0f : -1.0f) : static_cast<float>(sum);
  }
  return {};
}

// --- SVMClassifier
// -----------------------------------------------------------------------------------------------

struct SvmClassifier {
  Svm svm;
  ClassLabels labels;
  std::span<const int64_t> vectors_per_class;
  std::span<const float> prob_a, prob_b;
  bool all_positive = false;

  int64_t classes() const { return static_cast<int64_t>(labels.named()); }
  int64_t pairs() const { return classes() * (classes() - 1) / 2; }
  bool linear() const { return svm.vector_count == 0; }
  // Scores of a row: one a class where they are probabilities or linear functions, else one a pair
  // of classes; two for two classes.
  int64_t columns() const {
    return linear() || !prob_a.empty() || classes() == 2 ? classes() : pairs();
  }
};

Status ReadClassifier(const ArgReader& args, SvmClassifier* model) {
  constexpr int64_t kMostClasses = 65535;
  DOPPIO_RETURN_IF_ERROR(model->labels.Read(args, "classlabels_ints"));
  model->vectors_per_class = args.Ints("vectors_per_class");
  model->prob_a = args.Floats("prob_a");
  model->prob_b = args.Floats("prob_b");
  int64_t vectors = 0;
  for (const int64_t count : model->vectors_per_class) {
    if (count < 0 || count > INT32_MAX || !base::CheckedAdd(vectors, count, &vectors)) {
      return InvalidArgument(Cat("a class has ", count, " support vectors"));
    }
  }
  DOPPIO_RETURN_IF_ERROR(ReadSvm(args, vectors, &model->svm));
  model->all_positive = std::all_of(model->svm.coefficients.begin(), model->svm.coefficients.end(),
                                    [](float value) { return value >= 0; });
  const int64_t classes = model->classes();
  if (classes < 2 || classes > kMostClasses) {
    return InvalidArgument(
        Cat("it has ", classes, " classes; between 2 and ", kMostClasses, " are possible"));
  }
  if (model->linear()) return {};
  int64_t coefficients = 0;
  if (!base::CheckedMul(classes - 1, vectors, &coefficients)) {
    return InvalidArgument("it has too many support vectors");
  }
  DOPPIO_RETURN_IF_ERROR(
      WantCount("entries in 'vectors_per_class'", model->vectors_per_class.size(), classes));
  DOPPIO_RETURN_IF_ERROR(WantCount("coefficients", model->svm.coefficients.size(), coefficients));
  DOPPIO_RETURN_IF_ERROR(WantCount("entries in 'rho'", model->svm.rho.size(), model->pairs()));
  if (model->prob_a.empty() && model->prob_b.empty()) return {};
  DOPPIO_RETURN_IF_ERROR(WantCount("entries in 'prob_a'", model->prob_a.size(), model->pairs()));
  return WantCount("entries in 'prob_b'", model->prob_b.size(), model->pairs());
}

Status InferClassifier(InferContext& c) {
  SvmClassifier model;
  Dim row_count, features;
  DOPPIO_RETURN_IF_ERROR(InferFeatureRows(c, &row_count, &features));
  DOPPIO_RETURN_IF_ERROR(ReadClassifier(c.args, &model));
  if (features.known()) {
    DOPPIO_RETURN_IF_ERROR(CheckFeatures(model.svm, model.classes(), features.value()));
  }
  Shape rows, scores;
  rows.push_back(row_count);
  scores.push_back(row_count);
  scores.push_back(Dim(model.columns()));
  c.Set(0, model.labels.type(), rows);
  c.Set(1, ElementType::kFloat, scores);
  return {};
}

// Probabilities p of classes from those of pairs: r(i, j) that it is i when it is i or j. The
// second method of Wu, Lin and Weng, "Probability Estimates for Multi-class Classification by
// Pairwise Coupling" (2004), algorithm 2: minimises sum over i, j of (r(j, i) p(i) - r(i, j)
// p(j))^2 by one coordinate after the other.
struct PairwiseCoupling {
  int64_t classes;
  base::Array<double> r, q, qp;  // [classes, classes], [classes, classes], [classes]

  Status Prepare(int64_t count) {
    classes = count;
    const auto square = static_cast<size_t>(count * count);
    DOPPIO_RETURN_IF_ERROR(r.Resize(square));
    DOPPIO_RETURN_IF_ERROR(q.Resize(square));
    return qp.Resize(static_cast<size_t>(count));
  }

  double& At(base::Array<double>& matrix, int64_t i, int64_t j) {
    return matrix[static_cast<size_t>(i * classes + j)];
  }

  void Solve(std::span<double> p) {
    const auto size = [](int64_t i) { return static_cast<size_t>(i); };
    for (int64_t i = 0; i < classes; ++i) {
      p[size(i)] = 1 / static_cast<double>(classes);
      double diagonal = 0;
      for (int64_t j = 0; j < classes; ++j) {
        if (j == i) continue;
        diagonal += At(r, j, i) * At(r, j, i);
        At(q, i, j) = -At(r, j, i) * At(r, i, j);
      }
      At(q, i, i) = diagonal;
    }
    const double enough = 0.005 / static_cast<double>(classes);
    for (int round = 0; round < 100; ++round) {
      double pqp = 0, worst = 0;
      for (int64_t i = 0; i < classes; ++i) {
        double sum = 0;
        for (int64_t j = 0; j < classes; ++j) sum += At(q, i, j) * p[size(j)];
        qp[size(i)] = sum;
        pqp += p[size(i)] * sum;
      }
      for (int64_t i = 0; i < classes; ++i) worst = std::max(worst, std::fabs(qp[size(i)] - pqp));
      if (worst < enough) return;
      for (int64_t i = 0; i < classes; ++i) {
        const double step = (pqp - qp[size(i)]) / At(q, i, i), scale = 1 + step;
        p[size(i)] += step;
        pqp = (pqp + step * (step * At(q, i, i) + 2 * qp[size(i)])) / scale / scale;
        for (int64_t j = 0; j < classes; ++j) {
          qp[size(j)] = (qp[size(j)] + step * At(q, i, j)) / scale;
          p[size(j)] /= scale;
        }
      }
    }
  }
};

// What is needed for one row after the other.
struct SvmWork {
  base::Array<double> kernels, decisions, scores;
  base::Array<int64_t> votes;
  PairwiseCoupling coupling;
};

// Each pair of classes decides by the vectors of both; a vector of class i has its coefficient
// against class j in row j, or j - 1 behind its own.
void DecidePairs(const SvmClassifier& model, SvmWork* work) {
  const int64_t classes = model.classes(), vectors = model.svm.vector_count;
  std::fill(work->votes.begin(), work->votes.end(), 0);
  const auto part = [&](int64_t row, int64_t begin, int64_t count) {
    const float* coefficients = model.svm.coefficients.data() + row * vectors;
    double sum = 0;
    for (int64_t v = begin; v < begin + count; ++v) {
      sum += static_cast<double>(coefficients[v]) * work->kernels[static_cast<size_t>(v)];
    }
    return sum;
  };
  size_t pair = 0;
  int64_t begin_i = 0;
  for (int64_t i = 0; i < classes; ++i) {
    const int64_t count_i = model.vectors_per_class[static_cast<size_t>(i)];
    int64_t begin_j = begin_i + count_i;
    for (int64_t j = i + 1; j < classes; ++j, ++pair) {
      const int64_t count_j = model.vectors_per_class[static_cast<size_t>(j)];
      const double sum = part(j - 1, begin_i, count_i) + part(i, begin_j, count_j) +
                         static_cast<double>(model.svm.rho[pair]);
      work->decisions[pair] = sum;
      ++work->votes[static_cast<size_t>(sum > 0 ? i : j)];
      begin_j += count_j;
    }
    begin_i += count_i;
  }
}

void CouplePairs(const SvmClassifier& model, SvmWork* work) {
  constexpr double kLeast = 1e-7;  // nothing is certain
  size_t pair = 0;
  for (int64_t i = 0; i < model.classes(); ++i) {
    for (int64_t j = i + 1; j < model.classes(); ++j, ++pair) {
      const double a = static_cast<double>(model.prob_a[pair]);
      const double b = static_cast<double>(model.prob_b[pair]);
      const double yes = 1 - kernels::Logistic(work->decisions[pair] * a + b);
      const double kept = std::clamp(yes, kLeast, 1 - kLeast);
      work->coupling.At(work->coupling.r, i, j) = kept;
      work->coupling.At(work->coupling.r, j, i) = 1 - kept;
    }
  }
  work->coupling.Solve(work->scores.span());
}

// The class of a row; its scores stand in `work`.
size_t ClassifyLinear(const SvmClassifier& model, std::span<const double> row, SvmWork* work) {
  base::Array<double>& scores = work->scores;
  for (size_t k = 0; k < scores.size(); ++k) {
    scores[k] = model.svm.Kernel(row, model.svm.coefficients.data() + k * row.size()) +
                static_cast<double>(model.svm.rho[0]);
  }
  const double* most = std::max_element(scores.begin(), scores.end());
  // Of two classes the second is taken as soon as a score says yes.
  const bool yes = model.all_positive ? *most >= 0.5 : *most > 0;
  const bool two = model.classes() == 2 && model.prob_a.empty();
  const size_t best = two && yes ? 1 : static_cast<size_t>(most - scores.begin());
  kernels::TransformScores(model.svm.transform, scores.span());
  return best;
}

size_t ClassifyByVectors(const SvmClassifier& model, std::span<const double> row, SvmWork* work) {
  for (size_t v = 0; v < work->kernels.size(); ++v) {
    work->kernels[v] = model.svm.Kernel(row, model.svm.vectors.data() + v * row.size());
  }
  DecidePairs(model, work);
  const ScoreTransform transform = model.svm.transform;
  if (!model.prob_a.empty()) {
    CouplePairs(model, work);
    kernels::TransformScores(transform, work->scores.span());
  } else if (model.classes() == 2) {
    work->scores[1] = work->decisions[0];
    const bool plain = transform == ScoreTransform::kNone;
    kernels::AddSecondScore(
        plain ? kernels::SecondScore::kOpposite : kernels::SecondScore::kComplement, transform,
        work->scores.data());
  } else {
    std::copy(work->decisions.begin(), work->decisions.end(), work->scores.begin());
    kernels::TransformScores(transform, work->scores.span());
  }
  const auto& votes = work->votes;
  return static_cast<size_t>(std::max_element(votes.begin(), votes.end()) - votes.begin());
}

Status CallClassifier(CallContext& c) {
  SvmClassifier model;
  FeatureRows x;
  SvmWork work;
  DOPPIO_RETURN_IF_ERROR(x.Read(c));
  DOPPIO_RETURN_IF_ERROR(ReadClassifier(c.args, &model));
  DOPPIO_RETURN_IF_ERROR(CheckFeatures(model.svm, model.classes(), x.features));
  const int64_t columns = model.columns();
  DOPPIO_RETURN_IF_ERROR(work.scores.Resize(static_cast<size_t>(columns)));
  if (!model.linear()) {
    DOPPIO_RETURN_IF_ERROR(work.kernels.Resize(static_cast<size_t>(model.svm.vector_count)));
    DOPPIO_RETURN_IF_ERROR(work.decisions.Resize(static_cast<size_t>(model.pairs())));
    DOPPIO_RETURN_IF_ERROR(work.votes.Resize(static_cast<size_t>(model.classes())));
  }
  if (!model.prob_a.empty()) DOPPIO_RETURN_IF_ERROR(work.coupling.Prepare(model.classes()));
  DOPPIO_ASSIGN_OR_RETURN(HostValue chosen, c.NewTensor(model.labels.type(), {x.rows}));
  DOPPIO_ASSIGN_OR_RETURN(HostValue all_scores,
                          c.NewTensor(ElementType::kFloat, {x.rows, columns}));
  float* scores = all_scores.memory->as<float>();
  for (int64_t i = 0; i < x.rows; ++i) {
    const std::span<const double> row = x.Row(i);
    const size_t best =
        model.linear() ? ClassifyLinear(model, row, &work) : ClassifyByVectors(model, row, &work);
    model.labels.Write(best, static_cast<size_t>(i), chosen.memory->data());
    for (const double score : work.scores) *scores++ = static_cast<float>(score);
  }
  c.Set(0, std::move(chosen));
  c.Set(1, std::move(all_scores));
  return {};
}

constexpr ArgSpec kSvmArgs[] = {{"coefficients", ArgKind::kFloats},
                                {"kernel_params", ArgKind::kFloats},
                                {"kernel_type", ArgKind::kString, 0, "LINEAR"},
                                {"post_transform", ArgKind::kString, 0, "NONE"},
                                {"rho", ArgKind::kFloats},
                                {"support_vectors", ArgKind::kFloats}};
constexpr ArgSpec kOwnClassifierArgs[] = {{"classlabels_ints", ArgKind::kInts},
                                          {"classlabels_strings", ArgKind::kStrings},
                                          {"prob_a", ArgKind::kFloats},
                                          {"prob_b", ArgKind::kFloats},
                                          {"vectors_per_class", ArgKind::kInts}};
constexpr ArgSpec kOwnRegressorArgs[] = {{"n_supports", ArgKind::kInt, 0},
                                         {"one_class", ArgKind::kInt, 0}};
constexpr auto kClassifierArgs = JoinArgs(kSvmArgs, kOwnClassifierArgs);
constexpr auto kRegressorArgs = JoinArgs(kSvmArgs, kOwnRegressorArgs);

}  // namespace

const Operator kMlSvmClassifier = {.domain = "ai.onnx.ml",
                                   .type = "SVMClassifier",
                                   .min_inputs = 1,
                                   .max_inputs = 1,
                                   .min_outputs = 1,
                                   .max_outputs = 2,
                                   .layout = LayoutTrait::kRowMajor,
                                   .flags = kPlain,
                                   .infer = InferClassifier,
                                   .lower = nullptr,
                                   .args = kClassifierArgs,
                                   .summary = "the class that a support vector machine chooses",
                                   .call = CallClassifier};
const Operator kMlSvmRegressor = {.domain = "ai.onnx.ml",
                                  .type = "SVMRegressor",
                                  .min_inputs = 1,
                                  .max_inputs = 1,
                                  .min_outputs = 1,
                                  .max_outputs = 1,
                                  .layout = LayoutTrait::kRowMajor,
                                  .flags = kPlain,
                                  .infer = InferRegressor,
                                  .lower = nullptr,
                                  .args = kRegressorArgs,
                                  .summary = "the value that a support vector machine gives",
                                  .call = CallRegressor};

}  // namespace doppio::operators
