// Caffe2's reductions of rows by segment: Lengths*, SortedSegment*, UnsortedSegment*, their Sparse
// forms, which pick the rows by index first (embedding bags), and rows quantised to 8 bits.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/half.h"
#include "base/message.h"
#include "runtime/operators/host_rows.h"
#include "runtime/operators/infer_context.h"
#include "runtime/operators/rows.h"

namespace doppio::operators {
namespace {

using base::Cat;

enum class Reducer : uint8_t { kSum, kMean, kMax, kLogSumExp, kLogMeanExp };
enum class Segments : uint8_t { kLengths, kSorted, kUnsorted };
enum class Weights : uint8_t { kNone, kEach, kByPosition };
enum class Rows : uint8_t { kPlain, k8Bits, kFused8Bits };  // 8 bits: scale and bias a row

struct Family {
  std::string_view type;
  Reducer reducer;
  Segments segments;
  bool sparse = false;
  Weights weights = Weights::kNone;
  Rows rows = Rows::kPlain;
};

constexpr Family kFamilies[] = {
    {"LengthsSum", Reducer::kSum, Segments::kLengths},
    {"LengthsMean", Reducer::kMean, Segments::kLengths},
    {"LengthsMax", Reducer::kMax, Segments::kLengths},
    {"LengthsWeightedSum", Reducer::kSum, Segments::kLengths, false, Weights::kEach},
    {"SparseLengthsSum", Reducer::kSum, Segments::kLengths, true},
    {"SparseLengthsMean", Reducer::kMean, Segments::kLengths, true},
    {"SparseLengthsWeightedSum", Reducer::kSum, Segments::kLengths, true, Weights::kEach},
    {"SparseLengthsPositionalWeightedSum", Reducer::kSum, Segments::kLengths, true,
     Weights::kByPosition},
    {"SparseLengthsSum8BitsRowwise", Reducer::kSum, Segments::kLengths, true, Weights::kNone,
     Rows::k8Bits},
    {"SparseLengthsMean8BitsRowwise", Reducer::kMean, Segments::kLengths, true, Weights::kNone,
     Rows::k8Bits},
    {"SparseLengthsWeightedSum8BitsRowwise", Reducer::kSum, Segments::kLengths, true,
     Weights::kEach, Rows::k8Bits},
    {"SparseLengthsWeightedMean8BitsRowwise", Reducer::kMean, Segments::kLengths, true,
     Weights::kEach, Rows::k8Bits},
    {"SparseLengthsSumFused8BitRowwise", Reducer::kSum, Segments::kLengths, true, Weights::kNone,
     Rows::kFused8Bits},
    {"SparseLengthsMeanFused8BitRowwise", Reducer::kMean, Segments::kLengths, true, Weights::kNone,
     Rows::kFused8Bits},
    {"SparseLengthsWeightedSumFused8BitRowwise", Reducer::kSum, Segments::kLengths, true,
     Weights::kEach, Rows::kFused8Bits},
    {"SortedSegmentSum", Reducer::kSum, Segments::kSorted},
    {"SortedSegmentMean", Reducer::kMean, Segments::kSorted},
    {"SortedSegmentWeightedSum", Reducer::kSum, Segments::kSorted, false, Weights::kEach},
    {"SortedSegmentRangeSum", Reducer::kSum, Segments::kSorted},
    {"SortedSegmentRangeMean", Reducer::kMean, Segments::kSorted},
    {"SortedSegmentRangeMax", Reducer::kMax, Segments::kSorted},
    {"SortedSegmentRangeLogSumExp", Reducer::kLogSumExp, Segments::kSorted},
    {"SortedSegmentRangeLogMeanExp", Reducer::kLogMeanExp, Segments::kSorted},
    {"SparseSortedSegmentSum", Reducer::kSum, Segments::kSorted, true},
    {"SparseSortedSegmentMean", Reducer::kMean, Segments::kSorted, true},
    {"SparseSortedSegmentWeightedSum", Reducer::kSum, Segments::kSorted, true, Weights::kEach},
    {"UnsortedSegmentSum", Reducer::kSum, Segments::kUnsorted},
    {"UnsortedSegmentMean", Reducer::kMean, Segments::kUnsorted},
    {"UnsortedSegmentWeightedSum", Reducer::kSum, Segments::kUnsorted, false, Weights::kEach},
    {"SparseUnsortedSegmentSum", Reducer::kSum, Segments::kUnsorted, true},
    {"SparseUnsortedSegmentMean", Reducer::kMean, Segments::kUnsorted, true},
    {"SparseUnsortedSegmentWeightedSum", Reducer::kSum, Segments::kUnsorted, true, Weights::kEach},
};

const Family& FamilyOf(std::string_view type) {
  return *std::find_if(std::begin(kFamilies), std::end(kFamilies),
                       [type](const Family& family) { return family.type == type; });
}

// Positions of the inputs: data, weights, indices, segments, scales and biases.
struct Inputs {
  size_t data = 0, weights = 0, indices = 0, segments = 1, scales = 0, count = 2;
};
constexpr Inputs InputsOf(const Family& family) {
  Inputs inputs;
  size_t at = 1;
  if (family.weights != Weights::kNone) inputs.weights = at++;
  if (family.sparse) inputs.indices = at++;
  inputs.segments = at++;
  if (family.rows == Rows::k8Bits) inputs.scales = at++;
  inputs.count = at;
  return inputs;
}

// Behind a fused row stand its scale and its bias, floats of any alignment.
constexpr int64_t kFusedBytes = 8;

Status InferSegmentReduce(InferContext& c) {
  const Family& family = FamilyOf(c.node().type);
  const Inputs inputs = InputsOf(family);
  const ValueFacts& data = c.input(0);
  const bool bytes = family.rows != Rows::kPlain;
  const ElementType type =
      bytes || data.type == ElementType::kFloat16 ? ElementType::kFloat : data.type;
  if (!data.has_shape) {
    c.SetUnknownShape(0, type);
    return {};
  }
  if (data.shape.rank < 1) return InvalidArgument(Cat(c.Describe(0), " has no rows"));
  Shape y = data.shape;
  y[0] = Dim();
  if (family.segments == Segments::kLengths && c.input(inputs.segments).has_shape &&
      c.input(inputs.segments).shape.rank == 1) {
    y[0] = c.input(inputs.segments).shape[0];
  }
  if (family.rows == Rows::kFused8Bits) {
    y[1] = c.symbols().Sub(y[1], Dim(kFusedBytes));
  }
  c.Set(0, type, y);
  return {};
}

// Which segment each item is in, and how many there are.
Status FindSegments(const Family& family, const CallContext& c, int64_t items,
                    const base::Array<int64_t>& stated, base::Array<int64_t>* segment,
                    int64_t* count) {
  if (family.segments == Segments::kLengths) {
    *count = static_cast<int64_t>(stated.size());
    int64_t left = items;
    for (int64_t i = 0; i < *count; ++i) {
      const int64_t length = stated[static_cast<size_t>(i)];
      if (length < 0 || length > left) {
        return ComputeError(
            Cat("length ", length, " of segment ", i, ": ", left, " rows are left of ", items));
      }
      left -= length;
      for (int64_t j = 0; j < length; ++j) DOPPIO_RETURN_IF_ERROR(segment->Append(i));
    }
    if (left == 0) return {};
    return ComputeError(Cat("the lengths leave ", left, " of ", items, " rows over"));
  }
  if (static_cast<int64_t>(stated.size()) != items) {
    return ComputeError(Cat(stated.size(), " segment ids for ", items, " rows"));
  }
  int64_t known = -1;
  if (family.segments == Segments::kUnsorted) {
    DOPPIO_RETURN_IF_ERROR(c.args.IntIn("num_segments", -1, INT32_MAX, &known));
  }
  int64_t greatest = -1;
  constexpr int64_t kMostSegments = int64_t{1} << 40;
  for (size_t i = 0; i < stated.size(); ++i) {
    const int64_t id = stated[i];
    if (id < 0 || id > kMostSegments || (known >= 0 && id >= known)) {
      return ComputeError(Cat("segment id ", id, " at ", i, " is out of range"));
    }
    if (family.segments == Segments::kSorted && id != greatest && id != greatest + 1) {
      return ComputeError(Cat("segment ids must count up from 0 without gaps; ", id, " at ", i,
                              " follows ", greatest));
    }
    greatest = std::max(greatest, id);
    DOPPIO_RETURN_IF_ERROR(segment->Append(id));
  }
  *count = known >= 0 ? known : greatest + 1;
  return {};
}

// Row `row` of the data as doubles.
class RowReader {
 public:
  RowReader(const Family& family, const HostValue& data, const HostValue* scales, int64_t width)
      : family_(family), data_(data), scales_(scales), width_(width) {}

  double At(int64_t row, int64_t i) const {
    switch (family_.rows) {
      case Rows::k8Bits: {
        const float* const scale = scales_->as<float>() + 2 * row;
        return static_cast<double>(scale[0] * static_cast<float>(Byte(row * width_ + i)) +
                                   scale[1]);
      }
      case Rows::kFused8Bits: {
        float scale[2];
        const int64_t begin = row * (width_ + kFusedBytes);
        std::memcpy(scale, data_.as<uint8_t>() + begin + width_, sizeof(scale));
        return static_cast<double>(scale[0] * static_cast<float>(Byte(begin + i)) + scale[1]);
      }
      case Rows::kPlain:
        break;
    }
    const int64_t at = row * width_ + i;
    switch (data_.type) {
      case ElementType::kFloat:
        return static_cast<double>(data_.as<float>()[at]);
      case ElementType::kDouble:
        return data_.as<double>()[at];
      case ElementType::kFloat16:
        return static_cast<double>(base::ToFloat(data_.as<base::Float16>()[at]));
      case ElementType::kInt32:
        return data_.as<int32_t>()[at];
      default:
        return static_cast<double>(data_.as<int64_t>()[at]);
    }
  }

 private:
  uint8_t Byte(int64_t i) const { return data_.as<uint8_t>()[i]; }

  const Family& family_;
  const HostValue& data_;
  const HostValue* scales_;
  int64_t width_;
};

bool IsTaken(const Family& family, ElementType type) {
  if (family.rows != Rows::kPlain) return type == ElementType::kUint8;
  return type == ElementType::kFloat || type == ElementType::kDouble ||
         type == ElementType::kFloat16 || type == ElementType::kInt32 ||
         type == ElementType::kInt64;
}

// What a call works on, checked.
struct Work {
  const RowReader* reader;
  const base::Array<int64_t>* rows;     // of each item
  const base::Array<int64_t>* segment;  // of each item
  const float* weights;                 // of each item or position, or null
  int64_t count, width;                 // of segments; of values a row
};

// Sums (or greatest values) of all segments and how many items each has.
template <class T>
Status Reduce(const Family& family, const Work& work, T* y) {
  base::Array<double> value;
  base::Array<int64_t> items;
  DOPPIO_RETURN_IF_ERROR(items.Resize(static_cast<size_t>(work.count)));
  DOPPIO_RETURN_IF_ERROR(value.Resize(static_cast<size_t>(work.count)));
  for (int64_t column = 0; column < work.width; ++column) {
    std::fill(items.begin(), items.end(), 0);
    std::fill(value.begin(), value.end(), 0.0);
    for (size_t i = 0; i < work.rows->size(); ++i) {
      const auto segment = static_cast<size_t>((*work.segment)[i]);
      double x = work.reader->At((*work.rows)[i], column);
      if (family.weights == Weights::kEach) x *= static_cast<double>(work.weights[i]);
      if (family.weights == Weights::kByPosition) {
        x *= static_cast<double>(work.weights[items[segment]]);
      }
      const bool first = items[segment]++ == 0;
      switch (family.reducer) {
        case Reducer::kMax:
          value[segment] = first ? x : std::max(value[segment], x);
          break;
        case Reducer::kLogSumExp:
        case Reducer::kLogMeanExp: {
          // value is ln(sum exp) so far.
          const double before = first ? -INFINITY : value[segment], top = std::max(before, x);
          value[segment] =
              std::isinf(top) ? top : top + std::log(std::exp(before - top) + std::exp(x - top));
          break;
        }
        default:
          value[segment] += x;
      }
    }
    for (int64_t s = 0; s < work.count; ++s) {
      const auto at = static_cast<size_t>(s);
      double result = value[at];
      const auto n = static_cast<double>(items[at]);
      if (items[at] > 0 && family.reducer == Reducer::kMean) result /= n;
      if (items[at] > 0 && family.reducer == Reducer::kLogMeanExp) result -= std::log(n);
      y[s * work.width + column] = static_cast<T>(result);
    }
  }
  return {};
}

Status CallSegmentReduce(CallContext& c) {
  const Family& family = FamilyOf(c.node().type);
  const Inputs inputs = InputsOf(family);
  const HostValue& data = *c.input(0);
  if (!IsTaken(family, data.type) || data.dims.rank() < 1 ||
      (family.rows != Rows::kPlain && data.dims.rank() != 2)) {
    return InvalidArgument(Cat("data of ", data.type, data.dims, " cannot be reduced"));
  }
  Work work{};
  work.width = 1;
  for (int i = 1; i < data.dims.rank(); ++i) work.width *= data.dims[i];
  if (family.rows == Rows::kFused8Bits) work.width -= kFusedBytes;
  if (work.width < 0) return InvalidArgument(Cat("rows of ", data.dims, " hold no scale"));
  const int64_t data_rows = data.dims[0];
  base::Array<int64_t> rows, stated, segment;
  if (family.sparse) {
    DOPPIO_RETURN_IF_ERROR(ReadIntegers(*c.input(inputs.indices), "indices", &rows));
    for (size_t i = 0; i < rows.size(); ++i) {
      if (rows[i] < 0 || rows[i] >= data_rows) {
        return ComputeError(Cat("index ", rows[i], " at ", i, " is outside [0, ", data_rows, ")"));
      }
    }
  } else {
    for (int64_t i = 0; i < data_rows; ++i) DOPPIO_RETURN_IF_ERROR(rows.Append(i));
  }
  const HostValue* const scales = inputs.scales != 0 ? c.input(inputs.scales) : nullptr;
  if (scales != nullptr &&
      (scales->type != ElementType::kFloat || !(scales->dims == Dims({data_rows, 2})))) {
    return InvalidArgument(
        Cat("scales and biases must be float32[", data_rows, ", 2], they are ", scales->dims));
  }
  const auto items = static_cast<int64_t>(rows.size());
  DOPPIO_RETURN_IF_ERROR(ReadIntegers(*c.input(inputs.segments), "segments", &stated));
  DOPPIO_RETURN_IF_ERROR(FindSegments(family, c, items, stated, &segment, &work.count));
  if (family.weights != Weights::kNone) {
    const HostValue& weights = *c.input(inputs.weights);
    int64_t wanted = items;
    if (family.weights == Weights::kByPosition) {
      wanted = stated.empty() ? 0 : *std::max_element(stated.begin(), stated.end());
    }
    const bool enough = family.weights == Weights::kByPosition ? weights.count() >= wanted
                                                               : weights.count() == wanted;
    if (weights.type != ElementType::kFloat || !enough) {
      return InvalidArgument(
          Cat("weights must be ", wanted, " floats, they are ", weights.type, weights.dims));
    }
    work.weights = weights.as<float>();
  }
  const RowReader reader(family, data, scales, work.width);
  work.reader = &reader;
  work.rows = &rows;
  work.segment = &segment;
  Dims dims = data.dims;
  dims[0] = work.count;
  if (family.rows == Rows::kFused8Bits) dims[1] = work.width;
  const bool bytes = family.rows != Rows::kPlain;
  const ElementType type =
      bytes || data.type == ElementType::kFloat16 ? ElementType::kFloat : data.type;
  DOPPIO_ASSIGN_OR_RETURN(void* const y, c.SetTensor(0, type, dims));
  switch (type) {
    case ElementType::kFloat:
      return Reduce(family, work, static_cast<float*>(y));
    case ElementType::kDouble:
      return Reduce(family, work, static_cast<double*>(y));
    case ElementType::kInt32:
      return Reduce(family, work, static_cast<int32_t*>(y));
    default:
      return Reduce(family, work, static_cast<int64_t*>(y));
  }
}

constexpr ArgSpec kArgs[] = {{"num_segments", ArgKind::kInt, -1},
                             {"num_reduce_dim", ArgKind::kInt, 1},
                             {"grad_on_weights", ArgKind::kInt}};

constexpr Operator SegmentReduce(const Family& family) {
  const int inputs = static_cast<int>(InputsOf(family).count);
  return {.domain = "",
          .type = family.type,
          .min_inputs = inputs,
          .max_inputs = inputs,
          .min_outputs = 1,
          .max_outputs = 1,
          .layout = LayoutTrait::kRowMajor,
          .flags = kPlain,
          .infer = InferSegmentReduce,
          .lower = nullptr,
          .args = kArgs,
          .summary = "reduces rows by segment",
          .call = CallSegmentReduce};
}

}  // namespace

const Operator kLengthsSum = SegmentReduce(kFamilies[0]);
const Operator kLengthsMean = SegmentReduce(kFamilies[1]);
const Operator kLengthsMax = SegmentReduce(kFamilies[2]);
const Operator kLengthsWeightedSum = SegmentReduce(kFamilies[3]);
const Operator kSparseLengthsSum = SegmentReduce(kFamilies[4]);
const Operator kSparseLengthsMean = SegmentReduce(kFamilies[5]);
const Operator kSparseLengthsWeightedSum = SegmentReduce(kFamilies[6]);
const Operator kSparseLengthsPositionalWeightedSum = SegmentReduce(kFamilies[7]);
const Operator kSparseLengthsSum8BitsRowwise = SegmentReduce(kFamilies[8]);
const Operator kSparseLengthsMean8BitsRowwise = SegmentReduce(kFamilies[9]);
const Operator kSparseLengthsWeightedSum8BitsRowwise = SegmentReduce(kFamilies[10]);
const Operator kSparseLengthsWeightedMean8BitsRowwise = SegmentReduce(kFamilies[11]);
const Operator kSparseLengthsSumFused8BitRowwise = SegmentReduce(kFamilies[12]);
const Operator kSparseLengthsMeanFused8BitRowwise = SegmentReduce(kFamilies[13]);
const Operator kSparseLengthsWeightedSumFused8BitRowwise = SegmentReduce(kFamilies[14]);
const Operator kSortedSegmentSum = SegmentReduce(kFamilies[15]);
const Operator kSortedSegmentMean = SegmentReduce(kFamilies[16]);
const Operator kSortedSegmentWeightedSum = SegmentReduce(kFamilies[17]);
const Operator kSortedSegmentRangeSum = SegmentReduce(kFamilies[18]);
const Operator kSortedSegmentRangeMean = SegmentReduce(kFamilies[19]);
const Operator kSortedSegmentRangeMax = SegmentReduce(kFamilies[20]);
const Operator kSortedSegmentRangeLogSumExp = SegmentReduce(kFamilies[21]);
const Operator kSortedSegmentRangeLogMeanExp = SegmentReduce(kFamilies[22]);
const Operator kSparseSortedSegmentSum = SegmentReduce(kFamilies[23]);
const Operator kSparseSortedSegmentMean = SegmentReduce(kFamilies[24]);
const Operator kSparseSortedSegmentWeightedSum = SegmentReduce(kFamilies[25]);
const Operator kUnsortedSegmentSum = SegmentReduce(kFamilies[26]);
const Operator kUnsortedSegmentMean = SegmentReduce(kFamilies[27]);
const Operator kUnsortedSegmentWeightedSum = SegmentReduce(kFamilies[28]);
const Operator kSparseUnsortedSegmentSum = SegmentReduce(kFamilies[29]);
const Operator kSparseUnsortedSegmentMean = SegmentReduce(kFamilies[30]);
const Operator kSparseUnsortedSegmentWeightedSum = SegmentReduce(kFamilies[31]);

}  // namespace doppio::operators
