// Det of ONNX.
#include <algorithm>
#include <cmath>

#include "base/message.h"
#include "runtime/operators/call_context.h"
#include "runtime/operators/infer_context.h"
#include "runtime/operators/rows.h"

namespace doppio::operators {
namespace {

using base::Cat;

Status InferDet(InferContext& c) {
  const ValueFacts& x = c.input(0);
  if (x.type != ElementType::kFloat && x.type != ElementType::kDouble) {
    return Unsupported(Cat("the determinant of ", c.Describe(0)));
  }
  if (!x.has_shape) {
    c.SetUnknownShape(0, x.type);
    return {};
  }
  const Shape& shape = x.shape;
  if (shape.rank < 2 || (shape[shape.rank - 1].known() && shape[shape.rank - 2].known() &&
                         !(shape[shape.rank - 1] == shape[shape.rank - 2]))) {
    return InvalidArgument(Cat(c.Describe(0), " holds no square matrices"));
  }
  Shape y = shape;
  y.rank -= 2;
  c.Set(0, x.type, y);
  return {};
}

// Gaussian elimination with partial pivoting; `a` [n, n] is used up.
double Determinant(double* a, int64_t n) {
  double product = 1;
  for (int64_t k = 0; k < n; ++k) {
    int64_t pivot = k;
    for (int64_t i = k + 1; i < n; ++i) {
      if (std::fabs(a[i * n + k]) > std::fabs(a[pivot * n + k])) pivot = i;
    }
    if (a[pivot * n + k] == 0) return 0;
    if (pivot != k) {
      std::swap_ranges(a + k * n, a + (k + 1) * n, a + pivot * n);
      product = -product;
    }
    product *= a[k * n + k];
    for (int64_t i = k + 1; i < n; ++i) {
      const double factor = a[i * n + k] / a[k * n + k];
      for (int64_t j = k; j < n; ++j) a[i * n + j] -= factor * a[k * n + j];
    }
  }
  return product;
}

template <class T>
Status FillDeterminants(const T* x, int64_t n, int64_t count, T* y) {
  base::Array<double> matrix;
  DOPPIO_RETURN_IF_ERROR(matrix.Resize(static_cast<size_t>(n * n)));
  for (int64_t i = 0; i < count; ++i) {
    std::copy(x + i * n * n, x + (i + 1) * n * n, matrix.begin());
    y[i] = static_cast<T>(Determinant(matrix.data(), n));
  }
  return {};
}

Status CallDet(CallContext& c) {
  const HostValue& x = *c.input(0);
  const int rank = x.dims.rank();
  if (rank < 2 || x.dims[rank - 1] != x.dims[rank - 2]) {
    return InvalidArgument(Cat("input 0 ", x.type, x.dims, " holds no square matrices"));
  }
  Dims dims;
  for (int i = 0; i + 2 < rank; ++i) dims.push_back(x.dims[i]);
  DOPPIO_ASSIGN_OR_RETURN(void* const data, c.SetTensor(0, x.type, dims));
  const int64_t n = x.dims[rank - 1], count = ElementCount(dims);
  if (x.type == ElementType::kDouble) {
    return FillDeterminants(x.as<double>(), n, count, static_cast<double*>(data));
  }
  return FillDeterminants(x.as<float>(), n, count, static_cast<float*>(data));
}

}  // namespace

const Operator kOnnxDet = {.domain = "ai.onnx",
                           .type = "Det",
                           .min_inputs = 1,
                           .max_inputs = 1,
                           .min_outputs = 1,
                           .max_outputs = 1,
                           .layout = LayoutTrait::kRowMajor,
                           .flags = kPlain,
                           .infer = InferDet,
                           .lower = nullptr,
                           .args = {},
                           .summary = "determinants of matrices",
                           .call = CallDet};

}  // namespace doppio::operators
