// Normalisations: per-channel affine (batch norm at inference), local response,
// layer/instance/group.
#pragma once

#include <doppio/tensor.h>

#include <cstdint>

#include "kernels/problems/conv.h"

namespace doppio::kernels {

// y = activation(scale[c] (x - mean[c]) / sqrt(var[c] + epsilon) + shift[c]).
// Operands: in[0] x, in[1] scale [c], in[2] shift [c], in[3] mean [c], in[4] var [c]; scale, shift,
// mean or var may be null (1, 0, 0, and no division). out[0] y; y may be x itself with equal
// strides.
struct AffineProblem {
  ElementType type = ElementType::kFloat;
  double epsilon = 1e-5;
  UnaryOp activation = UnaryOp::kIdentity;
  float alpha = 0, beta = 0;
  int64_t n = 1, c = 1, d = 1, h = 1, w = 1;
  MapStrides x, y;
};

// y = x / (bias + alpha / size * sum over the window of x^2)^beta; the window has `size` channels,
// floor((size-1)/2) before and ceil((size-1)/2) after, cut at the ends. Operands: in[0] x; out[0]
// y, out[1] (may be null) the term in parentheses, with y's strides.
struct LrnProblem {
  ElementType type = ElementType::kFloat;
  int64_t size = 5;
  double alpha = 1e-4, beta = 0.75, bias = 1;
  int64_t n = 1, c = 1, d = 1, h = 1, w = 1;
  MapStrides x, y;
};

// For each of n x groups sets of [c / groups, inner] values: y = (x - mean) / sqrt(var + epsilon),
// then times scale and plus shift. n rows of c channels of `inner` values each. Layer normalisation
// over k values: c = 1, inner = k, per_element; instance: groups = c; group: groups. Operands:
// in[0] x, in[1] scale, in[2] shift (may be null); out[0] y, out[1] mean, out[2] inverse standard
// deviation (either may be null), float, one a set. y may be x itself with equal strides.
struct LayerNormProblem {
  ElementType type = ElementType::kFloat;
  double epsilon = 1e-5;
  bool rms = false;  // no mean is taken off (RMS normalisation)
  bool per_element =
      false;                // scale and shift: one value per element of a set; else per channel [c]
  bool std_output = false;  // out[2] is sqrt(var + epsilon), not its inverse
  int64_t n = 1, c = 1, inner = 1, groups = 1;
  int64_t x_n = 0, x_c = 0, x_inner = 1;
  int64_t y_n = 0, y_c = 0, y_inner = 1;
};

}  // namespace doppio::kernels
