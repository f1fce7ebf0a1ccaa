// ValueFacts: what is known of a value before anything runs: type, sizes, and, for small integer
// tensors, the values themselves, each possibly symbolic. Shape rules map facts of inputs to facts
// of outputs.
#pragma once

#include <cstdint>
#include <string>

#include "base/array.h"
#include "runtime/graph/graph.h"

namespace doppio::operators {

using graph::Dim;
using graph::SymbolTable;

// Contents of more elements than this are not followed.
inline constexpr int64_t kMaxContent = 4096;

// Sizes held by value.
struct Shape {
  int rank = 0;
  Dim dims[kMaxRank];

  Dim operator[](int i) const { return dims[i]; }
  Dim& operator[](int i) { return dims[i]; }
  void push_back(Dim dim) {
    if (rank < kMaxRank) dims[rank++] = dim;
  }
  bool AllKnown() const;
  // The sizes as numbers; only when AllKnown().
  Dims Numbers() const;
};

Shape ShapeOf(const Dims& dims);

struct ValueFacts {
  // `type` is that of the tensors inside a sequence or an optional; their shape is not followed.
  graph::ValueKind kind = graph::ValueKind::kTensor;
  ElementType type = ElementType::kUndefined;
  bool has_shape = false;
  Shape shape;
  // The integer (or bool) elements in row-major order, when `has_content`; unknown Dims among them
  // are allowed.
  bool has_content = false;
  base::Array<Dim> content;
  // The tensor itself, when the value is a constant; borrowed from the graph.
  const graph::Constant* constant = nullptr;

  bool is_tensor() const { return kind == graph::ValueKind::kTensor; }
  // Every size is a number; what is no tensor has none.
  bool Static() const { return !is_tensor() || (has_shape && shape.AllKnown()); }
  // Every element of the content is a number.
  bool ContentKnown() const;
};

// "float32[1, 3, H, W]", for messages and listings.
std::string FactsText(const ValueFacts& facts, const SymbolTable& symbols);

// Number of elements: a number, an expression, or unknown.
Dim CountOf(const Shape& shape, SymbolTable* symbols);

// Facts of a constant: its type, sizes, and content when it is a small integer tensor.
Status FactsOfConstant(const graph::Constant& constant, ValueFacts* facts);

}  // namespace doppio::operators
