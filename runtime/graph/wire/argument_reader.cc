#include "runtime/graph/wire/argument_reader.h"

#include <cstring>

#include "base/message.h"
#include "runtime/graph/wire/pull_parser.h"
#include "runtime/graph/wire/schema.h"

namespace doppio::graph::wire {
namespace {

Status Damaged(const char* what) { return CorruptModel(base::Cat("damaged bytes in ", what)); }

// A repeated float field: one unpacked element, or a packed run.
Status ReadFloats(const Field& field, base::Array<float>* floats) {
  if (field.type == WireType::kFixed32) return floats->Append(field.as_float());
  if (field.type != WireType::kBytes || field.bytes.size() % sizeof(float) != 0) {
    return Damaged("a list of floats");
  }
  const size_t old_size = floats->size();
  DOPPIO_RETURN_IF_ERROR(floats->Resize(old_size + field.bytes.size() / sizeof(float)));
  if (!field.bytes.empty()) {
    std::memcpy(floats->data() + old_size, field.bytes.data(), field.bytes.size());
  }
  return {};
}

// A repeated integer field: one unpacked element, or a packed run.
Status ReadInts(const Field& field, base::Array<int64_t>* ints) {
  if (field.type == WireType::kVarint) return ints->Append(field.as_int64());
  if (field.type != WireType::kBytes) return Damaged("a list of integers");
  const uint8_t* at = field.bytes.data();
  const uint8_t* const end = at + field.bytes.size();
  while (at != end) {
    uint64_t value = 0;
    if (!ReadVarint(&at, end, &value)) return Damaged("a list of integers");
    DOPPIO_RETURN_IF_ERROR(ints->Append(static_cast<int64_t>(value)));
  }
  return {};
}

// The typed and raw payload of a TensorProto while it is read.
struct TensorPayload {
  base::Array<int64_t> dims;
  int64_t data_type = 1;  // FLOAT when absent
  base::Array<float> floats;
  base::Array<int64_t> ints;
  base::Array<double> doubles;
  base::Array<std::string_view> strings;
  std::span<const uint8_t> raw;
  bool has_raw = false;
};

Status ReadDoubles(const Field& field, base::Array<double>* doubles) {
  const auto append = [&](uint64_t bits) {
    double value;
    std::memcpy(&value, &bits, sizeof(value));
    return doubles->Append(value);
  };
  if (field.type == WireType::kFixed64) return append(field.number_value);
  if (field.type != WireType::kBytes || field.bytes.size() % sizeof(double) != 0) {
    return Damaged("a list of doubles");
  }
  for (size_t i = 0; i < field.bytes.size(); i += sizeof(double)) {
    uint64_t bits;
    std::memcpy(&bits, field.bytes.data() + i, sizeof(bits));
    DOPPIO_RETURN_IF_ERROR(append(bits));
  }
  return {};
}

Status ReadPayload(std::span<const uint8_t> bytes, TensorPayload* payload) {
  PullParser parser(bytes);
  Field field;
  while (parser.Next(&field)) {
    switch (field.number) {
      case tensor_proto::kDims:
        DOPPIO_RETURN_IF_ERROR(ReadInts(field, &payload->dims));
        break;
      case tensor_proto::kDataType:
        payload->data_type = field.as_int64();
        break;
      case tensor_proto::kFloatData:
        DOPPIO_RETURN_IF_ERROR(ReadFloats(field, &payload->floats));
        break;
      case tensor_proto::kInt32Data:
      case tensor_proto::kInt64Data:
        DOPPIO_RETURN_IF_ERROR(ReadInts(field, &payload->ints));
        break;
      case tensor_proto::kDoubleData:
        DOPPIO_RETURN_IF_ERROR(ReadDoubles(field, &payload->doubles));
        break;
      case tensor_proto::kStringData:
        DOPPIO_RETURN_IF_ERROR(payload->strings.Append(field.text()));
        break;
      case tensor_proto::kByteData:
      case tensor_proto::kRawData:
        payload->raw = field.bytes;
        payload->has_raw = true;
        break;
      default:
        break;
    }
  }
  return parser.failed() ? Damaged("a tensor") : Status();
}

template <class To, class From>
void Convert(const base::Array<From>& from, void* to) {
  To* out = static_cast<To*>(to);
  for (size_t i = 0; i < from.size(); ++i) out[i] = static_cast<To>(from[i]);
}

// Writes the integers of a payload as elements of `bits` bits.
void StoreInts(const base::Array<int64_t>& ints, int bits, void* to) {
  switch (bits) {
    case 8:
      Convert<uint8_t>(ints, to);
      break;
    case 16:
      Convert<uint16_t>(ints, to);
      break;
    case 32:
      Convert<uint32_t>(ints, to);
      break;
    default:
      Convert<uint64_t>(ints, to);
      break;
  }
}

Status StoreStrings(const base::Array<std::string_view>& strings, Graph* graph, void* to) {
  auto* out = static_cast<std::string_view*>(to);
  for (size_t i = 0; i < strings.size(); ++i) {
    DOPPIO_ASSIGN_OR_RETURN(out[i], graph->Intern(strings[i]));
  }
  return {};
}

}  // namespace

Status UnknownFields::StoreTo(Graph* graph, std::string_view* unknown) const {
  DOPPIO_ASSIGN_OR_RETURN(
      *unknown, graph->Intern({reinterpret_cast<const char*>(bytes_.data()), bytes_.size()}));
  return {};
}

Status ReadTensor(std::span<const uint8_t> bytes, Graph* graph, ElementType fallback,
                  Constant* tensor) {
  TensorPayload payload;
  DOPPIO_RETURN_IF_ERROR(ReadPayload(bytes, &payload));
  tensor->type = payload.data_type == 0 ? fallback : FromCaffe2DataType(payload.data_type);
  if (tensor->type == ElementType::kUndefined) {
    return CorruptModel(base::Cat("a tensor has the unknown data type ", payload.data_type));
  }
  if (payload.dims.size() > kMaxRank) {
    return CorruptModel(base::Cat("a tensor has ", payload.dims.size(), " dimensions; at most ",
                                  kMaxRank, " are possible"));
  }
  tensor->dims = Dims(payload.dims.span());
  tensor->count = ElementCount(tensor->dims);
  const int64_t size = StorageBytes(tensor->type, tensor->count);
  if (size < 0) return CorruptModel(base::Cat("a tensor has the impossible shape ", tensor->dims));
  const auto mismatch = [&](size_t got, const char* unit) {
    return CorruptModel(base::Cat("a tensor of shape ", tensor->dims, " and type ", tensor->type,
                                  " holds ", got, unit));
  };
  const auto count = static_cast<size_t>(tensor->count);
  const bool is_string = tensor->type == ElementType::kString;
  if (payload.has_raw && !is_string) {
    if (payload.raw.size() != static_cast<size_t>(size)) {
      return mismatch(payload.raw.size(), " bytes");
    }
    DOPPIO_ASSIGN_OR_RETURN(void* copy, graph->Allocate(payload.raw.size()));
    if (!payload.raw.empty()) std::memcpy(copy, payload.raw.data(), payload.raw.size());
    tensor->data = copy;
    return {};
  }
  const bool is_float = tensor->type == ElementType::kFloat;
  const bool is_double = tensor->type == ElementType::kDouble;
  const size_t got = is_string   ? payload.strings.size()
                     : is_float  ? payload.floats.size()
                     : is_double ? payload.doubles.size()
                                 : payload.ints.size();
  if (got != count) return mismatch(got, " values");
  DOPPIO_ASSIGN_OR_RETURN(void* data, graph->Allocate(static_cast<size_t>(size)));
  tensor->data = data;
  if (is_string) return StoreStrings(payload.strings, graph, data);
  if (is_float) {
    Convert<float>(payload.floats, data);
  } else if (is_double) {
    Convert<double>(payload.doubles, data);
  } else {
    StoreInts(payload.ints, ElementBits(tensor->type), data);
  }
  return {};
}

Status ReadArgument(std::span<const uint8_t> bytes, Graph* graph, NetReader read_net, int depth,
                    Argument* arg) {
  const auto nested = [&](const Field& field, std::unique_ptr<Graph>* net) {
    if (depth >= kMaxNetDepth) return CorruptModel("nets are nested too deeply");
    net->reset(new (std::nothrow) Graph(graph->budget()));
    if (*net == nullptr) return OutOfMemory("no memory for a nested net");
    return read_net(field.bytes, depth + 1, net->get());
  };
  UnknownFields unknown;
  PullParser parser(bytes);
  Field field;
  while (parser.Next(&field)) {
    switch (field.number) {
      case argument::kName: {
        DOPPIO_ASSIGN_OR_RETURN(arg->name, graph->Intern(field.text()));
        break;
      }
      case argument::kF:
        arg->has_f = true;
        arg->f = field.as_float();
        break;
      case argument::kI:
        arg->has_i = true;
        arg->i = field.as_int64();
        break;
      case argument::kS: {
        arg->has_s = true;
        DOPPIO_ASSIGN_OR_RETURN(arg->s, graph->Intern(field.text()));
        break;
      }
      case argument::kFloats:
        DOPPIO_RETURN_IF_ERROR(ReadFloats(field, &arg->floats));
        break;
      case argument::kInts:
        DOPPIO_RETURN_IF_ERROR(ReadInts(field, &arg->ints));
        break;
      case argument::kStrings: {
        DOPPIO_ASSIGN_OR_RETURN(std::string_view text, graph->Intern(field.text()));
        DOPPIO_RETURN_IF_ERROR(arg->strings.Append(text));
        break;
      }
      case argument::kN:
        DOPPIO_RETURN_IF_ERROR(nested(field, &arg->net));
        break;
      case argument::kNets: {
        std::unique_ptr<Graph> net;
        DOPPIO_RETURN_IF_ERROR(nested(field, &net));
        DOPPIO_RETURN_IF_ERROR(arg->nets.Append(std::move(net)));
        break;
      }
      case argument::kT:
        arg->has_t = true;
        DOPPIO_RETURN_IF_ERROR(ReadTensor(field.bytes, graph, ElementType::kUndefined, &arg->t));
        break;
      case argument::kTensors: {
        Constant tensor;
        DOPPIO_RETURN_IF_ERROR(ReadTensor(field.bytes, graph, ElementType::kUndefined, &tensor));
        DOPPIO_RETURN_IF_ERROR(arg->tensors.Append(tensor));
        break;
      }
      default:
        DOPPIO_RETURN_IF_ERROR(unknown.Add(field.raw));
        break;
    }
  }
  if (parser.failed()) return Damaged("an argument");
  return unknown.StoreTo(graph, &arg->unknown);
}

}  // namespace doppio::graph::wire
