#include "runtime/graph/wire/pull_parser.h"

#include <cstring>

namespace doppio::graph::wire {
namespace {

// Little-endian loads that work on any host.
uint64_t LoadLittleEndian(const uint8_t* bytes, int count) {
  uint64_t value = 0;
  for (int i = 0; i < count; ++i) value |= static_cast<uint64_t>(bytes[i]) << (8 * i);
  return value;
}

}  // namespace

float Field::as_float() const {
  const auto bits = static_cast<uint32_t>(number_value);
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

bool ReadVarint(const uint8_t** at, const uint8_t* end, uint64_t* value) {
  uint64_t result = 0;
  const uint8_t* p = *at;
  for (int shift = 0; shift < 70; shift += 7) {
    if (p == end) return false;
    const uint8_t byte = *p++;
    result |= static_cast<uint64_t>(byte & 0x7F) << (shift < 64 ? shift : 63);
    if ((byte & 0x80) == 0) {
      *at = p;
      *value = result;
      return true;
    }
  }
  return false;
}

bool PullParser::Next(Field* field) {
  if (failed_ || at_ == end_) return false;
  const uint8_t* const field_begin = at_;
  uint64_t tag = 0;
  if (!ReadVarint(&at_, end_, &tag) || tag >> 32 != 0 || tag >> 3 == 0) return Fail();
  field->number = static_cast<uint32_t>(tag >> 3);
  field->bytes = {};
  field->number_value = 0;
  const auto left = [&] { return static_cast<uint64_t>(end_ - at_); };
  switch (tag & 7) {
    case 0:
      field->type = WireType::kVarint;
      if (!ReadVarint(&at_, end_, &field->number_value)) return Fail();
      break;
    case 1:
    case 5: {
      const int size = (tag & 7) == 1 ? 8 : 4;
      field->type = static_cast<WireType>(tag & 7);
      if (left() < static_cast<uint64_t>(size)) return Fail();
      field->number_value = LoadLittleEndian(at_, size);
      at_ += size;
      break;
    }
    case 2: {
      uint64_t size = 0;
      field->type = WireType::kBytes;
      if (!ReadVarint(&at_, end_, &size) || size > left()) return Fail();
      field->bytes = {at_, static_cast<size_t>(size)};
      at_ += size;
      break;
    }
    default:  // groups went out of use before these formats began
      return Fail();
  }
  field->raw = {field_begin, static_cast<size_t>(at_ - field_begin)};
  return true;
}

}  // namespace doppio::graph::wire
