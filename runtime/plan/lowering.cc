#include "runtime/plan/lowering.h"

namespace doppio::plan {

Status NodeLowering::Alias(size_t i, const TensorRef& source) {
  if (i >= outputs.size() || !outputs[i].present()) return {};
  TensorRef& output = outputs[i];
  // A source of other dims is row-major; so is the view of it.
  const bool same_dims = source.dims == output.dims;
  TensorRef view = same_dims ? source : operators::Reshaped(source, output.dims);
  view.type = output.type;
  // Memory of the caller (an output of the net) must be filled; everything else can be looked at in
  // place.
  if (builder_->buffer(output.buffer).place == exec::Place::kOutput) {
    return builder_->EmitCopy(&node(), view, output);
  }
  DOPPIO_RETURN_IF_ERROR(aliases.Resize(outputs.size()));
  aliases[i] = view;
  return {};
}

}  // namespace doppio::plan
