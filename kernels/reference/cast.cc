#include "base/float8.h"
#include "kernels/problems/elementwise.h"
#include "kernels/reference/element_dispatch.h"
#include "kernels/reference/families.h"
#include "kernels/reference/strided_walk.h"

namespace doppio::kernels::reference {
namespace {

// A value on its way between two types, held without loss.
struct Scalar {
  enum Kind : uint8_t { kDouble, kSigned, kUnsigned } kind;
  double real = 0;
  int64_t integer = 0;  // kUnsigned: its bits
};

Scalar MakeReal(double value) { return {.kind = Scalar::kDouble, .real = value}; }
Scalar MakeSigned(int64_t value) { return {.kind = Scalar::kSigned, .integer = value}; }
Scalar MakeUnsigned(uint64_t value) {
  return {.kind = Scalar::kUnsigned, .integer = static_cast<int64_t>(value)};
}

// Element i of an array of 2 or 4 bit elements, the first in the low bits of its byte.
unsigned LoadPacked(const void* x, int64_t i, int bits) {
  const int per_byte = 8 / bits;
  const unsigned byte = static_cast<const uint8_t*>(x)[i / per_byte];
  return (byte >> (i % per_byte * bits)) & ((1u << bits) - 1);
}
// Elements come in order: what stands behind element i in its byte becomes 0, which is what the
// last byte is filled up with.
void StorePacked(void* y, int64_t i, int bits, unsigned value) {
  const int per_byte = 8 / bits;
  const int shift = static_cast<int>(i % per_byte) * bits;
  uint8_t* byte = static_cast<uint8_t*>(y) + i / per_byte;
  const unsigned before = *byte & ((1u << shift) - 1);
  *byte = static_cast<uint8_t>(before | (value & ((1u << bits) - 1)) << shift);
}

int64_t SignExtend(unsigned value, int bits) {
  const unsigned sign = 1u << (bits - 1);
  return static_cast<int64_t>(value ^ sign) - static_cast<int64_t>(sign);
}

using LoadFunction = Scalar (*)(const void* x, int64_t i);
using StoreFunction = void (*)(const CastProblem& p, void* y, int64_t i, const Scalar& value);

template <class T>
Scalar LoadAs(const void* x, int64_t i) {
  const auto value = Load(static_cast<const T*>(x), i);
  if constexpr (kIsFloat<T>) {
    return MakeReal(value);
  } else if constexpr (std::is_signed_v<T>) {
    return MakeSigned(value);
  } else {
    return MakeUnsigned(value);
  }
}
template <class T>
Scalar LoadFloat8(const void* x, int64_t i) {
  return MakeReal(base::ToFloat(static_cast<const T*>(x)[i]));
}
template <int kBits>
Scalar LoadPackedSigned(const void* x, int64_t i) {
  return MakeSigned(SignExtend(LoadPacked(x, i, kBits), kBits));
}
template <int kBits>
Scalar LoadPackedUnsigned(const void* x, int64_t i) {
  return MakeUnsigned(LoadPacked(x, i, kBits));
}
Scalar LoadFloat4(const void* x, int64_t i) {
  return MakeReal(
      base::DecodeSmallFloat(static_cast<uint16_t>(LoadPacked(x, i, 4)), base::kFloat4E2M1Format));
}

// The value as a double that rounds to any narrower float as the value itself does: integers of
// more than 53 bits are cut with the lost bits gathered in the last one (round to odd).
double AsReal(const Scalar& value) {
  if (value.kind == Scalar::kDouble) return value.real;
  const bool negative = value.kind == Scalar::kSigned && value.integer < 0;
  uint64_t magnitude = static_cast<uint64_t>(value.integer);
  if (negative) magnitude = 0 - magnitude;
  if (magnitude >> 53 != 0) {
    const uint64_t lost = magnitude & 2047;
    magnitude = (magnitude & ~uint64_t{2047}) | (lost != 0 ? uint64_t{2048} : 0);
  }
  const auto real = static_cast<double>(magnitude);
  return negative ? -real : real;
}

template <class T>
void StoreAs(const CastProblem&, void* y, int64_t i, const Scalar& value) {
  auto* out = static_cast<T*>(y) + i;
  if constexpr (std::is_same_v<T, bool>) {
    *out = value.kind == Scalar::kDouble ? value.real != 0 : value.integer != 0;
  } else if constexpr (std::is_same_v<T, double>) {
    *out = value.kind == Scalar::kDouble ? value.real
           : value.kind == Scalar::kSigned
               ? static_cast<double>(value.integer)
               : static_cast<double>(static_cast<uint64_t>(value.integer));
  } else if constexpr (kIsFloat<T>) {
    Store(out, 0, AsReal(value));
  } else {
    *out = value.kind == Scalar::kDouble ? Saturate<T>(value.real) : static_cast<T>(value.integer);
  }
}

base::Overflow OverflowOf(const CastProblem& p) {
  return p.saturate ? base::Overflow::kSaturate : base::Overflow::kSpecial;
}

template <class T>
void StoreFloat8(const CastProblem& p, void* y, int64_t i, const Scalar& value) {
  static_cast<T*>(y)[i] = base::ToFloat8<T>(AsReal(value), OverflowOf(p));
}
void StoreFloat8E8M0(const CastProblem& p, void* y, int64_t i, const Scalar& value) {
  static_cast<base::Float8E8M0*>(y)[i] =
      base::ToFloat8E8M0(AsReal(value), p.power_rounding, OverflowOf(p));
}
void StoreFloat4(const CastProblem&, void* y, int64_t i, const Scalar& value) {
  const double real = AsReal(value);
  StorePacked(y, i, 4,
              base::EncodeSmallFloat(std::isnan(real) ? -0.0 : real, base::kFloat4E2M1Format,
                                     base::Overflow::kSaturate));
}

template <int kBits>
void StorePackedInteger(const CastProblem&, void* y, int64_t i, const Scalar& value) {
  const int64_t integer =
      value.kind == Scalar::kDouble ? Saturate<int64_t>(value.real) : value.integer;
  StorePacked(y, i, kBits, static_cast<unsigned>(integer & 0xFF));
}

struct TypeRow {
  ElementType type;
  LoadFunction load;
  StoreFunction store;
};

template <class T>
constexpr TypeRow Plain() {
  return {kElementTypeOf<T>, LoadAs<T>, StoreAs<T>};
}

constexpr TypeRow kTypes[] = {
    Plain<float>(),
    Plain<double>(),
    Plain<Float16>(),
    Plain<BFloat16>(),
    Plain<bool>(),
    Plain<int8_t>(),
    Plain<int16_t>(),
    Plain<int32_t>(),
    Plain<int64_t>(),
    Plain<uint8_t>(),
    Plain<uint16_t>(),
    Plain<uint32_t>(),
    Plain<uint64_t>(),
    {ElementType::kFloat8E4M3FN, LoadFloat8<base::Float8E4M3FN>, StoreFloat8<base::Float8E4M3FN>},
    {ElementType::kFloat8E4M3FNUZ, LoadFloat8<base::Float8E4M3FNUZ>,
     StoreFloat8<base::Float8E4M3FNUZ>},
    {ElementType::kFloat8E5M2, LoadFloat8<base::Float8E5M2>, StoreFloat8<base::Float8E5M2>},
    {ElementType::kFloat8E5M2FNUZ, LoadFloat8<base::Float8E5M2FNUZ>,
     StoreFloat8<base::Float8E5M2FNUZ>},
    {ElementType::kFloat8E8M0, LoadFloat8<base::Float8E8M0>, StoreFloat8E8M0},
    {ElementType::kFloat4E2M1, LoadFloat4, StoreFloat4},
    {ElementType::kInt4, LoadPackedSigned<4>, StorePackedInteger<4>},
    {ElementType::kUint4, LoadPackedUnsigned<4>, StorePackedInteger<4>},
    {ElementType::kInt2, LoadPackedSigned<2>, StorePackedInteger<2>},
    {ElementType::kUint2, LoadPackedUnsigned<2>, StorePackedInteger<2>},
};

const TypeRow* FindType(ElementType type) {
  for (const TypeRow& row : kTypes) {
    if (row.type == type) return &row;
  }
  return nullptr;
}

bool Supports(const void* problem) {
  const auto& p = *static_cast<const CastProblem*>(problem);
  return FindType(p.x_type) != nullptr && FindType(p.y_type) != nullptr;
}

// A unit is kUnitElements elements; packed outputs, whose elements share bytes, are one unit.
int64_t Units(const void* problem, int) {
  const auto& p = *static_cast<const CastProblem*>(problem);
  const int64_t units = ElementUnits(CountElements(p.rank, p.dims));
  return ElementBits(p.y_type) < 8 && units > 0 ? 1 : units;
}

StepStatus Run(const void* problem, int, Range range, const Operands& operands, void*) {
  const auto& p = *static_cast<const CastProblem*>(problem);
  const int64_t count = CountElements(p.rank, p.dims);
  const bool packed = ElementBits(p.y_type) < 8;
  if (range.begin >= range.end) return {};
  const Range elements = packed ? Range{0, count} : ElementsOf(range, count);
  const TypeRow *from = FindType(p.x_type), *to = FindType(p.y_type);
  StridedWalk<2> at(p.rank, p.dims, elements.begin, p.x_strides, p.y_strides);
  for (int64_t i = elements.begin; i < elements.end; ++i, at.Next()) {
    to->store(p, operands.out[0], at[1], from->load(operands.in[0], at[0]));
  }
  return {};
}

constexpr Kernel kRows[] = {
    {.name = "cast_reference",
     .kind = ProblemKind::kCast,
     .engine = Engine::kReference,
     .supports = Supports,
     .phases = 1,
     .units = Units,
     .run = Run},
};

}  // namespace

std::span<const Kernel> CastRows() { return kRows; }

}  // namespace doppio::kernels::reference
