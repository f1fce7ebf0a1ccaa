#include "converter/tensors.h"

#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "base/checked.h"
#include "base/message.h"
#include "converter/convert_error.h"

namespace doppio::converter {

using base::Cat;
using base::Quoted;
using graph::Constant;

namespace {

// What a densified sparse tensor may take.
constexpr int64_t kMaxDenseBytes = int64_t{1} << 31;

[[noreturn]] void Fail(StatusCode code, const std::string& name, const std::string& text) {
  throw ConvertError{Status(code, Cat("tensor ", Quoted(name), ": ", text))};
}

Constant Head(const onnx::TensorProto& tensor) {
  Constant constant;
  if (tensor.data_type() <= 0 || tensor.data_type() >= kElementTypeCount) {
    Fail(StatusCode::kUnsupported, tensor.name(), Cat("unknown data type ", tensor.data_type()));
  }
  constant.type = static_cast<ElementType>(tensor.data_type());
  if (tensor.dims_size() > kMaxRank) {
    Fail(StatusCode::kUnsupported, tensor.name(),
         Cat("has ", tensor.dims_size(), " dimensions; at most ", kMaxRank, " are possible"));
  }
  for (int64_t size : tensor.dims()) constant.dims.push_back(size);
  constant.count = ElementCount(constant.dims);
  if (constant.count < 0 || StorageBytes(constant.type, constant.count) < 0) {
    Fail(StatusCode::kCorruptModel, tensor.name(), Cat("has the impossible shape ", constant.dims));
  }
  if (tensor.has_segment()) Fail(StatusCode::kUnsupported, tensor.name(), "is stored in segments");
  return constant;
}

[[noreturn]] void Mismatch(const onnx::TensorProto& tensor, const Constant& constant, int64_t got,
                           const char* unit) {
  Fail(
      StatusCode::kCorruptModel, tensor.name(),
      Cat("holds ", got, " ", unit, ", its type and shape ", constant.type, constant.dims, " want ",
          std::string_view(unit) == "bytes" ? StorageBytes(constant.type, constant.count)
                                            : constant.count));
}

// A non-negative number in an external_data entry.
int64_t EntryNumber(const onnx::TensorProto& tensor, const std::string& key,
                    const std::string& text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) {
    Fail(StatusCode::kCorruptModel, tensor.name(),
         Cat("external data ", key, " ", Quoted(text), " is no number of bytes"));
  }
  return value;
}

// Whether a location names a file below the model's folder by its text alone.
bool IsPlainRelative(const std::string& location) {
  if (location.empty() || location.front() == '/' || location.find('\0') != std::string::npos)
    return false;
  if (location.find('\\') != std::string::npos || location.find(':') != std::string::npos)
    return false;
  for (size_t begin = 0; begin <= location.size();) {
    size_t end = location.find('/', begin);
    if (end == std::string::npos) end = location.size();
    if (location.compare(begin, end - begin, "..") == 0) return false;
    begin = end + 1;
  }
  return true;
}

// The canonical path, or nothing when there is no such file.
std::optional<std::string> RealPath(const std::string& path) {
  char* real = realpath(path.c_str(), nullptr);
  if (real == nullptr) return std::nullopt;
  std::string text = real;
  std::free(real);
  return text;
}

template <class To, class Field>
void Convert(const Field& field, void* to) {
  To* out = static_cast<To*>(to);
  for (const auto& value : field) *out++ = static_cast<To>(value);
}

}  // namespace

TensorReader::TensorReader(const std::string& model_path, graph::Graph* graph)
    : model_path_(model_path), graph_(graph) {
  const size_t slash = model_path.find_last_of('/');
  folder_ = slash == std::string::npos ? "." : slash == 0 ? "/" : model_path.substr(0, slash);
}

std::span<const uint8_t> TensorReader::SideFile(const std::string& location) {
  const auto known = side_files_.find(location);
  if (known != side_files_.end()) return known->second;
  const auto refuse = [&](StatusCode code, const std::string& text) {
    throw ConvertError{
        Status(code, Cat(model_path_, ": external data ", Quoted(location), " ", text))};
  };
  if (!IsPlainRelative(location)) {
    refuse(StatusCode::kUnsupported, "is not a file in the model's folder; such paths are refused");
  }
  const std::string path = folder_ + "/" + location;
  const std::optional<std::string> real = RealPath(path), root = RealPath(folder_);
  if (!real || !root) {
    refuse(StatusCode::kNotFound, Cat("is missing; it belongs beside the model, at ", path));
  }
  const std::string prefix = *root == "/" ? "/" : *root + "/";
  if (!real->starts_with(prefix)) {
    refuse(StatusCode::kUnsupported,
           "leads out of the model's folder by a symbolic link; such paths are refused");
  }
  struct stat info;
  if (stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && info.st_nlink > 1) {
    refuse(StatusCode::kUnsupported, "is a hard link; copy the file");
  }
  platform::MappedFile file =
      Unwrap(platform::MappedFile::Open(path.c_str(), platform::FileMode::kMap, graph_->budget()));
  const std::span<const uint8_t> bytes = file.bytes();
  Check(graph_->Own(std::move(file)));
  side_files_[location] = bytes;
  return bytes;
}

std::span<const uint8_t> TensorReader::External(const onnx::TensorProto& tensor, int64_t wanted) {
  std::string location;
  int64_t offset = 0, length = wanted;
  for (const auto& entry : tensor.external_data()) {
    if (entry.key() == "location") {
      location = entry.value();
    } else if (entry.key() == "offset") {
      offset = EntryNumber(tensor, "offset", entry.value());
    } else if (entry.key() == "length") {
      length = EntryNumber(tensor, "length", entry.value());
    } else if (entry.key() != "checksum" && entry.key() != "basepath") {
      Fail(StatusCode::kUnsupported, tensor.name(),
           Cat("external data has the unknown key ", Quoted(entry.key())));
    }
  }
  const std::span<const uint8_t> file = SideFile(location);
  int64_t end = 0;
  if (length != wanted) {
    Fail(StatusCode::kCorruptModel, tensor.name(),
         Cat("external data has length ", length, ", its shape wants ", wanted, " bytes"));
  }
  if (!base::CheckedAdd(offset, length, &end) || static_cast<uint64_t>(end) > file.size()) {
    Fail(StatusCode::kCorruptModel, tensor.name(),
         Cat("external data at ", offset, " of ", length, " bytes lies beyond the ", file.size(),
             " bytes of ", Quoted(location)));
  }
  return file.subspan(static_cast<size_t>(offset), static_cast<size_t>(length));
}

Constant TensorReader::Read(const onnx::TensorProto& tensor) {
  Constant constant = Head(tensor);
  const int64_t bytes = StorageBytes(constant.type, constant.count);
  const bool external = tensor.data_location() == onnx::TensorProto::EXTERNAL;
  if (constant.type == ElementType::kString || (!external && !tensor.has_raw_data())) {
    if (external) Fail(StatusCode::kUnsupported, tensor.name(), "strings in external data");
    return ReadTyped(tensor, constant);
  }
  std::span<const uint8_t> data;
  if (external) {
    data = External(tensor, bytes);
  } else {
    const std::string& raw = tensor.raw_data();
    data = {reinterpret_cast<const uint8_t*>(raw.data()), raw.size()};
    if (static_cast<int64_t>(data.size()) != bytes) {
      Mismatch(tensor, constant, static_cast<int64_t>(data.size()), "bytes");
    }
  }
  const auto element = static_cast<size_t>(ElementBits(constant.type) / 8);
  constant.data = data.data();
  // Short strings live inside the message object at any address; the side file has any offset.
  if (element > 1 && reinterpret_cast<uintptr_t>(data.data()) % element != 0) {
    void* copy = Unwrap(graph_->Allocate(data.size()));
    if (!data.empty()) std::memcpy(copy, data.data(), data.size());
    constant.data = copy;
  }
  return constant;
}

Constant TensorReader::ReadTyped(const onnx::TensorProto& tensor, Constant constant) {
  const int bits = ElementBits(constant.type);
  const auto check = [&](int64_t got, int64_t wanted) {
    if (got != wanted) Mismatch(tensor, constant, got, "values");
  };
  void* data =
      Unwrap(graph_->Allocate(static_cast<size_t>(StorageBytes(constant.type, constant.count))));
  constant.data = data;
  switch (constant.type) {
    case ElementType::kFloat:
      check(tensor.float_data_size(), constant.count);
      Convert<float>(tensor.float_data(), data);
      break;
    case ElementType::kComplex64:
      check(tensor.float_data_size(), 2 * constant.count);
      Convert<float>(tensor.float_data(), data);
      break;
    case ElementType::kDouble:
      check(tensor.double_data_size(), constant.count);
      Convert<double>(tensor.double_data(), data);
      break;
    case ElementType::kComplex128:
      check(tensor.double_data_size(), 2 * constant.count);
      Convert<double>(tensor.double_data(), data);
      break;
    case ElementType::kInt64:
      check(tensor.int64_data_size(), constant.count);
      Convert<int64_t>(tensor.int64_data(), data);
      break;
    case ElementType::kUint64:
    case ElementType::kUint32:
      check(tensor.uint64_data_size(), constant.count);
      if (bits == 32) Convert<uint32_t>(tensor.uint64_data(), data);
      if (bits == 64) Convert<uint64_t>(tensor.uint64_data(), data);
      break;
    case ElementType::kString: {
      check(tensor.string_data_size(), constant.count);
      auto* out = static_cast<std::string_view*>(data);
      for (const std::string& text : tensor.string_data()) *out++ = Unwrap(graph_->Intern(text));
      break;
    }
    default:  // the rest stands in int32_data; sub-byte types as packed bytes
      check(tensor.int32_data_size(),
            bits >= 8 ? constant.count : StorageBytes(constant.type, constant.count));
      if (bits <= 8) Convert<uint8_t>(tensor.int32_data(), data);
      if (bits == 16) Convert<uint16_t>(tensor.int32_data(), data);
      if (bits == 32) Convert<int32_t>(tensor.int32_data(), data);
      break;
  }
  return constant;
}

Constant TensorReader::ReadSparse(const onnx::SparseTensorProto& sparse) {
  const std::string& name = sparse.values().name();
  Constant constant;
  const Constant values = Read(sparse.values()), indices = Read(sparse.indices());
  constant.type = values.type;
  for (int64_t size : sparse.dims()) {
    if (!constant.dims.push_back(size))
      Fail(StatusCode::kUnsupported, name, "has more than 16 dimensions");
  }
  constant.count = ElementCount(constant.dims);
  const int64_t bytes = StorageBytes(constant.type, constant.count);
  if (bytes < 0 || bytes > kMaxDenseBytes || ElementBits(constant.type) < 8 ||
      constant.type == ElementType::kString) {
    Fail(StatusCode::kUnsupported, name, Cat("a sparse tensor of ", constant.type, constant.dims));
  }
  const int rank = constant.dims.rank();
  const bool linear = indices.dims.rank() == 1;
  if (indices.type != ElementType::kInt64 || indices.count != values.count * (linear ? 1 : rank)) {
    Fail(StatusCode::kCorruptModel, name, "its indices do not match its values");
  }
  auto* data = static_cast<uint8_t*>(Unwrap(graph_->Allocate(static_cast<size_t>(bytes))));
  if (bytes > 0) std::memset(data, 0, static_cast<size_t>(bytes));
  const auto element = static_cast<size_t>(ElementBits(constant.type) / 8);
  for (int64_t i = 0; i < values.count; ++i) {
    int64_t at = linear ? indices.as<int64_t>()[i] : 0;
    for (int d = 0; d < rank && !linear; ++d) {
      const int64_t index = indices.as<int64_t>()[i * rank + d];
      if (index < 0 || index >= constant.dims[d])
        Fail(StatusCode::kCorruptModel, name, "an index is out of range");
      at = at * constant.dims[d] + index;
    }
    if (at < 0 || at >= constant.count)
      Fail(StatusCode::kCorruptModel, name, "an index is out of range");
    std::memcpy(data + static_cast<size_t>(at) * element,
                static_cast<const uint8_t*>(values.data) + static_cast<size_t>(i) * element,
                element);
  }
  constant.data = data;
  return constant;
}

}  // namespace doppio::converter
