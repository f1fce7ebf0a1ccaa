// The ends of an ONNX graph: operator sets, weights, inputs and outputs, and which of it all the
// outputs are made from.
#include <algorithm>
#include <charconv>

#include "base/message.h"
#include "converter/convert_error.h"
#include "converter/importer.h"

namespace doppio::converter {

using base::Cat;
using base::Quoted;

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
    const bool needed =
        std::any_of(node.output().begin(), node.output().end(), [&](const std::string& output) {
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

}  // namespace doppio::converter
