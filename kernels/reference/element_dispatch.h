// From an ElementType at run time to a C++ type at compile time, and the wide type each is computed
// in. Used by the reference rows only.
#pragma once

#include <doppio/tensor.h>

#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "base/half.h"
#include "kernels/kernel.h"

namespace doppio::kernels::reference {

using base::BFloat16;
using base::Float16;

template <class T>
inline constexpr ElementType kElementTypeOf = internal::kElementTypeOf<T>;
template <>
inline constexpr ElementType kElementTypeOf<Float16> = ElementType::kFloat16;
template <>
inline constexpr ElementType kElementTypeOf<BFloat16> = ElementType::kBFloat16;

template <class... Ts>
struct TypeList {};
template <class T>
struct TypeTag {
  using Type = T;
};
template <class... As, class... Bs>
constexpr TypeList<As..., Bs...> operator+(TypeList<As...>, TypeList<Bs...>) {
  return {};
}

inline constexpr TypeList<float, double, Float16, BFloat16> kFloatTypes;
inline constexpr TypeList<int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t>
    kIntegerTypes;
inline constexpr TypeList<bool> kBoolType;
inline constexpr auto kNumericTypes = kFloatTypes + kIntegerTypes;

template <class... Ts>
constexpr bool Contains(TypeList<Ts...>, ElementType type) {
  return ((kElementTypeOf<Ts> == type) || ...);
}

// visit(TypeTag<T>) for the T of `type`; its StepStatus is returned. Nothing when not in the list.
template <class... Ts, class Visitor>
StepStatus VisitType(TypeList<Ts...>, ElementType type, Visitor&& visit) {
  StepStatus status;
  (void)((kElementTypeOf<Ts> == type ? (status = visit(TypeTag<Ts>{}), true) : false) || ...);
  return status;
}

// The same for the number of bytes of an element whose value does not matter.
template <size_t kBytes>
struct Bytes {
  unsigned char bytes[kBytes];
};
constexpr bool IsElementBytes(int64_t bytes) {
  return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8 || bytes == 16;
}
template <class Visitor>
StepStatus VisitBytes(int64_t bytes, Visitor&& visit) {
  switch (bytes) {
    case 1:
      return visit(TypeTag<Bytes<1>>{});
    case 2:
      return visit(TypeTag<Bytes<2>>{});
    case 4:
      return visit(TypeTag<Bytes<4>>{});
    case 8:
      return visit(TypeTag<Bytes<8>>{});
    case 16:
      return visit(TypeTag<Bytes<16>>{});
    default:
      return {};
  }
}

template <class T>
inline constexpr bool kIsInteger = std::is_integral_v<T> && !std::is_same_v<T, bool>;
template <class T>
inline constexpr bool kIsFloat = !std::is_integral_v<T>;

// What a T is computed in: double, 64-bit integers, bool.
template <class T>
using Wide = std::conditional_t<
    kIsFloat<T>, double,
    std::conditional_t<std::is_same_v<T, bool>, bool,
                       std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>>>;

template <class T>
Wide<T> Load(const T* x, int64_t i) {
  if constexpr (std::is_same_v<T, Float16> || std::is_same_v<T, BFloat16>) {
    return base::ToFloat(x[i]);
  } else if constexpr (std::is_same_v<T, bool>) {
    return reinterpret_cast<const uint8_t*>(x)[i] != 0;  // any byte is taken, not only 0 and 1
  } else {
    return x[i];
  }
}

// Floats are rounded to nearest even, integers wrap.
template <class T>
void Store(T* y, int64_t i, Wide<T> value) {
  if constexpr (std::is_same_v<T, Float16>) {
    y[i] = base::ToFloat16(value);
  } else if constexpr (std::is_same_v<T, BFloat16>) {
    y[i] = base::ToBFloat16(value);
  } else {
    y[i] = static_cast<T>(value);
  }
}

// Integer arithmetic that wraps instead of being undefined; on doubles the plain operation.
template <class W>
W Add(W a, W b) {
  if constexpr (std::is_same_v<W, double>) return a + b;
  return static_cast<W>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
template <class W>
W Subtract(W a, W b) {
  if constexpr (std::is_same_v<W, double>) return a - b;
  return static_cast<W>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
template <class W>
W Multiply(W a, W b) {
  if constexpr (std::is_same_v<W, double>) return a * b;
  return static_cast<W>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}

// Truncated and held within T; NaN gives 0.
template <std::integral T>
T Saturate(double value) {
  if (std::isnan(value)) return 0;
  const double low = static_cast<double>(std::numeric_limits<T>::min());
  // max() + 1 is a power of two, hence exact.
  const double high = 2.0 * static_cast<double>(std::numeric_limits<T>::max() / 2 + 1);
  if (value <= low) return std::numeric_limits<T>::min();
  if (value >= high) return std::numeric_limits<T>::max();
  return static_cast<T>(value);
}

// The least and greatest finite values of T.
template <class T>
Wide<T> Highest() {
  if constexpr (std::is_same_v<T, Float16>) {
    return base::SmallFloatMax(base::kFloat16Format);
  } else if constexpr (std::is_same_v<T, BFloat16>) {
    return base::SmallFloatMax(base::kBFloat16Format);
  } else {
    return std::numeric_limits<T>::max();
  }
}
template <class T>
Wide<T> Lowest() {
  if constexpr (kIsFloat<T>) {
    return -Highest<T>();
  } else {
    return std::numeric_limits<T>::min();
  }
}

template <class T>
bool IsNan(T value) {
  if constexpr (std::is_same_v<T, double>) {
    return std::isnan(value);
  } else {
    return false;
  }
}

}  // namespace doppio::kernels::reference
