// Unique of ONNX: the different values of a tensor, or the different slices along an axis.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "base/half.h"
#include "base/message.h"
#include "runtime/operators/call_context.h"
#include "runtime/operators/infer_context.h"
#include "runtime/operators/rows.h"

namespace doppio::operators {
namespace {

using base::Cat;

// Three-way comparison of elements `a` and `b`; NaN stands after all numbers.
template <class T>
int Compare(const T& a, const T& b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(a) || std::isnan(b))
      return static_cast<int>(std::isnan(a)) - static_cast<int>(std::isnan(b));
  }
  return a < b ? -1 : b < a ? 1 : 0;
}
int Compare(base::Float16 a, base::Float16 b) {
  return Compare(base::ToFloat(a), base::ToFloat(b));
}
int Compare(base::BFloat16 a, base::BFloat16 b) {
  return Compare(base::ToFloat(a), base::ToFloat(b));
}

// What is compared: `count` slices along an axis, each of outer x inner elements.
struct Slices {
  int64_t outer = 1, count = 1, inner = 1;
};

template <class T>
int CompareSlices(const T* x, const Slices& s, int64_t a, int64_t b) {
  for (int64_t outer = 0; outer < s.outer; ++outer) {
    for (int64_t inner = 0; inner < s.inner; ++inner) {
      const int order = Compare(x[(outer * s.count + a) * s.inner + inner],
                                x[(outer * s.count + b) * s.inner + inner]);
      if (order != 0) return order;
    }
  }
  return 0;
}

// Which slices are alike.
struct Groups {
  base::Array<int64_t> first;    // of each group: where it stood first
  base::Array<int64_t> count;    // ... and how many it has
  base::Array<int64_t> inverse;  // of each slice: its group
};

template <class T>
Status FindGroups(const T* x, const Slices& slices, bool sorted, Groups* groups) {
  base::Array<int64_t> order;
  DOPPIO_RETURN_IF_ERROR(order.Resize(static_cast<size_t>(slices.count)));
  DOPPIO_RETURN_IF_ERROR(groups->inverse.Resize(order.size()));
  std::iota(order.begin(), order.end(), int64_t{0});
  std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    const int compared = CompareSlices(x, slices, a, b);
    return compared != 0 ? compared < 0 : a < b;
  });
  for (size_t i = 0; i < order.size(); ++i) {
    const bool fresh = i == 0 || CompareSlices(x, slices, order[i - 1], order[i]) != 0;
    if (fresh) {
      DOPPIO_RETURN_IF_ERROR(groups->first.Append(order[i]));
      DOPPIO_RETURN_IF_ERROR(groups->count.Append(0));
    }
    ++groups->count[groups->count.size() - 1];
    groups->inverse[static_cast<size_t>(order[i])] = static_cast<int64_t>(groups->first.size()) - 1;
  }
  if (sorted) return {};
  // In the order of first appearance.
  base::Array<int64_t> by_place, rank;
  DOPPIO_RETURN_IF_ERROR(by_place.Resize(groups->first.size()));
  DOPPIO_RETURN_IF_ERROR(rank.Resize(groups->first.size()));
  std::iota(by_place.begin(), by_place.end(), int64_t{0});
  std::sort(by_place.begin(), by_place.end(), [&](int64_t a, int64_t b) {
    return groups->first[static_cast<size_t>(a)] < groups->first[static_cast<size_t>(b)];
  });
  Groups ordered;
  for (size_t i = 0; i < by_place.size(); ++i) {
    const auto group = static_cast<size_t>(by_place[i]);
    rank[group] = static_cast<int64_t>(i);
    DOPPIO_RETURN_IF_ERROR(ordered.first.Append(groups->first[group]));
    DOPPIO_RETURN_IF_ERROR(ordered.count.Append(groups->count[group]));
  }
  for (int64_t& group : groups->inverse) group = rank[static_cast<size_t>(group)];
  groups->first = std::move(ordered.first);
  groups->count = std::move(ordered.count);
  return {};
}

Status GroupsOf(const HostValue& x, const Slices& slices, bool sorted, Groups* groups) {
  switch (x.type) {
    case ElementType::kFloat:
      return FindGroups(x.as<float>(), slices, sorted, groups);
    case ElementType::kDouble:
      return FindGroups(x.as<double>(), slices, sorted, groups);
    case ElementType::kFloat16:
      return FindGroups(x.as<base::Float16>(), slices, sorted, groups);
    case ElementType::kBFloat16:
      return FindGroups(x.as<base::BFloat16>(), slices, sorted, groups);
    case ElementType::kInt8:
      return FindGroups(x.as<int8_t>(), slices, sorted, groups);
    case ElementType::kInt16:
      return FindGroups(x.as<int16_t>(), slices, sorted, groups);
    case ElementType::kInt32:
      return FindGroups(x.as<int32_t>(), slices, sorted, groups);
    case ElementType::kInt64:
      return FindGroups(x.as<int64_t>(), slices, sorted, groups);
    case ElementType::kBool:
    case ElementType::kUint8:
      return FindGroups(x.as<uint8_t>(), slices, sorted, groups);
    case ElementType::kUint16:
      return FindGroups(x.as<uint16_t>(), slices, sorted, groups);
    case ElementType::kUint32:
      return FindGroups(x.as<uint32_t>(), slices, sorted, groups);
    case ElementType::kUint64:
      return FindGroups(x.as<uint64_t>(), slices, sorted, groups);
    case ElementType::kString:
      return FindGroups(x.as<std::string_view>(), slices, sorted, groups);
    default:
      return InvalidArgument(Cat("it cannot compare values of type ", x.type));
  }
}

Status InferUnique(InferContext& c) {
  const ValueFacts& x = c.input(0);
  Shape y, list;
  list.push_back(Dim());
  y = list;
  if (c.args.Has("axis")) {
    int64_t named = 0;
    int axis = 0;
    DOPPIO_RETURN_IF_ERROR(c.args.Int("axis", &named));
    if (x.has_shape) {
      DOPPIO_RETURN_IF_ERROR(c.CanonicalAxis(named, x.shape.rank, &axis));
      y = x.shape;
      y[axis] = Dim();
    } else {
      c.SetUnknownShape(0, x.type);
    }
  }
  if (!c.args.Has("axis") || x.has_shape) c.Set(0, x.type, y);
  for (size_t i = 1; i < 4; ++i) c.Set(i, ElementType::kInt64, list);
  return {};
}

Status SetIntegers(CallContext& c, size_t i, const base::Array<int64_t>& values) {
  if (!c.HasOutput(i)) return {};
  DOPPIO_ASSIGN_OR_RETURN(
      void* const data, c.SetTensor(i, ElementType::kInt64, {static_cast<int64_t>(values.size())}));
  std::copy(values.begin(), values.end(), static_cast<int64_t*>(data));
  return {};
}

Status CallUnique(CallContext& c) {
  const HostValue& x = *c.input(0);
  bool sorted = true;
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("sorted", &sorted));
  Slices slices;
  slices.count = x.count();
  Dims dims({0});
  int axis = 0;
  if (c.args.Has("axis")) {
    int64_t named = 0;
    const int rank = x.dims.rank();
    DOPPIO_RETURN_IF_ERROR(c.args.Int("axis", &named));
    if (named < -rank || named >= rank) {
      return InvalidArgument(Cat("axis ", named, " does not exist in ", rank, " dimensions"));
    }
    axis = static_cast<int>(named < 0 ? named + rank : named);
    dims = x.dims;
    slices.count = dims[axis];
    for (int i = 0; i < axis; ++i) slices.outer *= dims[i];
    for (int i = axis + 1; i < rank; ++i) slices.inner *= dims[i];
  }
  Groups groups;
  DOPPIO_RETURN_IF_ERROR(GroupsOf(x, slices, sorted, &groups));
  const auto count = static_cast<int64_t>(groups.first.size());
  dims[axis] = count;
  if (c.HasOutput(0)) {
    const size_t run = static_cast<size_t>(slices.inner * (ElementBits(x.type) / 8));
    DOPPIO_ASSIGN_OR_RETURN(void* const data, c.SetTensor(0, x.type, dims));
    auto* to = static_cast<char*>(data);
    for (int64_t outer = 0; outer < slices.outer && run > 0; ++outer) {
      for (const int64_t slice : groups.first) {
        std::memcpy(to, x.as<char>() + static_cast<size_t>(outer * slices.count + slice) * run,
                    run);
        to += run;
      }
    }
  }
  DOPPIO_RETURN_IF_ERROR(SetIntegers(c, 1, groups.first));
  DOPPIO_RETURN_IF_ERROR(SetIntegers(c, 2, groups.inverse));
  return SetIntegers(c, 3, groups.count);
}

constexpr ArgSpec kArgs[] = {{"axis", ArgKind::kInt}, {"sorted", ArgKind::kInt, 1}};

}  // namespace

const Operator kOnnxUnique = {.domain = "ai.onnx",
                              .type = "Unique",
                              .min_inputs = 1,
                              .max_inputs = 1,
                              .min_outputs = 1,
                              .max_outputs = 4,
                              .layout = LayoutTrait::kRowMajor,
                              .flags = kPlain,
                              .infer = InferUnique,
                              .lower = nullptr,
                              .args = kArgs,
                              .summary = "the different values, or slices along an axis",
                              .call = CallUnique};

}  // namespace doppio::operators
