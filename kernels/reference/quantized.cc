#include "kernels/problems/quantized.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "kernels/reference/families.h"

namespace doppio::kernels::reference {
namespace {

// A float as (2^23 + fraction) 2^(exponent - 150): its parts.
struct Parts {
  int64_t mantissa = 0;  // in [2^23, 2^24)
  int exponent = 0;      // biased
};

Parts PartsOf(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  return {static_cast<int64_t>((bits & 0x007fffff) | 0x00800000),
          static_cast<int>(bits >> 23 & 0xff)};
}

// x / 2^shift to nearest, ties away from zero.
int64_t ShiftRounding(int64_t x, int shift) {
  const int64_t mask = (int64_t{1} << shift) - 1;
  const int64_t rest = (x & mask) - (x < 0 ? 1 : 0);
  return (x >> shift) + (rest > mask >> 1 ? 1 : 0);
}

uint8_t Held(int64_t value, uint8_t low) {
  return static_cast<uint8_t>(std::clamp<int64_t>(value, low, 255));
}

// --- Requantize
// ------------------------------------------------------------------------------------

constexpr int64_t kRun = 4096;  // elements of a unit

int64_t Runs(int64_t count) { return (count + kRun - 1) / kRun; }
Range Elements(Range units, int64_t count) {
  return {units.begin * kRun, std::min(units.end * kRun, count)};
}

bool RequantizeSupports(const void* problem) {
  const auto& p = *static_cast<const RequantizeProblem*>(problem);
  const float most = p.rescale == Rescale::kTwoRoundings ? 1.0f : 256.0f;
  return p.scale >= 0x1p-32f && p.scale < most;
}

int64_t RequantizeUnits(const void* problem, int) {
  return Runs(static_cast<const RequantizeProblem*>(problem)->count);
}

StepStatus RequantizeRun(const void* problem, int, Range range, const Operands& operands, void*) {
  const auto& p = *static_cast<const RequantizeProblem*>(problem);
  const auto* x = static_cast<const int32_t*>(operands.in[0]);
  auto* y = static_cast<uint8_t*>(operands.out[0]);
  const Parts scale = PartsOf(p.scale);
  const Range at = Elements(range, p.count);
  for (int64_t i = at.begin; i < at.end; ++i) {
    int64_t scaled = 0;
    if (p.rescale == Rescale::kTwoRoundings) {
      const int64_t product = x[i] * (scale.mantissa << 7);
      scaled = ShiftRounding((product + (int64_t{1} << 30)) >> 31, 126 - scale.exponent);
    } else {
      const int shift = 150 - scale.exponent;
      const int64_t product = x[i] * scale.mantissa - (x[i] < 0 ? 1 : 0);
      scaled = (product + (int64_t{1} << (shift - 1))) >> shift;
    }
    y[i] = Held(scaled + p.zero_point, p.low);
  }
  return {};
}

// --- the sum of two
// --------------------------------------------------------------------------------

bool AddSupports(const void* problem) {
  const auto& p = *static_cast<const QuantizedAddProblem*>(problem);
  const auto inside = [](float scale) { return scale >= 0x1p-14f && scale < 0x1p8f; };
  return inside(p.a_scale) && inside(p.b_scale);
}

int64_t AddUnits(const void* problem, int) {
  return Runs(static_cast<const QuantizedAddProblem*>(problem)->count);
}

// Both scales as integers over one power of two, the larger of 22 bits.
StepStatus AddRun(const void* problem, int, Range range, const Operands& operands, void*) {
  const auto& p = *static_cast<const QuantizedAddProblem*>(problem);
  const auto* a = static_cast<const uint8_t*>(operands.in[0]);
  const auto* b = static_cast<const uint8_t*>(operands.in[1]);
  auto* y = static_cast<uint8_t*>(operands.out[0]);
  const int shift = 21 - (PartsOf(std::max(p.a_scale, p.b_scale)).exponent - 127);
  const auto a_factor = static_cast<int64_t>(std::lrint(std::ldexp(p.a_scale, shift)));
  const auto b_factor = static_cast<int64_t>(std::lrint(std::ldexp(p.b_scale, shift)));
  const Range at = Elements(range, p.count);
  for (int64_t i = at.begin; i < at.end; ++i) {
    const int64_t sum = (a[i] - p.a_zero_point) * a_factor + (b[i] - p.b_zero_point) * b_factor;
    y[i] = Held(ShiftRounding(sum, shift) + p.y_zero_point, p.low);
  }
  return {};
}

// --- softmax
// ---------------------------------------------------------------------------------------

bool AnySupports(const void*) { return true; }

int64_t SoftmaxUnits(const void* problem, int) {
  const auto& p = *static_cast<const QuantizedSoftmaxProblem*>(problem);
  return p.columns == 0 ? 0 : p.rows;
}

size_t SoftmaxScratch(const void*) { return 256 * sizeof(uint32_t); }

// Exponentials come from a table of integers, scaled so that a row's sum fits in 32 bits.
StepStatus SoftmaxRun(const void* problem, int, Range range, const Operands& operands,
                      void* scratch) {
  const auto& p = *static_cast<const QuantizedSoftmaxProblem*>(problem);
  auto* const table = static_cast<uint32_t*>(scratch);
  const double unit = std::min(4294967295.0 / static_cast<double>(p.columns), 8388607.0);
  for (int i = 0; i < 256; ++i) {
    const double power = (i - 255) * static_cast<double>(p.scale);
    table[i] = static_cast<uint32_t>(std::lrint(unit * std::exp(power)));
  }
  for (int64_t row = range.begin; row < range.end; ++row) {
    const auto* x = static_cast<const uint8_t*>(operands.in[0]) + row * p.columns;
    auto* y = static_cast<uint8_t*>(operands.out[0]) + row * p.columns;
    const uint32_t* const shifted = table + (255 - *std::max_element(x, x + p.columns));
    uint64_t sum = 0;
    for (int64_t i = 0; i < p.columns; ++i) sum += shifted[x[i]];
    for (int64_t i = 0; i < p.columns; ++i) {
      const uint64_t share = (uint64_t{shifted[x[i]]} * 256 + sum / 2) / sum;
      y[i] = static_cast<uint8_t>(std::min<uint64_t>(share, 255));
    }
  }
  return {};
}

// --- lookup
// ----------------------------------------------------------------------------------------

int64_t LookupUnits(const void* problem, int) {
  return Runs(static_cast<const LookupProblem*>(problem)->count);
}

StepStatus LookupRun(const void* problem, int, Range range, const Operands& operands, void*) {
  const auto& p = *static_cast<const LookupProblem*>(problem);
  const auto* x = static_cast<const uint8_t*>(operands.in[0]);
  auto* y = static_cast<uint8_t*>(operands.out[0]);
  const Range at = Elements(range, p.count);
  for (int64_t i = at.begin; i < at.end; ++i) y[i] = p.table[x[i]];
  return {};
}

constexpr Kernel kRows[] = {
    {.name = "requantize_reference",
     .kind = ProblemKind::kRequantize,
     .engine = Engine::kReference,
     .supports = RequantizeSupports,
     .packed_operand = -1,
     .phases = 1,
     .units = RequantizeUnits,
     .run = RequantizeRun},
    {.name = "quantized_add_reference",
     .kind = ProblemKind::kQuantizedAdd,
     .engine = Engine::kReference,
     .supports = AddSupports,
     .packed_operand = -1,
     .phases = 1,
     .units = AddUnits,
     .run = AddRun},
    {.name = "quantized_softmax_reference",
     .kind = ProblemKind::kQuantizedSoftmax,
     .engine = Engine::kReference,
     .supports = AnySupports,
     .packed_operand = -1,
     .scratch_bytes = SoftmaxScratch,
     .phases = 1,
     .units = SoftmaxUnits,
     .run = SoftmaxRun},
    {.name = "lookup_reference",
     .kind = ProblemKind::kLookup,
     .engine = Engine::kReference,
     .supports = AnySupports,
     .packed_operand = -1,
     .phases = 1,
     .units = LookupUnits,
     .run = LookupRun},
};

}  // namespace

std::span<const Kernel> QuantizedRows() { return kRows; }

}  // namespace doppio::kernels::reference
