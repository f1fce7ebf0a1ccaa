// ScoreTransform: what models of classical machine learning do to the scores of one row before they
// give them out (ONNX: post_transform).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>

namespace doppio::kernels {

enum class ScoreTransform : uint8_t { kNone, kLogistic, kSoftmax, kSoftmaxZero, kProbit };

// Without overflow for any x.
inline double Logistic(double x) {
  const double positive = 1 / (1 + std::exp(-std::fabs(x)));
  return x < 0 ? 1 - positive : positive;
}

// Winitzki's approximation of the inverse error function (a = 0.147), which is what users of ONNX
// compare with: ONNX's own implementation and ONNX Runtime both use it.
inline double Probit(double x) {
  constexpr double kA = 0.147, kPi = 3.14159, kSqrt2 = 1.41421356;
  const double y = 2 * x - 1;
  const double log = std::log((1 - y) * (1 + y));
  const double v = 2 / (kPi * kA) + 0.5 * log;
  return kSqrt2 * (y < 0 ? -1 : 1) * std::sqrt(std::sqrt(v * v - log / kA) - v);
}

// Scores of one row, in place. kSoftmaxZero leaves zeros out of the softmax.
inline void TransformScores(ScoreTransform transform, std::span<double> scores) {
  if (transform == ScoreTransform::kLogistic) {
    for (double& score : scores) score = Logistic(score);
  } else if (transform == ScoreTransform::kProbit) {
    for (double& score : scores) score = Probit(score);
  } else if (transform != ScoreTransform::kNone) {
    const bool zeros_stay = transform == ScoreTransform::kSoftmaxZero;
    constexpr double kZero = 1e-7;
    double most = -std::numeric_limits<double>::infinity(), sum = 0;
    for (const double score : scores) most = std::max(most, score);
    for (double& score : scores) {
      if (zeros_stay && std::fabs(score) <= kZero) {
        score *= std::exp(-most);
      } else {
        score = std::exp(score - most);
        sum += score;
      }
    }
    for (double& score : scores) score = sum > 0 ? score / sum : score;
  }
}

// The same for the targets of a regression. One target alone only knows the probit: that is how
// ONNX Runtime reads ONNX, which leaves it open.
inline void TransformTargets(ScoreTransform transform, std::span<double> scores) {
  if (scores.size() > 1 || transform == ScoreTransform::kProbit) {
    TransformScores(transform, scores);
  }
}

// How the one score of a model of two classes becomes two.
enum class SecondScore : uint8_t {
  kComplement,  // 1 - p, p
  kOpposite,    // -s, s, or the logistic function of both
};

// `scores` are two, of which [1] is given. A softmax has nothing to do where one follows from the
// other.
inline void AddSecondScore(SecondScore second, ScoreTransform transform, double* scores) {
  if (transform == ScoreTransform::kProbit) scores[1] = Probit(scores[1]);
  const bool complement =
      second == SecondScore::kComplement && transform != ScoreTransform::kLogistic;
  scores[0] = complement ? 1 - scores[1] : -scores[1];
  if (transform == ScoreTransform::kLogistic) TransformScores(transform, {scores, 2});
}

}  // namespace doppio::kernels
