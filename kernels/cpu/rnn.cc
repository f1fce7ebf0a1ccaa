// Recurrent layers with the usual activations. R is packed transposed, in panels of one vector of
// outputs: a step reads it once, front to back, and keeps the sums of eight panels in registers.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/rnn.cc"
#include "kernels/problems/rnn.h"

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "kernels/cpu/groups.h"
#include "kernels/cpu/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace doppio::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

const RnnProblem& As(const void* problem) { return *static_cast<const RnnProblem*>(problem); }

bool IsPlain(const RnnActivation& activation, UnaryOp op) {
  return activation.op == op && activation.scale_in == 1 && activation.scale_out == 1;
}

bool Supports(const void* problem) {
  const RnnProblem& p = As(problem);
  if (p.clip != 0 || p.h < 1) return false;
  if (p.cell == RnnCell::kRnn) {
    return IsPlain(p.f, UnaryOp::kTanh) || IsPlain(p.f, UnaryOp::kRelu);
  }
  return IsPlain(p.f, UnaryOp::kSigmoid) && IsPlain(p.g, UnaryOp::kTanh) &&
         IsPlain(p.activation_h, UnaryOp::kTanh);
}

// Gates are padded to whole vectors, so that each gate's panels are its own.
int64_t PaddedHidden(const RnnProblem& p) {
  return base::CeilDiv(p.h, VectorLanes()) * VectorLanes();
}
int64_t Panels(const RnnProblem& p) { return RnnGates(p.cell) * PaddedHidden(p) / VectorLanes(); }

double Cost(const void* problem, const Machine& machine) {
  const RnnProblem& p = As(problem);
  const double products = 2.0 * static_cast<double>(p.n * p.t * RnnGates(p.cell) * p.h * p.h);
  return 500 + products / machine.flops_per_ns * 2;
}

size_t PackedBytes(const void* problem) {
  const RnnProblem& p = As(problem);
  return static_cast<size_t>(RnnGates(p.cell) * PaddedHidden(p) * p.h) * sizeof(float);
}

int64_t PackUnits(const void* problem) { return Panels(As(problem)); }

// packed[panel][k][lane] = r[row of the lane][k]; rows beyond a gate's h are 0.
void Pack(const void* problem, Range range, const void* const* in, void* packed) {
  const RnnProblem& p = As(problem);
  const auto* const r = static_cast<const float*>(in[1]);
  const int64_t lanes = VectorLanes(), per_gate = PaddedHidden(p) / lanes;
  for (int64_t panel = range.begin; panel < range.end; ++panel) {
    float* to = static_cast<float*>(packed) + panel * p.h * lanes;
    const int64_t gate = panel / per_gate, first = panel % per_gate * lanes;
    for (int64_t k = 0; k < p.h; ++k) {
      for (int64_t lane = 0; lane < lanes; ++lane, ++to) {
        const int64_t row = first + lane;
        *to = row < p.h ? r[(gate * p.h + row) * p.h + k] : 0;
      }
    }
  }
}

int64_t Units(const void* problem, int) { return As(problem).n; }

// h, c, what GRU multiplies R_h with, and the gates.
size_t ScratchBytes(const void* problem) {
  const RnnProblem& p = As(problem);
  return static_cast<size_t>((3 + RnnGates(p.cell)) * PaddedHidden(p)) * sizeof(float);
}

// gates[begin panels, end) += R h, panels of one vector each; `add` is false to overwrite.
void Multiply(const float* packed, const float* vector, int64_t k_count, int64_t begin, int64_t end,
              bool add, float* gates) {
  const FloatTag d;
  const int64_t lanes = VectorLanes();
  const int64_t stride = k_count * lanes;  // from panel to panel
  int64_t panel = begin;
  for (; panel + 8 <= end; panel += 8) {
    const float* const r = packed + panel * stride;
    float* const y = gates + panel * lanes;
    Floats s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
    if (add) {
      s0 = hn::LoadU(d, y);
      s1 = hn::LoadU(d, y + lanes);
      s2 = hn::LoadU(d, y + 2 * lanes);
      s3 = hn::LoadU(d, y + 3 * lanes);
      s4 = hn::LoadU(d, y + 4 * lanes);
      s5 = hn::LoadU(d, y + 5 * lanes);
      s6 = hn::LoadU(d, y + 6 * lanes);
      s7 = hn::LoadU(d, y + 7 * lanes);
    }
    for (int64_t k = 0; k < k_count; ++k) {
      const Floats x = hn::Set(d, vector[k]);
      const float* const at = r + k * lanes;
      s0 = hn::MulAdd(hn::LoadU(d, at), x, s0);
      s1 = hn::MulAdd(hn::LoadU(d, at + stride), x, s1);
      s2 = hn::MulAdd(hn::LoadU(d, at + 2 * stride), x, s2);
      s3 = hn::MulAdd(hn::LoadU(d, at + 3 * stride), x, s3);
      s4 = hn::MulAdd(hn::LoadU(d, at + 4 * stride), x, s4);
      s5 = hn::MulAdd(hn::LoadU(d, at + 5 * stride), x, s5);
      s6 = hn::MulAdd(hn::LoadU(d, at + 6 * stride), x, s6);
      s7 = hn::MulAdd(hn::LoadU(d, at + 7 * stride), x, s7);
    }
    hn::StoreU(s0, d, y);
    hn::StoreU(s1, d, y + lanes);
    hn::StoreU(s2, d, y + 2 * lanes);
    hn::StoreU(s3, d, y + 3 * lanes);
    hn::StoreU(s4, d, y + 4 * lanes);
    hn::StoreU(s5, d, y + 5 * lanes);
    hn::StoreU(s6, d, y + 6 * lanes);
    hn::StoreU(s7, d, y + 7 * lanes);
  }
  for (; panel < end; ++panel) {
    const float* const r = packed + panel * stride;
    float* const y = gates + panel * lanes;
    Floats sum = add ? hn::LoadU(d, y) : hn::Zero(d);
    for (int64_t k = 0; k < k_count; ++k) {
      sum = hn::MulAdd(hn::LoadU(d, r + k * lanes), hn::Set(d, vector[k]), sum);
    }
    hn::StoreU(sum, d, y);
  }
}

struct Sequence {
  const RnnProblem& p;
  int64_t padded;       // values of a gate
  const float* packed;  // R
  const float* r_bias;
  const float* peephole;
  float* h;
  float* c;
  float* reset;
  float* gates;
};

void StepRnn(const Sequence& s) {
  const FloatTag d;
  const int64_t lanes = VectorLanes();
  Multiply(s.packed, s.h, s.p.h, 0, s.padded / lanes, true, s.gates);
  for (int64_t j = 0; j < s.padded; j += lanes) {
    const Floats x = hn::LoadU(d, s.gates + j);
    hn::StoreU(s.p.f.op == UnaryOp::kRelu ? hn::Max(x, hn::Zero(d)) : VectorTanh(x), d, s.h + j);
  }
}

// x + weight * c for a peephole's weights of gate `gate`.
HWY_INLINE Floats WithPeephole(const Sequence& s, int64_t gate, int64_t j, Floats c, Floats x) {
  if (s.peephole == nullptr) return x;
  const int64_t left = s.p.h - j;
  if (left <= 0) return x;
  return hn::MulAdd(LoadUpTo(s.peephole + gate * s.p.h + j, left), c, x);
}

void StepLstm(const Sequence& s) {
  const FloatTag d;
  const int64_t lanes = VectorLanes(), n = s.padded;
  Multiply(s.packed, s.h, s.p.h, 0, 4 * n / lanes, true, s.gates);
  for (int64_t j = 0; j < n; j += lanes) {
    const Floats old = hn::LoadU(d, s.c + j);
    const Floats i = VectorSigmoid(WithPeephole(s, 0, j, old, hn::LoadU(d, s.gates + j)));
    const Floats f =
        s.p.input_forget
            ? hn::Sub(SetAll(1.0f), i)
            : VectorSigmoid(WithPeephole(s, 2, j, old, hn::LoadU(d, s.gates + 2 * n + j)));
    const Floats g = VectorTanh(hn::LoadU(d, s.gates + 3 * n + j));
    const Floats c = hn::MulAdd(f, old, hn::Mul(i, g));
    const Floats o = VectorSigmoid(WithPeephole(s, 1, j, c, hn::LoadU(d, s.gates + n + j)));
    hn::StoreU(c, d, s.c + j);
    hn::StoreU(hn::Mul(o, VectorTanh(c)), d, s.h + j);
  }
}

void StepGru(const Sequence& s) {
  const FloatTag d;
  const int64_t lanes = VectorLanes(), n = s.padded, panels = n / lanes;
  Multiply(s.packed, s.h, s.p.h, 0, 2 * panels, true, s.gates);
  float* const z = s.gates;
  float* const r = s.gates + n;
  float* const candidate = s.gates + 2 * n;
  if (s.p.linear_before_reset) {
    // Panels of the third gate, written to `reset` as if it stood behind two others.
    Multiply(s.packed, s.h, s.p.h, 2 * panels, 3 * panels, false, s.reset - 2 * n);
  }
  for (int64_t j = 0; j < n; j += lanes) {
    const Floats gate = VectorSigmoid(hn::LoadU(d, r + j));
    hn::StoreU(VectorSigmoid(hn::LoadU(d, z + j)), d, z + j);
    if (!s.p.linear_before_reset) {
      hn::StoreU(hn::Mul(gate, hn::LoadU(d, s.h + j)), d, s.reset + j);
      continue;
    }
    Floats recurrent = hn::LoadU(d, s.reset + j);
    if (s.r_bias != nullptr && j < s.p.h) {
      recurrent = hn::Add(recurrent, LoadUpTo(s.r_bias + j, s.p.h - j));
    }
    hn::StoreU(hn::MulAdd(gate, recurrent, hn::LoadU(d, candidate + j)), d, candidate + j);
  }
  if (!s.p.linear_before_reset) {
    Multiply(s.packed, s.reset, s.p.h, 2 * panels, 3 * panels, true, s.gates);
  }
  for (int64_t j = 0; j < n; j += lanes) {
    const Floats g = VectorTanh(hn::LoadU(d, candidate + j));
    const Floats h = hn::LoadU(d, s.h + j), gate = hn::LoadU(d, z + j);
    // (1 - z) g + z h
    hn::StoreU(hn::MulAdd(gate, hn::Sub(h, g), g), d, s.h + j);
  }
}

void LoadState(const float* from, const Sequence& s, float* to) {
  std::fill_n(to, s.padded, 0.0f);
  if (from != nullptr) std::memcpy(to, from, static_cast<size_t>(s.p.h) * sizeof(float));
}

void RunSequence(const RnnProblem& p, const Operands& operands, int64_t n, float* scratch) {
  const auto in = [&](int i) { return static_cast<const float*>(operands.in[i]); };
  const auto out = [&](int i) { return static_cast<float*>(operands.out[i]); };
  const int64_t padded = PaddedHidden(p), count = RnnGates(p.cell);
  const auto bytes = static_cast<size_t>(p.h) * sizeof(float);
  const Sequence s{p,
                   padded,
                   static_cast<const float*>(operands.packed),
                   in(2),
                   in(5),
                   scratch,
                   scratch + padded,
                   scratch + 2 * padded,
                   scratch + 3 * padded};
  LoadState(in(3) == nullptr ? nullptr : in(3) + n * p.h0_n, s, s.h);
  LoadState(in(4) == nullptr ? nullptr : in(4) + n * p.c0_n, s, s.c);
  std::fill_n(s.gates, count * padded, 0.0f);
  int64_t steps = p.t;
  if (operands.in[6] != nullptr) {
    steps = std::clamp<int64_t>(static_cast<const int32_t*>(operands.in[6])[n], 0, p.t);
  }
  for (int64_t i = 0; i < steps; ++i) {
    const int64_t t = p.reverse ? steps - 1 - i : i;
    const float* const gates = in(0) + t * p.gates_t + n * p.gates_n;
    for (int64_t g = 0; g < count; ++g) {
      std::memcpy(s.gates + g * padded, gates + g * p.h, bytes);
      // What lies behind a gate's values must stay finite; no output depends on it.
      std::fill(s.gates + g * padded + p.h, s.gates + (g + 1) * padded, 0.0f);
    }
    if (p.cell == RnnCell::kRnn) StepRnn(s);
    if (p.cell == RnnCell::kLstm) StepLstm(s);
    if (p.cell == RnnCell::kGru) StepGru(s);
    if (out(0) != nullptr) std::memcpy(out(0) + t * p.y_t + n * p.y_n, s.h, bytes);
  }
  for (int64_t t = steps; out(0) != nullptr && t < p.t; ++t) {
    std::fill_n(out(0) + t * p.y_t + n * p.y_n, p.h, 0.0f);
  }
  if (out(1) != nullptr) std::memcpy(out(1) + n * p.yh_n, s.h, bytes);
  if (out(2) != nullptr) std::memcpy(out(2) + n * p.yc_n, s.c, bytes);
}

StepStatus Run(const void* problem, int, Range range, const Operands& operands, void* scratch) {
  for (int64_t n = range.begin; n < range.end; ++n) {
    RunSequence(As(problem), operands, n, static_cast<float*>(scratch));
  }
  return {};
}

constexpr Kernel kRows[] = {{.name = "rnn_packed_f32",
                             .kind = ProblemKind::kRnn,
                             .engine = Engine::kSimd,
                             .supports = Supports,
                             .cost = Cost,
                             .packed_operand = 1,
                             .packed_bytes = PackedBytes,
                             .pack_units = PackUnits,
                             .pack = Pack,
                             .scratch_bytes = ScratchBytes,
                             .phases = 1,
                             .units = Units,
                             .run = Run}};

std::span<const Kernel> Rows() { return kRows; }

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppio::kernels::cpu {
HWY_EXPORT(Rows);
std::span<const Kernel> RnnRows() { return HWY_DYNAMIC_DISPATCH(Rows)(); }
}  // namespace doppio::kernels::cpu
#endif  // HWY_ONCE
