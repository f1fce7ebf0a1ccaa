// What transformers are made of beside products: rotary embeddings, gated activations, caches,
// stateful convolutions, attention with graphs of its own.
#include <cmath>
#include <limits>

#include "base/message.h"
#include "converter/importers/compose.h"
#include "converter/importers/passthrough.h"

namespace doppio::converter {
namespace {

constexpr int64_t kEnd = std::numeric_limits<int64_t>::max();

// Su et al., "RoFormer: Enhanced Transformer with Rotary Position Embedding" (2021), 3.4: pairs of
// elements of each head turn by an angle of their position.
void ImportRotaryEmbedding(const NodeContext& n) {
  const int rank = KnownRank(n, 0);
  const int64_t turned = n.Int("rotary_embedding_dim", 0), heads = n.Int("num_heads", 0);
  const bool interleaved = n.Int("interleaved", 0) != 0;
  if (rank == 3 && heads <= 0) n.Unsupported("num_heads is needed for an input of 3 dimensions");
  if (rank != 3 && rank != 4) n.Unsupported("its input must have 3 or 4 dimensions");
  // [batch, heads, sequence, size], or [batch, sequence, heads, size].
  Value* const x = rank == 4 ? n.in(0) : Reshape(n, n.in(0), {0, 0, heads, -1});
  const int64_t head_axis[] = {rank == 4 ? 1 : 2};
  const auto angles = [&](int i) {
    Value* cache = n.in(i);
    if (n.Has(3)) cache = n.EmitOnnx("Gather").In(cache).In(n.in(3)).Int("axis", 0).Temp().Done();
    return Unsqueeze(n, cache, head_axis);
  };
  Value* const cos = angles(1);
  Value* const sin = angles(2);
  Value* const head = turned > 0 ? SliceAxis(n, x, 3, 0, turned) : x;
  Value* const rest = turned > 0 ? SliceAxis(n, x, 3, turned, kEnd) : nullptr;
  Value *first = nullptr, *second = nullptr;
  if (interleaved) {
    first = SliceAxis(n, head, 3, 0, kEnd, 2);
    second = SliceAxis(n, head, 3, 1, kEnd, 2);
  } else {
    const operators::ValueFacts& facts = n.facts(head);
    if (!facts.has_shape || !facts.shape[3].known()) n.Unsupported("the size of a head is unknown");
    const int64_t half = facts.shape[3].value() / 2;
    first = SliceAxis(n, head, 3, 0, half);
    second = SliceAxis(n, head, 3, half, kEnd);
  }
  Value* const real = Binary(n, "Sub", Binary(n, "Mul", cos, first), Binary(n, "Mul", sin, second));
  Value* const imaginary =
      Binary(n, "Add", Binary(n, "Mul", sin, first), Binary(n, "Mul", cos, second));
  Value* y = nullptr;
  if (interleaved) {
    const int64_t last[] = {4};
    y = ConcatAxis(n, 4, {Unsqueeze(n, real, last), Unsqueeze(n, imaginary, last)});
    y = ConcatAxis(n, 3, {Reshape(n, y, {0, 0, 0, -1}), rest});
  } else {
    y = ConcatAxis(n, 3, {real, imaginary, rest});
  }
  Give(n, 0, rank == 4 ? y : Reshape(n, y, {0, 0, -1}));
}

// Shazeer, "GLU Variants Improve Transformer" (2020).
void ImportSwiGlu(const NodeContext& n) {
  Value* const gate =
      n.EmitOnnx("Swish").In(n.in(0)).Float("alpha", n.Float("alpha", 1)).Temp().Done();
  n.EmitOnnx("Mul").In(gate).In(n.in(1)).Out(0).Done();
}

// The update goes to positions write_indices[b], write_indices[b] + 1... of the cache's axis.
void ImportTensorScatter(const NodeContext& n) {
  const int rank = KnownRank(n, 0);
  const int64_t axis = CanonicalAxis(n.Int("axis", -2), rank);
  if (axis == 0) n.Unsupported("axis 0 is the batch");
  const auto size_of = [&](Value* x) {
    return n.EmitOnnx("Gather")
        .In(Unary(n, "Shape", x))
        .In(n.Scalar(ElementType::kInt64, static_cast<double>(axis)))
        .Int("axis", 0)
        .Temp()
        .Done();
  };
  constexpr auto kInt64 = ElementType::kInt64;
  Value* position = n.EmitOnnx("Range")
                        .In(n.Scalar(kInt64, 0))
                        .In(size_of(n.in(1)))
                        .In(n.Scalar(kInt64, 1))
                        .Temp()
                        .Done();
  std::vector<int64_t> after, others;
  for (int64_t i = axis + 1; i < rank; ++i) after.push_back(i - axis);
  for (int64_t i = 1; i < rank; ++i) others.push_back(i);
  position = Unsqueeze(n, position, after);
  if (n.Has(2)) position = Binary(n, "Add", Unsqueeze(n, n.in(2), others), position);
  if (n.Text("mode", "linear") == "circular") {
    position = Binary(n, "Mod", position, size_of(n.in(0)));
  }
  Value* const index = Binary(n, "Expand", position, Unary(n, "Shape", n.in(1)));
  n.EmitOnnx("ScatterElements").In(n.in(0)).In(index).In(n.in(1)).Int("axis", axis).Out(0).Done();
}

// A depthwise convolution behind what the last call left.
void ImportCausalConvWithState(const NodeContext& n) {
  const std::string activation = n.Text("activation", "none");
  if (activation != "none" && activation != "silu" && activation != "swish") {
    n.Unsupported(base::Cat("activation ", base::Quoted(activation), " is unknown"));
  }
  const int64_t channels = KnownSize(n, 1, 0), before = KnownSize(n, 1, 2) - 1;
  Value* padded = nullptr;
  if (n.Has(3)) {
    padded = ConcatAxis(n, 2, {n.in(3), n.in(0)});
  } else {
    const int64_t pads[] = {0, 0, before, 0, 0, 0};
    padded = Binary(n, "Pad", n.in(0), n.IntsConstant(pads));
  }
  Emission conv = n.EmitOnnx("Conv");
  conv.In(padded).In(n.in(1));
  if (n.Has(2)) conv.In(n.in(2));
  Value* const y = conv.Int("group", channels).Temp().Done();
  Give(n, 0, activation == "none" ? y : n.EmitOnnx("Swish").In(y).Float("alpha", 1).Temp().Done());
  if (n.HasOutput(1)) Give(n, 1, SliceAxis(n, padded, 2, before > 0 ? -before : kEnd, kEnd));
}

// Attention whose scores and probabilities pass through graphs of the model.
void ImportFlexAttention(const NodeContext& n) {
  const int64_t q_heads = KnownSize(n, 0, 1), kv_heads = KnownSize(n, 1, 1);
  if (kv_heads == 0 || q_heads % kv_heads != 0) {
    n.Unsupported(base::Cat(q_heads, " heads of queries, ", kv_heads, " of keys"));
  }
  const ElementType type = n.type_of(0);
  auto precision = static_cast<ElementType>(n.Int("softmax_precision", 0));
  if (precision == ElementType::kUndefined) {
    precision = type == ElementType::kDouble ? type : ElementType::kFloat;
  }
  const float scale =
      n.Float("scale", static_cast<float>(1 / std::sqrt(static_cast<double>(KnownSize(n, 0, 3)))));
  // A head of keys serves a group of heads of queries: [batch, kv heads, group, sequence, size].
  const int64_t group_axis[] = {2};
  const auto grouped = [&](Value* x) {
    Value* const shape = Unary(n, "Shape", x);
    Value* const sizes =
        ConcatAxis(n, 0,
                   {SliceAxis(n, shape, 0, 0, 1),
                    n.IntsConstant(std::vector<int64_t>{kv_heads, q_heads / kv_heads}),
                    SliceAxis(n, shape, 0, 2, kEnd)});
    return Binary(n, "Reshape", x, sizes);
  };
  const auto flat = [&](Value* x) {
    Value* const shape = Unary(n, "Shape", x);
    Value* const sizes =
        ConcatAxis(n, 0,
                   {SliceAxis(n, shape, 0, 0, 1), n.IntsConstant(std::vector<int64_t>{q_heads}),
                    SliceAxis(n, shape, 0, 3, kEnd)});
    return Binary(n, "Reshape", x, sizes);
  };
  // Both sides take the root of the scale: products stay in range.
  Value* const root = n.Scalar(type, std::sqrt(static_cast<double>(scale)));
  constexpr int64_t kTransposed[] = {0, 1, 3, 2};
  Value* const keys = n.EmitOnnx("Transpose")
                          .In(Binary(n, "Mul", n.in(1), root))
                          .Ints("perm", kTransposed)
                          .Temp()
                          .Done();
  Value* scores = flat(Binary(n, "MatMul", grouped(Binary(n, "Mul", n.in(0), root)),
                              Unsqueeze(n, keys, group_axis)));
  scores = CastTo(n, scores, precision);
  if (n.HasAttr("score_mod")) scores = n.Inline(n.Graph("score_mod"), scores);
  Value* probabilities = n.EmitOnnx("Softmax").In(scores).Int("axis", -1).Temp().Done();
  if (n.HasAttr("prob_mod")) probabilities = n.Inline(n.Graph("prob_mod"), probabilities);
  Value* const values = Unsqueeze(n, CastTo(n, n.in(2), precision), group_axis);
  Value* const y = flat(Binary(n, "MatMul", grouped(probabilities), values));
  Give(n, 0, CastTo(n, y, n.type_of(2)));
}

constexpr ImporterRow kRows[] = {
    {"Attention", 23, ImportAsIs},
    {"RotaryEmbedding", 23, ImportRotaryEmbedding},
    {"SwiGLU", 28, ImportSwiGlu},
    {"TensorScatter", 24, ImportTensorScatter},
    {"CausalConvWithState", 27, ImportCausalConvWithState},
    {"LinearAttention", 27, ImportAsIs},
    {"FlexAttention", 1, ImportFlexAttention, "ai.onnx.preview"},
};

}  // namespace

std::span<const ImporterRow> AttentionImporters() { return kRows; }

}  // namespace doppio::converter
