#include "kernels/problems/linear_attention.h"

#include <algorithm>
#include <cmath>

#include "kernels/reference/element_dispatch.h"
#include "kernels/reference/families.h"

namespace doppio::kernels::reference {
namespace {

const LinearAttentionProblem& As(const void* problem) {
  return *static_cast<const LinearAttentionProblem*>(problem);
}

bool Supports(const void* problem) {
  return Contains(kFloatTypes, As(problem).type) && Contains(kFloatTypes, As(problem).state_type);
}

// A unit is one head of one of the batch.
int64_t Units(const void* problem, int) { return As(problem).b * As(problem).heads; }

// The state and one value.
size_t ScratchBytes(const void* problem) {
  const LinearAttentionProblem& p = As(problem);
  return static_cast<size_t>((p.d_k + 1) * p.d_v) * sizeof(double);
}

template <class T>
void Step(const LinearAttentionProblem& p, int64_t unit, int64_t t, const Operands& operands,
          double* state, double* value) {
  const int64_t b = unit / p.heads, head = unit % p.heads, row = b * p.t + t;
  const auto in = [&](int i) { return static_cast<const T*>(operands.in[i]); };
  const T* const k = in(1) + (row * p.heads + head) * p.d_k;
  const T* const v = in(2) + (row * p.heads + head) * p.d_v;
  if (p.decayed) {
    const bool each = p.decay_size != p.heads;
    const T* const decay = in(4) + row * p.decay_size + head * (each ? p.d_k : 1);
    for (int64_t i = 0; i < p.d_k; ++i) {
      const double factor = std::exp(Load(decay, each ? i : 0));
      for (int64_t j = 0; j < p.d_v; ++j) state[i * p.d_v + j] *= factor;
    }
  }
  for (int64_t j = 0; j < p.d_v; ++j) value[j] = Load(v, j);
  if (p.delta) {
    const double beta = Load(in(5), row * p.beta_size + (p.beta_size == 1 ? 0 : head));
    for (int64_t j = 0; j < p.d_v; ++j) {
      double known = 0;
      for (int64_t i = 0; i < p.d_k; ++i) known += state[i * p.d_v + j] * Load(k, i);
      value[j] = beta * (value[j] - known);
    }
  }
  for (int64_t i = 0; i < p.d_k; ++i) {
    for (int64_t j = 0; j < p.d_v; ++j) state[i * p.d_v + j] += Load(k, i) * value[j];
  }
  const int64_t group = p.q_heads / p.heads;
  for (int64_t g = head * group; g < (head + 1) * group; ++g) {
    const T* const q = in(0) + (row * p.q_heads + g) * p.d_k;
    T* const y = static_cast<T*>(operands.out[0]) + (row * p.q_heads + g) * p.d_v;
    for (int64_t j = 0; j < p.d_v; ++j) {
      double sum = 0;
      for (int64_t i = 0; i < p.d_k; ++i) sum += state[i * p.d_v + j] * Load(q, i);
      Store(y, j, static_cast<double>(p.scale) * sum);
    }
  }
}

StepStatus Run(const void* problem, int, Range range, const Operands& operands, void* scratch) {
  const LinearAttentionProblem& p = As(problem);
  const int64_t size = p.d_k * p.d_v;
  auto* const state = static_cast<double*>(scratch);
  return VisitType(kFloatTypes, p.type, [&]<class T>(TypeTag<T>) {
    return VisitType(kFloatTypes, p.state_type, [&]<class S>(TypeTag<S>) {
      const auto* before = static_cast<const S*>(operands.in[3]);
      auto* const after = static_cast<S*>(operands.out[1]);
      for (int64_t unit = range.begin; unit < range.end; ++unit) {
        for (int64_t i = 0; i < size; ++i) {
          state[i] = before != nullptr ? Load(before, unit * size + i) : 0;
        }
        for (int64_t t = 0; t < p.t; ++t) Step<T>(p, unit, t, operands, state, state + size);
        for (int64_t i = 0; i < size && after != nullptr; ++i)
          Store(after, unit * size + i, state[i]);
      }
      return StepStatus{};
    });
  });
}

constexpr Kernel kRows[] = {{.name = "linear_attention_reference",
                             .kind = ProblemKind::kLinearAttention,
                             .engine = Engine::kReference,
                             .supports = Supports,
                             .packed_operand = -1,
                             .scratch_bytes = ScratchBytes,
                             .phases = 1,
                             .units = Units,
                             .run = Run}};

}  // namespace

std::span<const Kernel> LinearAttentionRows() { return kRows; }

}  // namespace doppio::kernels::reference
