#include "base/message.h"

namespace doppio::base {
namespace {

// Length of the valid UTF-8 sequence that begins `text`, or 0.
size_t Utf8Length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  const size_t length = lead < 0x80   ? 1
                        : lead < 0xC2 ? 0
                        : lead < 0xE0 ? 2
                        : lead < 0xF0 ? 3
                        : lead < 0xF5 ? 4
                                      : 0;
  if (length == 0 || length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  return length;
}

}  // namespace

void AppendText(std::string* out, const Dims& dims) {
  out->push_back('[');
  for (int i = 0; i < dims.rank(); ++i) {
    if (i > 0) out->append(", ");
    AppendText(out, dims[i]);
  }
  out->push_back(']');
}

std::string Quoted(std::string_view name) {
  constexpr size_t kLongest = 120;
  constexpr char kHex[] = "0123456789abcdef";
  std::string out = "'";
  size_t i = 0;
  while (i < name.size() && i < kLongest) {
    const auto c = static_cast<unsigned char>(name[i]);
    const size_t length = Utf8Length(name.substr(i));
    if (length == 0 || c < 0x20 || c == 0x7F) {
      out += "\\x";
      out += kHex[c >> 4];
      out += kHex[c & 15];
      ++i;
    } else {
      out.append(name.substr(i, length));
      i += length;
    }
  }
  if (i < name.size()) out += "...";
  out += "'";
  return out;
}

}  // namespace doppio::base
