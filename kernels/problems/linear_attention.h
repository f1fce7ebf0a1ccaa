// LinearAttentionProblem: attention as a recurrence over a state.
#pragma once

#include <doppio/tensor.h>

#include <cstdint>

namespace doppio::kernels {

// For each batch index and head, step by step, with S [d_k, d_v]:
//   S = exp(decay_t) S                       (decayed)
//   v = beta_t (v_t - S^T k_t)               (delta; else v = v_t)
//   S = S + k_t v^T
//   y_t = scale S^T q_t                      (for each query head of the group)
// Yang et al., "Gated Delta Networks" (2024). All row-major and contiguous, heads packed in the
// last dimension. Operands: in[0] q [b, t, q_heads d_k], in[1] k [b, t, heads d_k], in[2] v [b, t,
// heads d_v], in[3] state [b, heads, d_k, d_v] of state_type or null (zeros), in[4] decay [b, t,
// decay_size] with one value a head or one a key dimension, in[5] beta [b, t, beta_size] with one
// value a head or one for all; out[0] y [b, t, q_heads d_v], out[1] the last state, or null.
struct LinearAttentionProblem {
  ElementType type = ElementType::kFloat;
  ElementType state_type = ElementType::kFloat;
  bool decayed = false, delta = false;
  float scale = 1;
  int64_t b = 1, t = 1, q_heads = 1, heads = 1, d_k = 1, d_v = 1;
  int64_t decay_size = 0, beta_size = 0;
};

}  // namespace doppio::kernels
