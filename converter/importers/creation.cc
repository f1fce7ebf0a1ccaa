// Operators that make tensors from shapes and types: Shape, Size, ConstantOfShape, Range, Cast.
#include "base/message.h"
#include "converter/importers/passthrough.h"

namespace doppio::converter {
namespace {

void ImportShape(const NodeContext& n) {
  if (n.HasAttr("start") || n.HasAttr("end")) return PassThrough(n);
  n.Emit("Shape").In(n.in(0)).Out(0).Done();
}

void ImportSize(const NodeContext& n) { n.Emit("Size").In(n.in(0)).Out(0).Done(); }

// Caffe2's number for a type that its Cast can make; 0 for others.
int64_t Caffe2Number(ElementType type) {
  switch (type) {
    case ElementType::kFloat:
      return 1;
    case ElementType::kInt32:
      return 2;
    case ElementType::kBool:
      return 5;
    case ElementType::kUint8:
      return 6;
    case ElementType::kInt8:
      return 7;
    case ElementType::kUint16:
      return 8;
    case ElementType::kInt16:
      return 9;
    case ElementType::kInt64:
      return 10;
    case ElementType::kDouble:
      return 13;
    default:
      return 0;
  }
}

ElementType TargetOf(const NodeContext& n) {
  if (n.opset() >= 6) return static_cast<ElementType>(n.Int("to", 0));
  // A name in opset 1 to 5: "FLOAT", "INT64".
  const std::string name = n.Text("to", "");
  onnx::TensorProto::DataType type;
  if (!onnx::TensorProto::DataType_Parse(name, &type))
    n.Unsupported(base::Cat("a cast to ", base::Quoted(name)));
  return static_cast<ElementType>(type);
}

void EmitCast(const NodeContext& n, ElementType to) {
  if (ElementBits(to) == 0) n.Unsupported("a cast to an unknown type");
  if (Caffe2Number(to) != 0 && Caffe2Number(n.type_of(0)) != 0) {
    n.Emit("Cast").In(n.in(0)).Int("to", Caffe2Number(to)).Out(0).Done();
    return;
  }
  Emission cast = n.EmitOnnx("Cast");
  cast.In(n.in(0)).Int("to", static_cast<int64_t>(to));
  CopyAttribute(n, "saturate", &cast);
  cast.Out(0).Done();
}

void ImportCast(const NodeContext& n) { EmitCast(n, TargetOf(n)); }

void ImportCastLike(const NodeContext& n) {
  const ElementType to = n.type_of(1);
  if (to == ElementType::kUndefined) return PassThrough(n);
  EmitCast(n, to);
}

constexpr ImporterRow kRows[] = {
    {"Shape", 1, ImportShape},
    {"Size", 1, ImportSize},
    {"Cast", 1, ImportCast},
    {"CastLike", 15, ImportCastLike},
    {"ConstantOfShape", 9, ImportAsIs},
    {"Range", 11, ImportAsIs},
    {"EyeLike", 9, ImportAsIs},
    {"BitCast", 26, ImportAsIs},
};

}  // namespace

std::span<const ImporterRow> CreationImporters() { return kRows; }

}  // namespace doppio::converter
