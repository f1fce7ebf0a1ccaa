// Text for messages: Cat joins strings and numbers without iostream or locale.
// Only for text of bounded length; names are shortened by the caller's message, never data.
#pragma once

#include <doppio/tensor.h>

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace doppio::base {

inline void AppendText(std::string* out, std::string_view text) { out->append(text); }
inline void AppendText(std::string* out, const char* text) { out->append(text); }
inline void AppendText(std::string* out, const std::string& text) { out->append(text); }
inline void AppendText(std::string* out, char c) { out->push_back(c); }
inline void AppendText(std::string* out, bool value) { out->append(value ? "true" : "false"); }
// "[1, 3, 224, 224]"; a scalar is "[]".
void AppendText(std::string* out, const Dims& dims);
inline void AppendText(std::string* out, ElementType type) { out->append(ElementName(type)); }
template <class T>
requires(std::is_arithmetic_v<T> && !std::is_same_v<T, bool> &&
         !std::is_same_v<T, char>) void AppendText(std::string* out, T value) {
  char digits[48];
  const auto end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
  out->append(digits, static_cast<size_t>(end - digits));
}

// Cat("input '", name, "' has ", 4, " channels").
template <class... Args>
std::string Cat(const Args&... args) {
  std::string text;
  (AppendText(&text, args), ...);
  return text;
}

// `name` in single quotes, control characters and invalid UTF-8 shown as \xNN, cut after 120 bytes:
// names come from files and go to terminals.
std::string Quoted(std::string_view name);

}  // namespace doppio::base
