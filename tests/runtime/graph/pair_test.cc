// Graphs as pairs of bytes: there and back, by hand, and cut off anywhere.
#include <string>
#include <vector>

#include "runtime/graph/wire/pair_reader.h"
#include "runtime/graph/wire/pair_writer.h"
#include "tests/catch.h"

namespace doppio::graph::wire {
namespace {

class StringSink final : public Sink {
 public:
  Status Write(const void* data, size_t bytes) override {
    text.append(static_cast<const char*>(data), bytes);
    return {};
  }
  std::string text;
};

std::span<const uint8_t> BytesOf(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// y = Relu(x + w), with an argument of every kind.
void Build(Graph* graph) {
  graph->name = "net";
  Value* x = *graph->AddInput("x");
  x->declared.type = ElementType::kFloat;
  x->declared.has_shape = true;
  REQUIRE(x->declared.dims.Append(graph->symbols().Symbol("N")).ok());
  REQUIRE(x->declared.dims.Append(Dim(3)).ok());
  const float weights[] = {1, 2, 3};
  Value* w = *graph->AddConstantCopy("w", ElementType::kFloat, {3}, weights);
  Node* add = *graph->AddNode("Add");
  REQUIRE(graph->AddInputTo(add, x).ok());
  REQUIRE(graph->AddInputTo(add, w).ok());
  Value* sum = *graph->AddOutputTo(add, "sum");
  const int64_t ints[] = {-1, 0, 1};
  const float floats[] = {0.5f, -0.5f};
  REQUIRE(graph->SetArg(add, "i", int64_t{7}).ok());
  REQUIRE(graph->SetArg(add, "f", 0.25f).ok());
  REQUIRE(graph->SetArg(add, "s", std::string_view("text")).ok());
  REQUIRE(graph->SetArg(add, "ints", std::span<const int64_t>(ints)).ok());
  REQUIRE(graph->SetArg(add, "floats", std::span<const float>(floats)).ok());
  Node* relu = *graph->AddNode("Relu");
  REQUIRE(graph->AddInputTo(relu, sum).ok());
  Value* y = *graph->AddOutputTo(relu, "y");
  REQUIRE(graph->AddOutput(y, "y").ok());
}

struct Pair {
  StringSink init, predict;
};

void Write(const Graph& graph, Pair* pair) {
  const Status status = WritePair(graph, &pair->init, &pair->predict);
  INFO(status.message());
  REQUIRE(status.ok());
}

Status Read(const std::string& init, const std::string& predict, Graph* graph) {
  return ReadPair({BytesOf(init), "init_net.pb"}, {BytesOf(predict), "predict_net.pb"}, graph);
}

TEST_CASE("pair: a graph that is written and read is the same") {
  Graph graph, copy;
  Build(&graph);
  Pair first, second;
  Write(graph, &first);
  const Status status = Read(first.init.text, first.predict.text, &copy);
  INFO(status.message());
  REQUIRE(status.ok());
  REQUIRE(copy.node_count() == 2);
  const Node* add = copy.first();
  CHECK(add->type == "Add");
  REQUIRE(add->input(1) != nullptr);
  REQUIRE(add->input(1)->is_constant);
  CHECK(add->input(1)->constant.as<float>()[2] == 3.0f);
  REQUIRE(add->arg("ints") != nullptr);
  CHECK(add->arg("ints")->ints.size() == 3);
  CHECK(add->arg("s")->s == "text");
  REQUIRE(copy.inputs().size() == 1);
  CHECK(copy.symbols().SymbolName(copy.inputs()[0]->declared.dims[0]) == "N");
  Write(copy, &second);
  CHECK(first.init.text == second.init.text);
  CHECK(first.predict.text == second.predict.text);
}

TEST_CASE("pair: quantised constants keep their scale and zero point") {
  Graph graph, copy;
  const uint8_t bytes[] = {1, 128, 255};
  const int32_t sums[] = {-5};
  Value* const w = *graph.AddConstantCopy("w", ElementType::kUint8, {3}, bytes);
  Value* const b = *graph.AddConstantCopy("b", ElementType::kInt32, {1}, sums);
  w->quantization = {true, 0.5f, 128};
  b->quantization = {true, 0.25f, 0};
  Node* const node = *graph.AddNode("Int8FC");
  for (Value* const value : {w, w, b}) REQUIRE(graph.AddInputTo(node, value).ok());
  REQUIRE(graph.SetArg(node, "Y_scale", 2.0f).ok());
  REQUIRE(graph.AddOutput(*graph.AddOutputTo(node, "y"), "y").ok());
  Pair pair;
  Write(graph, &pair);
  CHECK(pair.init.text.find("Int8GivenIntTensorFill") != std::string::npos);
  const Status status = Read(pair.init.text, pair.predict.text, &copy);
  INFO(status.message());
  REQUIRE(status.ok());
  const Node* const read = copy.first();
  CHECK(read->input(0)->quantization == w->quantization);
  CHECK(read->input(0)->constant.as<uint8_t>()[1] == 128);
  CHECK(read->input(2)->quantization == b->quantization);
  CHECK(read->input(2)->constant.as<int32_t>()[0] == -5);
  CHECK(read->output(0)->quantization == Quantization{true, 2, 0});
}

TEST_CASE("pair: files cut off anywhere are an error or a shorter net, never a crash") {
  Graph graph;
  Build(&graph);
  Pair pair;
  Write(graph, &pair);
  // Between two fields of the net a cut leaves a shorter net; there are fewer than 20 of them.
  int whole = 0;
  for (size_t length = 0; length < pair.predict.text.size(); ++length) {
    Graph cut;
    whole += Read(pair.init.text, pair.predict.text.substr(0, length), &cut).ok() ? 1 : 0;
  }
  CHECK(whole < 20);
  for (size_t length = 0; length < pair.init.text.size(); ++length) {
    Graph cut;
    CHECK_FALSE(Read(pair.init.text.substr(0, length), pair.predict.text, &cut).ok());
  }
}

TEST_CASE("pair: any single byte may be wrong") {
  Graph graph;
  Build(&graph);
  Pair pair;
  Write(graph, &pair);
  for (const int change : {1, 0x80, 0xff}) {
    for (size_t at = 0; at < pair.predict.text.size(); ++at) {
      std::string broken = pair.predict.text;
      broken[at] = static_cast<char>(broken[at] ^ change);
      Graph read;
      (void)Read(pair.init.text, broken, &read).ok();
    }
  }
}

// Bytes of one field: a tag and its content.
std::string Field(int number, const std::string& content) {
  return std::string(1, static_cast<char>(number << 3 | 2)) +
         std::string(1, static_cast<char>(content.size())) + content;
}
std::string Floats(const std::vector<float>& values) {
  std::string bytes;
  for (float value : values) bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
  return bytes;
}

// A fill of [1, 2] named w, its values packed or not, and a net that adds it to its input.
void ReadFill(const std::string& values, Graph* graph) {
  const std::string shape = Field(1, "shape") + std::string("\x30\x02", 2);
  const std::string fill = Field(2, "w") + Field(4, "GivenTensorFill") +
                           Field(5, Field(1, "values") + values) + Field(5, shape);
  const std::string add = Field(1, "x") + Field(1, "w") + Field(2, "y") + Field(4, "Add");
  const std::string ends = Field(7, "x") + Field(7, "w") + Field(8, "y");
  const Status status = Read(Field(2, fill), Field(2, add) + ends, graph);
  INFO(status.message());
  REQUIRE(status.ok());
  const Value* w = graph->first()->input(1);
  REQUIRE(w->is_constant);
  REQUIRE(w->constant.count == 2);
  CHECK(w->constant.as<float>()[0] == 1.0f);
  CHECK(w->constant.as<float>()[1] == 2.0f);
}

TEST_CASE("pair: lists may be packed or not") {
  Graph packed, unpacked;
  ReadFill(Field(5, Floats({1, 2})), &packed);
  const std::string tag(1, '\x2d');
  ReadFill(tag + Floats({1}) + tag + Floats({2}), &unpacked);
}

}  // namespace
}  // namespace doppio::graph::wire
