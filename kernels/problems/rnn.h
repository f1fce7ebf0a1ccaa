// RnnProblem: the recurrent part of RNN, LSTM and GRU layers, in one direction. What the gates get
// from the input, x W^T + b for every step, is computed before, as one product.
#pragma once

#include <cstdint>

#include "kernels/problems/unary_op.h"

namespace doppio::kernels {

enum class RnnCell : uint8_t { kRnn, kLstm, kGru };

// scale_out * op(scale_in * x).
struct RnnActivation {
  UnaryOp op = UnaryOp::kTanh;
  float a = 0, b = 0;  // parameters of op
  float scale_in = 1, scale_out = 1;
};

// float32. h hidden values, n sequences, t steps; G gates of h values each: RNN 1; LSTM 4, in the
// order i, o, f, c; GRU 3, in the order z, r, h. The formulas are ONNX's (operators RNN, LSTM,
// GRU).
//
// Operands: in[0] gates [t, n, G h], in[1] r [G h, h] row-major (constant for rows that pack),
// in[2] r_bias [h]: GRU with linear_before_reset: added to h R_h^T before the reset gate; in[3]
// h_0 [n, h], in[4] c_0 [n, h] (LSTM), in[5] peephole [3 h] in the order i, o, f (LSTM), in[6]
// lengths [n] int32: steps of each sequence, beyond which y is 0; all but the first two may be
// null. out[0] y, out[1] y_h [n, h], out[2] y_c [n, h] (LSTM); each may be null.
struct RnnProblem {
  RnnCell cell = RnnCell::kRnn;
  int64_t t = 1, n = 1, h = 1;
  bool reverse = false;              // from the last step to the first
  bool linear_before_reset = false;  // GRU
  bool input_forget = false;         // LSTM: f = 1 - i
  float clip = 0;  // what activations get is clamped to [-clip, clip]; 0: it is not
  // RNN: f. LSTM: f of i, o and f, g of c, h of the cell's value. GRU: f of z and r, g of h.
  RnnActivation f, g, activation_h;
  int64_t gates_t = 0, gates_n = 0;  // strides in elements; the G h values stand together
  int64_t y_t = 0, y_n = 0;          // of y; h values together
  int64_t h0_n = 0, c0_n = 0;
  int64_t yh_n = 0, yc_n = 0;
};

constexpr int64_t RnnGates(RnnCell cell) {
  return cell == RnnCell::kRnn ? 1 : cell == RnnCell::kGru ? 3 : 4;
}

}  // namespace doppio::kernels
