// Nets in text form, and nets inside operators that share a workspace with the net around them.
#include <string>
#include <vector>

#include "runtime/graph/wire/pair_reader.h"
#include "runtime/graph/wire/text_format.h"
#include "tests/catch.h"

namespace doppio::graph::wire {
namespace {

std::string Binary(std::string_view text) {
  MessageBuilder net;
  const Status status = NetFromText(text, &net);
  INFO(status.message());
  REQUIRE(status.ok());
  return {reinterpret_cast<const char*>(net.bytes().data()), net.size()};
}

std::string TextError(std::string_view text) {
  MessageBuilder net;
  return NetFromText(text, &net).message();
}

Status Read(const std::string& predict, Graph* graph) {
  return ReadPair({{}, "init_net.pb"},
                  {{reinterpret_cast<const uint8_t*>(predict.data()), predict.size()}, "predict"},
                  graph);
}

std::vector<std::string> NamesOf(std::span<Value* const> values) {
  std::vector<std::string> names;
  for (const Value* value : values) names.emplace_back(value->name);
  return names;
}

std::vector<std::string> OutputsOf(const Graph& graph) {
  std::vector<std::string> names;
  for (const GraphOutput& output : graph.outputs()) names.emplace_back(output.name);
  return names;
}

using Strings = std::vector<std::string>;

TEST_CASE("text: fields, lists, strings, comments") {
  Graph graph;
  const Status status = Read(Binary(R"(
    name: "net"  # a comment
    op { input: 'x' output: "y\x21\041" "\n" type: "Clip"
         arg < name: "min" f: -1.5e0 >, arg { name: "max" f: inf };
         arg { name: "list" ints: [1, -2, 3] } arg { name: "flag" i: true } }
    external_input: "x" external_output: "y!!\n")"),
                             &graph);
  INFO(status.message());
  REQUIRE(status.ok());
  const Node* const node = graph.first();
  REQUIRE(node != nullptr);
  CHECK(node->arg("min")->f == -1.5f);
  CHECK(node->arg("max")->f > 1e30f);
  CHECK(node->arg("list")->ints[1] == -2);
  CHECK(node->arg("flag")->i == 1);
  CHECK(OutputsOf(graph) == Strings{"y!!\n"});
}

TEST_CASE("text: what is no net is an error with its line") {
  const std::string line = "a net in text form, line ";
  CHECK(TextError("\n\nnonsense: 1") == line + "3: field 'nonsense' is unknown");
  CHECK(TextError("op {") == line + "1: it ends inside a message");
  CHECK(TextError("name 'x'") == line + "1: ':' is expected");
  CHECK(TextError("name: 'x") == line + "1: a string is not closed");
  CHECK(TextError("name: '\\q'") == line + "1: a string has an unknown escape");
  CHECK(TextError("num_workers: 1.5") == line + "1: '1.5' is no integer");
  CHECK(TextError("op { arg { f: x } }") == line + "1: 'x' is no number");
  CHECK(TextError("name: ['a' 'b'") == line + "1: a list is not closed");
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += "op { arg { n { ";
  CHECK(TextError(deep) == line + "1: messages are nested too deeply");
}

TEST_CASE("workspace: both branches of If hand back what either writes") {
  Graph graph;
  const Status status = Read(Binary(R"(
    op { input: "x" output: "y" type: "Copy" }
    op { input: "c" output: "z" type: "If"
         arg { name: "then_net" n {
           op { input: "x" output: "z" type: "Relu" } op { input: "x" output: "y" type: "Exp" } } }
         arg { name: "else_net" n { op { input: "y" output: "z" type: "Relu" } } } }
    op { input: "y" input: "z" output: "out" type: "Add" }
    external_input: "c" external_input: "x" external_output: "out")"),
                             &graph);
  INFO(status.message());
  REQUIRE(status.ok());
  const Node* const node = graph.first()->next;
  CHECK(NamesOf({node->outputs.data(), node->outputs.size()}) == Strings{"z", "y"});
  const Graph &then_net = *node->arg("then_net")->net, &else_net = *node->arg("else_net")->net;
  CHECK(OutputsOf(then_net) == Strings{"z", "y"});
  CHECK(OutputsOf(else_net) == Strings{"z", "y"});
  CHECK(then_net.outputs()[1].value->producer != nullptr);
  CHECK(else_net.outputs()[1].value->is_input);  // the y of before
  CHECK(node->next->input(0) == node->outputs[1]);
}

TEST_CASE("workspace: While carries its condition and what it writes") {
  Graph graph;
  const Status status = Read(Binary(R"(
    op { input: "x" output: "y" type: "Copy" }
    op { input: "c" output: "y" type: "While"
         arg { name: "loop_net" n {
           op { input: "y" input: "step" output: "t" type: "Add" }
           op { input: "t" output: "y" type: "Relu" }
           op { input: "c" output: "c" type: "Not" } } } }
    external_input: "c" external_input: "x" external_input: "step" external_output: "y")"),
                             &graph);
  INFO(status.message());
  REQUIRE(status.ok());
  const Node* const node = graph.first()->next;
  REQUIRE(node->captures == 1);
  CHECK(node->inputs[2].value->name == "step");
  CHECK(NamesOf({node->outputs.data(), node->outputs.size()}) == Strings{"c", "y"});
  const Graph& loop = *node->arg("loop_net")->net;
  CHECK(loop.bound_inputs == 2);
  CHECK(NamesOf(loop.inputs()) == Strings{"c", "y", "step"});
}

std::string ErrorOf(std::string_view text) {
  Graph graph;
  return Read(Binary(text), &graph).message();
}

TEST_CASE("workspace: blobs that may not be there are refused") {
  CHECK(ErrorOf(R"(op { input: "c" output: "z" type: "If" arg { name: "then_net" n {
          op { input: "c" output: "z" type: "Not" } } } }
        external_input: "c" external_output: "z")") ==
        "predict: If 'z': blob 'z' is not made in both branches, and not before; make it before");
  CHECK(ErrorOf(R"(op { input: "c" output: "z" type: "While" arg { name: "loop_net" n {
          op { input: "c" output: "z" type: "Not" } } } }
        external_input: "c" external_output: "z")") ==
        "predict: While 'z': blob 'z' is made in the loop only; make it before as well");
  CHECK(ErrorOf(R"(op { input: "x" output: "y" type: "RecurrentNetwork" }
        external_input: "x" external_output: "y")") ==
        "predict: RecurrentNetwork 'y': argument 'step_net' is missing");
}

}  // namespace
}  // namespace doppio::graph::wire
