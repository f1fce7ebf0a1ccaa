// PoolCase: a line of tests/cases/pool.txt as a PoolProblem. Used by tests and benchmarks.
//
//   max n1 c64 h112 w112 k3x3 s2 p1 pe0 ceil indices nhwc # comment
//
// max, average or lp; include_pad: the average counts padding; ceil: the output size is rounded up;
// the rest as in conv_case.h.
#pragma once

#include <string>
#include <string_view>

#include "kernels/problems/pool.h"
#include "tests/kernels/case_line.h"

namespace doppio::tests {

struct PoolCase {
  MapLayout x_layout = MapLayout::kChannelsFirst;
  MapLayout y_layout = MapLayout::kChannelsFirst;
  int64_t ldx = 0, ldy = 0;
  bool ceil = false;
  kernels::PoolProblem problem;
};

// False with the offending word in *error.
bool ParsePoolCase(std::string_view line, PoolCase* test, std::string* error);

// Output sizes and strides from the other fields. False when the kernel does not fit.
bool CompletePoolCase(PoolCase* test);

// A line that parses to the same case.
std::string PoolCaseLine(const PoolCase& test);

}  // namespace doppio::tests
