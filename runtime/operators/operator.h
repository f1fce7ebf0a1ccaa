// Operator: one row of the table of operators: what it is called, its arguments and their defaults,
// its shape rule, and how it is lowered to kernel problems. Rows are plain constants, listed in
// table.def.
#pragma once

#include <doppio/status.h>

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "runtime/graph/graph.h"

namespace doppio::operators {

class CallContext;
class InferContext;
class LowerContext;
struct ValueFacts;

// Which memory layouts an operator works in.
enum class LayoutTrait : uint8_t {
  kAny,           // element by element: any, as long as inputs and outputs agree
  kChannelsLast,  // works in any layout, is fastest with channels innermost
  kAxisRemap,     // names axes: works in any layout by strides
  kRowMajor,      // wants its inputs row-major and contiguous
};

enum class ArgKind : uint8_t {
  kInt,
  kFloat,
  kString,
  kInts,
  kFloats,
  kStrings,
  kNet,
  kNets,
  kTensor
};

// One argument: `number` is the default of an int or float, `text` that of a string. `required`
// arguments have none.
struct ArgSpec {
  const char* name;
  ArgKind kind;
  double number = 0;
  const char* text = "";
  bool required = false;
};

// What else the planner and passes must know.
enum OperatorFlag : uint32_t {
  kPlain = 0,
  kElementwise = 1 << 0,    // same element order in and out; may be computed in place of input 0
  kRandom = 1 << 1,         // not a function of its inputs: never folded
  kDataDependent = 1 << 2,  // the output's sizes depend on values
  kControlFlow = 1 << 3,    // runs child graphs
  kIdentity = 1 << 4,       // output 0 is input 0
  kTakesActivation =
      1 << 5,  // its kernels apply an activation as they store (LowerContext::epilogue)
  kTakesResidual = 1 << 6,  // ... and add a tensor of the output's shape before it
};

inline constexpr int kVariadic = 1 << 16;

struct Operator {
  std::string_view domain;  // "" or "ai.onnx"
  std::string_view type;
  int min_inputs, max_inputs;
  int min_outputs, max_outputs;
  LayoutTrait layout;
  uint32_t flags;
  // Facts of the outputs from facts of the inputs. Checks everything that can be checked before a
  // run.
  Status (*infer)(InferContext& context);
  // Emits the steps that compute the outputs; all sizes are numbers by then. Null: `call` does it.
  Status (*lower)(LowerContext& context);
  std::span<const ArgSpec> args;
  const char* summary;  // one line for the documentation
  // Computes the outputs outside of plans, from values as the session holds them: for child graphs,
  // sequences and optionals, strings. A plan's segment ends there. Null: `lower` does it always.
  Status (*call)(CallContext& context) = nullptr;
};

// Whether a node with these facts is computed by Operator::call: there is no `lower`, or a value is
// no tensor, or strings are made or compared.
bool IsCalled(const Operator& op, std::span<const ValueFacts* const> inputs,
              std::span<const ValueFacts> outputs);

// One list of arguments out of several: for operators that share some of them.
template <size_t... sizes>
constexpr auto JoinArgs(const ArgSpec (&... lists)[sizes]) {
  std::array<ArgSpec, (sizes + ...)> joined{};
  size_t at = 0;
  const auto append = [&](std::span<const ArgSpec> list) {
    for (const ArgSpec& spec : list) joined[at++] = spec;
  };
  (append(lists), ...);
  return joined;
}

// Which of the two dialects a node is written in: ONNX's, or Caffe2's.
inline bool IsOnnx(const graph::Node& node) { return node.domain == "ai.onnx"; }

// The row for a node's domain and type, or null.
const Operator* FindOperator(std::string_view domain, std::string_view type);
// All rows, sorted by domain, then type.
std::span<const Operator* const> AllOperators();

// Reads a node's arguments by the original's rules: a scalar argument that is there but in another
// field is an error, a list held in a scalar field reads as empty. Defaults come from the
// operator's ArgSpec.
class ArgReader {
 public:
  ArgReader(const graph::Node& node, const Operator& op) : node_(node), op_(op) {}

  bool Has(std::string_view name) const { return node_.arg(name) != nullptr; }
  Status Int(std::string_view name, int64_t* value) const;
  // As Int, refused outside [least, most].
  Status IntIn(std::string_view name, int64_t least, int64_t most, int64_t* value) const;
  Status Bool(std::string_view name, bool* value) const;
  Status Float(std::string_view name, float* value) const;
  Status Double(std::string_view name, double* value) const;
  Status Text(std::string_view name, std::string_view* value) const;
  // Empty when absent.
  std::span<const int64_t> Ints(std::string_view name) const;
  std::span<const float> Floats(std::string_view name) const;
  std::span<const std::string_view> Strings(std::string_view name) const;
  // The child graph of that name, or null.
  const graph::Graph* Net(std::string_view name) const;
  // The tensor of that name, or null.
  const graph::Constant* Tensor(std::string_view name) const;

 private:
  const ArgSpec* Spec(std::string_view name) const;
  Status WrongField(std::string_view name, const char* expected) const;

  const graph::Node& node_;
  const Operator& op_;
};

// "Conv 'conv1'": how messages name a node. Nodes without a name go by their first output.
std::string NodeLabel(const graph::Node& node);

}  // namespace doppio::operators
