// Slices: Caffe2's by starts and ends, ONNX's by axes and steps, also backwards.
#include "base/message.h"
#include "runtime/operators/content.h"
#include "runtime/operators/rows.h"
#include "runtime/operators/view.h"

namespace doppio::operators {
namespace {

using base::Cat;

// The elements of one axis: `size` of them from `start` on, every `step`-th. Unknown where it
// depends on data.
struct AxisSlice {
  Dim start = Dim(0);
  Dim size;
  int64_t step = 1;
};

struct Slices {
  AxisSlice axis[kMaxRank];
};

// --- ONNX
// ------------------------------------------------------------------------------------------

// Bounds of this size or more mean "to the end", whatever the dimension.
constexpr int64_t kFar = INT32_MAX;

// A position that may count from the end, held within [low, size + high]. A symbolic size is taken
// to be at least 1, and no less than a position that counts from its end.
Dim Position(SymbolTable* symbols, Dim value, Dim size, int64_t low, int64_t high) {
  if (value.unknown() || size.unknown()) return Dim();
  if (value.known() && size.known()) {
    int64_t at = value.value();
    if (at < 0) at = at < -size.value() ? low : at + size.value();
    return Dim(std::max(low, std::min(at, size.value() + high)));
  }
  const Dim last = symbols->Add(size, Dim(high));
  if (value.known() && value.value() >= kFar) return last;
  if (value.known() && value.value() <= -kFar) return Dim(low);
  if (value.known() && value.value() < 0) return symbols->Add(size, value);
  return value.Is(0) || value.Is(1) ? value : symbols->Min(value, last);
}

Status ResolveOnnx(SymbolTable* symbols, Dim begin, Dim end, Dim step, Dim size, AxisSlice* slice) {
  if (!step.known()) {
    *slice = {Dim(), Dim(), 1};
    return {};
  }
  if (step.Is(0)) return InvalidArgument("a step is 0");
  slice->step = std::max(step.value(), -INT64_MAX);
  Dim extent;
  if (slice->step > 0) {
    slice->start = Position(symbols, begin, size, 0, 0);
    extent = symbols->Sub(Position(symbols, end, size, 0, 0), slice->start);
  } else {
    slice->start = Position(symbols, begin, size, 0, -1);
    extent = symbols->Sub(slice->start, Position(symbols, end, size, -1, -1));
  }
  const int64_t stride = slice->step > 0 ? slice->step : -slice->step;
  slice->size =
      extent.known() && extent.value() <= 0 ? Dim(0) : symbols->CeilDiv(extent, Dim(stride));
  return {};
}

// The content of an input, or as many unknown values as it has; absent inputs give `fallback`.
struct Bounds {
  std::span<const Dim> content;
  bool present = false;
  Dim fallback;
  Dim operator[](size_t i) const {
    if (!present) return fallback;
    return i < content.size() ? content[i] : Dim();
  }
};

Status ReadOnnxSlices(std::span<const Dim> x, SymbolTable* symbols, size_t count,
                      const Bounds& starts, const Bounds& ends, const Bounds& axes,
                      const Bounds& steps, Slices* slices) {
  const int rank = static_cast<int>(x.size());
  for (int i = 0; i < rank; ++i) slices->axis[i] = {Dim(0), x[static_cast<size_t>(i)], 1};
  bool seen[kMaxRank] = {};
  for (size_t i = 0; i < count; ++i) {
    const Dim named = axes.present ? axes[i] : Dim(static_cast<int64_t>(i));
    if (!named.known()) {  // any axis may be cut
      for (int d = 0; d < rank; ++d) slices->axis[d] = {Dim(), Dim(), 1};
      return {};
    }
    const int64_t axis = named.value() < 0 ? named.value() + rank : named.value();
    if (axis < 0 || axis >= rank) {
      return InvalidArgument(
          Cat("axis ", named.value(), " does not exist in ", rank, " dimensions"));
    }
    if (seen[axis]) return InvalidArgument(Cat("axis ", named.value(), " is named twice"));
    seen[axis] = true;
    DOPPIO_RETURN_IF_ERROR(ResolveOnnx(symbols, starts[i], ends[i], steps[i],
                                       x[static_cast<size_t>(axis)], &slices->axis[axis]));
  }
  return {};
}

Status InferSlices(InferContext& c, const Slices& slices) {
  const ValueFacts& x = c.input(0);
  Shape y;
  for (int i = 0; i < x.shape.rank; ++i) y.push_back(slices.axis[i].size);
  c.Set(0, x.type, y);
  if (!x.has_content || !y.AllKnown() || !x.shape.AllKnown()) return {};
  Selection selection{y.Numbers(), RowMajorStrides(x.shape.Numbers())};
  for (int i = 0; i < y.rank; ++i) {
    if (!slices.axis[i].start.known()) return {};
    selection.offset += slices.axis[i].start.value() * selection.strides[i];
    selection.strides[i] *= slices.axis[i].step;
  }
  return SelectContent(c, 0, 0, selection);
}

Status LowerSlices(LowerContext& c, const Slices& slices) {
  TensorRef view = c.input(0);
  bool backwards = false;
  for (int i = 0; i < view.dims.rank(); ++i) {
    const AxisSlice& slice = slices.axis[i];
    view = Cut(view, i, slice.start.value(), slice.size.value(), slice.step);
    backwards |= slice.step < 0;
  }
  return backwards ? c.Copy(view, c.output(0)) : c.Alias(0, view);
}

Status InferOnnxSlice(InferContext& c) {
  const Shape& x = c.input(0).shape;
  Bounds bounds[4];
  bounds[3].fallback = Dim(1);
  for (size_t i = 1; i < 5; ++i) {
    if (!c.HasInput(i)) continue;
    const ValueFacts& facts = c.input(i);
    if (facts.type != ElementType::kInt64 && facts.type != ElementType::kInt32) {
      return InvalidArgument(Cat(c.Describe(i), " must hold int64 or int32 values"));
    }
    if (!facts.ContentKnown()) {
      bool symbolic = facts.has_content;
      for (const Dim& value : facts.content) symbolic &= !value.unknown();
      if (!symbolic) c.NeedContent(i);
    }
    if (facts.shape.rank != 1 || !(facts.shape[0] == c.input(1).shape[0])) {
      return InvalidArgument(
          Cat(c.Describe(1), " and ", c.Describe(i), " must have one dimension of the same size"));
    }
    bounds[i - 1].present = true;
    if (facts.has_content) bounds[i - 1].content = facts.content.span();
  }
  const Dim count = c.input(1).shape[0];
  if (!count.known() || count.value() > x.rank) {
    if (count.known())
      return InvalidArgument(Cat("it cuts ", count.value(), " axes of ", c.Describe(0)));
    Shape unknown;
    for (int i = 0; i < x.rank; ++i) unknown.push_back(Dim());
    c.Set(0, c.input(0).type, unknown);
    return {};
  }
  Slices slices;
  DOPPIO_RETURN_IF_ERROR(ReadOnnxSlices({x.dims, static_cast<size_t>(x.rank)}, &c.symbols(),
                                        static_cast<size_t>(count.value()), bounds[0], bounds[1],
                                        bounds[2], bounds[3], &slices));
  return InferSlices(c, slices);
}

Status LowerOnnxSlice(LowerContext& c) {
  const Shape x = ShapeOf(c.input(0).dims);
  Bounds bounds[4];
  bounds[3].fallback = Dim(1);
  for (size_t i = 1; i < 5; ++i) {
    if (c.HasInput(i)) bounds[i - 1] = {c.Content(i), true, Dim()};
  }
  Slices slices;
  SymbolTable no_symbols;
  DOPPIO_RETURN_IF_ERROR(ReadOnnxSlices({x.dims, static_cast<size_t>(x.rank)}, &no_symbols,
                                        bounds[0].content.size(), bounds[0], bounds[1], bounds[2],
                                        bounds[3], &slices));
  return LowerSlices(c, slices);
}

// --- Caffe2
// ------------------------------------------------------------------------------------------

// A negative value v means v + size + 1, so that -1 is the end.
Status Caffe2Position(SymbolTable* symbols, Dim value, Dim size, Dim* at) {
  if (value.known() && size.known()) {
    int64_t position = value.value();
    if (position < 0) {
      if (position < -(size.value() + 1)) {
        return InvalidArgument(
            Cat("position ", position, " lies before a dimension of ", size.value()));
      }
      position += size.value() + 1;
    }
    *at = Dim(std::min(position, size.value()));
  } else if (value.known() && value.value() < 0) {
    *at = symbols->Add(size, Dim(value.value() + 1));
  } else {
    *at = value.Is(0) ? value : symbols->Min(value, size);
  }
  return {};
}

Status ReadCaffe2Slices(std::span<const Dim> x, SymbolTable* symbols, std::span<const Dim> starts,
                        std::span<const Dim> ends, Slices* slices) {
  if (starts.size() != x.size() || ends.size() != x.size()) {
    return InvalidArgument(Cat("it has ", starts.size(), " starts and ", ends.size(), " ends for ",
                               x.size(), " dimensions"));
  }
  for (size_t i = 0; i < x.size(); ++i) {
    Dim end;
    AxisSlice& slice = slices->axis[i];
    slice.step = 1;
    DOPPIO_RETURN_IF_ERROR(Caffe2Position(symbols, starts[i], x[i], &slice.start));
    DOPPIO_RETURN_IF_ERROR(Caffe2Position(symbols, ends[i], x[i], &end));
    slice.size = symbols->Sub(end, slice.start);
    if (slice.size.known() && slice.size.value() < 0) {
      return InvalidArgument(Cat("along axis ", i, " it ends before it starts"));
    }
  }
  return {};
}

// The arguments `starts` or `ends` as Dims.
Status ReadArgument(const ArgReader& args, std::string_view name, base::Array<Dim>* values) {
  for (int64_t value : args.Ints(name)) DOPPIO_RETURN_IF_ERROR(values->Append(Dim(value)));
  return {};
}

// Input i as Dims, unknown where it depends on data.
Status ReadInput(const InferContext& c, size_t i, base::Array<Dim>* values) {
  const ValueFacts& facts = c.input(i);
  if (facts.type != ElementType::kInt64 && facts.type != ElementType::kInt32) {
    return InvalidArgument(Cat(c.Describe(i), " must hold int64 or int32 values"));
  }
  if (facts.has_content) {
    DOPPIO_RETURN_IF_ERROR(values->Assign(facts.content.span()));
  } else {
    DOPPIO_RETURN_IF_ERROR(values->Resize(static_cast<size_t>(c.input(0).shape.rank)));
  }
  for (const Dim& value : *values) {
    if (value.unknown()) c.NeedContent(i);
  }
  return {};
}

Status InferCaffe2Slice(InferContext& c) {
  base::Array<Dim> starts, ends;
  if (c.HasInput(1) != c.HasInput(2))
    return InvalidArgument("starts and ends must both be inputs, or none");
  if (c.HasInput(1)) {
    DOPPIO_RETURN_IF_ERROR(ReadInput(c, 1, &starts));
    DOPPIO_RETURN_IF_ERROR(ReadInput(c, 2, &ends));
  } else {
    DOPPIO_RETURN_IF_ERROR(ReadArgument(c.args, "starts", &starts));
    DOPPIO_RETURN_IF_ERROR(ReadArgument(c.args, "ends", &ends));
  }
  const Shape& x = c.input(0).shape;
  Slices slices;
  DOPPIO_RETURN_IF_ERROR(
      ReadCaffe2Slices({x.dims, static_cast<size_t>(x.rank)}, &c.symbols(), starts, ends, &slices));
  return InferSlices(c, slices);
}

Status LowerCaffe2Slice(LowerContext& c) {
  base::Array<Dim> starts, ends;
  if (c.HasInput(1)) {
    DOPPIO_RETURN_IF_ERROR(starts.Assign(c.Content(1)));
    DOPPIO_RETURN_IF_ERROR(ends.Assign(c.Content(2)));
  } else {
    DOPPIO_RETURN_IF_ERROR(ReadArgument(c.args, "starts", &starts));
    DOPPIO_RETURN_IF_ERROR(ReadArgument(c.args, "ends", &ends));
  }
  const Shape x = ShapeOf(c.input(0).dims);
  Slices slices;
  SymbolTable no_symbols;
  DOPPIO_RETURN_IF_ERROR(
      ReadCaffe2Slices({x.dims, static_cast<size_t>(x.rank)}, &no_symbols, starts, ends, &slices));
  return LowerSlices(c, slices);
}

constexpr ArgSpec kSliceArgs[] = {{"starts", ArgKind::kInts}, {"ends", ArgKind::kInts}};

}  // namespace

const Operator kSlice = {"",
                         "Slice",
                         1,
                         3,
                         1,
                         1,
                         LayoutTrait::kAxisRemap,
                         kPlain,
                         InferCaffe2Slice,
                         LowerCaffe2Slice,
                         kSliceArgs,
                         "a part of each axis"};
const Operator kOnnxSlice = {"ai.onnx",
                             "Slice",
                             3,
                             5,
                             1,
                             1,
                             LayoutTrait::kAxisRemap,
                             kPlain,
                             InferOnnxSlice,
                             LowerOnnxSlice,
                             {},
                             "a part of the named axes, with steps"};

}  // namespace doppio::operators
