// Caffe2's LC: a convolution that has weights of its own at every output position.
#include "base/message.h"
#include "runtime/operators/called_row.h"
#include "runtime/operators/conv.h"
#include "runtime/operators/rows.h"

namespace doppio::operators {
namespace {

using base::Cat;

struct LcSizes {
  SpatialArgs spatial;
  bool channels_last = false;
  int64_t n = 0, channels = 0, outputs = 0;
  int64_t in[3] = {1, 1, 1}, out[3] = {1, 1, 1};  // d, h, w
};

// Weights are [o..., m, c, k...], or with order NHWC [o..., m, k..., c]; the bias is [o..., m].
Status ReadSizes(const CallContext& c, LcSizes* s) {
  const Dims &x = c.input(0)->dims, &w = c.input(1)->dims;
  const int rank = x.rank() - 2;
  if (rank < 1 || rank > kMaxSpatial) {
    return InvalidArgument(Cat("input 0 ", x, " must have 3 to 5 dimensions"));
  }
  int64_t group = 1;
  DOPPIO_RETURN_IF_ERROR(c.args.Int("group", &group));
  if (group != 1) return Unsupported(Cat("group ", group, "; the original damages memory there"));
  DOPPIO_RETURN_IF_ERROR(ReadOrder(c.args, &s->channels_last));
  DOPPIO_RETURN_IF_ERROR(ReadCaffe2Spatial(c.args, rank, &s->spatial));
  if (w.rank() != 2 * rank + 2) {
    return InvalidArgument(Cat("weights ", w, " do not fit maps ", x));
  }
  Dims bias;
  s->n = x[0];
  s->channels = x[s->channels_last ? rank + 1 : 1];
  s->outputs = w[rank];
  SymbolTable no_symbols;
  for (int i = 0; i < rank; ++i) {
    Dim out;
    const int at = 3 - rank + i;
    s->in[at] = x[s->channels_last ? 1 + i : 2 + i];
    DOPPIO_RETURN_IF_ERROR(OutputSize(&s->spatial, i, Dim(s->in[at]), &no_symbols, &out));
    s->out[at] = out.value();
    const int64_t kernel = w[rank + (s->channels_last ? 1 : 2) + i];
    if (w[i] != s->out[at] || kernel != s->spatial.kernel[i]) {
      return InvalidArgument(Cat("weights ", w, " do not fit outputs of ", s->out[at],
                                 " and kernels of ", s->spatial.kernel[i]));
    }
    bias.push_back(s->out[at]);
  }
  bias.push_back(s->outputs);
  if (w[rank + (s->channels_last ? 1 + rank : 1)] != s->channels) {
    return InvalidArgument(Cat("weights ", w, " do not fit maps ", x));
  }
  if (!c.HasInput(2) || c.input(2)->dims == bias) return {};
  return InvalidArgument(Cat("biases ", c.input(2)->dims, " must be ", bias));
}

class LocallyConnected {
 public:
  LocallyConnected(const LcSizes& s, const float* x, const float* w) : s_(s), x_(x), w_(w) {
    const SpatialArgs& a = s.spatial;
    Spread(a.rank, a.kernel, 1, &kernel_[0], &kernel_[1], &kernel_[2]);
    Spread(a.rank, a.stride, 1, &stride_[0], &stride_[1], &stride_[2]);
    Spread(a.rank, a.dilation, 1, &dilation_[0], &dilation_[1], &dilation_[2]);
    Spread(a.rank, a.pad_begin, 0, &pad_[0], &pad_[1], &pad_[2]);
    taps_ = kernel_[0] * kernel_[1] * kernel_[2];
    pixels_ = s.in[0] * s.in[1] * s.in[2];
  }

  // The sum at output position `o` (d, h, w), whose number is `at`, of output channel m.
  double Sum(int64_t n, int64_t m, const int64_t* o, int64_t at) const {
    const float* const w = w_ + (at * s_.outputs + m) * s_.channels * taps_;
    double sum = 0;
    int64_t tap = 0;
    for (int64_t kd = 0; kd < kernel_[0]; ++kd) {
      for (int64_t kh = 0; kh < kernel_[1]; ++kh) {
        for (int64_t kw = 0; kw < kernel_[2]; ++kw, ++tap) {
          const int64_t k[3] = {kd, kh, kw};
          int64_t pixel = 0;
          bool inside = true;
          for (int i = 0; i < 3; ++i) {
            const int64_t place = o[i] * stride_[i] + k[i] * dilation_[i] - pad_[i];
            inside = inside && place >= 0 && place < s_.in[i];
            pixel = pixel * s_.in[i] + place;
          }
          for (int64_t c = 0; inside && c < s_.channels; ++c) {
            sum +=
                static_cast<double>(x_[InputAt(n, c, pixel)]) *
                static_cast<double>(w[s_.channels_last ? tap * s_.channels + c : c * taps_ + tap]);
          }
        }
      }
    }
    return sum;
  }

 private:
  int64_t InputAt(int64_t n, int64_t c, int64_t pixel) const {
    return s_.channels_last ? (n * pixels_ + pixel) * s_.channels + c
                            : (n * s_.channels + c) * pixels_ + pixel;
  }

  const LcSizes& s_;
  const float *x_, *w_;
  int64_t kernel_[3], stride_[3], dilation_[3], pad_[3], taps_, pixels_;
};

Status CallLocallyConnected(CallContext& c) {
  LcSizes s;
  DOPPIO_ASSIGN_OR_RETURN(const auto x, FloatsOf(c, 0));
  DOPPIO_ASSIGN_OR_RETURN(const auto w, FloatsOf(c, 1));
  std::span<const float> bias;
  if (c.HasInput(2)) {
    DOPPIO_ASSIGN_OR_RETURN(bias, FloatsOf(c, 2));
  }
  DOPPIO_RETURN_IF_ERROR(ReadSizes(c, &s));
  Dims dims({s.n});
  if (!s.channels_last) dims.push_back(s.outputs);
  for (int i = 3 - s.spatial.rank; i < 3; ++i) dims.push_back(s.out[i]);
  if (s.channels_last) dims.push_back(s.outputs);
  DOPPIO_ASSIGN_OR_RETURN(float* const y, SetFloats(c, 0, dims));
  const LocallyConnected layer(s, x.data(), w.data());
  const int64_t positions = s.out[0] * s.out[1] * s.out[2];
  for (int64_t i = 0; i < s.n * s.outputs * positions; ++i) {
    const int64_t n = i / (s.outputs * positions), m = i / positions % s.outputs;
    const int64_t at = i % positions;
    const int64_t o[] = {at / (s.out[1] * s.out[2]), at / s.out[2] % s.out[1], at % s.out[2]};
    double sum = layer.Sum(n, m, o, at);
    if (!bias.empty()) sum += static_cast<double>(bias[static_cast<size_t>(at * s.outputs + m)]);
    y[s.channels_last ? (n * positions + at) * s.outputs + m : i] = static_cast<float>(sum);
  }
  return {};
}

constexpr auto kArgs = JoinArgs(kCaffe2SpatialArgs, kConvOnlyArgs);

constexpr Operator Row(std::string_view type) {
  return CalledRow(type, {2, 3}, InferTypes<ElementType::kFloat>, CallLocallyConnected, kArgs,
                   "a convolution with weights of its own at every position");
}

}  // namespace

const Operator kLc = Row("LC");
const Operator kLc1D = Row("LC1D");
const Operator kLc2D = Row("LC2D");
const Operator kLc3D = Row("LC3D");

}  // namespace doppio::operators
