#include "converter/importers/passthrough.h"

#include <algorithm>

#include "base/message.h"

namespace doppio::converter {

void CopyAttribute(const NodeContext& n, std::string_view name, Emission* emission) {
  const onnx::AttributeProto* attribute = n.Attr(name);
  if (attribute == nullptr) return;
  switch (attribute->type()) {
    case onnx::AttributeProto::INT:
      emission->Int(name, attribute->i());
      break;
    case onnx::AttributeProto::FLOAT:
      emission->Float(name, attribute->f());
      break;
    case onnx::AttributeProto::STRING:
      emission->Text(name, attribute->s());
      break;
    case onnx::AttributeProto::INTS:
      emission->Ints(name, n.Ints(name));
      break;
    case onnx::AttributeProto::FLOATS:
      emission->Floats(name, n.Floats(name));
      break;
    case onnx::AttributeProto::STRINGS:
      emission->Texts(name, {attribute->strings().begin(), attribute->strings().end()});
      break;
    case onnx::AttributeProto::TENSOR:
      emission->Tensor(name, n.Tensor(name));
      break;
    default:
      n.Unsupported(
          base::Cat("attribute ", base::Quoted(name), " has a kind that is not supported"));
  }
}

void PassThrough(const NodeContext& n, std::initializer_list<std::string_view> dropped) {
  Emission emission = n.Emit(n.type(), n.domain());
  for (int i = 0; i < n.input_count(); ++i) emission.In(n.in(i));
  for (const std::string& name : n.AttrNames()) {
    if (std::find(dropped.begin(), dropped.end(), name) == dropped.end())
      CopyAttribute(n, name, &emission);
  }
  for (int i = 0; i < n.node().output_size(); ++i) emission.Out(i);
  emission.Done();
}

void ImportAsIs(const NodeContext& n) { PassThrough(n); }

int64_t CanonicalAxis(int64_t axis, int rank) {
  if (axis < -rank || axis >= rank) {
    throw NodeProblem{base::Cat("axis ", axis, " does not exist in ", rank, " dimensions")};
  }
  return axis < 0 ? axis + rank : axis;
}

bool AllNonNegative(std::span<const int64_t> values) {
  return std::all_of(values.begin(), values.end(), [](int64_t value) { return value >= 0; });
}

}  // namespace doppio::converter
