// Operators that read maps at places of their own, or move parts of them.
#include "converter/importers/passthrough.h"

namespace doppio::converter {
namespace {

// Before opset 16 regions were not shifted by half a pixel.
void ImportRoiAlign(const NodeContext& n) {
  if (n.opset() >= 16) return PassThrough(n);
  Emission align = n.EmitOnnx("RoiAlign");
  for (int i = 0; i < n.input_count(); ++i) align.In(n.in(i));
  for (const std::string& name : n.AttrNames()) CopyAttribute(n, name, &align);
  align.Text("coordinate_transformation_mode", "output_half_pixel").Out(0).Done();
}

constexpr ImporterRow kRows[] = {
    {"GridSample", 16, ImportAsIs},   {"AffineGrid", 20, ImportAsIs},
    {"RoiAlign", 10, ImportRoiAlign}, {"DeformConv", 19, ImportAsIs},
    {"Col2Im", 18, ImportAsIs},       {"CenterCropPad", 18, ImportAsIs},
    {"MaxUnpool", 9, ImportAsIs},
};

}  // namespace

std::span<const ImporterRow> GridImporters() { return kRows; }

}  // namespace doppio::converter
