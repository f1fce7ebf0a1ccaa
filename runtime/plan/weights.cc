#include "runtime/plan/weights.h"

#include "kernels/problems/conv.h"
#include "kernels/problems/gemm.h"
#include "kernels/problems/rnn.h"

namespace doppio::plan {
namespace {

struct PackJob {
  const kernels::Kernel* kernel;
  const void* problem;
  const void* const* operands;
  void* packed;

  static void Run(void* context, int, kernels::Range range) {
    const auto* job = static_cast<const PackJob*>(context);
    job->kernel->pack(job->problem, range, job->operands, job->packed);
  }
};

}  // namespace

PackedWeights::Key PackedWeights::MakeKey(const kernels::Kernel& kernel, const void* problem,
                                          const void* constant) {
  Key key;
  key.kernel = &kernel;
  key.constant = constant;
  if (kernel.kind == kernels::ProblemKind::kGemm) {
    const auto& p = *static_cast<const kernels::GemmProblem*>(problem);
    const int64_t layout[] = {p.n, p.k, p.b_row, p.b_col};
    for (size_t i = 0; i < std::size(layout); ++i) key.layout[i] = layout[i];
  } else if (kernel.kind == kernels::ProblemKind::kRnn) {
    const auto& p = *static_cast<const kernels::RnnProblem*>(problem);
    key.layout[0] = static_cast<int64_t>(p.cell);
    key.layout[1] = p.h;
  } else {
    const auto& p = *static_cast<const kernels::ConvProblem*>(problem);
    const int64_t layout[] = {p.c,   p.m,   p.groups, p.kd,  p.kh,  p.kw,
                              p.w.n, p.w.c, p.w.d,    p.w.h, p.w.w, p.sh * 65536 + p.sw};
    for (size_t i = 0; i < std::size(layout); ++i) key.layout[i] = layout[i];
  }
  return key;
}

StatusOr<const void*> PackedWeights::Get(const kernels::Kernel& kernel, const void* problem,
                                         const void* const* operands, exec::ThreadPool& pool) {
  const Key key = MakeKey(kernel, problem, operands[kernel.packed_operand]);
  const std::lock_guard lock(mutex_);
  for (const Entry& entry : entries_) {
    if (entry.key == key) return static_cast<const void*>(entry.packed.data());
  }
  Entry entry;
  entry.key = key;
  DOPPIO_ASSIGN_OR_RETURN(entry.packed,
                          base::Buffer::Allocate(kernel.packed_bytes(problem), budget_));
  PackJob job{&kernel, problem, operands, entry.packed.data()};
  const int64_t units = kernel.pack_units(problem);
  const int64_t pieces = 4 * pool.threads();
  pool.Run({&PackJob::Run, &job, units, units / pieces > 0 ? units / pieces : 1});
  const void* packed = entry.packed.data();
  DOPPIO_RETURN_IF_ERROR(entries_.Append(std::move(entry)));
  return packed;
}

size_t PackedWeights::bytes() const {
  const std::lock_guard lock(mutex_);
  size_t sum = 0;
  for (const Entry& entry : entries_) sum += entry.packed.size();
  return sum;
}

}  // namespace doppio::plan
