// OuterWalk: the dimensions of a strided problem that are left when a kernel has taken its inner
// ones, and the offsets of its operands there. Plain integer arithmetic, compiled once.
#pragma once

#include <doppio/tensor.h>

#include <cstdint>

namespace doppio::kernels::cpu {

// At most 3 operands.
struct OuterWalk {
  int rank = 0;
  int64_t dims[kMaxRank] = {};
  int64_t strides[3][kMaxRank] = {};

  // Appends a dimension, inside those that are there.
  void Append(int64_t dim, int64_t s0, int64_t s1, int64_t s2 = 0) {
    dims[rank] = dim;
    strides[0][rank] = s0;
    strides[1][rank] = s1;
    strides[2][rank] = s2;
    ++rank;
  }
  int64_t size() const {
    int64_t size = 1;
    for (int i = 0; i < rank; ++i) size *= dims[i];
    return size;
  }
};

// A position of a walk: starts at `index`, steps in row-major order.
class OuterPosition {
 public:
  OuterPosition(const OuterWalk& walk, int64_t index) : walk_(walk) {
    for (int i = walk.rank - 1; i >= 0; --i) {
      at_[i] = index % walk.dims[i];
      index /= walk.dims[i];
      for (int s = 0; s < 3; ++s) offsets_[s] += at_[i] * walk.strides[s][i];
    }
  }
  int64_t offset(int operand) const { return offsets_[operand]; }
  void Next() {
    for (int i = walk_.rank - 1; i >= 0; --i) {
      for (int s = 0; s < 3; ++s) offsets_[s] += walk_.strides[s][i];
      if (++at_[i] < walk_.dims[i]) return;
      for (int s = 0; s < 3; ++s) offsets_[s] -= at_[i] * walk_.strides[s][i];
      at_[i] = 0;
    }
  }

 private:
  const OuterWalk& walk_;
  int64_t at_[kMaxRank];
  int64_t offsets_[3] = {};
};

}  // namespace doppio::kernels::cpu
