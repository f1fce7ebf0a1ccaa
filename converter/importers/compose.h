// What importers write composite operators with: ONNX operators at their newest semantics, each
// giving its result as a value. A function body, so to speak, that sees facts and versions.
#pragma once

#include "converter/importer.h"

namespace doppio::converter {

Value* Unary(const NodeContext& n, const char* type, Value* x);
Value* Binary(const NodeContext& n, const char* type, Value* a, Value* b);
// `x` itself when it has the type.
Value* CastTo(const NodeContext& n, Value* x, ElementType type);
// condition ? yes : no.
Value* Select(const NodeContext& n, Value* condition, Value* yes, Value* no);
// Sizes as ONNX's Reshape takes them: 0 keeps, -1 is what is left.
Value* Reshape(const NodeContext& n, Value* x, std::initializer_list<int64_t> sizes);
Value* Unsqueeze(const NodeContext& n, Value* x, std::span<const int64_t> axes);
Value* Squeeze(const NodeContext& n, Value* x, int64_t axis);
// x[begin : end : step] along `axis`; INT64_MAX as the end: to the last.
Value* SliceAxis(const NodeContext& n, Value* x, int64_t axis, int64_t begin, int64_t end,
                 int64_t step = 1);
// Null among the values is left out.
Value* ConcatAxis(const NodeContext& n, int64_t axis, std::initializer_list<Value*> values);
// The node's output `i` is `value`.
void Give(const NodeContext& n, int i, Value* value);

// Rank of input `i`; throws NodeProblem when it is not known.
int KnownRank(const NodeContext& n, int i);
// Size `axis` of input `i`; throws NodeProblem when it is no number.
int64_t KnownSize(const NodeContext& n, int i, int axis);

}  // namespace doppio::converter
