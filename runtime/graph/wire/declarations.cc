#include "runtime/graph/wire/declarations.h"

#include <charconv>

#include "base/message.h"

namespace doppio::graph::wire {
namespace {

struct KindSpelling {
  ValueKind kind;
  std::string_view opening;
};
constexpr KindSpelling kKinds[] = {{ValueKind::kSequence, "sequence("},
                                   {ValueKind::kOptional, "optional("}};

bool IsPlainSymbolCharacter(char c) { return c != ',' && c != '[' && c != ']' && c != ' '; }

void AppendDim(std::string* out, Dim dim, const SymbolTable& symbols) {
  if (dim.known()) {
    base::AppendText(out, dim.value());
    return;
  }
  const std::string_view symbol = symbols.SymbolName(dim);
  if (symbol.empty()) {
    *out += '?';
    return;
  }
  for (char c : symbol) *out += IsPlainSymbolCharacter(c) ? c : '_';
}

Dim ParseDim(std::string_view text, SymbolTable* symbols) {
  if (text == "?" || text.empty()) return Dim();
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) return Dim(number);
  return symbols->Symbol(text);
}

Status Parse(std::string_view text, SymbolTable* symbols, Declaration* declared) {
  std::string_view type = text.substr(0, text.find(' '));
  declared->kind = ValueKind::kTensor;
  for (const auto& [kind, opening] : kKinds) {
    if (!type.starts_with(opening) || !type.ends_with(")")) continue;
    declared->kind = kind;
    type = type.substr(opening.size(), type.size() - opening.size() - 1);
    break;
  }
  const size_t bracket = type.find('[');
  declared->type = ElementTypeFromName(type.substr(0, bracket));
  declared->has_shape = bracket != std::string_view::npos && type.back() == ']';
  declared->dims.clear();
  if (!declared->has_shape) return {};
  std::string_view sizes = type.substr(bracket + 1, type.size() - bracket - 2);
  while (!sizes.empty()) {
    const size_t comma = sizes.find(',');
    DOPPIO_RETURN_IF_ERROR(declared->dims.Append(ParseDim(sizes.substr(0, comma), symbols)));
    sizes = comma == std::string_view::npos ? std::string_view() : sizes.substr(comma + 1);
  }
  if (declared->dims.size() > kMaxRank) return CorruptModel("a declared shape has too many sizes");
  return {};
}

}  // namespace

std::string_view DeclaredName(std::string_view text) {
  const size_t space = text.find(' ');
  return space == std::string_view::npos ? text : text.substr(space + 1);
}

std::string FormatDeclaration(const Declaration& declared, std::string_view name,
                              const SymbolTable& symbols) {
  std::string text;
  for (const auto& [kind, opening] : kKinds) {
    if (kind == declared.kind) text += opening;
  }
  text += declared.type == ElementType::kUndefined ? "?" : ElementName(declared.type);
  if (declared.has_shape) {
    text += '[';
    for (size_t i = 0; i < declared.dims.size(); ++i) {
      if (i > 0) text += ',';
      AppendDim(&text, declared.dims[i], symbols);
    }
    text += ']';
  }
  if (declared.kind != ValueKind::kTensor) text += ')';
  text += ' ';
  text += name;
  return text;
}

Status ApplyDeclarations(const Argument* inputs, const Argument* outputs, Graph* graph) {
  if (inputs != nullptr) {
    for (std::string_view text : inputs->strings) {
      Value* value = graph->FindInput(DeclaredName(text));
      if (value != nullptr) {
        DOPPIO_RETURN_IF_ERROR(Parse(text, &graph->symbols(), &value->declared));
      }
    }
  }
  if (outputs != nullptr) {
    for (size_t i = 0; i < outputs->strings.size() && i < graph->outputs().size(); ++i) {
      const GraphOutput& output = graph->outputs()[i];
      const std::string_view text = outputs->strings[i];
      if (DeclaredName(text) == output.name && !output.value->is_constant) {
        DOPPIO_RETURN_IF_ERROR(Parse(text, &graph->symbols(), &output.value->declared));
      }
    }
  }
  return {};
}

}  // namespace doppio::graph::wire
