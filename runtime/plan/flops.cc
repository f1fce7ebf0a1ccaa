#include "runtime/plan/flops.h"

#include "kernels/problems/conv.h"
#include "kernels/problems/gemm.h"
#include "kernels/problems/rnn.h"

namespace doppio::plan {

int64_t FlopsOf(kernels::ProblemKind kind, const void* problem) {
  if (kind == kernels::ProblemKind::kGemm) {
    const auto& p = *static_cast<const kernels::GemmProblem*>(problem);
    int64_t batch = 1;
    for (int i = 0; i < p.batch_rank; ++i) batch *= p.batch[i];
    return 2 * batch * p.m * p.n * p.k;
  }
  if (kind == kernels::ProblemKind::kRnn) {
    const auto& p = *static_cast<const kernels::RnnProblem*>(problem);
    return 2 * p.t * p.n * kernels::RnnGates(p.cell) * p.h * p.h;
  }
  const bool transposed = kind == kernels::ProblemKind::kConvTranspose;
  if (kind != kernels::ProblemKind::kConv && !transposed) return 0;
  const auto& p = *static_cast<const kernels::ConvProblem*>(problem);
  const int64_t taps = p.kd * p.kh * p.kw;
  const int64_t positions = transposed ? p.id * p.ih * p.iw : p.od * p.oh * p.ow;
  return 2 * p.n * positions * taps * p.m * (p.c / p.groups);
}

}  // namespace doppio::plan
