#include "cli/npy.h"

#include <charconv>
#include <cstring>

#include "base/checked.h"
#include "base/message.h"

namespace doppio::cli {
namespace {

using base::Cat;

struct Header {
  std::string descr;
  bool fortran_order = false;
  Dims shape;
};

// The text after `'key':` in the header's dictionary, without leading blanks; empty when it is not
// there.
std::string_view ValueOf(std::string_view header, std::string_view key) {
  const std::string quoted = Cat("'", key, "'");
  const size_t at = header.find(quoted);
  if (at == std::string_view::npos) return {};
  std::string_view rest = header.substr(at + quoted.size());
  const size_t colon = rest.find(':');
  if (colon == std::string_view::npos) return {};
  rest.remove_prefix(colon + 1);
  while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
  return rest;
}

Status ParseShape(std::string_view text, Dims* shape) {
  if (text.empty() || text.front() != '(') return CorruptModel("its header has no shape");
  const size_t end = text.find(')');
  if (end == std::string_view::npos) return CorruptModel("its shape has no end");
  text = text.substr(1, end - 1);
  while (!text.empty()) {
    while (!text.empty() && (text.front() == ' ' || text.front() == ',')) text.remove_prefix(1);
    if (text.empty()) break;
    int64_t size = 0;
    const auto [after, error] = std::from_chars(text.data(), text.data() + text.size(), size);
    if (error != std::errc() || size < 0 || !shape->push_back(size)) {
      return CorruptModel("its shape is damaged or has more than 16 dimensions");
    }
    text.remove_prefix(static_cast<size_t>(after - text.data()));
  }
  return {};
}

Status ParseHeader(std::span<const uint8_t> bytes, Header* header, size_t* data_begin) {
  constexpr char kMagic[] = "\x93NUMPY";
  if (bytes.size() < 10 || std::memcmp(bytes.data(), kMagic, 6) != 0) {
    return CorruptModel("not a .npy file");
  }
  size_t length = bytes[8] | bytes[9] << 8, begin = 10;
  if (bytes[6] >= 2) {
    if (bytes.size() < 12) return CorruptModel("its header is cut short");
    length |= static_cast<size_t>(bytes[10]) << 16 | static_cast<size_t>(bytes[11]) << 24;
    begin = 12;
  }
  if (length > bytes.size() - begin) return CorruptModel("its header is cut short");
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + begin, length);
  const std::string_view descr = ValueOf(text, "descr");
  if (descr.size() < 2 || descr.front() != '\'') {
    return Unsupported("its element type is a structure; a plain type is expected");
  }
  header->descr = descr.substr(1, descr.find('\'', 1) - 1);
  header->fortran_order = ValueOf(text, "fortran_order").starts_with("True");
  *data_begin = begin + length;
  return ParseShape(ValueOf(text, "shape"), &header->shape);
}

struct TypeRow {
  std::string_view descr;  // without the byte order
  ElementType type;
};
constexpr TypeRow kTypes[] = {
    {"f4", ElementType::kFloat},     {"f8", ElementType::kDouble},
    {"f2", ElementType::kFloat16},   {"i1", ElementType::kInt8},
    {"i2", ElementType::kInt16},     {"i4", ElementType::kInt32},
    {"i8", ElementType::kInt64},     {"u1", ElementType::kUint8},
    {"u2", ElementType::kUint16},    {"u4", ElementType::kUint32},
    {"u8", ElementType::kUint64},    {"b1", ElementType::kBool},
    {"c8", ElementType::kComplex64}, {"c16", ElementType::kComplex128},
};

// Row-major bytes from column-major ones.
std::vector<uint8_t> FromFortran(const uint8_t* data, const Dims& dims, size_t element_bytes) {
  std::vector<uint8_t> result;
  const int64_t count = ElementCount(dims);
  result.resize(static_cast<size_t>(count) * element_bytes);
  Dims index = dims;
  for (int i = 0; i < dims.rank(); ++i) index[i] = 0;
  for (int64_t to = 0; to < count; ++to) {
    int64_t from = 0;
    for (int i = dims.rank() - 1; i >= 0; --i) from = from * dims[i] + index[i];
    std::memcpy(result.data() + static_cast<size_t>(to) * element_bytes,
                data + static_cast<size_t>(from) * element_bytes, element_bytes);
    for (int i = dims.rank() - 1; i >= 0 && ++index[i] == dims[i]; --i) index[i] = 0;
  }
  return result;
}

void AppendUtf8(std::string* out, uint32_t code) {
  if (code < 0x80) {
    *out += static_cast<char>(code);
  } else if (code < 0x800) {
    *out += static_cast<char>(0xC0 | code >> 6);
    *out += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    *out += static_cast<char>(0xE0 | code >> 12);
    *out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    *out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    *out += static_cast<char>(0xF0 | code >> 18);
    *out += static_cast<char>(0x80 | (code >> 12 & 0x3F));
    *out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    *out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

// Code points of a UTF-8 text; a byte that is no UTF-8 stands for itself.
std::vector<uint32_t> CodePoints(std::string_view text) {
  std::vector<uint32_t> codes;
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const size_t length = lead < 0xC2 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 1;
    if (length == 1 || i + length > text.size()) {
      codes.push_back(lead);
      ++i;
      continue;
    }
    uint32_t code = lead & (0xFFu >> (length + 1));
    for (size_t k = 1; k < length; ++k)
      code = code << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3F);
    codes.push_back(code);
    i += length;
  }
  return codes;
}

StatusOr<Tensor> ParseStrings(std::span<const uint8_t> data, const Header& header) {
  int64_t width = 0;
  const std::string_view digits = std::string_view(header.descr).substr(2);
  std::from_chars(digits.data(), digits.data() + digits.size(), width);
  const int64_t count = ElementCount(header.shape);
  int64_t bytes = 0;
  if (width < 0 || count < 0 || !base::CheckedMul(count, 4 * width, &bytes) ||
      static_cast<size_t>(bytes) > data.size()) {
    return CorruptModel("it is cut short");
  }
  Tensor tensor;
  tensor.type = ElementType::kString;
  tensor.dims = header.shape;
  for (int64_t i = 0; i < count; ++i) {
    std::string text;
    for (int64_t k = 0; k < width; ++k) {
      uint32_t code;
      std::memcpy(&code, data.data() + 4 * (i * width + k), 4);
      if (code == 0) break;
      AppendUtf8(&text, code);
    }
    tensor.strings.push_back(std::move(text));
  }
  return tensor;
}

std::string HeaderText(std::string_view descr, const Dims& dims) {
  std::string text = Cat("{'descr': '", descr, "', 'fortran_order': False, 'shape': (");
  for (int i = 0; i < dims.rank(); ++i)
    text += Cat(dims[i], dims.rank() == 1 || i + 1 < dims.rank() ? "," : "",
                i + 1 < dims.rank() ? " " : "");
  text += "), }";
  while ((10 + text.size() + 1) % 64 != 0) text += ' ';
  text += '\n';
  std::string file("\x93NUMPY\x01\x00", 8);
  file += static_cast<char>(text.size() & 0xFF);
  file += static_cast<char>(text.size() >> 8);
  return file + text;
}

std::string FormatStrings(const TensorView& tensor) {
  const int64_t count = ElementCount(tensor.dims);
  std::vector<std::vector<uint32_t>> all;
  size_t width = 1;  // numpy has no strings of no characters
  for (int64_t i = 0; i < count; ++i) {
    all.push_back(CodePoints(tensor.as<std::string_view>()[i]));
    width = std::max(width, all.back().size());
  }
  std::string file = HeaderText(Cat("<U", width), tensor.dims);
  for (auto& codes : all) {
    codes.resize(width, 0);
    file.append(reinterpret_cast<const char*>(codes.data()), 4 * width);
  }
  return file;
}

// Types that numpy's format has no name for, as whole bytes.
std::string FormatSmall(const TensorView& tensor, int bits, bool is_signed) {
  const int64_t count = ElementCount(tensor.dims);
  std::string file = HeaderText(is_signed ? "|i1" : "|u1", tensor.dims);
  const int per_byte = 8 / bits;
  const int mask = (1 << bits) - 1;
  for (int64_t i = 0; i < count; ++i) {
    int value = tensor.as<uint8_t>()[i / per_byte] >> (bits * (i % per_byte)) & mask;
    if (is_signed && value > mask / 2) value -= mask + 1;
    file += static_cast<char>(value);
  }
  return file;
}

}  // namespace

StatusOr<Tensor> ParseNpy(std::span<const uint8_t> bytes) {
  Header header;
  size_t begin = 0;
  DOPPIO_RETURN_IF_ERROR(ParseHeader(bytes, &header, &begin));
  const std::span<const uint8_t> data = bytes.subspan(begin);
  std::string_view descr = header.descr;
  if (descr.starts_with("<U")) return ParseStrings(data, header);
  if (descr.front() == '>')
    return Unsupported("its numbers are big-endian; save it with little-endian ones");
  if (descr.front() == '<' || descr.front() == '|' || descr.front() == '=') descr.remove_prefix(1);
  Tensor tensor;
  for (const TypeRow& row : kTypes) {
    if (row.descr == descr) tensor.type = row.type;
  }
  if (tensor.type == ElementType::kUndefined) {
    return Unsupported(Cat("its element type ", base::Quoted(header.descr), " is not supported"));
  }
  tensor.dims = header.shape;
  const int64_t size = StorageBytes(tensor.type, ElementCount(tensor.dims));
  if (size < 0 || static_cast<size_t>(size) > data.size()) {
    return CorruptModel(Cat("it is cut short: ", data.size(), " bytes of data, its shape ",
                            tensor.dims, " wants ", size));
  }
  if (header.fortran_order && tensor.dims.rank() > 1) {
    tensor.bytes =
        FromFortran(data.data(), tensor.dims, static_cast<size_t>(ElementBits(tensor.type) / 8));
  } else {
    tensor.bytes.assign(data.begin(), data.begin() + size);
  }
  return tensor;
}

StatusOr<std::string> FormatNpy(const TensorView& tensor) {
  std::string_view descr;
  for (const TypeRow& row : kTypes) {
    if (row.type == tensor.type) descr = row.descr;
  }
  switch (tensor.type) {
    case ElementType::kString:
      return FormatStrings(tensor);
    case ElementType::kBFloat16:
      descr = "u2";
      break;
    case ElementType::kFloat8E4M3FN:
    case ElementType::kFloat8E4M3FNUZ:
    case ElementType::kFloat8E5M2:
    case ElementType::kFloat8E5M2FNUZ:
    case ElementType::kFloat8E8M0:
      descr = "u1";
      break;
    case ElementType::kInt4:
      return FormatSmall(tensor, 4, true);
    case ElementType::kUint4:
    case ElementType::kFloat4E2M1:
      return FormatSmall(tensor, 4, false);
    case ElementType::kInt2:
      return FormatSmall(tensor, 2, true);
    case ElementType::kUint2:
      return FormatSmall(tensor, 2, false);
    default:
      break;
  }
  if (descr.empty()) return Unsupported(Cat("type ", tensor.type, " has no form in a .npy file"));
  const bool one_byte = ElementBits(tensor.type) == 8;
  std::string file = HeaderText(Cat(one_byte ? "|" : "<", descr), tensor.dims);
  const int64_t size = StorageBytes(tensor.type, ElementCount(tensor.dims));
  if (size > 0) file.append(static_cast<const char*>(tensor.data), static_cast<size_t>(size));
  return file;
}

}  // namespace doppio::cli
