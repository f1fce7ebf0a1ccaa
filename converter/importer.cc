#include "converter/importer.h"

#include <algorithm>

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

std::string FunctionKey(const std::string& domain, const std::string& type,
                        const std::string& overload) {
  return Cat(IsDefaultDomain(domain) ? std::string() : domain, ":", type, ":", overload);
}

// As tables and imports name a domain: "" is the default one.
std::string DomainKey(const std::string& domain) { return IsDefaultDomain(domain) ? "" : domain; }

bool IsConstant(const onnx::NodeProto& node) {
  return IsDefaultDomain(node.domain()) && node.op_type() == "Constant";
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

bool IsDefaultDomain(const std::string& domain) { return domain.empty() || domain == "ai.onnx"; }

bool IsLeftOut(const Frame& frame, const std::string& name) {
  for (const Frame* at = &frame; at != nullptr; at = at->outer) {
    if (at->left_out.count(name) != 0) return true;
    if (at->values.count(name) != 0) return false;
  }
  return false;
}

std::vector<std::span<const ImporterRow>> AllImporters() {
  return {ConvolutionImporters(),   MatMulImporters(),
          ActivationImporters(),    ElementwiseImporters(),
          NormalizationImporters(), ReductionImporters(),
          ReshapingImporters(),     SlicingImporters(),
          CreationImporters(),      ResizeImporters(),
          ControlFlowImporters(),   SequenceImporters(),
          RecurrentImporters(),     LossImporters(),
          QuantizationImporters(),  AttentionImporters(),
          GridImporters(),          SignalImporters(),
          RandomImporters(),        MlImporters(),
          StringImporters(),        TrainingImporters()};
}

Importer::Importer(const std::string& path, std::shared_ptr<onnx::ModelProto> model,
                   graph::Graph* graph)
    : path_(path), model_(std::move(model)), graph_(graph), tensors_(path, graph) {
  Check(graph->KeepAlive(model_));
  for (const std::span<const ImporterRow> rows : AllImporters()) {
    for (const ImporterRow& row : rows) importers_[{row.domain, row.type}] = row;
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

// --- nodes
// -----------------------------------------------------------------------------------------------

void Importer::AddProblem(const onnx::NodeProto& node, const Frame& frame, const std::string& why) {
  const std::string domain = DomainKey(node.domain());
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
  if (frame->graph == frame->outer->graph) {  // inlined: nothing to capture
    *value = outside;
    return true;
  }
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

Value* Importer::InlineChild(const onnx::GraphProto& body, const onnx::NodeProto& node,
                             Frame* outer, Value* input) {
  if (outer->depth >= kMaxCalls) throw NodeProblem{"graphs stand inside each other too deeply"};
  if (body.input_size() != 1 || body.output_size() != 1) {
    throw NodeProblem{Cat("its graph has ", body.input_size(), " inputs and ", body.output_size(),
                          " outputs; it must have one of each")};
  }
  Frame frame;
  frame.graph = outer->graph;
  frame.outer = outer;
  frame.opsets = outer->opsets;
  frame.attributes = outer->attributes;
  frame.prefix = Cat(outer->prefix, NodeName(node), "/", body.name(), "/");
  frame.depth = outer->depth + 1;
  frame.values[body.input(0).name()] = input;
  AddInitializers(body, &frame);
  ImportNodes(body.node(), &frame);
  Value* value = nullptr;
  if (!Find(&frame, body.output(0).name(), &value)) {
    throw NodeProblem{
        Cat("output ", Quoted(body.output(0).name()), " of its graph is made by no node")};
  }
  if (value == nullptr) throw NodeProblem{"nodes inside it cannot be converted"};
  return value;
}

void Importer::ImportNodes(const google::protobuf::RepeatedPtrField<onnx::NodeProto>& nodes,
                           Frame* frame) {
  for (const onnx::NodeProto& node : nodes) {
    bool cut_away = node.output_size() > 0;
    for (const std::string& output : node.output())
      cut_away = cut_away && keep_open_.count(output) != 0;
    const bool needed =
        std::any_of(node.output().begin(), node.output().end(),
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
      if (FindFunction(node) == nullptr && !IsConstant(node) && FindImporter(node) == nullptr) {
        AddProblem(node, *frame, WhyUnknown(node));
      }
      MarkBroken(node, frame);
      return;
    }
    if (const onnx::FunctionProto* function = FindFunction(node); function != nullptr) {
      ImportCall(node, *function, frame);
    } else if (IsConstant(node)) {
      ImportConstant(node, frame);
    } else {
      ImportOperator(node, frame);
    }
  } catch (const NodeProblem& problem) {
    AddProblem(node, *frame, problem.why);
    MarkBroken(node, frame);
  }
}

const ImporterRow* Importer::FindImporter(const onnx::NodeProto& node) const {
  const auto found = importers_.find({DomainKey(node.domain()), node.op_type()});
  return found != importers_.end() ? &found->second : nullptr;
}

std::string Importer::WhyUnknown(const onnx::NodeProto& node) const {
  const std::string domain = DomainKey(node.domain());
  const auto first = importers_.lower_bound({domain, ""});
  const bool known = first != importers_.end() && first->first.first == domain;
  return known ? "no importer for this operator" : "operators of this domain are unknown";
}

void Importer::ImportOperator(const onnx::NodeProto& node, Frame* frame) {
  const ImporterRow* const row = FindImporter(node);
  if (row == nullptr) throw NodeProblem{WhyUnknown(node)};
  const auto set = frame->opsets.find(row->domain);
  if (set == frame->opsets.end()) throw NodeProblem{"the model imports no version of its domain"};
  const int version = set->second;
  if (version < row->since) {
    throw NodeProblem{Cat("known from opset ", row->since, " on")};
  }
  row->import(NodeContext(this, frame, node, version));
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
