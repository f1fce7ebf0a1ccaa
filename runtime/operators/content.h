// How shape rules follow the content of small integer tensors: sizes that travel through Shape,
// Gather, Concat and the like until a Reshape reads them.
#pragma once

#include "runtime/operators/infer_context.h"

namespace doppio::operators {

// The types whose content is followed.
bool CarriesContent(ElementType type);

// `value` as a tensor of `type` holds it; unknown where it would wrap.
Dim HeldBy(ElementType type, Dim value);

// The content of output `i`, as many unknown elements as its shape says; null when it is not
// followed. The output's facts are set already.
Status StartContent(const InferContext& c, size_t i, base::Array<Dim>** content);

// Output `o` takes over the content of input `i` in the same order, where that is known.
Status KeepContent(const InferContext& c, size_t i, size_t o);

// Walks the positions of `dims` in row-major order, and up to three tensors with it by their
// strides.
class PositionWalk {
 public:
  explicit PositionWalk(const Dims& dims) : dims_(dims) {}

  // Registers a tensor that begins at `offset`; its number is the count of those before it.
  void Add(const Dims& strides, int64_t offset = 0) {
    strides_[tensors_] = strides;
    at_[tensors_++] = offset;
  }
  size_t operator[](int tensor) const { return static_cast<size_t>(at_[tensor]); }
  void Next();

 private:
  Dims dims_;
  Dims strides_[3];
  int64_t at_[3] = {};
  int64_t position_[kMaxRank] = {};
  int tensors_ = 0;
};

// Row-major strides of a shape of numbers, 0 where it is repeated to make `dims` (NumPy
// broadcasting).
Dims RepeatStrides(const Dims& from, const Dims& dims);

// Which element of a source stands at each position of a result: source[offset + position .
// strides].
struct Selection {
  Dims dims;  // of the result
  Dims strides;
  int64_t offset = 0;
};

// Output `o` holds the selected elements of input `i`. `selection.dims` hold as many elements as
// the output.
Status SelectContent(const InferContext& c, size_t i, size_t o, const Selection& selection);

// The sizes that a one-dimensional integer input `i` states, for rules whose output's rank is its
// length. Sizes that depend on data are unknown, and NeedContent is called; *complete is false when
// not even the count is known. An error when the input is not one-dimensional.
Status SizesFromInput(const InferContext& c, size_t i, Shape* sizes, bool* complete);

// The integers of input `i` as numbers. When they are not known, *known is false and NeedContent is
// called.
Status NumbersFromInput(const InferContext& c, size_t i, base::Array<int64_t>* numbers,
                        bool* known);

}  // namespace doppio::operators
