// GemmCase: a line of tests/cases/gemm.txt as a GemmProblem. Used by tests and benchmarks.
//
//   m128 n512 k256 ta tb b4 bias res relu lda300 ldb600 ldy513 # comment
//
// ta, tb: a, b transposed in memory; b: batches (repeata, repeatb: the operand is the same in all);
// bias: one value a column, biasm: one a row, biasmn: a full matrix; lda, ldb, ldy: row strides.
#pragma once

#include <string>
#include <string_view>

#include "kernels/problems/gemm.h"
#include "tests/kernels/case_line.h"

namespace doppio::tests {

struct GemmCase {
  bool a_transposed = false, b_transposed = false;
  bool a_repeated = false, b_repeated = false;
  int64_t batches = 1;
  int64_t lda = 0, ldb = 0, ldy = 0;            // 0: dense
  bool bias_rows = false, bias_columns = true;  // which index the bias follows
  kernels::GemmProblem problem;
};

// False with the offending word in *error.
bool ParseGemmCase(std::string_view line, GemmCase* test, std::string* error);

// All strides of `test->problem` from its other fields.
void CompleteGemmCase(GemmCase* test);

// A line that parses to the same case.
std::string GemmCaseLine(const GemmCase& test);

}  // namespace doppio::tests
