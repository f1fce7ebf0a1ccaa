// Padding: ONNX's Pad on any axes, Caffe2's PadImage on height and width.
#include "base/message.h"
#include "runtime/operators/content.h"
#include "runtime/operators/rows.h"
#include "runtime/operators/spatial.h"
#include "runtime/operators/view.h"

namespace doppio::operators {
namespace {

using base::Cat;

enum class PadMode : uint8_t { kConstant, kEdge, kReflect, kWrap };

struct PadArgs {
  PadMode mode = PadMode::kConstant;
  Dim begin[kMaxRank], end[kMaxRank];  // negative: cut off; unknown while they depend on data
};

Status ReadMode(const ArgReader& args, PadMode* mode) {
  std::string_view text;
  DOPPIO_RETURN_IF_ERROR(args.Text("mode", &text));
  if (text == "constant") {
    *mode = PadMode::kConstant;
  } else if (text == "edge") {
    *mode = PadMode::kEdge;
  } else if (text == "reflect") {
    *mode = PadMode::kReflect;
  } else if (text == "wrap") {
    *mode = PadMode::kWrap;
  } else {
    return InvalidArgument(Cat("argument 'mode' is ", base::Quoted(text)));
  }
  return {};
}

// Distributes the values of ONNX's `pads` (all begins, then all ends) over the axes.
Status SpreadPads(std::span<const Dim> pads, bool has_axes, std::span<const Dim> axes, int rank,
                  PadArgs* pad) {
  const size_t count = has_axes ? axes.size() : static_cast<size_t>(rank);
  if (pads.size() != 2 * count) {
    return InvalidArgument(Cat("it has ", pads.size(), " pads for ", count, " axes"));
  }
  for (int i = 0; i < rank; ++i) pad->begin[i] = pad->end[i] = Dim(0);
  for (size_t i = 0; i < count; ++i) {
    int64_t axis = static_cast<int64_t>(i);
    if (has_axes) axis = axes[i].value() < 0 ? axes[i].value() + rank : axes[i].value();
    if (axis < 0 || axis >= rank) {
      return InvalidArgument(
          Cat("axis ", axes[i].value(), " does not exist in ", rank, " dimensions"));
    }
    pad->begin[axis] = pads[i];
    pad->end[axis] = pads[count + i];
  }
  return {};
}

Status ReadCaffe2Pads(const ArgReader& args, PadArgs* pad) {
  bool channels_last = false;
  DOPPIO_RETURN_IF_ERROR(ReadOrder(args, &channels_last));
  DOPPIO_RETURN_IF_ERROR(ReadMode(args, &pad->mode));
  if (pad->mode == PadMode::kWrap) return InvalidArgument("Caffe2's PadImage has no mode 'wrap'");
  int64_t sides[4] = {};  // top, left, bottom, right
  const std::span<const int64_t> pads = args.Ints("pads");
  if (!pads.empty() && pads.size() != 4) {
    return InvalidArgument(Cat("argument 'pads' has ", pads.size(), " values; it must have 4"));
  }
  constexpr const char* kNames[] = {"pad_t", "pad_l", "pad_b", "pad_r"};
  const bool by_name =
      args.Has("pad_t") && args.Has("pad_l") && args.Has("pad_b") && args.Has("pad_r");
  for (size_t i = 0; i < 4; ++i) {
    if (!pads.empty()) {
      sides[i] = pads[i];
    } else if (args.Has("pad")) {
      DOPPIO_RETURN_IF_ERROR(args.Int("pad", &sides[i]));
    } else if (by_name) {
      DOPPIO_RETURN_IF_ERROR(args.Int(kNames[i], &sides[i]));
    }
    if (sides[i] < 0) return InvalidArgument(Cat("a pad is ", sides[i]));
  }
  const int height = channels_last ? 1 : 2;
  for (int i = 0; i < 4; ++i) pad->begin[i] = pad->end[i] = Dim(0);
  for (int i = 0; i < 2; ++i) {
    pad->begin[height + i] = Dim(sides[i]);
    pad->end[height + i] = Dim(sides[2 + i]);
  }
  return {};
}

// Checks one axis and gives its size.
Status PaddedSize(const InferContext& c, const PadArgs& pad, int axis, Dim* size) {
  const Dim in = c.input(0).shape[axis];
  *size = c.symbols().Add(c.symbols().Add(in, pad.begin[axis]), pad.end[axis]);
  if (size->known() && size->value() < 0) {
    return InvalidArgument(Cat("the size of axis ", axis, " would be ", size->value()));
  }
  if (pad.mode != PadMode::kConstant && in.Is(0) && size->known() && !size->Is(0)) {
    return InvalidArgument(Cat("axis ", axis, " of ", c.Describe(0), " has no value to pad with"));
  }
  return {};
}

Status FinishPad(InferContext& c, const PadArgs& pad) {
  Shape y;
  for (int i = 0; i < c.input(0).shape.rank; ++i) {
    Dim size;
    DOPPIO_RETURN_IF_ERROR(PaddedSize(c, pad, i, &size));
    y.push_back(size);
  }
  c.Set(0, c.input(0).type, y);
  return {};
}

Status InferOnnxPad(InferContext& c) {
  const ValueFacts& x = c.input(0);
  PadArgs pad;
  DOPPIO_RETURN_IF_ERROR(ReadMode(c.args, &pad.mode));
  if (c.HasInput(2)) {
    const Dim count = CountOf(c.input(2).shape, &c.symbols());
    if (c.input(2).type != x.type || (count.known() && !count.Is(1))) {
      return InvalidArgument(Cat(c.Describe(2), " must be one value of type ", x.type));
    }
  }
  const bool axes_known = !c.HasInput(3) || c.input(3).ContentKnown();
  if (!axes_known) c.NeedContent(3);
  if (!c.input(1).has_content) c.NeedContent(1);
  if (!axes_known || !c.input(1).has_content) {
    Shape unknown;
    for (int i = 0; i < x.shape.rank; ++i) unknown.push_back(Dim());
    c.Set(0, x.type, unknown);
    return {};
  }
  for (const Dim& value : c.input(1).content) {
    if (value.unknown()) c.NeedContent(1);
  }
  const std::span<const Dim> axes =
      c.HasInput(3) ? c.input(3).content.span() : std::span<const Dim>();
  DOPPIO_RETURN_IF_ERROR(
      SpreadPads(c.input(1).content.span(), c.HasInput(3), axes, x.shape.rank, &pad));
  return FinishPad(c, pad);
}

Status InferPadImage(InferContext& c) {
  if (c.input(0).shape.rank != 4) {
    return InvalidArgument(Cat(c.Describe(0), " must have 4 dimensions"));
  }
  PadArgs pad;
  DOPPIO_RETURN_IF_ERROR(ReadCaffe2Pads(c.args, &pad));
  return FinishPad(c, pad);
}

// --- lowering
// ----------------------------------------------------------------------------------------

// y holds the padded tensor in [begin, begin + size) of `axis`; fills what lies outside from that
// part, in pieces that one copy makes.
struct Filled {
  int64_t begin = 0, size = 0;
};

// A piece of at most this many copies an axis: more of them mean a padding far larger than the
// tensor.
constexpr int kMaxPieces = 1024;

// Elements that one copy can add at one end.
int64_t PieceSize(PadMode mode, int64_t original, int64_t missing) {
  if (mode == PadMode::kEdge || (mode == PadMode::kReflect && original == 1)) return missing;
  return std::min(missing, mode == PadMode::kReflect ? original - 1 : original);
}

// The part of y that a piece of `size` elements right before (or after) the filled part equals.
TensorRef PieceSource(const TensorRef& y, int axis, PadMode mode, int64_t original,
                      const Filled& filled, int64_t size, bool before) {
  const int64_t first = filled.begin, last = filled.begin + filled.size - 1;
  if (mode == PadMode::kEdge || (mode == PadMode::kReflect && original == 1)) {
    TensorRef edge = Cut(y, axis, before ? first : last, 1);
    edge.dims[axis] = size;
    edge.strides[axis] = 0;
    return edge;
  }
  if (mode == PadMode::kReflect) {
    return before ? Cut(y, axis, first + size, size, -1) : Cut(y, axis, last - 1, size, -1);
  }
  return before ? Cut(y, axis, first - size + original, size)
                : Cut(y, axis, last + 1 - original, size);
}

Status FillAxis(LowerContext& c, const TensorRef& y, int axis, PadMode mode, Filled filled) {
  const int64_t original = filled.size, whole = y.dims[axis];
  for (int piece = 0; filled.begin > 0 || filled.begin + filled.size < whole; ++piece) {
    if (piece == kMaxPieces) return Unsupported("the padding is far larger than the tensor");
    const bool before = filled.begin > 0;
    const int64_t missing = before ? filled.begin : whole - filled.begin - filled.size;
    const int64_t size = PieceSize(mode, original, missing);
    const TensorRef source = PieceSource(y, axis, mode, original, filled, size, before);
    const int64_t to = before ? filled.begin - size : filled.begin + filled.size;
    DOPPIO_RETURN_IF_ERROR(c.Copy(source, Cut(y, axis, to, size)));
    filled.size += size;
    if (before) filled.begin = to;
  }
  return {};
}

// Fills y outside of [begin, begin + size) of each axis with `value` (zero when that is absent).
Status FillOutside(LowerContext& c, TensorRef rest, const Filled* inner, const TensorRef& value,
                   const void* number) {
  for (int i = 0; i < rest.dims.rank(); ++i) {
    const int64_t end = inner[i].begin + inner[i].size;
    const TensorRef outside[] = {Cut(rest, i, 0, inner[i].begin),
                                 Cut(rest, i, end, rest.dims[i] - end)};
    for (const TensorRef& part : outside) {
      if (part.count() == 0) continue;
      DOPPIO_RETURN_IF_ERROR(value.present() ? c.FillFrom(part, value) : c.Fill(part, number));
    }
    rest = Cut(rest, i, inner[i].begin, inner[i].size);
  }
  return {};
}

Status EmitPad(LowerContext& c, const PadArgs& pad, const TensorRef& value, const void* number) {
  TensorRef x = c.input(0), inner_y = c.output(0);
  const TensorRef y = c.output(0);
  Filled inner[kMaxRank];
  for (int i = 0; i < y.dims.rank(); ++i) {
    const int64_t begin = pad.begin[i].value(), end = pad.end[i].value();
    const int64_t cut_begin = std::min(std::max<int64_t>(0, -begin), x.dims[i]);
    const int64_t kept = std::max<int64_t>(0, x.dims[i] - cut_begin - std::max<int64_t>(0, -end));
    inner[i] = {std::min(std::max<int64_t>(0, begin), y.dims[i]), std::min(kept, y.dims[i])};
    x = Cut(x, i, cut_begin, inner[i].size);
    inner_y = Cut(inner_y, i, inner[i].begin, inner[i].size);
  }
  if (y.count() == 0) return {};
  if (inner_y.count() > 0) DOPPIO_RETURN_IF_ERROR(c.Copy(x, inner_y));
  if (pad.mode == PadMode::kConstant) return FillOutside(c, y, inner, value, number);
  // Axis by axis: those before are whole by then, those behind still as large as the input.
  for (int i = 0; i < y.dims.rank(); ++i) {
    TensorRef part = y;
    for (int later = i + 1; later < y.dims.rank(); ++later) {
      part = Cut(part, later, inner[later].begin, inner[later].size);
    }
    DOPPIO_RETURN_IF_ERROR(FillAxis(c, part, i, pad.mode, inner[i]));
  }
  return {};
}

Status LowerOnnxPad(LowerContext& c) {
  PadArgs pad;
  DOPPIO_RETURN_IF_ERROR(ReadMode(c.args, &pad.mode));
  const std::span<const Dim> axes = c.HasInput(3) ? c.Content(3) : std::span<const Dim>();
  DOPPIO_RETURN_IF_ERROR(
      SpreadPads(c.Content(1), c.HasInput(3), axes, c.input(0).dims.rank(), &pad));
  constexpr unsigned char kZero[16] = {};
  return EmitPad(c, pad, c.HasInput(2) ? c.input(2) : TensorRef(), kZero);
}

Status LowerPadImage(LowerContext& c) {
  PadArgs pad;
  float value = 0;
  DOPPIO_RETURN_IF_ERROR(ReadCaffe2Pads(c.args, &pad));
  DOPPIO_RETURN_IF_ERROR(c.args.Float("value", &value));
  if (c.input(0).type != ElementType::kFloat && pad.mode == PadMode::kConstant) {
    return Unsupported("it pads float32 only");
  }
  return EmitPad(c, pad, TensorRef(), &value);
}

constexpr ArgSpec kPadArgs[] = {{"mode", ArgKind::kString, 0, "constant"}};
constexpr ArgSpec kPadImageArgs[] = {{"mode", ArgKind::kString, 0, "constant"},
                                     {"value", ArgKind::kFloat},
                                     {"pads", ArgKind::kInts},
                                     {"pad", ArgKind::kInt},
                                     {"pad_t", ArgKind::kInt},
                                     {"pad_l", ArgKind::kInt},
                                     {"pad_b", ArgKind::kInt},
                                     {"pad_r", ArgKind::kInt},
                                     {"order", ArgKind::kString, 0, "NCHW"}};

}  // namespace

const Operator kPadImage = {"",
                            "PadImage",
                            1,
                            1,
                            1,
                            1,
                            LayoutTrait::kAxisRemap,
                            kPlain,
                            InferPadImage,
                            LowerPadImage,
                            kPadImageArgs,
                            "pads height and width"};
const Operator kOnnxPad = {"ai.onnx",
                           "Pad",
                           2,
                           4,
                           1,
                           1,
                           LayoutTrait::kAxisRemap,
                           kPlain,
                           InferOnnxPad,
                           LowerOnnxPad,
                           kPadArgs,
                           "pads, or cuts, any axes"};

}  // namespace doppio::operators
