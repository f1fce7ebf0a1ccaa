#include "runtime/operators/content.h"

#include "base/message.h"
#include "runtime/operators/lower_context.h"

namespace doppio::operators {

using base::Cat;

void PositionWalk::Next() {
  for (int d = dims_.rank() - 1; d >= 0; --d) {
    const bool wraps = ++position_[d] == dims_[d];
    if (wraps) position_[d] = 0;
    for (int t = 0; t < tensors_; ++t) {
      at_[t] += wraps ? -strides_[t][d] * (dims_[d] - 1) : strides_[t][d];
    }
    if (!wraps) return;
  }
}

Dims RepeatStrides(const Dims& from, const Dims& dims) {
  TensorRef tensor;
  tensor.dims = from;
  tensor.strides = RowMajorStrides(from);
  return BroadcastStrides(tensor, dims);
}

bool CarriesContent(ElementType type) {
  return type == ElementType::kInt64 || type == ElementType::kInt32 || type == ElementType::kBool ||
         type == ElementType::kUint8;
}

Dim HeldBy(ElementType type, Dim value) {
  int64_t least = INT64_MIN, most = INT64_MAX;
  if (type == ElementType::kInt32) {
    least = INT32_MIN;
    most = INT32_MAX;
  } else if (type == ElementType::kUint8 || type == ElementType::kBool) {
    least = 0;
    most = type == ElementType::kBool ? 1 : UINT8_MAX;
    if (value.symbolic()) return Dim();
  }
  return value.known() && (value.value() < least || value.value() > most) ? Dim() : value;
}

Status StartContent(const InferContext& c, size_t i, base::Array<Dim>** content) {
  *content = nullptr;
  if (i >= c.output_count()) return {};
  ValueFacts& facts = c.output(i);
  if (!CarriesContent(facts.type) || !facts.Static()) return {};
  const int64_t count = ElementCount(facts.shape.Numbers());
  if (count < 0 || count > kMaxContent) return {};
  facts.content.clear();
  DOPPIO_RETURN_IF_ERROR(facts.content.Resize(static_cast<size_t>(count)));
  facts.has_content = true;
  *content = &facts.content;
  return {};
}

Status KeepContent(const InferContext& c, size_t i, size_t o) {
  const ValueFacts& source = c.input(i);
  if (!source.has_content || o >= c.output_count()) return {};
  ValueFacts& facts = c.output(o);
  if (!CarriesContent(facts.type)) return {};
  DOPPIO_RETURN_IF_ERROR(facts.content.Assign(source.content.span()));
  for (Dim& value : facts.content) value = HeldBy(facts.type, value);
  facts.has_content = true;
  return {};
}

Status SelectContent(const InferContext& c, size_t i, size_t o, const Selection& selection) {
  const ValueFacts& source = c.input(i);
  if (!source.has_content) return {};
  base::Array<Dim>* content = nullptr;
  DOPPIO_RETURN_IF_ERROR(StartContent(c, o, &content));
  if (content == nullptr) return {};
  PositionWalk at(selection.dims);
  at.Add(selection.strides, selection.offset);
  for (Dim& value : *content) {
    value = HeldBy(c.output(o).type, source.content[at[0]]);
    at.Next();
  }
  return {};
}

Status SizesFromInput(const InferContext& c, size_t i, Shape* sizes, bool* complete) {
  const ValueFacts& facts = c.input(i);
  *sizes = Shape();
  *complete = false;
  if (facts.type != ElementType::kInt64 && facts.type != ElementType::kInt32) {
    return InvalidArgument(Cat(c.Describe(i), " must hold int64 sizes"));
  }
  if (facts.shape.rank != 1) {
    return InvalidArgument(Cat(c.Describe(i), " must have one dimension"));
  }
  if (facts.shape[0].known() && facts.shape[0].value() > kMaxRank) {
    return InvalidArgument(Cat(c.Describe(i), " asks for ", facts.shape[0].value(), " dimensions; ",
                               kMaxRank, " are possible"));
  }
  if (!facts.has_content) {
    c.NeedContent(i);
    if (!facts.shape[0].known()) return {};
    for (int64_t d = 0; d < facts.shape[0].value(); ++d) sizes->push_back(Dim());
    *complete = true;
    return {};
  }
  for (const Dim& size : facts.content) {
    if (size.unknown()) c.NeedContent(i);
    sizes->push_back(size);
  }
  *complete = true;
  return {};
}

Status NumbersFromInput(const InferContext& c, size_t i, base::Array<int64_t>* numbers,
                        bool* known) {
  const ElementType type = c.input(i).type;
  if (type != ElementType::kInt64 && type != ElementType::kInt32) {
    return InvalidArgument(Cat(c.Describe(i), " must hold int64 or int32 values"));
  }
  DOPPIO_RETURN_IF_ERROR(c.Content(i, numbers, known));
  if (!*known) c.NeedContent(i);
  return {};
}

}  // namespace doppio::operators
