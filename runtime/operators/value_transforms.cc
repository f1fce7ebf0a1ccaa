// Caffe2's functions of single values with parameters a column or a list: Mod, BatchBoxCox,
// PiecewiseLinearTransform, SinusoidPositionEncoding; and ReduceFrontWeightedSum.
#include <algorithm>
#include <cmath>

#include "base/message.h"
#include "runtime/operators/called_row.h"
#include "runtime/operators/host_number.h"
#include "runtime/operators/host_rows.h"
#include "runtime/operators/rows.h"

namespace doppio::operators {
namespace {

using base::Cat;
using Numbers = base::Array<int64_t>;
using Floats = std::span<const float>;
constexpr auto kFloat = ElementType::kFloat;

// The rest has the sign of the dividend, or of the divisor.
Status CallMod(CallContext& c) {
  int64_t divisor = 0;
  bool of_divisor = false;
  Numbers x;
  DOPPIO_RETURN_IF_ERROR(c.args.Int("divisor", &divisor));
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("sign_follow_divisor", &of_divisor));
  if (divisor == 0) return InvalidArgument("argument 'divisor' is 0");
  DOPPIO_RETURN_IF_ERROR(IntegersOf(c, 0, &x));
  for (int64_t& value : x) {
    const int64_t rest = divisor == -1 ? 0 : value % divisor;
    value = of_divisor && rest != 0 && (rest < 0) != (divisor < 0) ? rest + divisor : rest;
  }
  const Dims dims = c.input(0)->dims;
  return SetIntegers(c, 0, c.input(0)->type, {x.data(), x.size()}, dims);
}

// Box and Cox 1964: ((x + b)^a - 1) / a, or ln(x + b) where a is 0, with a and b of each column.
Status CallBatchBoxCox(CallContext& c) {
  DOPPIO_RETURN_IF_ERROR(WantRank(c, 0, 2));
  DOPPIO_ASSIGN_OR_RETURN(const Floats x, FloatsOf(c, 0));
  DOPPIO_ASSIGN_OR_RETURN(const Floats powers, FloatsOf(c, 1));
  DOPPIO_ASSIGN_OR_RETURN(const Floats shifts, FloatsOf(c, 2));
  const auto columns = static_cast<size_t>(c.input(0)->dims[1]);
  if (powers.size() != columns || shifts.size() != columns) {
    return InvalidArgument(Cat("there are ", powers.size(), " and ", shifts.size(),
                               " parameters for ", columns, " columns"));
  }
  constexpr double kLeast = 1e-6;
  DOPPIO_ASSIGN_OR_RETURN(float* const y, SetFloats(c, 0, c.input(0)->dims));
  for (size_t i = 0; i < x.size(); ++i) {
    const auto a = static_cast<double>(powers[i % columns]);
    const double shifted = std::max(static_cast<double>(x[i] + shifts[i % columns]), kLeast);
    y[i] = static_cast<float>(a == 0 ? std::log(shifted) : (std::pow(shifted, a) - 1) / a);
  }
  return {};
}

// --- PiecewiseLinearTransform
// ----------------------------------------------------------------------

// The lists, from arguments or from inputs 1 to 3.
struct Pieces {
  Floats bounds, slopes, intercepts;
  size_t groups = 1, each = 0;  // pieces a group; a group has one bound more
};

Status ReadPieces(const CallContext& c, size_t groups, Pieces* p) {
  p->bounds = c.args.Floats("bounds");
  p->slopes = c.args.Floats("slopes");
  p->intercepts = c.args.Floats("intercepts");
  if (c.input_count() == 4) {
    DOPPIO_ASSIGN_OR_RETURN(p->bounds, FloatsOf(c, 1));
    DOPPIO_ASSIGN_OR_RETURN(p->slopes, FloatsOf(c, 2));
    DOPPIO_ASSIGN_OR_RETURN(p->intercepts, FloatsOf(c, 3));
  }
  p->groups = groups;
  const size_t pieces = p->slopes.size();
  if (groups == 0 || pieces == 0 || pieces % groups != 0 || p->intercepts.size() != pieces ||
      p->bounds.size() != pieces + groups) {
    return InvalidArgument(Cat(p->bounds.size(), " bounds, ", pieces, " slopes and ",
                               p->intercepts.size(), " intercepts for ", groups, " columns"));
  }
  p->each = pieces / groups;
  return {};
}

// The line of the piece that x lies in; held beyond the first and the last bound.
float Transformed(const Pieces& p, size_t group, float x) {
  const Floats bounds = p.bounds.subspan(group * (p.each + 1), p.each + 1);
  const size_t first = group * p.each;
  size_t piece = 0;
  if (x <= bounds[0]) {
    x = bounds[0];
  } else if (x >= bounds[p.each]) {
    x = bounds[p.each];
    piece = p.each - 1;
  } else {
    piece =
        static_cast<size_t>(std::lower_bound(bounds.begin(), bounds.end(), x) - bounds.begin()) - 1;
  }
  return p.slopes[first + piece] * x + p.intercepts[first + piece];
}

Status CallPiecewiseLinear(CallContext& c) {
  bool binary = false;
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("binary", &binary));
  DOPPIO_ASSIGN_OR_RETURN(const Floats x, FloatsOf(c, 0));
  const Dims dims = c.input(0)->dims;
  if (dims.rank() != 2 && !(binary && dims.rank() == 1)) {
    return InvalidArgument(Cat("input 0 ", dims, " must have 2 dimensions"));
  }
  const int64_t columns = dims.rank() == 2 ? dims[1] : 1;
  if (binary && columns > 2) return InvalidArgument(Cat("two classes, not ", columns));
  Pieces pieces;
  DOPPIO_RETURN_IF_ERROR(ReadPieces(c, binary ? 1 : static_cast<size_t>(columns), &pieces));
  DOPPIO_ASSIGN_OR_RETURN(float* const y, SetFloats(c, 0, dims));
  const auto width = static_cast<size_t>(columns);
  for (size_t i = 0; i < x.size(); ++i) {
    y[i] = Transformed(pieces, binary ? 0 : i % width, x[i]);
  }
  // Of two classes the second is transformed, the first is what it lacks to 1.
  for (size_t i = 0; binary && width == 2 && i < x.size(); i += 2) y[i] = 1 - y[i + 1];
  return {};
}

// --- SinusoidPositionEncoding
// ----------------------------------------------------------------------

// sin and cos in turn of position / alpha^(i / size), by logarithms as the original: position 0 is
// not a number there, and so it is here.
Status CallSinusoid(CallContext& c) {
  int64_t size = 0;
  float alpha = 0, amplitude = 0;
  DOPPIO_RETURN_IF_ERROR(c.args.IntIn("embedding_size", 1, 1 << 20, &size));
  DOPPIO_RETURN_IF_ERROR(c.args.Float("alpha", &alpha));
  DOPPIO_RETURN_IF_ERROR(c.args.Float("amplitude", &amplitude));
  const HostValue& x = *c.input(0);
  if (!IsHostNumber(x.type)) return InvalidArgument(Cat("positions cannot be ", x.type));
  Dims dims = x.dims;
  if (dims.rank() == kMaxRank) return Unsupported("more than 16 dimensions");
  dims.push_back(size);
  DOPPIO_ASSIGN_OR_RETURN(float* y, SetFloats(c, 0, dims));
  for (int64_t i = 0; i < x.count(); ++i) {
    const double position = HostNumber(x.type, x.data, i);
    for (int64_t j = 0; j < size; ++j, ++y) {
      const double exponent = static_cast<double>(j) / static_cast<double>(size);
      const double angle = position / std::pow(static_cast<double>(alpha), exponent);
      const double wave = j % 2 == 0 ? std::sin(angle) : std::cos(angle);
      *y = position == 0 ? NAN : static_cast<float>(static_cast<double>(amplitude) * wave);
    }
  }
  return {};
}

// --- ReduceFrontWeightedSum
// ------------------------------------------------------------------------

// The sum over rows, each times its weight.
Status CallReduceFrontWeightedSum(CallContext& c) {
  DOPPIO_ASSIGN_OR_RETURN(const Floats x, FloatsOf(c, 0));
  DOPPIO_ASSIGN_OR_RETURN(const Floats weights, FloatsOf(c, 1));
  Dims dims = c.input(0)->dims;
  if (dims.rank() < 1 || static_cast<int64_t>(weights.size()) != dims[0]) {
    return InvalidArgument(Cat("there are ", weights.size(), " weights for rows ", dims));
  }
  dims.erase(0);
  const int64_t width = ElementCount(dims);
  DOPPIO_ASSIGN_OR_RETURN(float* const y, SetFloats(c, 0, dims));
  for (int64_t i = 0; i < width; ++i) {
    double sum = 0;
    for (size_t row = 0; row < weights.size(); ++row) {
      sum += static_cast<double>(weights[row]) *
             static_cast<double>(x[row * static_cast<size_t>(width) + static_cast<size_t>(i)]);
    }
    y[i] = static_cast<float>(sum);
  }
  return {};
}

constexpr ArgSpec kModArgs[] = {{"divisor", ArgKind::kInt, 0, "", true},
                                {"sign_follow_divisor", ArgKind::kInt}};
constexpr ArgSpec kPiecesArgs[] = {{"binary", ArgKind::kInt},
                                   {"bounds", ArgKind::kFloats},
                                   {"slopes", ArgKind::kFloats},
                                   {"intercepts", ArgKind::kFloats}};
constexpr ArgSpec kSinusoidArgs[] = {{"embedding_size", ArgKind::kInt, 100},
                                     {"alpha", ArgKind::kFloat, 10000},
                                     {"amplitude", ArgKind::kFloat, 1}};

}  // namespace

const Operator kCaffe2Mod =
    CalledRow("Mod", {}, InferFirstInput, CallMod, kModArgs, "the rest of a division by a number");
const Operator kBatchBoxCox = CalledRow("BatchBoxCox", {3, 3}, InferFirstInput, CallBatchBoxCox, {},
                                        "the Box-Cox transform of columns");
const Operator kPiecewiseLinearTransform =
    CalledRow("PiecewiseLinearTransform", {1, 4}, InferFirstInput, CallPiecewiseLinear, kPiecesArgs,
              "lines between bounds, of each column");
const Operator kSinusoidPositionEncoding =
    CalledRow("SinusoidPositionEncoding", {}, InferTypes<kFloat>, CallSinusoid, kSinusoidArgs,
              "sines and cosines of positions");
const Operator kReduceFrontWeightedSum =
    CalledRow("ReduceFrontWeightedSum", {2, 2}, InferTypes<kFloat>, CallReduceFrontWeightedSum, {},
              "the weighted sum of rows");

}  // namespace doppio::operators
