// Walks the elements of strided arrays in row-major order, and cuts them into units.
#pragma once

#include <doppio/tensor.h>

#include <algorithm>
#include <cstdint>

#include "kernels/kernel.h"

namespace doppio::kernels::reference {

// Number of elements; 1 for rank 0.
inline int64_t CountElements(int rank, const int64_t* dims) {
  int64_t count = 1;
  for (int i = 0; i < rank; ++i) count *= dims[i];
  return count;
}

// A unit of an element-wise row: so many consecutive elements.
inline constexpr int64_t kUnitElements = 1024;

inline int64_t ElementUnits(int64_t count) { return (count + kUnitElements - 1) / kUnitElements; }
// The elements of a range of units.
inline Range ElementsOf(Range units, int64_t count) {
  return {units.begin * kUnitElements, std::min(units.end * kUnitElements, count)};
}

// The offsets of kOperands operands at one element after the other. Borrows `dims` and the strides.
template <int kOperands>
class StridedWalk {
 public:
  template <class... Strides>
  requires(sizeof...(Strides) == kOperands)
      StridedWalk(int rank, const int64_t* dims, int64_t begin, const Strides*... strides)
      : rank_(rank), dims_(dims), strides_{strides...} {
    for (int i = rank - 1; i >= 0; --i) {
      if (dims[i] == 0) return;
      index_[i] = begin % dims[i];
      begin /= dims[i];
      for (int s = 0; s < kOperands; ++s) offset_[s] += index_[i] * strides_[s][i];
    }
  }

  // Of operand `operand`, in elements.
  int64_t operator[](int operand) const { return offset_[operand]; }
  int64_t index(int dimension) const { return index_[dimension]; }

  void Next() {
    for (int i = rank_ - 1; i >= 0; --i) {
      for (int s = 0; s < kOperands; ++s) offset_[s] += strides_[s][i];
      if (++index_[i] < dims_[i]) return;
      for (int s = 0; s < kOperands; ++s) offset_[s] -= index_[i] * strides_[s][i];
      index_[i] = 0;
    }
  }

 private:
  int rank_;
  const int64_t* dims_;
  const int64_t* strides_[kOperands];
  int64_t index_[kMaxRank] = {};
  int64_t offset_[kOperands] = {};
};

}  // namespace doppio::kernels::reference
