#include "runtime/graph/dim.h"

#include <cstring>

#include "base/checked.h"
#include "base/message.h"
#include "base/name_map.h"

namespace doppio::graph {

using base::CheckedAdd;
using base::CheckedMul;

int SymbolTable::CompareFactors(const Term& a, const Term& b) {
  if (a.factors != b.factors)
    return a.factors > b.factors ? -1 : 1;  // the constant term comes last
  for (int i = 0; i < a.factors; ++i) {
    if (a.atom[i] != b.atom[i]) return a.atom[i] < b.atom[i] ? -1 : 1;
  }
  return 0;
}

void SymbolTable::AddTerm(Expression* sum, const Term& term) {
  int at = 0;
  while (at < sum->terms && CompareFactors(sum->term[at], term) < 0) ++at;
  if (at < sum->terms && CompareFactors(sum->term[at], term) == 0) {
    Term& same = sum->term[at];
    if (!CheckedAdd(same.coefficient, term.coefficient, &same.coefficient)) sum->fits = false;
    if (same.coefficient != 0) return;
    for (int i = at; i + 1 < sum->terms; ++i) sum->term[i] = sum->term[i + 1];
    --sum->terms;
    return;
  }
  if (term.coefficient == 0) return;
  if (sum->terms == kMaxTerms) {
    sum->fits = false;
    return;
  }
  for (int i = sum->terms; i > at; --i) sum->term[i] = sum->term[i - 1];
  sum->term[at] = term;
  ++sum->terms;
}

bool SymbolTable::Same(const Expression& a, const Expression& b) {
  if (a.terms != b.terms) return false;
  for (int i = 0; i < a.terms; ++i) {
    if (a.term[i].coefficient != b.term[i].coefficient) return false;
    if (CompareFactors(a.term[i], b.term[i]) != 0) return false;
  }
  return true;
}

uint64_t SymbolTable::HashOf(const Expression& expression) {
  uint64_t hash = base::kHashBegin;
  for (int i = 0; i < expression.terms; ++i) {
    const Term& term = expression.term[i];
    hash = base::HashNumber(hash, static_cast<uint64_t>(term.coefficient));
    hash = base::HashNumber(hash, static_cast<uint64_t>(term.factors));
    for (int f = 0; f < term.factors; ++f) {
      hash = base::HashNumber(hash, static_cast<uint64_t>(term.atom[f]));
    }
  }
  return hash;
}

SymbolTable::Expression SymbolTable::Load(Dim dim) const {
  if (dim.symbolic()) return expressions_[static_cast<size_t>(dim.value_)];
  Expression constant;
  Term term;
  term.coefficient = dim.value_;
  AddTerm(&constant, term);
  return constant;
}

Dim SymbolTable::Store(const Expression& expression) {
  if (!expression.fits) return Dim();
  if (expression.terms == 0) return Dim(0);
  if (expression.terms == 1 && expression.term[0].factors == 0) {
    return Dim(expression.term[0].coefficient);
  }
  Dim dim;
  dim.kind_ = Dim::Kind::kExpression;
  const uint64_t hash = HashOf(expression);
  dim.value_ =
      expression_index_.Find(hash, [&](size_t i) { return Same(expressions_[i], expression); });
  if (dim.value_ >= 0) return dim;
  dim.value_ = static_cast<int64_t>(expressions_.size());
  const bool stored = expressions_.Append(expression).ok() &&
                      expression_index_.Add(hash, expressions_.size() - 1).ok();
  return stored ? dim : Dim();
}

Dim SymbolTable::OfAtom(int64_t index) {
  Term term;
  term.coefficient = 1;
  term.factors = 1;
  term.atom[0] = static_cast<int32_t>(index);
  Expression expression;
  AddTerm(&expression, term);
  return Store(expression);
}

Dim SymbolTable::Symbol(std::string_view name) {
  const uint64_t hash = base::HashName(name);
  const int64_t known = atom_index_.Find(hash, [&](size_t i) {
    const Atom& atom = atoms_[i];
    return atom.kind == AtomKind::kSymbol &&
           std::string_view(names_.data() + atom.name_begin, atom.name_size) == name;
  });
  if (known >= 0) return OfAtom(known);
  Atom atom;
  atom.name_begin = static_cast<uint32_t>(names_.size());
  atom.name_size = static_cast<uint32_t>(name.size());
  for (char c : name) {
    if (!names_.Append(c).ok()) return Dim();
  }
  return AddAtom(hash, atom);
}

Dim SymbolTable::AddAtom(uint64_t hash, const Atom& atom) {
  const bool stored = atoms_.Append(atom).ok() && atom_index_.Add(hash, atoms_.size() - 1).ok();
  return stored ? OfAtom(static_cast<int64_t>(atoms_.size()) - 1) : Dim();
}

Dim SymbolTable::Opaque(AtomKind kind, Dim a, Dim b) {
  uint64_t hash = base::HashNumber(base::kHashBegin, static_cast<uint64_t>(kind));
  for (const Dim dim : {a, b}) {
    hash = base::HashNumber(hash, static_cast<uint64_t>(dim.kind_));
    hash = base::HashNumber(hash, static_cast<uint64_t>(dim.value_));
  }
  const int64_t known = atom_index_.Find(hash, [&](size_t i) {
    return atoms_[i].kind == kind && atoms_[i].a == a && atoms_[i].b == b;
  });
  if (known >= 0) return OfAtom(known);
  Atom atom;
  atom.kind = kind;
  atom.a = a;
  atom.b = b;
  return AddAtom(hash, atom);
}

Dim SymbolTable::Add(Dim a, Dim b) {
  if (a.unknown() || b.unknown()) return Dim();
  Expression sum = Load(a);
  const Expression other = Load(b);
  for (int i = 0; i < other.terms; ++i) AddTerm(&sum, other.term[i]);
  return Store(sum);
}

Dim SymbolTable::Sub(Dim a, Dim b) { return Add(a, Mul(b, Dim(-1))); }

Dim SymbolTable::Mul(Dim a, Dim b) {
  if (a.Is(0) || b.Is(0)) return Dim(0);
  if (a.unknown() || b.unknown()) return Dim();
  const Expression left = Load(a), right = Load(b);
  Expression product;
  for (int i = 0; i < left.terms; ++i) {
    for (int j = 0; j < right.terms; ++j) {
      Term term = left.term[i];
      const Term& other = right.term[j];
      if (!CheckedMul(term.coefficient, other.coefficient, &term.coefficient)) return Dim();
      if (term.factors + other.factors > kMaxFactors) return Dim();
      for (int k = 0; k < other.factors; ++k) {  // insertion keeps the factors sorted
        int at = term.factors++;
        while (at > 0 && term.atom[at - 1] > other.atom[k]) {
          term.atom[at] = term.atom[at - 1];
          --at;
        }
        term.atom[at] = other.atom[k];
      }
      AddTerm(&product, term);
    }
  }
  return Store(product);
}

bool SymbolTable::DivideExactly(const Expression& a, const Expression& b,
                                Expression* quotient) const {
  if (b.terms != 1) return false;
  const Term& divisor = b.term[0];
  for (int i = 0; i < a.terms; ++i) {
    const Term& term = a.term[i];
    if (term.coefficient % divisor.coefficient != 0) return false;
    Term result;
    result.coefficient = term.coefficient / divisor.coefficient;
    int k = 0;
    for (int j = 0; j < term.factors; ++j) {
      if (k < divisor.factors && divisor.atom[k] == term.atom[j]) {
        ++k;
      } else {
        result.atom[result.factors++] = term.atom[j];
      }
    }
    if (k != divisor.factors) return false;
    AddTerm(quotient, result);
  }
  return quotient->fits;
}

Dim SymbolTable::Quotient(AtomKind kind, Dim a, Dim b) {
  if (a.unknown() || b.unknown() || b.Is(0)) return Dim();
  if (a.known() && b.known()) {
    // Sizes divide by positive sizes; anything else is left unknown rather than guessed.
    if (b.value() < 0) return Dim();
    return kind == AtomKind::kFloorDiv ? base::FloorDiv(a.value(), b.value())
                                       : base::CeilDiv(a.value(), b.value());
  }
  Expression quotient;
  if (DivideExactly(Load(a), Load(b), &quotient)) return Store(quotient);
  return Opaque(kind, a, b);
}

Dim SymbolTable::FloorDiv(Dim a, Dim b) { return Quotient(AtomKind::kFloorDiv, a, b); }
Dim SymbolTable::CeilDiv(Dim a, Dim b) { return Quotient(AtomKind::kCeilDiv, a, b); }

Dim SymbolTable::Max(Dim a, Dim b) {
  if (a == b) return a;
  if (a.unknown() || b.unknown()) return Dim();
  if (a.known() && b.known()) return a.value() > b.value() ? a : b;
  return a.known() || (b.symbolic() && b.value_ < a.value_) ? Opaque(AtomKind::kMax, b, a)
                                                            : Opaque(AtomKind::kMax, a, b);
}

Dim SymbolTable::Min(Dim a, Dim b) {
  if (a == b) return a;
  if (a.unknown() || b.unknown()) return Dim();
  if (a.known() && b.known()) return a.value() < b.value() ? a : b;
  return a.known() || (b.symbolic() && b.value_ < a.value_) ? Opaque(AtomKind::kMin, b, a)
                                                            : Opaque(AtomKind::kMin, a, b);
}

std::string SymbolTable::AtomText(const Atom& atom) const {
  switch (atom.kind) {
    case AtomKind::kSymbol:
      return std::string(names_.data() + atom.name_begin, atom.name_size);
    case AtomKind::kFloorDiv:
      return base::Cat("floor((", Text(atom.a), ")/(", Text(atom.b), "))");
    case AtomKind::kCeilDiv:
      return base::Cat("ceil((", Text(atom.a), ")/(", Text(atom.b), "))");
    case AtomKind::kMax:
      return base::Cat("max(", Text(atom.a), ", ", Text(atom.b), ")");
    case AtomKind::kMin:
      return base::Cat("min(", Text(atom.a), ", ", Text(atom.b), ")");
  }
  return "?";
}

std::string SymbolTable::TermText(const Term& term) const {
  std::string text;
  if (term.factors == 0 || term.coefficient != 1) base::AppendText(&text, term.coefficient);
  for (int i = 0; i < term.factors; ++i) {
    if (!text.empty()) text += "*";
    text += AtomText(atoms_[static_cast<size_t>(term.atom[i])]);
  }
  return text;
}

std::string SymbolTable::Text(Dim dim) const {
  if (dim.unknown()) return "?";
  if (dim.known()) return base::Cat(dim.value());
  const Expression& expression = expressions_[static_cast<size_t>(dim.value_)];
  std::string text;
  for (int i = 0; i < expression.terms; ++i) {
    if (i > 0) text += " + ";
    text += TermText(expression.term[i]);
  }
  return text;
}

std::string_view SymbolTable::SymbolName(Dim dim) const {
  if (!dim.symbolic()) return {};
  const Expression& expression = expressions_[static_cast<size_t>(dim.value_)];
  if (expression.terms != 1 || expression.term[0].factors != 1 ||
      expression.term[0].coefficient != 1) {
    return {};
  }
  const Atom& atom = atoms_[static_cast<size_t>(expression.term[0].atom[0])];
  if (atom.kind != AtomKind::kSymbol) return {};
  return {names_.data() + atom.name_begin, atom.name_size};
}

}  // namespace doppio::graph
