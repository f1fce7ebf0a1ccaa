#include "kernels/problems/rnn.h"

#include <algorithm>
#include <cmath>

#include "kernels/reference/families.h"
#include "kernels/reference/unary_function.h"

namespace doppio::kernels::reference {
namespace {

const RnnProblem& As(const void* problem) { return *static_cast<const RnnProblem*>(problem); }

bool Supports(const void* problem) {
  const RnnProblem& p = As(problem);
  return IsFloatFunction(p.f.op) && IsFloatFunction(p.g.op) && IsFloatFunction(p.activation_h.op);
}

// A unit is one sequence.
int64_t Units(const void* problem, int) { return As(problem).n; }

// For one sequence: h, c, the gates, and what GRU multiplies R_h with.
size_t ScratchBytes(const void* problem) {
  const RnnProblem& p = As(problem);
  return static_cast<size_t>((RnnGates(p.cell) + 3) * p.h) * sizeof(double);
}

double Apply(const RnnProblem& p, const RnnActivation& activation, double x) {
  if (p.clip > 0) {
    x = std::clamp(x, -static_cast<double>(p.clip), static_cast<double>(p.clip));
  }
  return static_cast<double>(activation.scale_out) *
         EvaluateUnary(activation.op, static_cast<double>(activation.a),
                       static_cast<double>(activation.b),
                       static_cast<double>(activation.scale_in) * x);
}

double Dot(const float* row, const double* vector, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += static_cast<double>(row[i]) * vector[i];
  return sum;
}

struct Sequence {
  const RnnProblem& p;
  const float* r;
  const float* r_bias;
  const float* peephole;
  double* h;
  double* c;
  double* gates;
  double* reset;
};

void StepRnn(const Sequence& s) {
  for (int64_t j = 0; j < s.p.h; ++j) s.gates[j] += Dot(s.r + j * s.p.h, s.h, s.p.h);
  for (int64_t j = 0; j < s.p.h; ++j) s.h[j] = Apply(s.p, s.p.f, s.gates[j]);
}

void StepLstm(const Sequence& s) {
  const RnnProblem& p = s.p;
  const int64_t n = p.h;
  const auto weight = [&](int64_t gate, int64_t j) {
    return s.peephole == nullptr ? 0.0 : static_cast<double>(s.peephole[gate * n + j]);
  };
  for (int64_t j = 0; j < 4 * n; ++j) s.gates[j] += Dot(s.r + j * n, s.h, n);
  for (int64_t j = 0; j < n; ++j) {
    const double i = Apply(p, p.f, s.gates[j] + weight(0, j) * s.c[j]);
    const double f =
        p.input_forget ? 1 - i : Apply(p, p.f, s.gates[2 * n + j] + weight(2, j) * s.c[j]);
    s.c[j] = f * s.c[j] + i * Apply(p, p.g, s.gates[3 * n + j]);
    const double o = Apply(p, p.f, s.gates[n + j] + weight(1, j) * s.c[j]);
    const RnnActivation& h = p.activation_h;
    s.h[j] = o * static_cast<double>(h.scale_out) *
             EvaluateUnary(h.op, static_cast<double>(h.a), static_cast<double>(h.b),
                           static_cast<double>(h.scale_in) * s.c[j]);
  }
}

void StepGru(const Sequence& s) {
  const RnnProblem& p = s.p;
  const int64_t n = p.h;
  for (int64_t j = 0; j < 2 * n; ++j) {
    s.gates[j] = Apply(p, p.f, s.gates[j] + Dot(s.r + j * n, s.h, n));
  }
  const float* const r_h = s.r + 2 * n * n;
  const double* const z = s.gates;
  const double* const r = s.gates + n;
  for (int64_t j = 0; j < n; ++j) {
    if (p.linear_before_reset) {
      const double bias = s.r_bias == nullptr ? 0 : static_cast<double>(s.r_bias[j]);
      s.reset[j] = r[j] * (Dot(r_h + j * n, s.h, n) + bias);
    } else {
      s.reset[j] = r[j] * s.h[j];
    }
  }
  for (int64_t j = 0; j < n; ++j) {
    const double recurrent = p.linear_before_reset ? s.reset[j] : Dot(r_h + j * n, s.reset, n);
    s.gates[2 * n + j] = Apply(p, p.g, s.gates[2 * n + j] + recurrent);
  }
  for (int64_t j = 0; j < n; ++j) s.h[j] = (1 - z[j]) * s.gates[2 * n + j] + z[j] * s.h[j];
}

void Load(const float* from, int64_t count, double* to) {
  for (int64_t i = 0; i < count; ++i) to[i] = from == nullptr ? 0 : static_cast<double>(from[i]);
}
void Store(const double* from, int64_t count, float* to) {
  for (int64_t i = 0; to != nullptr && i < count; ++i) to[i] = static_cast<float>(from[i]);
}

void RunSequence(const RnnProblem& p, const Operands& operands, int64_t n, double* scratch) {
  const auto in = [&](int i) { return static_cast<const float*>(operands.in[i]); };
  const auto out = [&](int i) { return static_cast<float*>(operands.out[i]); };
  const int64_t width = RnnGates(p.cell) * p.h;
  const Sequence s{
      p, in(1), in(2), in(5), scratch, scratch + p.h, scratch + 3 * p.h, scratch + 2 * p.h};
  Load(in(3) == nullptr ? nullptr : in(3) + n * p.h0_n, p.h, s.h);
  Load(in(4) == nullptr ? nullptr : in(4) + n * p.c0_n, p.h, s.c);
  int64_t steps = p.t;
  if (operands.in[6] != nullptr) {
    steps = std::clamp<int64_t>(static_cast<const int32_t*>(operands.in[6])[n], 0, p.t);
  }
  for (int64_t i = 0; i < steps; ++i) {
    const int64_t t = p.reverse ? steps - 1 - i : i;
    Load(in(0) + t * p.gates_t + n * p.gates_n, width, s.gates);
    if (p.cell == RnnCell::kRnn) StepRnn(s);
    if (p.cell == RnnCell::kLstm) StepLstm(s);
    if (p.cell == RnnCell::kGru) StepGru(s);
    Store(s.h, p.h, out(0) == nullptr ? nullptr : out(0) + t * p.y_t + n * p.y_n);
  }
  for (int64_t t = steps; out(0) != nullptr && t < p.t; ++t) {
    std::fill_n(out(0) + t * p.y_t + n * p.y_n, p.h, 0.0f);
  }
  Store(s.h, p.h, out(1) == nullptr ? nullptr : out(1) + n * p.yh_n);
  Store(s.c, p.h, out(2) == nullptr ? nullptr : out(2) + n * p.yc_n);
}

StepStatus Run(const void* problem, int, Range range, const Operands& operands, void* scratch) {
  for (int64_t n = range.begin; n < range.end; ++n) {
    RunSequence(As(problem), operands, n, static_cast<double*>(scratch));
  }
  return {};
}

constexpr Kernel kRows[] = {{.name = "rnn_reference",
                             .kind = ProblemKind::kRnn,
                             .engine = Engine::kReference,
                             .supports = Supports,
                             .packed_operand = -1,
                             .scratch_bytes = ScratchBytes,
                             .phases = 1,
                             .units = Units,
                             .run = Run}};

}  // namespace

std::span<const Kernel> RnnRows() { return kRows; }

}  // namespace doppio::kernels::reference
