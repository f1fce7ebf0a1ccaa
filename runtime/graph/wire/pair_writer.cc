#include "runtime/graph/wire/pair_writer.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "base/checked.h"
#include "base/message.h"
#include "runtime/graph/wire/declarations.h"
#include "runtime/graph/wire/fills.h"
#include "runtime/graph/wire/message_builder.h"
#include "runtime/graph/wire/schema.h"
#include "runtime/graph/wire/written_names.h"
#include "runtime/platform/atomic_file.h"

namespace doppio::graph::wire {
namespace {

using base::Cat;

constexpr int64_t kInPlaceBytes = 4
                                  << 10;  // runs this long start at a multiple of base::kAlignment
constexpr size_t kNetronNameLimit = 63;

// Counts and hashes what goes to a sink; the hash of both nets' operators marks the pair.
class Output {
 public:
  explicit Output(Sink* sink) : sink_(sink) {}

  Status Write(std::span<const uint8_t> bytes) {
    offset_ += bytes.size();
    Hash(bytes);
    return sink_->Write(bytes.data(), bytes.size());
  }
  size_t offset() const { return offset_; }
  uint64_t hash() const { return hash_; }

 private:
  // Eight bytes a step: the mark tells pairs apart, it does not guard against forgery.
  void Hash(std::span<const uint8_t> bytes) {
    size_t i = 0;
    for (; i + 8 <= bytes.size(); i += 8) {
      uint64_t word;
      std::memcpy(&word, bytes.data() + i, 8);
      hash_ = (hash_ ^ word) * 0x9E3779B97F4A7C15u;
      hash_ ^= hash_ >> 32;
    }
    for (; i < bytes.size(); ++i) hash_ = (hash_ ^ bytes[i]) * 0x100000001b3u;
  }

  Sink* sink_;
  size_t offset_ = 0;
  uint64_t hash_ = 0xcbf29ce484222325u;
};

std::string_view FillType(ElementType type) {
  switch (type) {
    case ElementType::kFloat:
      return "GivenTensorFill";
    case ElementType::kInt32:
      return "GivenTensorIntFill";
    case ElementType::kInt64:
      return "GivenTensorInt64Fill";
    case ElementType::kBool:
      return "GivenTensorBoolFill";
    case ElementType::kString:
      return "GivenTensorStringFill";
    case ElementType::kUint8:
      return "GivenTensorByteStringToUInt8Fill";
    default:
      return {};
  }
}

void ShapeArg(const Dims& dims, MessageBuilder* op) {
  MessageBuilder arg;
  arg.Text(argument::kName, "shape");
  for (int64_t size : dims) arg.Int(argument::kInts, size);
  op->Message(operator_def::kArg, arg);
}

// The list field of a fill's `values`, all but float lists.
void ValuesArg(const Constant& constant, MessageBuilder* op) {
  MessageBuilder arg, run;
  arg.Text(argument::kName, "values");
  for (int64_t i = 0; i < constant.count; ++i) {
    switch (constant.type) {
      case ElementType::kBool:
        run.Varint(constant.as<bool>()[i]);
        break;
      case ElementType::kInt32:
        run.Varint(static_cast<uint64_t>(int64_t{constant.as<int32_t>()[i]}));
        break;
      case ElementType::kInt64:
        run.Varint(static_cast<uint64_t>(constant.as<int64_t>()[i]));
        break;
      case ElementType::kString:
        arg.Text(argument::kStrings, constant.as<std::string_view>()[i]);
        break;
      default:
        break;
    }
  }
  if (constant.type == ElementType::kUint8) {
    arg.Bytes(argument::kStrings, {constant.as<uint8_t>(), static_cast<size_t>(constant.count)});
  }
  if (run.size() > 0) arg.Message(argument::kInts, run);
  op->Message(operator_def::kArg, arg);
}

// A tensor of a type that Caffe2's fills cannot hold exactly.
MessageBuilder TensorMessage(const Constant& constant) {
  MessageBuilder tensor;
  for (int64_t size : constant.dims) tensor.Int(tensor_proto::kDims, size);
  tensor.Int(tensor_proto::kDataType, Caffe2DataType(constant.type));
  if (constant.type == ElementType::kString) {
    for (int64_t i = 0; i < constant.count; ++i) {
      tensor.Text(tensor_proto::kStringData, constant.as<std::string_view>()[i]);
    }
    return tensor;
  }
  tensor.Int(tensor_proto::kStorageType, tensor_proto::kStorageRaw);
  const auto bytes = static_cast<size_t>(StorageBytes(constant.type, constant.count));
  tensor.Bytes(tensor_proto::kRawData, {static_cast<const uint8_t*>(constant.data), bytes});
  return tensor;
}

MessageBuilder TensorConstantOperator(const Constant& constant, std::string_view name) {
  MessageBuilder op, value, dtype;
  op.Text(operator_def::kOutput, name);
  op.Text(operator_def::kType, "Constant");
  dtype.Text(argument::kName, "dtype");
  dtype.Text(argument::kS, ElementName(constant.type));
  op.Message(operator_def::kArg, dtype);
  value.Text(argument::kName, "value");
  value.Message(argument::kT, TensorMessage(constant));
  op.Message(operator_def::kArg, value);
  op.Text(operator_def::kDomain, "ai.onnx");
  return op;
}

// Everything of a float fill before its values: the operator up to the length of the packed run,
// and the header of the operator itself, when `padding` bytes of padding stand before the values.
struct FloatFillHeader {
  MessageBuilder record;  // tag and length of the operator, then its fields
};

FloatFillHeader MakeFloatFillHeader(const Constant& constant, std::string_view name, int padding) {
  const auto data_bytes = static_cast<uint64_t>(constant.count) * sizeof(float);
  MessageBuilder fields;
  fields.Text(operator_def::kOutput, name);
  fields.Text(operator_def::kType, "GivenTensorFill");
  ShapeArg(constant.dims, &fields);
  if (padding >= 0) {
    MessageBuilder pad;
    pad.Text(argument::kName, kPaddingArg);
    pad.Text(argument::kS,
             std::string_view("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                              "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
                              64)
                 .substr(0, static_cast<size_t>(padding)));
    fields.Message(operator_def::kArg, pad);
  }
  MessageBuilder arg;
  arg.Text(argument::kName, "values");
  if (data_bytes > 0) {
    arg.Tag(argument::kFloats, WireType::kBytes);
    arg.Varint(data_bytes);
  }
  fields.Tag(operator_def::kArg, WireType::kBytes);
  fields.Varint(arg.size() + data_bytes);
  fields.Raw(arg.bytes());
  FloatFillHeader header;
  header.record.Tag(net_def::kOp, WireType::kBytes);
  header.record.Varint(fields.size() + data_bytes);
  header.record.Raw(fields.bytes());
  return header;
}

Status WriteFloatFill(const Constant& constant, std::string_view name, Output* out) {
  const int64_t bytes = StorageBytes(constant.type, constant.count);
  FloatFillHeader header = MakeFloatFillHeader(constant, name, -1);
  if (bytes >= kInPlaceBytes) {
    // Some padding of less than one alignment always fits, since it moves the run byte by byte; a
    // length that grows by a byte on the way only shifts the answer.
    for (int padding = -1; padding < 64; ++padding) {
      header = MakeFloatFillHeader(constant, name, padding);
      if ((out->offset() + header.record.size()) % base::kAlignment == 0) break;
    }
  }
  DOPPIO_RETURN_IF_ERROR(header.record.status());
  DOPPIO_RETURN_IF_ERROR(out->Write(header.record.bytes()));
  return out->Write({static_cast<const uint8_t*>(constant.data), static_cast<size_t>(bytes)});
}

Status WriteOperator(const MessageBuilder& op, Output* out) {
  DOPPIO_RETURN_IF_ERROR(op.status());
  MessageBuilder header;
  header.Tag(net_def::kOp, WireType::kBytes);
  header.Varint(op.size());
  DOPPIO_RETURN_IF_ERROR(out->Write(header.bytes()));
  return out->Write(op.bytes());
}

std::string PartName(std::string_view name, int64_t part) { return Cat(name, "__part_", part); }

MessageBuilder FillOperator(const Constant& constant, std::string_view name) {
  MessageBuilder op;
  op.Text(operator_def::kOutput, name);
  op.Text(operator_def::kType, FillType(constant.type));
  ShapeArg(constant.dims, &op);
  ValuesArg(constant, &op);
  return op;
}

Status WriteWhole(const Constant& constant, std::string_view name, Output* out) {
  if (FillType(constant.type).empty()) {
    return WriteOperator(TensorConstantOperator(constant, name), out);
  }
  if (constant.type == ElementType::kFloat) return WriteFloatFill(constant, name, out);
  return WriteOperator(FillOperator(constant, name), out);
}

// `name` is the Concat of `parts` parts (PartName) along `axis`.
MessageBuilder ConcatOperator(std::string_view name, int64_t parts, int axis) {
  MessageBuilder op, arg;
  for (int64_t i = 0; i < parts; ++i) op.Text(operator_def::kInput, PartName(name, i));
  op.Text(operator_def::kOutput, name);
  op.Text(operator_def::kOutput, Cat(name, "__split_info"));
  op.Text(operator_def::kType, "Concat");
  arg.Text(argument::kName, "axis");
  arg.Int(argument::kI, axis);
  op.Message(operator_def::kArg, arg);
  return op;
}

// A constant of more than `limit` bytes goes in parts along its first dimension of more than one
// element, each part again so if need be, and is put together by Concat.
Status WriteParts(const Constant& constant, std::string_view name, int64_t limit, Output* out) {
  const int64_t bytes = StorageBytes(constant.type, constant.count);
  if (bytes <= limit) return WriteWhole(constant, name, out);
  int axis = 0;
  while (axis < constant.dims.rank() && constant.dims[axis] == 1) ++axis;
  if (axis == constant.dims.rank() || ElementBits(constant.type) < 8 ||
      constant.type == ElementType::kString) {
    return Unsupported(Cat("constant ", base::Quoted(name), " ", constant.type, constant.dims,
                           " of ", bytes, " bytes cannot be written in parts of ", limit));
  }
  const int64_t row_bytes = bytes / constant.dims[axis];
  const int64_t rows = row_bytes <= limit ? limit / row_bytes : 1;
  int64_t parts = 0;
  for (int64_t begin = 0; begin < constant.dims[axis]; begin += rows, ++parts) {
    Constant part = constant;
    part.dims[axis] = std::min(rows, constant.dims[axis] - begin);
    part.count = ElementCount(part.dims);
    part.data = static_cast<const uint8_t*>(constant.data) + begin * row_bytes;
    DOPPIO_RETURN_IF_ERROR(WriteParts(part, PartName(name, parts), limit, out));
  }
  return WriteOperator(ConcatOperator(name, parts, axis), out);
}

// A quantised constant by the fills that Caffe2 has for them: bytes, or 32-bit integers (a bias).
Status WriteQuantized(const Value& value, std::string_view name, Output* out) {
  const Constant& constant = value.constant;
  const bool bytes = constant.type == ElementType::kUint8;
  if (!bytes && constant.type != ElementType::kInt32) {
    return Unsupported(Cat("constant ", base::Quoted(name), " is quantised but of type ",
                           constant.type, "; uint8 and int32 are possible"));
  }
  MessageBuilder op;
  op.Text(operator_def::kOutput, name);
  op.Text(operator_def::kType, bytes ? "Int8GivenTensorFill" : "Int8GivenIntTensorFill");
  ShapeArg(constant.dims, &op);
  if (bytes) {
    MessageBuilder values;
    values.Text(argument::kName, "values");
    values.Bytes(argument::kS, {constant.as<uint8_t>(), static_cast<size_t>(constant.count)});
    op.Message(operator_def::kArg, values);
  } else {
    ValuesArg(constant, &op);
  }
  MessageBuilder scale, zero_point;
  scale.Text(argument::kName, kScaleArg);
  scale.Float(argument::kF, value.quantization.scale);
  op.Message(operator_def::kArg, scale);
  zero_point.Text(argument::kName, kZeroPointArg);
  zero_point.Int(argument::kI, value.quantization.zero_point);
  op.Message(operator_def::kArg, zero_point);
  return WriteOperator(op, out);
}

Status WriteConstant(const Value& value, std::string_view name, int64_t limit, Output* out) {
  if (value.quantization.present) return WriteQuantized(value, name, out);
  return WriteParts(value.constant, name, limit, out);
}

// Encodes nodes of one graph, and child graphs inside their arguments.
class NetEncoder {
 public:
  NetEncoder(const Graph& graph, int64_t max_constant_bytes)
      : graph_(graph), max_constant_bytes_(max_constant_bytes) {}

  Status Prepare(std::span<const std::string_view> captured) {
    return names_.Assign(graph_, captured, &text_);
  }
  const WrittenNames& names() const { return names_; }

  Status EncodeNode(const Node& node, MessageBuilder* op) const {
    const size_t explicit_inputs = node.inputs.size() - node.captures;
    for (size_t i = 0; i < explicit_inputs; ++i) {
      const Value* value = node.inputs[i].value;
      op->Text(operator_def::kInput, value != nullptr ? names_.of(value) : std::string_view());
    }
    for (const Value* value : node.outputs) {
      op->Text(operator_def::kOutput, value != nullptr ? names_.of(value) : std::string_view());
    }
    op->OptionalText(operator_def::kName, node.name);
    op->Text(operator_def::kType, node.type);
    size_t capture = explicit_inputs;
    for (const Argument& arg : node.args) {
      MessageBuilder message;
      DOPPIO_RETURN_IF_ERROR(EncodeArgument(arg, node, &capture, &message));
      op->Message(operator_def::kArg, message);
    }
    if (node.has_device) {
      MessageBuilder device;
      device.Int(device_option::kDeviceType, node.device.type);
      device.Int(device_option::kDeviceId, node.device.id);
      op->Message(operator_def::kDeviceOption, device);
    }
    op->OptionalText(operator_def::kEngine, node.engine);
    for (std::string_view input : node.control_inputs) op->Text(operator_def::kControlInput, input);
    op->OptionalText(operator_def::kDomain, node.domain);
    if (node.op_version != 0) op->Int(operator_def::kOpVersion, node.op_version);
    op->Raw(node.unknown);
    return op->status();
  }

  Status EncodeArgument(const Argument& arg, const Node& node, size_t* capture,
                        MessageBuilder* message) const {
    message->Text(argument::kName, arg.name);
    if (arg.has_f) message->Float(argument::kF, arg.f);
    if (arg.has_i) message->Int(argument::kI, arg.i);
    if (arg.has_s) message->Text(argument::kS, arg.s);
    message->PackedFloats(argument::kFloats, arg.floats);
    for (int64_t value : arg.ints) message->Int(argument::kInts, value);
    for (std::string_view value : arg.strings) message->Text(argument::kStrings, value);
    const auto nested = [&](const Graph& net, uint32_t field) {
      base::Array<std::string_view> captured;
      for (size_t i = net.bound_inputs; i < net.inputs().size() && *capture < node.inputs.size();
           ++i) {
        DOPPIO_RETURN_IF_ERROR(captured.Append(names_.of(node.inputs[(*capture)++].value)));
      }
      MessageBuilder bytes;
      DOPPIO_RETURN_IF_ERROR(EncodeNested(net, captured, &bytes));
      message->Message(field, bytes);
      return Status();
    };
    if (arg.net != nullptr) DOPPIO_RETURN_IF_ERROR(nested(*arg.net, argument::kN));
    for (const auto& net : arg.nets) DOPPIO_RETURN_IF_ERROR(nested(*net, argument::kNets));
    if (arg.has_t) message->Message(argument::kT, TensorMessage(arg.t));
    for (const Constant& tensor : arg.tensors) {
      message->Message(argument::kTensors, TensorMessage(tensor));
    }
    message->Raw(arg.unknown);
    return message->status();
  }

  // Copies for outputs that are known under another name than their value.
  MessageBuilder CopyOperator(const GraphOutput& output) const {
    MessageBuilder op;
    op.Text(operator_def::kInput, names_.of(output.value));
    op.Text(operator_def::kOutput, output.name);
    op.Text(operator_def::kType, "Copy");
    return op;
  }

  Status EncodeNested(const Graph& net, std::span<const std::string_view> captured,
                      MessageBuilder* message) const {
    NetEncoder encoder(net, max_constant_bytes_);
    DOPPIO_RETURN_IF_ERROR(encoder.Prepare(captured));
    message->OptionalText(net_def::kName, net.name);
    for (uint32_t id = 0; id < net.value_ids(); ++id) {
      const Value* value = net.value(id);
      if (value == nullptr || !value->is_constant || value->uses.empty()) continue;
      DOPPIO_RETURN_IF_ERROR(encoder.EncodeNestedConstant(*value, message));
    }
    for (const Node* node = net.first(); node != nullptr; node = node->next) {
      MessageBuilder op;
      DOPPIO_RETURN_IF_ERROR(encoder.EncodeNode(*node, &op));
      message->Message(net_def::kOp, op);
    }
    for (const GraphOutput& output : net.outputs()) {
      if (encoder.names_.NeedsCopy(output)) {
        message->Message(net_def::kOp, encoder.CopyOperator(output));
      }
    }
    message->OptionalText(net_def::kType, net.type);
    for (const Argument& arg : net.args()) {
      MessageBuilder bytes;
      size_t capture = 0;
      DOPPIO_RETURN_IF_ERROR(encoder.EncodeArgument(arg, Node(), &capture, &bytes));
      message->Message(net_def::kArg, bytes);
    }
    for (size_t i = 0; i < net.bound_inputs; ++i) {
      message->Text(net_def::kExternalInput, encoder.names_.of(net.inputs()[i]));
    }
    for (const GraphOutput& output : net.outputs()) {
      message->Text(net_def::kExternalOutput, output.name);
    }
    message->Raw(net.unknown);
    return message->status();
  }

 private:
  Status EncodeNestedConstant(const Value& value, MessageBuilder* message) const {
    class Appender final : public Sink {
     public:
      explicit Appender(MessageBuilder* message) : message_(message) {}
      Status Write(const void* data, size_t bytes) override {
        message_->Raw(std::span(static_cast<const uint8_t*>(data), bytes));
        return message_->status();
      }

     private:
      MessageBuilder* message_;
    } appender(message);
    Output out(&appender);
    return WriteConstant(value, names_.of(&value), max_constant_bytes_, &out);
  }

  const Graph& graph_;
  int64_t max_constant_bytes_;
  WrittenNames names_;
  base::Array<base::Buffer> text_;
};

// A net name as Netron's recognition wants it: printable ASCII, shorter than 64.
std::string NetName(std::string_view name) {
  std::string ascii;
  for (char c : name.substr(0, kNetronNameLimit)) ascii += c >= 32 && c < 127 ? c : '_';
  return ascii;
}

Status WriteNetName(std::string_view name, Output* out) {
  MessageBuilder message;
  message.OptionalText(net_def::kName, NetName(name));
  return out->Write(message.bytes());
}

class PairEncoder {
 public:
  PairEncoder(const Graph& graph, const WriteOptions& options, Sink* init, Sink* predict)
      : graph_(graph),
        options_(options),
        nodes_(graph, options.max_constant_bytes),
        init_(init),
        predict_(predict) {}

  Status Write() {
    DOPPIO_RETURN_IF_ERROR(nodes_.Prepare({}));
    DOPPIO_RETURN_IF_ERROR(WriteNetName(graph_.init_name, &init_));
    DOPPIO_RETURN_IF_ERROR(WriteNetName(graph_.name, &predict_));
    DOPPIO_RETURN_IF_ERROR(WriteConstants());
    DOPPIO_RETURN_IF_ERROR(WriteNodes());
    const std::string mark = PairMark();
    DOPPIO_RETURN_IF_ERROR(WriteInitTail(mark));
    return WritePredictTail(mark);
  }

 private:
  static bool GoesToInit(const Value& value) { return !FillType(value.constant.type).empty(); }

  Status WriteConstants() {
    for (uint32_t id = 0; id < graph_.value_ids(); ++id) {
      const Value* value = graph_.value(id);
      if (value == nullptr || !value->is_constant || value->uses.empty()) continue;
      DOPPIO_RETURN_IF_ERROR(WriteConstant(*value, nodes_.names().of(value),
                                           options_.max_constant_bytes,
                                           GoesToInit(*value) ? &init_ : &predict_));
    }
    return {};
  }

  Status WriteNodes() {
    for (const Node* node = graph_.first(); node != nullptr; node = node->next) {
      MessageBuilder op;
      DOPPIO_RETURN_IF_ERROR(nodes_.EncodeNode(*node, &op));
      DOPPIO_RETURN_IF_ERROR(WriteOperator(op, node->in_init ? &init_ : &predict_));
    }
    for (const GraphOutput& output : graph_.outputs()) {
      if (nodes_.names().NeedsCopy(output)) {
        DOPPIO_RETURN_IF_ERROR(WriteOperator(nodes_.CopyOperator(output), &predict_));
      }
    }
    return {};
  }

  std::string PairMark() const {
    constexpr char kHex[] = "0123456789abcdef";
    const uint64_t words[2] = {init_.hash(), predict_.hash()};
    std::string mark;
    for (uint64_t word : words) {
      for (int shift = 60; shift >= 0; shift -= 4) mark += kHex[word >> shift & 15];
    }
    return mark;
  }

  static void TextArg(std::string_view name, std::string_view value, MessageBuilder* net) {
    MessageBuilder arg;
    arg.Text(argument::kName, name);
    arg.Text(argument::kS, value);
    net->Message(net_def::kArg, arg);
  }

  Status WriteInitTail(const std::string& mark) {
    MessageBuilder tail;
    TextArg(kPairArg, mark, &tail);
    tail.Raw(graph_.init_unknown);
    DOPPIO_RETURN_IF_ERROR(tail.status());
    return init_.Write(tail.bytes());
  }

  void DoppioArgs(const std::string& mark, MessageBuilder* tail) const {
    MessageBuilder format, inputs, outputs;
    format.Text(argument::kName, kFormatArg);
    format.Int(argument::kInts, kFormatMajor);
    format.Int(argument::kInts, kFormatMinor);
    tail->Message(net_def::kArg, format);
    TextArg(kPairArg, mark, tail);
    inputs.Text(argument::kName, kInputsArg);
    for (const Value* input : graph_.inputs()) {
      inputs.Text(argument::kStrings,
                  FormatDeclaration(input->declared, nodes_.names().of(input), graph_.symbols()));
    }
    tail->Message(net_def::kArg, inputs);
    outputs.Text(argument::kName, kOutputsArg);
    for (const GraphOutput& output : graph_.outputs()) {
      outputs.Text(argument::kStrings,
                   FormatDeclaration(output.value->declared, output.name, graph_.symbols()));
    }
    tail->Message(net_def::kArg, outputs);
    if (graph_.simplified) {
      MessageBuilder simplified;
      simplified.Text(argument::kName, kSimplifiedArg);
      simplified.Int(argument::kI, 1);
      tail->Message(net_def::kArg, simplified);
    }
  }

  // Data inputs first, then what the init net makes.
  void ExternalInputs(MessageBuilder* tail) const {
    for (const Value* input : graph_.inputs()) {
      tail->Text(net_def::kExternalInput, nodes_.names().of(input));
    }
    for (uint32_t id = 0; id < graph_.value_ids(); ++id) {
      const Value* value = graph_.value(id);
      if (value == nullptr || value->uses.empty()) continue;
      const bool from_init = value->is_constant
                                 ? GoesToInit(*value)
                                 : value->producer != nullptr && value->producer->in_init;
      if (from_init) tail->Text(net_def::kExternalInput, nodes_.names().of(value));
    }
  }

  Status WritePredictTail(const std::string& mark) {
    MessageBuilder tail;
    tail.OptionalText(net_def::kType, graph_.type);
    for (const Argument& arg : graph_.args()) {
      MessageBuilder bytes;
      size_t capture = 0;
      DOPPIO_RETURN_IF_ERROR(nodes_.EncodeArgument(arg, Node(), &capture, &bytes));
      tail.Message(net_def::kArg, bytes);
    }
    DoppioArgs(mark, &tail);
    ExternalInputs(&tail);
    for (const GraphOutput& output : graph_.outputs()) {
      tail.Text(net_def::kExternalOutput, output.name);
    }
    tail.Raw(graph_.unknown);
    DOPPIO_RETURN_IF_ERROR(tail.status());
    return predict_.Write(tail.bytes());
  }

  const Graph& graph_;
  const WriteOptions options_;
  NetEncoder nodes_;
  Output init_, predict_;
};

class FileSink final : public Sink {
 public:
  explicit FileSink(platform::AtomicFile* file) : file_(file) {}
  Status Write(const void* data, size_t bytes) override { return file_->Write(data, bytes); }

 private:
  platform::AtomicFile* file_;
};

Status WriteBoth(const Graph& graph, const std::string& folder) {
  DOPPIO_ASSIGN_OR_RETURN(platform::AtomicFile init,
                          platform::AtomicFile::Create(folder + "/init_net.pb"));
  DOPPIO_ASSIGN_OR_RETURN(platform::AtomicFile predict,
                          platform::AtomicFile::Create(folder + "/predict_net.pb"));
  FileSink init_sink(&init), predict_sink(&predict);
  DOPPIO_RETURN_IF_ERROR(WritePair(graph, &init_sink, &predict_sink));
  DOPPIO_RETURN_IF_ERROR(init.Sync());
  DOPPIO_RETURN_IF_ERROR(predict.Sync());
  DOPPIO_RETURN_IF_ERROR(init.Commit());
  return predict.Commit();
}

}  // namespace

Status WritePair(const Graph& graph, Sink* init, Sink* predict, const WriteOptions& options) {
  return PairEncoder(graph, options, init, predict).Write();
}

Status WritePairFiles(const Graph& graph, const char* folder) {
  bool created = false;
  DOPPIO_RETURN_IF_ERROR(platform::MakeFolder(folder, &created));
  const Status status = WriteBoth(graph, folder);
  if (!status.ok() && created) platform::RemoveEmptyFolder(folder);
  return status;
}

}  // namespace doppio::graph::wire
