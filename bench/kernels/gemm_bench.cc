#include <benchmark/benchmark.h>

#include "bench/kernels/shapes.h"
#include "bench/kernels/step.h"
#include "kernels/problems/gemm.h"

namespace doppio::bench {
namespace {

struct Shape {
  const char* name;
  const char* kernel;
  int64_t m, n, k;
};

constexpr Shape kShapes[] = {
    {"gemm/1024", "gemm_rowmajor_packedb_f32", 1024, 1024, 1024},
    {"gemm/1024_unpacked", "gemm_rowmajor_f32", 1024, 1024, 1024},

    {"gemm/384", "gemm_rowmajor_packedb_f32", 384, 384, 384},
    {"gemm/bert_ffn", "gemm_rowmajor_packedb_f32", 128, 3072, 768},
    {"gemm/vgg_fc6", "gemm_rowmajor_packedb_f32", 1, 4096, 25088},
    {"gemm/resnet50_fc", "gemm_rowmajor_packedb_f32", 1, 1000, 2048},
    {"gemm/attention_scores", "gemm_rowmajor_f32", 197, 197, 64},
};

void Run(benchmark::State& state, const Shape& shape, double peak) {
  const RandomFloats a(shape.m * shape.k), b(shape.k * shape.n), y(shape.m * shape.n);
  kernels::GemmProblem problem;
  problem.m = shape.m;
  problem.n = shape.n;
  problem.k = shape.k;
  problem.a_row = shape.k;
  problem.b_row = shape.n;
  problem.y_row = shape.n;
  const void* in[4] = {a.data(), b.data(), nullptr, nullptr};
  void* out[1] = {y.data()};
  const int at = Table().Find(shape.kernel);
  Step step(at < 0 ? nullptr : Table().rows()[at], &problem, in, out);
  if (!step.ok()) return state.SkipWithError("not supported");
  for (auto _ : state) step.Run();
  const double gflop = 2e-9 * static_cast<double>(shape.m * shape.n * shape.k);
  using benchmark::Counter;
  state.counters["GFLOP/s"] = Counter(gflop, Counter::kIsIterationInvariantRate);
  state.counters["share"] = Counter(gflop / peak, Counter::kIsIterationInvariantRate);
  const double gbytes = 4e-9 * static_cast<double>(shape.k * shape.n);
  state.counters["weights_GB/s"] = Counter(gbytes, Counter::kIsIterationInvariantRate);
}

}  // namespace

void RegisterGemm(double peak) {
  for (const Shape& shape : kShapes) {
    benchmark::RegisterBenchmark(shape.name, [&shape, peak](benchmark::State& state) {
      Run(state, shape, peak);
    })->Unit(benchmark::kMicrosecond);
  }
}

}  // namespace doppio::bench
