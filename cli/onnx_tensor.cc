#include "cli/onnx_tensor.h"

#include <cstring>

#include "base/message.h"
#include "runtime/graph/wire/pull_parser.h"

namespace doppio::cli {
namespace {

using base::Cat;
using graph::wire::Field;
using graph::wire::PullParser;
using graph::wire::WireType;

// Field numbers of onnx.proto's TensorProto.
enum : uint32_t {
  kDims = 1,
  kDataType = 2,
  kFloatData = 4,
  kInt32Data = 5,
  kStringData = 6,
  kInt64Data = 7,
  kRawData = 9,
  kDoubleData = 10,
  kUint64Data = 11,
  kExternalData = 13,
};

struct Payload {
  std::vector<int64_t> dims, ints;
  std::vector<uint8_t> fixed;  // float_data and double_data, little-endian
  std::vector<std::string> strings;
  int64_t type = 0;
  std::span<const uint8_t> raw;
  bool has_raw = false;
};

bool AppendVarints(const Field& field, std::vector<int64_t>* values) {
  if (field.type == WireType::kVarint) {
    values->push_back(field.as_int64());
    return true;
  }
  const uint8_t* at = field.bytes.data();
  const uint8_t* const end = at + field.bytes.size();
  while (at != end) {
    uint64_t value = 0;
    if (!graph::wire::ReadVarint(&at, end, &value)) return false;
    values->push_back(static_cast<int64_t>(value));
  }
  return true;
}

void AppendFixed(const Field& field, size_t bytes, std::vector<uint8_t>* values) {
  if (field.type == WireType::kBytes) {
    values->insert(values->end(), field.bytes.begin(), field.bytes.end());
    return;
  }
  const auto* from = reinterpret_cast<const uint8_t*>(&field.number_value);
  values->insert(values->end(), from, from + bytes);
}

Status ReadPayload(std::span<const uint8_t> bytes, Payload* payload) {
  PullParser parser(bytes);
  Field field;
  bool ok = true;
  while (ok && parser.Next(&field)) {
    switch (field.number) {
      case kDims:
        ok = AppendVarints(field, &payload->dims);
        break;
      case kDataType:
        payload->type = field.as_int64();
        break;
      case kFloatData:
        AppendFixed(field, 4, &payload->fixed);
        break;
      case kDoubleData:
        AppendFixed(field, 8, &payload->fixed);
        break;
      case kInt32Data:
      case kInt64Data:
      case kUint64Data:
        ok = AppendVarints(field, &payload->ints);
        break;
      case kStringData:
        payload->strings.emplace_back(field.text());
        break;
      case kRawData:
        payload->raw = field.bytes;
        payload->has_raw = true;
        break;
      case kExternalData:
        return Unsupported("its data stands in another file");
      default:
        break;
    }
  }
  return ok && !parser.failed() ? Status() : CorruptModel("not an ONNX tensor, or cut short");
}

template <class T>
void StoreInts(const std::vector<int64_t>& ints, std::vector<uint8_t>* bytes) {
  bytes->resize(ints.size() * sizeof(T));
  for (size_t i = 0; i < ints.size(); ++i) {
    const T value = static_cast<T>(ints[i]);
    std::memcpy(bytes->data() + i * sizeof(T), &value, sizeof(T));
  }
}

}  // namespace

StatusOr<Tensor> ParseOnnxTensor(std::span<const uint8_t> bytes) {
  Payload payload;
  DOPPIO_RETURN_IF_ERROR(ReadPayload(bytes, &payload));
  Tensor tensor;
  if (payload.type <= 0 || payload.type >= kElementTypeCount || payload.dims.size() > kMaxRank) {
    return CorruptModel("not an ONNX tensor");
  }
  tensor.type = static_cast<ElementType>(payload.type);
  tensor.dims = Dims(payload.dims);
  const int64_t count = tensor.count(), size = StorageBytes(tensor.type, count);
  if (size < 0) return CorruptModel(Cat("it has the impossible shape ", tensor.dims));
  if (tensor.type == ElementType::kString) {
    if (static_cast<int64_t>(payload.strings.size()) != count) {
      return CorruptModel(
          Cat("it holds ", payload.strings.size(), " strings for shape ", tensor.dims));
    }
    tensor.strings = std::move(payload.strings);
    return tensor;
  }
  if (payload.has_raw) {
    tensor.bytes.assign(payload.raw.begin(), payload.raw.end());
  } else if (!payload.fixed.empty()) {
    tensor.bytes = std::move(payload.fixed);
  } else {
    const int bits = ElementBits(tensor.type);
    if (bits <= 8) StoreInts<uint8_t>(payload.ints, &tensor.bytes);
    if (bits == 16) StoreInts<uint16_t>(payload.ints, &tensor.bytes);
    if (bits == 32) StoreInts<uint32_t>(payload.ints, &tensor.bytes);
    if (bits == 64) StoreInts<uint64_t>(payload.ints, &tensor.bytes);
  }
  if (static_cast<int64_t>(tensor.bytes.size()) != size) {
    return CorruptModel(Cat("it holds ", tensor.bytes.size(), " bytes, its shape ", tensor.dims,
                            " and type ", tensor.type, " want ", size));
  }
  return tensor;
}

}  // namespace doppio::cli
