// Operators that change a tensor's dimensions and keep its elements: Reshape, Flatten, Squeeze,
// Transpose, Concat...
#include <algorithm>

#include "base/message.h"
#include "converter/importers/passthrough.h"

namespace doppio::converter {
namespace {

void ImportReshape(const NodeContext& n) {
  std::vector<int64_t> shape = n.Ints("shape");  // opset 1 to 4
  const std::optional<std::vector<int64_t>> known =
      n.Has(1) ? n.KnownInts(1) : std::optional<std::vector<int64_t>>(shape);
  const bool has_zero = known && std::find(known->begin(), known->end(), 0) != known->end();
  const bool literal_zero = n.Int("allowzero", 0) != 0 && (has_zero || !known);
  if (!known || literal_zero) return PassThrough(n);
  n.Emit("Reshape").In(n.in(0)).Ints("shape", *known).Out(0).DummyOut().Done();
}

void ImportFlatten(const NodeContext& n) {
  const int64_t axis = n.Int("axis", 1);
  if (axis < 0) return PassThrough(n);
  n.Emit("Flatten").In(n.in(0)).Int("axis", axis).Out(0).Done();
}

// Axes from the attribute (before opset 13) or the input; false when they depend on data.
bool ReadAxes(const NodeContext& n, std::vector<int64_t>* axes) {
  *axes = n.Ints("axes");
  if (!n.Has(1)) return true;
  const std::optional<std::vector<int64_t>> known = n.KnownInts(1);
  if (known) *axes = *known;
  return known.has_value();
}

void ImportSqueeze(const NodeContext& n) {
  std::vector<int64_t> axes;
  const int rank = n.rank_of(0);
  if (!ReadAxes(n, &axes) || rank < 0) return PassThrough(n);
  if (axes.empty() && (n.Has(1) || !n.HasAttr("axes"))) {  // every dimension of size 1
    const ValueFacts& x = n.facts(n.in(0));
    for (int i = 0; i < rank; ++i) {
      if (!x.shape[i].known()) return PassThrough(n);
      if (x.shape[i].Is(1)) axes.push_back(i);
    }
  }
  for (int64_t& axis : axes) axis = CanonicalAxis(axis, rank);
  if (axes.empty()) {
    n.Emit("Copy").In(n.in(0)).Out(0).Done();
    return;
  }
  n.Emit("Squeeze").In(n.in(0)).Ints("dims", axes).Out(0).Done();
}

void ImportUnsqueeze(const NodeContext& n) {
  std::vector<int64_t> axes;
  const int rank = n.rank_of(0);
  if (!ReadAxes(n, &axes) || rank < 0) return PassThrough(n);
  for (int64_t& axis : axes) axis = CanonicalAxis(axis, rank + static_cast<int>(axes.size()));
  std::sort(axes.begin(), axes.end());
  n.Emit("ExpandDims").In(n.in(0)).Ints("dims", axes).Out(0).Done();
}

void ImportTranspose(const NodeContext& n) {
  const ElementType type = n.type_of(0);
  const bool caffe2 = type == ElementType::kFloat || type == ElementType::kDouble ||
                      type == ElementType::kInt32 || type == ElementType::kInt64;
  const std::vector<int64_t> perm = n.Ints("perm");
  if (!caffe2 || !AllNonNegative(perm)) return PassThrough(n);
  Emission transpose = n.Emit("Transpose");
  transpose.In(n.in(0));
  if (!perm.empty()) transpose.Ints("axes", perm);
  transpose.Out(0).Done();
}

void ImportConcat(const NodeContext& n) {
  const int rank = n.rank_of(0);
  const int64_t axis = n.Int("axis", 1);  // the default of opset 1
  if (rank < 0) return PassThrough(n);
  Emission concat = n.Emit("Concat");
  for (int i = 0; i < n.input_count(); ++i) concat.In(n.in(i));
  concat.Int("axis", CanonicalAxis(axis, rank)).Out(0).DummyOut().Done();
}

void ImportSplit(const NodeContext& n) {
  const int rank = n.rank_of(0);
  std::vector<int64_t> sizes = n.Ints("split");
  const bool known = !n.Has(1) || n.KnownInts(1).has_value();
  if (n.Has(1) && known) sizes = *n.KnownInts(1);
  if (rank < 0 || !known) return PassThrough(n);
  const int64_t axis = CanonicalAxis(n.Int("axis", 0), rank);
  const int64_t outputs = n.node().output_size();
  const ValueFacts& x = n.facts(n.in(0));
  if (sizes.empty() && x.shape[static_cast<int>(axis)].known()) {
    // Equal parts; with num_outputs (opset 18) the last may be smaller.
    const int64_t size = x.shape[static_cast<int>(axis)].value();
    const int64_t part = (size + outputs - 1) / outputs;
    for (int64_t i = 0; i < outputs; ++i) {
      sizes.push_back(std::clamp<int64_t>(size - i * part, 0, part));
    }
  }
  if (sizes.empty()) {
    Emission split = n.EmitOnnx("Split");
    split.In(n.in(0)).Int("axis", axis).Int("num_outputs", outputs);
    for (int i = 0; i < outputs; ++i) split.Out(i);
    split.Done();
    return;
  }
  Emission split = n.Emit("Split");
  split.In(n.in(0)).Int("axis", axis).Ints("split", sizes);
  // Caffe2 has no outputs that are left out.
  for (int i = 0; i < outputs; ++i) {
    if (n.HasOutput(i)) {
      split.Out(i);
    } else {
      split.DummyOut();
    }
  }
  split.Done();
}

constexpr ImporterRow kRows[] = {
    {"Reshape", 1, ImportReshape},     {"Flatten", 1, ImportFlatten},
    {"Squeeze", 1, ImportSqueeze},     {"Unsqueeze", 1, ImportUnsqueeze},
    {"Transpose", 1, ImportTranspose}, {"Concat", 1, ImportConcat},
    {"Split", 1, ImportSplit},         {"DepthToSpace", 1, ImportAsIs},
    {"SpaceToDepth", 1, ImportAsIs},   {"Expand", 8, ImportAsIs},
};

}  // namespace

std::span<const ImporterRow> ReshapingImporters() { return kRows; }

}  // namespace doppio::converter
