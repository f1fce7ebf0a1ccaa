#include "runtime/operators/lower_context.h"

#include <cstring>

#include "base/message.h"
#include "kernels/problems/elementwise.h"

namespace doppio::operators {

using kernels::ProblemKind;

Dims RowMajorStrides(const Dims& dims) {
  Dims strides = dims;
  int64_t stride = 1;
  for (int i = dims.rank() - 1; i >= 0; --i) {
    strides[i] = stride;
    stride *= dims[i] > 0 ? dims[i] : 1;
  }
  return strides;
}

Dims ChannelsLastStrides(const Dims& dims) {
  Dims strides = dims;
  int64_t stride = dims[1] > 0 ? dims[1] : 1;
  strides[1] = 1;
  for (int i = dims.rank() - 1; i >= 0; --i) {
    if (i == 1) continue;
    strides[i] = stride;
    stride *= dims[i] > 0 ? dims[i] : 1;
  }
  return strides;
}

bool IsRowMajor(const TensorRef& tensor) {
  int64_t stride = 1;
  for (int i = tensor.dims.rank() - 1; i >= 0; --i) {
    if (tensor.dims[i] == 0) return true;
    if (tensor.dims[i] != 1 && tensor.strides[i] != stride) return false;
    stride *= tensor.dims[i];
  }
  return true;
}

bool IsChannelsLast(const TensorRef& tensor) {
  const Dims& dims = tensor.dims;
  if (dims.rank() < 3) return false;
  if (dims[1] != 1 && tensor.strides[1] != 1) return false;
  int64_t stride = -1;  // of the innermost spatial dimension: the pixel stride, anything >= c
  for (int i = dims.rank() - 1; i >= 0; --i) {
    if (i == 1 || dims[i] == 1) continue;
    if (stride < 0) {
      if (tensor.strides[i] < dims[1]) return false;
      stride = tensor.strides[i];
    } else if (tensor.strides[i] != stride) {
      return false;
    }
    stride *= dims[i];
  }
  return true;
}

TensorRef WithDims(TensorRef tensor, const Dims& dims, const Dims& strides) {
  tensor.dims = dims;
  tensor.strides = strides;
  return tensor;
}

TensorRef Reshaped(TensorRef tensor, const Dims& dims) {
  return WithDims(tensor, dims, RowMajorStrides(dims));
}

Dims BroadcastStrides(const TensorRef& tensor, const Dims& dims) {
  Dims strides = dims;
  const int shift = dims.rank() - tensor.dims.rank();
  for (int i = 0; i < dims.rank(); ++i) {
    const bool repeated = i < shift || tensor.dims[i - shift] == 1;
    strides[i] = repeated ? 0 : tensor.strides[i - shift];
  }
  return strides;
}

kernels::MapStrides MapStridesOf(const TensorRef& tensor) {
  kernels::MapStrides map;
  const int rank = tensor.dims.rank();
  const auto stride = [&](int from_end) {
    return rank - from_end >= 2 ? tensor.strides[rank - from_end] : 0;
  };
  map.n = tensor.strides[0];
  map.c = tensor.strides[1];
  map.w = stride(1);
  map.h = stride(2);
  map.d = stride(3);
  return map;
}

void MergeDims(int* rank, int64_t* dims, int operands, int64_t* const* strides) {
  const int64_t* order = strides[operands - 1];
  const auto distance = [&](int i) { return order[i] < 0 ? -order[i] : order[i]; };
  int kept = 0;
  for (int i = 0; i < *rank; ++i) {
    if (dims[i] == 1) continue;
    dims[kept] = dims[i];
    for (int s = 0; s < operands; ++s) strides[s][kept] = strides[s][i];
    for (int at = kept++; at > 0 && distance(at - 1) < distance(at); --at) {
      std::swap(dims[at - 1], dims[at]);
      for (int s = 0; s < operands; ++s) std::swap(strides[s][at - 1], strides[s][at]);
    }
  }
  *rank = kept;
  kernels::Collapse(rank, dims, operands, strides);
}

int64_t ElementBytes(ElementType type) { return ElementBits(type) / 8; }

namespace {

Status CheckWholeBytes(ElementType type) {
  if (ElementBits(type) >= 8) return {};
  return Unsupported(base::Cat("elements of type ", type, " cannot be moved one by one"));
}

}  // namespace

Status LowerContext::Copy(const TensorRef& from, const TensorRef& to) {
  DOPPIO_RETURN_IF_ERROR(CheckWholeBytes(to.type));
  kernels::CopyProblem problem;
  problem.element_bytes = ElementBytes(to.type);
  problem.rank = to.dims.rank();
  for (int i = 0; i < problem.rank; ++i) {
    problem.dims[i] = to.dims[i];
    problem.x_strides[i] = from.strides[i];
    problem.y_strides[i] = to.strides[i];
  }
  int64_t* const strides[] = {problem.x_strides, problem.y_strides};
  MergeDims(&problem.rank, problem.dims, 2, strides);
  return Emit(ProblemKind::kCopy, problem, {from}, {to});
}

namespace {

kernels::FillProblem FillOf(const TensorRef& to) {
  kernels::FillProblem problem;
  problem.element_bytes = ElementBytes(to.type);
  problem.rank = to.dims.rank();
  for (int i = 0; i < problem.rank; ++i) {
    problem.dims[i] = to.dims[i];
    problem.y_strides[i] = to.strides[i];
  }
  int64_t* const strides[] = {problem.y_strides};
  MergeDims(&problem.rank, problem.dims, 1, strides);
  return problem;
}

}  // namespace

Status LowerContext::Fill(const TensorRef& to, const void* value) {
  DOPPIO_RETURN_IF_ERROR(CheckWholeBytes(to.type));
  kernels::FillProblem problem = FillOf(to);
  std::memcpy(problem.value, value, static_cast<size_t>(problem.element_bytes));
  return Emit(ProblemKind::kFill, problem, {}, {to});
}

Status LowerContext::FillFrom(const TensorRef& to, const TensorRef& value) {
  DOPPIO_RETURN_IF_ERROR(CheckWholeBytes(to.type));
  kernels::FillProblem problem = FillOf(to);
  problem.from_input = true;
  return Emit(ProblemKind::kFill, problem, {value}, {to});
}

StatusOr<TensorRef> LowerContext::RowMajor(const TensorRef& tensor) {
  if (IsRowMajor(tensor)) return tensor;
  DOPPIO_ASSIGN_OR_RETURN(TensorRef copy, Temporary(tensor.type, tensor.dims));
  DOPPIO_RETURN_IF_ERROR(Copy(tensor, copy));
  return copy;
}

StatusOr<TensorRef> LowerContext::ChannelsLast(const TensorRef& tensor) {
  if (IsChannelsLast(tensor)) return tensor;
  const Dims strides = ChannelsLastStrides(tensor.dims);
  DOPPIO_ASSIGN_OR_RETURN(TensorRef copy, Temporary(tensor.type, tensor.dims, &strides));
  DOPPIO_RETURN_IF_ERROR(Copy(tensor, copy));
  return copy;
}

}  // namespace doppio::operators
