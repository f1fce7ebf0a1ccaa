// ElementType, Dims and TensorView: how a caller describes a tensor. Knows nothing of the rest.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

namespace doppio {

// Every element type of ONNX, with ONNX's own numbers (TensorProto.DataType).
enum class ElementType : uint8_t {
  kUndefined = 0,
  kFloat = 1,
  kUint8 = 2,
  kInt8 = 3,
  kUint16 = 4,
  kInt16 = 5,
  kInt32 = 6,
  kInt64 = 7,
  kString = 8,
  kBool = 9,
  kFloat16 = 10,
  kDouble = 11,
  kUint32 = 12,
  kUint64 = 13,
  kComplex64 = 14,
  kComplex128 = 15,
  kBFloat16 = 16,
  kFloat8E4M3FN = 17,
  kFloat8E4M3FNUZ = 18,
  kFloat8E5M2 = 19,
  kFloat8E5M2FNUZ = 20,
  kUint4 = 21,
  kInt4 = 22,
  kFloat4E2M1 = 23,
  kFloat8E8M0 = 24,
  kUint2 = 25,
  kInt2 = 26,
};
inline constexpr int kElementTypeCount = 27;

// Bits of one element: 2 to 128; 0 for kUndefined; a string counts as one std::string_view.
int ElementBits(ElementType type);
// Lower-case name as numpy and ONNX say it: "float32", "int64", "bfloat16", "float8_e4m3fn".
const char* ElementName(ElementType type);
// The type of that name, or kUndefined.
ElementType ElementTypeFromName(std::string_view name);

// The greatest rank that any tensor may have.
inline constexpr int kMaxRank = 16;

// Up to kMaxRank sizes, held by value. Rank 0 is a scalar; a size may be 0.
class Dims {
 public:
  Dims() = default;
  Dims(std::initializer_list<int64_t> sizes) : Dims(std::span(sizes.begin(), sizes.size())) {}
  // At most kMaxRank sizes; the rest is dropped (callers check the rank first).
  explicit Dims(std::span<const int64_t> sizes) {
    for (int64_t size : sizes) push_back(size);
  }

  int rank() const { return rank_; }
  bool empty() const { return rank_ == 0; }
  int64_t operator[](int i) const {
    assert(i >= 0 && i < rank_);
    return sizes_[i];
  }
  int64_t& operator[](int i) {
    assert(i >= 0 && i < rank_);
    return sizes_[i];
  }
  const int64_t* begin() const { return sizes_; }
  const int64_t* end() const { return sizes_ + rank_; }
  std::span<const int64_t> span() const { return {sizes_, static_cast<size_t>(rank_)}; }

  // False (and nothing added) when the rank is kMaxRank already.
  bool push_back(int64_t size) {
    if (rank_ == kMaxRank) return false;
    sizes_[rank_++] = size;
    return true;
  }
  void insert(int at, int64_t size);
  void erase(int at);
  void clear() { rank_ = 0; }

  friend bool operator==(const Dims& a, const Dims& b) {
    if (a.rank_ != b.rank_) return false;
    for (int i = 0; i < a.rank_; ++i) {
      if (a.sizes_[i] != b.sizes_[i]) return false;
    }
    return true;
  }

 private:
  int64_t sizes_[kMaxRank] = {};
  int rank_ = 0;
};

// Number of elements, or -1 when a size is negative or the product does not fit 63 bits.
int64_t ElementCount(const Dims& dims);
// Bytes that `count` elements take; sub-byte types are packed, the last byte padded.
// -1 when it does not fit 63 bits.
int64_t StorageBytes(ElementType type, int64_t count);

// A row-major tensor in memory that somebody else owns; the view borrows it.
// String tensors hold an array of std::string_view.
struct TensorView {
  const void* data = nullptr;
  ElementType type = ElementType::kUndefined;
  Dims dims;

  template <class T>
  const T* as() const {
    return static_cast<const T*>(data);
  }
};

// What a value is: a tensor, a sequence of values, or an optional value (ONNX's types).
enum class ValueKind : uint8_t { kTensor, kSequence, kOptional };

// Any value in memory that somebody else owns.
struct ValueView {
  ValueKind kind = ValueKind::kTensor;
  // kTensor: the tensor; else only its type counts: that of the tensors inside.
  TensorView tensor;
  // kSequence: the elements; kOptional: one, or none where there is no value.
  std::vector<ValueView> elements;
};

// The same, writable: where a run should put an output.
struct MutableTensorView {
  void* data = nullptr;
  size_t bytes = 0;  // capacity
  ElementType type = ElementType::kUndefined;
  Dims dims;
};

namespace internal {
template <class T>
inline constexpr ElementType kElementTypeOf = ElementType::kUndefined;
template <>
inline constexpr ElementType kElementTypeOf<float> = ElementType::kFloat;
template <>
inline constexpr ElementType kElementTypeOf<double> = ElementType::kDouble;
template <>
inline constexpr ElementType kElementTypeOf<bool> = ElementType::kBool;
template <>
inline constexpr ElementType kElementTypeOf<int8_t> = ElementType::kInt8;
template <>
inline constexpr ElementType kElementTypeOf<int16_t> = ElementType::kInt16;
template <>
inline constexpr ElementType kElementTypeOf<int32_t> = ElementType::kInt32;
template <>
inline constexpr ElementType kElementTypeOf<int64_t> = ElementType::kInt64;
template <>
inline constexpr ElementType kElementTypeOf<uint8_t> = ElementType::kUint8;
template <>
inline constexpr ElementType kElementTypeOf<uint16_t> = ElementType::kUint16;
template <>
inline constexpr ElementType kElementTypeOf<uint32_t> = ElementType::kUint32;
template <>
inline constexpr ElementType kElementTypeOf<uint64_t> = ElementType::kUint64;
template <>
inline constexpr ElementType kElementTypeOf<std::string_view> = ElementType::kString;
}  // namespace internal

// A view of the caller's memory: `doppio::View(pixels, {1, 3, 224, 224})`. Borrows `data`.
template <class T>
TensorView View(const T* data, const Dims& dims) {
  static_assert(internal::kElementTypeOf<T> != ElementType::kUndefined, "no element type for T");
  return TensorView{data, internal::kElementTypeOf<T>, dims};
}

}  // namespace doppio
