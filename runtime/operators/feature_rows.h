// FeatureRows: an input of samples, a row of features each, as float64. For called operators of
// domain ai.onnx.ml.
#pragma once

#include "base/message.h"
#include "runtime/operators/call_context.h"
#include "runtime/operators/host_number.h"
#include "runtime/operators/infer_context.h"

namespace doppio::operators {

class FeatureRows {
 public:
  // Input 0: [rows, features], or the features of one row.
  Status Read(const CallContext& c) {
    x_ = c.input(0);
    if (x_->kind != graph::ValueKind::kTensor || !IsHostNumber(x_->type) || x_->dims.rank() < 1 ||
        x_->dims.rank() > 2) {
      return InvalidArgument("input 0 must hold numbers, a row of features a sample");
    }
    rows = x_->dims.rank() == 1 ? 1 : x_->dims[0];
    features = x_->dims[x_->dims.rank() - 1];
    return row_.Resize(static_cast<size_t>(features));
  }

  // Row `i`; valid until the next call.
  std::span<const double> Row(int64_t i) {
    for (int64_t f = 0; f < features; ++f) {
      row_[static_cast<size_t>(f)] = HostNumber(x_->type, x_->data, i * features + f);
    }
    return row_.span();
  }

  int64_t rows = 0, features = 0;

 private:
  const HostValue* x_ = nullptr;
  base::Array<double> row_;
};

// The same input in shape rules: its number of rows and of features, unknown where they are.
inline Status InferFeatureRows(const InferContext& c, Dim* rows, Dim* features) {
  const ValueFacts& x = c.input(0);
  const bool possible = x.is_tensor() &&
                        (x.type == ElementType::kUndefined || IsHostNumber(x.type)) &&
                        (!x.has_shape || (x.shape.rank >= 1 && x.shape.rank <= 2));
  if (!possible) {
    return InvalidArgument(
        base::Cat(c.Describe(0), " must hold numbers, a row of features a sample"));
  }
  if (!x.has_shape) return {};
  *rows = x.shape.rank == 1 ? Dim(1) : x.shape[0];
  *features = x.shape[x.shape.rank - 1];
  return {};
}

}  // namespace doppio::operators
