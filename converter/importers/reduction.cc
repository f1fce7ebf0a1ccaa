// Reductions, ArgMax and ArgMin, the softmax family. Axes were attributes until opset 13
// (ReduceSum) or 18 (the rest).
#include "converter/importers/passthrough.h"

namespace doppio::converter {
namespace {

// The axes of a reduction: attribute or input. False when an input is not known.
bool ReadAxes(const NodeContext& n, std::vector<int64_t>* axes) {
  *axes = n.Ints("axes");
  if (!n.Has(1)) return true;
  const std::optional<std::vector<int64_t>> known = n.KnownInts(1);
  if (!known) return false;
  *axes = *known;
  return true;
}

bool Caffe2Has(std::string_view type) {
  return type == "ReduceSum" || type == "ReduceMean" || type == "ReduceMax" ||
         type == "ReduceMin" || type == "ReduceL1" || type == "ReduceL2";
}

void ImportReduce(const NodeContext& n) {
  std::vector<int64_t> axes;
  const bool known = ReadAxes(n, &axes);
  const int64_t keepdims = n.Int("keepdims", 1);
  const bool noop = axes.empty() && n.Int("noop_with_empty_axes", 0) != 0;
  const int rank = n.rank_of(0);
  if (known && !noop && rank >= 0 && Caffe2Has(n.type()) && n.type_of(0) == ElementType::kFloat) {
    for (int64_t& axis : axes) axis = CanonicalAxis(axis, rank);
    Emission reduce = n.Emit(n.type());
    reduce.In(n.in(0));
    if (!axes.empty()) reduce.Ints("axes", axes);
    reduce.Int("keepdims", keepdims).Out(0).Done();
    return;
  }
  Emission reduce = n.EmitOnnx(n.type());
  reduce.In(n.in(0));
  if (n.Has(1)) {
    reduce.In(n.in(1));
  } else if (!axes.empty()) {
    reduce.In(n.IntsConstant(axes));
  }
  reduce.Int("keepdims", keepdims);
  if (noop) reduce.Int("noop_with_empty_axes", 1);
  reduce.Out(0).Done();
}

void ImportArgReduce(const NodeContext& n) { PassThrough(n); }

// Until opset 13 everything from `axis` on was one row; since then only `axis` itself.
void ImportSoftmax(const NodeContext& n) {
  const int rank = n.rank_of(0);
  const int64_t axis = n.Int("axis", n.opset() < 13 ? 1 : -1);
  const bool is_float = n.type_of(0) == ElementType::kFloat;
  if (rank < 0) n.Unsupported("the rank of its input is unknown");
  const int64_t canonical = rank == 0 ? 0 : CanonicalAxis(axis, rank);
  const ValueFacts& x = n.facts(n.in(0));
  bool trailing_ones = true;  // after the axis
  for (int i = static_cast<int>(canonical) + 1; i < rank; ++i)
    trailing_ones = trailing_ones && x.shape[i].Is(1);
  const bool same = n.opset() < 13 || trailing_ones;
  if (n.type() == "Softmax" && is_float && same && rank > 0) {
    n.Emit("Softmax").In(n.in(0)).Int("axis", canonical).Out(0).Done();
    return;
  }
  if (n.opset() >= 13 || trailing_ones) {
    n.EmitOnnx(n.type()).In(n.in(0)).Int("axis", canonical).Out(0).Done();
    return;
  }
  // The old form on a matrix, and back.
  Value* shape = n.EmitOnnx("Shape").In(n.in(0)).Temp().Done();
  Value* flat = n.EmitOnnx("Flatten").In(n.in(0)).Int("axis", canonical).Temp().Done();
  Value* result = n.EmitOnnx(n.type()).In(flat).Int("axis", -1).Temp().Done();
  n.EmitOnnx("Reshape").In(result).In(shape).Out(0).Done();
}

constexpr ImporterRow kRows[] = {
    {"ReduceSum", 1, ImportReduce},       {"ReduceMean", 1, ImportReduce},
    {"ReduceMax", 1, ImportReduce},       {"ReduceMin", 1, ImportReduce},
    {"ReduceProd", 1, ImportReduce},      {"ReduceL1", 1, ImportReduce},
    {"ReduceL2", 1, ImportReduce},        {"ReduceLogSum", 1, ImportReduce},
    {"ReduceLogSumExp", 1, ImportReduce}, {"ReduceSumSquare", 1, ImportReduce},
    {"ArgMax", 1, ImportArgReduce},       {"ArgMin", 1, ImportArgReduce},
    {"Softmax", 1, ImportSoftmax},        {"LogSoftmax", 1, ImportSoftmax},
    {"Hardmax", 1, ImportSoftmax},
};

}  // namespace

std::span<const ImporterRow> ReductionImporters() { return kRows; }

}  // namespace doppio::converter
