// Conv, ConvTranspose and the pools. Plain ones become Caffe2's; automatic padding, ceil rounding,
// dilated pools and indices have no exact form there and stay ONNX's.
#include <algorithm>
#include <optional>

#include "converter/importers/passthrough.h"

namespace doppio::converter {
namespace {

bool ExplicitPadding(const NodeContext& n) {
  const std::string auto_pad = n.Text("auto_pad", "NOTSET");
  return auto_pad == "NOTSET" || auto_pad.empty() || auto_pad == "VALID";
}

bool AllOnes(const std::vector<int64_t>& values) {
  return std::all_of(values.begin(), values.end(), [](int64_t value) { return value == 1; });
}

// strides, pads, dilations as Caffe2 spells them. VALID is no padding.
void SpatialArgs(const NodeContext& n, const std::vector<int64_t>& pads, Emission* emission) {
  for (const char* name : {"strides", "dilations"}) {
    const std::vector<int64_t> values = n.Ints(name);
    if (!values.empty() && !(AllOnes(values) && std::string_view(name) == "dilations"))
      emission->Ints(name, values);
  }
  if (!pads.empty() && n.Text("auto_pad", "NOTSET") != "VALID") emission->Ints("pads", pads);
}

// The attribute, or the weight's own spatial sizes; empty when neither is known.
std::vector<int64_t> KernelShape(const NodeContext& n) {
  std::vector<int64_t> kernel = n.Ints("kernel_shape");
  const ValueFacts& weight = n.facts(n.in(1));
  if (!kernel.empty() || !weight.has_shape) return kernel;
  for (int i = 2; i < weight.shape.rank; ++i) {
    if (!weight.shape[i].known()) return {};
    kernel.push_back(weight.shape[i].value());
  }
  return kernel;
}

void ImportConv(const NodeContext& n) {
  std::vector<int64_t> kernel = n.Has(1) ? KernelShape(n) : std::vector<int64_t>();
  if (!ExplicitPadding(n) || kernel.empty()) return PassThrough(n);
  Emission conv = n.Emit("Conv");
  conv.In(n.in(0)).In(n.in(1)).In(n.in(2)).Ints("kernels", kernel);
  SpatialArgs(n, n.Ints("pads"), &conv);
  const int64_t group = n.Int("group", 1);
  if (group != 1) conv.Int("group", group);
  conv.Out(0).Done();
}

void ImportConvTranspose(const NodeContext& n) {
  const std::vector<int64_t> kernel = n.Has(1) ? KernelShape(n) : std::vector<int64_t>();
  const std::vector<int64_t> adjs = n.Ints("output_padding"), strides = n.Ints("strides");
  // Caffe2 has two dimensions, no dilation, and an output padding of at most the stride.
  const bool caffe2 = ExplicitPadding(n) && kernel.size() == 2 && AllOnes(n.Ints("dilations")) &&
                      n.Ints("output_shape").empty();
  if (!caffe2) return PassThrough(n);
  for (size_t i = 0; i < adjs.size(); ++i) {
    if (adjs[i] > (i < strides.size() ? strides[i] : 1)) return PassThrough(n);
  }
  Emission conv = n.Emit("ConvTranspose");
  conv.In(n.in(0)).In(n.in(1)).In(n.in(2)).Ints("kernels", kernel);
  SpatialArgs(n, n.Ints("pads"), &conv);
  if (!adjs.empty() && std::any_of(adjs.begin(), adjs.end(), [](int64_t a) { return a != 0; }))
    conv.Ints("adjs", adjs);
  const int64_t group = n.Int("group", 1);
  if (group != 1) conv.Int("group", group);
  conv.Out(0).Done();
}

// Caffe2 refuses padding that is not smaller than the kernel.
bool PaddingBelowKernel(const std::vector<int64_t>& pads, const std::vector<int64_t>& kernel) {
  for (size_t i = 0; i < pads.size(); ++i) {
    if (pads[i] < 0 || pads[i] >= kernel[i % kernel.size()]) return false;
  }
  return true;
}

// A pool that rounds up, as one that rounds down with more padding at the end. Nothing where sizes
// are not known, or where an average counts the padding.
std::optional<std::vector<int64_t>> PadsThatRoundUp(const NodeContext& n,
                                                    const std::vector<int64_t>& kernel) {
  const ValueFacts& x = n.facts(n.in(0));
  const auto rank = static_cast<int>(kernel.size());
  if (!x.has_shape || x.shape.rank != rank + 2 || n.Int("count_include_pad", 0) != 0) return {};
  std::vector<int64_t> pads = n.Ints("pads"), strides = n.Ints("strides");
  pads.resize(2 * kernel.size(), 0);
  strides.resize(kernel.size(), 1);
  for (int i = 0; i < rank; ++i) {
    const auto axis = static_cast<size_t>(i);
    if (!x.shape[2 + i].known() || strides[axis] < 1) return {};
    const int64_t size = x.shape[2 + i].value(), stride = strides[axis];
    int64_t& end = pads[axis + kernel.size()];
    const int64_t room = size + pads[axis] + end - kernel[axis];
    if (room < 0) return {};
    int64_t count = (room + stride - 1) / stride + 1;
    // A window that begins in the padding at the end does not count.
    if ((count - 1) * stride >= size + pads[axis]) --count;
    end += std::max<int64_t>((count - 1) * stride - room, 0);
  }
  return pads;
}

void ImportPool(const NodeContext& n) {
  const std::vector<int64_t> kernel = n.Ints("kernel_shape");
  std::optional<std::vector<int64_t>> pads = n.Ints("pads");
  if (n.Int("ceil_mode", 0) != 0 && ExplicitPadding(n)) pads = PadsThatRoundUp(n, kernel);
  const bool caffe2 = ExplicitPadding(n) && pads && AllOnes(n.Ints("dilations")) &&
                      !n.HasOutput(1) && !kernel.empty() && PaddingBelowKernel(*pads, kernel) &&
                      n.type_of(0) == ElementType::kFloat && n.type() != "LpPool";
  if (!caffe2) {
    // Versions 1 and 2 of LpPool: p was a float in 1.
    if (n.type() == "LpPool" && n.opset() < 2) n.Unsupported("LpPool of opset 1");
    return PassThrough(n);
  }
  Emission pool = n.Emit(n.type());
  pool.In(n.in(0)).Ints("kernels", kernel);
  SpatialArgs(n, *pads, &pool);
  if (n.Int("count_include_pad", 0) != 0) pool.Int("count_include_pad", 1);
  pool.Out(0).Done();
}

void ImportGlobalPool(const NodeContext& n) {
  if (n.type() == "GlobalLpPool") return PassThrough(n);
  const bool average = n.type() == "GlobalAveragePool";
  n.Emit(average ? "AveragePool" : "MaxPool").In(n.in(0)).Int("global_pooling", 1).Out(0).Done();
}

constexpr ImporterRow kRows[] = {
    {"Conv", 1, ImportConv},
    {"ConvTranspose", 1, ImportConvTranspose},
    {"MaxPool", 1, ImportPool},
    {"AveragePool", 1, ImportPool},
    {"LpPool", 1, ImportPool},
    {"GlobalAveragePool", 1, ImportGlobalPool},
    {"GlobalMaxPool", 1, ImportGlobalPool},
    {"GlobalLpPool", 2, ImportGlobalPool},
};

}  // namespace

std::span<const ImporterRow> ConvolutionImporters() { return kRows; }

}  // namespace doppio::converter
