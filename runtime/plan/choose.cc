#include "runtime/plan/choose.h"

namespace doppio::plan {
namespace {

using kernels::Engine;
using kernels::Kernel;

EngineChoice ChoiceFromName(std::string_view name) {
  if (name == "reference") return EngineChoice::kReference;
  if (name == "simd") return EngineChoice::kSimd;
  if (name == "dnnl") return EngineChoice::kDnnl;
  return EngineChoice::kAuto;
}

// 0: the engine that was asked for; 1: a fallback; -1: not allowed. Engines are a matter of the
// CPU's rows: another device has one.
int Rank(const Kernel& row, EngineChoice choice) {
  const Engine engine = row.engine;
  if (row.device != kernels::kCpuDevice) return 0;
  switch (choice) {
    case EngineChoice::kReference:
      return engine == Engine::kReference ? 0 : -1;
    case EngineChoice::kDnnl:
      return engine == Engine::kDnnl ? 0 : engine == Engine::kCudnn ? -1 : 1;
    case EngineChoice::kCudnn:
      return engine == Engine::kCudnn ? 0 : engine == Engine::kDnnl ? -1 : 1;
    default:
      return engine == Engine::kSimd || engine == Engine::kReference ? 0 : -1;
  }
}

}  // namespace

Choice ChooseKernel(const kernels::KernelTable& table, kernels::ProblemKind kind,
                    const void* problem, std::span<const bool> constant, const PlanOptions& options,
                    std::string_view engine, int32_t device_type) {
  // What the whole run asks for wins over what a node asks for.
  const EngineChoice wanted =
      options.engine != EngineChoice::kAuto ? options.engine : ChoiceFromName(engine);
  Choice best;
  int best_rank = 2;
  for (size_t i = 0; i < table.rows().size(); ++i) {
    const Kernel& row = *table.rows()[i];
    if (row.kind != kind || row.device != device_type) continue;
    const int rank = Rank(row, wanted);
    if (rank < 0 || rank > best_rank) continue;
    if (options.exact && row.transforms) continue;
    if (row.packed_bytes != nullptr) {
      const auto operand = static_cast<size_t>(row.packed_operand);
      if (operand >= constant.size() || !constant[operand]) continue;
    }
    if (!row.supports(problem)) continue;
    const double cost = row.cost != nullptr ? row.cost(problem, table.machine()) : kUnmeasuredCost;
    if (best.kernel >= 0 && rank == best_rank && cost >= best.cost_ns) continue;
    best = {static_cast<int>(i), cost};
    best_rank = rank;
  }
  return best;
}

}  // namespace doppio::plan
