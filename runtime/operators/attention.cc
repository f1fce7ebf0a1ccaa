// Attention of ONNX (opset 23 and later): softmax(scale Q K^T + mask) V over heads, with grouped
// queries, a cache of past keys and values, causal and sliding windows. Vaswani et al., "Attention
// Is All You Need" (2017), 3.2; grouped queries: Ainslie et al., "GQA" (2023).
#include <cmath>
#include <limits>

#include "base/half.h"
#include "base/message.h"
#include "kernels/problems/gemm.h"
#include "kernels/problems/reduce.h"
#include "runtime/operators/binary.h"
#include "runtime/operators/cast.h"
#include "runtime/operators/element_class.h"
#include "runtime/operators/elementwise.h"
#include "runtime/operators/infer_context.h"
#include "runtime/operators/reduce.h"
#include "runtime/operators/rows.h"
#include "runtime/operators/view.h"
#include "runtime/operators/where.h"

namespace doppio::operators {
namespace {

using base::Cat;
using kernels::BinaryOp;
using kernels::ProblemKind;
using kernels::UnaryOp;

enum Input : size_t { kQ, kK, kV, kMask, kPastKey, kPastValue, kNonpad };
enum Output : size_t { kY, kPresentKey, kPresentValue, kScores };
// What output 3 shows.
enum ScoresMode : int64_t { kProducts, kAfterSoftcap, kWithBias, kProbabilities };

struct AttentionArgs {
  bool causal = false;
  int64_t q_heads = 0, kv_heads = 0;  // 0: as the inputs' dimension 1 says
  int64_t left = -1, right = -1;      // of the window; -1: open
  int64_t mode = 0, softmax_type = 0;
  float scale = 0, softcap = 0;  // scale 0: by the heads' size

  bool windowed() const { return causal || left >= 0 || right >= 0; }
};

Status ReadArgs(const ArgReader& args, AttentionArgs* a) {
  DOPPIO_RETURN_IF_ERROR(args.Bool("is_causal", &a->causal));
  DOPPIO_RETURN_IF_ERROR(args.IntIn("q_num_heads", 0, INT32_MAX, &a->q_heads));
  DOPPIO_RETURN_IF_ERROR(args.IntIn("kv_num_heads", 0, INT32_MAX, &a->kv_heads));
  DOPPIO_RETURN_IF_ERROR(args.IntIn("left_window_size", -1, INT64_MAX, &a->left));
  DOPPIO_RETURN_IF_ERROR(args.IntIn("right_window_size", -1, INT64_MAX, &a->right));
  DOPPIO_RETURN_IF_ERROR(args.IntIn("qk_matmul_output_mode", 0, 3, &a->mode));
  DOPPIO_RETURN_IF_ERROR(
      args.IntIn("softmax_precision", 0, kElementTypeCount - 1, &a->softmax_type));
  DOPPIO_RETURN_IF_ERROR(args.Float("scale", &a->scale));
  return args.Float("softcap", &a->softcap);
}

// --- shapes
// ----------------------------------------------------------------------------------------

// An input as [batch, heads, sequence, size]; heads and size may be unknown.
struct HeadShape {
  Dim batch, heads, sequence, size;
};

Status ReadHeads(const InferContext& c, size_t i, int64_t heads, HeadShape* shape) {
  const Shape& x = c.input(i).shape;
  if (x.rank == 4) {
    *shape = {x[0], x[1], x[2], x[3]};
    return {};
  }
  if (x.rank != 3) return InvalidArgument(Cat(c.Describe(i), " must have 3 or 4 dimensions"));
  if (heads == 0) {
    return InvalidArgument(
        Cat(c.Describe(i), " has 3 dimensions: q_num_heads and kv_num_heads must be given"));
  }
  if (x[2].known() && x[2].value() % heads != 0) {
    return InvalidArgument(Cat(c.Describe(i), " does not divide into ", heads, " heads"));
  }
  *shape = {x[0], Dim(heads), x[1], c.symbols().FloorDiv(x[2], Dim(heads))};
  return {};
}

Status Match(const InferContext& c, size_t i, const char* what, Dim got, Dim wanted) {
  if (!got.known() || !wanted.known() || got == wanted) return {};
  return InvalidArgument(
      Cat(c.Describe(i), ": ", what, " is ", got.value(), ", it must be ", wanted.value()));
}

// A past key or value [batch, heads, past, size] against the new one.
Status CheckPast(const InferContext& c, size_t i, const HeadShape& fresh, Dim* past) {
  const ValueFacts& x = c.input(i);
  if (x.shape.rank != 4) return InvalidArgument(Cat(c.Describe(i), " must have 4 dimensions"));
  DOPPIO_RETURN_IF_ERROR(Match(c, i, "the batch", x.shape[0], fresh.batch));
  DOPPIO_RETURN_IF_ERROR(Match(c, i, "the number of heads", x.shape[1], fresh.heads));
  DOPPIO_RETURN_IF_ERROR(Match(c, i, "the size of a head", x.shape[3], fresh.size));
  *past = x.shape[2];
  return {};
}

Status CheckMask(const InferContext& c, const Shape& scores) {
  const ValueFacts& mask = c.input(kMask);
  if (mask.type != ElementType::kBool && mask.type != c.input(kQ).type) {
    return InvalidArgument(
        Cat(c.Describe(kMask), " must be bool or of the type of ", c.Describe(kQ)));
  }
  if (mask.shape.rank < 1 || mask.shape.rank > 4) {
    return InvalidArgument(Cat(c.Describe(kMask), " must have 1 to 4 dimensions"));
  }
  // Its last dimension may be shorter: the rest is masked.
  Shape padded = mask.shape, all;
  padded[padded.rank - 1] = scores[3];
  const Dim own = mask.shape[mask.shape.rank - 1];
  if (own.known() && scores[3].known() && own.value() > scores[3].value()) {
    return InvalidArgument(
        Cat(c.Describe(kMask), " is wider than the ", scores[3].value(), " keys"));
  }
  return BroadcastShapes(padded, scores, &c.symbols(), &all);
}

Status InferAttention(InferContext& c) {
  AttentionArgs a;
  HeadShape q, k, v;
  DOPPIO_RETURN_IF_ERROR(ReadArgs(c.args, &a));
  const ElementType type = c.input(kQ).type;
  if (!IsFloatType(type)) return InvalidArgument(Cat(c.Describe(kQ), " must hold floats"));
  for (const size_t i : {kK, kV}) {
    if (c.input(i).shape.rank != c.input(kQ).shape.rank || !IsFloatType(c.input(i).type)) {
      return InvalidArgument(
          Cat(c.Describe(i), " must hold floats in as many dimensions as ", c.Describe(kQ)));
    }
  }
  if (c.input(kK).type != type) {
    return InvalidArgument(Cat(c.Describe(kK), " and ", c.Describe(kQ), " differ in type"));
  }
  DOPPIO_RETURN_IF_ERROR(ReadHeads(c, kQ, a.q_heads, &q));
  DOPPIO_RETURN_IF_ERROR(ReadHeads(c, kK, a.kv_heads, &k));
  DOPPIO_RETURN_IF_ERROR(ReadHeads(c, kV, a.kv_heads, &v));
  DOPPIO_RETURN_IF_ERROR(Match(c, kK, "the batch", k.batch, q.batch));
  DOPPIO_RETURN_IF_ERROR(Match(c, kV, "the batch", v.batch, q.batch));
  DOPPIO_RETURN_IF_ERROR(Match(c, kK, "the size of a head", k.size, q.size));
  DOPPIO_RETURN_IF_ERROR(Match(c, kV, "the number of heads", v.heads, k.heads));
  DOPPIO_RETURN_IF_ERROR(Match(c, kV, "the length", v.sequence, k.sequence));
  if (q.heads.known() && k.heads.known() &&
      (k.heads.Is(0) ? !q.heads.Is(0) : q.heads.value() % k.heads.value() != 0)) {
    return InvalidArgument(Cat(q.heads.value(), " heads of queries are no multiple of the ",
                               k.heads.value(), " heads of keys"));
  }
  if (c.HasInput(kPastKey) != c.HasInput(kPastValue)) {
    return InvalidArgument("past_key and past_value belong together");
  }
  Dim total = k.sequence;
  if (c.HasInput(kPastKey)) {
    if (c.HasInput(kNonpad)) {
      return InvalidArgument("nonpad_kv_seqlen cannot be combined with past_key");
    }
    Dim past, past_values;
    DOPPIO_RETURN_IF_ERROR(CheckPast(c, kPastKey, k, &past));
    DOPPIO_RETURN_IF_ERROR(CheckPast(c, kPastValue, v, &past_values));
    DOPPIO_RETURN_IF_ERROR(Match(c, kPastValue, "the length", past_values, past));
    total = c.symbols().Add(past, k.sequence);
  }
  if (c.HasInput(kNonpad)) {
    const Shape& lengths = c.input(kNonpad).shape;
    if (c.input(kNonpad).type != ElementType::kInt64 || lengths.rank != 1) {
      return InvalidArgument(Cat(c.Describe(kNonpad), " must be int64[batch]"));
    }
    DOPPIO_RETURN_IF_ERROR(Match(c, kNonpad, "its size", lengths[0], q.batch));
  }
  Shape scores, y, present_key, present_value;
  for (const Dim dim : {q.batch, q.heads, q.sequence, total}) scores.push_back(dim);
  for (const Dim dim : {k.batch, k.heads, total, k.size}) present_key.push_back(dim);
  for (const Dim dim : {v.batch, v.heads, total, v.size}) present_value.push_back(dim);
  if (c.HasInput(kMask)) DOPPIO_RETURN_IF_ERROR(CheckMask(c, scores));
  if (c.input(kQ).shape.rank == 4) {
    for (const Dim dim : {q.batch, q.heads, q.sequence, v.size}) y.push_back(dim);
  } else {
    const Dim hidden = c.symbols().Mul(q.heads, v.size);
    for (const Dim dim : {q.batch, q.sequence, hidden}) y.push_back(dim);
  }
  c.Set(kY, type, y);
  c.Set(kPresentKey, c.input(kK).type, present_key);
  c.Set(kPresentValue, c.input(kV).type, present_value);
  c.Set(kScores, type, scores);
  return {};
}

// --- lowering
// --------------------------------------------------------------------------------------

// [batch, sequence, heads x size] seen as [batch, heads, sequence, size].
TensorRef AsHeads(const TensorRef& x, int64_t heads) {
  if (x.dims.rank() == 4) return x;
  constexpr int kOrder[] = {0, 2, 1, 3};
  return Permuted(SplitAxis(x, 2, heads, heads == 0 ? 0 : x.dims[2] / heads), kOrder);
}

// One scalar of a float type.
StatusOr<TensorRef> FloatScalar(LowerContext& c, ElementType type, float value) {
  if (type == ElementType::kFloat) return c.Constant(type, Dims(), &value);
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef wide, c.Constant(ElementType::kFloat, Dims(), &value));
  return AsType(c, wide, type);
}

// What came before, then what is new, in one tensor: that of output `i` when it is wanted.
StatusOr<TensorRef> Join(LowerContext& c, size_t i, const TensorRef& past, const TensorRef& fresh) {
  TensorRef joined = i < c.output_count() ? c.output(i) : TensorRef();
  const int64_t before = past.present() ? past.dims[2] : 0;
  if (!joined.present()) {
    if (before == 0) return fresh;
    Dims dims = fresh.dims;
    dims[2] += before;
    DOPPIO_ASSIGN_OR_RETURN(joined, c.Temporary(fresh.type, dims));
  }
  if (before > 0) DOPPIO_RETURN_IF_ERROR(c.Copy(past, Cut(joined, 2, 0, before)));
  DOPPIO_RETURN_IF_ERROR(c.Copy(fresh, Cut(joined, 2, before, fresh.dims[2])));
  return joined;
}

// y = alpha a b for [batch, heads, m, k], [batch, kv heads, k, n]: each head of b serves a group of
// heads of a.
Status EmitHeadProducts(LowerContext& c, const TensorRef& a, const TensorRef& b, float alpha,
                        const TensorRef& y) {
  const int64_t kv_heads = b.dims[1], group = a.dims[1] / kv_heads;
  const TensorRef a5 = SplitAxis(a, 1, kv_heads, group), y5 = SplitAxis(y, 1, kv_heads, group);
  kernels::GemmProblem p;
  p.type = a.type;
  p.m = a.dims[2];
  p.k = a.dims[3];
  p.n = b.dims[3];
  p.a_row = a5.strides[3];
  p.a_col = a5.strides[4];
  p.b_row = b.strides[2];
  p.b_col = b.strides[3];
  p.y_row = y5.strides[3];
  p.y_col = y5.strides[4];
  p.alpha = alpha;
  p.batch_rank = 3;
  for (int i = 0; i < 3; ++i) {
    p.batch[i] = a5.dims[i];
    p.a_batch[i] = a5.strides[i];
    p.b_batch[i] = i == 2 ? 0 : b.strides[i];
    p.y_batch[i] = y5.strides[i];
  }
  return c.Emit(ProblemKind::kGemm, p, {a, b, TensorRef(), TensorRef()}, {y});
}

// y = scale q k. Types of 16 bits take the root of the scale on both sides, as ONNX has it:
// products stay in range.
Status EmitScores(LowerContext& c, const TensorRef& q, const TensorRef& k, float scale,
                  const TensorRef& y) {
  if (q.type == ElementType::kFloat || q.type == ElementType::kDouble) {
    return EmitHeadProducts(c, q, k, scale, y);
  }
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef root, FloatScalar(c, q.type, std::sqrt(scale)));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef small_q, c.Temporary(q.type, q.dims));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef small_k, c.Temporary(q.type, k.dims));
  DOPPIO_RETURN_IF_ERROR(EmitBinary(c, {BinaryOp::kMul}, q, root, small_q));
  DOPPIO_RETURN_IF_ERROR(EmitBinary(c, {BinaryOp::kMul}, k, root, small_k));
  return EmitHeadProducts(c, small_q, small_k, 1, y);
}

// y = softcap tanh(x / softcap), in place.
Status EmitSoftcap(LowerContext& c, float softcap, const TensorRef& x) {
  DOPPIO_RETURN_IF_ERROR(EmitUnary(c, {UnaryOp::kScale, 1.0 / static_cast<double>(softcap)}, x, x));
  DOPPIO_RETURN_IF_ERROR(EmitUnary(c, {UnaryOp::kTanh}, x, x));
  return EmitUnary(c, {UnaryOp::kScale, static_cast<double>(softcap)}, x, x);
}

// What is added to the scores: tensors that broadcast to [batch, heads, queries, keys].
class Bias {
 public:
  Bias(LowerContext& c, ElementType type, const AttentionArgs& args, const Dims& scores)
      : c_(c), type_(type), args_(args), scores_(scores) {}

  // Absent when nothing is added. `guarded`: a row may be masked as a whole.
  StatusOr<TensorRef> Make(int64_t past, bool* guarded) {
    *guarded = c_.HasInput(kMask) || c_.HasInput(kNonpad);
    TensorRef sum;
    if (c_.HasInput(kMask)) {
      DOPPIO_ASSIGN_OR_RETURN(sum, Mask());
    }
    if (c_.HasInput(kNonpad)) {
      DOPPIO_ASSIGN_OR_RETURN(const TensorRef lengths, Lengths());
      DOPPIO_RETURN_IF_ERROR(Add(lengths, &sum));
    } else if (args_.windowed()) {
      DOPPIO_ASSIGN_OR_RETURN(const TensorRef window, FixedWindow(past, guarded));
      DOPPIO_RETURN_IF_ERROR(Add(window, &sum));
    }
    return sum;
  }

 private:
  // 0 where `allowed`, else minus infinity.
  StatusOr<TensorRef> FromBool(const TensorRef& allowed) {
    DOPPIO_ASSIGN_OR_RETURN(const TensorRef zero, FloatScalar(c_, type_, 0));
    DOPPIO_ASSIGN_OR_RETURN(const TensorRef never, FloatScalar(c_, type_, -kInfinity));
    DOPPIO_ASSIGN_OR_RETURN(const TensorRef bias, c_.Temporary(type_, allowed.dims));
    DOPPIO_RETURN_IF_ERROR(EmitWhere(c_, allowed, zero, never, bias));
    return bias;
  }

  // The mask, widened to all keys.
  StatusOr<TensorRef> Mask() {
    TensorRef mask = c_.input(kMask);
    if (mask.type == ElementType::kBool) {
      DOPPIO_ASSIGN_OR_RETURN(mask, FromBool(mask));
    }
    const int last = mask.dims.rank() - 1;
    const int64_t own = mask.dims[last], keys = scores_[3];
    if (own == keys) return mask;
    Dims dims = mask.dims;
    dims[last] = keys;
    DOPPIO_ASSIGN_OR_RETURN(const TensorRef wide, c_.Temporary(type_, dims));
    DOPPIO_ASSIGN_OR_RETURN(const TensorRef never, FloatScalar(c_, type_, -kInfinity));
    DOPPIO_RETURN_IF_ERROR(c_.FillFrom(Cut(wide, last, own, keys - own), never));
    DOPPIO_RETURN_IF_ERROR(c_.Copy(mask, Cut(wide, last, 0, own)));
    return wide;
  }

  // Key j for query i: the distance j - i says whether it is in the window around i + offset.
  StatusOr<TensorRef> FixedWindow(int64_t offset, bool* guarded) {
    const int64_t queries = scores_[2], keys = scores_[3];
    base::Array<uint8_t> allowed;
    DOPPIO_RETURN_IF_ERROR(allowed.Resize(static_cast<size_t>(queries * keys)));
    size_t at = 0;
    for (int64_t i = 0; i < queries; ++i) {
      bool any = false;
      for (int64_t j = 0; j < keys; ++j) {
        const int64_t ahead = j - i - offset;
        const bool inside = !(args_.causal && ahead > 0) &&
                            !(args_.right >= 0 && ahead > args_.right) &&
                            !(args_.left >= 0 && -ahead > args_.left);
        any = any || inside;
        allowed[at++] = inside ? 1 : 0;
      }
      *guarded = *guarded || !any;
    }
    DOPPIO_ASSIGN_OR_RETURN(const TensorRef mask,
                            c_.Constant(ElementType::kBool, Dims({queries, keys}), allowed.data()));
    return FromBool(mask);
  }

  // The same with an offset of its own for each of the batch, and keys that are no padding.
  StatusOr<TensorRef> Lengths() {
    const int64_t batch = scores_[0], queries = scores_[2], keys = scores_[3];
    const TensorRef lengths = WithDims(c_.input(kNonpad), Dims({batch, 1, 1, 1}),
                                       Dims({c_.input(kNonpad).strides[0], 0, 0, 0}));
    base::Array<int64_t> column, ahead;
    for (int64_t j = 0; j < keys; ++j) DOPPIO_RETURN_IF_ERROR(column.Append(j));
    DOPPIO_ASSIGN_OR_RETURN(const TensorRef position,
                            c_.Constant(ElementType::kInt64, Dims({keys}), column.data()));
    const Dims dims = Dims({batch, 1, args_.windowed() ? queries : 1, keys});
    DOPPIO_ASSIGN_OR_RETURN(const TensorRef allowed, c_.Temporary(ElementType::kBool, dims));
    DOPPIO_RETURN_IF_ERROR(EmitBinary(c_, {BinaryOp::kLess}, position, lengths, allowed));
    if (!args_.windowed()) return FromBool(allowed);
    // ahead = j - i - (length - queries), compared with the window's bounds.
    for (int64_t i = 0; i < queries; ++i) {
      for (int64_t j = 0; j < keys; ++j) DOPPIO_RETURN_IF_ERROR(ahead.Append(j - i + queries));
    }
    DOPPIO_ASSIGN_OR_RETURN(const TensorRef distance,
                            c_.Constant(ElementType::kInt64, Dims({queries, keys}), ahead.data()));
    DOPPIO_ASSIGN_OR_RETURN(const TensorRef relative, c_.Temporary(ElementType::kInt64, dims));
    DOPPIO_RETURN_IF_ERROR(EmitBinary(c_, {BinaryOp::kSub}, distance, lengths, relative));
    if (args_.causal) DOPPIO_RETURN_IF_ERROR(Bound(BinaryOp::kLessEqual, relative, 0, allowed));
    if (args_.right >= 0) {
      DOPPIO_RETURN_IF_ERROR(Bound(BinaryOp::kLessEqual, relative, args_.right, allowed));
    }
    if (args_.left >= 0) {
      DOPPIO_RETURN_IF_ERROR(Bound(BinaryOp::kGreaterEqual, relative, -args_.left, allowed));
    }
    return FromBool(allowed);
  }

  Status Bound(BinaryOp op, const TensorRef& relative, int64_t bound, const TensorRef& allowed) {
    DOPPIO_ASSIGN_OR_RETURN(const TensorRef limit,
                            c_.Constant(ElementType::kInt64, Dims(), &bound));
    DOPPIO_ASSIGN_OR_RETURN(const TensorRef inside, c_.Temporary(ElementType::kBool, allowed.dims));
    DOPPIO_RETURN_IF_ERROR(EmitBinary(c_, {op}, relative, limit, inside));
    return EmitBinary(c_, {BinaryOp::kAnd}, allowed, inside, allowed);
  }

  Status Add(const TensorRef& bias, TensorRef* sum) {
    if (!sum->present()) {
      *sum = bias;
      return {};
    }
    Dims dims;
    const int rank = std::max(bias.dims.rank(), sum->dims.rank());
    for (int i = 0; i < rank; ++i) {
      const auto at = [&](const TensorRef& x) {
        const int own = i - (rank - x.dims.rank());
        return own < 0 ? int64_t{1} : x.dims[own];
      };
      dims.push_back(at(bias) == 1 ? at(*sum) : at(bias));
    }
    DOPPIO_ASSIGN_OR_RETURN(const TensorRef both, c_.Temporary(type_, dims));
    DOPPIO_RETURN_IF_ERROR(EmitBinary(c_, {BinaryOp::kAdd}, bias, *sum, both));
    *sum = both;
    return {};
  }

  static constexpr float kInfinity = std::numeric_limits<float>::infinity();

  LowerContext& c_;
  const ElementType type_;
  const AttentionArgs& args_;
  const Dims& scores_;
};

// Along the last axis of a row-major tensor, in place.
Status EmitRowSoftmax(LowerContext& c, const TensorRef& x) {
  kernels::SoftmaxProblem p;
  p.type = x.type;
  p.size = x.dims[3];
  p.outer = x.dims[0] * x.dims[1] * x.dims[2];
  p.x_outer = p.y_outer = p.size;
  return c.Emit(ProblemKind::kSoftmax, p, {x}, {x});
}

// Rows of `probabilities` whose bias masks every key become 0: there is nothing to attend.
Status ClearMaskedRows(LowerContext& c, const TensorRef& bias, const TensorRef& probabilities) {
  Dims rows = bias.dims;
  const int last = rows.rank() - 1;
  rows[last] = 1;
  Reduction reduction;
  reduction.reduced[last] = true;
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef greatest, c.Temporary(bias.type, rows));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef masked, c.Temporary(ElementType::kBool, rows));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef never,
                          FloatScalar(c, bias.type, -std::numeric_limits<float>::infinity()));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef zero, FloatScalar(c, probabilities.type, 0));
  DOPPIO_RETURN_IF_ERROR(EmitReduce(c, kernels::ReduceOp::kMax, reduction, bias, greatest));
  DOPPIO_RETURN_IF_ERROR(EmitBinary(c, {BinaryOp::kEqual}, greatest, never, masked));
  return EmitWhere(c, masked, zero, probabilities, probabilities);
}

Status LowerAttention(LowerContext& c) {
  AttentionArgs a;
  DOPPIO_RETURN_IF_ERROR(ReadArgs(c.args, &a));
  const TensorRef q = AsHeads(c.input(kQ), a.q_heads);
  const TensorRef fresh_k = AsHeads(c.input(kK), a.kv_heads);
  const TensorRef fresh_v = AsHeads(c.input(kV), a.kv_heads);
  const TensorRef past_k = c.HasInput(kPastKey) ? c.input(kPastKey) : TensorRef();
  const TensorRef past_v = c.HasInput(kPastValue) ? c.input(kPastValue) : TensorRef();
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef k, Join(c, kPresentKey, past_k, fresh_k));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef own_v, Join(c, kPresentValue, past_v, fresh_v));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef v, AsType(c, own_v, q.type));
  const TensorRef shown = c.output_count() > kScores ? c.output(kScores) : TensorRef();
  const auto show = [&](ScoresMode mode, const TensorRef& scores) -> Status {
    return shown.present() && a.mode == mode ? c.Copy(scores, shown) : Status();
  };
  const Dims dims({q.dims[0], q.dims[1], q.dims[2], k.dims[2]});
  const TensorRef y = c.output(kY);
  if (ElementCount(dims) == 0) {  // no key: nothing is attended
    constexpr unsigned char kZero[16] = {};
    return y.present() ? c.Fill(y, kZero) : Status();
  }
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef scores, c.Temporary(q.type, dims));
  constexpr int kTransposed[] = {0, 1, 3, 2};
  const float scale =
      a.scale != 0 ? a.scale : static_cast<float>(1 / std::sqrt(static_cast<double>(q.dims[3])));
  DOPPIO_RETURN_IF_ERROR(EmitScores(c, q, Permuted(k, kTransposed), scale, scores));
  DOPPIO_RETURN_IF_ERROR(show(kProducts, scores));
  if (a.softcap > 0) DOPPIO_RETURN_IF_ERROR(EmitSoftcap(c, a.softcap, scores));
  DOPPIO_RETURN_IF_ERROR(show(kAfterSoftcap, scores));
  bool guarded = false;
  const int64_t past = past_k.present() ? past_k.dims[2] : 0;
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef bias, Bias(c, q.type, a, dims).Make(past, &guarded));
  if (bias.present()) {
    DOPPIO_RETURN_IF_ERROR(EmitBinary(c, {BinaryOp::kAdd}, scores, bias, scores));
  }
  DOPPIO_RETURN_IF_ERROR(show(kWithBias, scores));
  const ElementType softmax_type =
      a.softmax_type != 0 ? static_cast<ElementType>(a.softmax_type) : q.type;
  DOPPIO_ASSIGN_OR_RETURN(TensorRef probabilities, AsType(c, scores, softmax_type));
  DOPPIO_RETURN_IF_ERROR(EmitRowSoftmax(c, probabilities));
  if (guarded) DOPPIO_RETURN_IF_ERROR(ClearMaskedRows(c, bias, probabilities));
  DOPPIO_ASSIGN_OR_RETURN(probabilities, AsType(c, probabilities, q.type));
  DOPPIO_RETURN_IF_ERROR(show(kProbabilities, probabilities));
  if (!y.present()) return {};
  return EmitHeadProducts(c, probabilities, v, 1, AsHeads(y, q.dims[1]));
}

constexpr ArgSpec kAttentionArgs[] = {{"is_causal", ArgKind::kInt},
                                      {"q_num_heads", ArgKind::kInt},
                                      {"kv_num_heads", ArgKind::kInt},
                                      {"left_window_size", ArgKind::kInt, -1},
                                      {"right_window_size", ArgKind::kInt, -1},
                                      {"qk_matmul_output_mode", ArgKind::kInt},
                                      {"softmax_precision", ArgKind::kInt},
                                      {"scale", ArgKind::kFloat},
                                      {"softcap", ArgKind::kFloat}};

}  // namespace

const Operator kOnnxAttention = {.domain = "ai.onnx",
                                 .type = "Attention",
                                 .min_inputs = 3,
                                 .max_inputs = 7,
                                 .min_outputs = 1,
                                 .max_outputs = 4,
                                 .layout = LayoutTrait::kRowMajor,
                                 .flags = kPlain,
                                 .infer = InferAttention,
                                 .lower = LowerAttention,
                                 .args = kAttentionArgs,
                                 .summary = "softmax(scale Q K^T + mask) V over heads"};

}  // namespace doppio::operators
