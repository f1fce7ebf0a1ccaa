// Caffe2's operators on categories and buckets: membership, one-hot rows of given values, values by
// boundaries, hashes.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/checked.h"
#include "base/message.h"
#include "runtime/operators/called_row.h"
#include "runtime/operators/host_rows.h"
#include "runtime/operators/rows.h"

namespace doppio::operators {
namespace {

using base::Cat;
using Numbers = base::Array<int64_t>;
using Floats = std::span<const float>;
constexpr auto kFloat = ElementType::kFloat;
constexpr auto kInt32 = ElementType::kInt32;
constexpr auto kInt64 = ElementType::kInt64;

std::span<const int64_t> All(const Numbers& numbers) { return {numbers.data(), numbers.size()}; }

// --- membership
// ------------------------------------------------------------------------------------

Status CallIsMemberOf(CallContext& c) {
  const HostValue& x = *c.input(0);
  DOPPIO_ASSIGN_OR_RETURN(void* const memory, c.SetTensor(0, ElementType::kBool, x.dims));
  auto* const y = static_cast<bool*>(memory);
  if (x.type == ElementType::kString) {
    const auto members = c.args.Strings("value");
    for (int64_t i = 0; i < x.count(); ++i) {
      y[i] =
          std::find(members.begin(), members.end(), x.as<std::string_view>()[i]) != members.end();
    }
    return {};
  }
  const auto members = c.args.Ints("value");
  const auto is_member = [&](int64_t value) {
    return std::find(members.begin(), members.end(), value) != members.end();
  };
  if (x.type == ElementType::kBool) {
    for (int64_t i = 0; i < x.count(); ++i) y[i] = is_member(x.as<bool>()[i] ? 1 : 0);
    return {};
  }
  Numbers values;
  DOPPIO_RETURN_IF_ERROR(IntegersOf(c, 0, &values));
  for (size_t i = 0; i < values.size(); ++i) y[i] = is_member(values[i]);
  return {};
}

// --- one-hot rows
// ----------------------------------------------------------------------------------

// Lengths of the groups of columns of input 0 [rows, columns], one a column; their elements are
// those of input 2 one behind the other.
Status ReadGroups(const CallContext& c, size_t lengths_input, int64_t columns, int64_t total,
                  Numbers* lengths) {
  DOPPIO_RETURN_IF_ERROR(ReadLengths(*c.input(lengths_input), total, lengths));
  if (static_cast<int64_t>(lengths->size()) == columns) return {};
  return InvalidArgument(Cat("there are ", lengths->size(), " lengths for ", columns, " columns"));
}

// y[n, j] = x[n, column of j] == values[j].
Status CallBatchOneHot(CallContext& c) {
  Numbers x, lengths, values;
  DOPPIO_RETURN_IF_ERROR(WantRank(c, 0, 2));
  DOPPIO_RETURN_IF_ERROR(IntegersOf(c, 0, &x));
  DOPPIO_RETURN_IF_ERROR(IntegersOf(c, 2, &values));
  const Dims& dims = c.input(0)->dims;
  const auto width = static_cast<int64_t>(values.size());
  DOPPIO_RETURN_IF_ERROR(ReadGroups(c, 1, dims[1], width, &lengths));
  Numbers y;
  int64_t count = 0;
  if (!base::CheckedMul(dims[0], width, &count)) return InvalidArgument("its result is too large");
  DOPPIO_RETURN_IF_ERROR(y.Resize(static_cast<size_t>(count)));
  size_t at = 0;
  for (int64_t n = 0; n < dims[0]; ++n) {
    size_t j = 0;
    for (int64_t column = 0; column < dims[1]; ++column) {
      const int64_t value = x[static_cast<size_t>(n * dims[1] + column)];
      const size_t end = j + static_cast<size_t>(lengths[static_cast<size_t>(column)]);
      for (; j < end; ++j) y[at++] = value == values[j];
    }
  }
  return SetIntegers(c, 0, c.input(0)->type, All(y), {dims[0], width});
}

// y[s, k] = 1 for each id k of segment s; input 2 says how many ids there are.
Status CallSegmentOneHot(CallContext& c) {
  Numbers lengths, ids, size;
  DOPPIO_RETURN_IF_ERROR(IntegersOf(c, 1, &ids));
  DOPPIO_RETURN_IF_ERROR(IntegersOf(c, 2, &size));
  DOPPIO_RETURN_IF_ERROR(ReadLengths(*c.input(0), static_cast<int64_t>(ids.size()), &lengths));
  if (size.size() != 1 || size[0] < 0) {
    return InvalidArgument("input 2 must be one number of classes, not negative");
  }
  const auto segments = static_cast<int64_t>(lengths.size());
  DOPPIO_ASSIGN_OR_RETURN(float* const y, SetFloats(c, 0, {segments, size[0]}));
  std::fill_n(y, segments * size[0], 0.0f);
  size_t at = 0;
  for (int64_t s = 0; s < segments; ++s) {
    for (int64_t i = 0; i < lengths[static_cast<size_t>(s)]; ++i, ++at) {
      if (ids[at] < 0 || ids[at] >= size[0]) {
        return ComputeError(Cat("id ", ids[at], " at ", at, " is not one of ", size[0]));
      }
      y[s * size[0] + ids[at]] = 1;
    }
  }
  return {};
}

// --- buckets
// ---------------------------------------------------------------------------------------

// How many of the ascending boundaries are below the value.
int64_t BucketOf(float value, Floats boundaries) {
  return std::lower_bound(boundaries.begin(), boundaries.end(), value) - boundaries.begin();
}

// One bucket more than boundaries for each column.
Status CallBatchBucketOneHot(CallContext& c) {
  Numbers lengths;
  DOPPIO_RETURN_IF_ERROR(WantRank(c, 0, 2));
  DOPPIO_ASSIGN_OR_RETURN(const Floats x, FloatsOf(c, 0));
  DOPPIO_ASSIGN_OR_RETURN(const Floats boundaries, FloatsOf(c, 2));
  const Dims dims = c.input(0)->dims;
  const auto total = static_cast<int64_t>(boundaries.size());
  DOPPIO_RETURN_IF_ERROR(ReadGroups(c, 1, dims[1], total, &lengths));
  const int64_t width = total + dims[1];
  DOPPIO_ASSIGN_OR_RETURN(float* const y, SetFloats(c, 0, {dims[0], width}));
  std::fill_n(y, dims[0] * width, 0.0f);
  for (int64_t n = 0; n < dims[0]; ++n) {
    int64_t begin = 0, out = n * width;
    for (int64_t column = 0; column < dims[1]; ++column) {
      const int64_t length = lengths[static_cast<size_t>(column)];
      const Floats own =
          boundaries.subspan(static_cast<size_t>(begin), static_cast<size_t>(length));
      y[out + BucketOf(x[static_cast<size_t>(n * dims[1] + column)], own)] = 1;
      begin += length;
      out += length + 1;
    }
  }
  return {};
}

// Inputs: features [n, d], which columns, boundaries of all of them, how many each has.
Status CallBatchBucketize(CallContext& c) {
  Numbers columns, lengths, y;
  DOPPIO_RETURN_IF_ERROR(WantRank(c, 0, 2));
  DOPPIO_ASSIGN_OR_RETURN(const Floats x, FloatsOf(c, 0));
  DOPPIO_RETURN_IF_ERROR(ReadIntegers(*c.input(1), "columns", &columns));
  DOPPIO_ASSIGN_OR_RETURN(const Floats boundaries, FloatsOf(c, 2));
  const Dims& dims = c.input(0)->dims;
  DOPPIO_RETURN_IF_ERROR(ReadGroups(c, 3, static_cast<int64_t>(columns.size()),
                                    static_cast<int64_t>(boundaries.size()), &lengths));
  for (const int64_t column : columns) {
    if (column < 0 || column >= dims[1]) {
      return ComputeError(Cat("column ", column, " is not one of ", dims[1]));
    }
  }
  for (int64_t n = 0; n < dims[0]; ++n) {
    size_t begin = 0;
    for (size_t i = 0; i < columns.size(); ++i) {
      const auto length = static_cast<size_t>(lengths[i]);
      const float value = x[static_cast<size_t>(n * dims[1] + columns[i])];
      DOPPIO_RETURN_IF_ERROR(y.Append(BucketOf(value, boundaries.subspan(begin, length))));
      begin += length;
    }
  }
  return SetIntegers(c, 0, kInt32, All(y), {dims[0], static_cast<int64_t>(columns.size())});
}

// Counts below, in equal buckets within, and above the bounds. Runs do not add up: each counts its
// own values, in both outputs.
Status CallAccumulateHistogram(CallContext& c) {
  float lower = 0, upper = 0;
  int64_t buckets = 0;
  DOPPIO_RETURN_IF_ERROR(c.args.Float("lower_bound", &lower));
  DOPPIO_RETURN_IF_ERROR(c.args.Float("upper_bound", &upper));
  DOPPIO_RETURN_IF_ERROR(c.args.IntIn("num_buckets", 1, 1 << 24, &buckets));
  if (!(lower < upper)) {
    return InvalidArgument(Cat("bounds ", lower, " and ", upper, " hold nothing between them"));
  }
  DOPPIO_ASSIGN_OR_RETURN(const Floats x, FloatsOf(c, 0));
  Numbers counts;
  DOPPIO_RETURN_IF_ERROR(counts.Resize(static_cast<size_t>(buckets) + 2));
  const float width = (upper - lower) / static_cast<float>(buckets);
  for (const float value : x) {
    int64_t bucket = buckets + 1;
    if (value < lower) {
      bucket = 0;
    } else if (value < upper) {
      bucket = 1 + std::min(static_cast<int64_t>((value - lower) / width), buckets - 1);
    }
    ++counts[static_cast<size_t>(bucket)];
  }
  DOPPIO_RETURN_IF_ERROR(SetIntegers(c, 0, kInt64, All(counts)));
  return SetIntegers(c, 1, kInt64, All(counts));
}

// --- steps
// -----------------------------------------------------------------------------------------

Status CallStumpFunc(CallContext& c) {
  float threshold = 0, low = 0, high = 0;
  DOPPIO_RETURN_IF_ERROR(c.args.Float("threshold", &threshold));
  DOPPIO_RETURN_IF_ERROR(c.args.Float("low_value", &low));
  DOPPIO_RETURN_IF_ERROR(c.args.Float("high_value", &high));
  DOPPIO_ASSIGN_OR_RETURN(const Floats x, FloatsOf(c, 0));
  DOPPIO_ASSIGN_OR_RETURN(float* const y, SetFloats(c, 0, c.input(0)->dims));
  for (size_t i = 0; i < x.size(); ++i) y[i] = x[i] <= threshold ? low : high;
  return {};
}

// Positions of the values up to the threshold, and of those above.
Status CallStumpFuncIndex(CallContext& c) {
  float threshold = 0;
  DOPPIO_RETURN_IF_ERROR(c.args.Float("threshold", &threshold));
  DOPPIO_ASSIGN_OR_RETURN(const Floats x, FloatsOf(c, 0));
  Numbers positions[2];
  for (size_t i = 0; i < x.size(); ++i) {
    DOPPIO_RETURN_IF_ERROR(positions[x[i] > threshold].Append(static_cast<int64_t>(i)));
  }
  DOPPIO_RETURN_IF_ERROR(SetIntegers(c, 0, kInt64, All(positions[0])));
  return SetIntegers(c, 1, kInt64, All(positions[1]));
}

// Inputs: x [n, d], points (value, percentile) of all columns, how many each column has. Linear
// between a column's points.
Status CallPercentile(CallContext& c) {
  Numbers lengths;
  DOPPIO_RETURN_IF_ERROR(WantRank(c, 0, 2));
  DOPPIO_RETURN_IF_ERROR(WantRank(c, 1, 2));
  DOPPIO_ASSIGN_OR_RETURN(const Floats x, FloatsOf(c, 0));
  DOPPIO_ASSIGN_OR_RETURN(const Floats points, FloatsOf(c, 1));
  const Dims& dims = c.input(0)->dims;
  if (c.input(1)->dims[1] != 2) return InvalidArgument("points must be pairs");
  DOPPIO_RETURN_IF_ERROR(ReadGroups(c, 2, dims[1], c.input(1)->dims[0], &lengths));
  DOPPIO_ASSIGN_OR_RETURN(float* const y, SetFloats(c, 0, dims));
  for (int64_t n = 0; n < dims[0]; ++n) {
    const float* own = points.data();
    for (int64_t column = 0; column < dims[1]; ++column) {
      const auto i = static_cast<size_t>(n * dims[1] + column);
      const int64_t length = lengths[static_cast<size_t>(column)];
      if (length == 0) return ComputeError(Cat("column ", column, " has no points"));
      int64_t next = 0;
      while (next < length && own[2 * next] < x[i]) ++next;
      if (next == 0 || next == length) {
        y[i] = own[2 * (next == 0 ? 0 : length - 1) + 1];
      } else {
        const float* const a = own + 2 * (next - 1);
        y[i] = a[1] + (x[i] - a[0]) / (a[2] - a[0]) * (a[3] - a[1]);
      }
      own += 2 * length;
    }
  }
  return {};
}

// --- hashes and n-grams
// ----------------------------------------------------------------------------

// The bytes of an integer by a polynomial that wraps in the integer's own width, then modulo.
template <class T, class U>
Status HashAll(CallContext& c, int64_t seed, int64_t modulo) {
  const HostValue& x = *c.input(0);
  DOPPIO_ASSIGN_OR_RETURN(void* const memory, c.SetTensor(0, x.type, x.dims));
  for (int64_t i = 0; i < x.count(); ++i) {
    int8_t bytes[sizeof(T)];
    std::memcpy(bytes, x.as<T>() + i, sizeof(T));
    U hash = static_cast<U>(static_cast<uint64_t>(seed) * 0xDEADBEEF);
    for (const int8_t byte : bytes) {
      hash = static_cast<U>(hash * 65537 + static_cast<U>(static_cast<int64_t>(byte)));
    }
    const int64_t rest = static_cast<int64_t>(static_cast<T>(hash)) % modulo;
    static_cast<T*>(memory)[i] = static_cast<T>(rest < 0 ? rest + modulo : rest);
  }
  return {};
}

Status CallIndexHash(CallContext& c) {
  int64_t seed = 0, modulo = 0;
  DOPPIO_RETURN_IF_ERROR(c.args.Int("seed", &seed));
  DOPPIO_RETURN_IF_ERROR(c.args.IntIn("modulo", 1, INT64_MAX, &modulo));
  switch (c.input(0)->type) {
    case kInt64:
      return HashAll<int64_t, uint64_t>(c, seed, modulo);
    case kInt32:
      return HashAll<int32_t, uint32_t>(c, seed, modulo);
    default:
      return InvalidArgument(Cat("input 0 must be int32 or int64, it is ", c.input(0)->type));
  }
}

// The number of each row's combination of categories: positions among the values of each column, of
// which there are categorical_limits[i], the first column counting fastest.
Status CallNGramFromCategorical(CallContext& c) {
  const auto columns = c.args.Ints("col_ids"), limits = c.args.Ints("categorical_limits"),
             values = c.args.Ints("vals");
  int64_t total = 0;
  for (const int64_t limit : limits) {
    if (limit < 1 || limit > static_cast<int64_t>(values.size()) - total) {
      return InvalidArgument("categorical_limits and vals do not belong together");
    }
    total += limit;
  }
  if (columns.size() != limits.size() || total != static_cast<int64_t>(values.size())) {
    return InvalidArgument("col_ids, categorical_limits and vals do not belong together");
  }
  DOPPIO_RETURN_IF_ERROR(WantRank(c, 0, 2));
  DOPPIO_ASSIGN_OR_RETURN(const Floats x, FloatsOf(c, 0));
  const Dims& dims = c.input(0)->dims;
  Numbers y;
  for (int64_t n = 0; n < dims[0]; ++n) {
    int64_t id = 0, base = 1;
    size_t begin = 0;
    for (size_t i = 0; i < columns.size(); ++i) {
      if (columns[i] < 0 || columns[i] >= dims[1]) {
        return InvalidArgument(Cat("col_ids holds ", columns[i], ", there are ", dims[1]));
      }
      const auto own = values.subspan(begin, static_cast<size_t>(limits[i]));
      const auto value = static_cast<double>(x[static_cast<size_t>(n * dims[1] + columns[i])]);
      const auto found = std::find_if(own.begin(), own.end(), [&](int64_t known) {
        return static_cast<double>(known) == value;
      });
      if (found == own.end()) {
        return ComputeError(Cat("value ", value, " of row ", n, " is no category"));
      }
      int64_t part = 0;
      if (!base::CheckedMul(static_cast<int64_t>(found - own.begin()), base, &part) ||
          !base::CheckedAdd(id, part, &id) || !base::CheckedMul(base, limits[i], &base)) {
        return InvalidArgument("there are too many combinations");
      }
      begin += static_cast<size_t>(limits[i]);
    }
    DOPPIO_RETURN_IF_ERROR(y.Append(id));
  }
  return SetIntegers(c, 0, kInt64, All(y));
}

// The k[row] greatest of each row, one behind the other; of equal ones the first.
Status CallFlexibleTopK(CallContext& c) {
  Numbers k, order, positions;
  DOPPIO_ASSIGN_OR_RETURN(const Floats x, FloatsOf(c, 0));
  DOPPIO_RETURN_IF_ERROR(IntegersOf(c, 1, &k));
  const Dims& dims = c.input(0)->dims;
  if (dims.rank() < 1) return InvalidArgument("input 0 has no dimensions");
  const int64_t width = dims[dims.rank() - 1];
  const int64_t rows = width > 0 ? static_cast<int64_t>(x.size()) / width : 0;
  if (static_cast<int64_t>(k.size()) != rows) {
    return InvalidArgument(Cat("there are ", k.size(), " counts for ", rows, " rows"));
  }
  base::Array<float> values;
  DOPPIO_RETURN_IF_ERROR(order.Resize(static_cast<size_t>(width)));
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t count = k[static_cast<size_t>(row)];
    if (count < 1 || count > width) {
      return ComputeError(Cat("k of row ", row, " is ", count, " of ", width));
    }
    const float* const own = x.data() + row * width;
    for (int64_t i = 0; i < width; ++i) order[static_cast<size_t>(i)] = i;
    std::partial_sort(order.begin(), order.begin() + count, order.end(), [&](int64_t a, int64_t b) {
      return own[a] > own[b] || (own[a] == own[b] && a < b);
    });
    for (int64_t i = 0; i < count; ++i) {
      DOPPIO_RETURN_IF_ERROR(positions.Append(order[static_cast<size_t>(i)]));
      DOPPIO_RETURN_IF_ERROR(values.Append(own[order[static_cast<size_t>(i)]]));
    }
  }
  DOPPIO_ASSIGN_OR_RETURN(float* const y, SetFloats(c, 0, {static_cast<int64_t>(values.size())}));
  std::copy(values.begin(), values.end(), y);
  return SetIntegers(c, 1, kInt64, All(positions));
}

Status InferLike0(InferContext& c) {
  c.SetUnknownShape(0, c.input(0).type);
  return {};
}

constexpr ArgSpec kMemberArgs[] = {{"value", ArgKind::kInts}, {"dtype", ArgKind::kInt}};
constexpr ArgSpec kHistogramArgs[] = {{"lower_bound", ArgKind::kFloat},
                                      {"upper_bound", ArgKind::kFloat, 1},
                                      {"num_buckets", ArgKind::kInt, 1}};
constexpr ArgSpec kStumpArgs[] = {{"threshold", ArgKind::kFloat},
                                  {"low_value", ArgKind::kFloat},
                                  {"high_value", ArgKind::kFloat}};
constexpr ArgSpec kHashArgs[] = {{"seed", ArgKind::kInt}, {"modulo", ArgKind::kInt, 0, "", true}};
constexpr ArgSpec kNGramArgs[] = {
    {"col_ids", ArgKind::kInts}, {"categorical_limits", ArgKind::kInts}, {"vals", ArgKind::kInts}};

}  // namespace

const Operator kIsMemberOf =
    CalledRow("IsMemberOf", {}, InferTypes<ElementType::kBool>, CallIsMemberOf, kMemberArgs,
              "whether each element is one of a list");
const Operator kBatchOneHot = CalledRow("BatchOneHot", {3, 3}, InferLike0, CallBatchOneHot, {},
                                        "one-hot columns for the values that each column may have");
const Operator kSegmentOneHot =
    CalledRow("SegmentOneHot", {3, 3}, InferTypes<kFloat>, CallSegmentOneHot, {},
              "a row a segment with ones at its ids");
const Operator kBatchBucketOneHot =
    CalledRow("BatchBucketOneHot", {3, 3}, InferTypes<kFloat>, CallBatchBucketOneHot, {},
              "one-hot columns for the buckets that each column's boundaries make");
const Operator kBatchBucketize = CalledRow("BatchBucketize", {4, 4}, InferTypes<kInt32>,
                                           CallBatchBucketize, {}, "buckets of some columns");
const Operator kAccumulateHistogram =
    CalledRow("AccumulateHistogram", {1, 1, 2, 2}, InferTypes<kInt64>, CallAccumulateHistogram,
              kHistogramArgs, "how many values fall into each of equal buckets");
const Operator kStumpFunc = CalledRow("StumpFunc", {}, InferFirstInput, CallStumpFunc, kStumpArgs,
                                      "one of two values, by a threshold");
const Operator kStumpFuncIndex =
    CalledRow("StumpFuncIndex", {1, 1, 2, 2}, InferTypes<kInt64>, CallStumpFuncIndex, kStumpArgs,
              "positions up to and above a threshold");
const Operator kPercentile = CalledRow("Percentile", {3, 3}, InferFirstInput, CallPercentile, {},
                                       "percentiles by points of each column's distribution");
const Operator kIndexHash =
    CalledRow("IndexHash", {}, InferFirstInput, CallIndexHash, kHashArgs, "integers, hashed");
const Operator kNGramFromCategorical =
    CalledRow("NGramFromCategorical", {}, InferTypes<kInt64>, CallNGramFromCategorical, kNGramArgs,
              "the number of each row's combination of categories");
const Operator kFlexibleTopK =
    CalledRow("FlexibleTopK", {2, 2, 2, 2}, InferTypes<kFloat, kInt64>, CallFlexibleTopK, {},
              "the greatest of each row, another number of them for each");

}  // namespace doppio::operators
