#include <doppio/tensor.h>

#include "base/checked.h"

namespace doppio {
namespace {

struct ElementRow {
  const char* name;
  int bits;
};

constexpr ElementRow kElements[kElementTypeCount] = {
    {"undefined", 0},
    {"float32", 32},
    {"uint8", 8},
    {"int8", 8},
    {"uint16", 16},
    {"int16", 16},
    {"int32", 32},
    {"int64", 64},
    {"string", 8 * static_cast<int>(sizeof(std::string_view))},
    {"bool", 8},
    {"float16", 16},
    {"float64", 64},
    {"uint32", 32},
    {"uint64", 64},
    {"complex64", 64},
    {"complex128", 128},
    {"bfloat16", 16},
    {"float8_e4m3fn", 8},
    {"float8_e4m3fnuz", 8},
    {"float8_e5m2", 8},
    {"float8_e5m2fnuz", 8},
    {"uint4", 4},
    {"int4", 4},
    {"float4_e2m1", 4},
    {"float8_e8m0", 8},
    {"uint2", 2},
    {"int2", 2},
};

const ElementRow& Row(ElementType type) {
  const int index = static_cast<int>(type);
  return kElements[index < kElementTypeCount ? index : 0];
}

}  // namespace

int ElementBits(ElementType type) { return Row(type).bits; }

const char* ElementName(ElementType type) { return Row(type).name; }

ElementType ElementTypeFromName(std::string_view name) {
  for (int i = 1; i < kElementTypeCount; ++i) {
    if (name == kElements[i].name) return static_cast<ElementType>(i);
  }
  return ElementType::kUndefined;
}

void Dims::insert(int at, int64_t size) {
  if (!push_back(size)) return;
  for (int i = rank_ - 1; i > at; --i) sizes_[i] = sizes_[i - 1];
  sizes_[at] = size;
}

void Dims::erase(int at) {
  for (int i = at; i + 1 < rank_; ++i) sizes_[i] = sizes_[i + 1];
  --rank_;
}

int64_t ElementCount(const Dims& dims) {
  // A zero anywhere makes the tensor empty, however large the other sizes are.
  bool empty = false;
  for (int64_t size : dims) {
    if (size < 0) return -1;
    empty |= size == 0;
  }
  if (empty) return 0;
  int64_t count = 1;
  for (int64_t size : dims) {
    if (!base::CheckedMul(count, size, &count)) return -1;
  }
  return count;
}

int64_t StorageBytes(ElementType type, int64_t count) {
  int64_t bits = 0;
  if (count < 0 || !base::CheckedMul(count, int64_t{ElementBits(type)}, &bits)) return -1;
  if (!base::CheckedAdd(bits, int64_t{7}, &bits)) return -1;
  return bits / 8;
}

}  // namespace doppio
