// Which nodes run as one step.
#include "runtime/plan/fusion.h"

#include "runtime/operators/infer_context.h"
#include "runtime/plan/planner.h"
#include "tests/runtime/net.h"

namespace doppio::plan {
namespace {

using graph::Node;
using graph::Value;
using tests::Net;
using tests::RequireOk;

struct Found {
  explicit Found(Net& net) {
    RequireOk(operators::InferGraph(net.graph, &facts));
    RequireOk(NumberNodes(net.graph, &order));
    NodeOrder range;
    range.order = order.span();
    range.end = INT32_MAX;
    RequireOk(FindFusions(net.graph, range, facts.span(), &table));
  }
  const Fusion& operator[](const Value* value) const { return table.by_head[value->producer->id]; }
  bool Absorbed(const Value* value) const { return table.absorbed[value->producer->id]; }

  operators::FactsTable facts;
  base::Array<int32_t> order;
  FusionTable table;
};

Value* Conv(Net* net, Value* x, std::string_view name) {
  return net->Op("Conv", {x, net->Noise("w", {4, 4, 1, 1})}, name);
}

TEST_CASE("fusion: the later of two convolutions takes the addition and the activation") {
  Net net;
  Value* x = net.Input("x", {"1", "4", "5", "5"});
  Value* a = Conv(&net, x, "a");
  Value* b = Conv(&net, x, "b");
  Value* sum = net.Op("Add", {a, b}, "sum");
  Value* y = net.Op("Relu", {sum}, "y");
  net.Output(y);
  const Found found(net);
  CHECK(found[a].output == nullptr);
  CHECK(found[b].output == y);
  CHECK(found[b].residual == a);
  CHECK(found[b].addition == sum->producer);
  CHECK(found[b].activation == y->producer);
  CHECK(found.Absorbed(sum));
  CHECK(found.Absorbed(y));
  CHECK_FALSE(found.Absorbed(b));
}

TEST_CASE("fusion: a value that is an output of the net is not fused away") {
  Net net;
  Value* a = Conv(&net, net.Input("x", {"1", "4", "5", "5"}), "a");
  net.Output(a);
  net.Output(net.Op("Relu", {a}, "y"));
  const Found found(net);
  CHECK(found[a].output == nullptr);
}

TEST_CASE("fusion: a value with two readers is not fused away") {
  Net net;
  Value* a = Conv(&net, net.Input("x", {"1", "4", "5", "5"}), "a");
  net.Output(net.Op("Relu", {a}, "y"));
  net.Output(net.Op("Neg", {a}, "z"));
  const Found found(net);
  CHECK(found[a].output == nullptr);
}

TEST_CASE("fusion: a value added to itself is no residual") {
  Net net;
  Value* a = Conv(&net, net.Input("x", {"1", "4", "5", "5"}), "a");
  net.Output(net.Op("Add", {a, a}, "y"));
  const Found found(net);
  CHECK(found[a].output == nullptr);
}

TEST_CASE("fusion: an operand that is made later, broadcast or constant is no residual") {
  Net net;
  Value* x = net.Input("x", {"1", "4", "5", "5"});
  Value* a = Conv(&net, x, "a");
  Value* later = net.Op("Exp", {x}, "later");
  net.Output(net.Op("Add", {a, later}, "y"));
  Value* b = Conv(&net, x, "b");
  net.Output(net.Op("Add", {b, net.Input("row", {"5"})}, "z"));
  Value* c = Conv(&net, x, "c");
  net.Output(net.Op("Add", {c, net.Noise("constant", {1, 4, 5, 5})}, "q"));
  const Found found(net);
  CHECK(found[a].output == nullptr);
  CHECK(found[b].output == nullptr);
  CHECK(found[c].output == nullptr);
}

TEST_CASE("fusion: nothing is fused towards a result that nobody reads") {
  Net net;
  Value* x = net.Input("x", {"1", "4", "5", "5"});
  Value* a = Conv(&net, x, "a");
  net.Op("Relu", {a}, "unread");
  net.Output(x);
  const Found found(net);
  CHECK(found[a].output == nullptr);
}

}  // namespace
}  // namespace doppio::plan
