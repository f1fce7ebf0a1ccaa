#include "converter/importers/compose.h"

#include "base/message.h"
#include "converter/importers/passthrough.h"

namespace doppio::converter {

Value* Unary(const NodeContext& n, const char* type, Value* x) {
  return n.EmitOnnx(type).In(x).Temp().Done();
}

Value* Binary(const NodeContext& n, const char* type, Value* a, Value* b) {
  return n.EmitOnnx(type).In(a).In(b).Temp().Done();
}

Value* CastTo(const NodeContext& n, Value* x, ElementType type) {
  if (n.facts(x).type == type) return x;
  return n.EmitOnnx("Cast").In(x).Int("to", static_cast<int64_t>(type)).Temp().Done();
}

Value* Select(const NodeContext& n, Value* condition, Value* yes, Value* no) {
  return n.EmitOnnx("Where").In(condition).In(yes).In(no).Temp().Done();
}

Value* Reshape(const NodeContext& n, Value* x, std::initializer_list<int64_t> sizes) {
  return Binary(n, "Reshape", x, n.IntsConstant({sizes.begin(), sizes.size()}));
}

Value* Unsqueeze(const NodeContext& n, Value* x, std::span<const int64_t> axes) {
  return axes.empty() ? x : Binary(n, "Unsqueeze", x, n.IntsConstant(axes));
}

Value* Squeeze(const NodeContext& n, Value* x, int64_t axis) {
  const int64_t axes[] = {axis};
  return Binary(n, "Squeeze", x, n.IntsConstant(axes));
}

Value* SliceAxis(const NodeContext& n, Value* x, int64_t axis, int64_t begin, int64_t end,
                 int64_t step) {
  Emission slice = n.EmitOnnx("Slice");
  slice.In(x);
  for (const int64_t number : {begin, end, axis, step}) {
    const int64_t one[] = {number};
    slice.In(n.IntsConstant(one));
  }
  return slice.Temp().Done();
}

Value* ConcatAxis(const NodeContext& n, int64_t axis, std::initializer_list<Value*> values) {
  Emission concat = n.EmitOnnx("Concat");
  for (Value* const value : values) {
    if (value != nullptr) concat.In(value);
  }
  return concat.Int("axis", axis).Temp().Done();
}

void Give(const NodeContext& n, int i, Value* value) {
  n.EmitOnnx("Identity").In(value).Out(i).Done();
}

int KnownRank(const NodeContext& n, int i) {
  const int rank = n.rank_of(i);
  if (rank < 0) n.Unsupported(base::Cat("the rank of its input ", i, " is not known"));
  return rank;
}

int64_t KnownSize(const NodeContext& n, int i, int axis) {
  const operators::ValueFacts& facts = n.facts(n.in(i));
  if (!facts.has_shape || axis >= facts.shape.rank || !facts.shape[axis].known()) {
    n.Unsupported(base::Cat("size ", axis, " of its input ", i, " is not known"));
  }
  return facts.shape[axis].value();
}

}  // namespace doppio::converter
