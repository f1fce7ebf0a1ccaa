#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/half.h"
#include "base/message.h"
#include "converter/convert_error.h"
#include "converter/importer.h"

namespace doppio::converter {

using base::Cat;
using base::Quoted;

// --- NodeContext
// ---------------------------------------------------------------------------------------

Value* NodeContext::in(int i) const {
  Value* value = nullptr;
  if (Has(i)) importer_->Find(frame_, node_.input(i), &value);
  return value;
}

const onnx::AttributeProto* NodeContext::Attr(std::string_view name) const {
  for (const onnx::AttributeProto& attribute : node_.attribute()) {
    if (attribute.name() != name) continue;
    if (attribute.ref_attr_name().empty()) return &attribute;
    const auto outer = frame_->attributes.find(attribute.ref_attr_name());
    return outer != frame_->attributes.end() ? outer->second : nullptr;
  }
  return nullptr;
}

namespace {

void CheckType(const onnx::AttributeProto& attribute, onnx::AttributeProto::AttributeType wanted,
               const char* text) {
  // Files of IR version 1 left the type out.
  if (attribute.type() != onnx::AttributeProto::UNDEFINED && attribute.type() != wanted) {
    throw NodeProblem{Cat("attribute ", Quoted(attribute.name()), " is not ", text)};
  }
}

}  // namespace

int64_t NodeContext::Int(std::string_view name, int64_t fallback) const {
  const onnx::AttributeProto* attribute = Attr(name);
  if (attribute == nullptr) return fallback;
  CheckType(*attribute, onnx::AttributeProto::INT, "an integer");
  return attribute->i();
}

float NodeContext::Float(std::string_view name, float fallback) const {
  const onnx::AttributeProto* attribute = Attr(name);
  if (attribute == nullptr) return fallback;
  CheckType(*attribute, onnx::AttributeProto::FLOAT, "a float");
  return attribute->f();
}

std::string NodeContext::Text(std::string_view name, const std::string& fallback) const {
  const onnx::AttributeProto* attribute = Attr(name);
  if (attribute == nullptr) return fallback;
  CheckType(*attribute, onnx::AttributeProto::STRING, "a string");
  return attribute->s();
}

std::vector<int64_t> NodeContext::Ints(std::string_view name) const {
  const onnx::AttributeProto* attribute = Attr(name);
  if (attribute == nullptr) return {};
  CheckType(*attribute, onnx::AttributeProto::INTS, "a list of integers");
  return {attribute->ints().begin(), attribute->ints().end()};
}

std::vector<float> NodeContext::Floats(std::string_view name) const {
  const onnx::AttributeProto* attribute = Attr(name);
  if (attribute == nullptr) return {};
  CheckType(*attribute, onnx::AttributeProto::FLOATS, "a list of floats");
  return {attribute->floats().begin(), attribute->floats().end()};
}

graph::Constant NodeContext::Tensor(std::string_view name) const {
  const onnx::AttributeProto* attribute = Attr(name);
  if (attribute == nullptr) throw NodeProblem{Cat("attribute ", Quoted(name), " is missing")};
  CheckType(*attribute, onnx::AttributeProto::TENSOR, "a tensor");
  return importer_->tensors_.Read(attribute->t());
}

const onnx::GraphProto& NodeContext::Graph(std::string_view name) const {
  const onnx::AttributeProto* attribute = Attr(name);
  if (attribute == nullptr) throw NodeProblem{Cat("attribute ", Quoted(name), " is missing")};
  CheckType(*attribute, onnx::AttributeProto::GRAPH, "a graph");
  return attribute->g();
}

Value* NodeContext::Inline(const onnx::GraphProto& body, Value* input) const {
  return importer_->InlineChild(body, node_, frame_, input);
}

std::vector<std::string> NodeContext::AttrNames() const {
  std::vector<std::string> names;
  for (const onnx::AttributeProto& attribute : node_.attribute()) names.push_back(attribute.name());
  return names;
}

const ValueFacts& NodeContext::facts(const Value* value) const { return importer_->Facts(value); }

int NodeContext::rank_of(int i) const {
  const ValueFacts& known = facts(in(i));
  return known.has_shape ? known.shape.rank : -1;
}

std::optional<std::vector<int64_t>> NodeContext::KnownInts(int i) const {
  const ValueFacts& known = facts(in(i));
  if (!known.ContentKnown()) return std::nullopt;
  std::vector<int64_t> values;
  for (const Dim& dim : known.content) values.push_back(dim.value());
  return values;
}

std::optional<std::vector<float>> NodeContext::KnownFloats(int i) const {
  const Value* value = in(i);
  if (value == nullptr || !value->is_constant || value->constant.type != ElementType::kFloat)
    return std::nullopt;
  const float* data = value->constant.as<float>();
  return std::vector<float>(data, data + value->constant.count);
}

Emission NodeContext::Emit(std::string_view type, std::string_view domain) const {
  return Emission(importer_, frame_, &node_, type, domain);
}

Value* NodeContext::NewConstant(const char* suffix, ElementType type, const Dims& dims,
                                const void* data) const {
  const std::string base = node_.output_size() > 0 ? node_.output(0) : std::string();
  Value* value =
      Unwrap(frame_->graph->AddConstantCopy(Cat(frame_->prefix, base, suffix), type, dims, data));
  Check(operators::FactsOfConstant(value->constant, &importer_->Facts(value)));
  return value;
}

Value* NodeContext::IntsConstant(std::span<const int64_t> values) const {
  return NewConstant("_ints", ElementType::kInt64, {static_cast<int64_t>(values.size())},
                     values.data());
}

Value* NodeContext::FloatsConstant(std::span<const float> values) const {
  return NewConstant("_floats", ElementType::kFloat, {static_cast<int64_t>(values.size())},
                     values.data());
}

Value* NodeContext::Scalar(ElementType type, double number) const {
  union {
    float f;
    double d;
    int32_t i32;
    int64_t i64;
    base::Float16 f16;
    base::BFloat16 bf16;
  } data{};
  switch (type) {
    case ElementType::kFloat:
      data.f = static_cast<float>(number);
      break;
    case ElementType::kDouble:
      data.d = number;
      break;
    case ElementType::kFloat16:
      data.f16 = base::ToFloat16(number);
      break;
    case ElementType::kBFloat16:
      data.bf16 = base::ToBFloat16(number);
      break;
    case ElementType::kInt32:
      data.i32 = static_cast<int32_t>(number);
      break;
    case ElementType::kInt64:
      data.i64 = static_cast<int64_t>(number);
      break;
    default:
      throw NodeProblem{Cat("type ", ElementName(type), " is not supported here")};
  }
  return NewConstant("_scalar", type, {}, &data);
}

void NodeContext::Bind(int i, Value* value) const {
  if (HasOutput(i)) frame_->values[node_.output(i)] = value;
}

void NodeContext::Warn(const std::string& text) const {
  const std::string& name =
      !node_.name().empty() || node_.output_size() == 0 ? node_.name() : node_.output(0);
  importer_->warnings.push_back(Cat(node_.op_type(), " ", Quoted(name), ": ", text));
}

// --- Emission
// --------------------------------------------------------------------------------------------

Emission::Emission(Importer* importer, Frame* frame, const onnx::NodeProto* source,
                   std::string_view type, std::string_view domain)
    : importer_(importer), frame_(frame), source_(source) {
  graph::Graph* graph = frame->graph;
  node_ = Unwrap(graph->AddNode(type, domain));
  if (!source->name().empty()) node_->name = Unwrap(graph->Intern(frame->prefix + source->name()));
  if (domain == "ai.onnx") node_->op_version = kNewestOpset;
  if (domain == kMlDomain) node_->op_version = kNewestMlOpset;
}

Emission& Emission::In(Value* value) {
  Check(frame_->graph->AddInputTo(node_, value));
  return *this;
}

Emission& Emission::Int(std::string_view name, int64_t value) {
  Check(frame_->graph->SetArg(node_, name, value));
  return *this;
}

Emission& Emission::Float(std::string_view name, float value) {
  Check(frame_->graph->SetArg(node_, name, value));
  return *this;
}

Emission& Emission::Text(std::string_view name, std::string_view value) {
  Check(frame_->graph->SetArg(node_, name, value));
  return *this;
}

Emission& Emission::Texts(std::string_view name, const std::vector<std::string>& values) {
  graph::Argument* arg = Unwrap(frame_->graph->AddArg(node_, name));
  for (const std::string& value : values) {
    Check(arg->strings.Append(Unwrap(frame_->graph->Intern(value))));
  }
  return *this;
}

Emission& Emission::Ints(std::string_view name, std::span<const int64_t> values) {
  Check(frame_->graph->SetArg(node_, name, values));
  return *this;
}

Emission& Emission::Floats(std::string_view name, std::span<const float> values) {
  Check(frame_->graph->SetArg(node_, name, values));
  return *this;
}

Emission& Emission::Tensor(std::string_view name, const graph::Constant& value) {
  graph::Argument* arg = Unwrap(frame_->graph->AddArg(node_, name));
  arg->has_t = true;
  arg->t = value;
  return *this;
}

Emission& Emission::Net(std::string_view name, const onnx::GraphProto& body,
                        std::span<const ValueFacts* const> bound) {
  std::vector<Value*> captured;
  auto child = importer_->ImportChild(body, frame_, bound, &captured);
  captured_.insert(captured_.end(), captured.begin(), captured.end());
  Unwrap(frame_->graph->AddArg(node_, name))->net = std::move(child);
  return *this;
}

Emission& Emission::Out(int i) {
  if (i >= source_->output_size() || source_->output(i).empty()) {
    Check(frame_->graph->AddMissingOutputTo(node_));
    return *this;
  }
  const std::string& name = source_->output(i);
  frame_->values[name] = Unwrap(frame_->graph->AddOutputTo(node_, frame_->prefix + name));
  return *this;
}

Emission& Emission::DummyOut() {
  Unwrap(frame_->graph->AddOutputTo(node_, importer_->DummyName()));
  return *this;
}

Emission& Emission::Temp() { return DummyOut(); }

Value* Emission::Done() {
  graph::Graph* graph = frame_->graph;
  // Its inputs may have been emitted while it was built.
  graph->MoveToEnd(node_);
  // Trailing optional inputs and outputs that are left out need no place.
  size_t inputs = node_->inputs.size();
  while (inputs > 0 && node_->inputs[inputs - 1].value == nullptr) --inputs;
  graph->TruncateInputs(node_, inputs);
  while (node_->outputs.size() > 1 && node_->outputs.back() == nullptr) node_->outputs.pop_back();
  for (Value* value : captured_) Check(graph->AddInputTo(node_, value));
  node_->captures = static_cast<uint32_t>(captured_.size());
  importer_->Infer(node_);
  return node_->output(0);
}

}  // namespace doppio::converter
