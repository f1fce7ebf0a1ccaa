#include "runtime/operators/facts.h"

#include "base/message.h"

namespace doppio::operators {
namespace {

template <class T>
Status AppendContent(const graph::Constant& constant, base::Array<Dim>* content) {
  for (int64_t i = 0; i < constant.count; ++i) {
    DOPPIO_RETURN_IF_ERROR(content->Append(Dim(static_cast<int64_t>(constant.as<T>()[i]))));
  }
  return {};
}

}  // namespace

bool Shape::AllKnown() const {
  for (int i = 0; i < rank; ++i) {
    if (!dims[i].known()) return false;
  }
  return true;
}

Dims Shape::Numbers() const {
  Dims numbers;
  for (int i = 0; i < rank; ++i) numbers.push_back(dims[i].value());
  return numbers;
}

Shape ShapeOf(const Dims& dims) {
  Shape shape;
  for (int64_t size : dims) shape.push_back(Dim(size));
  return shape;
}

bool ValueFacts::ContentKnown() const {
  if (!has_content) return false;
  for (const Dim& value : content) {
    if (!value.known()) return false;
  }
  return true;
}

std::string FactsText(const ValueFacts& facts, const SymbolTable& symbols) {
  std::string text = facts.type == ElementType::kUndefined ? "?" : ElementName(facts.type);
  if (facts.kind == graph::ValueKind::kSequence) return "sequence(" + text + ")";
  if (facts.kind == graph::ValueKind::kOptional) return "optional(" + text + ")";
  if (!facts.has_shape) return text + "[...]";
  text += '[';
  for (int i = 0; i < facts.shape.rank; ++i) {
    if (i > 0) text += ", ";
    text += symbols.Text(facts.shape[i]);
  }
  return text + ']';
}

Dim CountOf(const Shape& shape, SymbolTable* symbols) {
  Dim count(1);
  for (int i = 0; i < shape.rank; ++i) count = symbols->Mul(count, shape[i]);
  return count;
}

Status FactsOfConstant(const graph::Constant& constant, ValueFacts* facts) {
  facts->type = constant.type;
  facts->has_shape = true;
  facts->shape = ShapeOf(constant.dims);
  facts->constant = &constant;
  facts->content.clear();
  facts->has_content = false;
  if (constant.count > kMaxContent) return {};
  switch (constant.type) {
    case ElementType::kInt64:
      facts->has_content = true;
      return AppendContent<int64_t>(constant, &facts->content);
    case ElementType::kInt32:
      facts->has_content = true;
      return AppendContent<int32_t>(constant, &facts->content);
    case ElementType::kBool:
      facts->has_content = true;
      return AppendContent<bool>(constant, &facts->content);
    case ElementType::kUint8:
      facts->has_content = true;
      return AppendContent<uint8_t>(constant, &facts->content);
    default:
      return {};
  }
}

}  // namespace doppio::operators
