#include "bench/kernels/step.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/kernels/fma_peak.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <chrono>

HWY_BEFORE_NAMESPACE();
namespace doppio::bench {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// 10 independent chains cover 2 pipes x 4 or 5 cycles of latency. Returns operations done.
double MultiplyAdd(int64_t rounds, float* sink) {
  const hn::ScalableTag<float> d;
  const auto x = hn::Set(d, 0.999f);
  const auto y = hn::Set(d, 0.001f);
  // Distinct starts: equal chains would be merged into one by the compiler.
  auto c0 = hn::Set(d, 0.0f);
  auto c1 = hn::Set(d, 1.0f);
  auto c2 = hn::Set(d, 2.0f);
  auto c3 = hn::Set(d, 3.0f);
  auto c4 = hn::Set(d, 4.0f);
  auto c5 = hn::Set(d, 5.0f);
  auto c6 = hn::Set(d, 6.0f);
  auto c7 = hn::Set(d, 7.0f);
  auto c8 = hn::Set(d, 8.0f);
  auto c9 = hn::Set(d, 9.0f);
  for (int64_t i = 0; i < rounds; ++i) {
    c0 = hn::MulAdd(c0, x, y);
    c1 = hn::MulAdd(c1, x, y);
    c2 = hn::MulAdd(c2, x, y);
    c3 = hn::MulAdd(c3, x, y);
    c4 = hn::MulAdd(c4, x, y);
    c5 = hn::MulAdd(c5, x, y);
    c6 = hn::MulAdd(c6, x, y);
    c7 = hn::MulAdd(c7, x, y);
    c8 = hn::MulAdd(c8, x, y);
    c9 = hn::MulAdd(c9, x, y);
  }
  const auto s0 = hn::Add(hn::Add(c0, c1), hn::Add(c2, c3));
  const auto s1 = hn::Add(hn::Add(c4, c5), hn::Add(c6, c7));
  *sink = hn::GetLane(hn::Add(hn::Add(s0, s1), hn::Add(c8, c9)));
  return 20.0 * static_cast<double>(rounds) * static_cast<double>(hn::Lanes(d));
}

}  // namespace HWY_NAMESPACE
}  // namespace doppio::bench
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppio::bench {
HWY_EXPORT(MultiplyAdd);

double PeakGflops() {
  Table();  // chooses the target
  using Clock = std::chrono::steady_clock;
  double best = 0;
  for (int trial = 0; trial < 20; ++trial) {
    volatile float sink = 0;
    float result = 0;
    const Clock::time_point start = Clock::now();
    const double operations = HWY_DYNAMIC_DISPATCH(MultiplyAdd)(1000000, &result);
    const double ns = std::chrono::duration<double, std::nano>(Clock::now() - start).count();
    sink = result;
    static_cast<void>(sink);
    best = std::max(best, operations / ns);
  }
  return best;
}

}  // namespace doppio::bench
#endif  // HWY_ONCE
