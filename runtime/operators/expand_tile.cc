// Repetition: Expand by broadcasting, Tile by copies side by side.
#include "base/message.h"
#include "runtime/operators/content.h"
#include "runtime/operators/rows.h"
#include "runtime/operators/view.h"

namespace doppio::operators {
namespace {

using base::Cat;

// --- Expand
// ----------------------------------------------------------------------------------------

Status InferExpand(InferContext& c) {
  const ValueFacts& x = c.input(0);
  Shape target, y;
  bool complete = false;
  DOPPIO_RETURN_IF_ERROR(SizesFromInput(c, 1, &target, &complete));
  if (!complete) {
    c.SetUnknownShape(0, x.type);
    return {};
  }
  for (int i = 0; i < target.rank; ++i) {
    if (!target[i].known() || target[i].value() > 0) continue;
    if (c.node().domain.empty()) {
      target[i] = Dim(1);  // Caffe2: anything that is no size leaves the dimension as it is
    } else if (target[i].value() < 0) {
      return InvalidArgument(Cat(c.Describe(1), " holds the negative size ", target[i].value()));
    }
  }
  DOPPIO_RETURN_IF_ERROR(BroadcastShapes(x.shape, target, &c.symbols(), &y));
  c.Set(0, x.type, y);
  if (!x.has_content || !y.AllKnown() || !x.shape.AllKnown()) return {};
  return SelectContent(c, 0, 0, {y.Numbers(), RepeatStrides(x.shape.Numbers(), y.Numbers())});
}

Status LowerExpand(LowerContext& c) {
  const TensorRef x = c.input(0), y = c.output(0);
  if (x.count() == y.count() && x.dims.rank() == y.dims.rank()) return c.Alias(0, x);
  return c.Copy(WithDims(x, y.dims, BroadcastStrides(x, y.dims)), y);
}

// --- Tile
// ------------------------------------------------------------------------------------------

// Output 0 repeats dimension i of input 0 repeats[i] times.
Status FinishTile(InferContext& c, const Shape& repeats) {
  const ValueFacts& x = c.input(0);
  Shape y = x.shape;
  for (int i = 0; i < y.rank; ++i) {
    if (repeats[i].known() && repeats[i].value() < 0) {
      return InvalidArgument(Cat("it repeats axis ", i, " ", repeats[i].value(), " times"));
    }
    y[i] = c.symbols().Mul(y[i], repeats[i]);
  }
  c.Set(0, x.type, y);
  if (!x.has_content || x.shape.rank != 1 || !y.AllKnown() || !x.shape.AllKnown()) return {};
  return SelectContent(c, 0, 0, {Dims({repeats[0].value(), x.shape[0].value()}), Dims({0, 1})});
}

Status InferTile(InferContext& c) {
  Shape repeats;
  bool complete = false;
  const int rank = c.input(0).shape.rank;
  DOPPIO_RETURN_IF_ERROR(SizesFromInput(c, 1, &repeats, &complete));
  if (!complete) {
    for (int i = 0; i < rank; ++i) repeats.push_back(Dim());
  }
  if (repeats.rank != rank) {
    return InvalidArgument(
        Cat(c.Describe(1), " must hold one value for each dimension of ", c.Describe(0)));
  }
  return FinishTile(c, repeats);
}

// The axis and the repetitions of Caffe2's Tile, from inputs or arguments. *known is false while
// they depend on data.
Status ReadCaffe2Tile(const InferContext& c, int* axis, Dim* tiles) {
  int64_t at = 0, count = 0;
  *tiles = Dim();
  const auto scalar = [&](size_t i, Dim* value) {
    const ValueFacts& facts = c.input(i);
    if (facts.has_content && facts.content.size() == 1) *value = facts.content[0];
    if (!value->known() && !value->symbolic()) c.NeedContent(i);
  };
  if (c.HasInput(1)) {
    scalar(1, tiles);
  } else {
    if (!c.args.Has("tiles")) return InvalidArgument("argument 'tiles' is missing");
    DOPPIO_RETURN_IF_ERROR(c.args.IntIn("tiles", 0, INT32_MAX, &count));
    *tiles = Dim(count);
  }
  if (c.HasInput(2)) {
    Dim named;
    scalar(2, &named);
    if (!named.known()) return Unsupported("its axis depends on data");
    at = named.value();
  } else if (!c.HasInput(1) || c.input(1).type != ElementType::kInt64) {
    if (!c.HasInput(1) && !c.args.Has("axis")) return InvalidArgument("argument 'axis' is missing");
    DOPPIO_RETURN_IF_ERROR(c.args.Int("axis", &at));
  }
  // The original writes beyond its memory for an axis that counts from the end.
  if (at < 0) return InvalidArgument(Cat("axis ", at, " is negative"));
  return c.CanonicalAxis(at, c.input(0).shape.rank, axis);
}

Status InferCaffe2Tile(InferContext& c) {
  int axis = 0;
  Dim tiles;
  DOPPIO_RETURN_IF_ERROR(ReadCaffe2Tile(c, &axis, &tiles));
  Shape repeats;
  for (int i = 0; i < c.input(0).shape.rank; ++i) repeats.push_back(i == axis ? tiles : Dim(1));
  return FinishTile(c, repeats);
}

// Each repeated dimension of y becomes [repeats, size]; x walks the former with stride 0.
Status LowerTile(LowerContext& c) {
  TensorRef x = c.input(0), y = c.output(0);
  if (y.count() == 0) return {};
  if (x.count() == y.count()) return c.Alias(0, x);
  for (int i = x.dims.rank() - 1; i >= 0; --i) {
    const int64_t repeats = y.dims[i] / x.dims[i];
    if (repeats == 1) continue;
    if (x.dims.rank() == kMaxRank) return Unsupported("it repeats too many of too many dimensions");
    y = SplitAxis(y, i, repeats, x.dims[i]);
    x = Repeated(x, i, repeats);
  }
  return c.Copy(x, y);
}

constexpr ArgSpec kTileArgs[] = {{"tiles", ArgKind::kInt, 1}, {"axis", ArgKind::kInt, 0}};

using Infer = Status (*)(InferContext& context);
constexpr Operator Repeat(std::string_view domain, std::string_view type, Infer infer,
                          Status (*lower)(LowerContext& context), const char* summary) {
  return {domain, type, 2, 2, 1, 1, LayoutTrait::kAxisRemap, kPlain, infer, lower, {}, summary};
}

}  // namespace

const Operator kExpand = Repeat("", "Expand", InferExpand, LowerExpand, "broadcasts to a shape");
const Operator kOnnxExpand =
    Repeat("ai.onnx", "Expand", InferExpand, LowerExpand, "broadcasts to a shape");
const Operator kNumpyTile = Repeat("", "NumpyTile", InferTile, LowerTile, "repeats every axis");
const Operator kOnnxTile = Repeat("ai.onnx", "Tile", InferTile, LowerTile, "repeats every axis");
const Operator kTile = {"",
                        "Tile",
                        1,
                        3,
                        1,
                        1,
                        LayoutTrait::kAxisRemap,
                        kPlain,
                        InferCaffe2Tile,
                        LowerTile,
                        kTileArgs,
                        "repeats one axis"};

}  // namespace doppio::operators
