#include "runtime/exec/executor.h"

#include <atomic>

#include "base/checked.h"
#include "runtime/platform/machine.h"

namespace doppio::exec {
namespace {

using kernels::Kernel;
using kernels::Range;
using kernels::StepStatus;

// Waking the workers costs about 5 microseconds; a step shorter than this runs on its caller.
constexpr int64_t kParallelNs = 20000;
// Chunks a thread: enough to even out, few enough to be cheap.
constexpr int64_t kChunksPerThread = 4;

// Pointers to constants lose their const here, in one place: kernels get them as inputs only.
void* Offset(const void* base, int64_t offset) {
  return static_cast<uint8_t*>(const_cast<void*>(base)) + offset;
}

// One phase of one step on several threads; the error with the lowest unit wins, whoever met it.
struct PhaseJob {
  const Kernel* kernel = nullptr;
  const void* problem = nullptr;
  const kernels::Operands* operands = nullptr;
  int phase = 0;
  uint8_t* scratch = nullptr;
  size_t scratch_bytes = 0;
  std::atomic_flag lock = ATOMIC_FLAG_INIT;
  StepStatus status{};
  int64_t failed_at = INT64_MAX;

  static void Run(void* context, int thread, Range range) {
    auto* job = static_cast<PhaseJob*>(context);
    const StepStatus status =
        job->kernel->run(job->problem, job->phase, range, *job->operands,
                         job->scratch + static_cast<size_t>(thread) * job->scratch_bytes);
    if (status.ok()) return;
    while (job->lock.test_and_set(std::memory_order_acquire)) platform::SpinPause();
    if (range.begin < job->failed_at) {
      job->failed_at = range.begin;
      job->status = status;
    }
    job->lock.clear(std::memory_order_release);
  }
};

}  // namespace

StatusOr<Executor> Executor::Bind(const Program& program, const kernels::KernelTable& kernels,
                                  std::span<void* const> arenas, int devices) {
  Executor executor;
  executor.program_ = &program;
  DOPPIO_RETURN_IF_ERROR(executor.pointers_.Resize(program.operands.size()));
  for (uint32_t i = 0; i < program.operands.size(); ++i) {
    const BufferRef& ref = program.operands[i];
    switch (ref.place) {
      case Place::kNone:
        break;
      case Place::kArena:
        executor.pointers_[i] =
            Offset(arenas[ref.index * static_cast<size_t>(devices) + ref.device], ref.offset);
        break;
      case Place::kConstant:
        executor.pointers_[i] = Offset(program.constants[ref.index], ref.offset);
        break;
      default:
        DOPPIO_RETURN_IF_ERROR(executor.patches_.Append({i, ref}));
        break;
    }
  }
  DOPPIO_RETURN_IF_ERROR(executor.steps_.Resize(program.steps.size()));
  const auto own_arenas = arenas.last(static_cast<size_t>(devices));
  for (size_t i = 0; i < program.steps.size(); ++i) {
    const Step& step = program.steps[i];
    BoundStep& bound = executor.steps_[i];
    bound.kernel = kernels.rows()[step.kernel];
    bound.problem = program.problems.data() + step.problem;
    bound.first_pointer = step.first_operand;
    bound.parallel = step.device == 0 && step.parallel_ns >= kParallelNs;
    bound.operands.packed =
        step.packed >= 0 ? program.packed[static_cast<size_t>(step.packed)] : nullptr;
    bound.operands.handle =
        step.handle >= 0 ? program.handles[static_cast<size_t>(step.handle)] : nullptr;
    if (step.workspace >= 0) {
      bound.operands.workspace = static_cast<uint8_t*>(own_arenas[step.device]) + step.workspace;
    }
    bound.operands.in = executor.pointers_.data() + step.first_operand;
    bound.operands.out = executor.pointers_.data() + step.first_operand + step.inputs;
    for (int phase = 0; phase < bound.kernel->phases; ++phase) {
      bound.units[phase] = bound.kernel->units(bound.problem, phase);
    }
  }
  return executor;
}

void Executor::Repoint(const Environment& environment) {
  for (const Patch& patch : patches_) {
    const void* base = nullptr;
    switch (patch.ref.place) {
      case Place::kInput:
        base = environment.inputs[patch.ref.index];
        break;
      case Place::kOutput:
        base = environment.outputs[patch.ref.index];
        break;
      case Place::kDynamic:
        base = environment.dynamics[patch.ref.index];
        break;
      default:
        break;
    }
    pointers_[patch.pointer] = base != nullptr ? Offset(base, patch.ref.offset) : nullptr;
  }
  for (BoundStep& step : steps_) step.operands.allocator = environment.allocator;
}

kernels::StepStatus Executor::RunStep(const BoundStep& step, ThreadPool& pool, void* scratch) {
  PhaseJob job;
  job.kernel = step.kernel;
  job.problem = step.problem;
  job.operands = &step.operands;
  job.scratch = static_cast<uint8_t*>(scratch);
  job.scratch_bytes = program_->scratch_bytes;
  for (int phase = 0; phase < step.kernel->phases; ++phase) {
    const int64_t units = step.units[phase];
    job.phase = phase;
    if (!step.parallel || pool.threads() == 1) {
      if (units > 0) PhaseJob::Run(&job, 0, {0, units});
    } else {
      const int64_t chunk = base::CeilDiv(units, kChunksPerThread * pool.threads());
      pool.Run({&PhaseJob::Run, &job, units, chunk > 0 ? chunk : 1});
    }
    if (!job.status.ok()) return job.status;
  }
  return {};
}

RunResult Executor::Run(const Environment& environment, ThreadPool& pool, void* scratch,
                        Profile* profile) {
  Repoint(environment);
  RunResult result;
  for (uint32_t i = 0; i < steps_.size(); ++i) {
    const int64_t begin = profile != nullptr ? platform::NowNs() : 0;
    result.status = RunStep(steps_[i], pool, scratch);
    if (profile != nullptr) profile->step_ns[i] += platform::NowNs() - begin;
    if (!result.ok()) {
      result.step = i;
      return result;
    }
  }
  if (profile != nullptr) ++profile->runs;
  return result;
}

}  // namespace doppio::exec
