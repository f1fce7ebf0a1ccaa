#include "runtime/operators/view.h"

namespace doppio::operators {

TensorRef Cut(TensorRef tensor, int axis, int64_t begin, int64_t size, int64_t step) {
  if (size > 0) tensor.offset += begin * tensor.strides[axis];
  tensor.dims[axis] = size;
  tensor.strides[axis] *= step;
  return tensor;
}

TensorRef SplitAxis(TensorRef tensor, int axis, int64_t outer, int64_t inner) {
  const int64_t stride = tensor.strides[axis];
  tensor.dims[axis] = inner;
  tensor.dims.insert(axis, outer);
  tensor.strides.insert(axis, stride * inner);
  return tensor;
}

TensorRef Permuted(const TensorRef& tensor, std::span<const int> order) {
  TensorRef view = tensor;
  for (int i = 0; i < tensor.dims.rank(); ++i) {
    view.dims[i] = tensor.dims[order[static_cast<size_t>(i)]];
    view.strides[i] = tensor.strides[order[static_cast<size_t>(i)]];
  }
  return view;
}

TensorRef Repeated(TensorRef tensor, int axis, int64_t size) {
  tensor.dims.insert(axis, size);
  tensor.strides.insert(axis, 0);
  return tensor;
}

}  // namespace doppio::operators
