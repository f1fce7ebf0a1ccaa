#include "kernels/dnnl/families.h"
#include "kernels/dnnl/step.h"
#include "kernels/problems/normalize.h"

namespace doppio::kernels::dnnl {
namespace {

bool SameStrides(const MapStrides& a, const MapStrides& b) {
  return a.n == b.n && a.c == b.c && a.d == b.d && a.h == b.h && a.w == b.w;
}

bool Supports(const void* problem) {
  const auto& p = *static_cast<const AffineProblem*>(problem);
  const bool empty = p.n * p.c * p.d * p.h * p.w == 0;
  return p.type == ElementType::kFloat && !empty && SameStrides(p.x, p.y) &&
         (p.activation == UnaryOp::kIdentity || p.activation == UnaryOp::kRelu);
}

// All four parameters must be constants that are present: oneDNN's flags say which it reads.
bool Make(const AffineProblem& p, const void* const* in, Step* step) {
  for (int i = 1; i < 5; ++i) {
    if (in[i] == nullptr) return false;
  }
  const memory::desc x = MapDesc(p.d == 1 ? 2 : 3, p.n, p.c, p.d, p.h, p.w, p.x);
  const memory::desc parameter({p.c}, memory::data_type::f32, memory::format_tag::x);
  auto flags = onednn::normalization_flags::use_global_stats |
               onednn::normalization_flags::use_scale | onednn::normalization_flags::use_shift;
  if (p.activation == UnaryOp::kRelu) flags |= onednn::normalization_flags::fuse_norm_relu;
  const auto kind = onednn::prop_kind::forward_inference;
  const auto epsilon = static_cast<float>(p.epsilon);
  using Primitive = onednn::batch_normalization_forward;
#if DNNL_VERSION_MAJOR >= 3
  const Primitive::primitive_desc made(Engine(), kind, x, x, epsilon, flags);
#else
  const Primitive::primitive_desc made(Primitive::desc(kind, x, epsilon, flags), Engine());
#endif
  step->primitive = Primitive(made);
  AddInput(step, DNNL_ARG_SRC, 0, x);
  AddInput(step, DNNL_ARG_SCALE, 1, parameter);
  AddInput(step, DNNL_ARG_SHIFT, 2, parameter);
  AddInput(step, DNNL_ARG_MEAN, 3, parameter);
  AddInput(step, DNNL_ARG_VARIANCE, 4, parameter);
  AddOutput(step, DNNL_ARG_DST, 0, x);
  return true;
}

}  // namespace

const Kernel kAffineRow = {.name = "affine_dnnl_f32",
                           .kind = ProblemKind::kAffine,
                           .engine = kernels::Engine::kDnnl,
                           .supports = Supports,
                           .phases = 1,
                           .units = OneUnit,
                           .run = RunStep,
                           .prepare = PrepareStep<AffineProblem, Make>,
                           .release = ReleaseStep};

}  // namespace doppio::kernels::dnnl
