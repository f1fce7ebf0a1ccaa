#include "kernels/reference/unary_function.h"

#include <algorithm>
#include <cmath>

namespace doppio::kernels::reference {
namespace {

double Softplus(double x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }

double Sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// NaN stays NaN.
double Clip(double x, double low, double high) {
  if (x < low) x = low;
  return x > high ? high : x;
}

double Gelu(double x) { return x / 2 * (1 + std::erf(x / std::sqrt(2.0))); }

double GeluTanh(double x) {
  constexpr double kSqrtTwoOverPi = 0.79788456080286535588;
  return x / 2 * (1 + std::tanh(kSqrtTwoOverPi * (x + 0.044715 * x * x * x)));
}

double Sign(double x) { return x > 0 ? 1 : x < 0 ? -1 : x; }

double Shrink(double x, double a, double b) {
  return x < -a ? x + b : x > a ? x - b : x != x ? x : 0;
}

double Celu(double x, double a) { return x > 0 ? x : a * std::expm1(x / a); }

double Selu(double x, double a, double b) { return x <= 0 ? b * (a * std::exp(x) - a) : b * x; }

// The activations of networks.
double Activation(UnaryOp op, double a, double b, double x) {
  switch (op) {
    case UnaryOp::kRelu:
      return x < 0 ? 0 : x;
    case UnaryOp::kClip:
      return Clip(x, a, b);
    case UnaryOp::kLeakyRelu:
      return x < 0 ? a * x : x;
    case UnaryOp::kElu:
      return x < 0 ? a * std::expm1(x) : x;
    case UnaryOp::kSelu:
      return Selu(x, a, b);
    case UnaryOp::kCelu:
      return Celu(x, a);
    case UnaryOp::kThresholdedRelu:
      return x > a ? x : 0;
    case UnaryOp::kSigmoid:
      return Sigmoid(x);
    case UnaryOp::kHardSigmoid:
      return Clip(a * x + b, 0, 1);
    case UnaryOp::kHardSwish:
      return x * Clip(x / 6 + 0.5, 0, 1);
    case UnaryOp::kSilu:
      return x * Sigmoid(a * x);
    case UnaryOp::kMish:
      return x * std::tanh(Softplus(x));
    case UnaryOp::kGelu:
      return Gelu(x);
    case UnaryOp::kGeluTanh:
      return GeluTanh(x);
    case UnaryOp::kSoftplus:
      return Softplus(x);
    case UnaryOp::kSoftsign:
      return x / (1 + std::fabs(x));
    case UnaryOp::kShrink:
      return Shrink(x, a, b);
    default:
      return x;
  }
}

// The functions of a pocket calculator.
double Elementary(UnaryOp op, double a, double b, double x) {
  switch (op) {
    case UnaryOp::kTanh:
      return std::tanh(x);
    case UnaryOp::kExp:
      return std::exp(x);
    case UnaryOp::kLog:
      return std::log(x);
    case UnaryOp::kSqrt:
      return std::sqrt(x);
    case UnaryOp::kRsqrt:
      return 1 / std::sqrt(x);
    case UnaryOp::kCbrt:
      return std::cbrt(x);
    case UnaryOp::kReciprocal:
      return 1 / x;
    case UnaryOp::kSquare:
      return x * x;
    case UnaryOp::kCube:
      return x * x * x;
    case UnaryOp::kAbs:
      return std::fabs(x);
    case UnaryOp::kNeg:
      return -x;
    case UnaryOp::kSign:
      return Sign(x);
    case UnaryOp::kFloor:
      return std::floor(x);
    case UnaryOp::kCeil:
      return std::ceil(x);
    case UnaryOp::kRound:
      return std::nearbyint(x);
    case UnaryOp::kErf:
      return std::erf(x);
    case UnaryOp::kSin:
      return std::sin(x);
    case UnaryOp::kCos:
      return std::cos(x);
    case UnaryOp::kTan:
      return std::tan(x);
    case UnaryOp::kAsin:
      return std::asin(x);
    case UnaryOp::kAcos:
      return std::acos(x);
    case UnaryOp::kAtan:
      return std::atan(x);
    case UnaryOp::kSinh:
      return std::sinh(x);
    case UnaryOp::kCosh:
      return std::cosh(x);
    case UnaryOp::kAsinh:
      return std::asinh(x);
    case UnaryOp::kAcosh:
      return std::acosh(x);
    case UnaryOp::kAtanh:
      return std::atanh(x);
    case UnaryOp::kScale:
      return a * x + b;
    case UnaryOp::kPowScalar:
      return std::pow(x, a);
    default:
      return x;
  }
}

}  // namespace

double EvaluateUnary(UnaryOp op, double a, double b, double x) {
  if (op == UnaryOp::kIdentity) return x;
  return op < UnaryOp::kTanh ? Activation(op, a, b, x) : Elementary(op, a, b, x);
}

bool IsFloatFunction(UnaryOp op) { return op < UnaryOp::kNot; }

}  // namespace doppio::kernels::reference
