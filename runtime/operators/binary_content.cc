#include "runtime/operators/binary_content.h"

#include "base/checked.h"
#include "runtime/operators/content.h"

namespace doppio::operators {
namespace {

using kernels::BinaryOp;

// Rounded toward zero. Of symbols, sizes are meant: they are not negative, so rounding down is the
// same.
Dim Divide(SymbolTable* symbols, Dim a, Dim b) {
  if (b.Is(0) || a.unknown() || b.unknown()) return Dim();
  if (a.known() && b.known()) return b.Is(-1) ? symbols->Mul(a, b) : Dim(a.value() / b.value());
  return b.known() && b.value() < 0 ? Dim() : symbols->FloorDiv(a, b);
}

Dim Remainder(BinaryOp op, Dim a, Dim b) {
  if (!a.known() || !b.known() || b.Is(0)) return Dim();
  if (b.Is(-1)) return Dim(0);
  const int64_t rest = a.value() % b.value();
  const bool follow_divisor = op == BinaryOp::kMod && rest != 0 && (rest < 0) != (b.value() < 0);
  return Dim(follow_divisor ? rest + b.value() : rest);
}

Dim Power(Dim a, Dim b) {
  if (!a.known() || !b.known() || b.value() < 0 || b.value() > 64) return Dim();
  int64_t power = 1;
  for (int64_t i = 0; i < b.value(); ++i) {
    if (!base::CheckedMul(power, a.value(), &power)) return Dim();
  }
  return Dim(power);
}

// -1, 0 or 1 as a is less than, equal to or greater than b; false when nobody knows.
bool Order(const SymbolTable& symbols, Dim a, Dim b, int* order) {
  if (a == b) {
    *order = 0;
    return true;
  }
  if (a.known() && b.known()) {
    *order = a.value() < b.value() ? -1 : 1;
    return true;
  }
  // A bare symbol is a size: greater than anything negative.
  const bool a_size = !symbols.SymbolName(a).empty(), b_size = !symbols.SymbolName(b).empty();
  *order = a_size ? 1 : -1;
  return (a_size && b.known() && b.value() < 0) || (b_size && a.known() && a.value() < 0);
}

Dim Compare(const SymbolTable& symbols, BinaryOp op, Dim a, Dim b) {
  int order = 0;
  if (!Order(symbols, a, b, &order)) return Dim();
  switch (op) {
    case BinaryOp::kEqual:
      return Dim(order == 0 ? 1 : 0);
    case BinaryOp::kNotEqual:
      return Dim(order != 0 ? 1 : 0);
    case BinaryOp::kLess:
      return Dim(order < 0 ? 1 : 0);
    case BinaryOp::kLessEqual:
      return Dim(order <= 0 ? 1 : 0);
    case BinaryOp::kGreater:
      return Dim(order > 0 ? 1 : 0);
    default:
      return Dim(order >= 0 ? 1 : 0);
  }
}

Dim Logic(BinaryOp op, Dim a, Dim b) {
  if (op == BinaryOp::kAnd && (a.Is(0) || b.Is(0))) return Dim(0);
  if (op == BinaryOp::kOr && (a.Is(1) || b.Is(1))) return Dim(1);
  if (!a.known() || !b.known()) return Dim();
  const bool x = a.value() != 0, y = b.value() != 0;
  const bool result = op == BinaryOp::kAnd ? x && y : op == BinaryOp::kOr ? x || y : x != y;
  return Dim(result ? 1 : 0);
}

Dim Combine(SymbolTable* symbols, BinaryOp op, Dim a, Dim b) {
  switch (op) {
    case BinaryOp::kAdd:
      return symbols->Add(a, b);
    case BinaryOp::kSub:
      return symbols->Sub(a, b);
    case BinaryOp::kMul:
      return symbols->Mul(a, b);
    case BinaryOp::kDiv:
      return Divide(symbols, a, b);
    case BinaryOp::kMax:
      return symbols->Max(a, b);
    case BinaryOp::kMin:
      return symbols->Min(a, b);
    case BinaryOp::kMod:
    case BinaryOp::kFmod:
      return Remainder(op, a, b);
    case BinaryOp::kPow:
      return Power(a, b);
    case BinaryOp::kEqual:
    case BinaryOp::kNotEqual:
    case BinaryOp::kLess:
    case BinaryOp::kLessEqual:
    case BinaryOp::kGreater:
    case BinaryOp::kGreaterEqual:
      return Compare(*symbols, op, a, b);
    case BinaryOp::kAnd:
    case BinaryOp::kOr:
    case BinaryOp::kXor:
      return Logic(op, a, b);
    default:
      return Dim();
  }
}

}  // namespace

Status BinaryContent(const InferContext& c, BinaryOp op) {
  const ValueFacts& a = c.input(0);
  const ValueFacts& b = c.input(1);
  if (!a.has_content || !b.has_content) return {};
  base::Array<Dim>* content = nullptr;
  DOPPIO_RETURN_IF_ERROR(StartContent(c, 0, &content));
  if (content == nullptr) return {};
  const ValueFacts& y = c.output(0);
  const Dims dims = y.shape.Numbers();
  PositionWalk at(dims);
  at.Add(RepeatStrides(a.shape.Numbers(), dims));
  at.Add(RepeatStrides(b.shape.Numbers(), dims));
  for (Dim& value : *content) {
    value = HeldBy(y.type, Combine(&c.symbols(), op, a.content[at[0]], b.content[at[1]]));
    at.Next();
  }
  return {};
}

}  // namespace doppio::operators
