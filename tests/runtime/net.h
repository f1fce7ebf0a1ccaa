// Net: small graphs by hand, written as a pair to memory, loaded and run, for tests of everything
// above the operators.
#pragma once

#include <doppio/predictor.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "runtime/graph/graph.h"
#include "runtime/graph/wire/pair_writer.h"
#include "tests/catch.h"

namespace doppio::tests {

// Checks a Status, and shows its message when it is not OK.
inline void RequireOk(const Status& status) {
  INFO(status.message());
  REQUIRE(status.ok());
}

// An argument of a node.
struct Arg {
  std::string_view name;
  std::variant<int64_t, float, std::string_view, std::vector<int64_t>, std::vector<float>> value;
};

class Net {
 public:
  // Sizes are numbers, or symbols by name; "?" is an unknown size.
  graph::Value* Input(std::string_view name, std::initializer_list<const char*> sizes,
                      ElementType type = ElementType::kFloat) {
    graph::Value* value = *graph.AddInput(name);
    value->declared.type = type;
    value->declared.has_shape = true;
    for (const std::string_view size : sizes) {
      const bool number = size[0] >= '0' && size[0] <= '9';
      const graph::Dim dim = size == "?" ? graph::Dim()
                             : number    ? graph::Dim(std::stoll(std::string(size)))
                                         : graph.symbols().Symbol(size);
      RequireOk(value->declared.dims.Append(dim));
    }
    return value;
  }

  graph::Value* Floats(std::string_view name, const Dims& dims, const std::vector<float>& values) {
    REQUIRE(ElementCount(dims) == static_cast<int64_t>(values.size()));
    return *graph.AddConstantCopy(name, ElementType::kFloat, dims, values.data());
  }
  // A float constant of fixed pseudo-random values in [-1, 1).
  graph::Value* Noise(std::string_view name, const Dims& dims, uint32_t seed = 1) {
    return Floats(name, dims, MakeNoise(ElementCount(dims), seed));
  }
  graph::Value* Ints(std::string_view name, const std::vector<int64_t>& values) {
    const Dims dims{static_cast<int64_t>(values.size())};
    return *graph.AddConstantCopy(name, ElementType::kInt64, dims, values.data());
  }

  graph::Node* Node(std::string_view domain, std::string_view type,
                    std::initializer_list<graph::Value*> inputs,
                    std::initializer_list<std::string_view> outputs,
                    std::initializer_list<Arg> args = {}) {
    graph::Node* node = *graph.AddNode(type, domain);
    for (graph::Value* input : inputs) RequireOk(graph.AddInputTo(node, input));
    for (std::string_view output : outputs) REQUIRE(graph.AddOutputTo(node, output).ok());
    for (const Arg& arg : args) Set(node, arg);
    return node;
  }
  // A node of ONNX's dialect with one output.
  graph::Value* Op(std::string_view type, std::initializer_list<graph::Value*> inputs,
                   std::string_view output, std::initializer_list<Arg> args = {}) {
    return Node("ai.onnx", type, inputs, {output}, args)->outputs[0];
  }
  // A node of Caffe2's dialect with one output.
  graph::Value* Caffe2(std::string_view type, std::initializer_list<graph::Value*> inputs,
                       std::string_view output, std::initializer_list<Arg> args = {}) {
    return Node("", type, inputs, {output}, args)->outputs[0];
  }
  void Set(graph::Node* node, const Arg& arg) {
    if (const auto* i = std::get_if<int64_t>(&arg.value)) {
      RequireOk(graph.SetArg(node, arg.name, *i));
    } else if (const auto* f = std::get_if<float>(&arg.value)) {
      RequireOk(graph.SetArg(node, arg.name, *f));
    } else if (const auto* s = std::get_if<std::string_view>(&arg.value)) {
      RequireOk(graph.SetArg(node, arg.name, *s));
    } else if (const auto* ints = std::get_if<std::vector<int64_t>>(&arg.value)) {
      RequireOk(graph.SetArg(node, arg.name, std::span<const int64_t>(*ints)));
    } else {
      const auto& floats = std::get<std::vector<float>>(arg.value);
      RequireOk(graph.SetArg(node, arg.name, std::span<const float>(floats)));
    }
  }
  void Output(graph::Value* value) { RequireOk(graph.AddOutput(value, value->name)); }

  static std::vector<float> MakeNoise(int64_t count, uint32_t seed) {
    std::vector<float> values(static_cast<size_t>(count));
    uint32_t state = seed * 2654435761u + 12345u;
    for (float& value : values) {
      state = state * 1664525u + 1013904223u;
      value = static_cast<float>(state >> 8) / static_cast<float>(1 << 23) - 1.0f;
    }
    return values;
  }

  graph::Graph graph;
};

class StringSink final : public graph::wire::Sink {
 public:
  Status Write(const void* data, size_t bytes) override {
    text.append(static_cast<const char*>(data), bytes);
    return {};
  }
  std::string text;
};

// The two files of a pair in memory.
struct PairText {
  StringSink init, predict;
};

inline std::span<const uint8_t> BytesOfText(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

inline std::shared_ptr<PairText> WriteText(const graph::Graph& graph) {
  auto pair = std::make_shared<PairText>();
  RequireOk(graph::wire::WritePair(graph, &pair->init, &pair->predict));
  return pair;
}

inline StatusOr<std::shared_ptr<const Predictor>> TryLoad(const PairText& pair,
                                                          const PredictorOptions& options = {}) {
  return Predictor::LoadBytes(BytesOfText(pair.init.text), BytesOfText(pair.predict.text), options);
}

// A Predictor and the bytes that it borrows.
struct LoadedNet {
  std::shared_ptr<PairText> pair;
  std::shared_ptr<const Predictor> predictor;
};

inline LoadedNet LoadNet(const graph::Graph& graph, const PredictorOptions& options = {}) {
  LoadedNet loaded{WriteText(graph), nullptr};
  auto predictor = TryLoad(*loaded.pair, options);
  RequireOk(predictor.status());
  loaded.predictor = *predictor;
  return loaded;
}

// An output that outlives its Session.
struct Outcome {
  ElementType type = ElementType::kUndefined;
  Dims dims;
  std::string bytes;

  template <class T>
  std::vector<T> As() const {
    std::vector<T> values(bytes.size() / sizeof(T));
    if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

inline std::vector<Outcome> OutcomesOf(const Session& session) {
  std::vector<Outcome> outcomes;
  for (size_t i = 0; i < session.output_count(); ++i) {
    const TensorView view = session.output(i);
    const int64_t bytes = StorageBytes(view.type, ElementCount(view.dims));
    REQUIRE(bytes >= 0);
    outcomes.push_back({view.type, view.dims,
                        bytes == 0 ? std::string()
                                   : std::string(static_cast<const char*>(view.data),
                                                 static_cast<size_t>(bytes))});
  }
  return outcomes;
}

inline std::vector<Outcome> RunOnce(const std::shared_ptr<const Predictor>& predictor,
                                    const std::vector<NamedTensor>& inputs, int threads = 1) {
  Session session(predictor, {.threads = threads});
  RequireOk(session.Run(std::span<const NamedTensor>(inputs)));
  return OutcomesOf(session);
}

inline std::vector<Outcome> RunNet(const graph::Graph& graph,
                                   const std::vector<NamedTensor>& inputs,
                                   const PredictorOptions& options = {}) {
  return RunOnce(LoadNet(graph, options).predictor, inputs);
}

// Floats to `tolerance` of the largest magnitude (at least 1); everything else exactly.
inline void RequireClose(const std::vector<Outcome>& got, const std::vector<Outcome>& expected,
                         double tolerance) {
  REQUIRE(got.size() == expected.size());
  for (size_t i = 0; i < got.size(); ++i) {
    INFO("output " << i);
    REQUIRE(got[i].type == expected[i].type);
    REQUIRE(got[i].dims == expected[i].dims);
    if (got[i].type != ElementType::kFloat) {
      REQUIRE(got[i].bytes == expected[i].bytes);
      continue;
    }
    const std::vector<float> a = got[i].As<float>(), b = expected[i].As<float>();
    double most = 1, worst = 0;
    for (size_t at = 0; at < a.size(); ++at) {
      most = std::max(most, std::fabs(static_cast<double>(b[at])));
      const double error = std::fabs(static_cast<double>(a[at]) - static_cast<double>(b[at]));
      worst = error <= worst ? worst : error;  // a NaN is the worst
    }
    REQUIRE(worst <= tolerance * most);
  }
}

}  // namespace doppio::tests
