#include "runtime/graph/dim.h"

#include "tests/catch.h"

namespace doppio::graph {
namespace {

TEST_CASE("dims: equal expressions get equal handles, whatever the way to them") {
  SymbolTable symbols;
  const Dim n = symbols.Symbol("N"), h = symbols.Symbol("H");
  CHECK(symbols.Symbol("N") == n);
  CHECK_FALSE(n == h);
  const Dim a = symbols.Mul(symbols.Add(n, Dim(1)), h);
  const Dim b = symbols.Add(symbols.Mul(h, n), h);
  CHECK(a == b);
  CHECK(symbols.Sub(a, b).Is(0));
  CHECK(symbols.Sub(symbols.Add(n, Dim(3)), n).Is(3));
}

TEST_CASE("dims: exact quotients cancel, others stay") {
  SymbolTable symbols;
  const Dim n = symbols.Symbol("N"), h = symbols.Symbol("H");
  const Dim product = symbols.Mul(symbols.Mul(n, h), Dim(6));
  CHECK(symbols.FloorDiv(product, symbols.Mul(n, Dim(3))) == symbols.Mul(h, Dim(2)));
  CHECK(symbols.Text(symbols.FloorDiv(h, Dim(2))) == "floor((H)/(2))");
  CHECK(symbols.FloorDiv(h, Dim(2)) == symbols.FloorDiv(h, Dim(2)));
  CHECK(symbols.CeilDiv(Dim(7), Dim(2)).Is(4));
  CHECK(symbols.FloorDiv(h, Dim(0)).unknown());
}

TEST_CASE("dims: what is unknown or does not fit stays unknown") {
  SymbolTable symbols;
  CHECK_FALSE(Dim() == Dim());
  CHECK(symbols.Add(Dim(), Dim(1)).unknown());
  CHECK(symbols.Mul(Dim(), Dim(0)).Is(0));
  CHECK(symbols.Mul(Dim(INT64_MAX), Dim(2)).unknown());
  Dim power = symbols.Symbol("N");
  for (int i = 0; i < 7; ++i) power = symbols.Mul(power, symbols.Symbol("N"));
  CHECK(power.unknown());
}

TEST_CASE("dims: text and names") {
  SymbolTable symbols;
  const Dim n = symbols.Symbol("N");
  CHECK(symbols.SymbolName(n) == "N");
  CHECK(symbols.SymbolName(symbols.Add(n, Dim(1))).empty());
  CHECK(symbols.Text(symbols.Add(symbols.Mul(n, Dim(2)), Dim(1))) == "2*N + 1");
  CHECK(symbols.Max(Dim(2), Dim(3)).Is(3));
  CHECK(symbols.Max(n, n) == n);
  CHECK(symbols.Min(n, Dim(4)) == symbols.Min(Dim(4), n));
}

}  // namespace
}  // namespace doppio::graph
