#include <benchmark/benchmark.h>

#include "bench/kernels/shapes.h"
#include "bench/kernels/step.h"
#include "kernels/problems/conv.h"

namespace doppio::bench {
namespace {

struct Shape {
  const char* name;
  int64_t c, m, size, kernel, stride, groups;
};

// Square maps, "same" padding, batch 1, channels-last.
constexpr Shape kShapes[] = {
    {"conv/resnet_conv1", 3, 64, 224, 7, 2, 1},
    {"conv/resnet_56_1x1_64_64", 64, 64, 56, 1, 1, 1},
    {"conv/resnet_56_1x1_64_256", 64, 256, 56, 1, 1, 1},
    {"conv/resnet_56_1x1_256_64", 256, 64, 56, 1, 1, 1},
    {"conv/resnet_56_3x3_64", 64, 64, 56, 3, 1, 1},
    {"conv/resnet_28_3x3_128", 128, 128, 28, 3, 1, 1},
    {"conv/resnet_14_3x3_256", 256, 256, 14, 3, 1, 1},
    {"conv/resnet_7_3x3_512", 512, 512, 7, 3, 1, 1},
    {"conv/resnet_28_1x1_128_512", 128, 512, 28, 1, 1, 1},
    {"conv/resnet_14_1x1_1024_256", 1024, 256, 14, 1, 1, 1},
    {"conv/resnet_7_1x1_512_2048", 512, 2048, 7, 1, 1, 1},
    {"conv/resnet_56_1x1s2_256_512", 256, 512, 56, 1, 2, 1},
    {"conv/resnet_56_3x3s2_128", 128, 128, 56, 3, 2, 1},
    {"conv/resnext_56_3x3_128_g32", 128, 128, 56, 3, 1, 32},
    {"conv/resnext_14_3x3_512_g32", 512, 512, 14, 3, 1, 32},
    {"conv/mobilenet_dw_112_32", 32, 32, 112, 3, 1, 32},
    {"conv/mobilenet_dw_112_96_s2", 96, 96, 112, 3, 2, 96},
    {"conv/mobilenet_dw_56_144", 144, 144, 56, 3, 1, 144},
    {"conv/mobilenet_dw_14_384", 384, 384, 14, 3, 1, 384},
    {"conv/mobilenet_dw_7_960", 960, 960, 7, 3, 1, 960},
    {"conv/mobilenet3_dw5_14_672", 672, 672, 14, 5, 1, 672},
};

kernels::MapStrides ChannelsLast(int64_t h, int64_t w, int64_t c) {
  return {h * w * c, 1, h * w * c, w * c, c};
}

kernels::ConvProblem Problem(const Shape& shape) {
  kernels::ConvProblem p;
  p.c = shape.c;
  p.m = shape.m;
  p.groups = shape.groups;
  p.ih = p.iw = shape.size;
  p.kh = p.kw = shape.kernel;
  p.sh = p.sw = shape.stride;
  p.ph = p.pw = shape.kernel / 2;
  p.oh = p.ow = (shape.size + 2 * p.ph - shape.kernel) / shape.stride + 1;
  const int64_t taps = shape.kernel * shape.kernel;
  p.w = {shape.c / shape.groups * taps, taps, taps, shape.kernel, 1};
  p.x = ChannelsLast(p.ih, p.iw, p.c);
  // The first layer reads what users pass: NCHW.
  if (shape.c == 3) p.x = {p.c * p.ih * p.iw, p.ih * p.iw, p.ih * p.iw, p.iw, 1};
  p.y = ChannelsLast(p.oh, p.ow, p.m);
  p.epilogue.bias = true;
  p.epilogue.activation = kernels::UnaryOp::kRelu;
  return p;
}

const kernels::Kernel* Best(const kernels::ConvProblem& problem) {
  const kernels::Kernel* best = nullptr;
  for (const kernels::Kernel* row : Table().rows()) {
    if (row->kind != kernels::ProblemKind::kConv || row->cost == nullptr) continue;
    if (!row->supports(&problem)) continue;
    const double ns = row->cost(&problem, Table().machine());
    if (best == nullptr || ns < best->cost(&problem, Table().machine())) best = row;
  }
  return best;
}

void Run(benchmark::State& state, const Shape& shape, double peak) {
  const kernels::ConvProblem problem = Problem(shape);
  const int64_t weights = shape.m * shape.c / shape.groups * shape.kernel * shape.kernel;
  const RandomFloats x(shape.c * shape.size * shape.size), w(weights), bias(shape.m);
  const RandomFloats y(shape.m * problem.oh * problem.ow);
  const void* in[4] = {x.data(), w.data(), bias.data(), nullptr};
  void* out[1] = {y.data()};
  const kernels::Kernel* const kernel = Best(problem);
  Step step(kernel, &problem, in, out);
  if (!step.ok()) return state.SkipWithError("not supported");
  for (auto _ : state) step.Run();
  const double gflop = 2e-9 * static_cast<double>(weights * problem.oh * problem.ow);
  using benchmark::Counter;
  state.counters["GFLOP/s"] = Counter(gflop, Counter::kIsIterationInvariantRate);
  state.counters["share"] = Counter(gflop / peak, Counter::kIsIterationInvariantRate);
  state.SetLabel(kernel->name);
}

}  // namespace

void RegisterConv(double peak) {
  for (const Shape& shape : kShapes) {
    benchmark::RegisterBenchmark(shape.name, [&shape, peak](benchmark::State& state) {
      Run(state, shape, peak);
    })->Unit(benchmark::kMicrosecond);
  }
}

}  // namespace doppio::bench
