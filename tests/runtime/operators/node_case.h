// NodeCase: one node with constant inputs, for tests of shape rules and of evaluation.
#pragma once

#include <cstring>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/half.h"
#include "base/message.h"
#include "runtime/graph/graph.h"
#include "runtime/operators/evaluate.h"
#include "runtime/operators/infer_context.h"
#include "tests/catch.h"
#include "tests/runtime/net.h"

namespace doppio::tests {

inline std::string Text(const Status& status) { return status.message(); }

// A tensor as tests write it: a type, sizes, and every element as a number.
struct Tensor {
  ElementType type = ElementType::kFloat;
  Dims dims;
  std::vector<double> values;
};

inline Tensor F(const Dims& dims, std::vector<double> values) {
  return {ElementType::kFloat, dims, std::move(values)};
}
inline Tensor I(const Dims& dims, std::vector<double> values) {
  return {ElementType::kInt64, dims, std::move(values)};
}
// A one-dimensional int64 tensor.
inline Tensor I(std::vector<double> values) {
  return I(Dims({static_cast<int64_t>(values.size())}), values);
}
inline Tensor B(const Dims& dims, std::vector<double> values) {
  return {ElementType::kBool, dims, std::move(values)};
}
inline Tensor Typed(ElementType type, const Dims& dims, std::vector<double> values) {
  return {type, dims, std::move(values)};
}

template <class T>
void Put(std::string* bytes, T value) {
  bytes->append(reinterpret_cast<const char*>(&value), sizeof(value));
}

inline std::string BytesOf(const Tensor& tensor) {
  std::string bytes;
  for (double value : tensor.values) {
    switch (tensor.type) {
      case ElementType::kFloat:
        Put(&bytes, static_cast<float>(value));
        break;
      case ElementType::kDouble:
        Put(&bytes, value);
        break;
      case ElementType::kFloat16:
        Put(&bytes, base::ToFloat16(value));
        break;
      case ElementType::kInt64:
        Put(&bytes, static_cast<int64_t>(value));
        break;
      case ElementType::kInt32:
        Put(&bytes, static_cast<int32_t>(value));
        break;
      case ElementType::kInt8:
        Put(&bytes, static_cast<int8_t>(value));
        break;
      default:
        Put(&bytes, static_cast<uint8_t>(value));
        break;  // uint8 and bool
    }
  }
  return bytes;
}

inline double ValueAt(const graph::Constant& tensor, int64_t i) {
  switch (tensor.type) {
    case ElementType::kFloat:
      return static_cast<double>(tensor.as<float>()[i]);
    case ElementType::kDouble:
      return tensor.as<double>()[i];
    case ElementType::kFloat16:
      return static_cast<double>(base::ToFloat(tensor.as<base::Float16>()[i]));
    case ElementType::kInt64:
      return static_cast<double>(tensor.as<int64_t>()[i]);
    case ElementType::kInt32:
      return tensor.as<int32_t>()[i];
    case ElementType::kInt8:
      return tensor.as<int8_t>()[i];
    default:
      return tensor.as<uint8_t>()[i];
  }
}

// Builds a node of one operator; every call returns the case itself.
class NodeCase {
 public:
  NodeCase(std::string_view domain, std::string_view type) {
    node_ = *graph_->AddNode(type, domain);
    node_->name = "n";
  }

  NodeCase& In(const Tensor& tensor) {
    const std::string bytes = BytesOf(tensor);
    REQUIRE(ElementCount(tensor.dims) == static_cast<int64_t>(tensor.values.size()));
    graph::Value* value = *graph_->AddConstantCopy(Name(), tensor.type, tensor.dims, bytes.data());
    REQUIRE(graph_->AddInputTo(node_, value).ok());
    return *this;
  }
  // The input before is a quantised tensor of that scale and zero point.
  NodeCase& Quantized(float scale, int32_t zero_point) {
    node_->inputs[node_->inputs.size() - 1].value->quantization = {true, scale, zero_point};
    return *this;
  }
  NodeCase& Missing() {
    REQUIRE(graph_->AddInputTo(node_, nullptr).ok());
    return *this;
  }
  // An input that is only declared: sizes are numbers, or symbols by name ("N", "?").
  NodeCase& Declared(ElementType type, std::initializer_list<const char*> sizes) {
    graph::Value* value = *graph_->AddInput(Name());
    value->declared.type = type;
    value->declared.has_shape = true;
    for (const std::string_view size : sizes) {
      const bool number = size[0] >= '0' && size[0] <= '9';
      const graph::Dim dim = size == "?" ? graph::Dim()
                             : number    ? graph::Dim(std::stoll(std::string(size)))
                                         : graph_->symbols().Symbol(size);
      REQUIRE(value->declared.dims.Append(dim).ok());
    }
    REQUIRE(graph_->AddInputTo(node_, value).ok());
    return *this;
  }
  NodeCase& Int(std::string_view name, int64_t value) {
    REQUIRE(graph_->SetArg(node_, name, value).ok());
    return *this;
  }
  NodeCase& Float(std::string_view name, float value) {
    REQUIRE(graph_->SetArg(node_, name, value).ok());
    return *this;
  }
  NodeCase& Str(std::string_view name, std::string_view value) {
    REQUIRE(graph_->SetArg(node_, name, value).ok());
    return *this;
  }
  NodeCase& Ints(std::string_view name, std::vector<int64_t> values) {
    REQUIRE(graph_->SetArg(node_, name, std::span<const int64_t>(values)).ok());
    return *this;
  }
  NodeCase& Outputs(int count) {
    for (int i = 0; i < count; ++i) {
      REQUIRE(graph_->AddOutputTo(node_, base::Cat("y", i)).ok());
    }
    return *this;
  }

  // "float32[N, 2]" for each output, one space between; or the error's message.
  std::string Shapes() {
    if (node_->outputs.empty()) Outputs(1);
    operators::FactsTable facts;
    const Status status = operators::InferGraph(*graph_, &facts);
    if (!status.ok()) return status.message();
    std::string text;
    for (const graph::Value* output : node_->outputs) {
      if (!text.empty()) text += ' ';
      text += operators::FactsText(facts[output->id], graph_->symbols());
    }
    return text;
  }

  // The content that the shape rule knows of output 0: "2 N ?"; "-" when it is not followed.
  std::string Content() {
    if (node_->outputs.empty()) Outputs(1);
    operators::FactsTable facts;
    const Status status = operators::InferGraph(*graph_, &facts);
    if (!status.ok()) return status.message();
    const operators::ValueFacts& output = facts[node_->outputs[0]->id];
    if (!output.has_content) return "-";
    std::string text;
    for (const graph::Dim& value : output.content) {
      if (!text.empty()) text += ' ';
      text += graph_->symbols().Text(value);
    }
    return text;
  }

  Status Evaluate(const operators::EvaluateLimits& limits = {}) {
    if (node_->outputs.empty()) Outputs(1);
    const operators::Operator* const op = operators::FindOperator(node_->domain, node_->type);
    if (op != nullptr && op->lower == nullptr) return RunAsPair();
    std::vector<const graph::Constant*> inputs;
    for (const graph::Input& input : node_->inputs) {
      inputs.push_back(input.value != nullptr ? &input.value->constant : nullptr);
    }
    return operators::EvaluateNode(*node_, inputs, graph_.get(), &results_, limits);
  }
  const graph::Constant& result(size_t i) const { return results_[i]; }

  // Evaluates and compares output `i`; floats to 1e-6 of their magnitude.
  void Gives(const Tensor& expected, size_t i = 0) {
    INFO(node_->type << " of domain '" << node_->domain << "'");
    if (results_.empty()) {
      const Status status = Evaluate();
      INFO(status.message());
      REQUIRE(status.ok());
    }
    const graph::Constant& got = results_[i];
    CHECK(ElementName(got.type) == std::string(ElementName(expected.type)));
    CHECK(got.dims == expected.dims);
    REQUIRE(got.count == static_cast<int64_t>(expected.values.size()));
    for (int64_t at = 0; at < got.count; ++at) {
      INFO("element " << at);
      CHECK(ValueAt(got, at) ==
            Approx(expected.values[static_cast<size_t>(at)]).epsilon(1e-5).margin(1e-6));
    }
  }

  graph::Graph& graph() { return *graph_; }
  graph::Node* node() { return node_; }

 private:
  // What is only called runs in a session.
  Status RunAsPair() {
    for (graph::Value* output : node_->outputs) {
      DOPPIO_RETURN_IF_ERROR(graph_->AddOutput(output, output->name));
    }
    const auto pair = WriteText(*graph_);
    graph_->ClearOutputs();
    const auto predictor = TryLoad(*pair);
    if (!predictor.ok()) return predictor.status();
    Session session(*predictor, {.threads = 1});
    DOPPIO_RETURN_IF_ERROR(session.Run(std::span<const NamedTensor>()));
    results_.clear();
    for (size_t i = 0; i < session.output_count(); ++i) {
      const TensorView y = session.output(i);
      DOPPIO_ASSIGN_OR_RETURN(const graph::Value* const copy,
                              graph_->AddConstantCopy("result", y.type, y.dims, y.data));
      DOPPIO_RETURN_IF_ERROR(results_.Append(copy->constant));
    }
    return {};
  }

  std::string Name() { return base::Cat("x", node_->inputs.size()); }

  std::unique_ptr<graph::Graph> graph_ = std::make_unique<graph::Graph>();
  graph::Node* node_ = nullptr;
  base::Array<graph::Constant> results_;
};

}  // namespace doppio::tests
