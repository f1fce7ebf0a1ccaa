// ConvCase: a line of tests/cases/conv.txt as a ConvProblem. Used by tests and benchmarks.
//
//   n1 c64 h56 w56 m64 k3x3 s1 p1 d1 g1 bias res relu nhwc # comment
//
// k DxHxW (1 to 3 numbers: the spatial dimensions), s stride, p begin padding, pe end padding
// (default: as p), d dilation, op output padding (transposed), id input depth, g groups, dw:
// depthwise (g = m = c), transposed, bias, res (residual), an activation; nhwc or nchw (default)
// for both maps, x:nhwc y:nchw for one; ldx ldy: see StridesOf.
#pragma once

#include <string>
#include <string_view>

#include "kernels/problems/conv.h"
#include "tests/kernels/case_line.h"

namespace doppio::tests {

struct ConvCase {
  bool transposed = false;
  MapLayout x_layout = MapLayout::kChannelsFirst;
  MapLayout y_layout = MapLayout::kChannelsFirst;
  int64_t ldx = 0, ldy = 0;
  int64_t end_pad[3] = {0, 0, 0};
  int64_t output_pad[3] = {0, 0, 0};
  kernels::ConvProblem problem;
};

// False with the offending word in *error.
bool ParseConvCase(std::string_view line, ConvCase* test, std::string* error);

// Output sizes and all strides of `test.problem` from its other fields. Weights are dense, [m, c /
// g, k] or, transposed, [c, m / g, k]. False when the kernel does not fit into the padded input.
bool CompleteConvCase(ConvCase* test);

// A line that parses to the same case.
std::string ConvCaseLine(const ConvCase& test);

// Multiplications.
int64_t ConvCaseProducts(const ConvCase& test);

}  // namespace doppio::tests
