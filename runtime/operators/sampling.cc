// Maps read at places between their pixels: GridSample, AffineGrid, RoiAlign, DeformConv of ONNX,
// RoIAlign of Caffe2.
#include "runtime/operators/sampling.h"

#include <algorithm>

#include "base/message.h"
#include "kernels/problems/gemm.h"
#include "kernels/problems/sampling.h"
#include "runtime/operators/cast.h"
#include "runtime/operators/content.h"
#include "runtime/operators/element_class.h"
#include "runtime/operators/rows.h"
#include "runtime/operators/spatial.h"
#include "runtime/operators/view.h"

namespace doppio::operators {
namespace {

using base::Cat;
using base::Quoted;
using kernels::ProblemKind;
using kernels::SampleMode;
using kernels::SamplePadding;

Status WantFloats(const InferContext& c, size_t i) {
  if (IsFloatType(c.input(i).type)) return {};
  return InvalidArgument(Cat(c.Describe(i), " must hold floats"));
}

Status WantRank(const InferContext& c, size_t i, int rank) {
  if (c.input(i).shape.rank == rank) return {};
  return InvalidArgument(Cat(c.Describe(i), " must have ", rank, " dimensions"));
}

// --- GridSample
// ------------------------------------------------------------------------------------

Status ReadMode(const ArgReader& args, SampleMode* mode) {
  std::string_view text;
  DOPPIO_RETURN_IF_ERROR(args.Text("mode", &text));
  if (text == "linear" || text == "bilinear") {
    *mode = SampleMode::kLinear;
  } else if (text == "nearest") {
    *mode = SampleMode::kNearest;
  } else if (text == "cubic" || text == "bicubic") {
    *mode = SampleMode::kCubic;
  } else {
    return InvalidArgument(
        Cat("mode ", Quoted(text), " is unknown; there are linear, nearest, cubic"));
  }
  return {};
}

Status ReadPadding(const ArgReader& args, SamplePadding* padding) {
  std::string_view text;
  DOPPIO_RETURN_IF_ERROR(args.Text("padding_mode", &text));
  if (text == "zeros") {
    *padding = SamplePadding::kZeros;
  } else if (text == "border") {
    *padding = SamplePadding::kBorder;
  } else if (text == "reflection") {
    *padding = SamplePadding::kReflection;
  } else {
    return InvalidArgument(
        Cat("padding_mode ", Quoted(text), " is unknown; there are zeros, border, reflection"));
  }
  return {};
}

Status InferGridSample(InferContext& c) {
  const Shape &x = c.input(0).shape, &grid = c.input(1).shape;
  SampleMode mode;
  SamplePadding padding;
  DOPPIO_RETURN_IF_ERROR(ReadMode(c.args, &mode));
  DOPPIO_RETURN_IF_ERROR(ReadPadding(c.args, &padding));
  DOPPIO_RETURN_IF_ERROR(WantFloats(c, 0));
  DOPPIO_RETURN_IF_ERROR(WantFloats(c, 1));
  if (x.rank < 3 || x.rank > 5) {
    return InvalidArgument(Cat(c.Describe(0), " must have 3 to 5 dimensions"));
  }
  DOPPIO_RETURN_IF_ERROR(WantRank(c, 1, x.rank));
  const Dim axes = grid[grid.rank - 1];
  if ((axes.known() && !axes.Is(x.rank - 2)) ||
      (x[0].known() && grid[0].known() && !(x[0] == grid[0]))) {
    return InvalidArgument(Cat(c.Describe(1), " must hold ", x.rank - 2,
                               " coordinates for each point of each of the batch of ",
                               c.Describe(0)));
  }
  Shape y;
  y.push_back(x[0]);
  y.push_back(x[1]);
  for (int i = 1; i + 1 < grid.rank; ++i) y.push_back(grid[i]);
  c.Set(0, c.input(0).type, y);
  return {};
}

Status LowerGridSample(LowerContext& c) {
  const TensorRef x = c.input(0), grid = c.input(1), y = c.output(0);
  if (y.count() == 0) return {};
  kernels::GridSampleProblem p;
  DOPPIO_RETURN_IF_ERROR(ReadMode(c.args, &p.mode));
  DOPPIO_RETURN_IF_ERROR(ReadPadding(c.args, &p.padding));
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("align_corners", &p.align_corners));
  p.type = x.type;
  p.grid_type = grid.type;
  p.axes = x.dims.rank() - 2;
  p.n = x.dims[0];
  p.c = x.dims[1];
  p.count = y.count() / (p.n * p.c);
  for (int i = 0; i < p.axes; ++i) {
    p.dims[i] = x.dims[2 + i];
    if (p.dims[i] == 0) return InvalidArgument("a map without pixels cannot be sampled");
  }
  return c.Emit(ProblemKind::kGridSample, p, {x, grid}, {y});
}

// --- AffineGrid
// ------------------------------------------------------------------------------------

Status InferAffineGrid(InferContext& c) {
  const Shape& theta = c.input(0).shape;
  Shape size, y;
  bool complete = false;
  DOPPIO_RETURN_IF_ERROR(WantFloats(c, 0));
  DOPPIO_RETURN_IF_ERROR(WantRank(c, 0, 3));
  DOPPIO_RETURN_IF_ERROR(SizesFromInput(c, 1, &size, &complete));
  if (!complete) {
    c.SetUnknownShape(0, c.input(0).type);
    return {};
  }
  const int axes = size.rank - 2;
  if (axes != 2 && axes != 3) return InvalidArgument(Cat(c.Describe(1), " must hold 4 or 5 sizes"));
  const bool fits = (!theta[1].known() || theta[1].Is(axes)) &&
                    (!theta[2].known() || theta[2].Is(axes + 1)) &&
                    (!theta[0].known() || !size[0].known() || theta[0] == size[0]);
  if (!fits) {
    return InvalidArgument(Cat(c.Describe(0), " must be a matrix of ", axes, " x ", axes + 1,
                               " for each of the batch"));
  }
  y.push_back(size[0]);
  for (int i = 2; i < size.rank; ++i) {
    if (size[i].known() && size[i].value() < 0) {
      return InvalidArgument(Cat(c.Describe(1), " holds the negative size ", size[i].value()));
    }
    y.push_back(size[i]);
  }
  y.push_back(Dim(axes));
  c.Set(0, c.input(0).type, y);
  return {};
}

// Coordinate `i` of `size` in [-1, 1].
double GridCoordinate(int64_t i, int64_t size, bool align_corners) {
  const auto at = static_cast<double>(i), extent = static_cast<double>(size);
  if (!align_corners) return (2 * at + 1) / extent - 1;
  return size == 1 ? -1 : 2 * at / (extent - 1) - 1;
}

// The places of an untransformed grid, [pixels, axes + 1], times theta transposed.
Status LowerAffineGrid(LowerContext& c) {
  const TensorRef theta = c.input(0), y = c.output(0);
  if (y.count() == 0) return {};
  bool align_corners = false;
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("align_corners", &align_corners));
  const int axes = static_cast<int>(theta.dims[1]);
  const int64_t pixels = y.count() / (y.dims[0] * axes);
  base::Array<float> places;
  DOPPIO_RETURN_IF_ERROR(places.Resize(static_cast<size_t>(pixels * (axes + 1))));
  size_t at = 0;
  for (int64_t pixel = 0; pixel < pixels; ++pixel) {
    int64_t rest = pixel;
    float coordinate[3];
    for (int axis = axes - 1; axis >= 0; --axis) {
      const int64_t size = y.dims[1 + axis];
      coordinate[axis] = static_cast<float>(GridCoordinate(rest % size, size, align_corners));
      rest /= size;
    }
    for (int axis = axes - 1; axis >= 0; --axis) places[at++] = coordinate[axis];
    places[at++] = 1;
  }
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef floats,
                          c.Constant(ElementType::kFloat, Dims({pixels, axes + 1}), places.data()));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef grid, AsType(c, floats, theta.type));
  kernels::GemmProblem p;
  p.type = theta.type;
  p.m = pixels;
  p.n = axes;
  p.k = axes + 1;
  p.a_row = p.k;
  p.b_row = theta.strides[2];
  p.b_col = theta.strides[1];
  p.y_row = axes;
  p.batch_rank = 1;
  p.batch[0] = y.dims[0];
  p.b_batch[0] = theta.strides[0];
  p.y_batch[0] = pixels * axes;
  return c.Emit(ProblemKind::kGemm, p, {grid, theta, TensorRef(), TensorRef()}, {y});
}

// --- RoiAlign
// --------------------------------------------------------------------------------------

struct RoiArgs {
  int64_t height = 1, width = 1, sampling = 0;
  float scale = 1;
  bool greatest = false, half_pixel = false;
};

Status ReadRoiArgs(const ArgReader& args, RoiArgs* roi) {
  constexpr int64_t kMost = 1 << 20;
  std::string_view mode, coordinates;
  DOPPIO_RETURN_IF_ERROR(args.IntIn("output_height", 1, kMost, &roi->height));
  DOPPIO_RETURN_IF_ERROR(args.IntIn("output_width", 1, kMost, &roi->width));
  DOPPIO_RETURN_IF_ERROR(args.IntIn("sampling_ratio", 0, 1 << 12, &roi->sampling));
  DOPPIO_RETURN_IF_ERROR(args.Float("spatial_scale", &roi->scale));
  DOPPIO_RETURN_IF_ERROR(args.Text("mode", &mode));
  DOPPIO_RETURN_IF_ERROR(args.Text("coordinate_transformation_mode", &coordinates));
  roi->greatest = mode == "max";
  roi->half_pixel = coordinates == "half_pixel";
  if (mode != "avg" && mode != "max")
    return InvalidArgument(Cat("mode ", Quoted(mode), " is unknown"));
  if (coordinates != "half_pixel" && coordinates != "output_half_pixel") {
    return InvalidArgument(
        Cat("coordinate_transformation_mode ", Quoted(coordinates), " is unknown"));
  }
  return {};
}

Status InferRoiAlign(InferContext& c) {
  const Shape &x = c.input(0).shape, &rois = c.input(1).shape, &batch = c.input(2).shape;
  RoiArgs roi;
  DOPPIO_RETURN_IF_ERROR(ReadRoiArgs(c.args, &roi));
  DOPPIO_RETURN_IF_ERROR(WantFloats(c, 0));
  DOPPIO_RETURN_IF_ERROR(WantFloats(c, 1));
  DOPPIO_RETURN_IF_ERROR(WantRank(c, 0, 4));
  DOPPIO_RETURN_IF_ERROR(WantRank(c, 1, 2));
  DOPPIO_RETURN_IF_ERROR(WantRank(c, 2, 1));
  if (rois[1].known() && !rois[1].Is(4)) {
    return InvalidArgument(Cat(c.Describe(1), " must hold 4 coordinates a region"));
  }
  if (rois[0].known() && batch[0].known() && !(rois[0] == batch[0])) {
    return InvalidArgument(
        Cat(c.Describe(2), " must hold one index for each region of ", c.Describe(1)));
  }
  if (c.input(2).type != ElementType::kInt64) {
    return InvalidArgument(Cat(c.Describe(2), " must be int64"));
  }
  Shape y;
  for (const Dim dim :
       {rois[0].known() ? rois[0] : batch[0], x[1], Dim(roi.height), Dim(roi.width)}) {
    y.push_back(dim);
  }
  c.Set(0, c.input(0).type, y);
  return {};
}

Status LowerRoiAlign(LowerContext& c) {
  const TensorRef x = c.input(0), y = c.output(0);
  if (y.count() == 0) return {};
  if (x.count() == 0) return InvalidArgument("a map without pixels has no regions");
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef rois, AsType(c, c.input(1), x.type));
  RoiArgs roi;
  DOPPIO_RETURN_IF_ERROR(ReadRoiArgs(c.args, &roi));
  kernels::RoiAlignProblem p;
  p.type = x.type;
  p.greatest = roi.greatest;
  p.half_pixel = roi.half_pixel;
  p.sampling = roi.sampling;
  p.scale = static_cast<double>(roi.scale);
  p.n = x.dims[0];
  p.c = x.dims[1];
  p.h = x.dims[2];
  p.w = x.dims[3];
  p.count = y.dims[0];
  p.out_h = roi.height;
  p.out_w = roi.width;
  return c.Emit(ProblemKind::kRoiAlign, p, {x, rois, c.input(2)}, {y});
}

// --- Caffe2's RoIAlign
// -----------------------------------------------------------------------------

struct Caffe2RoiArgs {
  RoiArgs roi;
  bool channels_last = false;
};

Status ReadCaffe2Roi(const ArgReader& args, Caffe2RoiArgs* a) {
  constexpr int64_t kMost = 1 << 16;
  DOPPIO_RETURN_IF_ERROR(args.IntIn("pooled_h", 1, kMost, &a->roi.height));
  DOPPIO_RETURN_IF_ERROR(args.IntIn("pooled_w", 1, kMost, &a->roi.width));
  DOPPIO_RETURN_IF_ERROR(args.IntIn("sampling_ratio", INT32_MIN, 1 << 12, &a->roi.sampling));
  DOPPIO_RETURN_IF_ERROR(args.Float("spatial_scale", &a->roi.scale));
  DOPPIO_RETURN_IF_ERROR(args.Bool("aligned", &a->roi.half_pixel));
  return ReadOrder(args, &a->channels_last);
}

Status InferCaffe2RoiAlign(InferContext& c) {
  const Shape& rois = c.input(1).shape;
  Caffe2RoiArgs a;
  DOPPIO_RETURN_IF_ERROR(ReadCaffe2Roi(c.args, &a));
  for (const size_t i : {0, 1}) {
    if (c.input(i).type != ElementType::kFloat) {
      return InvalidArgument(Cat(c.Describe(i), " must be float32"));
    }
  }
  DOPPIO_RETURN_IF_ERROR(WantRank(c, 0, 4));
  DOPPIO_RETURN_IF_ERROR(WantRank(c, 1, 2));
  if (rois[1].known() && !rois[1].Is(4) && !rois[1].Is(5)) {
    return InvalidArgument(Cat(c.Describe(1), " must hold 4 or 5 numbers a region"));
  }
  const Shape x = ToChannelsFirst(c.input(0).shape, a.channels_last);
  if (rois[1].Is(4) && x[0].known() && !x[0].Is(1)) {
    return InvalidArgument(Cat(c.Describe(1), " does not say of which image its regions are"));
  }
  Shape y;
  for (const Dim dim : {rois[0], x[1], Dim(a.roi.height), Dim(a.roi.width)}) y.push_back(dim);
  c.Set(0, ElementType::kFloat, FromChannelsFirst(y, a.channels_last));
  return {};
}

Status LowerCaffe2RoiAlign(LowerContext& c) {
  return EmitRoiAlign(c, c.input(0), 0, c.input(1), c.output(0));
}

// --- DeformConv
// ------------------------------------------------------------------------------------

struct DeformArgs {
  int64_t group = 1, offset_group = 1;
  SpatialArgs spatial;
};

Status ReadDeformArgs(const ArgReader& args, std::span<const int64_t> kernel, DeformArgs* deform) {
  DOPPIO_RETURN_IF_ERROR(args.IntIn("group", 1, INT32_MAX, &deform->group));
  DOPPIO_RETURN_IF_ERROR(args.IntIn("offset_group", 1, INT32_MAX, &deform->offset_group));
  return ReadOnnxSpatial(args, 2, kernel, &deform->spatial);
}

Status InferDeformConv(InferContext& c) {
  const Shape &x = c.input(0).shape, &w = c.input(1).shape;
  for (const size_t i : {0, 1, 2}) {
    DOPPIO_RETURN_IF_ERROR(WantRank(c, i, 4));
    DOPPIO_RETURN_IF_ERROR(WantFloats(c, i));
    if (c.input(i).type != c.input(0).type) {
      return InvalidArgument(Cat(c.Describe(i), " and ", c.Describe(0), " differ in type"));
    }
  }
  if (!w.AllKnown() || !x[1].known()) {
    if (c.HasInput(1)) c.SetUnknownShape(0, c.input(0).type);
    return {};
  }
  const int64_t kernel[] = {w[2].value(), w[3].value()};
  DeformArgs a;
  DOPPIO_RETURN_IF_ERROR(ReadDeformArgs(c.args, kernel, &a));
  const int64_t channels = x[1].value(), taps = kernel[0] * kernel[1];
  if (channels != w[1].value() * a.group || w[0].value() % a.group != 0 ||
      channels % a.offset_group != 0) {
    return InvalidArgument(Cat(c.Describe(0), " and ", c.Describe(1), " do not fit ", a.group,
                               " groups and ", a.offset_group, " groups of offsets"));
  }
  Shape y;
  y.push_back(x[0]);
  y.push_back(w[0]);
  for (int i = 0; i < 2; ++i) {
    Dim out;
    DOPPIO_RETURN_IF_ERROR(OutputSize(&a.spatial, i, x[2 + i], &c.symbols(), &out));
    y.push_back(out);
  }
  const auto check = [&](size_t i, int64_t wanted) -> Status {
    const Shape& s = c.input(i).shape;
    bool fits = s.rank == 4;
    const Dim sizes[] = {x[0], Dim(wanted), y[2], y[3]};
    for (int d = 0; d < 4 && fits; ++d) {
      fits = !s[d].known() || !sizes[d].known() || s[d] == sizes[d];
    }
    if (fits) return {};
    return InvalidArgument(
        Cat(c.Describe(i), " must have ", wanted, " channels and the sizes of the output"));
  };
  DOPPIO_RETURN_IF_ERROR(check(2, a.offset_group * taps * 2));
  if (c.HasInput(4)) DOPPIO_RETURN_IF_ERROR(check(4, a.offset_group * taps));
  if (c.HasInput(3)) DOPPIO_RETURN_IF_ERROR(WantRank(c, 3, 1));
  if (c.HasInput(3) && c.input(3).shape[0].known() && !(c.input(3).shape[0] == w[0])) {
    return InvalidArgument(Cat(c.Describe(3), " must hold one value an output channel"));
  }
  c.Set(0, c.input(0).type, y);
  return {};
}

Status LowerDeformConv(LowerContext& c) {
  const TensorRef x = c.input(0), y = c.output(0);
  if (y.count() == 0) return {};
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef w, c.RowMajor(c.input(1)));
  DeformArgs a;
  const int64_t kernel[] = {w.dims[2], w.dims[3]};
  DOPPIO_RETURN_IF_ERROR(ReadDeformArgs(c.args, kernel, &a));
  SymbolTable symbols;
  for (int i = 0; i < 2; ++i) {
    Dim out;
    DOPPIO_RETURN_IF_ERROR(OutputSize(&a.spatial, i, Dim(x.dims[2 + i]), &symbols, &out));
  }
  kernels::DeformColumnsProblem p;
  p.type = x.type;
  p.n = x.dims[0];
  p.c = x.dims[1];
  p.h = x.dims[2];
  p.w = x.dims[3];
  p.groups = a.offset_group;
  p.kernel_h = kernel[0];
  p.kernel_w = kernel[1];
  p.out_h = y.dims[2];
  p.out_w = y.dims[3];
  p.stride_h = a.spatial.stride[0];
  p.stride_w = a.spatial.stride[1];
  p.dilation_h = a.spatial.dilation[0];
  p.dilation_w = a.spatial.dilation[1];
  p.pad_h = a.spatial.pad_begin[0];
  p.pad_w = a.spatial.pad_begin[1];
  const int64_t taps = p.kernel_h * p.kernel_w, pixels = p.out_h * p.out_w;
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef columns, c.Temporary(x.type, {p.n, p.c, taps, pixels}));
  const TensorRef mask = c.HasInput(4) ? c.input(4) : TensorRef();
  DOPPIO_RETURN_IF_ERROR(c.Emit(ProblemKind::kDeformColumns, p, {x, c.input(2), mask}, {columns}));
  // [n, group]: weights [out / group, k] times columns [k, pixels].
  const int64_t outputs = y.dims[1] / a.group, k = p.c / a.group * taps;
  const bool biased = c.HasInput(3);
  kernels::GemmProblem g;
  g.type = x.type;
  g.m = outputs;
  g.n = pixels;
  g.k = k;
  g.a_row = k;
  g.b_row = g.y_row = pixels;
  g.epilogue.bias = biased;
  g.bias_row = 1;
  g.bias_col = 0;
  g.batch_rank = 2;
  g.batch[0] = p.n;
  g.batch[1] = a.group;
  g.a_batch[1] = outputs * k;
  g.b_batch[0] = p.c * taps * pixels;
  g.b_batch[1] = k * pixels;
  g.y_batch[0] = y.dims[1] * pixels;
  g.y_batch[1] = outputs * pixels;
  g.bias_batch[1] = outputs;
  return c.Emit(ProblemKind::kGemm, g, {w, columns, biased ? c.input(3) : TensorRef(), TensorRef()},
                {y});
}

constexpr ArgSpec kGridSampleArgs[] = {{"mode", ArgKind::kString, 0, "linear"},
                                       {"padding_mode", ArgKind::kString, 0, "zeros"},
                                       {"align_corners", ArgKind::kInt}};
constexpr ArgSpec kAffineGridArgs[] = {{"align_corners", ArgKind::kInt}};
constexpr ArgSpec kRoiAlignArgs[] = {
    {"output_height", ArgKind::kInt, 1},
    {"output_width", ArgKind::kInt, 1},
    {"sampling_ratio", ArgKind::kInt},
    {"spatial_scale", ArgKind::kFloat, 1},
    {"mode", ArgKind::kString, 0, "avg"},
    {"coordinate_transformation_mode", ArgKind::kString, 0, "half_pixel"}};
constexpr ArgSpec kCaffe2RoiArgs[] = {{"pooled_h", ArgKind::kInt, 1},
                                      {"pooled_w", ArgKind::kInt, 1},
                                      {"sampling_ratio", ArgKind::kInt, -1},
                                      {"spatial_scale", ArgKind::kFloat, 1},
                                      {"aligned", ArgKind::kInt},
                                      {"order", ArgKind::kString, 0, "NCHW"}};
constexpr ArgSpec kDeformConvArgs[] = {{"group", ArgKind::kInt, 1},
                                       {"offset_group", ArgKind::kInt, 1},
                                       {"kernel_shape", ArgKind::kInts},
                                       {"strides", ArgKind::kInts},
                                       {"dilations", ArgKind::kInts},
                                       {"pads", ArgKind::kInts},
                                       {"auto_pad", ArgKind::kString, 0, "NOTSET"}};

}  // namespace

// The first of five columns says of which image a region is.
Status EmitRoiAlign(LowerContext& c, const TensorRef& in, int32_t zero_point, const TensorRef& rois,
                    const TensorRef& out) {
  Caffe2RoiArgs a;
  DOPPIO_RETURN_IF_ERROR(ReadCaffe2Roi(c.args, &a));
  const TensorRef y = AsChannelsFirst(out, a.channels_last);
  if (y.count() == 0) return {};
  const TensorRef map = AsChannelsFirst(in, a.channels_last);
  if (map.count() == 0) return InvalidArgument("a map without pixels has no regions");
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef x, c.RowMajor(map));
  const int64_t count = rois.dims[0], columns = rois.dims[1];
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef regions, c.RowMajor(Cut(rois, 1, columns - 4, 4)));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef batch, c.Temporary(ElementType::kInt64, {count}));
  constexpr int64_t kFirst = 0;
  if (columns == 5) {
    DOPPIO_RETURN_IF_ERROR(EmitCast(c, {}, WithDims(rois, {count}, {rois.strides[0]}), batch));
  } else {
    DOPPIO_RETURN_IF_ERROR(c.Fill(batch, &kFirst));
  }
  kernels::RoiAlignProblem p;
  p.type = x.type;
  p.zero_point = zero_point;
  p.half_pixel = a.roi.half_pixel;
  p.sampling = std::max<int64_t>(a.roi.sampling, 0);
  p.scale = static_cast<double>(a.roi.scale);
  p.n = x.dims[0];
  p.c = x.dims[1];
  p.h = x.dims[2];
  p.w = x.dims[3];
  p.count = count;
  p.out_h = a.roi.height;
  p.out_w = a.roi.width;
  if (!a.channels_last) return c.Emit(ProblemKind::kRoiAlign, p, {x, regions, batch}, {y});
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef planar, c.Temporary(y.type, y.dims));
  DOPPIO_RETURN_IF_ERROR(c.Emit(ProblemKind::kRoiAlign, p, {x, regions, batch}, {planar}));
  return c.Copy(planar, y);
}

const Operator kOnnxGridSample = {.domain = "ai.onnx",
                                  .type = "GridSample",
                                  .min_inputs = 2,
                                  .max_inputs = 2,
                                  .min_outputs = 1,
                                  .max_outputs = 1,
                                  .layout = LayoutTrait::kRowMajor,
                                  .flags = kPlain,
                                  .infer = InferGridSample,
                                  .lower = LowerGridSample,
                                  .args = kGridSampleArgs,
                                  .summary = "a map read at the points of a grid"};
const Operator kOnnxAffineGrid = {.domain = "ai.onnx",
                                  .type = "AffineGrid",
                                  .min_inputs = 2,
                                  .max_inputs = 2,
                                  .min_outputs = 1,
                                  .max_outputs = 1,
                                  .layout = LayoutTrait::kRowMajor,
                                  .flags = kPlain,
                                  .infer = InferAffineGrid,
                                  .lower = LowerAffineGrid,
                                  .args = kAffineGridArgs,
                                  .summary = "the grid that an affine map makes"};
const Operator kOnnxRoiAlign = {.domain = "ai.onnx",
                                .type = "RoiAlign",
                                .min_inputs = 3,
                                .max_inputs = 3,
                                .min_outputs = 1,
                                .max_outputs = 1,
                                .layout = LayoutTrait::kRowMajor,
                                .flags = kPlain,
                                .infer = InferRoiAlign,
                                .lower = LowerRoiAlign,
                                .args = kRoiAlignArgs,
                                .summary = "regions of a map, pooled to one size"};
const Operator kOnnxDeformConv = {.domain = "ai.onnx",
                                  .type = "DeformConv",
                                  .min_inputs = 3,
                                  .max_inputs = 5,
                                  .min_outputs = 1,
                                  .max_outputs = 1,
                                  .layout = LayoutTrait::kRowMajor,
                                  .flags = kPlain,
                                  .infer = InferDeformConv,
                                  .lower = LowerDeformConv,
                                  .args = kDeformConvArgs,
                                  .summary = "convolution at places that the data shifts"};

const Operator kRoiAlign = {.domain = "",
                            .type = "RoIAlign",
                            .min_inputs = 2,
                            .max_inputs = 2,
                            .min_outputs = 1,
                            .max_outputs = 1,
                            .layout = LayoutTrait::kRowMajor,
                            .flags = kPlain,
                            .infer = InferCaffe2RoiAlign,
                            .lower = LowerCaffe2RoiAlign,
                            .args = kCaffe2RoiArgs,
                            .summary = "regions of a map, pooled to one size"};

}  // namespace doppio::operators
