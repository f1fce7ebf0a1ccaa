// The functions of one value, in double: for the unary row and for the epilogues of other rows.
#pragma once

#include <cstdint>

#include "kernels/problems/unary_op.h"

namespace doppio::kernels::reference {

// op(x) with parameters a and b, as unary_op.h defines it. Not for kNot, kBitwiseNot, kIsNan,
// kIsInf.
double EvaluateUnary(UnaryOp op, double a, double b, double x);

// Whether EvaluateUnary knows it: a function of floats to floats.
bool IsFloatFunction(UnaryOp op);

}  // namespace doppio::kernels::reference
