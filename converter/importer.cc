#include "converter/importer.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/message.h"
#include "converter/convert_error.h"

namespace doppio::converter {

using base::Cat;
using base::Quoted;

namespace {

// Functions that call functions that call functions..., and no deeper: a recursive one would never
// end.
constexpr int kMaxCalls = 64;
// Listed in one message; a model with more has the same few reasons.
constexpr size_t kMaxProblems = 200;

bool IsDefaultDomain(const std::string& domain) { return domain.empty() || domain == "ai.onnx"; }

std::string FunctionKey(const std::string& domain, const std::string& type,
                        const std::string& overload) {
  return Cat(IsDefaultDomain(domain) ? std::string() : domain, ":", type, ":", overload);
}

std::string NodeName(const onnx::NodeProto& node) {
  if (!node.name().empty()) return node.name();
  for (const std::string& output : node.output()) {
    if (!output.empty()) return output;
  }
  return "";
}

void Copy(const ValueFacts& from, ValueFacts* to) {
  to->kind = from.kind;
  to->type = from.type;
  to->has_shape = from.has_shape;
  to->shape = from.shape;
  to->has_content = from.has_content;
  to->constant = from.constant;
  Check(to->content.Assign(from.content.span()));
}

}  // namespace

bool IsLeftOut(const Frame& frame, const std::string& name) {
  for (const Frame* at = &frame; at != nullptr; at = at->outer) {
    if (at->left_out.count(name) != 0) return true;
    if (at->values.count(name) != 0) return false;
  }
  return false;
}

Importer::Importer(const std::string& path, std::shared_ptr<onnx::ModelProto> model,
                   graph::Graph* graph)
    : path_(path), model_(std::move(model)), graph_(graph), tensors_(path, graph) {
  Check(graph->KeepAlive(model_));
  for (const auto rows :
       {ConvolutionImporters(), MatMulImporters(), ActivationImporters(), ElementwiseImporters(),
        NormalizationImporters(), ReductionImporters(), ReshapingImporters(), SlicingImporters(),
        CreationImporters(), ResizeImporters(), ControlFlowImporters(), SequenceImporters()}) {
    for (const ImporterRow& row : rows) importers_[row.type] = row;
  }
  for (const onnx::FunctionProto& function : model_->functions()) {
    functions_[FunctionKey(function.domain(), function.name(), function.overload())] = &function;
  }
}

// --- facts
// -------------------------------------------------------------------------------------------

ValueFacts& Importer::Facts(const Value* value) {
  std::unique_ptr<ValueFacts>& facts = facts_[value];
  if (facts == nullptr) facts = std::make_unique<ValueFacts>();
  return *facts;
}

void Importer::Infer(graph::Node* node) {
  const operators::Operator* op = operators::FindOperator(node->domain, node->type);
  if (op == nullptr) throw NodeProblem{Cat("the runtime has no operator ", node->type)};
  std::vector<const ValueFacts*> inputs;
  for (const graph::Input& input : node->inputs) {
    const ValueFacts* known = input.value != nullptr ? &Facts(input.value) : nullptr;
    const bool unknown = known != nullptr && (known->type == ElementType::kUndefined ||
                                              (known->is_tensor() && !known->has_shape));
    // Rules of operators that are always called take what there is.
    if (unknown && op->lower != nullptr) return;
    inputs.push_back(known);
  }
  std::vector<ValueFacts> outputs(node->outputs.size());
  const operators::InferContext context(*node, *op, &graph_->symbols(), inputs, outputs);
  const Status status = operators::InferNode(context);
  if (!status.ok()) throw NodeProblem{status.message()};
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (node->outputs[i] != nullptr) Facts(node->outputs[i]) = std::move(outputs[i]);
  }
}

Value* Importer::AddConstant(graph::Graph* graph, const std::string& name,
                             const graph::Constant& constant) {
  Value* value = Unwrap(graph->AddConstant(name, constant));
  Check(operators::FactsOfConstant(value->constant, &Facts(value)));
  return value;
}

std::string Importer::DummyName() { return Cat("OC2_DUMMY_", dummies_++); }

// --- the ends of the graph
// -----------------------------------------------------------------------------

void Importer::ReadOpsets(
    const google::protobuf::RepeatedPtrField<onnx::OperatorSetIdProto>& imports,
    std::map<std::string, int>* opsets) const {
  for (const onnx::OperatorSetIdProto& import : imports) {
    const std::string domain = IsDefaultDomain(import.domain()) ? "" : import.domain();
    if (import.version() < 1 || import.version() > INT32_MAX) {
      throw ConvertError{CorruptModel(Cat(path_, ": imports version ", import.version(),
                                          " of operator set ", Quoted(import.domain())))};
    }
    // The same set twice: the newer one counts, as in ONNX's own checker's practice.
    int& version = (*opsets)[domain];
    version = std::max(version, static_cast<int>(import.version()));
  }
  // Files of IR version below 3 had no imports and meant the first operator set.
  if (opsets->find("") == opsets->end()) (*opsets)[""] = 1;
}

namespace {

// Every name that nodes of `graph`, and of graphs inside them, read.
void CollectReadNames(const onnx::GraphProto& graph, std::set<std::string>* names) {
  const auto collect_graphs = [names](const onnx::NodeProto& node) {
    for (const onnx::AttributeProto& attribute : node.attribute()) {
      if (attribute.has_g()) CollectReadNames(attribute.g(), names);
      for (const onnx::GraphProto& inner : attribute.graphs()) CollectReadNames(inner, names);
    }
  };
  for (const onnx::NodeProto& node : graph.node()) {
    names->insert(node.input().begin(), node.input().end());
    collect_graphs(node);
  }
  for (const onnx::ValueInfoProto& output : graph.output()) names->insert(output.name());
}

}  // namespace

void Importer::FindNeeded(const std::vector<std::string>& outputs) {
  needed_.insert(outputs.begin(), outputs.end());
  const auto& nodes = model_->graph().node();
  for (int i = nodes.size() - 1; i >= 0; --i) {
    const onnx::NodeProto& node = nodes[i];
    const bool needed = std::any_of(
        node.output().begin(), node.output().end(), [&](const std::string& output) {
          return needed_.count(output) != 0 && keep_open_.count(output) == 0;
        });
    if (!needed) continue;
    needed_.insert(node.input().begin(), node.input().end());
    for (const onnx::AttributeProto& attribute : node.attribute()) {
      if (attribute.has_g()) CollectReadNames(attribute.g(), &needed_);
      for (const onnx::GraphProto& inner : attribute.graphs()) CollectReadNames(inner, &needed_);
    }
  }
}

void Importer::AddInitializers(const onnx::GraphProto& graph, Frame* frame) {
  for (const onnx::TensorProto& tensor : graph.initializer()) {
    if (frame->depth == 0 && needed_.count(tensor.name()) == 0) continue;
    if (frame->values.count(tensor.name()) != 0) {
      throw ConvertError{
          CorruptModel(Cat(path_, ": two initializers are called ", Quoted(tensor.name())))};
    }
    frame->values[tensor.name()] =
        AddConstant(frame->graph, frame->prefix + tensor.name(), tensors_.Read(tensor));
  }
  for (const onnx::SparseTensorProto& tensor : graph.sparse_initializer()) {
    const std::string& name = tensor.values().name();
    if (frame->depth == 0 && needed_.count(name) == 0) continue;
    frame->values[name] =
        AddConstant(frame->graph, frame->prefix + name, tensors_.ReadSparse(tensor));
  }
}

namespace {

void Declare(const onnx::TypeProto& type, graph::SymbolTable* symbols,
             graph::Declaration* declared) {
  if (type.value_case() == onnx::TypeProto::kSequenceType ||
      type.value_case() == onnx::TypeProto::kOptionalType) {
    const bool sequence = type.value_case() == onnx::TypeProto::kSequenceType;
    // The type of the innermost tensors; an optional of a sequence is an optional.
    Declare(sequence ? type.sequence_type().elem_type() : type.optional_type().elem_type(), symbols,
            declared);
    declared->kind = sequence ? graph::ValueKind::kSequence : graph::ValueKind::kOptional;
    declared->has_shape = false;
    declared->dims.clear();
    return;
  }
  declared->type = static_cast<ElementType>(type.tensor_type().elem_type());
  declared->has_shape = type.tensor_type().has_shape();
  for (const auto& dim : type.tensor_type().shape().dim()) {
    Dim size;
    if (dim.has_dim_value() && dim.dim_value() >= 0) {
      size = Dim(dim.dim_value());
    } else if (!dim.dim_param().empty()) {
      size = symbols->Symbol(dim.dim_param());
    }
    Check(declared->dims.Append(size));
  }
}

void Declare(const base::ShapeText& shape, graph::SymbolTable* symbols,
             graph::Declaration* declared) {
  declared->has_shape = true;
  declared->dims.clear();
  for (const std::string& text : shape.sizes) {
    int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool is_number = error == std::errc() && end == text.data() + text.size();
    if (is_number && number < 0) {
      throw ConvertError{
          InvalidArgument(Cat("--shape: size ", number, " of input ", Quoted(shape.name)))};
    }
    Check(declared->dims.Append(is_number ? Dim(number) : symbols->Symbol(text)));
  }
}

}  // namespace

namespace {

// Whether values of this type can be handled; calls `refuse` with the reason if not.
template <class F>
void CheckType(const onnx::TypeProto& type, F refuse) {
  switch (type.value_case()) {
    case onnx::TypeProto::kTensorType: {
      const int element = type.tensor_type().elem_type();
      if (element <= 0 || element >= kElementTypeCount) {
        refuse(Cat("has the unknown element type ", element));
      }
      return;
    }
    case onnx::TypeProto::kSequenceType:
      return CheckType(type.sequence_type().elem_type(), refuse);
    case onnx::TypeProto::kOptionalType:
      return CheckType(type.optional_type().elem_type(), refuse);
    default:
      refuse("is no tensor, sequence or optional");
  }
}

}  // namespace

void Importer::AddInput(const onnx::ValueInfoProto& info, const base::ShapeText* shape,
                        Frame* frame) {
  const auto refuse = [&](const std::string& why) {
    throw ConvertError{Unsupported(Cat(path_, ": input ", Quoted(info.name()), " ", why))};
  };
  CheckType(info.type(), refuse);
  if (info.type().tensor_type().shape().dim_size() > kMaxRank)
    refuse("has more than 16 dimensions");
  Value* input = Unwrap(frame->graph->AddInput(frame->prefix + info.name()));
  Declare(info.type(), &graph_->symbols(), &input->declared);
  if (shape != nullptr) {
    const size_t rank = input->declared.dims.size();
    if (input->declared.has_shape && rank != shape->sizes.size()) {
      throw ConvertError{
          InvalidArgument(Cat("--shape: input ", Quoted(info.name()), " has ", rank,
                              " dimensions, the shape given has ", shape->sizes.size()))};
    }
    Declare(*shape, &graph_->symbols(), &input->declared);
  }
  Check(operators::FactsOfDeclaration(input->declared, &Facts(input)));
  frame->values[info.name()] = input;
}

void Importer::AddInputs(const std::vector<base::ShapeText>& shapes,
                         const std::vector<std::string>& cut, Frame* frame) {
  std::set<std::string> weights;
  for (const auto& tensor : model_->graph().initializer()) weights.insert(tensor.name());
  for (const auto& tensor : model_->graph().sparse_initializer()) {
    weights.insert(tensor.values().name());
  }
  std::vector<const onnx::ValueInfoProto*> infos;
  for (const onnx::ValueInfoProto& info : model_->graph().input()) {
    const bool is_weight = weights.count(info.name()) != 0;  // IR 3 lists weights as inputs too
    const bool kept = cut.empty() || std::find(cut.begin(), cut.end(), info.name()) != cut.end();
    if (!is_weight && kept) infos.push_back(&info);
  }
  for (const std::string& name : cut) {  // values inside become inputs, as the model describes them
    const auto same = [&](const onnx::ValueInfoProto* info) { return info->name() == name; };
    if (std::any_of(infos.begin(), infos.end(), same)) continue;
    const onnx::ValueInfoProto* found = nullptr;
    for (const onnx::ValueInfoProto& info : model_->graph().value_info()) {
      if (info.name() == name) found = &info;
    }
    if (found == nullptr) {
      throw ConvertError{NotFound(Cat("--inputs: the model describes no value ", Quoted(name),
                                      " (its type must stand in value_info)"))};
    }
    infos.push_back(found);
    keep_open_.insert(name);
  }
  for (const base::ShapeText& shape : shapes) {
    const auto same = [&](const onnx::ValueInfoProto* info) { return info->name() == shape.name; };
    if (std::any_of(infos.begin(), infos.end(), same) || (shape.name.empty() && infos.size() == 1))
      continue;
    std::string known;
    for (const auto* info : infos) known += (known.empty() ? "" : ", ") + Quoted(info->name());
    throw ConvertError{InvalidArgument(Cat("--shape: the model has no input ", Quoted(shape.name),
                                           "; it has ", known.empty() ? "none" : known))};
  }
  for (const onnx::ValueInfoProto* info : infos) {
    const base::ShapeText* shape = nullptr;
    for (const base::ShapeText& candidate : shapes) {
      if (candidate.name == info->name() || (candidate.name.empty() && infos.size() == 1))
        shape = &candidate;
    }
    AddInput(*info, shape, frame);
  }
}

void Importer::AddOutputs(const std::vector<std::string>& names, Frame* frame) {
  for (const std::string& name : names) {
    const auto found = frame->values.find(name);
    if (found == frame->values.end() || found->second == nullptr) {
      throw ConvertError{
          CorruptModel(Cat(path_, ": output ", Quoted(name), " is made by no node"))};
    }
    Check(graph_->AddOutput(found->second, name));
    Value* value = found->second;
    const ValueFacts& known = Facts(value);
    if (value->is_input || value->is_constant) continue;
    value->declared.kind = known.kind;
    value->declared.type = known.type;
    value->declared.has_shape = known.has_shape;
    value->declared.dims.clear();
    for (int i = 0; known.has_shape && i < known.shape.rank; ++i)
      Check(value->declared.dims.Append(known.shape[i]));
  }
}

// --- nodes
// -----------------------------------------------------------------------------------------------

void Importer::AddProblem(const onnx::NodeProto& node, const Frame& frame, const std::string& why) {
  const std::string domain = IsDefaultDomain(node.domain()) ? "" : node.domain();
  const auto version = frame.opsets.find(domain);
  const std::string set =
      Cat(domain.empty() ? std::string("opset ") : Cat("domain ", Quoted(domain), " version "),
          version != frame.opsets.end() ? version->second : 0);
  problems_.push_back(Cat(node.op_type(), " ", Quoted(NodeName(node)), " (", set, "): ", why));
}

void Importer::MarkBroken(const onnx::NodeProto& node, Frame* frame) {
  for (const std::string& output : node.output()) {
    if (!output.empty() && frame->values.count(output) == 0) frame->values[output] = nullptr;
  }
}

// False when an input comes from a node that could not be converted; an unknown name is an error of
// the file.
bool Importer::InputsReady(const onnx::NodeProto& node, Frame* frame) {
  bool ready = true;
  for (const std::string& name : node.input()) {
    if (name.empty() || IsLeftOut(*frame, name)) continue;
    Value* value = nullptr;
    if (!Find(frame, name, &value)) {
      throw ConvertError{CorruptModel(
          Cat(path_, ": ", node.op_type(), " ", Quoted(NodeName(node)), ": input ", Quoted(name),
              " is made by no node before it and is no input of the graph"))};
    }
    ready = ready && value != nullptr;
  }
  return ready;
}

bool Importer::Find(Frame* frame, const std::string& name, Value** value) {
  const auto found = frame->values.find(name);
  if (found != frame->values.end()) {
    *value = found->second;
    return true;
  }
  Value* outside = nullptr;
  if (frame->outer == nullptr || !Find(frame->outer, name, &outside)) return false;
  *value = nullptr;
  if (outside != nullptr) {
    *value = Unwrap(frame->graph->AddInput(outside->name));
    frame->captured.push_back(outside);
    Copy(Facts(outside), &Facts(*value));
  }
  frame->values[name] = *value;
  return true;
}

std::unique_ptr<graph::Graph> Importer::ImportChild(const onnx::GraphProto& body, Frame* outer,
                                                    std::span<const ValueFacts* const> bound,
                                                    std::vector<Value*>* captured) {
  if (outer->depth >= kMaxCalls) throw NodeProblem{"graphs stand inside each other too deeply"};
  auto child = std::make_unique<graph::Graph>();
  child->name = Unwrap(child->Intern(body.name()));
  Frame frame;
  frame.graph = child.get();
  frame.outer = outer;
  frame.opsets = outer->opsets;
  frame.attributes = outer->attributes;
  frame.prefix = outer->prefix;
  frame.depth = outer->depth + 1;
  AddInitializers(body, &frame);
  size_t position = 0;
  for (const onnx::ValueInfoProto& info : body.input()) {
    if (frame.values.count(info.name()) != 0) continue;  // a weight that is listed as an input too
    AddChildInput(info, position < bound.size() ? bound[position] : nullptr, &frame);
    ++position;
  }
  child->bound_inputs = position;
  ImportNodes(body.node(), &frame);
  for (const onnx::ValueInfoProto& info : body.output()) {
    Value* value = nullptr;
    if (!Find(&frame, info.name(), &value)) {
      throw NodeProblem{Cat("output ", Quoted(info.name()), " of its graph is made by no node")};
    }
    if (value == nullptr) throw NodeProblem{"nodes inside it cannot be converted"};
    Check(child->AddOutput(value, value->name));
  }
  *captured = std::move(frame.captured);
  return child;
}

// An input of a child graph: as the graph declares it, else as far as the node around knows.
void Importer::AddChildInput(const onnx::ValueInfoProto& info, const ValueFacts* known,
                             Frame* frame) {
  Value* input = Unwrap(frame->graph->AddInput(frame->prefix + info.name()));
  ValueFacts& facts = Facts(input);
  if (info.type().value_case() != onnx::TypeProto::VALUE_NOT_SET) {
    graph::Declaration declared;
    Declare(info.type(), &graph_->symbols(), &declared);
    Check(operators::FactsOfDeclaration(declared, &facts));
  }
  if (known != nullptr && known->type != ElementType::kUndefined) {
    facts.kind = known->kind;
    facts.type = known->type;
    if (!facts.has_shape && facts.is_tensor()) {
      facts.has_shape = known->has_shape;
      facts.shape = known->shape;
    }
  }
  frame->values[info.name()] = input;
}

void Importer::ImportNodes(const google::protobuf::RepeatedPtrField<onnx::NodeProto>& nodes,
                           Frame* frame) {
  for (const onnx::NodeProto& node : nodes) {
    bool cut_away = node.output_size() > 0;
    for (const std::string& output : node.output())
      cut_away = cut_away && keep_open_.count(output) != 0;
    const bool needed = std::any_of(node.output().begin(), node.output().end(),
                                    [&](const std::string& name) { return needed_.count(name) != 0; });
    if (frame->depth == 0 && (cut_away || !needed)) continue;
    for (const std::string& output : node.output()) {
      const auto found = frame->values.find(output);
      if (!output.empty() && found != frame->values.end() && keep_open_.count(output) == 0) {
        throw ConvertError{
            CorruptModel(Cat(path_, ": ", node.op_type(), " ", Quoted(NodeName(node)), ": output ",
                             Quoted(output), " is made twice"))};
      }
    }
    ImportNode(node, frame);
  }
}

void Importer::ImportNode(const onnx::NodeProto& node, Frame* frame) {
  try {
    if (!InputsReady(node, frame)) {
      // What feeds it is listed already; only tell what is wrong with the node itself.
      if (FindFunction(node) == nullptr && IsDefaultDomain(node.domain()) &&
          node.op_type() != "Constant" && importers_.find(node.op_type()) == importers_.end()) {
        AddProblem(node, *frame, "no importer for this operator");
      }
      MarkBroken(node, frame);
      return;
    }
    if (const onnx::FunctionProto* function = FindFunction(node); function != nullptr) {
      ImportCall(node, *function, frame);
    } else if (IsDefaultDomain(node.domain()) && node.op_type() == "Constant") {
      ImportConstant(node, frame);
    } else {
      ImportOperator(node, frame);
    }
  } catch (const NodeProblem& problem) {
    AddProblem(node, *frame, problem.why);
    MarkBroken(node, frame);
  }
}

void Importer::ImportOperator(const onnx::NodeProto& node, Frame* frame) {
  if (!IsDefaultDomain(node.domain())) throw NodeProblem{"operators of this domain are unknown"};
  const auto found = importers_.find(node.op_type());
  if (found == importers_.end()) throw NodeProblem{"no importer for this operator"};
  const int version = frame->opsets.at("");
  if (version < found->second.since) {
    throw NodeProblem{Cat("known from opset ", found->second.since, " on")};
  }
  found->second.import(NodeContext(this, frame, node, version));
  for (const std::string& output : node.output()) {
    if (!output.empty() && frame->values.count(output) == 0) {
      throw NodeProblem{Cat("its output ", Quoted(output), " is not supported")};
    }
  }
}

const onnx::FunctionProto* Importer::FindFunction(const onnx::NodeProto& node) const {
  const auto found = functions_.find(FunctionKey(node.domain(), node.op_type(), node.overload()));
  return found != functions_.end() ? found->second : nullptr;
}

void Importer::ImportCall(const onnx::NodeProto& node, const onnx::FunctionProto& function,
                          Frame* frame) {
  if (frame->depth >= kMaxCalls)
    throw NodeProblem{"functions call each other too deeply, or themselves"};
  if (node.input_size() > function.input_size() || node.output_size() > function.output_size()) {
    throw NodeProblem{Cat("function ", Quoted(function.name()), " has ", function.input_size(),
                          " inputs and ", function.output_size(), " outputs, the call ",
                          node.input_size(), " and ", node.output_size())};
  }
  Frame body;
  body.graph = frame->graph;
  body.depth = frame->depth + 1;
  body.prefix = Cat(frame->prefix, NodeName(node), "/");
  ReadOpsets(function.opset_import(), &body.opsets);
  for (const onnx::AttributeProto& attribute : function.attribute_proto()) {
    body.attributes[attribute.name()] = &attribute;  // defaults
  }
  for (const onnx::AttributeProto& attribute : node.attribute()) {
    const onnx::AttributeProto* actual = &attribute;
    if (!attribute.ref_attr_name().empty()) {
      const auto outer = frame->attributes.find(attribute.ref_attr_name());
      if (outer == frame->attributes.end()) continue;
      actual = outer->second;
    }
    body.attributes[attribute.name()] = actual;
  }
  for (int i = 0; i < function.input_size(); ++i) {
    const bool given =
        i < node.input_size() && !node.input(i).empty() && !IsLeftOut(*frame, node.input(i));
    if (given) {
      Find(frame, node.input(i), &body.values[function.input(i)]);
    } else {
      body.left_out.insert(function.input(i));
    }
  }
  ImportNodes(function.node(), &body);
  for (int i = 0; i < node.output_size(); ++i) {
    const auto made = body.values.find(function.output(i));
    if (made == body.values.end()) {
      throw NodeProblem{Cat("function ", Quoted(function.name()), " does not make its output ",
                            Quoted(function.output(i)))};
    }
    if (node.output(i).empty()) continue;
    Value* const value = made->second;
    frame->values[node.output(i)] = value;
    // What the model calls the result is the better name.
    if (value != nullptr && value->producer != nullptr) {
      value->name = Unwrap(frame->graph->Intern(Cat(frame->prefix, node.output(i))));
    }
  }
}

void Importer::ImportConstant(const onnx::NodeProto& node, Frame* frame) {
  const NodeContext context(this, frame, node, frame->opsets.at(""));
  if (node.output_size() != 1) throw NodeProblem{"a constant has one output"};
  const std::string name = frame->prefix + node.output(0);
  graph::Constant constant;
  const auto take = [&](ElementType type, const Dims& dims, const void* data) {
    Value* value = Unwrap(frame->graph->AddConstantCopy(name, type, dims, data));
    Check(operators::FactsOfConstant(value->constant, &Facts(value)));
    frame->values[node.output(0)] = value;
  };
  if (context.HasAttr("value")) {
    frame->values[node.output(0)] = AddConstant(frame->graph, name, context.Tensor("value"));
  } else if (const auto* sparse = context.Attr("sparse_value"); sparse != nullptr) {
    frame->values[node.output(0)] =
        AddConstant(frame->graph, name, tensors_.ReadSparse(sparse->sparse_tensor()));
  } else if (context.HasAttr("value_float")) {
    const float value = context.Float("value_float", 0);
    take(ElementType::kFloat, {}, &value);
  } else if (context.HasAttr("value_int")) {
    const int64_t value = context.Int("value_int", 0);
    take(ElementType::kInt64, {}, &value);
  } else if (context.HasAttr("value_floats")) {
    const std::vector<float> values = context.Floats("value_floats");
    take(ElementType::kFloat, {static_cast<int64_t>(values.size())}, values.data());
  } else if (context.HasAttr("value_ints")) {
    const std::vector<int64_t> values = context.Ints("value_ints");
    take(ElementType::kInt64, {static_cast<int64_t>(values.size())}, values.data());
  } else if (const auto* text = context.Attr("value_string"); text != nullptr) {
    const std::string_view value = Unwrap(graph_->Intern(text->s()));
    take(ElementType::kString, {}, &value);
  } else if (const auto* texts = context.Attr("value_strings"); texts != nullptr) {
    std::vector<std::string_view> values;
    for (const std::string& value : texts->strings())
      values.push_back(Unwrap(graph_->Intern(value)));
    take(ElementType::kString, {static_cast<int64_t>(values.size())}, values.data());
  } else {
    throw NodeProblem{"holds no value"};
  }
}

void Importer::Import(const std::vector<base::ShapeText>& shapes,
                      const std::vector<std::string>& inputs,
                      const std::vector<std::string>& outputs) {
  Frame frame;
  frame.graph = graph_;
  ReadOpsets(model_->opset_import(), &frame.opsets);
  opset = frame.opsets.at("");
  if (opset > kNewestOpset) {
    warnings.push_back(Cat("the model wants opset ", opset,
                           "; operators are read by the meaning of opset ", kNewestOpset));
  }
  const std::string name = model_->graph().name();
  graph_->name = Unwrap(graph_->Intern(name + "_predict"));
  graph_->init_name = Unwrap(graph_->Intern(name + "_init"));
  std::vector<std::string> names = outputs;
  if (names.empty()) {
    for (const onnx::ValueInfoProto& info : model_->graph().output()) names.push_back(info.name());
  }
  if (names.empty()) throw ConvertError{CorruptModel(Cat(path_, ": the graph has no outputs"))};
  keep_open_.insert(inputs.begin(), inputs.end());
  FindNeeded(names);
  AddInitializers(model_->graph(), &frame);
  AddInputs(shapes, inputs, &frame);
  ImportNodes(model_->graph().node(), &frame);
  if (!problems_.empty()) {
    std::string text = Cat(path_, ": ", problems_.size(),
                           problems_.size() == 1 ? " node" : " nodes", " cannot be converted:");
    for (size_t i = 0; i < problems_.size() && i < kMaxProblems; ++i) text += "\n  " + problems_[i];
    if (problems_.size() > kMaxProblems)
      text += Cat("\n  and ", problems_.size() - kMaxProblems, " more");
    throw ConvertError{Unsupported(text)};
  }
  AddOutputs(names, &frame);
  for (const auto& entry : model_->metadata_props()) {
    graph::Argument* arg = Unwrap(graph_->AddNetArg("metadata." + entry.key()));
    arg->has_s = true;
    arg->s = Unwrap(graph_->Intern(entry.value()));
  }
}

}  // namespace doppio::converter
