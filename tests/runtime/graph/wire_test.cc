// Pairs as other programs write them, byte by byte: what is kept, what is restored, what is
// refused and in which words.
#include <string>

#include "runtime/graph/wire/pair_reader.h"
#include "tests/runtime/net.h"

namespace doppio::graph::wire {
namespace {

using tests::BytesOfText;
using tests::Net;
using tests::PairText;
using tests::RequireOk;
using tests::WriteText;

std::string Varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}
std::string Text(uint32_t number, const std::string& content) {
  return Varint(number << 3 | 2) + Varint(content.size()) + content;
}
std::string Int(uint32_t number, int64_t value) {
  return Varint(number << 3) + Varint(static_cast<uint64_t>(value));
}
std::string Floats(uint32_t number, const std::vector<float>& values) {
  return Text(number, std::string(reinterpret_cast<const char*>(values.data()),
                                  values.size() * sizeof(float)));
}

std::string Ints(const std::string& name, const std::vector<int64_t>& values) {
  std::string arg = Text(1, name);
  for (int64_t value : values) arg += Int(6, value);
  return Text(5, arg);
}
std::string Fill(const std::string& name, const std::vector<int64_t>& shape,
                 const std::vector<float>& values) {
  return Text(2, Text(2, name) + Text(4, "GivenTensorFill") + Ints("shape", shape) +
                     Text(5, Text(1, "values") + Floats(5, values)));
}
std::string Op(const std::string& type, const std::vector<std::string>& inputs,
               const std::string& output, const std::string& more = "") {
  std::string op;
  for (const std::string& input : inputs) op += Text(1, input);
  return Text(2, op + Text(2, output) + Text(4, type) + more);
}
std::string Ends(const std::vector<std::string>& inputs, const std::string& output) {
  std::string ends;
  for (const std::string& input : inputs) ends += Text(7, input);
  return ends + Text(8, output);
}

Status Read(const std::string& init, const std::string& predict, Graph* graph) {
  return ReadPair({BytesOfText(init), "init_net.pb"}, {BytesOfText(predict), "predict_net.pb"},
                  graph);
}
std::string ErrorOf(const std::string& init, const std::string& predict) {
  Graph graph;
  const Status status = Read(init, predict, &graph);
  CHECK(status.code() == StatusCode::kCorruptModel);
  return status.message();
}
bool Holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}
std::vector<std::string> InputNames(const std::string& init, const std::string& predict) {
  Graph graph;
  RequireOk(Read(init, predict, &graph));
  std::vector<std::string> names;
  for (const Value* input : graph.inputs()) names.emplace_back(input->name);
  return names;
}

TEST_CASE("wire: unknown fields of nets, operators and arguments are kept") {
  const std::string net_field = Text(100, "unknown of a net");
  const std::string init_field = Text(101, "unknown of an init net");
  const std::string op_field = Text(102, "unknown of an operator");
  const std::string arg_field = Text(103, "unknown of an argument");
  const std::string arg = Text(5, Text(1, "alpha") + Int(3, 1) + arg_field);
  Graph graph;
  RequireOk(Read(Fill("w", {2}, {1, 2}) + init_field,
                 Op("Add", {"x", "w"}, "y", arg + op_field) + Ends({"x", "w"}, "y") + net_field,
                 &graph));
  const auto pair = WriteText(graph);
  CHECK(Holds(pair->predict.text, net_field));
  CHECK(Holds(pair->predict.text, op_field));
  CHECK(Holds(pair->predict.text, arg_field));
  CHECK(Holds(pair->init.text, init_field));
  CHECK_FALSE(Holds(pair->predict.text, init_field));
}

TEST_CASE("wire: files in the wrong order are called swapped") {
  Net net;
  net.Output(net.Op("Add", {net.Input("x", {"2"}), net.Noise("w", {2})}, "y"));
  const auto pair = WriteText(net.graph);
  CHECK(ErrorOf(pair->predict.text, pair->init.text) ==
        "init_net.pb holds a predict net and predict_net.pb an init net: the two files are "
        "swapped");
}

TEST_CASE("wire: files of two pairs are refused") {
  Net first, second;
  first.Output(first.Op("Add", {first.Input("x", {"2"}), first.Noise("w", {2}, 1)}, "y"));
  second.Output(second.Op("Add", {second.Input("x", {"2"}), second.Noise("w", {2}, 2)}, "y"));
  const auto a = WriteText(first.graph), b = WriteText(second.graph);
  const std::string wanted =
      "init_net.pb and predict_net.pb: these two files do not belong to one pair; convert the "
      "model again, or find the file that was written with the other";
  CHECK(ErrorOf(a->init.text, b->predict.text) == wanted);
  CHECK(ErrorOf(b->init.text, a->predict.text) == wanted);
  CHECK(ErrorOf(Fill("w", {2}, {1, 2}), a->predict.text) == wanted);
}

TEST_CASE("wire: a newer format is refused, a newer minor format is not") {
  const auto with_format = [](int64_t major, int64_t minor) {
    return Op("Relu", {"x"}, "y") + Ends({"x"}, "y") +
           Text(6, Text(1, "doppio.format") + Int(6, major) + Int(6, minor));
  };
  Graph newer, same;
  const Status status = Read("", with_format(2, 0), &newer);
  CHECK(status.code() == StatusCode::kUnsupported);
  CHECK(std::string(status.message()) ==
        "predict_net.pb: pair format 2 is newer than this doppio reads (1); use a newer doppio");
  RequireOk(Read("", with_format(1, 99), &same));
}

TEST_CASE("wire: a blob that nobody makes is named") {
  CHECK(ErrorOf("", Op("Relu", {"z"}, "y") + Ends({"x"}, "y")) ==
        "predict_net.pb: Relu 'y': input 'z' is made by no operator before it and is no external "
        "input");
  CHECK(ErrorOf("", Op("Relu", {"x"}, "y") + Ends({"x"}, "q")) ==
        "predict_net.pb: blob 'q' is declared as an output but never made");
}

TEST_CASE("wire: damaged fills are named with what they hold") {
  const std::string predict = Op("Add", {"x", "w"}, "y") + Ends({"x", "w"}, "y");
  CHECK(ErrorOf(Fill("w", {3}, {1, 2}), predict) ==
        "init_net.pb: GivenTensorFill 'w': it holds 2 values, its shape [3] wants 3");
  CHECK(Holds(ErrorOf(Fill("w", {-3}, {1, 2}), predict), "its shape [-3] is impossible"));
  const std::string scalar =
      Text(2, Text(2, "w") + Text(4, "GivenTensorFill") + Text(5, Text(1, "shape") + Int(3, 2)) +
                  Text(5, Text(1, "values") + Floats(5, {1, 2})));
  CHECK(ErrorOf(scalar, predict) ==
        "init_net.pb: GivenTensorFill 'w': its argument 'shape' is a scalar; a list is expected");
}

TEST_CASE("wire: an argument twice is fine when it says the same") {
  const std::string one = Text(5, Text(1, "axis") + Int(3, 1));
  const std::string two = Text(5, Text(1, "axis") + Int(3, 2));
  Graph graph;
  RequireOk(Read("", Op("Softmax", {"x"}, "y", one + one) + Ends({"x"}, "y"), &graph));
  CHECK(graph.first()->args.size() == 1);
  CHECK(ErrorOf("", Op("Softmax", {"x"}, "y", one + two) + Ends({"x"}, "y")) ==
        "predict_net.pb: Softmax 'y': argument 'axis' stands there twice with different values");
}

TEST_CASE("wire: which external inputs are data inputs") {
  const std::string add = Op("Add", {"x", "w"}, "y");
  const std::string w = Fill("w", {2}, {1, 2});
  using Names = std::vector<std::string>;
  // Listed twice, in any order among the weights.
  CHECK(InputNames(w, add + Ends({"x", "w", "x"}, "y")) == Names{"x"});
  CHECK(InputNames(w, add + Ends({"w", "x"}, "y")) == Names{"x"});
  // One zero of shape [1, 1] at the front stands for the data; elsewhere it is a weight.
  CHECK(InputNames(Fill("x", {1, 1}, {0}) + w, add + Ends({"x", "w"}, "y")) == Names{"x"});
  CHECK(InputNames(w + Fill("x", {1, 1}, {0}) + Fill("q", {2}, {1, 1}),
                   Op("Add", {"q", "w"}, "a") + Op("Add", {"a", "x"}, "y") +
                       Ends({"q", "w", "x"}, "y")) == Names{"q"});
  // A frozen data input: all are filled, so the first is the input.
  CHECK(InputNames(Fill("x", {2}, {5, 6}) + w, add + Ends({"x", "w"}, "y")) == Names{"x"});
  // Nothing declared: whatever is read and not made.
  CHECK(InputNames(w, add + Text(8, "y")) == Names{"x"});
}

TEST_CASE("wire: operators in place keep their names through a round trip") {
  const std::string predict = Op("Exp", {"x"}, "conv1") + Op("Relu", {"conv1"}, "conv1") +
                              Op("Negative", {"conv1"}, "conv1") + Ends({"x"}, "conv1");
  Graph graph, again;
  RequireOk(Read("", predict, &graph));
  const auto pair = WriteText(graph);
  RequireOk(Read(pair->init.text, pair->predict.text, &again));
  REQUIRE(again.node_count() == 3);
  for (const Node* node = again.first(); node != nullptr; node = node->next) {
    CHECK(node->outputs[0]->name == "conv1");
  }
  const auto second = WriteText(again);
  CHECK(second->predict.text == pair->predict.text);
  CHECK(second->init.text == pair->init.text);
}

TEST_CASE("wire: versions of one blob that live together get names of their own") {
  // Both versions of a are read by the last operator once the reader has told them apart.
  Net net;
  Value* x = net.Input("x", {"2"});
  Value* first = net.Op("Neg", {x}, "a");
  Value* second = net.Op("Exp", {first}, "a");
  net.Output(net.Op("Sub", {first, second}, "y"));
  const float data[] = {0, 1};
  const auto outcomes = tests::RunNet(net.graph, {{"x", View(data, {2})}});
  CHECK(outcomes[0].As<float>()[0] == Approx(-1));
  CHECK(outcomes[0].As<float>()[1] == Approx(-1 - std::exp(-1.0f)));
}

TEST_CASE("wire: a weight keeps its name to itself, so that a second run finds it whole") {
  Net net;
  Value* w = net.Floats("w", {2}, {1, 2});
  Value* sum = net.Op("Add", {net.Input("x", {"2"}), w}, "sum");
  net.Output(net.Op("Exp", {net.Op("Neg", {sum}, "w")}, "y"));
  net.Output(net.Op("Abs", {sum}, "sum"));
  const auto pair = WriteText(net.graph);
  Graph graph;
  RequireOk(Read(pair->init.text, pair->predict.text, &graph));
  CHECK(graph.first()->input(1)->name == "w");
  CHECK(graph.first()->next->outputs[0]->name == "w_2");
}

TEST_CASE("wire: long runs of floats start at multiples of 64 bytes and are used in place") {
  for (int length = 1; length <= 140; ++length) {
    Net net;
    const std::string name(static_cast<size_t>(length), 'w');
    Value* small = net.Noise("small", {static_cast<int64_t>(length)}, 3);
    Value* w = net.Noise(name, {2000}, 7);
    net.Output(net.Op("Add", {net.Input("x", {"1"}), w}, "y"));
    net.Output(net.Op("Neg", {small}, "z"));
    const auto pair = WriteText(net.graph);
    const std::string run(static_cast<const char*>(w->constant.data), 8000);
    const size_t at = pair->init.text.find(run);
    REQUIRE(at != std::string::npos);
    INFO("name of " << length << " characters");
    REQUIRE(at % 64 == 0);
    Graph graph;
    RequireOk(Read(pair->init.text, pair->predict.text, &graph));
    const Value* read = graph.first()->input(1);
    REQUIRE(read->constant.count == 2000);
    const auto* begin = static_cast<const void*>(pair->init.text.data() + at);
    if (reinterpret_cast<uintptr_t>(begin) % alignof(float) == 0) {
      REQUIRE(read->constant.data == begin);
    }
  }
}

TEST_CASE("wire: the same graph makes the same bytes") {
  const auto build = [] {
    Net net;
    Value* x = net.Input("x", {"N", "4"});
    net.Output(net.Op("MatMul", {net.Op("Relu", {x}, "a"), net.Noise("w", {4, 300})}, "y"));
    return WriteText(net.graph);
  };
  const auto a = build(), b = build();
  CHECK(a->init.text == b->init.text);
  CHECK(a->predict.text == b->predict.text);
}

TEST_CASE("wire: constants of every type survive, bit for bit") {
  const std::string bytes = "abcdefghijklmnopqrstuvwxyzabcdef";
  for (int number = 1; number < kElementTypeCount; ++number) {
    const auto type = static_cast<ElementType>(number);
    if (type == ElementType::kString || type == ElementType::kBool) continue;
    const Dims dims{2};
    Graph graph, read;
    Value* w = *graph.AddConstantCopy("w", type, dims, bytes.data());
    RequireOk(graph.AddOutput(w, "w"));
    INFO(ElementName(type));
    const auto pair = WriteText(graph);
    RequireOk(Read(pair->init.text, pair->predict.text, &read));
    const Value* value = read.outputs()[0].value;
    REQUIRE(value->is_constant);
    CHECK(ElementName(value->constant.type) == std::string(ElementName(type)));
    CHECK(value->constant.dims == dims);
    const auto size = static_cast<size_t>(StorageBytes(type, 2));
    CHECK(std::memcmp(value->constant.data, bytes.data(), size) == 0);
  }
}

TEST_CASE("wire: strings and booleans survive") {
  const std::string_view words[] = {"", "one", std::string_view("\0\xff", 2)};
  const bool flags[] = {true, false, true};
  Graph graph, read;
  Value* s = *graph.AddConstantCopy("s", ElementType::kString, {3}, words);
  Value* b = *graph.AddConstantCopy("b", ElementType::kBool, {3}, flags);
  RequireOk(graph.AddOutput(s, "s"));
  RequireOk(graph.AddOutput(b, "b"));
  const auto pair = WriteText(graph);
  RequireOk(Read(pair->init.text, pair->predict.text, &read));
  for (size_t i = 0; i < 3; ++i) {
    CHECK(read.outputs()[0].value->constant.as<std::string_view>()[i] == words[i]);
    CHECK(read.outputs()[1].value->constant.as<bool>()[i] == flags[i]);
  }
}

TEST_CASE("wire: a net inside an argument keeps what it captures") {
  // body(i) = i + a, where a belongs to the net around it; the second version of a is meant.
  const std::string body = Op("Add", {"i", "a"}, "o") + Ends({"i"}, "o");
  const std::string loop =
      Op("Custom", {"x"}, "y", Text(5, Text(1, "body") + Text(8, body)) + Text(11, "test"));
  const std::string predict =
      Op("Relu", {"x"}, "a") + Op("Exp", {"a"}, "a") + loop + Ends({"x"}, "y");
  Graph graph, again;
  RequireOk(Read("", predict, &graph));
  const auto pair = WriteText(graph);
  RequireOk(Read(pair->init.text, pair->predict.text, &again));
  const Node* node = again.last();
  CHECK(node->type == "Custom");
  REQUIRE(node->captures == 1);
  REQUIRE(node->inputs.size() == 2);
  CHECK(node->input(1)->producer->type == "Exp");
  REQUIRE(node->arg("body") != nullptr);
  REQUIRE(node->arg("body")->net != nullptr);
  const Graph& inner = *node->arg("body")->net;
  CHECK(inner.bound_inputs == 1);
  REQUIRE(inner.inputs().size() == 2);
  CHECK(inner.inputs()[0]->name == "i");
  CHECK(inner.node_count() == 1);
  const auto second = WriteText(again);
  CHECK(second->predict.text == pair->predict.text);
}

}  // namespace
}  // namespace doppio::graph::wire
