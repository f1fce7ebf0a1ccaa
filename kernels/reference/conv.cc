#include "kernels/problems/conv.h"

#include "kernels/reference/element_dispatch.h"
#include "kernels/reference/families.h"
#include "kernels/reference/unary_function.h"

namespace doppio::kernels::reference {
namespace {

bool Supports(const void* problem) {
  const auto& p = *static_cast<const ConvProblem*>(problem);
  const Epilogue& e = p.epilogue;
  if (p.type == ElementType::kUint8) {
    return !e.residual && e.activation == UnaryOp::kIdentity;
  }
  return Contains(kFloatTypes, p.type) && IsFloatFunction(e.activation);
}

// A unit is one row of one output channel.
int64_t Units(const void* problem, int) {
  const auto& p = *static_cast<const ConvProblem*>(problem);
  return p.ow == 0 ? 0 : p.n * p.m * p.od * p.oh;
}

// One output element.
struct Position {
  int64_t n, m, d, h, w;
};

int64_t Offset(const MapStrides& s, const Position& at) {
  return at.n * s.n + at.m * s.c + at.d * s.d + at.h * s.h + at.w * s.w;
}

// The input coordinate that tap k meets, or -1: x[o * stride + k * dilation - pad].
int64_t ForwardCoordinate(int64_t o, int64_t k, int64_t stride, int64_t dilation, int64_t pad,
                          int64_t size) {
  const int64_t i = o * stride + k * dilation - pad;
  return i >= 0 && i < size ? i : -1;
}

// The same for the transposed form: the i with o = i * stride + k * dilation - pad.
int64_t TransposedCoordinate(int64_t o, int64_t k, int64_t stride, int64_t dilation, int64_t pad,
                             int64_t size) {
  const int64_t scaled = o + pad - k * dilation;
  if (scaled < 0 || scaled % stride != 0) return -1;
  return scaled / stride < size ? scaled / stride : -1;
}

using Coordinate = int64_t (*)(int64_t o, int64_t k, int64_t stride, int64_t dilation, int64_t pad,
                               int64_t size);

// Sum over the input channels of the group and the taps that meet the input.
template <class T, Coordinate coordinate, bool kTransposed>
double Accumulate(const ConvProblem& p, const T* x, const T* w, const Position& at) {
  const int64_t channels = p.c / p.groups, outputs = p.m / p.groups;
  const int64_t group = at.m / outputs, j = at.m % outputs;
  // Doubles hold sums of products of 8 bits exactly.
  constexpr bool kQuantized = std::is_same_v<T, uint8_t>;
  const double x_zero = kQuantized ? p.x_zero_point : 0, w_zero = kQuantized ? p.w_zero_point : 0;
  double sum = 0;
  for (int64_t kd = 0; kd < p.kd; ++kd) {
    const int64_t id = coordinate(at.d, kd, p.sd, p.dd, p.pd, p.id);
    if (id < 0) continue;
    for (int64_t kh = 0; kh < p.kh; ++kh) {
      const int64_t ih = coordinate(at.h, kh, p.sh, p.dh, p.ph, p.ih);
      if (ih < 0) continue;
      for (int64_t kw = 0; kw < p.kw; ++kw) {
        const int64_t iw = coordinate(at.w, kw, p.sw, p.dw, p.pw, p.iw);
        if (iw < 0) continue;
        const int64_t x_tap = at.n * p.x.n + id * p.x.d + ih * p.x.h + iw * p.x.w;
        const int64_t w_tap = kd * p.w.d + kh * p.w.h + kw * p.w.w;
        for (int64_t ci = 0; ci < channels; ++ci) {
          const int64_t c = group * channels + ci;
          const int64_t w_at = kTransposed ? c * p.w.c + j * p.w.n : at.m * p.w.n + ci * p.w.c;
          const double a = static_cast<double>(Load(x, x_tap + c * p.x.c));
          const double b = static_cast<double>(Load(w, w_tap + w_at));
          sum += kQuantized ? (a - x_zero) * (b - w_zero) : a * b;
        }
      }
    }
  }
  return sum;
}

template <Coordinate coordinate, bool kTransposed>
StepStatus Run(const void* problem, int, Range range, const Operands& operands, void*) {
  const auto& p = *static_cast<const ConvProblem*>(problem);
  return VisitType(kFloatTypes + TypeList<uint8_t>{}, p.type, [&]<class T>(TypeTag<T>) {
    using Result = std::conditional_t<std::is_same_v<T, uint8_t>, int32_t, T>;
    const auto* x = static_cast<const T*>(operands.in[0]);
    const auto* w = static_cast<const T*>(operands.in[1]);
    const auto* bias = p.epilogue.bias ? static_cast<const Result*>(operands.in[2]) : nullptr;
    const auto* residual =
        p.epilogue.residual ? static_cast<const Result*>(operands.in[3]) : nullptr;
    auto* y = static_cast<Result*>(operands.out[0]);
    for (int64_t unit = range.begin; unit < range.end; ++unit) {
      Position at{unit / (p.oh * p.od * p.m), unit / (p.oh * p.od) % p.m, unit / p.oh % p.od,
                  unit % p.oh, 0};
      for (at.w = 0; at.w < p.ow; ++at.w) {
        double value = Accumulate<T, coordinate, kTransposed>(p, x, w, at);
        if (bias != nullptr) value += static_cast<double>(Load(bias, at.m));
        if constexpr (std::is_same_v<Result, int32_t>) {
          Store(y, Offset(p.y, at), static_cast<int64_t>(value));
        } else {
          if (residual != nullptr) value += Load(residual, Offset(p.residual, at));
          const Epilogue& e = p.epilogue;
          Store(y, Offset(p.y, at), EvaluateUnary(e.activation, e.alpha, e.beta, value));
        }
      }
    }
    return StepStatus{};
  });
}

constexpr Kernel kRows[] = {
    {.name = "conv_reference",
     .kind = ProblemKind::kConv,
     .engine = Engine::kReference,
     .supports = Supports,
     .phases = 1,
     .units = Units,
     .run = Run<ForwardCoordinate, false>},
    {.name = "conv_transpose_reference",
     .kind = ProblemKind::kConvTranspose,
     .engine = Engine::kReference,
     .supports = Supports,
     .phases = 1,
     .units = Units,
     .run = Run<TransposedCoordinate, true>},
};

}  // namespace

std::span<const Kernel> ConvRows() { return kRows; }

}  // namespace doppio::kernels::reference
