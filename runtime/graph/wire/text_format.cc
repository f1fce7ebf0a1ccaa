#include "runtime/graph/wire/text_format.h"

#include <charconv>
#include <span>

#include "base/message.h"
#include "runtime/graph/wire/argument_reader.h"
#include "runtime/graph/wire/schema.h"

namespace doppio::graph::wire {
namespace {

using base::Cat;
using base::Quoted;

enum class Kind : uint8_t { kText, kInt, kFloat, kNet, kOperator, kArgument, kDevice };

struct FieldRow {
  std::string_view name;
  uint32_t number;
  Kind kind;
};

constexpr FieldRow kNetFields[] = {
    {"name", net_def::kName, Kind::kText},
    {"op", net_def::kOp, Kind::kOperator},
    {"type", net_def::kType, Kind::kText},
    {"num_workers", net_def::kNumWorkers, Kind::kInt},
    {"device_option", net_def::kDeviceOption, Kind::kDevice},
    {"arg", net_def::kArg, Kind::kArgument},
    {"external_input", net_def::kExternalInput, Kind::kText},
    {"external_output", net_def::kExternalOutput, Kind::kText},
};
constexpr FieldRow kOperatorFields[] = {
    {"input", operator_def::kInput, Kind::kText},
    {"output", operator_def::kOutput, Kind::kText},
    {"name", operator_def::kName, Kind::kText},
    {"type", operator_def::kType, Kind::kText},
    {"arg", operator_def::kArg, Kind::kArgument},
    {"device_option", operator_def::kDeviceOption, Kind::kDevice},
    {"engine", operator_def::kEngine, Kind::kText},
    {"control_input", operator_def::kControlInput, Kind::kText},
    {"is_gradient_op", operator_def::kIsGradientOp, Kind::kInt},
    {"debug_info", operator_def::kDebugInfo, Kind::kText},
    {"domain", operator_def::kDomain, Kind::kText},
};
constexpr FieldRow kArgumentFields[] = {
    {"name", argument::kName, Kind::kText},
    {"f", argument::kF, Kind::kFloat},
    {"i", argument::kI, Kind::kInt},
    {"s", argument::kS, Kind::kText},
    {"floats", argument::kFloats, Kind::kFloat},
    {"ints", argument::kInts, Kind::kInt},
    {"strings", argument::kStrings, Kind::kText},
    {"n", argument::kN, Kind::kNet},
    {"nets", argument::kNets, Kind::kNet},
};
constexpr FieldRow kDeviceFields[] = {
    {"device_type", device_option::kDeviceType, Kind::kInt},
    {"cuda_gpu_id", device_option::kDeviceId, Kind::kInt},
};

std::span<const FieldRow> FieldsOf(Kind message) {
  switch (message) {
    case Kind::kNet:
      return kNetFields;
    case Kind::kOperator:
      return kOperatorFields;
    case Kind::kArgument:
      return kArgumentFields;
    default:
      return kDeviceFields;
  }
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

class TextParser {
 public:
  explicit TextParser(std::string_view text) : text_(text) {}

  // Fields up to `end`, which is taken too; 0: up to the end of the text.
  Status Message(Kind kind, char end, int depth, MessageBuilder* message) {
    if (depth > kMaxNetDepth * 3) return Wrong("messages are nested too deeply");
    for (;;) {
      SkipSpace();
      if (at_ == text_.size()) return end == 0 ? Status() : Wrong("it ends inside a message");
      if (end != 0 && Take(end)) return {};
      DOPPIO_RETURN_IF_ERROR(OneField(kind, depth, message));
      SkipSpace();
      if (!Take(',')) (void)Take(';');
    }
  }

 private:
  Status Wrong(std::string_view what) const {
    size_t line = 1;
    for (size_t i = 0; i < at_ && i < text_.size(); ++i) line += text_[i] == '\n';
    return CorruptModel(Cat("a net in text form, line ", line, ": ", what));
  }

  void SkipSpace() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '#') {
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        ++at_;
      } else {
        return;
      }
    }
  }

  bool Take(char c) {
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  // Letters, digits and what numbers have.
  std::string_view Word() {
    const size_t begin = at_;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      const bool word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                        (c >= 'A' && c <= 'Z') || c == '_' || c == '-' || c == '+' || c == '.';
      if (!word) break;
      ++at_;
    }
    return text_.substr(begin, at_ - begin);
  }

  Status OneField(Kind kind, int depth, MessageBuilder* message) {
    const std::string_view name = Word();
    if (name.empty()) return Wrong("a field is expected");
    const FieldRow* row = nullptr;
    for (const FieldRow& field : FieldsOf(kind)) {
      if (field.name == name) row = &field;
    }
    if (row == nullptr) return Wrong(Cat("field ", Quoted(name), " is unknown"));
    SkipSpace();
    const bool colon = Take(':');
    SkipSpace();
    if (!Take('[')) return OneValue(*row, colon, depth, message);
    for (bool first = true;; first = false) {
      SkipSpace();
      if (Take(']')) return {};
      if (!first && !Take(',')) return Wrong("a list is not closed");
      SkipSpace();
      DOPPIO_RETURN_IF_ERROR(OneValue(*row, true, depth, message));
    }
  }

  Status OneValue(const FieldRow& row, bool colon, int depth, MessageBuilder* message) {
    if (row.kind == Kind::kText || row.kind == Kind::kInt || row.kind == Kind::kFloat) {
      return colon ? Scalar(row, message) : Wrong("':' is expected");
    }
    const char end = Take('{') ? '}' : Take('<') ? '>' : '\0';
    if (end == 0) return Wrong("'{' is expected");
    MessageBuilder inner;
    DOPPIO_RETURN_IF_ERROR(Message(row.kind, end, depth + 1, &inner));
    message->Message(row.number, inner);
    return message->status();
  }

  Status Scalar(const FieldRow& row, MessageBuilder* message) {
    if (row.kind == Kind::kText) {
      base::Array<char> value;
      DOPPIO_RETURN_IF_ERROR(Strings(&value));
      message->Text(row.number, {value.data(), value.size()});
      return message->status();
    }
    std::string_view word = Word();
    if (row.kind == Kind::kInt) {
      int64_t value = 0;
      if (word == "true" || word == "false") {
        value = word == "true";
      } else {
        const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
        if (error != std::errc() || end != word.data() + word.size()) {
          return Wrong(Cat(Quoted(word), " is no integer"));
        }
      }
      message->Int(row.number, value);
      return message->status();
    }
    float value = 0;
    DOPPIO_RETURN_IF_ERROR(Real(word, &value));
    message->Float(row.number, value);
    return message->status();
  }

  Status Real(std::string_view word, float* value) {
    const std::string_view whole = word;
    if (word.ends_with('f') && word.find("inf") == std::string_view::npos) word.remove_suffix(1);
    if (word.starts_with('+')) word.remove_prefix(1);
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), *value);
    if (error == std::errc() && end == word.data() + word.size() && !word.empty()) return {};
    return Wrong(Cat(Quoted(whole), " is no number"));
  }

  // One string or several, which are one.
  Status Strings(base::Array<char>* value) {
    bool any = false;
    for (;; SkipSpace()) {
      const char quote = at_ < text_.size() ? text_[at_] : '\0';
      if (quote != '"' && quote != '\'') break;
      ++at_;
      any = true;
      while (at_ < text_.size() && text_[at_] != quote) DOPPIO_RETURN_IF_ERROR(Character(value));
      if (!Take(quote)) return Wrong("a string is not closed");
    }
    return any ? Status() : Wrong("a string is expected");
  }

  Status Character(base::Array<char>* value) {
    char c = text_[at_++];
    if (c != '\\') {
      return value->Append(c);
    }
    if (at_ == text_.size()) return Wrong("a string is not closed");
    c = text_[at_++];
    constexpr std::string_view kNames = "abfnrtv\\'\"?", kMeanings = "\a\b\f\n\r\t\v\\'\"?";
    if (const size_t i = kNames.find(c); i != std::string_view::npos) {
      return value->Append(kMeanings[i]);
    }
    const bool hex = c == 'x' || c == 'X';
    const int base = hex ? 16 : 8, most = hex ? 2 : 3;
    if (!hex) --at_;
    int code = 0, digits = 0;
    for (; digits < most && at_ < text_.size(); ++digits, ++at_) {
      const int digit = HexDigit(text_[at_]);
      if (digit < 0 || digit >= base) break;
      code = code * base + digit;
    }
    if (digits == 0 || code > 255) return Wrong("a string has an unknown escape");
    return value->Append(static_cast<char>(code));
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

Status NetFromText(std::string_view text, MessageBuilder* net) {
  return TextParser(text).Message(Kind::kNet, 0, 0, net);
}

}  // namespace doppio::graph::wire
