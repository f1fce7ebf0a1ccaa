// RowCut: how element-wise work over rows is cut into units, many short rows to a unit or a part of
// a long one. Depends on sizes alone.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/checked.h"
#include "kernels/cpu/outer_walk.h"
#include "kernels/kernel.h"

namespace doppio::kernels::cpu {

// 4096 floats are 16 KB: a unit costs a microsecond or more, and its rows stay in L1 between a
// function and the activation that follows it.
inline constexpr int64_t kUnitElements = 4096;

struct RowCut {
  int64_t n = 1;      // elements of a row
  int64_t outer = 1;  // rows
  int64_t rows = 1;   // of a unit
  int64_t parts = 1;  // of a row; rows = 1 if more than one

  RowCut(int64_t row_elements, int64_t row_count) : n(row_elements), outer(row_count) {
    rows = std::max<int64_t>(1, kUnitElements / std::max<int64_t>(1, n));
    parts = std::max<int64_t>(1, base::CeilDiv(n, kUnitElements));
  }
  int64_t units() const { return parts > 1 ? outer * parts : base::CeilDiv(outer, rows); }

  // visit(position, begin, count) for every row, or part of one, of the units of `range`.
  template <class Visitor>
  void ForEach(const OuterWalk& walk, Range range, Visitor&& visit) const {
    if (range.begin >= range.end) return;
    if (parts > 1) {
      for (int64_t unit = range.begin; unit < range.end; ++unit) {
        const OuterPosition at(walk, unit / parts);
        const int64_t begin = unit % parts * kUnitElements;
        visit(at, begin, std::min(kUnitElements, n - begin));
      }
      return;
    }
    const int64_t last = std::min(range.end * rows, outer);
    OuterPosition at(walk, range.begin * rows);
    for (int64_t i = range.begin * rows; i < last; ++i, at.Next()) visit(at, int64_t{0}, n);
  }
};

}  // namespace doppio::kernels::cpu
