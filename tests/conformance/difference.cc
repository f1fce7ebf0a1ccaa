// ONNX's rule for equal answers: same type, same shape, numpy's assert_allclose; strings and
// integers exactly.
#include <cmath>
#include <cstring>

#include "base/float8.h"
#include "base/half.h"
#include "base/message.h"
#include "base/small_float.h"
#include "tests/conformance/test_data.h"

namespace doppio::conformance {
namespace {

using base::Cat;

template <class T>
double At(const TensorView& tensor, int64_t i) {
  return static_cast<double>(base::ToFloat(tensor.as<T>()[i]));
}

double NumberAt(const TensorView& tensor, int64_t i) {
  switch (tensor.type) {
    case ElementType::kFloat:
      return static_cast<double>(tensor.as<float>()[i]);
    case ElementType::kDouble:
      return tensor.as<double>()[i];
    case ElementType::kFloat16:
      return At<base::Float16>(tensor, i);
    case ElementType::kBFloat16:
      return At<base::BFloat16>(tensor, i);
    default:
      return std::nan("");
  }
}

bool IsFloat(ElementType type) {
  return type == ElementType::kFloat || type == ElementType::kDouble ||
         type == ElementType::kFloat16 || type == ElementType::kBFloat16;
}

bool Close(double got, double wanted, const Tolerance& tolerance) {
  if (std::isnan(wanted) || std::isnan(got)) return std::isnan(wanted) == std::isnan(got);
  if (std::isinf(wanted) || std::isinf(got)) return wanted == got;
  return std::fabs(got - wanted) <= tolerance.atol + tolerance.rtol * std::fabs(wanted);
}

std::string TensorDifference(const TensorView& got, const TensorView& wanted,
                             const Tolerance& tolerance) {
  if (got.type != wanted.type) return Cat("type ", got.type, ", expected ", wanted.type);
  if (!(got.dims == wanted.dims)) return Cat("shape ", got.dims, ", expected ", wanted.dims);
  const int64_t count = ElementCount(wanted.dims);
  int64_t wrong = 0, first = -1;
  const auto check = [&](int64_t i, bool equal) {
    if (equal) return;
    if (wrong++ == 0) first = i;
  };
  if (wanted.type == ElementType::kString) {
    for (int64_t i = 0; i < count; ++i) {
      check(i, got.as<std::string_view>()[i] == wanted.as<std::string_view>()[i]);
    }
  } else if (IsFloat(wanted.type)) {
    for (int64_t i = 0; i < count; ++i) {
      check(i, Close(NumberAt(got, i), NumberAt(wanted, i), tolerance));
    }
  } else if (wanted.type == ElementType::kComplex64) {
    TensorView a = got, b = wanted;
    a.type = b.type = ElementType::kFloat;
    for (int64_t i = 0; i < 2 * count; ++i) {
      check(i / 2, Close(NumberAt(a, i), NumberAt(b, i), tolerance));
    }
  } else {
    const int64_t bytes = StorageBytes(wanted.type, count);
    for (int64_t i = 0; i < bytes; ++i) check(i, got.as<uint8_t>()[i] == wanted.as<uint8_t>()[i]);
  }
  if (wrong == 0) return "";
  if (!IsFloat(wanted.type)) return Cat(wrong, " of ", count, " differ, the first at ", first);
  return Cat(wrong, " of ", count, " differ, the first at ", first, ": ", NumberAt(got, first),
             ", expected ", NumberAt(wanted, first));
}

}  // namespace

std::string Difference(const ValueView& got, const ValueView& wanted, const Tolerance& tolerance) {
  // An optional that has a value and the value are one, as in ONNX's own runner.
  if (wanted.kind == ValueKind::kOptional && got.kind != ValueKind::kOptional) {
    return wanted.elements.empty() ? "a value, expected none"
                                   : Difference(got, wanted.elements[0], tolerance);
  }
  if (got.kind != wanted.kind) return "a value of another kind";
  if (wanted.kind == ValueKind::kTensor) {
    return TensorDifference(got.tensor, wanted.tensor, tolerance);
  }
  if (got.elements.size() != wanted.elements.size()) {
    return Cat(got.elements.size(), " elements, expected ", wanted.elements.size());
  }
  for (size_t i = 0; i < wanted.elements.size(); ++i) {
    const std::string difference = Difference(got.elements[i], wanted.elements[i], tolerance);
    if (!difference.empty()) return Cat("element ", i, ": ", difference);
  }
  return "";
}

}  // namespace doppio::conformance
