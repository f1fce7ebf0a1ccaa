// Dim: one size of a shape while shapes are inferred: a number, an expression over named symbols,
// or unknown. SymbolTable owns the expressions. Used by shape rules, passes and the planner.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/array.h"
#include "base/hash_index.h"

namespace doppio::graph {

class SymbolTable;

// A plain handle; meaningful together with the SymbolTable that made it. Equal handles mean equal
// sizes; unequal symbolic ones may still turn out equal. An unknown Dim equals nothing, itself
// included.
class Dim {
 public:
  Dim() = default;                                             // unknown
  Dim(int64_t value) : value_(value), kind_(Kind::kNumber) {}  // NOLINT: implicit on purpose

  bool known() const { return kind_ == Kind::kNumber; }
  bool symbolic() const { return kind_ == Kind::kExpression; }
  bool unknown() const { return kind_ == Kind::kUnknown; }
  // The number; only when known().
  int64_t value() const { return value_; }
  bool Is(int64_t value) const { return known() && value_ == value; }

  friend bool operator==(const Dim& a, const Dim& b) {
    return a.kind_ == b.kind_ && a.kind_ != Kind::kUnknown && a.value_ == b.value_;
  }

 private:
  friend class SymbolTable;
  enum class Kind : uint8_t { kUnknown, kNumber, kExpression };
  int64_t value_ = 0;  // the number, or the index of the expression
  Kind kind_ = Kind::kUnknown;
};

// Expressions in normal form: polynomials with integer coefficients over atoms, where an atom is a
// named symbol or a floor division, ceiling division, maximum or minimum of two Dims. Equal
// expressions get equal handles. Anything too large for the fixed-size form, any overflow and any
// lack of memory makes an unknown Dim: knowing less is always allowed. Not thread safe while being
// added to.
class SymbolTable {
 public:
  SymbolTable() = default;
  SymbolTable(SymbolTable&&) = default;
  SymbolTable& operator=(SymbolTable&&) = default;

  // The symbol of that name, the same each time; `name` is copied. Symbols are sizes: at least 0.
  Dim Symbol(std::string_view name);

  Dim Add(Dim a, Dim b);
  Dim Sub(Dim a, Dim b);
  Dim Mul(Dim a, Dim b);
  Dim FloorDiv(Dim a, Dim b);  // unknown when b is 0
  Dim CeilDiv(Dim a, Dim b);
  Dim Max(Dim a, Dim b);
  Dim Min(Dim a, Dim b);

  // "N", "2*N + 1", "floor((H + 1)/2)"; "?" when unknown.
  std::string Text(Dim dim) const;
  // The name when `dim` is one bare symbol, else empty.
  std::string_view SymbolName(Dim dim) const;

 private:
  enum class AtomKind : uint8_t { kSymbol, kFloorDiv, kCeilDiv, kMax, kMin };
  struct Atom {
    AtomKind kind = AtomKind::kSymbol;
    Dim a, b;                                // operands of the others
    uint32_t name_begin = 0, name_size = 0;  // into names_
  };
  static constexpr int kMaxFactors = 6;
  static constexpr int kMaxTerms = 8;
  // coefficient * product of atoms; factors sorted, no factors: the constant term.
  struct Term {
    int64_t coefficient = 0;
    int factors = 0;
    int32_t atom[kMaxFactors] = {};
  };
  // Terms sorted by their factors, no zero coefficients.
  struct Expression {
    int terms = 0;
    Term term[kMaxTerms];
    bool fits = true;
  };

  static int CompareFactors(const Term& a, const Term& b);
  static void AddTerm(Expression* sum, const Term& term);
  static bool Same(const Expression& a, const Expression& b);
  Expression Load(Dim dim) const;
  Dim Store(const Expression& expression);
  static uint64_t HashOf(const Expression& expression);
  Dim OfAtom(int64_t index);
  Dim AddAtom(uint64_t hash, const Atom& atom);
  Dim Opaque(AtomKind kind, Dim a, Dim b);
  Dim Quotient(AtomKind kind, Dim a, Dim b);
  // a / b when every term of `a` is a multiple of the single-term `b`.
  bool DivideExactly(const Expression& a, const Expression& b, Expression* quotient) const;
  std::string AtomText(const Atom& atom) const;
  std::string TermText(const Term& term) const;

  base::Array<Expression> expressions_;
  base::Array<Atom> atoms_;
  base::Array<char> names_;
  base::HashIndex expression_index_, atom_index_;  // positions in the two lists
};

}  // namespace doppio::graph
