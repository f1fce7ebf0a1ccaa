#include "runtime/graph/wire/fills.h"

#include <algorithm>
#include <cstring>

#include "base/message.h"
#include "runtime/graph/wire/argument_reader.h"
#include "runtime/graph/wire/pull_parser.h"
#include "runtime/graph/wire/schema.h"

namespace doppio::graph::wire {
namespace {

using base::Cat;

// Which list of `values` a fill reads.
enum class Source : uint8_t { kFloats, kInts, kStrings, kByteString, kBytes };

struct FillRow {
  std::string_view type;
  ElementType element;
  Source source;
  bool quantized = false;
};

constexpr FillRow kFills[] = {
    {"GivenTensorFill", ElementType::kFloat, Source::kFloats},
    {"GivenTensorDoubleFill", ElementType::kDouble, Source::kFloats},
    {"GivenTensorBoolFill", ElementType::kBool, Source::kInts},
    {"GivenTensorInt16Fill", ElementType::kInt16, Source::kInts},
    {"GivenTensorIntFill", ElementType::kInt32, Source::kInts},
    {"GivenTensorInt64Fill", ElementType::kInt64, Source::kInts},
    {"GivenTensorStringFill", ElementType::kString, Source::kStrings},
    {"GivenTensorByteStringToUInt8Fill", ElementType::kUint8, Source::kByteString},
    {"Int8GivenTensorFill", ElementType::kUint8, Source::kBytes, true},
    {"Int8GivenIntTensorFill", ElementType::kInt32, Source::kInts, true},
};

const FillRow* FindFill(std::string_view type) {
  for (const FillRow& row : kFills) {
    if (row.type == type) return &row;
  }
  return nullptr;
}

bool IsTensorConstant(const OperatorParts& op) {
  return op.type == "Constant" && op.domain == "ai.onnx";
}

std::string_view ArgName(std::span<const uint8_t> arg) {
  PullParser parser(arg);
  Field field;
  while (parser.Next(&field)) {
    if (field.number == argument::kName) return field.text();
  }
  return {};
}

// The first argument of that name, or an empty span.
std::span<const uint8_t> FindArg(const OperatorParts& op, std::string_view name) {
  for (std::span<const uint8_t> arg : op.args) {
    if (ArgName(arg) == name) return arg;
  }
  return {};
}

Status ReadShape(const OperatorParts& op, Graph* graph, Dims* dims) {
  Argument shape;
  DOPPIO_RETURN_IF_ERROR(ReadArgument(FindArg(op, "shape"), graph, nullptr, kMaxNetDepth, &shape));
  if (shape.has_i && shape.ints.empty()) {
    return CorruptModel("its argument 'shape' is a scalar; a list is expected");
  }
  if (shape.ints.size() > kMaxRank) {
    return CorruptModel(Cat("its shape has ", shape.ints.size(), " dimensions; at most ", kMaxRank,
                            " are possible"));
  }
  *dims = Dims(shape.ints.span());
  return {};
}

Status TooFew(size_t got, const Dims& dims) {
  return CorruptModel(
      Cat("it holds ", got, " values, its shape ", dims, " wants ", ElementCount(dims)));
}

// Elements of a repeated float or integer field, packed or not, counted without decoding.
size_t CountValues(std::span<const uint8_t> arg, uint32_t number) {
  PullParser parser(arg);
  Field field;
  size_t count = 0;
  while (parser.Next(&field)) {
    if (field.number != number) continue;
    if (field.type != WireType::kBytes) {
      ++count;
    } else if (number == argument::kFloats) {
      count += field.bytes.size() / sizeof(float);
    } else {
      for (uint8_t byte : field.bytes) count += (byte & 0x80) == 0;  // a varint's last byte
    }
  }
  return count;
}

// The values as they stand in the file when they are one packed, aligned run of at least `count`.
const float* FloatsInPlace(std::span<const uint8_t> arg, size_t count) {
  PullParser parser(arg);
  Field field;
  const uint8_t* run = nullptr;
  while (parser.Next(&field)) {
    if (field.number != argument::kFloats) continue;
    if (run != nullptr || field.type != WireType::kBytes) return nullptr;
    if (field.bytes.size() < count * sizeof(float)) return nullptr;
    run = field.bytes.data();
  }
  if (parser.failed() || reinterpret_cast<uintptr_t>(run) % alignof(float) != 0) return nullptr;
  return reinterpret_cast<const float*>(run);
}

void StoreInt(ElementType type, int64_t value, void* data, size_t index) {
  switch (type) {
    case ElementType::kBool:
      static_cast<bool*>(data)[index] = value != 0;
      break;
    case ElementType::kInt16:
      static_cast<int16_t*>(data)[index] = static_cast<int16_t>(value);
      break;
    case ElementType::kInt32:
      static_cast<int32_t*>(data)[index] = static_cast<int32_t>(value);
      break;
    default:
      static_cast<int64_t*>(data)[index] = value;
      break;
  }
}

// Decodes the first `count` values, which are known to be there, straight into `data`.
Status DecodeInts(std::span<const uint8_t> arg, ElementType type, size_t count, void* data) {
  PullParser parser(arg);
  Field field;
  size_t done = 0;
  while (done < count && parser.Next(&field)) {
    if (field.number != argument::kInts) continue;
    if (field.type == WireType::kVarint) {
      StoreInt(type, field.as_int64(), data, done++);
      continue;
    }
    const uint8_t* at = field.bytes.data();
    const uint8_t* const end = at + field.bytes.size();
    while (at != end && done < count) {
      uint64_t value = 0;
      if (!ReadVarint(&at, end, &value)) return CorruptModel("its integer values are damaged");
      StoreInt(type, static_cast<int64_t>(value), data, done++);
    }
  }
  return done == count ? Status() : CorruptModel("its integer values are damaged");
}

Status DecodeFloats(std::span<const uint8_t> arg, ElementType type, size_t count, void* data) {
  PullParser parser(arg);
  Field field;
  size_t done = 0;
  const auto store = [&](float value) {
    if (type == ElementType::kDouble) {
      static_cast<double*>(data)[done++] = static_cast<double>(value);
    } else {
      static_cast<float*>(data)[done++] = value;
    }
  };
  while (done < count && parser.Next(&field)) {
    if (field.number != argument::kFloats) continue;
    if (field.type == WireType::kFixed32) {
      store(field.as_float());
      continue;
    }
    for (size_t i = 0; i + sizeof(float) <= field.bytes.size() && done < count;
         i += sizeof(float)) {
      float value;
      std::memcpy(&value, field.bytes.data() + i, sizeof(value));
      store(value);
    }
  }
  return done == count ? Status() : CorruptModel("its float values are damaged");
}

Status ReadStrings(std::span<const uint8_t> arg, Source source, Graph* graph, Constant* constant) {
  Argument values;
  DOPPIO_RETURN_IF_ERROR(ReadArgument(arg, graph, nullptr, kMaxNetDepth, &values));
  const auto count = static_cast<size_t>(constant->count);
  if (source == Source::kBytes) {
    if (values.s.size() < count) return TooFew(values.s.size(), constant->dims);
    constant->data = values.s.data();
    return {};
  }
  if (source == Source::kByteString) {
    if (values.strings.size() != 1) {
      return CorruptModel(
          Cat("it holds ", values.strings.size(), " strings; exactly one is expected"));
    }
    if (values.strings[0].size() < count) return TooFew(values.strings[0].size(), constant->dims);
    constant->data = values.strings[0].data();
    return {};
  }
  if (values.strings.size() < count) return TooFew(values.strings.size(), constant->dims);
  DOPPIO_ASSIGN_OR_RETURN(void* data, graph->Allocate(count * sizeof(std::string_view)));
  for (size_t i = 0; i < count; ++i) static_cast<std::string_view*>(data)[i] = values.strings[i];
  constant->data = data;
  return {};
}

// The argument `dtype` of a fill, an enum number or a name; kUndefined when absent or unknown.
ElementType ReadDtype(const Argument& dtype) {
  if (dtype.has_i) return FromCaffe2DataType(dtype.i);
  constexpr struct {
    std::string_view name;
    ElementType type;
  } kNames[] = {{"FLOAT", ElementType::kFloat}, {"DOUBLE", ElementType::kDouble},
                {"BOOL", ElementType::kBool},   {"INT32", ElementType::kInt32},
                {"INT64", ElementType::kInt64}, {"STRING", ElementType::kString}};
  for (const auto& row : kNames) {
    if (dtype.s == row.name) return row.type;
  }
  return ElementType::kUndefined;
}

Status ReadQuantization(const OperatorParts& op, Graph* graph, Quantization* quantization) {
  base::Array<Argument> args;
  for (std::span<const uint8_t> bytes : op.args) {
    const std::string_view name = ArgName(bytes);
    if (name != kScaleArg && name != kZeroPointArg) continue;
    Argument arg;
    DOPPIO_RETURN_IF_ERROR(ReadArgument(bytes, graph, nullptr, kMaxNetDepth, &arg));
    DOPPIO_RETURN_IF_ERROR(args.Append(std::move(arg)));
  }
  *quantization = QuantizationFrom(args);
  return {};
}

Status ReadTensorConstant(const OperatorParts& op, Graph* graph, Constant* constant) {
  Argument dtype;
  DOPPIO_RETURN_IF_ERROR(ReadArgument(FindArg(op, "dtype"), graph, nullptr, kMaxNetDepth, &dtype));
  PullParser parser(FindArg(op, "value"));
  Field field;
  while (parser.Next(&field)) {
    if (field.number == argument::kT) {
      return ReadTensor(field.bytes, graph, ElementTypeFromName(dtype.s), constant);
    }
  }
  return CorruptModel("its argument 'value' holds no tensor");
}

}  // namespace

Quantization QuantizationFrom(const base::Array<Argument>& args) {
  Quantization q;
  q.present = true;
  const Argument* const scale = graph::FindArg(args, kScaleArg);
  const Argument* const zero_point = graph::FindArg(args, kZeroPointArg);
  if (scale != nullptr && scale->has_f) q.scale = scale->f;
  if (zero_point != nullptr && zero_point->has_i) {
    q.zero_point = static_cast<int32_t>(std::clamp<int64_t>(zero_point->i, INT32_MIN, INT32_MAX));
  }
  return q;
}

bool IsFillOfGivenValues(const OperatorParts& op) {
  if (!op.inputs.empty() || op.outputs.size() != 1) return false;
  return IsTensorConstant(op) || (op.domain.empty() && FindFill(op.type) != nullptr);
}

Status ReadFill(const OperatorParts& op, Graph* graph, Constant* constant,
                Quantization* quantization) {
  if (IsTensorConstant(op)) return ReadTensorConstant(op, graph, constant);
  const FillRow* row = FindFill(op.type);
  if (row->quantized) DOPPIO_RETURN_IF_ERROR(ReadQuantization(op, graph, quantization));
  ElementType type = row->element;
  Source source = row->source;
  if (const auto bytes = FindArg(op, "dtype"); !bytes.empty() && type == ElementType::kFloat) {
    Argument dtype;
    DOPPIO_RETURN_IF_ERROR(ReadArgument(bytes, graph, nullptr, kMaxNetDepth, &dtype));
    type = ReadDtype(dtype);
    if (type == ElementType::kUndefined) return CorruptModel("its argument 'dtype' is unknown");
    source = type == ElementType::kString                                  ? Source::kStrings
             : type == ElementType::kFloat || type == ElementType::kDouble ? Source::kFloats
                                                                           : Source::kInts;
  }
  DOPPIO_RETURN_IF_ERROR(ReadShape(op, graph, &constant->dims));
  constant->type = type;
  constant->count = ElementCount(constant->dims);
  const int64_t size = StorageBytes(type, constant->count);
  if (size < 0) return CorruptModel(Cat("its shape ", constant->dims, " is impossible"));
  const auto values = FindArg(op, "values");
  const auto count = static_cast<size_t>(constant->count);
  if (source != Source::kFloats && source != Source::kInts) {
    return ReadStrings(values, source, graph, constant);
  }
  const bool floats = source == Source::kFloats;
  const size_t got = CountValues(values, floats ? argument::kFloats : argument::kInts);
  if (got < count) return TooFew(got, constant->dims);
  if (type == ElementType::kFloat) {
    constant->data = FloatsInPlace(values, count);
    if (constant->data != nullptr) return {};
  }
  DOPPIO_ASSIGN_OR_RETURN(void* data, graph->Allocate(static_cast<size_t>(size)));
  constant->data = data;
  return floats ? DecodeFloats(values, type, count, data) : DecodeInts(values, type, count, data);
}

}  // namespace doppio::graph::wire
