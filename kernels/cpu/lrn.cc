// Local response normalisation across channels, channels-last.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/lrn.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>

#include "kernels/cpu/groups.h"
#include "kernels/cpu/vector_math-inl.h"
#include "kernels/problems/normalize.h"

HWY_BEFORE_NAMESPACE();
namespace doppio::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

const LrnProblem& As(const void* problem) { return *static_cast<const LrnProblem*>(problem); }

bool Supports(const void* problem) {
  const LrnProblem& p = As(problem);
  return p.type == ElementType::kFloat && p.size >= 1 && (p.c == 1 || (p.x.c == 1 && p.y.c == 1));
}

// One load and addition a window position; the power is some 30 operations.
double Cost(const void* problem, const Machine& machine) {
  const LrnProblem& p = As(problem);
  const double count = static_cast<double>(p.n * p.c * p.d * p.h * p.w);
  return 100 + count * static_cast<double>(4 * p.size + 60) / machine.flops_per_ns +
         8 * count / machine.stream_bytes_per_ns;
}

int64_t Before(const LrnProblem& p) { return (p.size - 1) / 2; }

// Scratch: the squares of a pixel with zeros on both sides, as wide as the window and a vector.
size_t ScratchBytes(const void* problem) {
  const LrnProblem& p = As(problem);
  return static_cast<size_t>(p.c + p.size + 2 * VectorLanes()) * sizeof(float);
}

int64_t Units(const void* problem, int) {
  const LrnProblem& p = As(problem);
  return p.w == 0 ? 0 : p.n * p.d * p.h;
}

// x^-beta for x > 0. 3/4 is what every net has: two square roots instead of exp and log.
HWY_INLINE Floats PowerOfMinus(Floats x, float beta) {
  if (beta == 0.75f) {
    const Floats root = hn::Sqrt(x);
    return hn::Div(SetAll(1.0f), hn::Mul(root, hn::Sqrt(root)));
  }
  return VectorExp(hn::Mul(VectorLog(x), SetAll(-beta)));
}

void Pixel(const LrnProblem& p, const float* x, float* squares, float* y, float* terms) {
  const FloatTag d;
  const int64_t lanes = VectorLanes();
  float* const middle = squares + Before(p);
  for (int64_t i = 0; i < p.c; i += lanes) {
    const Floats v = LoadUpTo(x + i, p.c - i);
    StoreUpTo(hn::Mul(v, v), middle + i, p.c - i);
  }
  const Floats alpha = SetAll(static_cast<float>(p.alpha / static_cast<double>(p.size)));
  const Floats bias = SetAll(static_cast<float>(p.bias));
  for (int64_t i = 0; i < p.c; i += lanes) {
    Floats sum = hn::Zero(d);
    for (int64_t j = 0; j < p.size; ++j) sum = hn::Add(sum, hn::LoadU(d, squares + i + j));
    const Floats term = hn::MulAdd(alpha, sum, bias);
    const Floats v = LoadUpTo(x + i, p.c - i);
    StoreUpTo(hn::Mul(v, PowerOfMinus(term, static_cast<float>(p.beta))), y + i, p.c - i);
    if (terms != nullptr) StoreUpTo(term, terms + i, p.c - i);
  }
}

StepStatus Run(const void* problem, int, Range range, const Operands& operands, void* scratch) {
  const LrnProblem& p = As(problem);
  float* const squares = static_cast<float*>(scratch);
  std::fill(squares, squares + ScratchBytes(problem) / sizeof(float), 0.0f);
  float* const terms = static_cast<float*>(operands.out[1]);
  for (int64_t unit = range.begin; unit < range.end; ++unit) {
    const int64_t n = unit / p.h / p.d, d = unit / p.h % p.d, h = unit % p.h;
    const float* const x =
        static_cast<const float*>(operands.in[0]) + n * p.x.n + d * p.x.d + h * p.x.h;
    const int64_t row = n * p.y.n + d * p.y.d + h * p.y.h;
    for (int64_t w = 0; w < p.w; ++w) {
      const int64_t at = row + w * p.y.w;
      Pixel(p, x + w * p.x.w, squares, static_cast<float*>(operands.out[0]) + at,
            terms != nullptr ? terms + at : nullptr);
    }
  }
  return {};
}

constexpr Kernel kRows[] = {
    {.name = "lrn_nhwc_f32",
     .kind = ProblemKind::kLrn,
     .engine = Engine::kSimd,
     .supports = Supports,
     .cost = Cost,
     .packed_operand = -1,
     .scratch_bytes = ScratchBytes,
     .phases = 1,
     .units = Units,
     .run = Run},
};

std::span<const Kernel> Rows() { return kRows; }

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppio::kernels::cpu {
HWY_EXPORT(Rows);
std::span<const Kernel> LrnRows() { return HWY_DYNAMIC_DISPATCH(Rows)(); }
}  // namespace doppio::kernels::cpu
#endif  // HWY_ONCE
