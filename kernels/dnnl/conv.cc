#include "kernels/problems/conv.h"

#include "kernels/dnnl/families.h"
#include "kernels/dnnl/step.h"

namespace doppio::kernels::dnnl {
namespace {

bool Supports(const void* problem) {
  const auto& p = *static_cast<const ConvProblem*>(problem);
  const bool empty = p.n == 0 || p.c == 0 || p.m == 0 || p.id * p.ih * p.iw == 0 ||
                     p.od * p.oh * p.ow == 0 || p.kd * p.kh * p.kw == 0;
  return p.type == ElementType::kFloat && !empty && SupportsActivation(p.epilogue.activation);
}

// Channels-first or channels-last without gaps.
bool IsDense(const MapStrides& s, int64_t c, int64_t d, int64_t h, int64_t w) {
  const bool first = s.w == 1 && s.h == w && s.d == h * w && s.c == d * h * w;
  const bool last = s.c == 1 && s.w == c && s.h == w * c && s.d == h * w * c;
  return (first || last) && s.n == c * d * h * w;
}

// oneDNN 2.6 damages memory in transposed convolutions whose maps have gaps (tests/kernels found
// it).
bool SupportsTransposed(const void* problem) {
  const auto& p = *static_cast<const ConvProblem*>(problem);
  return Supports(problem) && IsDense(p.x, p.c, p.id, p.ih, p.iw) &&
         IsDense(p.y, p.m, p.od, p.oh, p.ow);
}

// What both directions hand to oneDNN.
struct Description {
  memory::desc x, w, w_any, bias, y;
  memory::dims strides, dilations, begin, end;
};

// Padding after the last input that makes `out` the size of the output; negative where the last
// inputs are not read.
int64_t EndPad(bool transposed, int64_t in, int64_t out, int64_t k, int64_t s, int64_t d,
               int64_t pad) {
  const int64_t reach = (k - 1) * d + 1;
  return transposed ? (in - 1) * s + reach - pad - out : (out - 1) * s + reach - pad - in;
}

Description Describe(const ConvProblem& p, bool transposed) {
  const int rank = SpatialRank(p);
  const int64_t channels = p.c / p.groups, outputs = p.m / p.groups;
  const int64_t group = transposed ? channels * p.w.c : outputs * p.w.n;
  memory::dims dims = {outputs, channels}, strides = {p.w.n, p.w.c};
  if (p.groups > 1) {
    dims.insert(dims.begin(), p.groups);
    strides.insert(strides.begin(), group);
  }
  for (int64_t size : Spatial(rank, p.kd, p.kh, p.kw)) dims.push_back(size);
  for (int64_t stride : Spatial(rank, p.w.d, p.w.h, p.w.w)) strides.push_back(stride);
  Description d;
  d.x = MapDesc(rank, p.n, p.c, p.id, p.ih, p.iw, p.x);
  d.y = MapDesc(rank, p.n, p.m, p.od, p.oh, p.ow, p.y);
  d.w = memory::desc(dims, memory::data_type::f32, strides);
  d.w_any = memory::desc(dims, memory::data_type::f32, memory::format_tag::any);
  if (p.epilogue.bias) {
    d.bias = memory::desc({p.m}, memory::data_type::f32, memory::format_tag::x);
  }
  d.strides = Spatial(rank, p.sd, p.sh, p.sw);
  d.dilations = Spatial(rank, p.dd - 1, p.dh - 1, p.dw - 1);
  d.begin = Spatial(rank, p.pd, p.ph, p.pw);
  d.end = Spatial(rank, EndPad(transposed, p.id, p.od, p.kd, p.sd, p.dd, p.pd),
                  EndPad(transposed, p.ih, p.oh, p.kh, p.sh, p.dh, p.ph),
                  EndPad(transposed, p.iw, p.ow, p.kw, p.sw, p.dw, p.pw));
  return d;
}

// Primitive is onednn::convolution_forward or deconvolution_forward: the same arguments.
template <class Primitive, bool kTransposed>
bool Make(const ConvProblem& p, const void* const* in, Step* step) {
  const Description d = Describe(p, kTransposed);
  const memory::desc& w = in[1] == nullptr ? d.w : d.w_any;
  const auto kind = onednn::prop_kind::forward_inference;
  const auto algorithm =
      kTransposed ? onednn::algorithm::deconvolution_direct : onednn::algorithm::convolution_direct;
  const onednn::primitive_attr attributes = AttributesOf(p.epilogue);
#if DNNL_VERSION_MAJOR >= 3
  const typename Primitive::primitive_desc made(Engine(), kind, algorithm, d.x, w, d.bias, d.y,
                                                d.strides, d.dilations, d.begin, d.end, attributes);
#else
  const typename Primitive::desc stated(kind, algorithm, d.x, w, d.bias, d.y, d.strides,
                                        d.dilations, d.begin, d.end);
  const typename Primitive::primitive_desc made(stated, attributes, Engine());
#endif
  step->primitive = Primitive(made);
  AddInput(step, DNNL_ARG_SRC, 0, d.x);
  AddWeights(step, 1, in[1], d.w, made.weights_desc());
  if (p.epilogue.bias) AddInput(step, DNNL_ARG_BIAS, 2, d.bias);
  AddOutput(step, DNNL_ARG_DST, 0, d.y);
  if (p.epilogue.residual) {
    AddResidual(step, MapDesc(SpatialRank(p), p.n, p.m, p.od, p.oh, p.ow, p.residual), d.y);
  }
  return true;
}

}  // namespace

const Kernel kConvRow = {
    .name = "conv_dnnl_direct_f32",
    .kind = ProblemKind::kConv,
    .engine = kernels::Engine::kDnnl,
    .supports = Supports,
    .phases = 1,
    .units = OneUnit,
    .run = RunStep,
    .prepare = PrepareStep<ConvProblem, Make<onednn::convolution_forward, false>>,
    .release = ReleaseStep};

const Kernel kConvTransposeRow = {
    .name = "conv_transpose_dnnl_direct_f32",
    .kind = ProblemKind::kConvTranspose,
    .engine = kernels::Engine::kDnnl,
    .supports = SupportsTransposed,
    .phases = 1,
    .units = OneUnit,
    .run = RunStep,
    .prepare = PrepareStep<ConvProblem, Make<onednn::deconvolution_forward, true>>,
    .release = ReleaseStep};

}  // namespace doppio::kernels::dnnl
