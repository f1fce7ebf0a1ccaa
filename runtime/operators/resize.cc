// Resampling of feature maps: Caffe2's ResizeNearest and UpsampleBilinear, ONNX's Resize.
#include "runtime/operators/resize.h"

#include <cmath>

#include "base/message.h"
#include "kernels/problems/resize.h"
#include "runtime/operators/content.h"
#include "runtime/operators/rows.h"
#include "runtime/operators/spatial.h"

namespace doppio::operators {
namespace {

using base::Cat;
using kernels::NearestMode;
using kernels::ProblemKind;
using kernels::ResizeCoordinates;
using kernels::ResizeMode;
using kernels::ResizeProblem;

// What becomes of each axis.
struct AxisScales {
  Dim out[kMaxRank];
  double scale[kMaxRank];  // as the model states it; 0: out / in
  bool known = true;       // false while it depends on data
};

bool TakesType(ElementType type) {
  switch (type) {
    case ElementType::kFloat:
    case ElementType::kDouble:
    case ElementType::kFloat16:
    case ElementType::kBFloat16:
    case ElementType::kUint8:
    case ElementType::kInt8:
    case ElementType::kInt32:
      return true;
    default:
      return false;
  }
}

Status CheckType(const InferContext& c) {
  if (TakesType(c.input(0).type)) return {};
  return InvalidArgument(
      Cat(c.Describe(0), " is of a type that ", c.node().type, " does not take"));
}

Status SetScaled(InferContext& c, const AxisScales& scales) {
  Shape y;
  for (int i = 0; i < c.input(0).shape.rank; ++i) y.push_back(scales.known ? scales.out[i] : Dim());
  c.Set(0, c.input(0).type, y);
  return {};
}

// A problem over x and y whose axes with other sizes than 1:1 are at most three; those before them
// count as batch and channels.
struct Placed {
  ResizeProblem problem;
  int axis_of[3] = {-1, -1, -1};  // which axis of the tensor is d, h, w
};

// `scaled[i]` says whether axis i is resampled.
Status PlaceAxes(const TensorRef& x, const TensorRef& y, const bool* scaled, Placed* placed) {
  ResizeProblem& p = placed->problem;
  const int rank = x.dims.rank();
  int first = rank;
  for (int i = rank - 1; i >= 0; --i) {
    if (scaled[i]) first = i;
  }
  first = std::max(first, rank - 3 > 2 ? rank - 3 : std::min(rank, 2));
  for (int i = 0; i < first; ++i) {
    if (scaled[i]) first = i;  // batch or channels are resampled as well
  }
  if (rank - first > 3) return Unsupported("it resamples more than three dimensions");
  // Axes before `first` are walked as n and c: two strides at most.
  int64_t dims[kMaxRank], x_strides[kMaxRank], y_strides[kMaxRank];
  int outer = 0;
  for (int i = 0; i < first; ++i, ++outer) {
    dims[outer] = x.dims[i];
    x_strides[outer] = x.strides[i];
    y_strides[outer] = y.strides[i];
  }
  int64_t* const strides[] = {x_strides, y_strides};
  MergeDims(&outer, dims, 2, strides);
  if (outer > 2) return Unsupported(Cat("it resamples the last of ", rank, " dimensions"));
  if (outer > 0) {
    p.c = dims[outer - 1];
    p.x.c = x_strides[outer - 1];
    p.y.c = y_strides[outer - 1];
  }
  if (outer > 1) {
    p.n = dims[0];
    p.x.n = x_strides[0];
    p.y.n = y_strides[0];
  }
  int64_t* const to_x[] = {&p.x.d, &p.x.h, &p.x.w};
  int64_t* const to_y[] = {&p.y.d, &p.y.h, &p.y.w};
  for (int i = first; i < rank; ++i) {
    const int at = 3 - (rank - i);
    placed->axis_of[at] = i;
    p.in[at] = x.dims[i];
    p.out[at] = y.dims[i];
    *to_x[at] = x.strides[i];
    *to_y[at] = y.strides[i];
  }
  p.type = x.type;
  return {};
}

// --- Caffe2
// ------------------------------------------------------------------------------------------

// The scales of height and width, from input 1 or from arguments.
Status ReadCaffe2Scales(const ArgReader& args, const float* input, double* height, double* width) {
  if (input != nullptr) {
    *height = static_cast<double>(input[0]);
    *width = static_cast<double>(input[1]);
    return {};
  }
  DOPPIO_RETURN_IF_ERROR(args.Double("height_scale", height));
  return args.Double("width_scale", width);
}

// The original ignores the order: height and width are always the last two dimensions.
Status InferCaffe2Resize(InferContext& c) {
  const Shape& x = c.input(0).shape;
  if (x.rank != 4) return InvalidArgument(Cat(c.Describe(0), " must have 4 dimensions"));
  if (c.input(0).type != ElementType::kFloat)
    return InvalidArgument(Cat(c.Describe(0), " must be float32"));
  AxisScales scales;
  const float* input = nullptr;
  if (c.HasInput(1)) {
    const ValueFacts& facts = c.input(1);
    if (facts.type != ElementType::kFloat || facts.shape.rank != 1 || !facts.shape[0].Is(2)) {
      return InvalidArgument(Cat("scales ", c.Describe(1), " must be float32[2]"));
    }
    if (facts.constant == nullptr) c.NeedContent(1);
    scales.known = facts.constant != nullptr;
    if (scales.known) input = facts.constant->as<float>();
  }
  if (scales.known) {
    double height = 1, width = 1;
    DOPPIO_RETURN_IF_ERROR(ReadCaffe2Scales(c.args, input, &height, &width));
    DOPPIO_RETURN_IF_ERROR(ScaledSize(c, 2, height, &scales.out[2]));
    DOPPIO_RETURN_IF_ERROR(ScaledSize(c, 3, width, &scales.out[3]));
    scales.out[0] = x[0];
    scales.out[1] = x[1];
  }
  return SetScaled(c, scales);
}

Status LowerCaffe2Resize(LowerContext& c) {
  const TensorRef x = c.input(0), y = c.output(0);
  const float* input = c.HasInput(1) ? static_cast<const float*>(c.input(1).constant) : nullptr;
  if (c.HasInput(1) && input == nullptr) return Unsupported("its scales depend on data");
  double height = 1, width = 1;
  DOPPIO_RETURN_IF_ERROR(ReadCaffe2Scales(c.args, input, &height, &width));
  if (c.node().type == "ResizeNearest") return EmitNearest(c, x, y, height, width);
  constexpr bool kScaled[kMaxRank] = {false, false, true, true};
  Placed placed;
  DOPPIO_RETURN_IF_ERROR(PlaceAxes(x, y, kScaled, &placed));
  ResizeProblem& p = placed.problem;
  p.mode = ResizeMode::kLinear;
  p.coordinates = ResizeCoordinates::kAlignCorners;
  p.nearest = NearestMode::kFloor;
  p.scale[1] = height;
  p.scale[2] = width;
  return c.Emit(ProblemKind::kResize, p, {x}, {y});
}

// --- ONNX
// ------------------------------------------------------------------------------------------

struct NamedCoordinates {
  std::string_view name;
  ResizeCoordinates value;
};
constexpr NamedCoordinates kCoordinates[] = {
    {"half_pixel", ResizeCoordinates::kHalfPixel},
    {"half_pixel_symmetric", ResizeCoordinates::kHalfPixelSymmetric},
    {"pytorch_half_pixel", ResizeCoordinates::kPytorchHalfPixel},
    {"align_corners", ResizeCoordinates::kAlignCorners},
    {"asymmetric", ResizeCoordinates::kAsymmetric},
    {"tf_half_pixel_for_nn", ResizeCoordinates::kTfHalfPixelForNn},
    {"tf_crop_and_resize", ResizeCoordinates::kTfCropAndResize},
};
struct NamedNearest {
  std::string_view name;
  NearestMode value;
};
constexpr NamedNearest kNearestModes[] = {
    {"round_prefer_floor", NearestMode::kRoundPreferFloor},
    {"round_prefer_ceil", NearestMode::kRoundPreferCeil},
    {"floor", NearestMode::kFloor},
    {"ceil", NearestMode::kCeil},
};
struct NamedMode {
  std::string_view name;
  ResizeMode value;
};
constexpr NamedMode kModes[] = {{"nearest", ResizeMode::kNearest},
                                {"linear", ResizeMode::kLinear},
                                {"cubic", ResizeMode::kCubic}};

// Looks the argument `name` up among `rows`.
template <class Row, size_t kCount, class T>
Status ReadName(const ArgReader& args, const char* name, const Row (&rows)[kCount], T* value) {
  std::string_view text;
  DOPPIO_RETURN_IF_ERROR(args.Text(name, &text));
  for (const Row& row : rows) {
    if (row.name == text) {
      *value = row.value;
      return {};
    }
  }
  return InvalidArgument(Cat("argument '", name, "' is ", base::Quoted(text)));
}

Status ReadOnnxModes(const ArgReader& args, ResizeProblem* p) {
  DOPPIO_RETURN_IF_ERROR(ReadName(args, "mode", kModes, &p->mode));
  DOPPIO_RETURN_IF_ERROR(
      ReadName(args, "coordinate_transformation_mode", kCoordinates, &p->coordinates));
  DOPPIO_RETURN_IF_ERROR(ReadName(args, "nearest_mode", kNearestModes, &p->nearest));
  DOPPIO_RETURN_IF_ERROR(args.Bool("antialias", &p->antialias));
  DOPPIO_RETURN_IF_ERROR(args.Bool("exclude_outside", &p->exclude_outside));
  DOPPIO_RETURN_IF_ERROR(args.Double("cubic_coeff_a", &p->cubic_a));
  return args.Double("extrapolation_value", &p->extrapolation_value);
}

// The axes that scales, sizes and roi speak of.
struct NamedAxes {
  int count = 0;
  int axis[kMaxRank] = {};
};

Status ReadNamedAxes(const ArgReader& args, int rank, NamedAxes* named) {
  const std::span<const int64_t> axes = args.Ints("axes");
  if (axes.size() > static_cast<size_t>(rank))
    return InvalidArgument("argument 'axes' is too long");
  named->count = axes.empty() ? rank : static_cast<int>(axes.size());
  for (int i = 0; i < named->count; ++i) {
    int64_t axis = i;
    if (!axes.empty()) axis = axes[static_cast<size_t>(i)];
    if (axis < -rank || axis >= rank) {
      return InvalidArgument(Cat("axis ", axis, " does not exist in ", rank, " dimensions"));
    }
    named->axis[i] = static_cast<int>(axis < 0 ? axis + rank : axis);
  }
  return {};
}

// Whether the optional input i is there and not empty, as old exporters leave it.
bool IsGiven(const InferContext& c, size_t i) {
  return c.HasInput(i) && !(c.input(i).shape.rank == 1 && c.input(i).shape[0].Is(0));
}

Status CheckLength(const InferContext& c, size_t i, int count) {
  const Shape& shape = c.input(i).shape;
  if (shape.rank == 1 && (!shape[0].known() || shape[0].Is(count))) return {};
  return InvalidArgument(Cat(c.Describe(i), " must hold ", count, " values"));
}

// Sizes that keep the proportions: one scale for all named axes, the least or the greatest of
// theirs.
Status KeepProportions(const InferContext& c, std::string_view policy, const NamedAxes& named,
                       AxisScales* scales) {
  if (policy == "stretch") return {};
  if (policy != "not_larger" && policy != "not_smaller") {
    return InvalidArgument(Cat("argument 'keep_aspect_ratio_policy' is ", base::Quoted(policy)));
  }
  double common = 0;
  for (int i = 0; i < named.count; ++i) {
    const Dim in = c.input(0).shape[named.axis[i]], out = scales->out[named.axis[i]];
    if (!in.known() || !out.known() || in.Is(0)) {
      for (int j = 0; j < named.count; ++j) scales->out[named.axis[j]] = Dim();
      return {};
    }
    const double scale = static_cast<double>(out.value()) / static_cast<double>(in.value());
    const bool replaces = policy == "not_larger" ? scale < common : scale > common;
    if (i == 0 || replaces) common = scale;
  }
  for (int i = 0; i < named.count; ++i) {
    const auto in = static_cast<double>(c.input(0).shape[named.axis[i]].value());
    scales->out[named.axis[i]] = Dim(static_cast<int64_t>(std::floor(in * common + 0.5)));
  }
  return {};
}

Status SizesFromSizes(const InferContext& c, const NamedAxes& named, AxisScales* scales) {
  DOPPIO_RETURN_IF_ERROR(CheckLength(c, 3, named.count));
  const ValueFacts& sizes = c.input(3);
  if (sizes.type != ElementType::kInt64)
    return InvalidArgument(Cat(c.Describe(3), " must be int64"));
  if (!sizes.has_content) c.NeedContent(3);
  for (int i = 0; i < named.count; ++i) {
    const Dim size = sizes.has_content ? sizes.content[static_cast<size_t>(i)] : Dim();
    if (size.unknown()) c.NeedContent(3);
    if (size.known() && size.value() < 0) return InvalidArgument(Cat("a size is ", size.value()));
    scales->out[named.axis[i]] = size;
  }
  std::string_view policy;
  DOPPIO_RETURN_IF_ERROR(c.args.Text("keep_aspect_ratio_policy", &policy));
  return KeepProportions(c, policy, named, scales);
}

Status SizesFromScales(const InferContext& c, const NamedAxes& named, AxisScales* scales) {
  DOPPIO_RETURN_IF_ERROR(CheckLength(c, 2, named.count));
  const ValueFacts& facts = c.input(2);
  if (facts.type != ElementType::kFloat)
    return InvalidArgument(Cat(c.Describe(2), " must be float32"));
  if (facts.constant == nullptr) {
    c.NeedContent(2);
    for (int i = 0; i < named.count; ++i) scales->out[named.axis[i]] = Dim();
    return {};
  }
  for (int i = 0; i < named.count; ++i) {
    const double scale = static_cast<double>(facts.constant->as<float>()[i]);
    DOPPIO_RETURN_IF_ERROR(ScaledSize(c, named.axis[i], scale, &scales->out[named.axis[i]]));
  }
  return {};
}

Status InferOnnxResize(InferContext& c) {
  ResizeProblem modes;
  NamedAxes named;
  AxisScales scales;
  DOPPIO_RETURN_IF_ERROR(CheckType(c));
  DOPPIO_RETURN_IF_ERROR(ReadOnnxModes(c.args, &modes));
  const Shape& x = c.input(0).shape;
  DOPPIO_RETURN_IF_ERROR(ReadNamedAxes(c.args, x.rank, &named));
  if (IsGiven(c, 2) == IsGiven(c, 3))
    return InvalidArgument("it wants scales or sizes, and not both");
  for (int i = 0; i < x.rank; ++i) scales.out[i] = x[i];
  DOPPIO_RETURN_IF_ERROR(IsGiven(c, 3) ? SizesFromSizes(c, named, &scales)
                                       : SizesFromScales(c, named, &scales));
  if (modes.coordinates == ResizeCoordinates::kTfCropAndResize) {
    if (!IsGiven(c, 1)) return InvalidArgument("tf_crop_and_resize wants a region, input 1");
    DOPPIO_RETURN_IF_ERROR(CheckLength(c, 1, 2 * named.count));
    if (c.input(1).constant == nullptr) c.NeedContent(1);
  }
  return SetScaled(c, scales);
}

// One value of a floating-point constant.
double ValueAt(const TensorRef& tensor, int64_t i) {
  if (tensor.type == ElementType::kDouble) return static_cast<const double*>(tensor.constant)[i];
  return static_cast<double>(static_cast<const float*>(tensor.constant)[i]);
}

// Scales and region of every axis, as the model states them; sizes without scales give their ratio.
struct Stated {
  double scale[kMaxRank], begin[kMaxRank], end[kMaxRank];
};

Status ReadStated(const LowerContext& c, const NamedAxes& named, bool crops, Stated* stated) {
  const TensorRef x = c.input(0), y = c.output(0);
  const auto given = [&c](size_t i) { return c.HasInput(i) && c.input(i).count() > 0; };
  for (int i = 0; i < x.dims.rank(); ++i) {
    stated->scale[i] =
        x.dims[i] == 0 ? 1 : static_cast<double>(y.dims[i]) / static_cast<double>(x.dims[i]);
    stated->begin[i] = 0;
    stated->end[i] = 1;
  }
  for (int i = 0; i < named.count; ++i) {
    const int axis = named.axis[i];
    if (given(2)) {
      if (c.input(2).constant == nullptr) return Unsupported("its scales depend on data");
      stated->scale[axis] = ValueAt(c.input(2), i);
    }
    if (crops) {
      const TensorRef roi = c.input(1);
      if (roi.constant == nullptr ||
          (roi.type != ElementType::kFloat && roi.type != ElementType::kDouble)) {
        return Unsupported("its region depends on data");
      }
      stated->begin[axis] = ValueAt(roi, i);
      stated->end[axis] = ValueAt(roi, named.count + i);
    }
  }
  std::string_view policy;
  DOPPIO_RETURN_IF_ERROR(c.args.Text("keep_aspect_ratio_policy", &policy));
  if (given(2) || policy == "stretch") return {};
  // The common scale is not the ratio of the rounded sizes.
  double common = 0;
  for (int i = 0; i < named.count; ++i) {
    const double scale = static_cast<double>(c.Content(3)[static_cast<size_t>(i)].value()) /
                         static_cast<double>(x.dims[named.axis[i]]);
    if (i == 0 || (policy == "not_larger" ? scale < common : scale > common)) common = scale;
  }
  for (int i = 0; i < named.count; ++i) stated->scale[named.axis[i]] = common;
  return {};
}

Status LowerOnnxResize(LowerContext& c) {
  const TensorRef x = c.input(0), y = c.output(0);
  NamedAxes named;
  Stated stated;
  Placed placed;
  ResizeProblem& p = placed.problem;
  DOPPIO_RETURN_IF_ERROR(ReadOnnxModes(c.args, &p));
  DOPPIO_RETURN_IF_ERROR(ReadNamedAxes(c.args, x.dims.rank(), &named));
  const bool crops = p.coordinates == ResizeCoordinates::kTfCropAndResize;
  DOPPIO_RETURN_IF_ERROR(ReadStated(c, named, crops, &stated));
  bool scaled[kMaxRank] = {};
  bool any = false;
  for (int i = 0; i < x.dims.rank(); ++i) {
    scaled[i] = stated.scale[i] != 1 || x.dims[i] != y.dims[i] ||
                (crops && (stated.begin[i] != 0 || stated.end[i] != 1));
    any |= scaled[i];
  }
  if (!any) return c.Alias(0, x);
  DOPPIO_RETURN_IF_ERROR(PlaceAxes(x, y, scaled, &placed));
  for (int i = 0; i < 3; ++i) {
    const int axis = placed.axis_of[i];
    if (axis < 0) continue;
    p.scale[i] = stated.scale[axis];
    p.roi_begin[i] = stated.begin[axis];
    p.roi_end[i] = stated.end[axis];
  }
  return c.Emit(ProblemKind::kResize, p, {x}, {y});
}

constexpr ArgSpec kCaffe2Args[] = {{"height_scale", ArgKind::kFloat, 1},
                                   {"width_scale", ArgKind::kFloat, 1},
                                   {"order", ArgKind::kString, 0, "NCHW"}};
constexpr ArgSpec kOnnxArgs[] = {
    {"antialias", ArgKind::kInt},
    {"axes", ArgKind::kInts},
    {"coordinate_transformation_mode", ArgKind::kString, 0, "half_pixel"},
    {"cubic_coeff_a", ArgKind::kFloat, -0.75},
    {"exclude_outside", ArgKind::kInt},
    {"extrapolation_value", ArgKind::kFloat},
    {"keep_aspect_ratio_policy", ArgKind::kString, 0, "stretch"},
    {"mode", ArgKind::kString, 0, "nearest"},
    {"nearest_mode", ArgKind::kString, 0, "round_prefer_floor"}};

constexpr Operator Caffe2Resize(std::string_view type) {
  return {"",
          type,
          1,
          2,
          1,
          1,
          LayoutTrait::kAxisRemap,
          kPlain,
          InferCaffe2Resize,
          LowerCaffe2Resize,
          kCaffe2Args,
          "resamples height and width"};
}

}  // namespace

// floor(in * scale), as ONNX computes it.
Status ScaledSize(const InferContext& c, int axis, double scale, Dim* out) {
  const Dim in = c.input(0).shape[axis];
  if (!(scale > 0) || !std::isfinite(scale)) {
    return InvalidArgument(Cat("scale ", scale, " of axis ", axis, " is not positive"));
  }
  *out = Dim();
  if (in.known()) {
    const double size = std::floor(static_cast<double>(in.value()) * scale);
    if (size > 9e15)
      return InvalidArgument(Cat("scale ", scale, " of axis ", axis, " is too large"));
    *out = Dim(static_cast<int64_t>(size));
  } else if (scale == std::floor(scale) && scale < 1e9) {
    *out = c.symbols().Mul(in, Dim(static_cast<int64_t>(scale)));
  } else if (1 / scale == std::floor(1 / scale) && scale > 1e-9) {
    *out = c.symbols().FloorDiv(in, Dim(static_cast<int64_t>(1 / scale)));
  }
  return {};
}

Status EmitNearest(LowerContext& c, const TensorRef& x, const TensorRef& y, double height_scale,
                   double width_scale) {
  constexpr bool kScaled[kMaxRank] = {false, false, true, true};
  Placed placed;
  DOPPIO_RETURN_IF_ERROR(PlaceAxes(x, y, kScaled, &placed));
  placed.problem.mode = ResizeMode::kNearest;
  placed.problem.coordinates = ResizeCoordinates::kAsymmetric;
  placed.problem.nearest = NearestMode::kFloor;
  placed.problem.scale[1] = height_scale;
  placed.problem.scale[2] = width_scale;
  return c.Emit(ProblemKind::kResize, placed.problem, {x}, {y});
}

const Operator kResizeNearest = Caffe2Resize("ResizeNearest");
const Operator kUpsampleBilinear = Caffe2Resize("UpsampleBilinear");
const Operator kOnnxResize = {"ai.onnx",
                              "Resize",
                              1,
                              4,
                              1,
                              1,
                              LayoutTrait::kAxisRemap,
                              kPlain,
                              InferOnnxResize,
                              LowerOnnxResize,
                              kOnnxArgs,
                              "resamples up to three dimensions"};

}  // namespace doppio::operators
