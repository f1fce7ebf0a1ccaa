// Caffe2's operators on ragged data: rows of several sequences one after the other, and the lengths
// of the sequences. Packing, padding, picking and describing them.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/message.h"
#include "runtime/operators/host_rows.h"
#include "runtime/operators/infer_context.h"
#include "runtime/operators/rows.h"
#include "runtime/operators/scalar_input.h"

namespace doppio::operators {
namespace {

using base::Cat;
using Numbers = base::Array<int64_t>;
constexpr auto kInt32 = ElementType::kInt32;

std::span<const int64_t> All(const Numbers& numbers) { return {numbers.data(), numbers.size()}; }

int64_t Greatest(const Numbers& numbers) {
  return numbers.empty() ? 0 : *std::max_element(numbers.begin(), numbers.end());
}

Status Push(Numbers* numbers, int64_t value) { return numbers->Append(value); }

Status PushRange(Numbers* numbers, int64_t begin, int64_t count) {
  for (int64_t i = 0; i < count; ++i) DOPPIO_RETURN_IF_ERROR(Push(numbers, begin + i));
  return {};
}

Status WantRows(const CallContext& c, size_t i) {
  if (c.input(i)->dims.rank() >= 1) return {};
  return InvalidArgument(Cat("input ", i, " has no rows"));
}

// An integer of the type of input `i`.
Status SetLike(CallContext& c, size_t output, size_t i, const Numbers& values) {
  return SetIntegers(c, output, c.input(i)->type, All(values));
}

// --- what lengths say
// ------------------------------------------------------------------------------

Status CallLengthsToSegmentIds(CallContext& c) {
  Numbers lengths, ids;
  DOPPIO_RETURN_IF_ERROR(ReadLengths(*c.input(0), -1, &lengths));
  for (size_t i = 0; i < lengths.size(); ++i) {
    for (int64_t j = 0; j < lengths[i]; ++j) {
      DOPPIO_RETURN_IF_ERROR(Push(&ids, static_cast<int64_t>(i)));
    }
  }
  return SetIntegers(c, 0, kInt32, All(ids));
}

// Begin and length of each segment.
Status SetRanges(CallContext& c, const Numbers& lengths) {
  Numbers ranges;
  int64_t begin = 0;
  for (const int64_t length : lengths) {
    DOPPIO_RETURN_IF_ERROR(Push(&ranges, begin));
    DOPPIO_RETURN_IF_ERROR(Push(&ranges, length));
    begin += length;
  }
  return SetIntegers(c, 0, kInt32, All(ranges), {static_cast<int64_t>(lengths.size()), 2});
}

Status CallLengthsToRanges(CallContext& c) {
  Numbers lengths;
  DOPPIO_RETURN_IF_ERROR(ReadLengths(*c.input(0), -1, &lengths));
  return SetRanges(c, lengths);
}

// How often each id from 0 on stands among sorted ids.
Status CountIds(const CallContext& c, Numbers* lengths) {
  Numbers ids;
  DOPPIO_RETURN_IF_ERROR(ReadIntegers(*c.input(0), "segment ids", &ids));
  constexpr int64_t kMostGap = 1 << 24;
  for (size_t i = 0; i < ids.size(); ++i) {
    const auto known = static_cast<int64_t>(lengths->size());
    if (ids[i] + 1 < known || ids[i] > known + kMostGap) {
      return ComputeError(Cat("segment id ", ids[i], " at ", i, " does not follow ", known - 1));
    }
    while (static_cast<int64_t>(lengths->size()) <= ids[i]) {
      DOPPIO_RETURN_IF_ERROR(Push(lengths, 0));
    }
    ++(*lengths)[lengths->size() - 1];
  }
  return {};
}

Status CallSegmentIdsToLengths(CallContext& c) {
  Numbers lengths;
  DOPPIO_RETURN_IF_ERROR(CountIds(c, &lengths));
  return SetIntegers(c, 0, kInt32, All(lengths));
}

Status CallSegmentIdsToRanges(CallContext& c) {
  Numbers lengths;
  DOPPIO_RETURN_IF_ERROR(CountIds(c, &lengths));
  return SetRanges(c, lengths);
}

Status CallLengthsToWeights(CallContext& c) {
  Numbers lengths;
  float power = 0;
  DOPPIO_RETURN_IF_ERROR(c.args.Float("power", &power));
  DOPPIO_RETURN_IF_ERROR(ReadLengths(*c.input(0), -1, &lengths));
  int64_t total = 0;
  for (const int64_t length : lengths) total += length;
  DOPPIO_ASSIGN_OR_RETURN(void* const memory, c.SetTensor(0, ElementType::kFloat, {total}));
  auto* y = static_cast<float*>(memory);
  for (const int64_t length : lengths) {
    const auto weight =
        static_cast<float>(1 / std::pow(static_cast<double>(length), static_cast<double>(power)));
    y = std::fill_n(y, length, weight);
  }
  return {};
}

Status CallLengthsRangeFill(CallContext& c) {
  Numbers lengths, values;
  DOPPIO_RETURN_IF_ERROR(ReadLengths(*c.input(0), -1, &lengths));
  for (const int64_t length : lengths) DOPPIO_RETURN_IF_ERROR(PushRange(&values, 0, length));
  return SetIntegers(c, 0, kInt32, All(values));
}

// [segments, length] of lengths that are all equal.
Status CallLengthsToShape(CallContext& c) {
  Numbers lengths;
  DOPPIO_RETURN_IF_ERROR(ReadLengths(*c.input(0), -1, &lengths));
  for (const int64_t length : lengths) {
    if (length != lengths[0]) {
      return ComputeError(Cat("lengths ", lengths[0], " and ", length, " make no shape"));
    }
  }
  const int64_t shape[] = {static_cast<int64_t>(lengths.size()), lengths.empty() ? 0 : lengths[0]};
  return SetIntegers(c, 0, kInt32, shape);
}

// Each length in n parts that differ by at most one, greater ones first.
Status CallLengthsSplit(CallContext& c) {
  Numbers lengths, parts;
  int64_t n = 0;
  if (c.HasInput(1)) {
    DOPPIO_RETURN_IF_ERROR(ReadScalar(c, 1, &n));
  } else {
    DOPPIO_RETURN_IF_ERROR(c.args.Int("n_split", &n));
  }
  if (n < 1 || n > INT32_MAX) return InvalidArgument(Cat("it splits lengths in ", n, " parts"));
  DOPPIO_RETURN_IF_ERROR(ReadLengths(*c.input(0), -1, &lengths));
  for (const int64_t length : lengths) {
    // ceil(length / n) each, what is left last.
    const int64_t part = (length + n - 1) / n;
    for (int64_t i = 0; i < n; ++i) {
      DOPPIO_RETURN_IF_ERROR(Push(&parts, std::clamp<int64_t>(length - i * part, 0, part)));
    }
  }
  return SetIntegers(c, 0, kInt32, All(parts));
}

// --- rows of segments
// ------------------------------------------------------------------------------

Status CallLengthsTile(CallContext& c) {
  Numbers lengths, rows;
  DOPPIO_RETURN_IF_ERROR(WantRows(c, 0));
  DOPPIO_RETURN_IF_ERROR(ReadLengths(*c.input(1), -1, &lengths));
  if (static_cast<int64_t>(lengths.size()) != c.input(0)->dims[0]) {
    return InvalidArgument(Cat(lengths.size(), " lengths for ", c.input(0)->dims[0], " rows"));
  }
  for (size_t i = 0; i < lengths.size(); ++i) {
    for (int64_t j = 0; j < lengths[i]; ++j) {
      DOPPIO_RETURN_IF_ERROR(Push(&rows, static_cast<int64_t>(i)));
    }
  }
  return SetRows(c, 0, *c.input(0), All(rows), {static_cast<int64_t>(rows.size())});
}

// Where each segment begins.
Status Begins(const Numbers& lengths, Numbers* begins) {
  int64_t begin = 0;
  for (const int64_t length : lengths) {
    DOPPIO_RETURN_IF_ERROR(Push(begins, begin));
    begin += length;
  }
  return {};
}

Status CallLengthsGather(CallContext& c) {
  Numbers lengths, begins, wanted, rows;
  DOPPIO_RETURN_IF_ERROR(WantRows(c, 0));
  DOPPIO_RETURN_IF_ERROR(ReadLengths(*c.input(1), c.input(0)->dims[0], &lengths));
  DOPPIO_RETURN_IF_ERROR(ReadIntegers(*c.input(2), "indices", &wanted));
  DOPPIO_RETURN_IF_ERROR(Begins(lengths, &begins));
  for (const int64_t segment : wanted) {
    if (segment < 0 || segment >= static_cast<int64_t>(lengths.size())) {
      return ComputeError(Cat("index ", segment, " is outside [0, ", lengths.size(), ")"));
    }
    const auto at = static_cast<size_t>(segment);
    DOPPIO_RETURN_IF_ERROR(PushRange(&rows, begins[at], lengths[at]));
  }
  return SetRows(c, 0, *c.input(0), All(rows), {static_cast<int64_t>(rows.size())});
}

// The k greatest of each segment and where in it they stand; 0 and -1 where there are fewer.
Status CallLengthsTopK(CallContext& c) {
  const HostValue& x = *c.input(0);
  Numbers lengths, order;
  int64_t k = 0;
  DOPPIO_RETURN_IF_ERROR(c.args.IntIn("k", 1, INT32_MAX, &k));
  if (x.type != ElementType::kFloat || x.dims.rank() != 1) {
    return InvalidArgument(Cat("input 0 must be floats of one dimension, it is ", x.type, x.dims));
  }
  DOPPIO_RETURN_IF_ERROR(ReadLengths(*c.input(1), x.dims[0], &lengths));
  const Dims dims({static_cast<int64_t>(lengths.size()), k});
  DOPPIO_ASSIGN_OR_RETURN(void* const values, c.SetTensor(0, x.type, dims));
  DOPPIO_ASSIGN_OR_RETURN(void* const indices, c.SetTensor(1, kInt32, dims));
  auto* value = static_cast<float*>(values);
  auto* index = static_cast<int32_t*>(indices);
  const float* row = x.as<float>();
  for (const int64_t length : lengths) {
    order.clear();
    DOPPIO_RETURN_IF_ERROR(PushRange(&order, 0, length));
    std::sort(order.begin(), order.end(),
              [row](int64_t a, int64_t b) { return row[a] != row[b] ? row[a] > row[b] : a < b; });
    for (int64_t i = 0; i < k; ++i) {
      const int64_t at = i < length ? order[static_cast<size_t>(i)] : -1;
      *value++ = at >= 0 ? row[at] : 0;
      *index++ = static_cast<int32_t>(at);
    }
    row += length;
  }
  return {};
}

Status CallSplitByLengths(CallContext& c) {
  const HostValue& x = *c.input(0);
  Numbers sizes;
  int64_t axis = 0;
  const int rank = x.dims.rank();
  DOPPIO_RETURN_IF_ERROR(c.args.IntIn("axis", -rank, rank - 1, &axis));
  const int at = static_cast<int>(axis < 0 ? axis + rank : axis);
  DOPPIO_RETURN_IF_ERROR(ReadLengths(*c.input(1), x.dims[at], &sizes));
  const size_t count = c.output_count();
  if (sizes.size() % count != 0) {
    return InvalidArgument(Cat(sizes.size(), " lengths for ", count, " outputs"));
  }
  const size_t run = sizes.size() / count;
  int64_t begin = 0, outer = 1;
  for (int i = 0; i < at; ++i) outer *= x.dims[i];
  const auto bytes = static_cast<size_t>(RowBytes(x, at + 1));
  for (size_t i = 0; i < count; ++i) {
    Dims dims = x.dims;
    dims[at] = 0;
    for (size_t j = i * run; j < (i + 1) * run; ++j) dims[at] += sizes[j];
    DOPPIO_ASSIGN_OR_RETURN(void* const memory, c.SetTensor(i, x.type, dims));
    const size_t part = static_cast<size_t>(dims[at]) * bytes;
    for (int64_t o = 0; o < outer && part > 0; ++o) {
      std::memcpy(static_cast<char*>(memory) + static_cast<size_t>(o) * part,
                  x.as<char>() + static_cast<size_t>(o * x.dims[at] + begin) * bytes, part);
    }
    begin += dims[at];
  }
  return {};
}

// --- packing
// ---------------------------------------------------------------------------------------

// [segments, longest, ...]: rows of each segment, filled up with 0 or minus infinity.
Status CallPackSegments(CallContext& c) {
  const HostValue& x = *c.input(1);
  Numbers lengths, rows;
  int64_t longest = -1;
  bool pad_minf = false;
  DOPPIO_RETURN_IF_ERROR(WantRows(c, 1));
  DOPPIO_RETURN_IF_ERROR(c.args.IntIn("max_length", -1, INT32_MAX, &longest));
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("pad_minf", &pad_minf));
  DOPPIO_RETURN_IF_ERROR(ReadLengths(*c.input(0), x.dims[0], &lengths));
  const int64_t greatest = Greatest(lengths);
  if (longest < 0) longest = greatest;
  if (longest < greatest) {
    return InvalidArgument(Cat("max_length is ", longest, ", a segment has ", greatest, " rows"));
  }
  base::Buffer fill;
  if (pad_minf) {
    if (x.type != ElementType::kFloat) return Unsupported("pad_minf for a type but float32");
    const auto bytes = static_cast<size_t>(RowBytes(x));
    DOPPIO_ASSIGN_OR_RETURN(fill, base::Buffer::Allocate(std::max<size_t>(bytes, 4), c.budget()));
    std::fill_n(fill.as<float>(), bytes / sizeof(float), -INFINITY);
  }
  const auto count = static_cast<int64_t>(lengths.size());
  int64_t begin = 0;
  for (const int64_t length : lengths) {
    DOPPIO_RETURN_IF_ERROR(PushRange(&rows, begin, length));
    for (int64_t i = length; i < longest; ++i) DOPPIO_RETURN_IF_ERROR(Push(&rows, -1));
    begin += length;
  }
  if (c.HasOutput(1)) {
    DOPPIO_ASSIGN_OR_RETURN(void* const mask, c.SetTensor(1, ElementType::kBool, {count, longest}));
    for (size_t i = 0; i < rows.size(); ++i) static_cast<bool*>(mask)[i] = rows[i] >= 0;
  }
  return SetRows(c, 0, x, All(rows), {count, longest}, pad_minf ? fill.data() : nullptr);
}

// The rows that segments really have, out of [segments, longest] or (time first) [longest,
// segments].
Status Unpack(CallContext& c, size_t data, size_t lengths_input, bool time_first) {
  const HostValue& x = *c.input(data);
  Numbers lengths, rows;
  if (x.dims.rank() < 2) return InvalidArgument(Cat("input ", data, " is not packed"));
  DOPPIO_RETURN_IF_ERROR(ReadLengths(*c.input(lengths_input), -1, &lengths));
  const int64_t count = x.dims[time_first ? 1 : 0], longest = x.dims[time_first ? 0 : 1];
  if (static_cast<int64_t>(lengths.size()) != count || Greatest(lengths) > longest) {
    return InvalidArgument(Cat("the lengths do not fit the packed ", x.dims));
  }
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t j = 0; j < lengths[static_cast<size_t>(i)]; ++j) {
      DOPPIO_RETURN_IF_ERROR(Push(&rows, time_first ? j * count + i : i * longest + j));
    }
  }
  return SetRows(c, 0, x, All(rows), {static_cast<int64_t>(rows.size())}, nullptr, 2);
}

Status CallUnpackSegments(CallContext& c) { return Unpack(c, 1, 0, false); }
Status CallUnpackRnnSequence(CallContext& c) { return Unpack(c, 0, 1, true); }

Status CallPackRnnSequence(CallContext& c) {
  const HostValue& x = *c.input(0);
  Numbers lengths, begins, rows;
  DOPPIO_RETURN_IF_ERROR(WantRows(c, 0));
  DOPPIO_RETURN_IF_ERROR(ReadLengths(*c.input(1), x.dims[0], &lengths));
  DOPPIO_RETURN_IF_ERROR(Begins(lengths, &begins));
  const int64_t longest = Greatest(lengths);
  for (int64_t t = 0; t < longest; ++t) {
    for (size_t i = 0; i < lengths.size(); ++i) {
      DOPPIO_RETURN_IF_ERROR(Push(&rows, t < lengths[i] ? begins[i] + t : -1));
    }
  }
  return SetRows(c, 0, x, All(rows), {longest, static_cast<int64_t>(lengths.size())});
}

// x [time, batch, ...] with the steps of each of the batch picked by step(t, length).
template <class Step>
Status PickSteps(CallContext& c, Step step) {
  const HostValue& x = *c.input(0);
  Numbers lengths, rows;
  if (x.dims.rank() < 2) return InvalidArgument(Cat("input 0 ", x.dims, " has no batch"));
  const int64_t time = x.dims[0], batch = x.dims[1];
  DOPPIO_RETURN_IF_ERROR(ReadLengths(*c.input(1), -1, &lengths));
  if (static_cast<int64_t>(lengths.size()) != batch || Greatest(lengths) > time) {
    return InvalidArgument(Cat("the lengths do not fit ", x.dims));
  }
  for (int64_t t = 0; t < time; ++t) {
    for (int64_t i = 0; i < batch; ++i) {
      const int64_t from = step(t, lengths[static_cast<size_t>(i)]);
      DOPPIO_RETURN_IF_ERROR(Push(&rows, from < 0 ? -1 : from * batch + i));
    }
  }
  return SetRows(c, 0, x, All(rows), {time, batch}, nullptr, 2);
}

Status CallReversePackedSegs(CallContext& c) {
  return PickSteps(c, [](int64_t t, int64_t length) { return t < length ? length - 1 - t : t; });
}
Status CallSequencePadding(CallContext& c) {
  return PickSteps(c, [](int64_t t, int64_t length) { return t < length ? t : -1; });
}

Status CallLengthsPad(CallContext& c) {
  const HostValue& x = *c.input(0);
  Numbers lengths, rows;
  float value = 0;
  int64_t target = -1;
  DOPPIO_RETURN_IF_ERROR(WantRows(c, 0));
  DOPPIO_RETURN_IF_ERROR(c.args.Float("padding_value", &value));
  DOPPIO_RETURN_IF_ERROR(c.args.IntIn("target_length", 1, INT32_MAX, &target));
  DOPPIO_RETURN_IF_ERROR(ReadLengths(*c.input(1), x.dims[0], &lengths));
  int64_t begin = 0;
  for (const int64_t length : lengths) {
    if (length > target) {
      return ComputeError(Cat("a segment of ", length, " rows is longer than ", target));
    }
    DOPPIO_RETURN_IF_ERROR(PushRange(&rows, begin, length));
    for (int64_t i = length; i < target; ++i) DOPPIO_RETURN_IF_ERROR(Push(&rows, -1));
    begin += length;
  }
  const auto bytes = static_cast<size_t>(RowBytes(x));
  DOPPIO_ASSIGN_OR_RETURN(base::Buffer fill,
                          base::Buffer::Allocate(std::max<size_t>(bytes, 8), c.budget()));
  switch (x.type) {
    case ElementType::kFloat:
      std::fill_n(fill.as<float>(), bytes / 4, value);
      break;
    case ElementType::kDouble:
      std::fill_n(fill.as<double>(), bytes / 8, static_cast<double>(value));
      break;
    case ElementType::kInt32:
      std::fill_n(fill.as<int32_t>(), bytes / 4, static_cast<int32_t>(value));
      break;
    case ElementType::kInt64:
      std::fill_n(fill.as<int64_t>(), bytes / 8, static_cast<int64_t>(value));
      break;
    default:
      return InvalidArgument(Cat("it cannot pad values of type ", x.type));
  }
  return SetRows(c, 0, x, All(rows), {static_cast<int64_t>(rows.size())}, fill.data());
}

// How many rows stand before and behind each segment.
Status ReadPadding(const CallContext& c, int64_t* before, int64_t* behind) {
  DOPPIO_RETURN_IF_ERROR(c.args.IntIn("padding_width", 0, INT32_MAX, before));
  DOPPIO_RETURN_IF_ERROR(c.args.IntIn("end_padding_width", -1, INT32_MAX, behind));
  if (*behind < 0) *behind = *before;
  return {};
}

// The lengths of input 1; without it all rows are one segment.
Status SegmentsOf(const CallContext& c, int64_t rows, Numbers* lengths) {
  if (c.HasInput(1)) return ReadLengths(*c.input(1), rows, lengths);
  return Push(lengths, rows);
}

Status SetChangedLengths(CallContext& c, const Numbers& lengths, int64_t more) {
  if (!c.HasOutput(1)) return {};
  Numbers changed;
  for (const int64_t length : lengths) DOPPIO_RETURN_IF_ERROR(Push(&changed, length + more));
  return SetIntegers(c, 1, kInt32, All(changed));
}

Status CallAddPadding(CallContext& c) {
  const HostValue& x = *c.input(0);
  Numbers lengths;
  int64_t before = 0, behind = 0;
  DOPPIO_RETURN_IF_ERROR(WantRows(c, 0));
  DOPPIO_RETURN_IF_ERROR(ReadPadding(c, &before, &behind));
  DOPPIO_RETURN_IF_ERROR(SegmentsOf(c, x.dims[0], &lengths));
  const HostValue* const head = c.HasInput(2) ? c.input(2) : nullptr;
  const HostValue* const tail = c.HasInput(3) ? c.input(3) : head;
  const auto bytes = static_cast<size_t>(RowBytes(x));
  for (const HostValue* const pad : {head, tail}) {
    if (pad != nullptr &&
        (pad->type != x.type || pad->count() * ElementBits(x.type) / 8 != RowBytes(x))) {
      return InvalidArgument(
          Cat("padding ", pad->type, pad->dims, " is no row of ", x.type, x.dims));
    }
  }
  Dims dims = x.dims;
  dims[0] += (before + behind) * static_cast<int64_t>(lengths.size());
  DOPPIO_ASSIGN_OR_RETURN(void* const memory, c.SetTensor(0, x.type, dims));
  auto* to = static_cast<char*>(memory);
  const char* from = x.as<char>();
  const auto pad = [&](const HostValue* row, int64_t count) {
    for (int64_t i = 0; i < count && bytes > 0; ++i, to += bytes) {
      if (row != nullptr) {
        std::memcpy(to, row->data, bytes);
      } else {
        std::memset(to, 0, bytes);
      }
    }
  };
  for (const int64_t length : lengths) {
    pad(head, before);
    const size_t part = static_cast<size_t>(length) * bytes;
    if (part > 0) std::memcpy(to, from, part);
    to += part;
    from += part;
    pad(tail, behind);
  }
  return SetChangedLengths(c, lengths, before + behind);
}

Status CallRemovePadding(CallContext& c) {
  const HostValue& x = *c.input(0);
  Numbers lengths, rows;
  int64_t before = 0, behind = 0, begin = 0;
  DOPPIO_RETURN_IF_ERROR(WantRows(c, 0));
  DOPPIO_RETURN_IF_ERROR(ReadPadding(c, &before, &behind));
  DOPPIO_RETURN_IF_ERROR(SegmentsOf(c, x.dims[0], &lengths));
  for (const int64_t length : lengths) {
    if (length < before + behind) {
      return ComputeError(
          Cat("a segment of ", length, " rows holds no padding of ", before + behind));
    }
    DOPPIO_RETURN_IF_ERROR(PushRange(&rows, begin + before, length - before - behind));
    begin += length;
  }
  DOPPIO_RETURN_IF_ERROR(SetChangedLengths(c, lengths, -before - behind));
  return SetRows(c, 0, x, All(rows), {static_cast<int64_t>(rows.size())});
}

// The sums of the rows that pad the segments: those before, and those behind them if both are
// wanted apart.
Status CallGatherPadding(CallContext& c) {
  const HostValue& x = *c.input(0);
  Numbers lengths;
  int64_t before = 0, behind = 0, begin = 0;
  DOPPIO_RETURN_IF_ERROR(WantRows(c, 0));
  DOPPIO_RETURN_IF_ERROR(ReadPadding(c, &before, &behind));
  DOPPIO_RETURN_IF_ERROR(SegmentsOf(c, x.dims[0], &lengths));
  if (x.type != ElementType::kFloat) return InvalidArgument("it sums floats");
  const bool apart = c.HasOutput(1);
  const int64_t width = RowBytes(x) / 4;
  Dims dims;
  for (int i = 1; i < x.dims.rank(); ++i) dims.push_back(x.dims[i]);
  DOPPIO_ASSIGN_OR_RETURN(void* const first, c.SetTensor(0, x.type, dims));
  DOPPIO_ASSIGN_OR_RETURN(void* const second, c.SetTensor(1, x.type, dims));
  auto* const head = static_cast<float*>(first);
  auto* const tail = apart ? static_cast<float*>(second) : head;
  std::fill_n(head, width, 0.0f);
  std::fill_n(tail, width, 0.0f);
  const auto add = [&](float* sum, int64_t row) {
    for (int64_t i = 0; i < width; ++i) sum[i] += x.as<float>()[row * width + i];
  };
  for (const int64_t length : lengths) {
    if (length < before + behind) {
      return ComputeError(
          Cat("a segment of ", length, " rows holds no padding of ", before + behind));
    }
    for (int64_t i = 0; i < before; ++i) add(head, begin + i);
    for (int64_t i = 0; i < behind; ++i) add(tail, begin + length - 1 - i);
    begin += length;
  }
  return {};
}

// --- ranges, blocks, partitions
// --------------------------------------------------------------------

// The ranges [examples, ranges, begin and length] of input 1, checked against the rows of input 0.
Status ReadRanges(const CallContext& c, Numbers* ranges, int64_t* examples, int64_t* each) {
  const HostValue& r = *c.input(1);
  DOPPIO_RETURN_IF_ERROR(WantRows(c, 0));
  if (r.type != kInt32 || r.dims.rank() != 3 || r.dims[2] != 2) {
    return InvalidArgument(
        Cat("ranges must be int32[examples, ranges, 2], they are ", r.type, r.dims));
  }
  *examples = r.dims[0];
  *each = r.dims[1];
  const int64_t rows = c.input(0)->dims[0];
  for (int64_t i = 0; i < r.count(); i += 2) {
    const int64_t begin = r.as<int32_t>()[i], length = r.as<int32_t>()[i + 1];
    if (begin < 0 || length < 0 || begin + length > rows) {
      return ComputeError(
          Cat("a range of ", length, " rows from ", begin, " on; there are ", rows));
    }
    DOPPIO_RETURN_IF_ERROR(Push(ranges, begin));
    DOPPIO_RETURN_IF_ERROR(Push(ranges, length));
  }
  return {};
}

Status CallGatherRanges(CallContext& c) {
  Numbers ranges, rows, lengths;
  int64_t examples = 0, each = 0;
  DOPPIO_RETURN_IF_ERROR(ReadRanges(c, &ranges, &examples, &each));
  size_t at = 0;
  for (int64_t i = 0; i < examples; ++i) {
    int64_t sum = 0;
    for (int64_t j = 0; j < each; ++j, at += 2) {
      DOPPIO_RETURN_IF_ERROR(PushRange(&rows, ranges[at], ranges[at + 1]));
      sum += ranges[at + 1];
    }
    DOPPIO_RETURN_IF_ERROR(Push(&lengths, sum));
  }
  DOPPIO_RETURN_IF_ERROR(SetIntegers(c, 1, kInt32, All(lengths)));
  return SetRows(c, 0, *c.input(0), All(rows), {static_cast<int64_t>(rows.size())});
}

// Each range as an output of its own, of a stated length; empty ranges give 0. With keys, the rows
// of a range come in the order of their keys.
Status CallGatherRangesToDense(CallContext& c) {
  Numbers ranges;
  int64_t examples = 0, each = 0;
  const std::span<const int64_t> stated = c.args.Ints("lengths");
  DOPPIO_RETURN_IF_ERROR(ReadRanges(c, &ranges, &examples, &each));
  if (stated.size() != static_cast<size_t>(each) || stated.size() != c.output_count()) {
    return InvalidArgument(
        Cat(stated.size(), " lengths for ", each, " ranges and ", c.output_count(), " outputs"));
  }
  const HostValue* const keys = c.HasInput(2) ? c.input(2) : nullptr;
  if (keys != nullptr &&
      (keys->type != ElementType::kInt64 || keys->count() != c.input(0)->dims[0])) {
    return InvalidArgument("keys must be one int64 a row");
  }
  for (size_t range = 0; range < stated.size(); ++range) {
    Numbers rows;
    for (int64_t i = 0; i < examples; ++i) {
      const size_t at = (static_cast<size_t>(i * each) + range) * 2;
      const int64_t begin = ranges[at], length = ranges[at + 1];
      if (length != 0 && length != stated[range]) {
        return ComputeError(
            Cat("range ", range, " has ", length, " rows, ", stated[range], " are stated"));
      }
      const size_t first = rows.size();
      for (int64_t j = 0; j < stated[range]; ++j) {
        DOPPIO_RETURN_IF_ERROR(Push(&rows, length == 0 ? -1 : begin + j));
      }
      if (keys != nullptr && length != 0) {
        std::sort(rows.begin() + first, rows.end(), [keys](int64_t a, int64_t b) {
          return keys->as<int64_t>()[a] < keys->as<int64_t>()[b];
        });
      }
    }
    DOPPIO_RETURN_IF_ERROR(SetRows(c, range, *c.input(0), All(rows), {examples, stated[range]}));
  }
  return {};
}

Status CallRemoveDataBlocks(CallContext& c) {
  Numbers removed, rows;
  DOPPIO_RETURN_IF_ERROR(WantRows(c, 0));
  DOPPIO_RETURN_IF_ERROR(ReadIntegers(*c.input(1), "indices", &removed));
  std::sort(removed.begin(), removed.end());
  for (int64_t row = 0; row < c.input(0)->dims[0]; ++row) {
    if (!std::binary_search(removed.begin(), removed.end(), row)) {
      DOPPIO_RETURN_IF_ERROR(Push(&rows, row));
    }
  }
  return SetRows(c, 0, *c.input(0), All(rows), {static_cast<int64_t>(rows.size())});
}

// --- masks
// -----------------------------------------------------------------------------------------

Status WantMask(const HostValue& mask, int64_t count) {
  if (mask.type == ElementType::kBool && mask.dims.rank() == 1 && mask.dims[0] == count) return {};
  return InvalidArgument(Cat("the mask must be bool[", count, "], it is ", mask.type, mask.dims));
}

Status CallBooleanMask(CallContext& c) {
  const HostValue &x = *c.input(0), &mask = *c.input(1);
  Numbers rows;
  DOPPIO_RETURN_IF_ERROR(WantRows(c, 0));
  DOPPIO_RETURN_IF_ERROR(WantMask(mask, x.dims[0]));
  for (int64_t i = 0; i < x.dims[0]; ++i) {
    if (mask.as<uint8_t>()[i] != 0) DOPPIO_RETURN_IF_ERROR(Push(&rows, i));
  }
  DOPPIO_RETURN_IF_ERROR(SetIntegers(c, 1, ElementType::kInt64, All(rows)));
  return SetRows(c, 0, x, All(rows), {static_cast<int64_t>(rows.size())});
}

Status CallBooleanMaskLengths(CallContext& c) {
  const HostValue& mask = *c.input(1);
  Numbers lengths, kept;
  DOPPIO_RETURN_IF_ERROR(ReadLengths(*c.input(0), mask.count(), &lengths));
  DOPPIO_RETURN_IF_ERROR(WantMask(mask, mask.count()));
  int64_t at = 0;
  for (const int64_t length : lengths) {
    int64_t count = 0;
    for (int64_t i = 0; i < length; ++i) count += mask.as<uint8_t>()[at++] != 0 ? 1 : 0;
    DOPPIO_RETURN_IF_ERROR(Push(&kept, count));
  }
  return SetLike(c, 0, 0, kept);
}

// Pairs of mask and values: each position takes the next value of the first mask that has it.
Status CallBooleanUnmask(CallContext& c) {
  if (c.input_count() % 2 != 0) return InvalidArgument("it takes pairs of masks and values");
  const int64_t count = c.input(0)->count();
  const HostValue& first = *c.input(1);
  const auto bytes = static_cast<size_t>(RowBytes(first));
  Dims dims = first.dims;
  if (dims.rank() != 1) return Unsupported("values of more than one dimension");
  dims[0] = count;
  Numbers next;
  DOPPIO_RETURN_IF_ERROR(next.Resize(c.input_count()));
  for (size_t i = 0; i < c.input_count(); i += 2) {
    DOPPIO_RETURN_IF_ERROR(WantMask(*c.input(i), count));
    if (c.input(i + 1)->type != first.type) return InvalidArgument("values differ in type");
  }
  DOPPIO_ASSIGN_OR_RETURN(void* const memory, c.SetTensor(0, first.type, dims));
  for (int64_t at = 0; at < count; ++at) {
    bool found = false;
    for (size_t i = 0; i < c.input_count(); i += 2) {
      if (c.input(i)->as<uint8_t>()[at] == 0) continue;
      const HostValue& values = *c.input(i + 1);
      if (next[i] >= values.count()) return ComputeError("a mask has more places than values");
      if (!found) {
        std::memcpy(static_cast<char*>(memory) + static_cast<size_t>(at) * bytes,
                    values.as<char>() + static_cast<size_t>(next[i]) * bytes, bytes);
      }
      ++next[i];
      found = true;
    }
    if (!found) return ComputeError(Cat("no mask has position ", at));
  }
  return {};
}

// --- indices
// ---------------------------------------------------------------------------------------

// Positions of the last of equal values, or `missing_value`.
Status CallFind(CallContext& c) {
  Numbers index, query, found;
  int64_t missing = -1;
  DOPPIO_RETURN_IF_ERROR(c.args.Int("missing_value", &missing));
  DOPPIO_RETURN_IF_ERROR(ReadIntegers(*c.input(0), "values", &index));
  DOPPIO_RETURN_IF_ERROR(ReadIntegers(*c.input(1), "queries", &query));
  for (const int64_t wanted : query) {
    int64_t at = static_cast<int64_t>(index.size()) - 1;
    while (at >= 0 && index[static_cast<size_t>(at)] != wanted) --at;
    DOPPIO_RETURN_IF_ERROR(Push(&found, at >= 0 ? at : missing));
  }
  return SetLike(c, 0, 0, found);
}

Status CallFindDuplicateElements(CallContext& c) {
  Numbers values, order, duplicates;
  DOPPIO_RETURN_IF_ERROR(ReadIntegers(*c.input(0), "values", &values));
  DOPPIO_RETURN_IF_ERROR(PushRange(&order, 0, static_cast<int64_t>(values.size())));
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return values[static_cast<size_t>(a)] < values[static_cast<size_t>(b)];
  });
  for (size_t i = 1; i < order.size(); ++i) {
    if (values[static_cast<size_t>(order[i])] == values[static_cast<size_t>(order[i - 1])]) {
      DOPPIO_RETURN_IF_ERROR(Push(&duplicates, order[i]));
    }
  }
  std::sort(duplicates.begin(), duplicates.end());
  return SetIntegers(c, 0, ElementType::kInt64, All(duplicates));
}

// The different values, sorted, and where each input value is among them.
Status CallUnique(CallContext& c) {
  Numbers values, unique, remap;
  DOPPIO_RETURN_IF_ERROR(ReadIntegers(*c.input(0), "values", &values));
  for (const int64_t value : values) DOPPIO_RETURN_IF_ERROR(Push(&unique, value));
  std::sort(unique.begin(), unique.end());
  const auto count =
      static_cast<size_t>(std::unique(unique.begin(), unique.end()) - unique.begin());
  DOPPIO_RETURN_IF_ERROR(unique.Resize(count));
  for (const int64_t value : values) {
    DOPPIO_RETURN_IF_ERROR(
        Push(&remap, std::lower_bound(unique.begin(), unique.end(), value) - unique.begin()));
  }
  DOPPIO_RETURN_IF_ERROR(SetIntegers(c, 1, kInt32, All(remap)));
  return SetLike(c, 0, 0, unique);
}

// Lists of ids of each example, several of them merged: sorted, without repetition.
Status CallMergeIdLists(CallContext& c) {
  if (c.input_count() % 2 != 0) return InvalidArgument("it takes pairs of lengths and values");
  base::Array<Numbers> lengths, values;
  Numbers merged, counts, begins;
  for (size_t i = 0; i < c.input_count(); i += 2) {
    Numbers own_lengths, own_values;
    DOPPIO_RETURN_IF_ERROR(ReadIntegers(*c.input(i + 1), "values", &own_values));
    DOPPIO_RETURN_IF_ERROR(
        ReadLengths(*c.input(i), static_cast<int64_t>(own_values.size()), &own_lengths));
    DOPPIO_RETURN_IF_ERROR(lengths.Append(std::move(own_lengths)));
    DOPPIO_RETURN_IF_ERROR(values.Append(std::move(own_values)));
    DOPPIO_RETURN_IF_ERROR(Push(&begins, 0));
    if (lengths[i / 2].size() != lengths[0].size()) {
      return InvalidArgument("the lists have different numbers of examples");
    }
  }
  for (size_t example = 0; example < lengths[0].size(); ++example) {
    Numbers ids;
    for (size_t list = 0; list < lengths.size(); ++list) {
      for (int64_t j = 0; j < lengths[list][example]; ++j) {
        const auto at = static_cast<size_t>(begins[list]++);
        DOPPIO_RETURN_IF_ERROR(Push(&ids, values[list][at]));
      }
    }
    std::sort(ids.begin(), ids.end());
    const auto end = std::unique(ids.begin(), ids.end());
    for (const int64_t* id = ids.begin(); id != end; ++id)
      DOPPIO_RETURN_IF_ERROR(Push(&merged, *id));
    DOPPIO_RETURN_IF_ERROR(Push(&counts, end - ids.begin()));
  }
  DOPPIO_RETURN_IF_ERROR(SetIntegers(c, 0, kInt32, All(counts)));
  return SetLike(c, 1, 1, merged);
}

// Values by their remainder: output i takes those of remainder i, divided if `pack_first_input`.
Status PartitionRows(CallContext& c, size_t first, size_t outputs, size_t main_input,
                     base::Array<Numbers>* rows) {
  const HostValue& main = *c.input(main_input);
  Numbers values;
  DOPPIO_RETURN_IF_ERROR(ReadIntegers(main, "values", &values));
  for (size_t i = 0; i < outputs; ++i) DOPPIO_RETURN_IF_ERROR(rows->Append(Numbers()));
  bool pack = false;
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("pack_first_input", &pack));
  const auto parts = static_cast<int64_t>(outputs);
  for (size_t i = 0; i < values.size(); ++i) {
    const int64_t part = (values[i] % parts + parts) % parts;
    DOPPIO_RETURN_IF_ERROR(Push(&(*rows)[static_cast<size_t>(part)], static_cast<int64_t>(i)));
  }
  const size_t kinds = c.input_count() - first;
  for (size_t part = 0; part < outputs; ++part) {
    for (size_t kind = 0; kind < kinds; ++kind) {
      const HostValue& x = *c.input(first + kind);
      if (x.dims.rank() < 1 || x.dims[0] != main.dims[0]) {
        return InvalidArgument("the inputs have different numbers of rows");
      }
      const size_t output = part * c.input_count() + first + kind;
      const Numbers& own = (*rows)[part];
      if (first + kind == main_input && pack) {
        Numbers packed;
        for (const int64_t row : own) {
          DOPPIO_RETURN_IF_ERROR(Push(&packed, values[static_cast<size_t>(row)] / parts));
        }
        DOPPIO_RETURN_IF_ERROR(SetLike(c, output, main_input, packed));
      } else {
        DOPPIO_RETURN_IF_ERROR(SetRows(c, output, x, All(own), {static_cast<int64_t>(own.size())}));
      }
    }
  }
  return {};
}

Status CallPartition(CallContext& c) {
  if (c.output_count() % c.input_count() != 0) {
    return InvalidArgument("its outputs are no multiple of its inputs");
  }
  base::Array<Numbers> rows;
  return PartitionRows(c, 0, c.output_count() / c.input_count(), 0, &rows);
}

// The same for rows grouped by the lengths of input 0.
Status CallLengthsPartition(CallContext& c) {
  if (c.output_count() % c.input_count() != 0) {
    return InvalidArgument("its outputs are no multiple of its inputs");
  }
  const size_t parts = c.output_count() / c.input_count();
  Numbers lengths;
  base::Array<Numbers> rows;
  DOPPIO_RETURN_IF_ERROR(ReadLengths(*c.input(0), c.input(1)->count(), &lengths));
  DOPPIO_RETURN_IF_ERROR(PartitionRows(c, 1, parts, 1, &rows));
  for (size_t part = 0; part < parts; ++part) {
    Numbers counts;
    int64_t end = 0;
    size_t at = 0;
    for (const int64_t length : lengths) {
      end += length;
      int64_t count = 0;
      for (; at < rows[part].size() && rows[part][at] < end; ++at) ++count;
      DOPPIO_RETURN_IF_ERROR(Push(&counts, count));
    }
    DOPPIO_RETURN_IF_ERROR(SetIntegers(c, part * c.input_count(), kInt32, All(counts)));
  }
  return {};
}

// --- the table
// -------------------------------------------------------------------------------------

// What an output is: an int32, a bool..., or of the type of an input.
struct OutputType {
  int input = -1;  // of that input
  ElementType type = ElementType::kUndefined;
};
constexpr OutputType Like(int input) { return {input, ElementType::kUndefined}; }
constexpr OutputType Of(ElementType type) { return {-1, type}; }

struct RaggedRow {
  std::string_view type;
  int min_inputs, max_inputs, min_outputs, max_outputs;
  OutputType first, others;
  Status (*call)(CallContext& context);
};

constexpr RaggedRow kRows[] = {
    {"LengthsToSegmentIds", 1, 1, 1, 1, Of(kInt32), {}, CallLengthsToSegmentIds},
    {"LengthsToRanges", 1, 1, 1, 1, Of(kInt32), {}, CallLengthsToRanges},
    {"SegmentIdsToLengths", 1, 2, 1, 1, Of(kInt32), {}, CallSegmentIdsToLengths},
    {"SegmentIdsToRanges", 1, 2, 1, 1, Of(kInt32), {}, CallSegmentIdsToRanges},
    {"LengthsToWeights", 1, 1, 1, 1, Of(ElementType::kFloat), {}, CallLengthsToWeights},
    {"LengthsRangeFill", 1, 1, 1, 1, Of(kInt32), {}, CallLengthsRangeFill},
    {"LengthsToShape", 1, 1, 1, 1, Of(kInt32), {}, CallLengthsToShape},
    {"LengthsSplit", 1, 2, 1, 1, Of(kInt32), {}, CallLengthsSplit},
    {"LengthsTile", 2, 2, 1, 1, Like(0), {}, CallLengthsTile},
    {"LengthsGather", 3, 3, 1, 1, Like(0), {}, CallLengthsGather},
    {"LengthsTopK", 2, 2, 2, 2, Like(0), Of(kInt32), CallLengthsTopK},
    {"SplitByLengths", 2, 2, 1, kVariadic, Like(0), Like(0), CallSplitByLengths},
    {"PackSegments", 2, 2, 1, 2, Like(1), Of(ElementType::kBool), CallPackSegments},
    {"UnpackSegments", 2, 2, 1, 1, Like(1), {}, CallUnpackSegments},
    {"PackRNNSequence", 2, 2, 1, 1, Like(0), {}, CallPackRnnSequence},
    {"UnpackRNNSequence", 2, 2, 1, 1, Like(0), {}, CallUnpackRnnSequence},
    {"ReversePackedSegs", 2, 2, 1, 1, Like(0), {}, CallReversePackedSegs},
    {"VariableLengthSequencePadding", 2, 2, 1, 1, Like(0), {}, CallSequencePadding},
    {"LengthsPad", 2, 2, 1, 1, Like(0), {}, CallLengthsPad},
    {"AddPadding", 1, 4, 1, 2, Like(0), Of(kInt32), CallAddPadding},
    {"RemovePadding", 1, 2, 1, 2, Like(0), Of(kInt32), CallRemovePadding},
    {"GatherPadding", 2, 2, 1, 2, Like(0), Like(0), CallGatherPadding},
    {"GatherRanges", 2, 2, 2, 2, Like(0), Of(kInt32), CallGatherRanges},
    {"GatherRangesToDense", 2, 3, 1, kVariadic, Like(0), Like(0), CallGatherRangesToDense},
    {"RemoveDataBlocks", 2, 2, 1, 1, Like(0), {}, CallRemoveDataBlocks},
    {"BooleanMask", 2, 2, 1, 2, Like(0), Of(ElementType::kInt64), CallBooleanMask},
    {"BooleanMaskLengths", 2, 2, 1, 1, Like(0), {}, CallBooleanMaskLengths},
    {"BooleanUnmask", 2, kVariadic, 1, 1, Like(1), {}, CallBooleanUnmask},
    {"Find", 2, 2, 1, 1, Like(0), {}, CallFind},
    {"FindDuplicateElements", 1, 1, 1, 1, Of(ElementType::kInt64), {}, CallFindDuplicateElements},
    {"Unique", 1, 1, 1, 2, Like(0), Of(kInt32), CallUnique},
    {"MergeIdLists", 2, kVariadic, 2, 2, Of(kInt32), Like(1), CallMergeIdLists},
    {"Partition", 1, kVariadic, 1, kVariadic, Like(0), {}, CallPartition},
    {"LengthsPartition", 2, kVariadic, 1, kVariadic, Of(kInt32), {}, CallLengthsPartition},
};

Status InferRagged(InferContext& c) {
  const RaggedRow* const row =
      std::find_if(std::begin(kRows), std::end(kRows),
                   [&](const RaggedRow& candidate) { return candidate.type == c.node().type; });
  for (size_t i = 0; i < c.node().outputs.size(); ++i) {
    OutputType type = i == 0 ? row->first : row->others;
    // Partitions repeat the types of the inputs.
    if (type.input < 0 && type.type == ElementType::kUndefined) {
      type = Like(static_cast<int>(i % c.input_count()));
    }
    if (type.input >= static_cast<int>(c.input_count()))
      return InvalidArgument("an input is missing");
    c.SetUnknownShape(i,
                      type.input >= 0 ? c.input(static_cast<size_t>(type.input)).type : type.type);
  }
  return {};
}

constexpr ArgSpec kArgs[] = {{"power", ArgKind::kFloat, 0.5},
                             {"n_split", ArgKind::kInt},
                             {"k", ArgKind::kInt},
                             {"axis", ArgKind::kInt},
                             {"order", ArgKind::kString, 0, "NCHW"},
                             {"max_length", ArgKind::kInt, -1},
                             {"pad_minf", ArgKind::kInt},
                             {"return_presence_mask", ArgKind::kInt},
                             {"padding_value", ArgKind::kFloat, -1},
                             {"target_length", ArgKind::kInt, -1},
                             {"padding_width", ArgKind::kInt, 1},
                             {"end_padding_width", ArgKind::kInt, -1},
                             {"lengths", ArgKind::kInts},
                             {"missing_value", ArgKind::kInt, -1},
                             {"pack_first_input", ArgKind::kInt}};

constexpr Operator Ragged(const RaggedRow& row) {
  return {.domain = "",
          .type = row.type,
          .min_inputs = row.min_inputs,
          .max_inputs = row.max_inputs,
          .min_outputs = row.min_outputs,
          .max_outputs = row.max_outputs,
          .layout = LayoutTrait::kRowMajor,
          .flags = kDataDependent,
          .infer = InferRagged,
          .lower = nullptr,
          .args = kArgs,
          .summary = "rows of sequences of different lengths",
          .call = row.call};
}

}  // namespace

const Operator kLengthsToSegmentIds = Ragged(kRows[0]);
const Operator kLengthsToRanges = Ragged(kRows[1]);
const Operator kSegmentIdsToLengths = Ragged(kRows[2]);
const Operator kSegmentIdsToRanges = Ragged(kRows[3]);
const Operator kLengthsToWeights = Ragged(kRows[4]);
const Operator kLengthsRangeFill = Ragged(kRows[5]);
const Operator kLengthsToShape = Ragged(kRows[6]);
const Operator kLengthsSplit = Ragged(kRows[7]);
const Operator kLengthsTile = Ragged(kRows[8]);
const Operator kLengthsGather = Ragged(kRows[9]);
const Operator kLengthsTopK = Ragged(kRows[10]);
const Operator kSplitByLengths = Ragged(kRows[11]);
const Operator kPackSegments = Ragged(kRows[12]);
const Operator kUnpackSegments = Ragged(kRows[13]);
const Operator kPackRnnSequence = Ragged(kRows[14]);
const Operator kUnpackRnnSequence = Ragged(kRows[15]);
const Operator kReversePackedSegs = Ragged(kRows[16]);
const Operator kVariableLengthSequencePadding = Ragged(kRows[17]);
const Operator kLengthsPad = Ragged(kRows[18]);
const Operator kAddPadding = Ragged(kRows[19]);
const Operator kRemovePadding = Ragged(kRows[20]);
const Operator kGatherPadding = Ragged(kRows[21]);
const Operator kGatherRanges = Ragged(kRows[22]);
const Operator kGatherRangesToDense = Ragged(kRows[23]);
const Operator kRemoveDataBlocks = Ragged(kRows[24]);
const Operator kBooleanMask = Ragged(kRows[25]);
const Operator kBooleanMaskLengths = Ragged(kRows[26]);
const Operator kBooleanUnmask = Ragged(kRows[27]);
const Operator kFind = Ragged(kRows[28]);
const Operator kFindDuplicateElements = Ragged(kRows[29]);
const Operator kCaffe2Unique = Ragged(kRows[30]);
const Operator kMergeIdLists = Ragged(kRows[31]);
const Operator kPartition = Ragged(kRows[32]);
const Operator kLengthsPartition = Ragged(kRows[33]);

}  // namespace doppio::operators
