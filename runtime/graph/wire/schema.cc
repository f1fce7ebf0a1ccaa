#include "runtime/graph/wire/schema.h"

namespace doppio::graph::wire {
namespace {

struct TypeRow {
  int32_t caffe2;
  ElementType element;
};

constexpr TypeRow kTypes[] = {
    {1, ElementType::kFloat},    {2, ElementType::kInt32},   {4, ElementType::kString},
    {5, ElementType::kBool},     {6, ElementType::kUint8},   {7, ElementType::kInt8},
    {8, ElementType::kUint16},   {9, ElementType::kInt16},   {10, ElementType::kInt64},
    {12, ElementType::kFloat16}, {13, ElementType::kDouble}, {3, ElementType::kUint8},
};

}  // namespace

int32_t Caffe2DataType(ElementType type) {
  for (const TypeRow& row : kTypes) {
    if (row.element == type) return row.caffe2;
  }
  return 0;
}

ElementType FromCaffe2DataType(int64_t data_type) {
  for (const TypeRow& row : kTypes) {
    if (row.caffe2 == data_type) return row.element;
  }
  return ElementType::kUndefined;
}

}  // namespace doppio::graph::wire
