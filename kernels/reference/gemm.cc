#include "kernels/problems/gemm.h"

#include "kernels/reference/element_dispatch.h"
#include "kernels/reference/families.h"
#include "kernels/reference/strided_walk.h"
#include "kernels/reference/unary_function.h"

namespace doppio::kernels::reference {
namespace {

bool Supports(const void* problem) {
  const auto& p = *static_cast<const GemmProblem*>(problem);
  if (Contains(kFloatTypes, p.type)) return IsFloatFunction(p.epilogue.activation);
  const UnaryOp activation = p.epilogue.activation;
  return Contains(kIntegerTypes, p.type) && p.alpha == std::trunc(p.alpha) &&
         p.beta == std::trunc(p.beta) && std::fabs(p.alpha) < 1e9f && std::fabs(p.beta) < 1e9f &&
         (activation == UnaryOp::kIdentity || activation == UnaryOp::kRelu);
}

// A unit is one row of one batch index.
int64_t Units(const void* problem, int) {
  const auto& p = *static_cast<const GemmProblem*>(problem);
  return p.n == 0 ? 0 : CountElements(p.batch_rank, p.batch) * p.m;
}

// alpha and beta as the wide type: integers take whole numbers only, negative ones wrapped.
template <class W>
W Factor(float value) {
  if constexpr (std::is_same_v<W, double>) return value;
  return static_cast<W>(static_cast<int64_t>(value));
}

template <class W>
W Activate(const Epilogue& e, W value) {
  if constexpr (std::is_same_v<W, double>) {
    return EvaluateUnary(e.activation, e.alpha, e.beta, value);
  } else {
    return e.activation == UnaryOp::kRelu && value < 0 ? W{0} : value;
  }
}

StepStatus Run(const void* problem, int, Range range, const Operands& operands, void*) {
  const auto& p = *static_cast<const GemmProblem*>(problem);
  return VisitType(kNumericTypes, p.type, [&]<class T>(TypeTag<T>) {
    using W = Wide<T>;
    const auto* a = static_cast<const T*>(operands.in[0]);
    const auto* b = static_cast<const T*>(operands.in[1]);
    const auto* bias = p.epilogue.bias ? static_cast<const T*>(operands.in[2]) : nullptr;
    const auto* residual = p.epilogue.residual ? static_cast<const T*>(operands.in[3]) : nullptr;
    auto* y = static_cast<T*>(operands.out[0]);
    for (int64_t unit = range.begin; unit < range.end; ++unit) {
      const int64_t i = unit % p.m;
      const StridedWalk<5> batch(p.batch_rank, p.batch, unit / p.m, p.a_batch, p.b_batch, p.y_batch,
                                 p.bias_batch, p.residual_batch);
      for (int64_t j = 0; j < p.n; ++j) {
        W sum = 0;
        for (int64_t k = 0; k < p.k; ++k) {
          sum = Add<W>(sum, Multiply<W>(Load(a, batch[0] + i * p.a_row + k * p.a_col),
                                        Load(b, batch[1] + k * p.b_row + j * p.b_col)));
        }
        W value = Multiply<W>(Factor<W>(p.alpha), sum);
        if (bias != nullptr) {
          const W term = Load(bias, batch[3] + i * p.bias_row + j * p.bias_col);
          value = Add<W>(value, Multiply<W>(Factor<W>(p.beta), term));
        }
        if (residual != nullptr) {
          value = Add<W>(value, Load(residual, batch[4] + i * p.residual_row + j * p.residual_col));
        }
        // Wrapped to T before the activation, which looks at the sign.
        if constexpr (kIsInteger<T>) value = static_cast<T>(value);
        Store(y, batch[2] + i * p.y_row + j * p.y_col, Activate<W>(p.epilogue, value));
      }
    }
    return StepStatus{};
  });
}

constexpr Kernel kRows[] = {
    {.name = "gemm_reference",
     .kind = ProblemKind::kGemm,
     .engine = Engine::kReference,
     .supports = Supports,
     .phases = 1,
     .units = Units,
     .run = Run},
};

}  // namespace

std::span<const Kernel> GemmRows() { return kRows; }

}  // namespace doppio::kernels::reference
