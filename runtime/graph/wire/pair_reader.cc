#include "runtime/graph/wire/pair_reader.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "base/message.h"
#include "base/name_map.h"
#include "runtime/graph/wire/argument_reader.h"
#include "runtime/graph/wire/declarations.h"
#include "runtime/graph/wire/fills.h"
#include "runtime/graph/wire/pull_parser.h"
#include "runtime/graph/wire/schema.h"
#include "runtime/graph/wire/text_format.h"
#include "runtime/graph/wire/workspace_nets.h"

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
    Names outputs;
    DOPPIO_RETURN_IF_ERROR(outputs.AppendAll(op.outputs.span()));
    if (op.domain.empty()) DOPPIO_RETURN_IF_ERROR(BindNets(node, role, &outputs));
    for (const Argument& arg : node->args) {
      if (arg.net != nullptr) DOPPIO_RETURN_IF_ERROR(AddCaptures(node, *arg.net, role));
      for (const auto& net : arg.nets) DOPPIO_RETURN_IF_ERROR(AddCaptures(node, *net, role));
    }
    for (std::string_view name : outputs) {
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

  // Says in single assignment what Caffe2's control flow does in a workspace: see
  // workspace_nets.h. May add to the node's outputs.
  Status BindNets(Node* node, Role role, Names* outputs) {
    if (node->type == "If") return BindIf(node, role, outputs);
    if (node->type == "While") return BindWhile(node, role, outputs);
    if (node->type == "Do") return BindDo(node);
    if (node->type == "ONNXWhile") return BindLoop(node);
    if (node->type == "RecurrentNetwork") return BindRecurrent(node);
    return {};
  }

  // The net of that argument; with `make`, an empty one where there is none. Null: none.
  StatusOr<Graph*> NetOf(Node* node, std::string_view name, bool make) {
    if (node->arg(name) == nullptr && !make) return static_cast<Graph*>(nullptr);
    DOPPIO_ASSIGN_OR_RETURN(Argument * arg, graph_->AddArg(node, name));
    if (arg->net == nullptr && make && !arg->has_s) {
      arg->net.reset(new (std::nothrow) Graph(graph_->budget()));
      if (arg->net == nullptr) return OutOfMemory("no memory for a nested net");
    }
    if (arg->net == nullptr) return CorruptModel(Cat("argument ", Quoted(name), " holds no net"));
    return arg->net.get();
  }

  // Whether a blob is there already. What a nested net does not know is taken to be around it.
  StatusOr<bool> Exists(std::string_view name, Role role) {
    if (Find(name) == nullptr && role == Role::kNested) {
      DOPPIO_RETURN_IF_ERROR(AddGraphInput(name));
    }
    return Find(name) != nullptr;
  }

  // Adds to `outputs` the blobs that are there and that `written` says are written.
  Status AddOverwritten(const Names& written, Names* outputs) {
    for (const std::string_view name : written) {
      if (Find(name) != nullptr) DOPPIO_RETURN_IF_ERROR(AddName(name, outputs));
    }
    return {};
  }

  // Both branches hand back everything that one of them writes.
  Status BindIf(Node* node, Role role, Names* outputs) {
    Graph* branches[2];
    Names written[2], all;
    for (int i = 0; i < 2; ++i) {
      DOPPIO_ASSIGN_OR_RETURN(branches[i], NetOf(node, i == 0 ? "then_net" : "else_net", i == 1));
      DOPPIO_RETURN_IF_ERROR(AddWritten(*branches[i], &written[i]));
      DOPPIO_RETURN_IF_ERROR(AddWritten(*branches[i], &all));
    }
    DOPPIO_RETURN_IF_ERROR(AddOverwritten(all, outputs));
    for (const std::string_view name : *outputs) {
      if (HasName(written[0], name) && HasName(written[1], name)) continue;
      DOPPIO_ASSIGN_OR_RETURN(const bool exists, Exists(name, role));
      if (!exists) {
        return CorruptModel(Cat("blob ", Quoted(name),
                                " is not made in both branches, and not before; make it before"));
      }
    }
    for (Graph* branch : branches) {
      DOPPIO_RETURN_IF_ERROR(HandBack(outputs->span(), branch));
      DOPPIO_RETURN_IF_ERROR(branch->BindInputs({}));
    }
    return {};
  }

  // The condition and everything else that the nets write are carried from one iteration to the
  // next: inputs and outputs of the node and of both nets, in one order.
  Status BindWhile(Node* node, Role role, Names* outputs) {
    if (node->input(0) == nullptr) return CorruptModel("it has no condition");
    DOPPIO_ASSIGN_OR_RETURN(Graph * loop, NetOf(node, "loop_net", true));
    DOPPIO_ASSIGN_OR_RETURN(Graph * condition, NetOf(node, "cond_net", false));
    Names carried, written;
    DOPPIO_RETURN_IF_ERROR(AddName(node->input(0)->name, &carried));
    DOPPIO_RETURN_IF_ERROR(AddWritten(*loop, &written));
    if (condition != nullptr) DOPPIO_RETURN_IF_ERROR(AddWritten(*condition, &written));
    for (const std::string_view name : *outputs) DOPPIO_RETURN_IF_ERROR(AddName(name, &carried));
    DOPPIO_RETURN_IF_ERROR(AddOverwritten(written, &carried));
    graph_->TruncateInputs(node, 0);
    for (const std::string_view name : carried) {
      DOPPIO_ASSIGN_OR_RETURN(const bool exists, Exists(name, role));
      if (!exists) {
        return CorruptModel(
            Cat("blob ", Quoted(name), " is made in the loop only; make it before as well"));
      }
      DOPPIO_RETURN_IF_ERROR(graph_->AddInputTo(node, Find(name)));
    }
    for (Graph* net : {loop, condition}) {
      if (net == nullptr) continue;
      DOPPIO_RETURN_IF_ERROR(HandBack(carried.span(), net));
      DOPPIO_RETURN_IF_ERROR(net->BindInputs(carried.span()));
    }
    *outputs = std::move(carried);
    return {};
  }

  // A workspace of its own: names inside are bound to the node's inputs and outputs by position,
  // where the scope, the last of both, does not count.
  Status BindDo(Node* node) {
    DOPPIO_ASSIGN_OR_RETURN(Graph * net, NetOf(node, "net", true));
    const Argument* inner = node->arg("inner_blobs");
    const Argument* outer = node->arg("outer_blobs_idx");
    const size_t count = inner != nullptr ? inner->strings.size() : 0;
    if (count != (outer != nullptr ? outer->ints.size() : 0) || node->inputs.empty()) {
      return CorruptModel("arguments inner_blobs and outer_blobs_idx differ in length");
    }
    const size_t inputs = node->inputs.size() - 1;
    Names bound, made;
    DOPPIO_RETURN_IF_ERROR(bound.Resize(inputs));
    for (size_t i = 0; i < count; ++i) {
      const int64_t index = outer->ints[i];
      if (index < 0) return CorruptModel(Cat("outer_blobs_idx holds ", index));
      const auto at = static_cast<size_t>(index);
      if (at < inputs) {
        bound[at] = inner->strings[i];
      } else {
        if (made.size() < at - inputs + 1) DOPPIO_RETURN_IF_ERROR(made.Resize(at - inputs + 1));
        made[at - inputs] = inner->strings[i];
      }
    }
    DOPPIO_RETURN_IF_ERROR(HandBack(made.span(), net));
    return net->BindInputs(bound.span());
  }

  // The iteration, the condition and what is carried; other inputs of the body are captured.
  Status BindLoop(Node* node) {
    DOPPIO_ASSIGN_OR_RETURN(Graph * body, NetOf(node, "body", false));
    if (body == nullptr) return CorruptModel("argument 'body' is missing");
    const Argument* stated = node->arg("num_loop_carried_deps");
    const size_t inputs = std::max<size_t>(node->inputs.size(), 2);
    size_t bound = inputs;
    if (stated != nullptr && stated->i >= 0) {
      bound = static_cast<size_t>(std::min<int64_t>(stated->i, 1 << 20)) + 2;
    }
    body->bound_inputs = std::min(bound, body->bound_inputs);
    return {};
  }

  // Links and the time step are bound; weights are captured.
  Status BindRecurrent(Node* node) {
    DOPPIO_RETURN_IF_ERROR(ReadTextNet(node, "step_net"));
    DOPPIO_ASSIGN_OR_RETURN(Graph * step, NetOf(node, "step_net", false));
    if (step == nullptr) return CorruptModel("argument 'step_net' is missing");
    const Argument* timestep = node->arg("timestep");
    Names bound, written, handed;
    DOPPIO_RETURN_IF_ERROR(
        AddName(timestep != nullptr && timestep->has_s ? timestep->s : "timestep", &bound));
    DOPPIO_RETURN_IF_ERROR(AddWritten(*step, &written));
    if (const Argument* links = node->arg("link_internal"); links != nullptr) {
      for (const std::string_view name : links->strings) {
        DOPPIO_RETURN_IF_ERROR(AddName(name, &bound));
        if (HasName(written, name)) DOPPIO_RETURN_IF_ERROR(AddName(name, &handed));
      }
    }
    DOPPIO_RETURN_IF_ERROR(HandBack(handed.span(), step));
    return step->BindInputs(bound.span());
  }

  // A net that stands in an argument as text.
  Status ReadTextNet(Node* node, std::string_view name) {
    if (node->arg(name) == nullptr || !node->arg(name)->has_s) return {};
    DOPPIO_ASSIGN_OR_RETURN(Argument * arg, graph_->AddArg(node, name));
    if (arg->net != nullptr) return {};
    if (depth_ >= kMaxNetDepth) return CorruptModel("nets are nested too deeply");
    MessageBuilder message;
    DOPPIO_RETURN_IF_ERROR(NetFromText(arg->s, &message));
    const auto bytes = message.bytes();
    DOPPIO_ASSIGN_OR_RETURN(
        const std::string_view kept,  // constants may borrow from it
        graph_->Intern({reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
    arg->net.reset(new (std::nothrow) Graph(graph_->budget()));
    if (arg->net == nullptr) return OutOfMemory("no memory for a nested net");
    arg->has_s = false;
    arg->s = {};
    return ReadNested({reinterpret_cast<const uint8_t*>(kept.data()), kept.size()}, depth_ + 1,
                      arg->net.get());
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
