// LinearAttention of ONNX: attention as a recurrence over a state of one matrix a head.
#include "kernels/problems/linear_attention.h"

#include <cmath>

#include "base/message.h"
#include "runtime/operators/cast.h"
#include "runtime/operators/element_class.h"
#include "runtime/operators/infer_context.h"
#include "runtime/operators/rows.h"

namespace doppio::operators {
namespace {

using base::Cat;
using base::Quoted;
using kernels::LinearAttentionProblem;

enum Input : size_t { kQuery, kKey, kValue, kPast, kDecay, kBeta };

Status ReadArgs(const ArgReader& args, LinearAttentionProblem* p) {
  std::string_view rule;
  DOPPIO_RETURN_IF_ERROR(args.IntIn("q_num_heads", 1, INT32_MAX, &p->q_heads));
  DOPPIO_RETURN_IF_ERROR(args.IntIn("kv_num_heads", 1, INT32_MAX, &p->heads));
  DOPPIO_RETURN_IF_ERROR(args.Float("scale", &p->scale));
  DOPPIO_RETURN_IF_ERROR(args.Text("update_rule", &rule));
  p->decayed = rule == "gated" || rule == "gated_delta";
  p->delta = rule == "delta" || rule == "gated_delta";
  if (!p->decayed && !p->delta && rule != "linear") {
    return InvalidArgument(Cat("update_rule ", Quoted(rule),
                               " is unknown; there are linear, gated, delta, gated_delta"));
  }
  if (p->q_heads % p->heads != 0) {
    return InvalidArgument(
        Cat(p->q_heads, " heads of queries are no multiple of the ", p->heads, " heads of keys"));
  }
  return {};
}

Status WantHeads(const InferContext& c, size_t i, int64_t heads) {
  const ValueFacts& x = c.input(i);
  if (x.type == c.input(0).type && x.shape.rank == 3 &&
      (!x.shape[2].known() || x.shape[2].value() % heads == 0)) {
    return {};
  }
  return InvalidArgument(Cat(c.Describe(i), " must have the type of ", c.Describe(0),
                             ", 3 dimensions, and divide into ", heads, " heads"));
}

// An input that must, or must not, be there.
Status WantGiven(const InferContext& c, size_t i, bool wanted, const char* name) {
  if (c.HasInput(i) == wanted) return {};
  return InvalidArgument(Cat("its update_rule ", wanted ? "needs" : "takes no", " input ", name));
}

// Sizes of steps and batch are those of the query.
Status WantSteps(const InferContext& c, size_t i) {
  for (int d = 0; d < 2; ++d) {
    const Dim a = c.input(0).shape[d], b = c.input(i).shape[d];
    if (a.known() && b.known() && !(a == b)) {
      return InvalidArgument(
          Cat(c.Describe(i), " differs from ", c.Describe(0), " in dimension ", d));
    }
  }
  return {};
}

Status InferLinearAttention(InferContext& c) {
  LinearAttentionProblem p;
  DOPPIO_RETURN_IF_ERROR(ReadArgs(c.args, &p));
  if (!IsFloatType(c.input(0).type)) {
    return InvalidArgument(Cat(c.Describe(0), " must hold floats"));
  }
  DOPPIO_RETURN_IF_ERROR(WantGiven(c, kDecay, p.decayed, "decay"));
  DOPPIO_RETURN_IF_ERROR(WantGiven(c, kBeta, p.delta, "beta"));
  for (const size_t i : {kQuery, kKey, kValue, kDecay, kBeta}) {
    if (!c.HasInput(i)) continue;
    DOPPIO_RETURN_IF_ERROR(WantHeads(c, i, i == kQuery ? p.q_heads : i == kBeta ? 1 : p.heads));
    DOPPIO_RETURN_IF_ERROR(WantSteps(c, i));
  }
  SymbolTable& symbols = c.symbols();
  const Shape &q = c.input(kQuery).shape, &k = c.input(kKey).shape, &v = c.input(kValue).shape;
  const Dim d_k = symbols.FloorDiv(q[2], Dim(p.q_heads));
  const Dim d_v = symbols.FloorDiv(v[2], Dim(p.heads));
  if (d_k.known() && k[2].known() && d_k.value() * p.heads != k[2].value()) {
    return InvalidArgument(Cat("the heads of ", c.Describe(kKey), " must have size ", d_k.value()));
  }
  if (c.HasInput(kDecay)) {
    const Dim size = c.input(kDecay).shape[2];
    if (size.known() && d_k.known() && !size.Is(p.heads) && !size.Is(p.heads * d_k.value())) {
      return InvalidArgument(Cat(c.Describe(kDecay), " must hold one value a head or a key"));
    }
  }
  if (c.HasInput(kBeta)) {
    const Dim size = c.input(kBeta).shape[2];
    if (size.known() && !size.Is(p.heads) && !size.Is(1)) {
      return InvalidArgument(Cat(c.Describe(kBeta), " must hold one value a head, or one"));
    }
  }
  Shape y, state;
  for (const Dim dim : {q[0], q[1], symbols.Mul(Dim(p.q_heads), d_v)}) y.push_back(dim);
  for (const Dim dim : {q[0], Dim(p.heads), d_k, d_v}) state.push_back(dim);
  if (c.HasInput(kPast)) {
    const Shape& past = c.input(kPast).shape;
    bool fits = past.rank == 4 && IsFloatType(c.input(kPast).type);
    for (int i = 0; i < 4 && fits; ++i) {
      fits = !past[i].known() || !state[i].known() || past[i] == state[i];
    }
    if (!fits) {
      return InvalidArgument(Cat(c.Describe(kPast), " must be a state [batch, heads, d_k, d_v]"));
    }
  }
  c.Set(0, c.input(0).type, y);
  c.Set(1, c.HasInput(kPast) ? c.input(kPast).type : c.input(0).type, state);
  return {};
}

Status LowerLinearAttention(LowerContext& c) {
  const TensorRef q = c.input(kQuery), v = c.input(kValue);
  LinearAttentionProblem p;
  DOPPIO_RETURN_IF_ERROR(ReadArgs(c.args, &p));
  p.type = q.type;
  p.b = q.dims[0];
  p.t = q.dims[1];
  p.d_k = q.dims[2] / p.q_heads;
  p.d_v = v.dims[2] / p.heads;
  const auto optional = [&](size_t i) { return c.HasInput(i) ? c.input(i) : TensorRef(); };
  const TensorRef past = optional(kPast), decay = optional(kDecay), beta = optional(kBeta);
  p.state_type = past.present() ? past.type : q.type;
  if (decay.present()) p.decay_size = decay.dims[2];
  if (beta.present()) p.beta_size = beta.dims[2];
  if (p.scale == 0) p.scale = static_cast<float>(1 / std::sqrt(static_cast<double>(p.d_k)));
  TensorRef y = c.output(0);
  if (!y.present()) {
    DOPPIO_ASSIGN_OR_RETURN(y, c.Temporary(q.type, {p.b, p.t, p.q_heads * p.d_v}));
  }
  const TensorRef state = c.output_count() > 1 ? c.output(1) : TensorRef();
  return c.Emit(kernels::ProblemKind::kLinearAttention, p, {q, c.input(kKey), v, past, decay, beta},
                {y, state});
}

constexpr ArgSpec kArgs[] = {{"q_num_heads", ArgKind::kInt, 0, "", true},
                             {"kv_num_heads", ArgKind::kInt, 0, "", true},
                             {"scale", ArgKind::kFloat},
                             {"update_rule", ArgKind::kString, 0, "gated_delta"},
                             {"chunk_size", ArgKind::kInt, 64}};

}  // namespace

const Operator kOnnxLinearAttention = {.domain = "ai.onnx",
                                       .type = "LinearAttention",
                                       .min_inputs = 3,
                                       .max_inputs = 6,
                                       .min_outputs = 1,
                                       .max_outputs = 2,
                                       .layout = LayoutTrait::kRowMajor,
                                       .flags = kPlain,
                                       .infer = InferLinearAttention,
                                       .lower = LowerLinearAttention,
                                       .args = kArgs,
                                       .summary = "attention as a recurrence over a state"};

}  // namespace doppio::operators
