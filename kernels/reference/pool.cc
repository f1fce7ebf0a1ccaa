#include "kernels/problems/pool.h"

#include <algorithm>

#include "kernels/reference/element_dispatch.h"
#include "kernels/reference/families.h"

namespace doppio::kernels::reference {
namespace {

constexpr auto kMaxTypes = kFloatTypes + TypeList<int8_t, uint8_t>{};

bool Supports(const void* problem) {
  const auto& p = *static_cast<const PoolProblem*>(problem);
  if (p.op == PoolOp::kMax) return Contains(kMaxTypes, p.type);
  return Contains(kFloatTypes, p.type) && !p.indices;
}

// A unit is one output row of one channel.
int64_t Units(const void* problem, int) {
  const auto& p = *static_cast<const PoolProblem*>(problem);
  return p.ow == 0 ? 0 : p.n * p.c * p.od * p.oh;
}

struct Position {
  int64_t n, c, d, h, w;
};

int64_t Offset(const MapStrides& s, const Position& at) {
  return at.n * s.n + at.c * s.c + at.d * s.d + at.h * s.h + at.w * s.w;
}

int64_t FlatIndex(const PoolProblem& p, const Position& at) {
  const int64_t spatial = p.indices_column_major ? (at.w * p.ih + at.h) * p.id + at.d
                                                 : (at.d * p.ih + at.h) * p.iw + at.w;
  return (at.n * p.c + at.c) * p.id * p.ih * p.iw + spatial;
}

// visit(position of x) for every tap of output `at` inside the input.
template <class Visitor>
void ForEachTap(const PoolProblem& p, const Position& at, Visitor&& visit) {
  for (int64_t kd = 0; kd < p.kd; ++kd) {
    const int64_t d = at.d * p.sd + kd * p.dd - p.pd;
    if (d < 0 || d >= p.id) continue;
    for (int64_t kh = 0; kh < p.kh; ++kh) {
      const int64_t h = at.h * p.sh + kh * p.dh - p.ph;
      if (h < 0 || h >= p.ih) continue;
      for (int64_t kw = 0; kw < p.kw; ++kw) {
        const int64_t w = at.w * p.sw + kw * p.dw - p.pw;
        if (w < 0 || w >= p.iw) continue;
        visit(Position{at.n, at.c, d, h, w});
      }
    }
  }
}

// Taps of one dimension inside the input and, with `padded`, its padding.
int64_t CountTaps(int64_t o, int64_t kernel, int64_t stride, int64_t dilation, int64_t pad,
                  int64_t size, int64_t pad_end) {
  int64_t count = 0;
  for (int64_t k = 0; k < kernel; ++k) {
    const int64_t i = o * stride + k * dilation - pad;
    count += i >= -pad && i < size + pad_end;
  }
  return count;
}

int64_t CountPaddedTaps(const PoolProblem& p, const Position& at) {
  return CountTaps(at.d, p.kd, p.sd, p.dd, p.pd, p.id, p.pd_end) *
         CountTaps(at.h, p.kh, p.sh, p.dh, p.ph, p.ih, p.ph_end) *
         CountTaps(at.w, p.kw, p.sw, p.dw, p.pw, p.iw, p.pw_end);
}

// The greatest value under the window, a NaN before all; `index` is -1 for a window without a tap.
template <class T>
Wide<T> Max(const PoolProblem& p, const T* x, const Position& at, int64_t* index) {
  Wide<T> best = Lowest<T>();
  *index = -1;
  ForEachTap(p, at, [&](const Position& tap) {
    const Wide<T> value = Load(x, Offset(p.x, tap));
    if (*index < 0 || value > best || (IsNan(value) && !IsNan(best))) {
      best = value;
      *index = FlatIndex(p, tap);
    }
  });
  return best;
}

template <class T>
double Average(const PoolProblem& p, const T* x, const Position& at) {
  double sum = 0;
  int64_t taps = 0;
  ForEachTap(p, at, [&](const Position& tap) {
    sum += Load(x, Offset(p.x, tap));
    ++taps;
  });
  if (p.count_include_pad) taps = CountPaddedTaps(p, at);
  return taps == 0 ? 0 : sum / static_cast<double>(taps);
}

template <class T>
double Lp(const PoolProblem& p, const T* x, const Position& at) {
  double sum = 0;
  ForEachTap(p, at, [&](const Position& tap) {
    sum += std::pow(std::fabs(Load(x, Offset(p.x, tap))), p.p);
  });
  return std::pow(sum, 1 / p.p);
}

StepStatus Run(const void* problem, int, Range range, const Operands& operands, void*) {
  const auto& p = *static_cast<const PoolProblem*>(problem);
  return VisitType(kMaxTypes, p.type, [&]<class T>(TypeTag<T>) {
    const auto* x = static_cast<const T*>(operands.in[0]);
    auto* y = static_cast<T*>(operands.out[0]);
    auto* indices = p.indices ? static_cast<int64_t*>(operands.out[1]) : nullptr;
    for (int64_t unit = range.begin; unit < range.end; ++unit) {
      Position at{unit / (p.oh * p.od * p.c), unit / (p.oh * p.od) % p.c, unit / p.oh % p.od,
                  unit % p.oh, 0};
      for (at.w = 0; at.w < p.ow; ++at.w) {
        if (p.op == PoolOp::kMax) {
          int64_t index = 0;
          Store(y, Offset(p.y, at), Max(p, x, at, &index));
          if (indices != nullptr) indices[unit * p.ow + at.w] = index;
        } else if constexpr (kIsFloat<T>) {
          Store(y, Offset(p.y, at), p.op == PoolOp::kLp ? Lp(p, x, at) : Average(p, x, at));
        }
      }
    }
    return StepStatus{};
  });
}

constexpr Kernel kRows[] = {
    {.name = "pool_reference",
     .kind = ProblemKind::kPool,
     .engine = Engine::kReference,
     .supports = Supports,
     .phases = 1,
     .units = Units,
     .run = Run},
};

}  // namespace

std::span<const Kernel> PoolRows() { return kRows; }

}  // namespace doppio::kernels::reference
