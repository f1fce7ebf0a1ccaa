#include "runtime/graph/wire/pair_reader.h"

#include <cstring>

#include "base/message.h"
#include "base/name_map.h"
#include "runtime/graph/wire/argument_reader.h"
#include "runtime/graph/wire/declarations.h"
#include "runtime/graph/wire/fills.h"
#include "runtime/graph/wire/pull_parser.h"
#include "runtime/graph/wire/schema.h"

namespace doppio::graph::wire {
namespace {

using base::Cat;
using base::NameMap;
using base::Quoted;

// The parts of a NetDef, found but not yet read.
struct NetParts {
  std::string_view name, type;
  base::Array<std::span<const uint8_t>> ops;
  base::Array<std::span<const uint8_t>> args;
  base::Array<std::string_view> external_inputs, external_outputs;
  std::span<const uint8_t> device_option;
  bool has_device_option = false;
  UnknownFields unknown;
};

Status ScanNet(std::span<const uint8_t> bytes, NetParts* net) {
  PullParser parser(bytes);
  Field field;
  while (parser.Next(&field)) {
    const bool message = field.type == WireType::kBytes;
    if (!message && field.number <= net_def::kExternalOutput &&
        field.number != net_def::kNumWorkers) {
      return CorruptModel(
          Cat("not a Caffe2 net: field ", field.number, " has the wrong wire type"));
    }
    switch (field.number) {
      case net_def::kName:
        net->name = field.text();
        break;
      case net_def::kOp:
        DOPPIO_RETURN_IF_ERROR(net->ops.Append(field.bytes));
        break;
      case net_def::kType:
        net->type = field.text();
        break;
      case net_def::kDeviceOption:
        net->device_option = field.bytes;
        net->has_device_option = true;
        break;
      case net_def::kArg:
        DOPPIO_RETURN_IF_ERROR(net->args.Append(field.bytes));
        break;
      case net_def::kExternalInput:
        DOPPIO_RETURN_IF_ERROR(net->external_inputs.Append(field.text()));
        break;
      case net_def::kExternalOutput:
        DOPPIO_RETURN_IF_ERROR(net->external_outputs.Append(field.text()));
        break;
      default:
        DOPPIO_RETURN_IF_ERROR(net->unknown.Add(field.raw));
        break;
    }
  }
  if (parser.failed()) {
    return CorruptModel(Cat("damaged at byte ", parser.offset(), " of ", bytes.size(),
                            ": not a Caffe2 net, or cut short"));
  }
  return {};
}

Status ScanOperator(std::span<const uint8_t> bytes, OperatorParts* op, UnknownFields* unknown) {
  PullParser parser(bytes);
  Field field;
  while (parser.Next(&field)) {
    switch (field.number) {
      case operator_def::kInput:
        DOPPIO_RETURN_IF_ERROR(op->inputs.Append(field.text()));
        break;
      case operator_def::kOutput:
        DOPPIO_RETURN_IF_ERROR(op->outputs.Append(field.text()));
        break;
      case operator_def::kName:
        op->name = field.text();
        break;
      case operator_def::kType:
        op->type = field.text();
        break;
      case operator_def::kArg:
        DOPPIO_RETURN_IF_ERROR(op->args.Append(field.bytes));
        break;
      case operator_def::kDeviceOption:
        op->device_option = field.bytes;
        op->has_device_option = true;
        break;
      case operator_def::kEngine:
        op->engine = field.text();
        break;
      case operator_def::kControlInput:
        DOPPIO_RETURN_IF_ERROR(op->control_inputs.Append(field.text()));
        break;
      case operator_def::kDomain:
        op->domain = field.text();
        break;
      case operator_def::kOpVersion:
        op->op_version = field.as_int64();
        break;
      default:
        DOPPIO_RETURN_IF_ERROR(unknown->Add(field.raw));
        break;
    }
  }
  return parser.failed() ? CorruptModel("damaged bytes in an operator") : Status();
}

Status ReadDevice(std::span<const uint8_t> bytes, Device* device) {
  PullParser parser(bytes);
  Field field;
  while (parser.Next(&field)) {
    if (field.number == device_option::kDeviceType) {
      device->type = static_cast<int32_t>(field.number_value);
    } else if (field.number == device_option::kDeviceId) {
      device->id = static_cast<int32_t>(field.number_value);
    }
  }
  return parser.failed() ? CorruptModel("damaged bytes in a device option") : Status();
}

std::string OperatorLabel(const OperatorParts& op) {
  const std::string_view name = !op.name.empty()      ? op.name
                                : !op.outputs.empty() ? op.outputs[0]
                                                      : std::string_view();
  return Cat(op.type.empty() ? std::string("an operator without a type") : std::string(op.type),
             " ", Quoted(name));
}

// Builds the nodes of nets into one graph, and knows which value a blob's name stands for.
class NetBuilder {
 public:
  NetBuilder(Graph* graph, int depth) : graph_(graph), depth_(depth) {}

  Value* Find(std::string_view name) const {
    Value* const* found = blobs_.Find(name);
    return found != nullptr ? *found : nullptr;
  }
  Status Define(std::string_view name, Value* value) { return blobs_.Set(name, value); }

  enum class Role : uint8_t { kInit, kPredict, kNested };

  Status AddOperators(const NetParts& net, Role role) {
    Device net_device;
    if (net.has_device_option) DOPPIO_RETURN_IF_ERROR(ReadDevice(net.device_option, &net_device));
    for (std::span<const uint8_t> bytes : net.ops) {
      OperatorParts op;
      UnknownFields unknown;
      DOPPIO_RETURN_IF_ERROR(ScanOperator(bytes, &op, &unknown));
      if (op.type.empty())
        return CorruptModel(Cat(OperatorLabel(op), ": every operator needs one"));
      const Status status = IsFillOfGivenValues(op)
                                ? AddConstant(op)
                                : AddOperator(op, unknown, role, net.has_device_option, net_device);
      if (!status.ok()) return status.Annotate(OperatorLabel(op));
    }
    return {};
  }

  Status AddNetArgs(const NetParts& net) {
    for (std::span<const uint8_t> bytes : net.args) {
      Argument arg;
      DOPPIO_RETURN_IF_ERROR(ReadArgument(bytes, graph_, &ReadNested, depth_, &arg));
      DOPPIO_RETURN_IF_ERROR(graph_->args().Append(std::move(arg)));
    }
    return {};
  }

  // Reads a nested net on its own: names that it does not make itself become its inputs, external
  // inputs first.
  static Status ReadNested(std::span<const uint8_t> bytes, int depth, Graph* nested) {
    NetParts net;
    DOPPIO_RETURN_IF_ERROR(ScanNet(bytes, &net));
    NetBuilder builder(nested, depth);
    DOPPIO_ASSIGN_OR_RETURN(nested->name, nested->Intern(net.name));
    DOPPIO_ASSIGN_OR_RETURN(nested->type, nested->Intern(net.type));
    DOPPIO_RETURN_IF_ERROR(net.unknown.StoreTo(nested, &nested->unknown));
    for (std::string_view name : net.external_inputs) {
      if (builder.Find(name) == nullptr) DOPPIO_RETURN_IF_ERROR(builder.AddGraphInput(name));
    }
    nested->bound_inputs = nested->inputs().size();
    DOPPIO_RETURN_IF_ERROR(builder.AddOperators(net, Role::kNested));
    DOPPIO_RETURN_IF_ERROR(builder.AddNetArgs(net));
    for (std::string_view name : net.external_outputs) {
      // A net may hand through a name of its surroundings.
      if (builder.Find(name) == nullptr) DOPPIO_RETURN_IF_ERROR(builder.AddGraphInput(name));
      DOPPIO_RETURN_IF_ERROR(nested->AddOutput(builder.Find(name), name));
    }
    return {};
  }

  Status AddGraphInput(std::string_view name) {
    DOPPIO_ASSIGN_OR_RETURN(Value * input, graph_->AddInput(name));
    return Define(input->name, input);
  }

 private:
  Status AddConstant(const OperatorParts& op) {
    Constant constant;
    Quantization quantization;
    DOPPIO_RETURN_IF_ERROR(ReadFill(op, graph_, &constant, &quantization));
    DOPPIO_ASSIGN_OR_RETURN(Value * value, graph_->AddConstant(op.outputs[0], constant));
    value->quantization = quantization;
    return Define(value->name, value);
  }

  Status AddOperator(const OperatorParts& op, const UnknownFields& unknown, Role role,
                     bool net_has_device, Device net_device) {
    DOPPIO_ASSIGN_OR_RETURN(Node * node, graph_->AddNode(op.type, op.domain));
    DOPPIO_ASSIGN_OR_RETURN(node->name, graph_->Intern(op.name));
    DOPPIO_ASSIGN_OR_RETURN(node->engine, graph_->Intern(op.engine));
    DOPPIO_RETURN_IF_ERROR(unknown.StoreTo(graph_, &node->unknown));
    node->op_version = op.op_version;
    node->in_init = role == Role::kInit;
    node->has_device = op.has_device_option || net_has_device;
    node->device = net_device;
    if (op.has_device_option) {
      node->device = Device();
      DOPPIO_RETURN_IF_ERROR(ReadDevice(op.device_option, &node->device));
    }
    for (std::string_view name : op.control_inputs) {
      DOPPIO_ASSIGN_OR_RETURN(std::string_view own, graph_->Intern(name));
      DOPPIO_RETURN_IF_ERROR(node->control_inputs.Append(own));
    }
    for (std::string_view name : op.inputs) {
      if (name.empty()) {
        DOPPIO_RETURN_IF_ERROR(graph_->AddInputTo(node, nullptr));
        continue;
      }
      Value* value = Find(name);
      if (value == nullptr && role == Role::kNested) {
        DOPPIO_RETURN_IF_ERROR(AddGraphInput(name));
        value = Find(name);
      }
      if (value == nullptr) {
        return CorruptModel(Cat("input ", Quoted(name),
                                " is made by no operator before it and is no external input"));
      }
      DOPPIO_RETURN_IF_ERROR(graph_->AddInputTo(node, value));
    }
    DOPPIO_RETURN_IF_ERROR(AddArgs(op, node));
    for (const Argument& arg : node->args) {
      if (arg.net != nullptr) DOPPIO_RETURN_IF_ERROR(AddCaptures(node, *arg.net, role));
      for (const auto& net : arg.nets) DOPPIO_RETURN_IF_ERROR(AddCaptures(node, *net, role));
    }
    for (std::string_view name : op.outputs) {
      if (name.empty()) {
        DOPPIO_RETURN_IF_ERROR(graph_->AddMissingOutputTo(node));
        continue;
      }
      DOPPIO_ASSIGN_OR_RETURN(Value * value, graph_->AddOutputTo(node, name));
      if (MakesQuantized(op)) value->quantization = QuantizationFrom(node->args);
      DOPPIO_RETURN_IF_ERROR(Define(value->name, value));
    }
    return {};
  }

  // Caffe2's operators on quantised tensors bear the prefix; the one that leaves them does as well.
  static bool MakesQuantized(const OperatorParts& op) {
    return op.domain.empty() && op.type.starts_with("Int8") && op.type != "Int8Dequantize";
  }

  // What a child graph reads from around it becomes an explicit input of its node.
  Status AddCaptures(Node* node, const Graph& child, Role role) {
    for (size_t i = child.bound_inputs; i < child.inputs().size(); ++i) {
      const std::string_view name = child.inputs()[i]->name;
      if (Find(name) == nullptr && role == Role::kNested)
        DOPPIO_RETURN_IF_ERROR(AddGraphInput(name));
      if (Find(name) == nullptr) {
        return CorruptModel(
            Cat("a net inside it reads blob ", Quoted(name), ", which nothing makes"));
      }
      DOPPIO_RETURN_IF_ERROR(graph_->AddInputTo(node, Find(name)));
      ++node->captures;
    }
    return {};
  }

  Status AddArgs(const OperatorParts& op, Node* node) {
    for (std::span<const uint8_t> bytes : op.args) {
      Argument arg;
      DOPPIO_RETURN_IF_ERROR(ReadArgument(bytes, graph_, &ReadNested, depth_, &arg));
      if (arg.name == kPaddingArg) continue;
      DOPPIO_RETURN_IF_ERROR(CheckDuplicate(op, bytes, node, arg.name));
      if (node->arg(arg.name) != nullptr) continue;
      DOPPIO_RETURN_IF_ERROR(node->args.Append(std::move(arg)));
    }
    return {};
  }

  // The same argument twice is fine when the bytes agree, as in the original.
  Status CheckDuplicate(const OperatorParts& op, std::span<const uint8_t> bytes, const Node* node,
                        std::string_view name) const {
    if (node->arg(name) == nullptr) return {};
    size_t equal = 0;
    for (std::span<const uint8_t> other : op.args) {
      equal += other.size() == bytes.size() &&
               std::memcmp(other.data(), bytes.data(), bytes.size()) == 0;
    }
    if (equal >= 2) return {};
    return CorruptModel(
        Cat("argument ", Quoted(name), " stands there twice with different values"));
  }

  Graph* graph_;
  int depth_;
  NameMap<Value*> blobs_;
};

// Whether a constant is what exporters write in place of a data input: one zero of shape [1] or [1,
// 1].
bool IsInputPlaceholder(const Value* value) {
  if (!value->is_constant || value->constant.type != ElementType::kFloat) return false;
  const Dims& dims = value->constant.dims;
  return (dims == Dims{1} || dims == Dims{1, 1}) && value->constant.as<float>()[0] == 0;
}

Status ReadNetArgs(const NetParts& net, Graph* scratch, base::Array<Argument>* args) {
  for (std::span<const uint8_t> bytes : net.args) {
    Argument arg;
    DOPPIO_RETURN_IF_ERROR(ReadArgument(bytes, scratch, &NetBuilder::ReadNested, 0, &arg));
    DOPPIO_RETURN_IF_ERROR(args->Append(std::move(arg)));
  }
  return {};
}

// Both files of a pair that doppio wrote bear one mark and a format.
Status CheckPairMarks(const NetFile& init_file, const NetFile& predict_file,
                      const base::Array<Argument>& init, const base::Array<Argument>& predict) {
  const Argument* format = FindArg(predict, kFormatArg);
  if (format != nullptr && (format->ints.empty() || format->ints[0] > kFormatMajor)) {
    return Unsupported(
        Cat(predict_file.path, ": pair format ", format->ints.empty() ? -1 : format->ints[0],
            " is newer than this doppio reads (", kFormatMajor, "); use a newer doppio"));
  }
  const Argument* init_mark = FindArg(init, kPairArg);
  const Argument* predict_mark = FindArg(predict, kPairArg);
  const bool init_has = init_mark != nullptr, predict_has = predict_mark != nullptr;
  if (init_has && predict_has && init_mark->s == predict_mark->s) return {};
  if (!init_has && !predict_has) return {};
  return CorruptModel(
      Cat(init_file.path, " and ", predict_file.path,
          ": these two files do not belong to one pair; convert the model again, or "
          "find the file that was written with the other"));
}

// Names that the init net fills and the predict net lists first among its external inputs because
// the original needs the blob to exist: data inputs all the same.
bool IsDataInput(const NetBuilder& builder, const NetParts& predict, size_t index,
                 bool all_filled) {
  const Value* filled = builder.Find(predict.external_inputs[index]);
  if (filled == nullptr) return true;
  if (filled->quantization.present) return false;  // nobody feeds quantised tensors
  if (IsInputPlaceholder(filled)) {
    // Only at the front: a one-element zero weight may stand anywhere else.
    for (size_t i = 0; i < index; ++i) {
      const Value* before = builder.Find(predict.external_inputs[i]);
      if (before != nullptr && !before->is_input && !IsInputPlaceholder(before)) return false;
    }
    return true;
  }
  return all_filled && index == 0;
}

Status AddInputs(const NetParts& predict, const Argument* declared, NetBuilder* builder) {
  if (declared != nullptr) {  // doppio.inputs says which they are
    for (std::string_view text : declared->strings) {
      DOPPIO_RETURN_IF_ERROR(builder->AddGraphInput(DeclaredName(text)));
    }
  }
  bool all_filled = true;
  for (std::string_view name : predict.external_inputs) {
    all_filled = all_filled && builder->Find(name) != nullptr;
  }
  base::Array<std::string_view> inputs;
  for (size_t i = 0; i < predict.external_inputs.size(); ++i) {
    if (declared != nullptr && builder->Find(predict.external_inputs[i]) != nullptr) continue;
    if (IsDataInput(*builder, predict, i, all_filled && declared == nullptr)) {
      DOPPIO_RETURN_IF_ERROR(inputs.Append(predict.external_inputs[i]));
    }
  }
  for (std::string_view name : inputs) {
    const Value* known = builder->Find(name);
    if (known != nullptr && known->is_input) continue;  // listed twice
    if (declared != nullptr) {
      return CorruptModel(
          Cat("blob ", Quoted(name), " is neither in the init net nor among the declared inputs"));
    }
    DOPPIO_RETURN_IF_ERROR(builder->AddGraphInput(name));
  }
  return {};
}

// A net without external inputs: whatever is read and not made is an input, as the original's
// executor has it.
Status AddImplicitInputs(const NetParts& predict, NetBuilder* builder) {
  NameMap<bool> made;
  for (std::span<const uint8_t> bytes : predict.ops) {
    OperatorParts op;
    UnknownFields unknown;
    DOPPIO_RETURN_IF_ERROR(ScanOperator(bytes, &op, &unknown));
    for (std::string_view name : op.inputs) {
      if (name.empty() || made.Find(name) != nullptr || builder->Find(name) != nullptr) continue;
      DOPPIO_RETURN_IF_ERROR(builder->AddGraphInput(name));
    }
    for (std::string_view name : op.outputs) DOPPIO_RETURN_IF_ERROR(made.Set(name, true));
  }
  return {};
}

Status AddOutputs(const NetParts& predict, const NetBuilder& builder, Graph* graph) {
  for (std::string_view name : predict.external_outputs) {
    Value* value = builder.Find(name);
    if (value == nullptr) {
      return CorruptModel(Cat("blob ", Quoted(name), " is declared as an output but never made"));
    }
    DOPPIO_RETURN_IF_ERROR(graph->AddOutput(value, name));
  }
  return {};
}

// A predict net in the place of the init net makes nothing but has inputs; say what happened.
bool LooksSwapped(const NetParts& init, const NetParts& predict) {
  return init.external_inputs.size() > 0 && predict.external_inputs.empty() &&
         !predict.ops.empty() && predict.external_outputs.empty() && !init.external_outputs.empty();
}

Status BuildPair(const NetFile& init_file, const NetFile& predict_file, Graph* graph) {
  NetParts init, predict;
  DOPPIO_RETURN_IF_ERROR(ScanNet(init_file.bytes, &init).Annotate(init_file.path));
  DOPPIO_RETURN_IF_ERROR(ScanNet(predict_file.bytes, &predict).Annotate(predict_file.path));
  if (predict.ops.empty() && predict.external_outputs.empty()) {
    return CorruptModel(Cat(predict_file.path, ": no operators and no outputs; not a predict net"));
  }
  base::Array<Argument> init_args, predict_args;
  DOPPIO_RETURN_IF_ERROR(ReadNetArgs(init, graph, &init_args).Annotate(init_file.path));
  DOPPIO_RETURN_IF_ERROR(ReadNetArgs(predict, graph, &predict_args).Annotate(predict_file.path));
  const bool swapped_marks = FindArg(init_args, kInputsArg) != nullptr;
  if (swapped_marks || LooksSwapped(init, predict)) {
    return CorruptModel(Cat(init_file.path, " holds a predict net and ", predict_file.path,
                            " an init net: the two files are swapped"));
  }
  DOPPIO_RETURN_IF_ERROR(CheckPairMarks(init_file, predict_file, init_args, predict_args));

  NetBuilder builder(graph, 0);
  for (std::string_view name : init.external_inputs) {
    if (builder.Find(name) == nullptr) DOPPIO_RETURN_IF_ERROR(builder.AddGraphInput(name));
  }
  DOPPIO_RETURN_IF_ERROR(
      builder.AddOperators(init, NetBuilder::Role::kInit).Annotate(init_file.path));
  const Argument* declared_inputs = FindArg(predict_args, kInputsArg);
  DOPPIO_RETURN_IF_ERROR(AddInputs(predict, declared_inputs, &builder).Annotate(predict_file.path));
  if (predict.external_inputs.empty()) {
    DOPPIO_RETURN_IF_ERROR(AddImplicitInputs(predict, &builder).Annotate(predict_file.path));
  }
  DOPPIO_RETURN_IF_ERROR(
      builder.AddOperators(predict, NetBuilder::Role::kPredict).Annotate(predict_file.path));
  DOPPIO_RETURN_IF_ERROR(AddOutputs(predict, builder, graph).Annotate(predict_file.path));
  DOPPIO_RETURN_IF_ERROR(
      ApplyDeclarations(declared_inputs, FindArg(predict_args, kOutputsArg), graph)
          .Annotate(predict_file.path));

  DOPPIO_ASSIGN_OR_RETURN(graph->name, graph->Intern(predict.name));
  DOPPIO_ASSIGN_OR_RETURN(graph->type, graph->Intern(predict.type));
  DOPPIO_ASSIGN_OR_RETURN(graph->init_name, graph->Intern(init.name));
  DOPPIO_RETURN_IF_ERROR(predict.unknown.StoreTo(graph, &graph->unknown));
  DOPPIO_RETURN_IF_ERROR(init.unknown.StoreTo(graph, &graph->init_unknown));
  graph->simplified = FindArg(predict_args, kSimplifiedArg) != nullptr;
  for (Argument& arg : predict_args) {
    // The writer makes doppio's own arguments anew.
    if (!arg.name.starts_with("doppio.")) {
      DOPPIO_RETURN_IF_ERROR(graph->args().Append(std::move(arg)));
    }
  }
  return {};
}

}  // namespace

Status ReadPair(const NetFile& init, const NetFile& predict, Graph* graph) {
  return BuildPair(init, predict, graph);
}

}  // namespace doppio::graph::wire
