// UnaryOp: the element-wise functions of one value, shared by UnaryProblem and by the epilogues of
// convolutions and products.
#pragma once

#include <cstdint>

namespace doppio::kernels {

// `a` and `b` are the parameters `alpha` and `beta` of the problem.
enum class UnaryOp : uint8_t {
  kIdentity,
  kRelu,             // max(x, 0)
  kClip,             // min(max(x, a), b); NaN stays NaN
  kLeakyRelu,        // x < 0 ? a x : x
  kElu,              // x < 0 ? a (exp(x) - 1) : x
  kSelu,             // x <= 0 ? b (a exp(x) - a) : b x    (a = alpha, b = gamma)
  kCelu,             // max(x, 0) + min(0, a (exp(x / a) - 1))
  kThresholdedRelu,  // x > a ? x : 0
  kSigmoid,          // 1 / (1 + exp(-x))
  kHardSigmoid,      // clamp(a x + b, 0, 1)
  kHardSwish,        // x clamp(x / 6 + 1/2, 0, 1)
  kSilu,             // x sigmoid(a x)   (a = 1: SiLU)
  kMish,             // x tanh(softplus(x))
  kGelu,             // x/2 (1 + erf(x / sqrt 2))
  kGeluTanh,         // x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
  kSoftplus,         // ln(1 + exp(x))
  kSoftsign,         // x / (1 + |x|)
  kShrink,           // x < -a ? x + b : x > a ? x - b : 0
  kTanh,
  kExp,
  kLog,
  kSqrt,
  kRsqrt,
  kCbrt,
  kReciprocal,
  kSquare,
  kCube,
  kAbs,
  kNeg,
  kSign,
  kFloor,
  kCeil,
  kRound,  // half to even
  kErf,
  kSin,
  kCos,
  kTan,
  kAsin,
  kAcos,
  kAtan,
  kSinh,
  kCosh,
  kAsinh,
  kAcosh,
  kAtanh,
  kScale,       // a x + b
  kPowScalar,   // x ^ a
  kNot,         // bool
  kBitwiseNot,  // integers
  kIsNan,       // floats -> bool
  kIsInf,       // floats -> bool; a != 0: +inf counts, b != 0: -inf counts
  kCount,
};

}  // namespace doppio::kernels
