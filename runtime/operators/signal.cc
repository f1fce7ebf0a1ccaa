// Signals: DFT, STFT, windows and mel filters of ONNX.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/message.h"
#include "kernels/problems/dft.h"
#include "runtime/operators/cast.h"
#include "runtime/operators/content.h"
#include "runtime/operators/element_class.h"
#include "runtime/operators/rows.h"
#include "runtime/operators/scalar_input.h"

namespace doppio::operators {
namespace {

using base::Cat;
using kernels::DftProblem;
using kernels::ProblemKind;

// More values than this in one transform are refused: nobody means them.
constexpr int64_t kMaxLength = int64_t{1} << 28;

// Real and imaginary parts, or real parts alone, in the last dimension.
Status WantParts(const InferContext& c, size_t i) {
  const ValueFacts& x = c.input(i);
  if (!IsFloatType(x.type)) {
    return InvalidArgument(Cat(c.Describe(i), " must hold floats"));
  }
  const Dim last = x.shape.rank > 0 ? x.shape[x.shape.rank - 1] : Dim();
  if (x.shape.rank < 2 || (last.known() && !last.Is(1) && !last.Is(2))) {
    return InvalidArgument(
        Cat(c.Describe(i), " must end in a dimension of 1 (real) or 2 (complex)"));
  }
  return {};
}

// The one number of input `i`, when it is known; else it is asked for.
Status OneNumber(const InferContext& c, size_t i, bool* known, int64_t* value) {
  base::Array<int64_t> numbers;
  DOPPIO_RETURN_IF_ERROR(NumbersFromInput(c, i, &numbers, known));
  if (!*known) return {};
  if (numbers.size() != 1) return InvalidArgument(Cat(c.Describe(i), " must be one number"));
  *value = numbers[0];
  return {};
}

Status CheckLength(const InferContext& c, size_t i, int64_t length) {
  if (length >= 1 && length <= kMaxLength) return {};
  return InvalidArgument(Cat(c.Describe(i), ": a length of ", length));
}

// --- DFT
// -------------------------------------------------------------------------------------------

Status ReadDftArgs(const ArgReader& args, bool* inverse, bool* onesided) {
  DOPPIO_RETURN_IF_ERROR(args.Bool("inverse", inverse));
  return args.Bool("onesided", onesided);
}

// The axis may count from the end; it is never the last.
Status DftAxis(int64_t named, int rank, int* axis) {
  if (named < -rank || named >= rank || named == rank - 1 || named == -1) {
    return InvalidArgument(Cat("axis ", named, " is no axis of a signal of ", rank, " dimensions"));
  }
  *axis = static_cast<int>(named < 0 ? named + rank : named);
  return {};
}

Status InferDft(InferContext& c) {
  const Shape& x = c.input(0).shape;
  bool inverse = false, onesided = false, known = true;
  int64_t named = -2, length = 0;
  DOPPIO_RETURN_IF_ERROR(ReadDftArgs(c.args, &inverse, &onesided));
  DOPPIO_RETURN_IF_ERROR(WantParts(c, 0));
  if (c.HasInput(2)) DOPPIO_RETURN_IF_ERROR(OneNumber(c, 2, &known, &named));
  if (!known) {
    c.SetUnknownShape(0, c.input(0).type);
    return {};
  }
  int axis = 0;
  DOPPIO_RETURN_IF_ERROR(DftAxis(named, x.rank, &axis));
  Dim size = x[axis];
  if (c.HasInput(1)) {
    DOPPIO_RETURN_IF_ERROR(OneNumber(c, 1, &known, &length));
    if (known) DOPPIO_RETURN_IF_ERROR(CheckLength(c, 1, length));
    size = known ? Dim(length) : Dim();
  } else if (onesided && inverse) {
    size = c.symbols().Mul(Dim(2), c.symbols().Sub(size, Dim(1)));
  }
  if (size.known()) DOPPIO_RETURN_IF_ERROR(CheckLength(c, 0, size.value()));
  Shape y = x;
  y[axis] =
      onesided && !inverse ? c.symbols().Add(c.symbols().FloorDiv(size, Dim(2)), Dim(1)) : size;
  y[x.rank - 1] = Dim(onesided && inverse ? 1 : 2);
  c.Set(0, c.input(0).type, y);
  return {};
}

// Emits the transform in float or double, whatever types x and y have.
Status EmitDft(LowerContext& c, DftProblem p, const TensorRef& x, const TensorRef& window,
               const TensorRef& y) {
  p.type = x.type == ElementType::kDouble ? ElementType::kDouble : ElementType::kFloat;
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef from, AsType(c, x, p.type));
  TensorRef weights = window;
  if (window.present()) {
    DOPPIO_ASSIGN_OR_RETURN(weights, AsType(c, window, p.type));
  }
  if (y.type == p.type) return c.Emit(ProblemKind::kDft, p, {from, weights}, {y});
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef to, c.Temporary(p.type, y.dims));
  DOPPIO_RETURN_IF_ERROR(c.Emit(ProblemKind::kDft, p, {from, weights}, {to}));
  return EmitCast(c, {}, to, y);
}

Status LowerDft(LowerContext& c) {
  const TensorRef x = c.input(0), y = c.output(0);
  if (y.count() == 0) return {};
  bool inverse = false, onesided = false;
  int axis = 0;
  const int rank = x.dims.rank();
  DOPPIO_RETURN_IF_ERROR(ReadDftArgs(c.args, &inverse, &onesided));
  DOPPIO_RETURN_IF_ERROR(DftAxis(c.HasInput(2) ? c.Content(2)[0].value() : -2, rank, &axis));
  DftProblem p;
  p.inverse = inverse;
  p.hermitian = onesided && inverse;
  p.real_input = x.dims[rank - 1] == 1;
  p.real_output = p.hermitian;
  p.length = y.dims[axis];
  if (onesided && !inverse) p.length = x.dims[axis];
  if (c.HasInput(1)) p.length = c.Content(1)[0].value();
  p.given = std::min(x.dims[axis], p.hermitian ? p.length / 2 + 1 : p.length);
  p.kept = y.dims[axis];
  for (int i = 0; i < axis; ++i) p.outer *= x.dims[i];
  for (int i = axis + 1; i + 1 < rank; ++i) p.inner *= x.dims[i];
  p.x_inner = x.dims[rank - 1];
  p.x_n = p.inner * p.x_inner;
  p.x_outer = x.dims[axis] * p.x_n;
  p.y_inner = y.dims[rank - 1];
  p.y_k = p.inner * p.y_inner;
  p.y_outer = y.dims[axis] * p.y_k;
  return EmitDft(c, p, x, TensorRef(), y);
}

// --- STFT
// ------------------------------------------------------------------------------------------

// Step and length of frames; 0 where they are not known yet.
Status ReadFrames(const InferContext& c, Dim* step, Dim* length) {
  const Shape& x = c.input(0).shape;
  bool known = false;
  int64_t number = 0;
  DOPPIO_RETURN_IF_ERROR(OneNumber(c, 1, &known, &number));
  if (known) DOPPIO_RETURN_IF_ERROR(CheckLength(c, 1, number));
  *step = known ? Dim(number) : Dim();
  *length = x[1];
  if (c.HasInput(2)) {
    if (c.input(2).shape.rank != 1) {
      return InvalidArgument(Cat(c.Describe(2), " must have one dimension"));
    }
    *length = c.input(2).shape[0];
  }
  if (!c.HasInput(3)) return {};
  DOPPIO_RETURN_IF_ERROR(OneNumber(c, 3, &known, &number));
  if (!known) {
    *length = Dim();
    return {};
  }
  DOPPIO_RETURN_IF_ERROR(CheckLength(c, 3, number));
  if (c.HasInput(2) && length->known() && !length->Is(number)) {
    return InvalidArgument(Cat("the window ", c.Describe(2), " is no frame of ", number));
  }
  *length = Dim(number);
  return {};
}

Status InferStft(InferContext& c) {
  const Shape& x = c.input(0).shape;
  bool onesided = true;
  Dim step, length, frames;
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("onesided", &onesided));
  DOPPIO_RETURN_IF_ERROR(WantParts(c, 0));
  if (x.rank != 3) return InvalidArgument(Cat(c.Describe(0), " must have 3 dimensions"));
  if (onesided && x[2].Is(2)) {
    return InvalidArgument(Cat(c.Describe(0), " is complex: its spectrum has no two equal sides"));
  }
  DOPPIO_RETURN_IF_ERROR(ReadFrames(c, &step, &length));
  SymbolTable& symbols = c.symbols();
  if (x[1].known() && length.known() && length.value() > x[1].value()) {
    return InvalidArgument(Cat("a frame of ", length.value(), " is longer than ", c.Describe(0)));
  }
  if (step.known() || step.symbolic()) {
    frames = symbols.Add(symbols.FloorDiv(symbols.Sub(x[1], length), step), Dim(1));
  }
  Shape y;
  y.push_back(x[0]);
  y.push_back(frames);
  y.push_back(onesided ? symbols.Add(symbols.FloorDiv(length, Dim(2)), Dim(1)) : length);
  y.push_back(Dim(2));
  c.Set(0, c.input(0).type, y);
  return {};
}

Status LowerStft(LowerContext& c) {
  const TensorRef x = c.input(0), y = c.output(0);
  if (y.count() == 0) return {};
  const TensorRef window = c.HasInput(2) ? c.input(2) : TensorRef();
  DftProblem p;
  p.real_input = x.dims[2] == 1;
  p.length = x.dims[1];
  if (window.present()) p.length = window.dims[0];
  if (c.HasInput(3)) p.length = c.Content(3)[0].value();
  p.given = p.length;
  p.outer = y.dims[0];
  p.inner = y.dims[1];
  p.kept = y.dims[2];
  p.x_n = x.dims[2];
  p.x_inner = c.Content(1)[0].value() * p.x_n;
  p.x_outer = x.dims[1] * p.x_n;
  p.y_k = 2;
  p.y_inner = p.kept * 2;
  p.y_outer = p.inner * p.y_inner;
  return EmitDft(c, p, x, window, y);
}

// --- windows
// ---------------------------------------------------------------------------------------

Status InferWindow(InferContext& c) {
  int64_t type = 1, size = 0;
  bool known = false;
  DOPPIO_RETURN_IF_ERROR(c.args.IntIn("output_datatype", 1, kElementTypeCount - 1, &type));
  DOPPIO_RETURN_IF_ERROR(OneNumber(c, 0, &known, &size));
  if (known) DOPPIO_RETURN_IF_ERROR(CheckLength(c, 0, size));
  if (!IsNumericType(static_cast<ElementType>(type))) {
    return InvalidArgument(Cat("output_datatype ", type, " is no number"));
  }
  Shape y;
  y.push_back(known ? Dim(size) : Dim());
  c.Set(0, static_cast<ElementType>(type), y);
  return {};
}

// Weights of a sum of cosines: a - b cos(2 pi i / n) + c cos(4 pi i / n).
struct CosineWindow {
  const char* type;
  double a, b, c;
};
constexpr CosineWindow kWindows[] = {{"HannWindow", 0.5, 0.5, 0},
                                     {"HammingWindow", 25.0 / 46, 21.0 / 46, 0},
                                     {"BlackmanWindow", 0.42, 0.5, 0.08}};

Status LowerWindow(LowerContext& c) {
  const TensorRef y = c.output(0);
  bool periodic = true;
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("periodic", &periodic));
  const CosineWindow* const window =
      std::find_if(std::begin(kWindows), std::end(kWindows),
                   [&](const CosineWindow& row) { return row.type == c.node().type; });
  const int64_t period = periodic ? y.dims[0] : y.dims[0] - 1;
  base::Array<double> values;
  for (int64_t i = 0; i < y.dims[0]; ++i) {
    const double angle =
        2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(period);
    const double value =
        period == 0 ? 1 : window->a - window->b * std::cos(angle) + window->c * std::cos(2 * angle);
    DOPPIO_RETURN_IF_ERROR(values.Append(value));
  }
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef constant,
                          c.Constant(ElementType::kDouble, y.dims, values.data()));
  if (y.type == ElementType::kDouble) return c.Copy(constant, y);
  return EmitCast(c, {}, constant, y);
}

// --- mel filters
// -----------------------------------------------------------------------------------

Status InferMel(InferContext& c) {
  int64_t type = 1;
  DOPPIO_RETURN_IF_ERROR(c.args.IntIn("output_datatype", 1, kElementTypeCount - 1, &type));
  if (type != 1 && type != 11) return Unsupported("mel filters of a type but float and double");
  Shape y;
  y.push_back(Dim());
  y.push_back(Dim());
  c.Set(0, static_cast<ElementType>(type), y);
  return {};
}

double MelOf(double hertz) { return 2595 * std::log10(1 + hertz / 700); }
double HertzOf(double mel) { return 700 * (std::pow(10, mel / 2595) - 1); }

// Triangles between neighbouring edges, which stand evenly on the mel scale and are rounded down
// to bins of the spectrum.
template <class T>
void FillMel(const base::Array<int64_t>& edge, int64_t bins, int64_t mels, T* y) {
  std::fill(y, y + bins * mels, T(0));
  const auto put = [&](int64_t bin, int64_t mel, double value) {
    if (bin >= 0 && bin < bins) y[bin * mels + mel] = static_cast<T>(value);
  };
  for (int64_t mel = 0; mel < mels; ++mel) {
    const auto at = static_cast<size_t>(mel);
    const int64_t low = edge[at], center = edge[at + 1], high = edge[at + 2];
    if (low == center) put(center, mel, 1);
    for (int64_t j = std::max<int64_t>(low, 0); low != center && j <= std::min(center, bins); ++j) {
      put(j, mel, static_cast<double>(j - low) / static_cast<double>(center - low));
    }
    for (int64_t j = std::max<int64_t>(center, 0); j < std::min(high, bins); ++j) {
      put(j, mel, static_cast<double>(high - j) / static_cast<double>(high - center));
    }
  }
}

Status CallMel(CallContext& c) {
  int64_t mels = 0, length = 0, rate = 0, type = 1;
  double low = 0, high = 0;
  DOPPIO_RETURN_IF_ERROR(ReadScalar(c, 0, &mels));
  DOPPIO_RETURN_IF_ERROR(ReadScalar(c, 1, &length));
  DOPPIO_RETURN_IF_ERROR(ReadScalar(c, 2, &rate));
  DOPPIO_RETURN_IF_ERROR(ReadScalar(c, 3, &low));
  DOPPIO_RETURN_IF_ERROR(ReadScalar(c, 4, &high));
  DOPPIO_RETURN_IF_ERROR(c.args.IntIn("output_datatype", 1, kElementTypeCount - 1, &type));
  const bool sane = mels >= 1 && mels <= kMaxLength && length >= 1 && length <= kMaxLength &&
                    rate >= 1 && low >= 0 && high >= low && std::isfinite(high);
  if (!sane) {
    return InvalidArgument(Cat(mels, " mel bins, a transform of ", length, ", ", rate,
                               " samples a second, or the range from ", low, " to ", high,
                               " hertz make no filters"));
  }
  const double low_mel = MelOf(low);
  const double step = (MelOf(high) - low_mel) / static_cast<double>(mels + 2);
  base::Array<int64_t> edge;
  for (int64_t i = 0; i < mels + 2; ++i) {
    const double hertz = HertzOf(low_mel + step * static_cast<double>(i));
    const double bin =
        std::floor(static_cast<double>(length + 1) * hertz / static_cast<double>(rate));
    DOPPIO_RETURN_IF_ERROR(edge.Append(static_cast<int64_t>(std::clamp(bin, 0.0, 1e15))));
  }
  const int64_t bins = length / 2 + 1;
  const auto element = static_cast<ElementType>(type);
  DOPPIO_ASSIGN_OR_RETURN(void* const data, c.SetTensor(0, element, {bins, mels}));
  if (element == ElementType::kDouble) {
    FillMel(edge, bins, mels, static_cast<double*>(data));
  } else {
    FillMel(edge, bins, mels, static_cast<float*>(data));
  }
  return {};
}

constexpr ArgSpec kDftArgs[] = {{"inverse", ArgKind::kInt}, {"onesided", ArgKind::kInt}};
constexpr ArgSpec kStftArgs[] = {{"onesided", ArgKind::kInt, 1}};
constexpr ArgSpec kWindowArgs[] = {{"output_datatype", ArgKind::kInt, 1},
                                   {"periodic", ArgKind::kInt, 1}};
constexpr ArgSpec kMelArgs[] = {{"output_datatype", ArgKind::kInt, 1}};

constexpr Operator Window(std::string_view type, const char* summary) {
  return {.domain = "ai.onnx",
          .type = type,
          .min_inputs = 1,
          .max_inputs = 1,
          .min_outputs = 1,
          .max_outputs = 1,
          .layout = LayoutTrait::kRowMajor,
          .flags = kPlain,
          .infer = InferWindow,
          .lower = LowerWindow,
          .args = kWindowArgs,
          .summary = summary};
}

}  // namespace

const Operator kOnnxDft = {.domain = "ai.onnx",
                           .type = "DFT",
                           .min_inputs = 1,
                           .max_inputs = 3,
                           .min_outputs = 1,
                           .max_outputs = 1,
                           .layout = LayoutTrait::kRowMajor,
                           .flags = kPlain,
                           .infer = InferDft,
                           .lower = LowerDft,
                           .args = kDftArgs,
                           .summary = "the discrete Fourier transform along an axis"};
const Operator kOnnxStft = {.domain = "ai.onnx",
                            .type = "STFT",
                            .min_inputs = 2,
                            .max_inputs = 4,
                            .min_outputs = 1,
                            .max_outputs = 1,
                            .layout = LayoutTrait::kRowMajor,
                            .flags = kPlain,
                            .infer = InferStft,
                            .lower = LowerStft,
                            .args = kStftArgs,
                            .summary = "spectra of frames of a signal"};
const Operator kOnnxHannWindow = Window("HannWindow", "a raised cosine");
const Operator kOnnxHammingWindow = Window("HammingWindow", "a raised cosine on a pedestal");
const Operator kOnnxBlackmanWindow = Window("BlackmanWindow", "a sum of three cosines");
const Operator kOnnxMelWeightMatrix = {.domain = "ai.onnx",
                                       .type = "MelWeightMatrix",
                                       .min_inputs = 5,
                                       .max_inputs = 5,
                                       .min_outputs = 1,
                                       .max_outputs = 1,
                                       .layout = LayoutTrait::kRowMajor,
                                       .flags = kPlain,
                                       .infer = InferMel,
                                       .lower = nullptr,
                                       .args = kMelArgs,
                                       .summary = "filters that bring a spectrum to the mel scale",
                                       .call = CallMel};

}  // namespace doppio::operators
