#include "runtime/operators/spatial.h"

#include <cmath>

#include "base/checked.h"
#include "base/message.h"

namespace doppio::operators {

using base::Cat;

namespace {

constexpr int64_t kLargest = int64_t{1} << 31;  // beyond any size that memory could hold

Status Bounded(std::span<const int64_t> values, std::string_view what, int64_t least) {
  for (int64_t value : values) {
    if (value < least || value > kLargest) {
      return InvalidArgument(Cat(what, " ", value, " is not possible"));
    }
  }
  return {};
}

// One of the forms of Caffe2's spatial arguments: a list, one number for two dimensions, or a pair
// by name. `scalar_repeat` is how many entries the number stands for.
Status ReadForms(const ArgReader& args, const char* list, const char* scalar,
                 std::span<const char* const> named, int scalar_repeat,
                 base::Array<int64_t>* values) {
  DOPPIO_RETURN_IF_ERROR(values->Assign(args.Ints(list)));
  if (args.Has(scalar)) {
    int64_t number = 0;
    DOPPIO_RETURN_IF_ERROR(args.Int(scalar, &number));
    while (static_cast<int>(values->size()) < scalar_repeat) {
      DOPPIO_RETURN_IF_ERROR(values->Append(number));
    }
    return {};
  }
  for (const char* name : named) {
    if (!args.Has(name)) return {};
  }
  for (const char* name : named) {
    int64_t number = 0;
    DOPPIO_RETURN_IF_ERROR(args.Int(name, &number));
    DOPPIO_RETURN_IF_ERROR(values->Append(number));
  }
  return {};
}

Status TakeList(std::span<const int64_t> from, std::string_view what, int rank, int64_t least,
                int64_t* to) {
  if (from.empty()) return {};
  if (static_cast<int>(from.size()) != rank) {
    return InvalidArgument(
        Cat(what, " has ", from.size(), " values for ", rank, " spatial dimensions"));
  }
  DOPPIO_RETURN_IF_ERROR(Bounded(from, what, least));
  for (int i = 0; i < rank; ++i) to[i] = from[static_cast<size_t>(i)];
  return {};
}

Status TakePads(std::span<const int64_t> pads, int rank, SpatialArgs* spatial) {
  if (pads.empty()) return {};
  if (static_cast<int>(pads.size()) != 2 * rank) {
    return InvalidArgument(
        Cat("pads has ", pads.size(), " values for ", rank, " spatial dimensions"));
  }
  DOPPIO_RETURN_IF_ERROR(Bounded(pads, "padding", -kLargest));
  for (int i = 0; i < rank; ++i) {
    spatial->pad_begin[i] = pads[static_cast<size_t>(i)];
    spatial->pad_end[i] = pads[static_cast<size_t>(i + rank)];
  }
  return {};
}

// Padding that makes the output ceil(in / stride); the odd one goes to the end (upper) or the
// begin.
Status SamePadding(SpatialArgs* spatial, int i, Dim in, bool upper, SymbolTable* symbols,
                   Dim* out) {
  *out = symbols->CeilDiv(in, Dim(spatial->stride[i]));
  if (!in.known()) return {};
  const int64_t extent = spatial->dilation[i] * (spatial->kernel[i] - 1) + 1;
  int64_t total = (out->value() - 1) * spatial->stride[i] + extent - in.value();
  if (total < 0) total = 0;
  const int64_t small = total / 2, large = total - small;
  spatial->pad_begin[i] = upper ? small : large;
  spatial->pad_end[i] = upper ? large : small;
  return {};
}

// Caffe's pooling: rounds up, but no window starts in the padding at the end. In float32, as the
// original.
Status CaffePadding(SpatialArgs* spatial, int i, Dim in, SymbolTable* symbols, Dim* out) {
  const int64_t head = spatial->pad_begin[i], stride = spatial->stride[i];
  if (!in.known()) {
    const Dim room = symbols->Add(in, Dim(2 * head - spatial->kernel[i]));
    *out = head == 0 ? symbols->Add(symbols->CeilDiv(room, Dim(stride)), Dim(1)) : Dim();
    return {};
  }
  const int64_t room = in.value() + 2 * head - spatial->kernel[i];
  if (room < 0)
    return InvalidArgument(Cat("kernel ", spatial->kernel[i], " is larger than the padded input ",
                               in.value() + 2 * head));
  int64_t size =
      static_cast<int64_t>(std::ceil(static_cast<float>(room) / static_cast<float>(stride))) + 1;
  if (head > 0 && (size - 1) * stride >= in.value() + head) --size;
  const int64_t floor_size = room / stride + 1;
  spatial->pad_end[i] = head + stride * (size - floor_size);
  *out = Dim(size);
  return {};
}

}  // namespace

Status ReadOrder(const ArgReader& args, bool* channels_last) {
  std::string_view order;
  DOPPIO_RETURN_IF_ERROR(args.Text("order", &order));
  *channels_last = order == "NHWC";
  if (*channels_last || order == "NCHW" || order.empty()) return {};
  return InvalidArgument(Cat("order ", base::Quoted(order), " is neither NCHW nor NHWC"));
}

Status ReadCaffe2Spatial(const ArgReader& args, int rank, SpatialArgs* spatial) {
  spatial->rank = rank;
  if (rank < 1 || rank > kMaxSpatial) {
    return InvalidArgument(Cat(rank, " spatial dimensions; 1 to 3 are possible"));
  }
  int64_t legacy = 0;
  DOPPIO_RETURN_IF_ERROR(args.IntIn("legacy_pad", 0, 3, &legacy));
  spatial->legacy_pad = static_cast<LegacyPad>(legacy);
  DOPPIO_RETURN_IF_ERROR(args.Bool("global_pooling", &spatial->global_pooling));
  static constexpr const char* kKernel[] = {"kernel_h", "kernel_w"};
  static constexpr const char* kStride[] = {"stride_h", "stride_w"};
  static constexpr const char* kDilation[] = {"dilation_h", "dilation_w"};
  static constexpr const char* kPad[] = {"pad_t", "pad_l", "pad_b", "pad_r"};
  base::Array<int64_t> values;
  DOPPIO_RETURN_IF_ERROR(ReadForms(args, "kernels", "kernel", kKernel, 2, &values));
  if (values.empty() && !spatial->global_pooling) return InvalidArgument("no kernel size is given");
  DOPPIO_RETURN_IF_ERROR(TakeList(values, "kernel", rank, 1, spatial->kernel));
  DOPPIO_RETURN_IF_ERROR(ReadForms(args, "strides", "stride", kStride, 2, &values));
  DOPPIO_RETURN_IF_ERROR(TakeList(values, "stride", rank, 1, spatial->stride));
  DOPPIO_RETURN_IF_ERROR(ReadForms(args, "dilations", "dilation", kDilation, 2, &values));
  DOPPIO_RETURN_IF_ERROR(TakeList(values, "dilation", rank, 1, spatial->dilation));
  DOPPIO_RETURN_IF_ERROR(ReadForms(args, "pads", "pad", kPad, 4, &values));
  if (!values.empty() &&
      (spatial->legacy_pad == LegacyPad::kValid || spatial->legacy_pad == LegacyPad::kSame)) {
    return InvalidArgument("padding is given together with legacy_pad VALID or SAME");
  }
  return TakePads(values, rank, spatial);
}

Status ReadOnnxSpatial(const ArgReader& args, int rank, std::span<const int64_t> kernel,
                       SpatialArgs* spatial) {
  spatial->rank = rank;
  if (rank < 1 || rank > kMaxSpatial) {
    return Unsupported(Cat(rank, " spatial dimensions; 1 to 3 are possible"));
  }
  const auto kernel_shape = args.Ints("kernel_shape");
  DOPPIO_RETURN_IF_ERROR(
      TakeList(kernel_shape.empty() ? kernel : kernel_shape, "kernel", rank, 1, spatial->kernel));
  DOPPIO_RETURN_IF_ERROR(TakeList(args.Ints("strides"), "stride", rank, 1, spatial->stride));
  DOPPIO_RETURN_IF_ERROR(TakeList(args.Ints("dilations"), "dilation", rank, 1, spatial->dilation));
  std::string_view auto_pad;
  DOPPIO_RETURN_IF_ERROR(args.Text("auto_pad", &auto_pad));
  DOPPIO_RETURN_IF_ERROR(args.Bool("ceil_mode", &spatial->ceil_mode));
  if (auto_pad == "SAME_UPPER") {
    spatial->auto_pad = AutoPad::kSameUpper;
  } else if (auto_pad == "SAME_LOWER") {
    spatial->auto_pad = AutoPad::kSameLower;
  } else if (auto_pad == "VALID") {
    spatial->auto_pad = AutoPad::kValid;
  } else if (!auto_pad.empty() && auto_pad != "NOTSET") {
    return InvalidArgument(Cat("auto_pad ", base::Quoted(auto_pad), " is unknown"));
  } else {
    return TakePads(args.Ints("pads"), rank, spatial);
  }
  return {};
}

Status OutputSize(SpatialArgs* spatial, int i, Dim in, SymbolTable* symbols, Dim* out) {
  if (spatial->global_pooling) {
    if (in.known()) spatial->kernel[i] = in.value();
    *out = Dim(1);
    return {};
  }
  if (spatial->legacy_pad == LegacyPad::kSame)
    return SamePadding(spatial, i, in, true, symbols, out);
  if (spatial->auto_pad == AutoPad::kSameUpper || spatial->auto_pad == AutoPad::kSameLower) {
    return SamePadding(spatial, i, in, spatial->auto_pad == AutoPad::kSameUpper, symbols, out);
  }
  if (spatial->legacy_pad == LegacyPad::kCaffe) return CaffePadding(spatial, i, in, symbols, out);
  int64_t extent = 0;
  if (!base::CheckedMul(spatial->dilation[i], spatial->kernel[i] - 1, &extent) ||
      extent > kLargest) {
    return InvalidArgument("kernel and dilation are too large");
  }
  ++extent;
  const Dim room = symbols->Add(in, Dim(spatial->pad_begin[i] + spatial->pad_end[i] - extent));
  if (room.known() && room.value() < 0) {
    return InvalidArgument(
        Cat("kernel extent ", extent, " is larger than the padded input ", room.value() + extent));
  }
  const Dim stride(spatial->stride[i]);
  if (!spatial->ceil_mode) {
    *out = symbols->Add(symbols->FloorDiv(room, stride), Dim(1));
    return {};
  }
  *out = symbols->Add(symbols->CeilDiv(room, stride), Dim(1));
  // A window that would start in the padding at the end is dropped, as in PyTorch.
  if (out->known() && in.known() &&
      (out->value() - 1) * spatial->stride[i] >= in.value() + spatial->pad_begin[i]) {
    *out = Dim(out->value() - 1);
  }
  return {};
}

TensorRef AsChannelsFirst(const TensorRef& tensor, bool channels_last) {
  if (!channels_last) return tensor;
  TensorRef view = tensor;
  const int rank = tensor.dims.rank();
  view.dims[1] = tensor.dims[rank - 1];
  view.strides[1] = tensor.strides[rank - 1];
  for (int i = 2; i < rank; ++i) {
    view.dims[i] = tensor.dims[i - 1];
    view.strides[i] = tensor.strides[i - 1];
  }
  return view;
}

Shape ToChannelsFirst(const Shape& shape, bool channels_last) {
  if (!channels_last) return shape;
  Shape result = shape;
  result[1] = shape[shape.rank - 1];
  for (int i = 2; i < shape.rank; ++i) result[i] = shape[i - 1];
  return result;
}

Shape FromChannelsFirst(const Shape& shape, bool channels_last) {
  if (!channels_last) return shape;
  Shape result = shape;
  result[shape.rank - 1] = shape[1];
  for (int i = 2; i < shape.rank; ++i) result[i - 1] = shape[i];
  return result;
}

void Spread(int rank, const int64_t* values, int64_t fill, int64_t* d, int64_t* h, int64_t* w) {
  *w = values[rank - 1];
  *h = rank >= 2 ? values[rank - 2] : fill;
  *d = rank >= 3 ? values[rank - 3] : fill;
}

}  // namespace doppio::operators
