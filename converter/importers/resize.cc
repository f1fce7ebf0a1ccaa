// Resize and Upsample. Versions before 11 had one rule: asymmetric coordinates, nearest by floor.
#include <algorithm>

#include "converter/importers/passthrough.h"

namespace doppio::converter {
namespace {

// The scales of an old node: attribute, or a constant input.
std::optional<std::vector<float>> OldScales(const NodeContext& n) {
  if (n.type() == "Upsample" && n.opset() < 9) {
    if (n.HasAttr("scales")) return n.Floats("scales");
    if (n.HasAttr("height_scale")) {
      return std::vector<float>{1, 1, n.Float("height_scale", 1), n.Float("width_scale", 1)};
    }
    return std::nullopt;
  }
  return n.KnownFloats(1);
}

void EmitResize(const NodeContext& n, Value* scales, const std::string& mode,
                const std::string& coordinates, const std::string& nearest) {
  Emission resize = n.EmitOnnx("Resize");
  resize.In(n.in(0)).In(nullptr).In(scales).Text("mode", mode);
  resize.Text("coordinate_transformation_mode", coordinates);
  if (mode == "nearest") resize.Text("nearest_mode", nearest);
  resize.Out(0).Done();
}

// Caffe2's ResizeNearest: src = floor(dst / scale), sizes truncated.
bool ToResizeNearest(const NodeContext& n, const std::vector<float>& scales) {
  if (scales.size() != 4 || scales[0] != 1 || scales[1] != 1 || n.type_of(0) != ElementType::kFloat)
    return false;
  n.Emit("ResizeNearest")
      .In(n.in(0))
      .Float("height_scale", scales[2])
      .Float("width_scale", scales[3])
      .Out(0)
      .Done();
  return true;
}

void ImportOld(const NodeContext& n) {
  const std::string mode = n.Text("mode", "nearest");
  const std::optional<std::vector<float>> scales = OldScales(n);
  if (mode == "nearest" && scales && ToResizeNearest(n, *scales)) return;
  // "bilinear" was what opset 1 to 8 called linear.
  const std::string newest = mode == "bilinear" ? "linear" : mode;
  Value* input = n.Has(1) ? n.in(1) : nullptr;
  if (input == nullptr) {
    if (!scales) n.Unsupported("no scales");
    input = n.FloatsConstant(*scales);
  }
  EmitResize(n, input, newest, "asymmetric", "floor");
}

void ImportResize(const NodeContext& n) {
  if (n.opset() < 11) return ImportOld(n);
  const bool nearest = n.Text("mode", "nearest") == "nearest" &&
                       n.Text("coordinate_transformation_mode", "half_pixel") == "asymmetric" &&
                       n.Text("nearest_mode", "round_prefer_floor") == "floor" &&
                       !n.HasAttr("axes");
  if (nearest && n.Has(2) && !n.Has(3)) {
    const std::optional<std::vector<float>> scales = n.KnownFloats(2);
    if (scales && ToResizeNearest(n, *scales)) return;
  }
  // An empty `scales` beside `sizes` is how opset 11 and 12 left it out.
  Emission resize = n.EmitOnnx("Resize");
  const bool has_sizes = n.Has(3);
  const std::optional<std::vector<float>> roi = n.Has(1) ? n.KnownFloats(1) : std::nullopt;
  resize.In(n.in(0)).In(roi && roi->empty() ? nullptr : n.in(1));
  resize.In(has_sizes ? nullptr : n.in(2)).In(n.in(3));
  for (const std::string& name : n.AttrNames()) CopyAttribute(n, name, &resize);
  resize.Out(0).Done();
}

constexpr ImporterRow kRows[] = {{"Resize", 10, ImportResize}, {"Upsample", 1, ImportOld}};

}  // namespace

std::span<const ImporterRow> ResizeImporters() { return kRows; }

}  // namespace doppio::converter
