#include "runtime/graph/graph.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "base/message.h"

namespace doppio::graph {
namespace {

constexpr size_t kTextBlockBytes = 16 << 10;

template <class T>
StatusOr<T*> NewObject() {
  void* memory = base::Reallocate(nullptr, sizeof(T));
  if (memory == nullptr) return OutOfMemory("no memory for the graph");
  return new (memory) T();
}

template <class T>
void DeleteObject(T* object) {
  if (object == nullptr) return;
  object->~T();
  base::Deallocate(object);
}

}  // namespace

const Argument* FindArg(const base::Array<Argument>& args, std::string_view name) {
  for (const Argument& arg : args) {
    if (arg.name == name) return &arg;
  }
  return nullptr;
}

const Argument* Node::arg(std::string_view wanted) const { return FindArg(args, wanted); }

size_t FirstCapture(const Node& node, const Graph& child) {
  size_t at = node.inputs.size() - node.captures;
  for (const Argument& arg : node.args) {
    if (arg.net.get() == &child) return at;
    if (arg.net != nullptr) at += arg.net->inputs().size() - arg.net->bound_inputs;
    for (const auto& net : arg.nets) {
      if (net.get() == &child) return at;
      at += net->inputs().size() - net->bound_inputs;
    }
  }
  return at;
}

Graph::~Graph() {
  for (Node* node : nodes_) DeleteObject(node);
  for (Value* value : values_) DeleteObject(value);
}

StatusOr<std::string_view> Graph::Intern(std::string_view text) {
  if (text.empty()) return std::string_view();
  if (text.size() > text_left_) {
    const size_t bytes = text.size() > kTextBlockBytes / 4 ? text.size() : kTextBlockBytes;
    DOPPIO_ASSIGN_OR_RETURN(void* block, Allocate(bytes));
    if (bytes == text.size()) {  // a long text gets a block of its own
      std::memcpy(block, text.data(), text.size());
      return std::string_view(static_cast<char*>(block), text.size());
    }
    text_next_ = static_cast<char*>(block);
    text_left_ = bytes;
  }
  char* copy = text_next_;
  std::memcpy(copy, text.data(), text.size());
  text_next_ += text.size();
  text_left_ -= text.size();
  return std::string_view(copy, text.size());
}

StatusOr<void*> Graph::Allocate(size_t bytes) {
  DOPPIO_ASSIGN_OR_RETURN(base::Buffer buffer, base::Buffer::Allocate(bytes, budget_));
  void* data = buffer.data();
  DOPPIO_RETURN_IF_ERROR(buffers_.Append(std::move(buffer)));
  return data;
}

Status Graph::Own(platform::MappedFile file) { return files_.Append(std::move(file)); }

Status Graph::KeepAlive(std::shared_ptr<const void> owner) {
  return owners_.Append(std::move(owner));
}

StatusOr<Value*> Graph::NewValue(std::string_view name) {
  DOPPIO_ASSIGN_OR_RETURN(std::string_view own_name, Intern(name));
  DOPPIO_ASSIGN_OR_RETURN(Value * value, NewObject<Value>());
  value->id = static_cast<uint32_t>(values_.size());
  value->name = own_name;
  Status status = values_.Append(value);
  if (!status.ok()) {
    DeleteObject(value);
    return status;
  }
  return value;
}

StatusOr<Value*> Graph::AddInput(std::string_view input_name) {
  DOPPIO_ASSIGN_OR_RETURN(Value * value, NewValue(input_name));
  DOPPIO_RETURN_IF_ERROR(inputs_.Append(value));
  value->is_input = true;
  return value;
}

StatusOr<Value*> Graph::AddConstant(std::string_view constant_name, const Constant& constant) {
  DOPPIO_ASSIGN_OR_RETURN(Value * value, NewValue(constant_name));
  MakeConstant(value, constant);
  return value;
}

StatusOr<Value*> Graph::AddConstantCopy(std::string_view constant_name, ElementType element_type,
                                        const Dims& dims, const void* data) {
  Constant constant;
  constant.type = element_type;
  constant.dims = dims;
  constant.count = ElementCount(dims);
  const int64_t bytes = StorageBytes(element_type, constant.count);
  if (bytes < 0) return InvalidArgument(base::Cat("a constant of shape ", dims, " is too large"));
  DOPPIO_ASSIGN_OR_RETURN(void* copy, Allocate(static_cast<size_t>(bytes)));
  if (bytes > 0) std::memcpy(copy, data, static_cast<size_t>(bytes));
  constant.data = copy;
  return AddConstant(constant_name, constant);
}

StatusOr<Node*> Graph::AddNode(std::string_view node_type, std::string_view domain, Node* before) {
  DOPPIO_ASSIGN_OR_RETURN(std::string_view own_type, Intern(node_type));
  DOPPIO_ASSIGN_OR_RETURN(std::string_view own_domain, Intern(domain));
  DOPPIO_ASSIGN_OR_RETURN(Node * node, NewObject<Node>());
  node->id = static_cast<uint32_t>(nodes_.size());
  node->type = own_type;
  node->domain = own_domain;
  Status status = nodes_.Append(node);
  if (!status.ok()) {
    DeleteObject(node);
    return status;
  }
  LinkBefore(node, before);
  ++live_nodes_;
  return node;
}

void Graph::LinkBefore(Node* node, Node* before) {
  node->next = before;
  node->previous = before != nullptr ? before->previous : last_;
  (node->previous != nullptr ? node->previous->next : first_) = node;
  (before != nullptr ? before->previous : last_) = node;
}

void Graph::Unlink(Node* node) {
  (node->previous != nullptr ? node->previous->next : first_) = node->next;
  (node->next != nullptr ? node->next->previous : last_) = node->previous;
  node->previous = node->next = nullptr;
}

void Graph::MoveToEnd(Node* node) {
  if (node == last_) return;
  Unlink(node);
  LinkBefore(node, nullptr);
}

Status Graph::AddUse(Value* value, Use use, uint32_t* position) {
  *position = 0;
  if (value == nullptr) return {};
  *position = static_cast<uint32_t>(value->uses.size());
  return value->uses.Append(use);
}

void Graph::RemoveUse(Value* value, uint32_t position) {
  if (value == nullptr) return;
  // The last use takes the place of the removed one, and is told its new position.
  const Use moved = value->uses.back();
  value->uses[position] = moved;
  value->uses.pop_back();
  if (position == value->uses.size()) return;
  if (moved.node != nullptr) {
    moved.node->inputs[moved.index].use = position;
  } else {
    output_uses_[moved.index] = position;
  }
}

Status Graph::AddInputTo(Node* node, Value* value) {
  const auto index = static_cast<uint32_t>(node->inputs.size());
  Input input;
  input.value = value;
  DOPPIO_RETURN_IF_ERROR(node->inputs.Append(input));
  const Status status = AddUse(value, Use{node, index}, &node->inputs[index].use);
  if (!status.ok()) node->inputs.pop_back();
  return status;
}

StatusOr<Value*> Graph::AddOutputTo(Node* node, std::string_view output_name) {
  DOPPIO_ASSIGN_OR_RETURN(Value * value, NewValue(output_name));
  value->producer = node;
  value->producer_output = static_cast<uint32_t>(node->outputs.size());
  DOPPIO_RETURN_IF_ERROR(node->outputs.Append(value));
  return value;
}

Status Graph::AddMissingOutputTo(Node* node) { return node->outputs.Append(nullptr); }

StatusOr<Argument*> Graph::AddArg(Node* node, std::string_view arg_name) {
  for (Argument& arg : node->args) {
    if (arg.name == arg_name) return &arg;
  }
  Argument arg;
  DOPPIO_ASSIGN_OR_RETURN(arg.name, Intern(arg_name));
  DOPPIO_RETURN_IF_ERROR(node->args.Append(std::move(arg)));
  return &node->args.back();
}

StatusOr<Argument*> Graph::AddNetArg(std::string_view arg_name) {
  for (Argument& arg : args_) {
    if (arg.name == arg_name) return &arg;
  }
  Argument arg;
  DOPPIO_ASSIGN_OR_RETURN(arg.name, Intern(arg_name));
  DOPPIO_RETURN_IF_ERROR(args_.Append(std::move(arg)));
  return &args_.back();
}

Status Graph::SetArg(Node* node, std::string_view arg_name, int64_t value) {
  DOPPIO_ASSIGN_OR_RETURN(Argument * arg, AddArg(node, arg_name));
  arg->has_i = true;
  arg->i = value;
  return {};
}

Status Graph::SetArg(Node* node, std::string_view arg_name, float value) {
  DOPPIO_ASSIGN_OR_RETURN(Argument * arg, AddArg(node, arg_name));
  arg->has_f = true;
  arg->f = value;
  return {};
}

Status Graph::SetArg(Node* node, std::string_view arg_name, std::string_view value) {
  DOPPIO_ASSIGN_OR_RETURN(Argument * arg, AddArg(node, arg_name));
  arg->has_s = true;
  DOPPIO_ASSIGN_OR_RETURN(arg->s, Intern(value));
  return {};
}

Status Graph::SetArg(Node* node, std::string_view arg_name, std::span<const int64_t> values) {
  DOPPIO_ASSIGN_OR_RETURN(Argument * arg, AddArg(node, arg_name));
  return arg->ints.Assign(values);
}

Status Graph::SetArg(Node* node, std::string_view arg_name, std::span<const float> values) {
  DOPPIO_ASSIGN_OR_RETURN(Argument * arg, AddArg(node, arg_name));
  return arg->floats.Assign(values);
}

void Graph::RemoveArg(Node* node, std::string_view arg_name) {
  for (size_t i = 0; i < node->args.size(); ++i) {
    if (node->args[i].name == arg_name) {
      node->args.Erase(i);
      return;
    }
  }
}

Status Graph::AddOutput(Value* value, std::string_view output_name) {
  GraphOutput output;
  output.value = value;
  DOPPIO_ASSIGN_OR_RETURN(output.name, Intern(output_name));
  const auto index = static_cast<uint32_t>(outputs_.size());
  DOPPIO_RETURN_IF_ERROR(outputs_.Append(output));
  DOPPIO_RETURN_IF_ERROR(output_uses_.Append(0));
  return AddUse(value, Use{nullptr, index}, &output_uses_[index]);
}

void Graph::ClearOutputs() {
  for (size_t i = 0; i < outputs_.size(); ++i) RemoveUse(outputs_[i].value, output_uses_[i]);
  outputs_.clear();
  output_uses_.clear();
}

Status Graph::BindInputs(std::span<const std::string_view> names) {
  base::Array<Value*> ordered;
  DOPPIO_RETURN_IF_ERROR(ordered.Reserve(inputs_.size() + names.size()));
  for (const std::string_view input_name : names) {
    Value* input = FindInput(input_name);
    if (input == nullptr) {
      DOPPIO_ASSIGN_OR_RETURN(input, AddInput(input_name));
    }
    DOPPIO_RETURN_IF_ERROR(ordered.Append(input));
  }
  bound_inputs = ordered.size();
  for (Value* input : inputs_) {
    const auto bound = ordered.begin() + static_cast<ptrdiff_t>(bound_inputs);
    if (std::find(ordered.begin(), bound, input) == bound) {
      DOPPIO_RETURN_IF_ERROR(ordered.Append(input));
    }
  }
  inputs_ = std::move(ordered);
  return {};
}

Status Graph::SetInput(Node* node, size_t index, Value* value) {
  Input& input = node->inputs[index];
  if (input.value == value) return {};
  uint32_t position = 0;
  DOPPIO_RETURN_IF_ERROR(AddUse(value, Use{node, static_cast<uint32_t>(index)}, &position));
  RemoveUse(input.value, input.use);
  input.value = value;
  input.use = position;
  return {};
}

void Graph::RemoveInput(Node* node, size_t index) {
  RemoveUse(node->inputs[index].value, node->inputs[index].use);
  node->inputs.Erase(index);
  for (size_t i = index; i < node->inputs.size(); ++i) {
    const Input& moved = node->inputs[i];
    if (moved.value != nullptr) moved.value->uses[moved.use].index = static_cast<uint32_t>(i);
  }
}

void Graph::TruncateInputs(Node* node, size_t count) {
  while (node->inputs.size() > count) {
    RemoveUse(node->inputs.back().value, node->inputs.back().use);
    node->inputs.pop_back();
  }
}

Status Graph::SetOutput(size_t index, Value* value) {
  uint32_t position = 0;
  DOPPIO_RETURN_IF_ERROR(AddUse(value, Use{nullptr, static_cast<uint32_t>(index)}, &position));
  RemoveUse(outputs_[index].value, output_uses_[index]);
  outputs_[index].value = value;
  output_uses_[index] = position;
  return {};
}

bool Graph::RenameOutput(std::string_view old_name, std::string_view new_name) {
  bool found = false;
  for (GraphOutput& output : outputs_) {
    if (output.name != old_name) continue;
    output.name = new_name;
    found = true;
  }
  return found;
}

Status Graph::ReplaceAllUses(Value* from, Value* to) {
  if (from == to) return {};
  DOPPIO_RETURN_IF_ERROR(to->uses.Reserve(to->uses.size() + from->uses.size()));
  while (!from->uses.empty()) {
    const Use use = from->uses.back();
    DOPPIO_RETURN_IF_ERROR(use.node != nullptr ? SetInput(use.node, use.index, to)
                                               : SetOutput(use.index, to));
  }
  return {};
}

void Graph::RemoveNode(Node* node) {
  TruncateInputs(node, 0);
  for (Value* output : node->outputs) {
    if (output == nullptr || output->producer != node) continue;
    values_[output->id] = nullptr;
    DeleteObject(output);
  }
  Unlink(node);
  nodes_[node->id] = nullptr;
  DeleteObject(node);
  --live_nodes_;
}

void Graph::MakeConstant(Value* value, const Constant& constant) {
  if (value->producer != nullptr) value->producer->outputs[value->producer_output] = nullptr;
  value->producer = nullptr;
  if (value->is_input) {
    for (size_t i = 0; i < inputs_.size(); ++i) {
      if (inputs_[i] == value) {
        inputs_.Erase(i);
        break;
      }
    }
    value->is_input = false;
  }
  value->is_constant = true;
  value->constant = constant;
  value->constant.count = ElementCount(constant.dims);
}

Value* Graph::FindInput(std::string_view wanted) const {
  for (Value* input : inputs_) {
    if (input->name == wanted) return input;
  }
  return nullptr;
}

const Argument* Graph::arg(std::string_view wanted) const { return FindArg(args_, wanted); }

}  // namespace doppio::graph
