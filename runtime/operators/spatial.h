// SpatialArgs: kernel, stride, dilation and padding of convolutions and pools, from Caffe2's and
// from ONNX's spelling; and the sizes that follow. Shared by the families conv and pool.
#pragma once

#include "runtime/operators/infer_context.h"
#include "runtime/operators/lower_context.h"

namespace doppio::operators {

// Caffe2's LegacyPadding.
enum class LegacyPad : uint8_t { kNotSet = 0, kValid = 1, kSame = 2, kCaffe = 3 };
// ONNX's auto_pad.
enum class AutoPad : uint8_t { kNotSet, kSameUpper, kSameLower, kValid };

inline constexpr int kMaxSpatial = 3;

struct SpatialArgs {
  int rank = 2;  // spatial dimensions
  int64_t kernel[kMaxSpatial] = {1, 1, 1};
  int64_t stride[kMaxSpatial] = {1, 1, 1};
  int64_t dilation[kMaxSpatial] = {1, 1, 1};
  int64_t pad_begin[kMaxSpatial] = {0, 0, 0};
  int64_t pad_end[kMaxSpatial] = {0, 0, 0};
  LegacyPad legacy_pad = LegacyPad::kNotSet;
  AutoPad auto_pad = AutoPad::kNotSet;
  bool ceil_mode = false;
  bool global_pooling = false;
};

// What ReadCaffe2Spatial and ReadOrder read. Dilation and ONNX's names are the families' own.
inline constexpr ArgSpec kCaffe2SpatialArgs[] = {
    {"kernels", ArgKind::kInts},   {"kernel", ArgKind::kInt},
    {"kernel_h", ArgKind::kInt},   {"kernel_w", ArgKind::kInt},
    {"strides", ArgKind::kInts},   {"stride", ArgKind::kInt, 1},
    {"stride_h", ArgKind::kInt},   {"stride_w", ArgKind::kInt},
    {"pads", ArgKind::kInts},      {"pad", ArgKind::kInt},
    {"pad_t", ArgKind::kInt},      {"pad_l", ArgKind::kInt},
    {"pad_b", ArgKind::kInt},      {"pad_r", ArgKind::kInt},
    {"legacy_pad", ArgKind::kInt}, {"order", ArgKind::kString, 0, "NCHW"},
};

// What pools read beside.
inline constexpr ArgSpec kCaffe2PoolOnlyArgs[] = {
    {"dilations", ArgKind::kInts},     {"dilation", ArgKind::kInt, 1},
    {"global_pooling", ArgKind::kInt}, {"count_include_pad", ArgKind::kInt},
    {"p", ArgKind::kFloat, 2},
};

// Whether the node's `order` is NHWC; an error for anything but NCHW and NHWC.
Status ReadOrder(const ArgReader& args, bool* channels_last);

// Caffe2's arguments (kernel, kernels, kernel_h + kernel_w, ...). `rank` is the input's spatial
// rank; `kernel_needed` is false for global pooling.
Status ReadCaffe2Spatial(const ArgReader& args, int rank, SpatialArgs* spatial);
// ONNX's attributes; `kernel` is the weight's spatial size where kernel_shape may be left out, else
// empty.
Status ReadOnnxSpatial(const ArgReader& args, int rank, std::span<const int64_t> kernel,
                       SpatialArgs* spatial);

// The output size along `axis` for an input of size `in`, and the padding at both ends that goes
// with it when `in` is a number (SAME, legacy pooling). Pools of ONNX round up with ceil_mode.
Status OutputSize(SpatialArgs* spatial, int axis, Dim in, SymbolTable* symbols, Dim* out);

// A feature map in NCHW order of dimensions, whichever order the node's tensors have.
TensorRef AsChannelsFirst(const TensorRef& tensor, bool channels_last);
Shape ToChannelsFirst(const Shape& shape, bool channels_last);
Shape FromChannelsFirst(const Shape& shape, bool channels_last);

// d, h, w of a map or of spatial arguments, leading ones filled with `fill`.
void Spread(int rank, const int64_t* values, int64_t fill, int64_t* d, int64_t* h, int64_t* w);

}  // namespace doppio::operators
