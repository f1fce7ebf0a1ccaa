// Importer: walks an ONNX graph and builds ours. Importers of operators (importers/*.cc) see one
// node at a time through NodeContext and emit nodes through Emission.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/shape_text.h"
#include "converter/model_file.h"
#include "converter/tensors.h"
#include "runtime/graph/graph.h"
#include "runtime/operators/infer_context.h"

namespace doppio::converter {

using graph::Dim;
using graph::Value;
using operators::ValueFacts;

// The newest version of the default operator set whose changes the importers know.
inline constexpr int kNewestOpset = 28;
// The domain of classical machine learning, and its newest version that the importers know.
inline constexpr const char* kMlDomain = "ai.onnx.ml";
inline constexpr int kNewestMlOpset = 5;

class Importer;

// A node that cannot be converted: collected, so that all are told at once.
struct NodeProblem {
  std::string why;
};

// Names and attributes that are in sight of a node: those of the model's graph, of a function's
// body, or of a child graph.
struct Frame {
  graph::Graph* graph = nullptr;  // where nodes go
  Frame* outer = nullptr;  // of a child graph: what surrounds it, whose names are in sight as well
  std::vector<Value*>
      captured;  // of a child graph: values of `outer`, as inputs after the bound ones
  std::map<std::string, Value*> values;  // null: made by a node that could not be converted
  std::set<std::string> left_out;        // parameters of a function that the call leaves out
  std::map<std::string, int> opsets;     // by domain; "" is the default one
  std::map<std::string, const onnx::AttributeProto*>
      attributes;      // of the call, in a function's body
  std::string prefix;  // of names inside
  int depth = 0;       // calls around it
};

// A node being built. Methods chain; Done() ends it.
class Emission {
 public:
  Emission(Importer* importer, Frame* frame, const onnx::NodeProto* source, std::string_view type,
           std::string_view domain);

  Emission& In(Value* value);  // null: left out
  Emission& Int(std::string_view name, int64_t value);
  Emission& Float(std::string_view name, float value);
  Emission& Text(std::string_view name, std::string_view value);
  Emission& Texts(std::string_view name, const std::vector<std::string>& values);
  Emission& Ints(std::string_view name, std::span<const int64_t> values);
  Emission& Floats(std::string_view name, std::span<const float> values);
  Emission& Tensor(std::string_view name, const graph::Constant& value);
  // A child graph; `bound` says what is known of its inputs (fewer may be given).
  Emission& Net(std::string_view name, const onnx::GraphProto& body,
                std::span<const ValueFacts* const> bound);
  // The node's ONNX output `i`, if it has it; left out otherwise.
  Emission& Out(int i);
  // An output that nobody asked for, as Caffe2's Concat and Reshape have; named OC2_DUMMY_<n>.
  Emission& DummyOut();
  // A result for further nodes of the same import.
  Emission& Temp();
  // Infers the new node. Returns its first output.
  Value* Done();

 private:
  Importer* importer_;
  Frame* frame_;
  const onnx::NodeProto* source_;
  graph::Node* node_;
  std::vector<Value*> captured_;  // by child graphs, in their order
};

// "" and "ai.onnx" are one.
bool IsDefaultDomain(const std::string& domain);

// Whether a name is a parameter of the function around that the call leaves out.
bool IsLeftOut(const Frame& frame, const std::string& name);

// What an importer sees of its ONNX node. Attributes that refer to a function's parameters are
// resolved.
class NodeContext {
 public:
  NodeContext(Importer* importer, Frame* frame, const onnx::NodeProto& node, int opset)
      : importer_(importer), frame_(frame), node_(node), opset_(opset) {}

  const onnx::NodeProto& node() const { return node_; }
  const std::string& type() const { return node_.op_type(); }
  // "ai.onnx", or the node's own domain.
  std::string_view domain() const {
    return IsDefaultDomain(node_.domain()) ? "ai.onnx" : std::string_view(node_.domain());
  }
  // The version of the node's domain.
  int opset() const { return opset_; }

  int input_count() const { return node_.input_size(); }
  bool Has(int i) const {
    return i < node_.input_size() && !node_.input(i).empty() && !IsLeftOut(*frame_, node_.input(i));
  }
  Value* in(int i) const;  // null where it is left out
  bool HasOutput(int i) const { return i < node_.output_size() && !node_.output(i).empty(); }

  const onnx::AttributeProto* Attr(std::string_view name) const;
  bool HasAttr(std::string_view name) const { return Attr(name) != nullptr; }
  int64_t Int(std::string_view name, int64_t fallback) const;
  float Float(std::string_view name, float fallback) const;
  std::string Text(std::string_view name, const std::string& fallback) const;
  std::vector<int64_t> Ints(std::string_view name) const;
  std::vector<float> Floats(std::string_view name) const;
  graph::Constant Tensor(std::string_view name) const;
  const onnx::GraphProto& Graph(std::string_view name) const;
  std::vector<std::string> AttrNames() const;

  const ValueFacts& facts(const Value* value) const;
  ElementType type_of(int i) const { return facts(in(i)).type; }
  int rank_of(int i) const;  // -1: unknown
  // The integers of input `i`, when they are known.
  std::optional<std::vector<int64_t>> KnownInts(int i) const;
  // The floats of a constant float32 input.
  std::optional<std::vector<float>> KnownFloats(int i) const;

  const std::string& prefix() const { return frame_->prefix; }
  Emission Emit(std::string_view type, std::string_view domain = "") const;
  // The ONNX operator at its newest semantics.
  Emission EmitOnnx(std::string_view type) const { return Emit(type, "ai.onnx"); }
  Value* IntsConstant(std::span<const int64_t> values) const;
  Value* FloatsConstant(std::span<const float> values) const;
  Value* Scalar(ElementType type, double value) const;
  // The nodes of a graph of the node, which has one input and one output, in its place.
  Value* Inline(const onnx::GraphProto& body, Value* input) const;
  // ONNX output `i` is `value` itself.
  void Bind(int i, Value* value) const;
  void Warn(const std::string& text) const;
  [[noreturn]] void Unsupported(const std::string& why) const { throw NodeProblem{why}; }

 private:
  Value* NewConstant(const char* suffix, ElementType type, const Dims& dims,
                     const void* data) const;

  Importer* importer_;
  Frame* frame_;
  const onnx::NodeProto& node_;
  int opset_;
};

// One ONNX operator: from which version of its set on `import` knows it.
struct ImporterRow {
  const char* type;
  int since;
  void (*import)(const NodeContext& node);
  const char* domain = "";  // the default one
};

// All rows, a family each (importers/*.cc).
std::span<const ImporterRow> ConvolutionImporters();
std::span<const ImporterRow> MatMulImporters();
std::span<const ImporterRow> ActivationImporters();
std::span<const ImporterRow> ElementwiseImporters();
std::span<const ImporterRow> NormalizationImporters();
std::span<const ImporterRow> ReductionImporters();
std::span<const ImporterRow> ReshapingImporters();
std::span<const ImporterRow> SlicingImporters();
std::span<const ImporterRow> CreationImporters();
std::span<const ImporterRow> ResizeImporters();
std::span<const ImporterRow> ControlFlowImporters();
std::span<const ImporterRow> SequenceImporters();
std::span<const ImporterRow> RecurrentImporters();
std::span<const ImporterRow> LossImporters();
std::span<const ImporterRow> QuantizationImporters();
std::span<const ImporterRow> AttentionImporters();
std::span<const ImporterRow> GridImporters();
std::span<const ImporterRow> SignalImporters();
std::span<const ImporterRow> RandomImporters();
std::span<const ImporterRow> MlImporters();
std::span<const ImporterRow> StringImporters();
std::span<const ImporterRow> TrainingImporters();
std::vector<std::span<const ImporterRow>> AllImporters();

class Importer {
 public:
  Importer(const std::string& path, std::shared_ptr<onnx::ModelProto> model, graph::Graph* graph);

  // Builds the graph. `shapes` replace what inputs declare; `outputs` (may be empty) replace the
  // model's. Throws ConvertError; all nodes that cannot be converted stand in one.
  void Import(const std::vector<base::ShapeText>& shapes, const std::vector<std::string>& inputs,
              const std::vector<std::string>& outputs);

  std::vector<std::string> warnings;
  int64_t opset = 0;

 private:
  friend class Emission;
  friend class NodeContext;

  // Finds the nodes and names of the model's graph that `outputs` are made from: nothing else is
  // read. Values at which the graph is cut are made from nothing.
  void FindNeeded(const std::vector<std::string>& outputs);
  void ReadOpsets(const google::protobuf::RepeatedPtrField<onnx::OperatorSetIdProto>& imports,
                  std::map<std::string, int>* opsets) const;
  void AddInitializers(const onnx::GraphProto& graph, Frame* frame);
  void AddInputs(const std::vector<base::ShapeText>& shapes, const std::vector<std::string>& cut,
                 Frame* frame);
  void AddInput(const onnx::ValueInfoProto& info, const base::ShapeText* shape, Frame* frame);
  void AddOutputs(const std::vector<std::string>& names, Frame* frame);
  // A graph inside a node. What it reads from around it is in captured.
  std::unique_ptr<graph::Graph> ImportChild(const onnx::GraphProto& body, Frame* outer,
                                            std::span<const ValueFacts* const> bound,
                                            std::vector<Value*>* captured);
  // The nodes of a graph inside `node`, of one input and one output, among those of `outer`.
  Value* InlineChild(const onnx::GraphProto& body, const onnx::NodeProto& node, Frame* outer,
                     Value* input);
  void AddChildInput(const onnx::ValueInfoProto& info, const ValueFacts* known, Frame* frame);
  void ImportNodes(const google::protobuf::RepeatedPtrField<onnx::NodeProto>& nodes, Frame* frame);
  void ImportNode(const onnx::NodeProto& node, Frame* frame);
  // The row of a node's domain and type, or null; then why there is none.
  const ImporterRow* FindImporter(const onnx::NodeProto& node) const;
  std::string WhyUnknown(const onnx::NodeProto& node) const;
  void ImportOperator(const onnx::NodeProto& node, Frame* frame);
  void ImportCall(const onnx::NodeProto& node, const onnx::FunctionProto& function, Frame* frame);
  void ImportConstant(const onnx::NodeProto& node, Frame* frame);
  const onnx::FunctionProto* FindFunction(const onnx::NodeProto& node) const;
  void AddProblem(const onnx::NodeProto& node, const Frame& frame, const std::string& why);
  void MarkBroken(const onnx::NodeProto& node, Frame* frame);
  bool InputsReady(const onnx::NodeProto& node, Frame* frame);
  // The value of that name in `frame`, captured from around it if need be. Null: made by a node
  // that could not be converted. False when there is none.
  bool Find(Frame* frame, const std::string& name, Value** value);

  // Facts of `value`, of whichever graph.
  ValueFacts& Facts(const Value* value);
  void Infer(graph::Node* node);
  Value* AddConstant(graph::Graph* graph, const std::string& name, const graph::Constant& constant);
  std::string DummyName();

  std::string path_;
  std::shared_ptr<onnx::ModelProto> model_;
  graph::Graph* graph_;
  TensorReader tensors_;
  std::map<std::pair<std::string, std::string>, ImporterRow> importers_;  // by domain and type
  std::map<std::string, const onnx::FunctionProto*> functions_;
  std::unordered_map<const Value*, std::unique_ptr<ValueFacts>> facts_;
  std::vector<std::string> problems_;
  std::set<std::string> keep_open_;  // names that --inputs cuts at
  std::set<std::string> needed_;     // names of the model's graph that its outputs are made from
  int64_t dummies_ = 0;
};

}  // namespace doppio::converter
