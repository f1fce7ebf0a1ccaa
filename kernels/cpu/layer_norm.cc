// Layer, instance, group and RMS normalisation of float sets: sets whose values lie in runs of unit
// stride (token nets, NCHW), and channels-last maps (instance and group normalisation).
//
// Two passes, mean first, then the squares of what is left: the one-pass formula loses all digits
// where the mean is large beside the deviation.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/layer_norm.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>

#include "kernels/cpu/groups.h"
#include "kernels/cpu/vectors-inl.h"
#include "kernels/problems/normalize.h"

HWY_BEFORE_NAMESPACE();
namespace doppio::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

const LayerNormProblem& As(const void* problem) {
  return *static_cast<const LayerNormProblem*>(problem);
}

// The values of a set as `runs` runs of `length`, of unit stride.
struct SetRuns {
  int64_t runs, length;
  int64_t x_step, y_step;  // between runs
};

enum class Form { kInner, kChannels };

SetRuns RunsOf(const LayerNormProblem& p, Form form) {
  const int64_t c = p.c / p.groups;
  if (form == Form::kInner) return {c, p.inner, p.x_c, p.y_c};
  return {p.inner, c, p.x_inner, p.y_inner};
}

bool SupportsInner(const void* problem) {
  const LayerNormProblem& p = As(problem);
  return p.type == ElementType::kFloat && p.inner > 0 && p.c >= p.groups &&
         (p.inner == 1 || (p.x_inner == 1 && p.y_inner == 1));
}
bool SupportsChannels(const void* problem) {
  const LayerNormProblem& p = As(problem);
  return p.type == ElementType::kFloat && p.inner > 0 && p.c >= p.groups && !p.per_element &&
         p.x_c == 1 && p.y_c == 1;
}

double Cost(const LayerNormProblem& p, const Machine& machine, Form form) {
  const SetRuns s = RunsOf(p, form);
  const double runs = static_cast<double>(p.n * p.groups * s.runs);
  return 100 + 20 * runs + 16 * runs * static_cast<double>(s.length) / machine.stream_bytes_per_ns;
}
double CostInner(const void* problem, const Machine& machine) {
  return Cost(As(problem), machine, Form::kInner);
}
double CostChannels(const void* problem, const Machine& machine) {
  return Cost(As(problem), machine, Form::kChannels);
}

int64_t Units(const void* problem, int) { return As(problem).n * As(problem).groups; }

// Sum of x - shift, or of its square; a double over the runs, floats within one.
enum class Moment { kFirst, kSecond };
template <Moment kMoment>
double Sum(const SetRuns& s, const float* x, float shift) {
  const FloatTag d;
  const int64_t lanes = VectorLanes();
  const Floats off = hn::Set(d, shift);
  double total = 0;
  for (int64_t run = 0; run < s.runs; ++run, x += s.x_step) {
    Floats s0 = hn::Zero(d);
    Floats s1 = s0;
    int64_t i = 0;
    for (; i + 2 * lanes <= s.length; i += 2 * lanes) {
      const Floats v0 = hn::Sub(hn::LoadU(d, x + i), off);
      const Floats v1 = hn::Sub(hn::LoadU(d, x + i + lanes), off);
      s0 = kMoment == Moment::kFirst ? hn::Add(s0, v0) : hn::MulAdd(v0, v0, s0);
      s1 = kMoment == Moment::kFirst ? hn::Add(s1, v1) : hn::MulAdd(v1, v1, s1);
    }
    double sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(s0, s1)));
    for (; i < s.length; ++i) {
      const double v = x[i] - shift;
      sum += kMoment == Moment::kFirst ? v : v * v;
    }
    total += sum;
  }
  return total;
}

// y = (x - mean) * scale * factor + shift; scale and shift move along the run, or are one value.
struct RunTerms {
  float mean, factor;
  const float* scale;  // null: 1
  const float* shift;  // null: 0
  int64_t step;        // 1: they move; 0: they repeat
};
void NormalizeRun(const RunTerms& t, const float* x, int64_t n, float* y) {
  const FloatTag d;
  const int64_t lanes = VectorLanes();
  const Floats mean = hn::Set(d, t.mean);
  const Floats factor = hn::Set(d, t.factor);
  const Floats scale = hn::Set(d, t.scale != nullptr ? *t.scale : 1.0f);
  const Floats shift = hn::Set(d, t.shift != nullptr ? *t.shift : 0.0f);
  for (int64_t i = 0; i < n; i += lanes) {
    const int64_t left = n - i;
    const Floats v = hn::Mul(hn::Sub(LoadUpTo(x + i, left), mean), factor);
    const Floats a = t.step != 0 && t.scale != nullptr ? LoadUpTo(t.scale + i, left) : scale;
    const Floats b = t.step != 0 && t.shift != nullptr ? LoadUpTo(t.shift + i, left) : shift;
    StoreUpTo(hn::MulAdd(v, a, b), y + i, left);
  }
}

template <Form kForm>
void RunSet(const LayerNormProblem& p, int64_t set, const Operands& operands) {
  const SetRuns s = RunsOf(p, kForm);
  const int64_t c0 = set % p.groups * (p.c / p.groups);
  const int64_t n = set / p.groups;
  const float* const x = static_cast<const float*>(operands.in[0]) + n * p.x_n + c0 * p.x_c;
  float* const y = static_cast<float*>(operands.out[0]) + n * p.y_n + c0 * p.y_c;
  const double count = static_cast<double>(s.runs * s.length);
  const double mean = p.rms ? 0 : Sum<Moment::kFirst>(s, x, 0) / count;
  const double var = Sum<Moment::kSecond>(s, x, static_cast<float>(mean)) / count;
  const double deviation = std::sqrt(var + p.epsilon);
  RunTerms t;
  t.mean = static_cast<float>(mean);
  t.factor = static_cast<float>(1 / deviation);
  const float* const scale = static_cast<const float*>(operands.in[1]);
  const float* const shift = static_cast<const float*>(operands.in[2]);
  t.step = kForm == Form::kChannels || p.per_element;
  for (int64_t run = 0; run < s.runs; ++run) {
    const int64_t at = p.per_element ? run * s.length : kForm == Form::kInner ? c0 + run : c0;
    t.scale = scale != nullptr ? scale + at : nullptr;
    t.shift = shift != nullptr ? shift + at : nullptr;
    NormalizeRun(t, x + run * s.x_step, s.length, y + run * s.y_step);
  }
  float* const means = static_cast<float*>(operands.out[1]);
  float* const deviations = static_cast<float*>(operands.out[2]);
  if (means != nullptr) means[set] = t.mean;
  if (deviations != nullptr) {
    deviations[set] = p.std_output ? static_cast<float>(deviation) : t.factor;
  }
}

template <Form kForm>
StepStatus Run(const void* problem, int, Range range, const Operands& operands, void*) {
  for (int64_t set = range.begin; set < range.end; ++set) {
    RunSet<kForm>(As(problem), set, operands);
  }
  return {};
}

constexpr Kernel kRows[] = {
    {.name = "layernorm_rows_f32",
     .kind = ProblemKind::kLayerNorm,
     .engine = Engine::kSimd,
     .supports = SupportsInner,
     .cost = CostInner,
     .packed_operand = -1,
     .phases = 1,
     .units = Units,
     .run = Run<Form::kInner>},
    {.name = "layernorm_nhwc_f32",
     .kind = ProblemKind::kLayerNorm,
     .engine = Engine::kSimd,
     .supports = SupportsChannels,
     .cost = CostChannels,
     .packed_operand = -1,
     .phases = 1,
     .units = Units,
     .run = Run<Form::kChannels>},
};

std::span<const Kernel> Rows() { return kRows; }

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppio::kernels::cpu {
HWY_EXPORT(Rows);
std::span<const Kernel> LayerNormRows() { return HWY_DYNAMIC_DISPATCH(Rows)(); }
}  // namespace doppio::kernels::cpu
#endif  // HWY_ONCE
