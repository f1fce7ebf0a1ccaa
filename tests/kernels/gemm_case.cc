#include "tests/kernels/gemm_case.h"

#include <algorithm>
#include <sstream>

namespace doppio::tests {
namespace {

using kernels::GemmProblem;

bool ParseNumber(const CaseToken& token, GemmCase* test) {
  const std::string& word = token.word;
  int64_t* to = word == "m"     ? &test->problem.m
                : word == "n"   ? &test->problem.n
                : word == "k"   ? &test->problem.k
                : word == "b"   ? &test->batches
                : word == "lda" ? &test->lda
                : word == "ldb" ? &test->ldb
                : word == "ldy" ? &test->ldy
                                : nullptr;
  if (to == nullptr) return false;
  *to = token.numbers[0];
  return true;
}

bool ParseWord(const std::string& word, GemmCase* test) {
  if (word == "ta") return test->a_transposed = true;
  if (word == "tb") return test->b_transposed = true;
  if (word == "repeata") return test->a_repeated = true;
  if (word == "repeatb") return test->b_repeated = true;
  if (word == "res") return test->problem.epilogue.residual = true;
  if (word == "bias" || word == "biasm" || word == "biasmn") {
    test->bias_rows = word != "bias";
    test->bias_columns = word != "biasm";
    return test->problem.epilogue.bias = true;
  }
  return ParseActivation(word, &test->problem.epilogue);
}

}  // namespace

bool ParseGemmCase(std::string_view line, GemmCase* test, std::string* error) {
  *test = {};
  for (const CaseToken& token : SplitCase(line)) {
    const bool known =
        token.numbers.empty() ? ParseWord(token.word, test) : ParseNumber(token, test);
    if (!known) {
      *error = "unknown word '" + token.word + "' in: " + std::string(line);
      return false;
    }
  }
  CompleteGemmCase(test);
  return true;
}

void CompleteGemmCase(GemmCase* test) {
  GemmProblem& p = test->problem;
  const int64_t a_ld = std::max(test->lda, test->a_transposed ? p.m : p.k);
  const int64_t b_ld = std::max(test->ldb, test->b_transposed ? p.k : p.n);
  const int64_t y_ld = std::max(test->ldy, p.n);
  p.a_row = test->a_transposed ? 1 : a_ld;
  p.a_col = test->a_transposed ? a_ld : 1;
  p.b_row = test->b_transposed ? 1 : b_ld;
  p.b_col = test->b_transposed ? b_ld : 1;
  p.y_row = p.residual_row = y_ld;
  p.y_col = p.residual_col = 1;
  p.bias_row = !test->bias_rows ? 0 : test->bias_columns ? p.n : 1;
  p.bias_col = test->bias_columns ? 1 : 0;
  p.batch_rank = test->batches == 1 ? 0 : 1;
  p.batch[0] = test->batches;
  p.a_batch[0] = test->a_repeated ? 0 : a_ld * (test->a_transposed ? p.k : p.m);
  p.b_batch[0] = test->b_repeated ? 0 : b_ld * (test->b_transposed ? p.n : p.k);
  p.y_batch[0] = p.residual_batch[0] = y_ld * p.m;
}

std::string GemmCaseLine(const GemmCase& test) {
  const GemmProblem& p = test.problem;
  std::ostringstream line;
  line << "m" << p.m << " n" << p.n << " k" << p.k;
  if (test.batches != 1) line << " b" << test.batches;
  if (test.a_transposed) line << " ta";
  if (test.b_transposed) line << " tb";
  if (test.a_repeated) line << " repeata";
  if (test.b_repeated) line << " repeatb";
  if (p.epilogue.bias) {
    line << (!test.bias_rows ? " bias" : test.bias_columns ? " biasmn" : " biasm");
  }
  if (p.epilogue.residual) line << " res";
  if (p.epilogue.activation != kernels::UnaryOp::kIdentity) {
    line << " " << ActivationWord(p.epilogue);
  }
  if (test.lda != 0) line << " lda" << test.lda;
  if (test.ldb != 0) line << " ldb" << test.ldb;
  if (test.ldy != 0) line << " ldy" << test.ldy;
  return line.str();
}

}  // namespace doppio::tests
