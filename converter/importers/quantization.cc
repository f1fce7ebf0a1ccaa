// Quantised operators, written out: integers are exact (int32 products, double convolutions of
// integers of up to 16 bits), scales are float32.
#include <limits>

#include "base/message.h"
#include "converter/importers/compose.h"
#include "converter/importers/passthrough.h"

namespace doppio::converter {
namespace {

struct IntegerRange {
  double low = 0, high = 0;
};

// Of the types that quantised values have; nothing for others.
std::optional<IntegerRange> RangeOf(ElementType type) {
  switch (type) {
    case ElementType::kUint8:
      return IntegerRange{0, 255};
    case ElementType::kInt8:
      return IntegerRange{-128, 127};
    case ElementType::kUint16:
      return IntegerRange{0, 65535};
    case ElementType::kInt16:
      return IntegerRange{-32768, 32767};
    case ElementType::kUint4:
      return IntegerRange{0, 15};
    case ElementType::kInt4:
      return IntegerRange{-8, 7};
    case ElementType::kUint2:
      return IntegerRange{0, 3};
    case ElementType::kInt2:
      return IntegerRange{-2, 1};
    default:
      return std::nullopt;
  }
}

// One value for `block` slices along `axis`, as one value a slice; the last block may be cut.
Value* FromBlocks(const NodeContext& n, Value* parameter, int64_t axis, int64_t block) {
  const int64_t own = CanonicalAxis(axis, KnownRank(n, 0));
  const ValueFacts& facts = n.facts(parameter);
  if (!facts.has_shape || facts.shape.rank != n.rank_of(0)) {
    n.Unsupported("scales in blocks that do not have the rank of its input");
  }
  std::vector<int64_t> repeats(static_cast<size_t>(facts.shape.rank) + 1, 1), inside;
  repeats[static_cast<size_t>(own) + 1] = block;
  inside.push_back(own + 1);
  Value* const repeated =
      Binary(n, "Tile", Unsqueeze(n, parameter, inside), n.IntsConstant(repeats));
  // [..., blocks, block, ...] as [..., blocks block, ...]: a 0 would keep the wrong size behind it.
  Value* const shape = Unary(n, "Shape", parameter);
  const int64_t merged[] = {-1};
  Value* const target =
      ConcatAxis(n, 0,
                 {own > 0 ? SliceAxis(n, shape, 0, 0, own) : nullptr, n.IntsConstant(merged),
                  SliceAxis(n, shape, 0, own + 1, std::numeric_limits<int64_t>::max())});
  return SliceAxis(n, Binary(n, "Reshape", repeated, target), own, 0,
                   KnownSize(n, 0, static_cast<int>(own)));
}

// A scale or a zero point along `axis` of a tensor of `rank` dimensions: one value a slice, or a
// block of slices.
Value* AlongAxis(const NodeContext& n, Value* parameter, int64_t axis, int rank) {
  const int64_t block = n.Int("block_size", 0);
  if (block > 0) return FromBlocks(n, parameter, axis, block);
  const ValueFacts& facts = n.facts(parameter);
  const bool one =
      !facts.has_shape || facts.shape.rank == 0 || (facts.shape.rank == 1 && facts.shape[0].Is(1));
  if (one || rank <= 1) return parameter;
  if (facts.shape.rank != 1) n.Unsupported("scales in blocks");
  std::vector<int64_t> axes;
  const int64_t own = CanonicalAxis(axis, rank);
  for (int64_t i = own + 1; i < rank; ++i) axes.push_back(i - own);
  if (axes.empty()) return parameter;
  return Binary(n, "Unsqueeze", parameter, n.IntsConstant(axes));
}

// round(x / scale) + zero_point in float, brought into the range of `type`, as that type.
Value* Quantize(const NodeContext& n, Value* x, Value* scale, Value* zero_point, ElementType type) {
  const auto range = RangeOf(type);
  Value* q = Binary(n, "Div", x, scale);
  if (range) q = Unary(n, "Round", q);
  if (zero_point != nullptr) q = Binary(n, "Add", q, CastTo(n, zero_point, ElementType::kFloat));
  if (!range) return CastTo(n, q, type);  // float8 and the like: the cast rounds and saturates
  q = n.EmitOnnx("Clip")
          .In(q)
          .In(n.Scalar(ElementType::kFloat, range->low))
          .In(n.Scalar(ElementType::kFloat, range->high))
          .Temp()
          .Done();
  return CastTo(n, q, type);
}

void ImportQuantizeLinear(const NodeContext& n) {
  const int rank = KnownRank(n, 0);
  const int64_t axis = n.Int("axis", 1);
  auto type = static_cast<ElementType>(n.Int("output_dtype", 0));
  if (n.Has(2)) type = n.type_of(2);
  if (type == ElementType::kUndefined) type = ElementType::kUint8;
  Value* const x = CastTo(n, n.in(0), ElementType::kFloat);
  Value* const scale = AlongAxis(n, CastTo(n, n.in(1), ElementType::kFloat), axis, rank);
  Value* const zero = n.Has(2) ? AlongAxis(n, n.in(2), axis, rank) : nullptr;
  Give(n, 0, Quantize(n, x, scale, zero, type));
}

// (x - zero_point) scale.
Value* Dequantize(const NodeContext& n, Value* x, Value* scale, Value* zero_point) {
  Value* y = CastTo(n, x, ElementType::kFloat);
  if (zero_point != nullptr) y = Binary(n, "Sub", y, CastTo(n, zero_point, ElementType::kFloat));
  return Binary(n, "Mul", y, scale);
}

void ImportDequantizeLinear(const NodeContext& n) {
  const int rank = KnownRank(n, 0);
  const int64_t axis = n.Int("axis", 1);
  const ElementType type = n.type_of(1);  // of the scale, which the answer has as well
  Value* const scale = AlongAxis(n, CastTo(n, n.in(1), ElementType::kFloat), axis, rank);
  Value* const zero = n.Has(2) ? AlongAxis(n, n.in(2), axis, rank) : nullptr;
  Give(n, 0, CastTo(n, Dequantize(n, n.in(0), scale, zero), type));
}

// The range of x with 0 in it, cut into 255 steps of uint8.
void ImportDynamicQuantizeLinear(const NodeContext& n) {
  constexpr auto kFloat = ElementType::kFloat;
  Value* const zero = n.Scalar(kFloat, 0);
  const auto extreme = [&](const char* reduce, const char* with_zero) {
    Value* const value = n.EmitOnnx(reduce).In(n.in(0)).Int("keepdims", 0).Temp().Done();
    return Binary(n, with_zero, value, zero);
  };
  Value* const low = extreme("ReduceMin", "Min");
  Value* const high = extreme("ReduceMax", "Max");
  Value* const scale = Binary(n, "Div", Binary(n, "Sub", high, low), n.Scalar(kFloat, 255));
  Value* point = Unary(n, "Round", Unary(n, "Neg", Binary(n, "Div", low, scale)));
  point = n.EmitOnnx("Clip").In(point).In(zero).In(n.Scalar(kFloat, 255)).Temp().Done();
  Value* const zero_point = CastTo(n, point, ElementType::kUint8);
  Give(n, 0, Quantize(n, n.in(0), scale, zero_point, ElementType::kUint8));
  Give(n, 1, scale);
  Give(n, 2, zero_point);
}

// x - zero_point as `type`.
Value* Centered(const NodeContext& n, Value* x, Value* zero_point, ElementType type) {
  x = CastTo(n, x, type);
  return zero_point == nullptr ? x : Binary(n, "Sub", x, CastTo(n, zero_point, type));
}

// A zero point of a matrix's rows: one a row.
Value* OfRows(const NodeContext& n, Value* zero_point) {
  if (zero_point == nullptr || n.facts(zero_point).shape.rank != 1) return zero_point;
  const int64_t last[] = {1};
  return Binary(n, "Unsqueeze", zero_point, n.IntsConstant(last));
}

Value* IntegerProduct(const NodeContext& n, Value* a, Value* a_zero, Value* b, Value* b_zero) {
  constexpr auto kInt32 = ElementType::kInt32;
  return Binary(n, "MatMul", Centered(n, a, OfRows(n, a_zero), kInt32),
                Centered(n, b, b_zero, kInt32));
}

void ImportMatMulInteger(const NodeContext& n) {
  Give(n, 0,
       IntegerProduct(n, n.in(0), n.Has(2) ? n.in(2) : nullptr, n.in(1),
                      n.Has(3) ? n.in(3) : nullptr));
}

void ImportQLinearMatMul(const NodeContext& n) {
  Value* const product =
      CastTo(n, IntegerProduct(n, n.in(0), n.in(2), n.in(3), n.in(5)), ElementType::kFloat);
  // A scale of a's rows has one value a row, as its zero point.
  Value* const scale = Binary(n, "Mul", OfRows(n, CastTo(n, n.in(1), ElementType::kFloat)),
                              CastTo(n, n.in(4), ElementType::kFloat));
  Value* const y_scale = CastTo(n, n.in(6), ElementType::kFloat);
  Give(n, 0, Quantize(n, Binary(n, "Mul", product, scale), y_scale, n.in(7), n.type_of(7)));
}

// The convolution of integers in double, which holds every sum of products of 16 bits exactly.
Value* IntegerConvolution(const NodeContext& n, Value* x, Value* x_zero, Value* w, Value* w_zero,
                          Value* bias) {
  constexpr auto kDouble = ElementType::kDouble;
  const int rank = n.facts(w).has_shape ? n.facts(w).shape.rank : 0;
  if (w_zero != nullptr) w_zero = AlongAxis(n, w_zero, 0, rank);
  Emission conv = n.EmitOnnx("Conv");
  conv.In(Centered(n, x, x_zero, kDouble)).In(Centered(n, w, w_zero, kDouble));
  if (bias != nullptr) conv.In(CastTo(n, bias, kDouble));
  for (const char* name : {"auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"}) {
    CopyAttribute(n, name, &conv);
  }
  return conv.Temp().Done();
}

void ImportConvInteger(const NodeContext& n) {
  Value* const y = IntegerConvolution(n, n.in(0), n.Has(2) ? n.in(2) : nullptr, n.in(1),
                                      n.Has(3) ? n.in(3) : nullptr, nullptr);
  Give(n, 0, CastTo(n, y, ElementType::kInt32));
}

void ImportQLinearConv(const NodeContext& n) {
  const int rank = KnownRank(n, 0);
  Value* const y =
      IntegerConvolution(n, n.in(0), n.in(2), n.in(3), n.in(5), n.Has(8) ? n.in(8) : nullptr);
  // A scale of w has one value an output channel.
  Value* const w_scale = AlongAxis(n, n.in(4), 1, rank);
  Value* const scale = Binary(n, "Mul", n.in(1), w_scale);
  Value* const real = Binary(n, "Mul", CastTo(n, y, ElementType::kFloat), scale);
  Give(n, 0, Quantize(n, real, n.in(6), n.in(7), n.type_of(7)));
}

constexpr ImporterRow kRows[] = {
    {"QuantizeLinear", 10, ImportQuantizeLinear},
    {"DequantizeLinear", 10, ImportDequantizeLinear},
    {"DynamicQuantizeLinear", 11, ImportDynamicQuantizeLinear},
    {"MatMulInteger", 10, ImportMatMulInteger},
    {"ConvInteger", 10, ImportConvInteger},
    {"QLinearMatMul", 10, ImportQLinearMatMul},
    {"QLinearConv", 10, ImportQLinearConv},
};

}  // namespace

std::span<const ImporterRow> QuantizationImporters() { return kRows; }

}  // namespace doppio::converter
