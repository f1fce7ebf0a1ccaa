// Graph: the one in-memory form of a net, in single static assignment. The converter and the pair
// reader make it, passes rewrite it, the planner reads it, the pair writer saves it. It knows no
// operator: what a node means is the business of runtime/operators.
//
// Ownership: a Graph owns its nodes, values, names, child graphs and the memory of its constants.
// Node and Value pointers stay valid until RemoveNode, or the Graph's end. Not thread safe while it
// changes.
#pragma once

#include <doppio/status.h>
#include <doppio/tensor.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/array.h"
#include "base/memory.h"
#include "runtime/graph/dim.h"
#include "runtime/platform/mapped_file.h"

namespace doppio::graph {

class Graph;
struct Node;

// A tensor of known content: a weight, a constant, a tensor argument. Row-major; string tensors
// hold an array of std::string_view. Borrows its bytes from the Graph (or the mapped file) that
// made it.
struct Constant {
  ElementType type = ElementType::kUndefined;
  Dims dims;
  const void* data = nullptr;
  int64_t count = 0;  // elements

  template <class T>
  const T* as() const {
    return static_cast<const T*>(data);
  }
};

using doppio::ValueKind;

// What a file declares about a value: its type and sizes, as far as it says.
struct Declaration {
  // `type` and `dims` are those of the tensors inside a sequence or an optional.
  ValueKind kind = ValueKind::kTensor;
  ElementType type = ElementType::kUndefined;
  bool has_shape = false;
  base::Array<Dim> dims;
};

// Where a value lives or a node runs, as DeviceOption says it.
struct Device {
  int32_t type = 0;  // Caffe2's DeviceTypeProto: 0 CPU, 1 CUDA
  int32_t id = 0;
  friend bool operator==(const Device&, const Device&) = default;
};

// How the integers of a quantised tensor (Caffe2's Int8 blobs) stand for reals:
// real = (q - zero_point) scale.
struct Quantization {
  bool present = false;
  float scale = 1;
  int32_t zero_point = 0;
  friend bool operator==(const Quantization&, const Quantization&) = default;
};

// One place that reads a value: input `index` of `node`, or, with node null, output `index` of the
// graph.
struct Use {
  Node* node = nullptr;
  uint32_t index = 0;
};

// Exactly one of: a graph input, a constant, an output of a node.
struct Value {
  uint32_t id = 0;        // dense within its graph, for side tables; never reused
  std::string_view name;  // the blob's name in the file; several values may bear one name
  Node* producer = nullptr;
  uint32_t producer_output = 0;
  bool is_input = false;
  bool is_constant = false;
  Constant constant;  // when is_constant
  Declaration declared;
  Quantization quantization;  // set by whoever makes the value, from its operator's arguments
  base::Array<Use> uses;
};

// A named argument of a node or a net, with the fields of Caffe2's Argument. Which are set is part
// of its meaning: a scalar that sits in a list field is not there for a scalar reader.
struct Argument {
  std::string_view name;
  bool has_f = false, has_i = false, has_s = false;
  float f = 0;
  int64_t i = 0;
  std::string_view s;
  base::Array<float> floats;
  base::Array<int64_t> ints;
  base::Array<std::string_view> strings;
  std::unique_ptr<Graph> net;
  base::Array<std::unique_ptr<Graph>> nets;
  bool has_t = false;
  Constant t;
  base::Array<Constant> tensors;
  std::string_view unknown;  // fields that this version does not know, as they were in the file
};

// The argument of that name, or null.
const Argument* FindArg(const base::Array<Argument>& args, std::string_view name);

// An input of a node; `value` is null where an optional input is left out.
struct Input {
  Value* value = nullptr;
  uint32_t use = 0;  // position in value->uses
};

struct Node {
  uint32_t id = 0;  // dense within its graph; never reused
  std::string_view type;
  std::string_view domain;  // "" is Caffe2's own; "ai.onnx" ONNX's; anything else a custom one
  std::string_view name;
  std::string_view engine;
  int64_t op_version = 0;  // 0: not said
  Device device;
  bool has_device = false;
  // How many of the last inputs are values that child graphs capture, in the order of the child
  // graphs (arguments, then their nets) and of their captured inputs.
  uint32_t captures = 0;
  bool in_init = false;  // stands in the init net: runs once, before anything else
  base::Array<Input> inputs;
  base::Array<Value*> outputs;  // null where an optional output is left out
  base::Array<Argument> args;
  base::Array<std::string_view> control_inputs;
  std::string_view unknown;
  Node* previous = nullptr;  // in execution order
  Node* next = nullptr;

  Value* input(size_t i) const { return i < inputs.size() ? inputs[i].value : nullptr; }
  Value* output(size_t i) const { return i < outputs.size() ? outputs[i] : nullptr; }
  // The argument of that name, or null.
  const Argument* arg(std::string_view name) const;
};

// Where among the inputs of `node` stand the values that `child`, a child graph of its, captures.
size_t FirstCapture(const Node& node, const Graph& child);

struct GraphOutput {
  Value* value = nullptr;
  std::string_view name;  // what users call it; may differ from value->name
};

class Graph {
 public:
  // `budget` (may be null) outlives the graph; constants and tables are charged to it.
  explicit Graph(base::MemoryBudget* budget = nullptr) : budget_(budget) {}
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;
  ~Graph();

  // --- names and memory -------------------------------------------------------------------------
  // A copy of `text` that lives as long as the graph; equal texts may or may not share memory.
  StatusOr<std::string_view> Intern(std::string_view text);
  // Uninitialised memory that lives as long as the graph, aligned to base::kAlignment.
  StatusOr<void*> Allocate(size_t bytes);
  // Keeps a file mapped as long as the graph lives, because constants point into it.
  Status Own(platform::MappedFile file);
  // Keeps anything else alive as long as the graph, because constants point into it.
  Status KeepAlive(std::shared_ptr<const void> owner);
  base::MemoryBudget* budget() const { return budget_; }

  // --- building ----------------------------------------------------------------------------------
  // The names are interned by these.
  StatusOr<Value*> AddInput(std::string_view name);
  // Borrows `constant.data`, which lives as long as the graph (see Allocate, Own).
  StatusOr<Value*> AddConstant(std::string_view name, const Constant& constant);
  // Copies `bytes` of data into the graph first.
  StatusOr<Value*> AddConstantCopy(std::string_view name, ElementType type, const Dims& dims,
                                   const void* data);
  // A node without inputs or outputs, put before `before`, or last when that is null.
  StatusOr<Node*> AddNode(std::string_view type, std::string_view domain = "",
                          Node* before = nullptr);
  Status AddInputTo(Node* node, Value* value);  // value may be null: left out
  StatusOr<Value*> AddOutputTo(Node* node, std::string_view name);
  Status AddMissingOutputTo(Node* node);
  // The node's argument of that name, made when it is not there.
  StatusOr<Argument*> AddArg(Node* node, std::string_view name);
  StatusOr<Argument*> AddNetArg(std::string_view name);
  Status SetArg(Node* node, std::string_view name, int64_t value);
  Status SetArg(Node* node, std::string_view name, float value);
  Status SetArg(Node* node, std::string_view name, std::string_view value);
  Status SetArg(Node* node, std::string_view name, std::span<const int64_t> values);
  Status SetArg(Node* node, std::string_view name, std::span<const float> values);
  void RemoveArg(Node* node, std::string_view name);
  Status AddOutput(Value* value, std::string_view name);
  void ClearOutputs();
  // Of a child graph: the inputs of these names come first and are bound, in this order; those that
  // it does not read are made. All others are captured.
  Status BindInputs(std::span<const std::string_view> names);

  // --- changing
  // ------------------------------------------------------------------------------------
  Status SetInput(Node* node, size_t index, Value* value);
  // Takes input `index` away; those behind it move up.
  void RemoveInput(Node* node, size_t index);
  // Cuts the inputs of `node` down to the first `count`.
  void TruncateInputs(Node* node, size_t count);
  Status SetOutput(size_t index, Value* value);
  // Gives an output another name (interned by the caller); false when there is none of the old
  // name.
  bool RenameOutput(std::string_view old_name, std::string_view new_name);
  // Every reader of `from` reads `to` instead, graph outputs included (they keep their names).
  Status ReplaceAllUses(Value* from, Value* to);
  // Puts a node behind all others.
  void MoveToEnd(Node* node);
  // Removes a node whose outputs nobody uses.
  void RemoveNode(Node* node);
  // Turns an output of a node or an input into a constant in place: its readers stay.
  void MakeConstant(Value* value, const Constant& constant);

  // --- looking
  // -------------------------------------------------------------------------------------
  Node* first() const { return first_; }
  Node* last() const { return last_; }
  size_t node_count() const { return live_nodes_; }
  // Bounds for side tables indexed by id; ids of removed things stay unused.
  size_t value_ids() const { return values_.size(); }
  size_t node_ids() const { return nodes_.size(); }
  Value* value(uint32_t id) const { return values_[id]; }
  std::span<Value* const> inputs() const { return {inputs_.data(), inputs_.size()}; }
  std::span<const GraphOutput> outputs() const { return {outputs_.data(), outputs_.size()}; }
  // The input of that name, or null. Linear.
  Value* FindInput(std::string_view name) const;
  const Argument* arg(std::string_view name) const;
  base::Array<Argument>& args() { return args_; }
  const base::Array<Argument>& args() const { return args_; }

  SymbolTable& symbols() { return symbols_; }
  const SymbolTable& symbols() const { return symbols_; }

  std::string_view name, type;             // of the predict net
  std::string_view init_name;              // of the init net
  std::string_view unknown, init_unknown;  // unknown fields of the two nets
  // Of a child graph: so many first inputs are bound by the node that owns it, the others are
  // captured from the graph around it by name.
  size_t bound_inputs = 0;
  bool simplified = false;  // the passes have run over it

 private:
  StatusOr<Value*> NewValue(std::string_view name);
  void Unlink(Node* node);
  void LinkBefore(Node* node, Node* before);
  Status AddUse(Value* value, Use use, uint32_t* position);
  void RemoveUse(Value* value, uint32_t position);

  base::MemoryBudget* budget_;
  SymbolTable symbols_;
  base::Array<base::Buffer> buffers_;
  base::Array<platform::MappedFile> files_;
  base::Array<std::shared_ptr<const void>> owners_;
  char* text_next_ = nullptr;  // the rest of the newest block of names
  size_t text_left_ = 0;
  base::Array<Value*> values_;
  base::Array<Node*> nodes_;
  base::Array<Value*> inputs_;
  base::Array<GraphOutput> outputs_;
  base::Array<uint32_t> output_uses_;  // position of output i in its value's uses
  base::Array<Argument> args_;
  Node* first_ = nullptr;
  Node* last_ = nullptr;
  size_t live_nodes_ = 0;
};

}  // namespace doppio::graph
