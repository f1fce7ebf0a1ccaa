#include "runtime/operators/activation.h"

#include <cmath>
#include <limits>

#include "base/half.h"

namespace doppio::operators {
namespace {

using graph::Constant;
using graph::Node;
using kernels::UnaryOp;

// Names of the arguments that hold alpha and beta; null where the function has none. Fixed values
// of parameters that no argument holds.
struct Function {
  std::string_view type;
  UnaryOp op;
  const char* alpha = nullptr;
  const char* beta = nullptr;
  double fixed_alpha = 0, fixed_beta = 0;
};

// Functions that are spelled alike in both dialects.
constexpr Function kBoth[] = {
    {"Abs", UnaryOp::kAbs},           {"Acos", UnaryOp::kAcos},
    {"Asin", UnaryOp::kAsin},         {"Atan", UnaryOp::kAtan},
    {"Ceil", UnaryOp::kCeil},         {"Cos", UnaryOp::kCos},
    {"Cosh", UnaryOp::kCosh},         {"Elu", UnaryOp::kElu, "alpha"},
    {"Erf", UnaryOp::kErf},           {"Exp", UnaryOp::kExp},
    {"Floor", UnaryOp::kFloor},       {"HardSigmoid", UnaryOp::kHardSigmoid, "alpha", "beta"},
    {"IsNaN", UnaryOp::kIsNan},       {"LeakyRelu", UnaryOp::kLeakyRelu, "alpha"},
    {"Log", UnaryOp::kLog},           {"Not", UnaryOp::kNot},
    {"Relu", UnaryOp::kRelu},         {"Reciprocal", UnaryOp::kReciprocal},
    {"Sigmoid", UnaryOp::kSigmoid},   {"Sign", UnaryOp::kSign},
    {"Sin", UnaryOp::kSin},           {"Sinh", UnaryOp::kSinh},
    {"Softplus", UnaryOp::kSoftplus}, {"Softsign", UnaryOp::kSoftsign},
    {"Sqrt", UnaryOp::kSqrt},         {"Tan", UnaryOp::kTan},
    {"Tanh", UnaryOp::kTanh},         {"ThresholdedRelu", UnaryOp::kThresholdedRelu, "alpha"},
};

constexpr Function kCaffe2[] = {
    {"Cbrt", UnaryOp::kCbrt},
    {"Clip", UnaryOp::kClip, "min", "max"},
    {"EnsureClipped", UnaryOp::kClip, "min", "max"},
    {"Cube", UnaryOp::kCube},
    {"Negative", UnaryOp::kNeg},
    {"ReluN", UnaryOp::kClip, nullptr, "n"},
    {"Rsqrt", UnaryOp::kRsqrt},
    {"Scale", UnaryOp::kScale, "scale"},
    {"Selu", UnaryOp::kSelu, "alpha", "scale"},
    {"Sqr", UnaryOp::kSquare},
    {"Swish", UnaryOp::kSilu, nullptr, nullptr, 1},
};

constexpr Function kOnnx[] = {
    {"Acosh", UnaryOp::kAcosh},
    {"Asinh", UnaryOp::kAsinh},
    {"Atanh", UnaryOp::kAtanh},
    {"BitwiseNot", UnaryOp::kBitwiseNot},
    {"Celu", UnaryOp::kCelu, "alpha"},
    {"HardSwish", UnaryOp::kHardSwish},
    {"Mish", UnaryOp::kMish},
    {"Neg", UnaryOp::kNeg},
    {"Round", UnaryOp::kRound},
    {"Selu", UnaryOp::kSelu, "alpha", "gamma"},
    {"Shrink", UnaryOp::kShrink, "lambd", "bias"},
    {"Swish", UnaryOp::kSilu, "alpha"},
};

const Function* Find(std::span<const Function> functions, std::string_view type) {
  for (const Function& function : functions) {
    if (function.type == type) return &function;
  }
  return nullptr;
}

bool FromFunction(const Function& function, const ArgReader& args, Activation* activation) {
  activation->op = function.op;
  activation->alpha = function.fixed_alpha;
  activation->beta = function.fixed_beta;
  return (function.alpha == nullptr || args.Double(function.alpha, &activation->alpha).ok()) &&
         (function.beta == nullptr || args.Double(function.beta, &activation->beta).ok());
}

// The one number that a constant holds, when a double holds it exactly.
bool ScalarOf(const Constant& constant, double* value) {
  if (constant.count != 1) return false;
  const auto integer = [&](auto number) {
    *value = static_cast<double>(number);
    // Beyond 2^53 not every integer is a double; the limits themselves saturate as they should.
    using T = decltype(number);
    return std::abs(*value) <= 9007199254740992.0 || number == std::numeric_limits<T>::max() ||
           number == std::numeric_limits<T>::min();
  };
  switch (constant.type) {
    case ElementType::kFloat:
      *value = static_cast<double>(*constant.as<float>());
      return true;
    case ElementType::kDouble:
      *value = *constant.as<double>();
      return true;
    case ElementType::kFloat16:
      *value = static_cast<double>(base::ToFloat(*constant.as<base::Float16>()));
      return true;
    case ElementType::kBFloat16:
      *value = static_cast<double>(base::ToFloat(*constant.as<base::BFloat16>()));
      return true;
    case ElementType::kInt8:
      return integer(*constant.as<int8_t>());
    case ElementType::kInt16:
      return integer(*constant.as<int16_t>());
    case ElementType::kInt32:
      return integer(*constant.as<int32_t>());
    case ElementType::kInt64:
      return integer(*constant.as<int64_t>());
    case ElementType::kUint8:
      return integer(*constant.as<uint8_t>());
    case ElementType::kUint16:
      return integer(*constant.as<uint16_t>());
    case ElementType::kUint32:
      return integer(*constant.as<uint32_t>());
    case ElementType::kUint64:
      return integer(*constant.as<uint64_t>());
    default:
      return false;
  }
}

// A bound of ONNX's Clip: absent, or a constant.
bool ReadBound(const Node& node, size_t i, double* bound) {
  const graph::Value* value = node.input(i);
  if (value == nullptr) return true;
  return value->is_constant && ScalarOf(value->constant, bound);
}

bool IsOnnxClip(const Node& node, Activation* activation) {
  activation->op = UnaryOp::kClip;
  activation->alpha = -std::numeric_limits<double>::infinity();
  activation->beta = std::numeric_limits<double>::infinity();
  return ReadBound(node, 1, &activation->alpha) && ReadBound(node, 2, &activation->beta);
}

bool IsOnnxGelu(const ArgReader& args, Activation* activation) {
  std::string_view approximate;
  if (!args.Text("approximate", &approximate).ok()) return false;
  activation->op = approximate == "tanh" ? UnaryOp::kGeluTanh : UnaryOp::kGelu;
  return approximate == "tanh" || approximate == "none";
}

bool IsOnnxIsInf(const ArgReader& args, Activation* activation) {
  bool positive = true, negative = true;
  if (!args.Bool("detect_positive", &positive).ok() ||
      !args.Bool("detect_negative", &negative).ok()) {
    return false;
  }
  *activation = {UnaryOp::kIsInf, positive ? 1.0 : 0.0, negative ? 1.0 : 0.0};
  return true;
}

bool IsCaffe2Gelu(const ArgReader& args, Activation* activation) {
  bool fast = false;
  if (!args.Bool("fast_gelu", &fast).ok()) return false;
  activation->op = fast ? UnaryOp::kGeluTanh : UnaryOp::kGelu;
  return true;
}

// Pow of one input. Powers that have a function of their own keep its exact results.
bool IsCaffe2Pow(const Node& node, const ArgReader& args, Activation* activation) {
  double exponent = 0;
  if (node.inputs.size() != 1 || !args.Double("exponent", &exponent).ok()) return false;
  if (exponent == 1) {
    activation->op = UnaryOp::kIdentity;
  } else if (exponent == 2) {
    activation->op = UnaryOp::kSquare;
  } else if (exponent == -1) {
    activation->op = UnaryOp::kReciprocal;
  } else {
    *activation = {UnaryOp::kPowScalar, exponent, 0};
  }
  return true;
}

}  // namespace

bool IsActivation(const Node& node, Activation* activation) {
  *activation = Activation();
  const bool onnx = node.domain == "ai.onnx";
  if (!onnx && !node.domain.empty()) return false;
  const Operator* op = FindOperator(node.domain, node.type);
  if (op == nullptr) return false;
  const ArgReader args(node, *op);
  if (onnx && node.type == "Clip") return IsOnnxClip(node, activation);
  if (onnx && node.type == "Gelu") return IsOnnxGelu(args, activation);
  if (onnx && node.type == "IsInf") return IsOnnxIsInf(args, activation);
  if (!onnx && node.type == "Gelu") return IsCaffe2Gelu(args, activation);
  if (!onnx && node.type == "Pow") return IsCaffe2Pow(node, args, activation);
  const Function* function = Find(kBoth, node.type);
  if (function == nullptr) {
    function = onnx ? Find(kOnnx, node.type) : Find(kCaffe2, node.type);
  }
  return function != nullptr && FromFunction(*function, args, activation);
}

}  // namespace doppio::operators
