// Signals: Fourier transforms, windows, filters.
#include "converter/importers/passthrough.h"

namespace doppio::converter {
namespace {

// Before opset 20 the axis was an attribute, 1 by default.
void ImportDft(const NodeContext& n) {
  if (n.opset() >= 20) return PassThrough(n);
  Emission dft = n.EmitOnnx("DFT");
  dft.In(n.in(0))
      .In(n.Has(1) ? n.in(1) : nullptr)
      .In(n.Scalar(ElementType::kInt64, static_cast<double>(n.Int("axis", 1))));
  CopyAttribute(n, "inverse", &dft);
  CopyAttribute(n, "onesided", &dft);
  dft.Out(0).Done();
}

constexpr ImporterRow kRows[] = {
    {"DFT", 17, ImportDft},
    {"STFT", 17, ImportAsIs},
    {"HannWindow", 17, ImportAsIs},
    {"HammingWindow", 17, ImportAsIs},
    {"BlackmanWindow", 17, ImportAsIs},
    {"MelWeightMatrix", 17, ImportAsIs},
};

}  // namespace

std::span<const ImporterRow> SignalImporters() { return kRows; }

}  // namespace doppio::converter
