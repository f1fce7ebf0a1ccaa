// Caffe2's operators on pictures: planes normalised, packed bytes in and out, integral images, and
// the regions of R-MAC.
#include <algorithm>
#include <cmath>

#include "base/message.h"
#include "runtime/operators/called_row.h"
#include "runtime/operators/rows.h"

namespace doppio::operators {
namespace {

using base::Cat;
using Floats = std::span<const float>;
constexpr auto kFloat = ElementType::kFloat;

// Inputs: x [n, c, h, w], means and deviations [1 or n, c].
Status CallNormalizePlanarYuv(CallContext& c) {
  DOPPIO_RETURN_IF_ERROR(WantRank(c, 0, 4));
  DOPPIO_RETURN_IF_ERROR(WantSameDims(c, 1, 2));
  DOPPIO_RETURN_IF_ERROR(WantRank(c, 1, 2));
  DOPPIO_ASSIGN_OR_RETURN(const Floats x, FloatsOf(c, 0));
  DOPPIO_ASSIGN_OR_RETURN(const Floats means, FloatsOf(c, 1));
  DOPPIO_ASSIGN_OR_RETURN(const Floats deviations, FloatsOf(c, 2));
  const Dims &dims = c.input(0)->dims, &planes = c.input(1)->dims;
  if (planes[1] != dims[1] || (planes[0] != 1 && planes[0] != dims[0])) {
    return InvalidArgument(Cat("means ", planes, " do not fit maps ", dims));
  }
  DOPPIO_ASSIGN_OR_RETURN(float* const y, SetFloats(c, 0, dims));
  const auto pixels = static_cast<size_t>(dims[2] * dims[3]);
  const auto channels = static_cast<size_t>(dims[1]);
  for (size_t i = 0; i < x.size(); ++i) {
    const size_t plane = planes[0] == 1 ? i / pixels % channels : i / pixels;
    y[i] = (x[i] - means[plane]) / deviations[plane];
  }
  return {};
}

// --- the stylizer's pictures
// -----------------------------------------------------------------------

constexpr int64_t kPacked = 4;  // blue, green, red, alpha

Status ReadMean(const CallContext& c, Floats* mean) {
  DOPPIO_ASSIGN_OR_RETURN(*mean, FloatsOf(c, 1));
  if (mean->size() == 3) return {};
  return InvalidArgument(Cat("input 1 ", c.input(1)->dims, " must hold 3 means"));
}

// Numbers from a normal distribution, the same in every run: a counter hashed (splitmix64, Steele
// et al. 2014), two uniform numbers turned into one (Box and Muller 1958).
class Noise {
 public:
  double Next() {
    constexpr double kTurn = 6.283185307179586;
    return std::sqrt(-2 * std::log(Uniform())) * std::cos(kTurn * Uniform());
  }

 private:
  double Uniform() {  // in (0, 1]
    uint64_t z = state_ += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return static_cast<double>(((z ^ (z >> 31)) >> 11) + 1) / 9007199254740992.0;
  }
  uint64_t state_ = 0;
};

// [n, h, w, 4] of bytes to [n, 3, h, w], less the mean, plus noise that repeats.
Status CallStylizerPreprocess(CallContext& c) {
  const HostValue& x = *c.input(0);
  Floats mean;
  float deviation = 0;
  int64_t size = 0;
  DOPPIO_RETURN_IF_ERROR(c.args.Float("noise_std", &deviation));
  DOPPIO_RETURN_IF_ERROR(c.args.IntIn("noise_size", 1, 1 << 24, &size));
  DOPPIO_RETURN_IF_ERROR(WantRank(c, 0, 4));
  DOPPIO_RETURN_IF_ERROR(ReadMean(c, &mean));
  if (x.type != ElementType::kUint8 || x.dims[3] != kPacked) {
    return InvalidArgument(Cat("input 0 ", x.type, x.dims, " must hold pixels of 4 bytes"));
  }
  base::Array<float> noise;
  DOPPIO_RETURN_IF_ERROR(noise.Resize(static_cast<size_t>(size)));
  Noise source;
  for (float& value : noise) value = static_cast<float>(source.Next()) * deviation;
  const int64_t pixels = x.dims[1] * x.dims[2];
  DOPPIO_ASSIGN_OR_RETURN(float* const y, SetFloats(c, 0, {x.dims[0], 3, x.dims[1], x.dims[2]}));
  for (int64_t i = 0; i < x.dims[0] * 3 * pixels; ++i) {
    const int64_t n = i / (3 * pixels), channel = i / pixels % 3, pixel = i % pixels;
    y[i] = static_cast<float>(x.as<uint8_t>()[(n * pixels + pixel) * kPacked + channel]) -
           mean[static_cast<size_t>(channel)] + noise[static_cast<size_t>(i % size)];
  }
  return {};
}

// [n, 3, h, w] to [n, h, w, 4] of bytes, plus the mean, cut off; alpha is 255.
Status CallStylizerDeprocess(CallContext& c) {
  Floats mean;
  DOPPIO_RETURN_IF_ERROR(WantRank(c, 0, 4));
  DOPPIO_ASSIGN_OR_RETURN(const Floats x, FloatsOf(c, 0));
  DOPPIO_RETURN_IF_ERROR(ReadMean(c, &mean));
  const Dims& dims = c.input(0)->dims;
  if (dims[1] != 3) return InvalidArgument(Cat("maps ", dims, " must have 3 channels"));
  const int64_t pixels = dims[2] * dims[3];
  DOPPIO_ASSIGN_OR_RETURN(void* const memory, c.SetTensor(0, ElementType::kUint8,
                                                          {dims[0], dims[2], dims[3], kPacked}));
  auto* const y = static_cast<uint8_t*>(memory);
  for (int64_t i = 0; i < dims[0] * pixels; ++i) {
    const int64_t n = i / pixels, pixel = i % pixels;
    for (int64_t channel = 0; channel < 3; ++channel) {
      const float value = x[static_cast<size_t>((n * 3 + channel) * pixels + pixel)] +
                          mean[static_cast<size_t>(channel)];
      y[i * kPacked + channel] = static_cast<uint8_t>(std::clamp(value, 0.0f, 255.0f));
    }
    y[i * kPacked + 3] = 255;
  }
  return {};
}

// --- integral images
// -------------------------------------------------------------------------------

// Sums of all pixels above and to the left: [n, c, h + 1, w + 1].
Status CallIntegralImage(CallContext& c) {
  DOPPIO_RETURN_IF_ERROR(WantRank(c, 0, 4));
  DOPPIO_ASSIGN_OR_RETURN(const Floats x, FloatsOf(c, 0));
  const Dims& dims = c.input(0)->dims;
  const int64_t h = dims[2], w = dims[3];
  DOPPIO_ASSIGN_OR_RETURN(float* y, SetFloats(c, 0, {dims[0], dims[1], h + 1, w + 1}));
  const float* from = x.data();
  for (int64_t plane = 0; plane < dims[0] * dims[1]; ++plane) {
    std::fill_n(y, w + 1, 0.0f);
    y += w + 1;
    for (int64_t i = 0; i < h; ++i, y += w + 1) {
      double row = 0;
      y[0] = 0;
      for (int64_t j = 0; j < w; ++j) {
        row += static_cast<double>(*from++);
        y[j + 1] = static_cast<float>(row + static_cast<double>(y[j - w]));
      }
    }
  }
  return {};
}

// --- R-MAC
// -----------------------------------------------------------------------------------------

// Where squares of side `side` begin along an axis of `size`, `count` of them, evenly.
int64_t BeginOf(int64_t size, int64_t side, int64_t count, int64_t i) {
  const double step =
      count > 1 ? static_cast<double>(size - side) / static_cast<double>(count - 1) : 0;
  const double half = std::floor(static_cast<double>(side) / 2 - 1);
  return static_cast<int64_t>(std::floor(half + static_cast<double>(i) * step) - half);
}

// How many squares more the longer axis has, so that neighbours overlap by about `overlap` (Tolias
// et al. 2016, "Particular object retrieval with integral max-pooling of CNN activations", 3.2).
int64_t MoreSquares(int64_t least, int64_t greatest, double overlap) {
  if (least == greatest) return 0;
  const auto side = static_cast<double>(least);
  int64_t best = 1;
  double smallest = INFINITY;
  for (int64_t more = 1; more <= 6; ++more) {
    const double step = static_cast<double>(greatest - least) / static_cast<double>(more);
    const double difference = std::fabs((side * side - side * step) / (side * side) - overlap);
    if (difference < smallest) {
      smallest = difference;
      best = more;
    }
  }
  return best;
}

// Rows: image, x1, y1, x2, y2, of squares of growing fineness.
Status CallRmacRegions(CallContext& c) {
  int64_t scales = 0;
  float overlap = 0;
  DOPPIO_RETURN_IF_ERROR(c.args.IntIn("scales", 1, 64, &scales));
  DOPPIO_RETURN_IF_ERROR(c.args.Float("overlap", &overlap));
  DOPPIO_RETURN_IF_ERROR(WantRank(c, 0, 4));
  const Dims& dims = c.input(0)->dims;
  const int64_t h = dims[2], w = dims[3], least = std::min(h, w);
  if (least < 1) return InvalidArgument(Cat("maps ", dims, " have no regions"));
  const int64_t more = MoreSquares(least, std::max(h, w), static_cast<double>(overlap));
  base::Array<float> rows;
  for (int64_t n = 0; n < dims[0]; ++n) {
    for (int64_t scale = 1; scale <= scales; ++scale) {
      const int64_t side = 2 * least / (scale + 1);
      const int64_t across = scale + (h < w ? more : 0), down = scale + (h > w ? more : 0);
      if (side < 1) break;
      for (int64_t j = 0; j < across; ++j) {
        for (int64_t i = 0; i < down; ++i) {
          const int64_t y = BeginOf(h, side, down, i), x = BeginOf(w, side, across, j);
          for (const int64_t value : {n, x, y, x + side - 1, y + side - 1}) {
            DOPPIO_RETURN_IF_ERROR(rows.Append(static_cast<float>(value)));
          }
        }
      }
    }
  }
  DOPPIO_ASSIGN_OR_RETURN(float* const y,
                          SetFloats(c, 0, {static_cast<int64_t>(rows.size() / 5), 5}));
  std::copy(rows.begin(), rows.end(), y);
  return {};
}

constexpr ArgSpec kNoiseArgs[] = {{"noise_size", ArgKind::kInt, 491},
                                  {"noise_std", ArgKind::kFloat, 10}};
constexpr ArgSpec kRmacArgs[] = {{"scales", ArgKind::kInt, 3}, {"overlap", ArgKind::kFloat, 0.4}};

}  // namespace

const Operator kNormalizePlanarYuv =
    CalledRow("NormalizePlanarYUV", {3, 3}, InferFirstInput, CallNormalizePlanarYuv, {},
              "planes less their means, over their deviations");
const Operator kStylizerPreprocess =
    CalledRow("PackedInt8BGRANHWCToNCHWCStylizerPreprocess", {2, 2}, InferTypes<kFloat>,
              CallStylizerPreprocess, kNoiseArgs, "packed bytes as planes, with noise", kRandom);
const Operator kStylizerDeprocess =
    CalledRow("BRGNCHWCToPackedInt8BGRAStylizerDeprocess", {2, 2}, InferTypes<ElementType::kUint8>,
              CallStylizerDeprocess, {}, "planes as packed bytes");
const Operator kIntegralImage = CalledRow("IntegralImage", {}, InferTypes<kFloat>,
                                          CallIntegralImage, {}, "sums of all pixels before");
const Operator kRmacRegions = CalledRow("RMACRegions", {}, InferTypes<kFloat>, CallRmacRegions,
                                        kRmacArgs, "overlapping squares of several sizes");

}  // namespace doppio::operators
