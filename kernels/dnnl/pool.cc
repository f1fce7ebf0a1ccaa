#include "kernels/problems/pool.h"

#include "kernels/dnnl/families.h"
#include "kernels/dnnl/step.h"

namespace doppio::kernels::dnnl {
namespace {

// Padding behind the input that makes `out` the size of the output.
int64_t EndPad(int64_t in, int64_t out, int64_t k, int64_t s, int64_t d, int64_t pad) {
  return (out - 1) * s + (k - 1) * d + 1 - pad - in;
}

// oneDNN's average with padding divides by all taps, also by those that ceil rounding adds.
bool CountsStatedPaddingOnly(const PoolProblem& p) {
  return EndPad(p.id, p.od, p.kd, p.sd, p.dd, p.pd) <= p.pd_end &&
         EndPad(p.ih, p.oh, p.kh, p.sh, p.dh, p.ph) <= p.ph_end &&
         EndPad(p.iw, p.ow, p.kw, p.sw, p.dw, p.pw) <= p.pw_end;
}

// The first and the last window of a dimension meet the input.
bool WindowsMeet(int64_t in, int64_t out, int64_t k, int64_t s, int64_t d, int64_t pad) {
  return pad <= (k - 1) * d && (out - 1) * s - pad < in && d == 1;
}

bool Supports(const void* problem) {
  const auto& p = *static_cast<const PoolProblem*>(problem);
  if (p.type != ElementType::kFloat || p.op == PoolOp::kLp || p.indices) return false;
  if (p.n == 0 || p.c == 0 || p.od * p.oh * p.ow == 0) return false;
  if (!WindowsMeet(p.id, p.od, p.kd, p.sd, p.dd, p.pd)) return false;
  if (!WindowsMeet(p.ih, p.oh, p.kh, p.sh, p.dh, p.ph)) return false;
  if (!WindowsMeet(p.iw, p.ow, p.kw, p.sw, p.dw, p.pw)) return false;
  return p.op == PoolOp::kMax || !p.count_include_pad || CountsStatedPaddingOnly(p);
}

bool Make(const PoolProblem& p, const void* const*, Step* step) {
  const int rank = SpatialRank(p);
  const memory::desc x = MapDesc(rank, p.n, p.c, p.id, p.ih, p.iw, p.x);
  const memory::desc y = MapDesc(rank, p.n, p.c, p.od, p.oh, p.ow, p.y);
  const auto algorithm = p.op == PoolOp::kMax  ? onednn::algorithm::pooling_max
                         : p.count_include_pad ? onednn::algorithm::pooling_avg_include_padding
                                               : onednn::algorithm::pooling_avg_exclude_padding;
  const auto kind = onednn::prop_kind::forward_inference;
  const memory::dims strides = Spatial(rank, p.sd, p.sh, p.sw);
  const memory::dims kernel = Spatial(rank, p.kd, p.kh, p.kw);
  const memory::dims begin = Spatial(rank, p.pd, p.ph, p.pw);
  const memory::dims end = Spatial(rank, EndPad(p.id, p.od, p.kd, p.sd, p.dd, p.pd),
                                   EndPad(p.ih, p.oh, p.kh, p.sh, p.dh, p.ph),
                                   EndPad(p.iw, p.ow, p.kw, p.sw, p.dw, p.pw));
#if DNNL_VERSION_MAJOR >= 3
  const memory::dims dilation = Spatial(rank, 0, 0, 0);
  const onednn::pooling_forward::primitive_desc made(Engine(), kind, algorithm, x, y, strides,
                                                     kernel, dilation, begin, end);
#else
  const onednn::pooling_forward::desc stated(kind, algorithm, x, y, strides, kernel, begin, end);
  const onednn::pooling_forward::primitive_desc made(stated, Engine());
#endif
  step->primitive = onednn::pooling_forward(made);
  AddInput(step, DNNL_ARG_SRC, 0, x);
  AddOutput(step, DNNL_ARG_DST, 0, y);
  return true;
}

}  // namespace

const Kernel kPoolRow = {.name = "pool_dnnl_f32",
                         .kind = ProblemKind::kPool,
                         .engine = kernels::Engine::kDnnl,
                         .supports = Supports,
                         .phases = 1,
                         .units = OneUnit,
                         .run = RunStep,
                         .prepare = PrepareStep<PoolProblem, Make>,
                         .release = ReleaseStep};

}  // namespace doppio::kernels::dnnl
