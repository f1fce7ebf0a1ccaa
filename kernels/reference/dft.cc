// Mixed-radix Cooley-Tukey: a transform of length r m becomes r transforms of length m and m of
// length r. Cooley, Tukey, "An Algorithm for the Machine Calculation of Complex Fourier Series"
// (1965). Prime factors are computed by definition.
#include "kernels/problems/dft.h"

#include <cmath>
#include <numbers>

#include "kernels/reference/element_dispatch.h"
#include "kernels/reference/families.h"

namespace doppio::kernels::reference {
namespace {

inline constexpr TypeList<float, double> kDftTypes;

const DftProblem& As(const void* problem) { return *static_cast<const DftProblem*>(problem); }

bool Supports(const void* problem) { return Contains(kDftTypes, As(problem).type); }

// A unit is one signal.
int64_t Units(const void* problem, int) { return As(problem).outer * As(problem).inner; }

struct Complex {
  double re = 0, im = 0;
};
Complex Times(Complex a, Complex b) {
  return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

// The signal, its spectrum, the roots of unity, and room for one butterfly.
size_t ScratchBytes(const void* problem) {
  return static_cast<size_t>(As(problem).length) * 4 * sizeof(Complex);
}

int64_t SmallestFactor(int64_t n) {
  for (int64_t f = 2; f * f <= n; ++f) {
    if (n % f == 0) return f;
  }
  return n;
}

// y[0..n) = the transform of x[0], x[stride]...; roots[j] = exp(-+2 pi i j / length), length = n
// stride.
void Transform(const Complex* x, int64_t n, int64_t stride, const Complex* roots, int64_t length,
               Complex* y, Complex* room) {
  if (n == 1) {
    y[0] = x[0];
    return;
  }
  const int64_t radix = SmallestFactor(n), m = n / radix;
  for (int64_t r = 0; r < radix; ++r) {
    Transform(x + r * stride, m, stride * radix, roots, length, y + r * m, room);
  }
  for (int64_t k = 0; k < m; ++k) {
    for (int64_t r = 0; r < radix; ++r) room[r] = Times(y[r * m + k], roots[r * k * stride]);
    for (int64_t q = 0; q < radix; ++q) {
      Complex sum = room[0];
      for (int64_t r = 1; r < radix; ++r) {
        const Complex term = Times(room[r], roots[r * q % radix * (length / radix)]);
        sum.re += term.re;
        sum.im += term.im;
      }
      y[q * m + k] = sum;
    }
  }
}

StepStatus Run(const void* problem, int, Range range, const Operands& operands, void* scratch) {
  const DftProblem& p = As(problem);
  const int64_t length = p.length;
  auto* const signal = static_cast<Complex*>(scratch);
  Complex* const spectrum = signal + length;
  Complex* const roots = spectrum + length;
  Complex* const room = roots + length;
  for (int64_t j = 0; j < length; ++j) {
    const double angle =
        2 * std::numbers::pi * static_cast<double>(j) / static_cast<double>(length);
    roots[j] = {std::cos(angle), p.inverse ? std::sin(angle) : -std::sin(angle)};
  }
  const double scale = p.inverse ? 1 / static_cast<double>(length) : 1;
  return VisitType(kDftTypes, p.type, [&]<class T>(TypeTag<T>) {
    const auto* window = static_cast<const T*>(operands.in[1]);
    for (int64_t unit = range.begin; unit < range.end; ++unit) {
      const int64_t outer = unit / p.inner, inner = unit % p.inner;
      const T* const x =
          static_cast<const T*>(operands.in[0]) + outer * p.x_outer + inner * p.x_inner;
      T* const y = static_cast<T*>(operands.out[0]) + outer * p.y_outer + inner * p.y_inner;
      for (int64_t i = 0; i < length; ++i) {
        signal[i] = {};
        if (i >= p.given) continue;
        const T* const at = x + i * p.x_n;
        const double weight = window != nullptr ? static_cast<double>(window[i]) : 1;
        signal[i].re = weight * static_cast<double>(at[0]);
        if (!p.real_input) signal[i].im = weight * static_cast<double>(at[1]);
      }
      if (p.hermitian) {
        for (int64_t i = length / 2 + 1; i < length; ++i) {
          signal[i] = {signal[length - i].re, -signal[length - i].im};
        }
      }
      Transform(signal, length, 1, roots, length, spectrum, room);
      for (int64_t k = 0; k < p.kept; ++k) {
        T* const at = y + k * p.y_k;
        at[0] = static_cast<T>(spectrum[k].re * scale);
        if (!p.real_output) at[1] = static_cast<T>(spectrum[k].im * scale);
      }
    }
    return StepStatus{};
  });
}

constexpr Kernel kRows[] = {{.name = "dft_reference",
                             .kind = ProblemKind::kDft,
                             .engine = Engine::kReference,
                             .supports = Supports,
                             .packed_operand = -1,
                             .scratch_bytes = ScratchBytes,
                             .phases = 1,
                             .units = Units,
                             .run = Run}};

}  // namespace

std::span<const Kernel> DftRows() { return kRows; }

}  // namespace doppio::kernels::reference
