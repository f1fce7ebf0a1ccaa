// ConvProblem: convolution and transposed convolution of 1 to 3 spatial dimensions, in any layout.
#pragma once

#include <doppio/tensor.h>

#include <cstdint>

#include "kernels/problems/unary_op.h"

namespace doppio::kernels {

// Strides in elements of a feature map [n, c, d, h, w]; channels-last with pixel stride ldx is
// {h*w*ldx, 1, .., w*ldx, ldx}, NCHW is {c*h*w, h*w, .., w, 1}.
struct MapStrides {
  int64_t n = 0, c = 0, d = 0, h = 0, w = 0;
};

// What happens to an accumulator before it is stored: y = activation(acc + bias[m] + residual).
struct Epilogue {
  bool bias = false;      // operand bias: one value an output channel (or column)
  bool residual = false;  // operand residual: same shape as y, its own strides
  UnaryOp activation = UnaryOp::kIdentity;
  float alpha = 0, beta = 0;  // of the activation
};

// y[n, m, o] = epilogue(sum over c in group, k of x[n, c, o * stride + k * dilation - pad] w[m, c,
// k]) Unused leading spatial dimensions have size, kernel, stride and dilation 1 and pad 0.
//
// ProblemKind::kConvTranspose: y[n, m, i * stride + k * dilation - pad] += x[n, c, i] w[c, m, k];
// w_m is then the stride over output channels within a group, w_c over input channels.
//
// Operands: in[0] x, in[1] w (constant for rows that pack), in[2] bias [m], in[3] residual; out[0]
// y. y may alias the residual when their strides are equal. w is indexed within its group: w[(g * m
// / groups + j) * w.n + ci * w.c + kd * w.d + kh * w.h + kw * w.w] for kConv, and w[(g * c / groups
// + ci) * w.c + j * w.n + ...] for kConvTranspose.
//
// With type kUint8, x and w are quantised: their zero points are subtracted before they are
// multiplied (padding is exactly that zero), sums are exact, bias and y are int32, and there is
// nothing else to the epilogue.
struct ConvProblem {
  ElementType type = ElementType::kFloat;  // of x, w, bias and y; accumulation is at least float
  int32_t x_zero_point = 0, w_zero_point = 0;  // kUint8 only
  int64_t n = 1, c = 1, m = 1, groups = 1;
  int64_t id = 1, ih = 1, iw = 1;
  int64_t od = 1, oh = 1, ow = 1;
  int64_t kd = 1, kh = 1, kw = 1;
  int64_t sd = 1, sh = 1, sw = 1;
  int64_t dd = 1, dh = 1, dw = 1;
  int64_t pd = 0, ph = 0, pw = 0;  // begin; the end padding follows from the output size
  MapStrides x, y, residual;
  MapStrides w;  // n: output channel, c: input channel within the group, d h w: taps
  Epilogue epilogue;
};

}  // namespace doppio::kernels
