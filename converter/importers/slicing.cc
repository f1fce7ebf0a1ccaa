// Operators that pick elements: Slice, Gather and its kin, Scatter, Pad, Tile, NonZero.
#include <algorithm>
#include <optional>

#include "converter/importers/passthrough.h"

namespace doppio::converter {
namespace {

// What a Slice of constants says: attributes before opset 10, inputs since. Nothing when an input
// depends on data.
struct Cut {
  std::vector<int64_t> starts, ends, axes, steps;
};
std::optional<Cut> ReadCut(const NodeContext& n) {
  Cut cut{n.Ints("starts"), n.Ints("ends"), n.Ints("axes"), {}};
  std::vector<int64_t>* const lists[] = {&cut.starts, &cut.ends, &cut.axes, &cut.steps};
  for (int i = 0; i < 4 && n.opset() >= 10; ++i) {
    if (!n.Has(i + 1)) continue;
    const std::optional<std::vector<int64_t>> known = n.KnownInts(i + 1);
    if (!known) return {};
    *lists[i] = *known;
  }
  return cut;
}

// Caffe2's Slice cuts one axis, without steps; its ends count one beyond the end when negative.
bool SliceAsCaffe2(const NodeContext& n) {
  const int rank = n.rank_of(0);
  const std::optional<Cut> cut = ReadCut(n);
  if (!cut || rank < 1 || n.type_of(0) != ElementType::kFloat || cut->starts.size() != 1 ||
      cut->ends.size() != 1 || cut->axes.size() > 1 ||
      (cut->steps.size() == 1 && cut->steps[0] != 1)) {
    return false;
  }
  const auto axis = static_cast<size_t>(CanonicalAxis(cut->axes.empty() ? 0 : cut->axes[0], rank));
  const Dim size = n.facts(n.in(0)).shape[static_cast<int>(axis)];
  int64_t begin = cut->starts[0], end = cut->ends[0];
  // What is clamped or empty needs the size.
  if (!size.known()) return false;
  begin = std::clamp<int64_t>(begin < 0 ? begin + size.value() : begin, 0, size.value());
  end = std::clamp<int64_t>(end < 0 ? end + size.value() : end, 0, size.value());
  if (end < begin) return false;
  std::vector<int64_t> starts(static_cast<size_t>(rank), 0), ends(static_cast<size_t>(rank), -1);
  starts[axis] = begin;
  ends[axis] = end == size.value() ? -1 : end;
  n.Emit("Slice").In(n.in(0)).Ints("starts", starts).Ints("ends", ends).Out(0).Done();
  return true;
}

void ImportSlice(const NodeContext& n) {
  if (SliceAsCaffe2(n)) return;
  if (n.opset() >= 10) return PassThrough(n);
  Emission slice = n.EmitOnnx("Slice");
  slice.In(n.in(0)).In(n.IntsConstant(n.Ints("starts"))).In(n.IntsConstant(n.Ints("ends")));
  if (n.HasAttr("axes")) slice.In(n.IntsConstant(n.Ints("axes")));
  slice.Out(0).Done();
}

// ONNX's indices count from the end when negative; Caffe2's first versions refuse that.
void ImportGather(const NodeContext& n) {
  const std::optional<std::vector<int64_t>> indices = n.KnownInts(1);
  const int rank = n.rank_of(0);
  const bool plain = indices && AllNonNegative(*indices) && rank > 0 &&
                     (n.type_of(1) == ElementType::kInt64 || n.type_of(1) == ElementType::kInt32);
  if (!plain || CanonicalAxis(n.Int("axis", 0), rank) != 0) return PassThrough(n);
  n.Emit("Gather").In(n.in(0)).In(n.in(1)).Out(0).Done();
}

void ImportPad(const NodeContext& n) {
  if (n.opset() >= 11) return PassThrough(n);
  const std::vector<int64_t> pads = n.opset() < 2 ? n.Ints("paddings") : n.Ints("pads");
  Emission pad = n.EmitOnnx("Pad");
  pad.In(n.in(0)).In(n.IntsConstant(pads));
  const float value = n.Float("value", 0);
  if (value != 0) pad.In(n.Scalar(n.type_of(0), static_cast<double>(value)));
  pad.Text("mode", n.Text("mode", "constant")).Out(0).Done();
}

void ImportTile(const NodeContext& n) {
  if (n.opset() < 6) n.Unsupported("Tile of opset 1 (tiles and axis)");
  n.Emit("NumpyTile").In(n.in(0)).In(n.in(1)).Out(0).Done();
}

// Before opset 11 ScatterElements was called Scatter.
void ImportScatter(const NodeContext& n) {
  Emission scatter = n.EmitOnnx("ScatterElements");
  scatter.In(n.in(0)).In(n.in(1)).In(n.in(2)).Int("axis", n.Int("axis", 0)).Out(0).Done();
}

// The slices whose condition holds: those at the positions that NonZero finds.
void ImportCompress(const NodeContext& n) {
  Value* x = n.in(0);
  if (!n.HasAttr("axis")) {
    const int64_t flat[] = {-1};
    x = n.EmitOnnx("Reshape").In(x).In(n.IntsConstant(flat)).Temp().Done();
  }
  const int64_t rows[] = {0};
  Value* const found = n.EmitOnnx("NonZero").In(n.in(1)).Temp().Done();
  Value* const at = n.EmitOnnx("Squeeze").In(found).In(n.IntsConstant(rows)).Temp().Done();
  n.EmitOnnx("Gather").In(x).In(at).Int("axis", n.Int("axis", 0)).Out(0).Done();
}

// Before opset 10 k was an attribute.
void ImportTopK(const NodeContext& n) {
  if (n.opset() >= 10) return PassThrough(n);
  const int64_t k[] = {n.Int("k", 0)};
  Emission top = n.EmitOnnx("TopK");
  top.In(n.in(0)).In(n.IntsConstant(k)).Int("axis", n.Int("axis", -1)).Out(0).Out(1).Done();
}

constexpr ImporterRow kRows[] = {
    {"Slice", 1, ImportSlice},
    {"Gather", 1, ImportGather},
    {"GatherElements", 11, ImportAsIs},
    {"GatherND", 11, ImportAsIs},
    {"ScatterElements", 11, ImportAsIs},
    {"ScatterND", 11, ImportAsIs},
    {"Pad", 1, ImportPad},
    {"Tile", 1, ImportTile},
    {"NonZero", 9, ImportAsIs},
    {"Scatter", 9, ImportScatter},
    {"Compress", 9, ImportCompress},
    {"OneHot", 9, ImportAsIs},
    {"Trilu", 14, ImportAsIs},
    {"CumSum", 11, ImportAsIs},
    {"CumProd", 26, ImportAsIs},
    {"Unique", 11, ImportAsIs},
    {"ReverseSequence", 10, ImportAsIs},
    {"TopK", 1, ImportTopK},
    {"NonMaxSuppression", 10, ImportAsIs},
};

}  // namespace

std::span<const ImporterRow> SlicingImporters() { return kRows; }

}  // namespace doppio::converter
