// Gemm and MatMul: Caffe2's fully connected layers and products where they say the same.
#include "converter/importers/passthrough.h"

namespace doppio::converter {
namespace {

// C of a Gemm is one value a column: [n], or [1, n] as a constant.
bool IsRowBias(const ValueFacts& c, const ValueFacts& b, bool trans_b) {
  if (!c.has_shape || !b.has_shape || b.shape.rank != 2 || c.shape.rank != 1) return false;
  const Dim n = b.shape[trans_b ? 0 : 1];
  return c.shape[0] == n;
}

void ImportGemm(const NodeContext& n) {
  const bool trans_a = n.Int("transA", 0) != 0, trans_b = n.Int("transB", 0) != 0;
  const bool plain = !trans_a && n.Float("alpha", 1) == 1 && n.Float("beta", 1) == 1 && n.Has(2) &&
                     n.type_of(0) == ElementType::kFloat;
  if (plain && IsRowBias(n.facts(n.in(2)), n.facts(n.in(1)), trans_b)) {
    n.Emit(trans_b ? "FC" : "FCTransposed").In(n.in(0)).In(n.in(1)).In(n.in(2)).Out(0).Done();
    return;
  }
  if (!n.Has(2) && n.Float("alpha", 1) == 1 && n.type_of(0) == ElementType::kFloat) {
    Emission product = n.Emit("MatMul");
    product.In(n.in(0)).In(n.in(1));
    if (trans_a) product.Int("trans_a", 1);
    if (trans_b) product.Int("trans_b", 1);
    product.Out(0).Done();
    return;
  }
  PassThrough(n, {"broadcast"});  // opset 1 to 6: C broadcasts as it does today
}

void ImportMatMul(const NodeContext& n) {
  const ValueFacts &a = n.facts(n.in(0)), &b = n.facts(n.in(1));
  // Caffe2's BatchMatMul wants equal batch sizes; two matrices have none.
  bool caffe2 = a.has_shape && b.has_shape && a.shape.rank == b.shape.rank && a.shape.rank >= 2 &&
                a.type == ElementType::kFloat;
  for (int i = 0; caffe2 && i + 2 < a.shape.rank; ++i) caffe2 = a.shape[i] == b.shape[i];
  if (!caffe2) return PassThrough(n);
  n.Emit("BatchMatMul").In(n.in(0)).In(n.in(1)).Out(0).Done();
}

constexpr ImporterRow kRows[] = {
    {"Det", 11, ImportAsIs},
    {"Gemm", 1, ImportGemm},
    {"MatMul", 1, ImportMatMul},
    {"Einsum", 12, ImportAsIs},
};

}  // namespace

std::span<const ImporterRow> MatMulImporters() { return kRows; }

}  // namespace doppio::converter
