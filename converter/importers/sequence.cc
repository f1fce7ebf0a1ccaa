// Sequences and optionals.
#include "converter/importers/passthrough.h"

namespace doppio::converter {
namespace {

// The type of an empty optional is an attribute of its own kind.
void ImportOptional(const NodeContext& n) {
  Emission emission = n.EmitOnnx("Optional");
  emission.In(n.in(0));
  if (const onnx::AttributeProto* type = n.Attr("type"); type != nullptr) {
    const onnx::TypeProto* inner = &type->tp();
    while (inner->value_case() != onnx::TypeProto::kTensorType) {
      if (inner->value_case() == onnx::TypeProto::kSequenceType) {
        inner = &inner->sequence_type().elem_type();
      } else if (inner->value_case() == onnx::TypeProto::kOptionalType) {
        inner = &inner->optional_type().elem_type();
      } else {
        n.Unsupported("an optional of what is neither tensor nor sequence");
      }
    }
    emission.Int("element_type", inner->tensor_type().elem_type());
  }
  emission.Out(0).Done();
}

constexpr ImporterRow kRows[] = {
    {"SequenceEmpty", 11, ImportAsIs},      {"SequenceConstruct", 11, ImportAsIs},
    {"SequenceInsert", 11, ImportAsIs},     {"SequenceErase", 11, ImportAsIs},
    {"SequenceAt", 11, ImportAsIs},         {"SequenceLength", 11, ImportAsIs},
    {"SplitToSequence", 11, ImportAsIs},    {"ConcatFromSequence", 11, ImportAsIs},
    {"Optional", 15, ImportOptional},       {"OptionalHasElement", 15, ImportAsIs},
    {"OptionalGetElement", 15, ImportAsIs},
};

}  // namespace

std::span<const ImporterRow> SequenceImporters() { return kRows; }

}  // namespace doppio::converter
