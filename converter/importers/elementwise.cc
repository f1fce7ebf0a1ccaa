// Arithmetic, comparisons and logic of two and more values. From opset 7 on shapes broadcast as in
// NumPy; before, only with `broadcast` and `axis`, which is Caffe2's legacy form.
#include "converter/importers/passthrough.h"

namespace doppio::converter {
namespace {

bool IsCaffe2Number(ElementType type) {
  return type == ElementType::kFloat || type == ElementType::kDouble ||
         type == ElementType::kInt32 || type == ElementType::kInt64;
}

const char* Caffe2Comparison(std::string_view type) {
  if (type == "Equal") return "EQ";
  if (type == "Less") return "LT";
  if (type == "Greater") return "GT";
  if (type == "LessOrEqual") return "LE";
  if (type == "GreaterOrEqual") return "GE";
  return nullptr;
}

// Caffe2's spelling with its legacy broadcast; A's shape is the result's.
void EmitLegacy(const NodeContext& n, std::string_view type) {
  Emission op = n.Emit(type);
  op.In(n.in(0)).In(n.in(1));
  if (n.Int("broadcast", 0) != 0) {
    op.Int("broadcast", 1);
    if (n.HasAttr("axis")) op.Int("axis", n.Int("axis", 0));
  }
  op.Out(0).Done();
}

void ImportArithmetic(const NodeContext& n) {
  if (n.opset() < 7) return EmitLegacy(n, n.type());
  if (!IsCaffe2Number(n.type_of(0))) return PassThrough(n);
  n.Emit(n.type()).In(n.in(0)).In(n.in(1)).Out(0).Done();
}

void ImportComparison(const NodeContext& n) {
  const std::string_view type = Caffe2Comparison(n.type());
  if (n.opset() < 7) return EmitLegacy(n, type);
  const bool known =
      IsCaffe2Number(n.type_of(0)) || (type == "EQ" && n.type_of(0) == ElementType::kBool);
  if (!known) return PassThrough(n);
  n.Emit(type).In(n.in(0)).In(n.in(1)).Out(0).Done();
}

void ImportLogic(const NodeContext& n) {
  if (n.opset() < 7) return EmitLegacy(n, n.type());
  n.Emit(n.type()).In(n.in(0)).In(n.in(1)).Out(0).Done();
}

void ImportPow(const NodeContext& n) {
  const std::optional<std::vector<float>> exponent = n.KnownFloats(1);
  const ValueFacts& e = n.facts(n.in(1));
  // A scalar exponent must not add dimensions to the result.
  const bool scalar =
      exponent && exponent->size() == 1 && e.shape.rank <= std::max(n.rank_of(0), 0);
  if (scalar && n.type_of(0) == ElementType::kFloat) {
    n.Emit("Pow").In(n.in(0)).Float("exponent", (*exponent)[0]).Out(0).Done();
    return;
  }
  if (n.opset() < 7) return EmitLegacy(n, "Pow");
  PassThrough(n);
}

// Sum, Mean, Max, Min: broadcasting since opset 8; Caffe2 wants equal shapes of float32.
void ImportVariadic(const NodeContext& n) {
  const ValueFacts& first = n.facts(n.in(0));
  bool equal = first.has_shape && first.type == ElementType::kFloat;
  for (int i = 1; equal && i < n.input_count(); ++i) {
    const ValueFacts& other = n.facts(n.in(i));
    equal = other.has_shape && other.shape.rank == first.shape.rank;
    for (int d = 0; equal && d < first.shape.rank; ++d) equal = other.shape[d] == first.shape[d];
  }
  if (!equal) return PassThrough(n, {"consumed_inputs"});
  Emission op = n.Emit(n.type());
  for (int i = 0; i < n.input_count(); ++i) op.In(n.in(i));
  op.Out(0).Done();
}

constexpr ImporterRow kRows[] = {
    {"Add", 1, ImportArithmetic},
    {"Sub", 1, ImportArithmetic},
    {"Mul", 1, ImportArithmetic},
    {"Div", 1, ImportArithmetic},
    {"Pow", 1, ImportPow},
    {"Mod", 10, ImportAsIs},
    {"Equal", 1, ImportComparison},
    {"Less", 1, ImportComparison},
    {"Greater", 1, ImportComparison},
    {"LessOrEqual", 12, ImportComparison},
    {"GreaterOrEqual", 12, ImportComparison},
    {"And", 1, ImportLogic},
    {"Or", 1, ImportLogic},
    {"Xor", 1, ImportLogic},
    {"BitwiseAnd", 18, ImportAsIs},
    {"BitwiseOr", 18, ImportAsIs},
    {"BitwiseXor", 18, ImportAsIs},
    {"BitShift", 11, ImportAsIs},
    {"Where", 9, ImportAsIs},
    {"Sum", 1, ImportVariadic},
    {"Mean", 1, ImportVariadic},
    {"Max", 1, ImportVariadic},
    {"Min", 1, ImportVariadic},
};

}  // namespace

std::span<const ImporterRow> ElementwiseImporters() { return kRows; }

}  // namespace doppio::converter
