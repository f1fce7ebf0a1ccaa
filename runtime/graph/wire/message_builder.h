// MessageBuilder: bytes of one protobuf message, with growth that can fail. Errors are kept and
// told once, by status(), so that encoding code stays a list of fields.
#pragma once

#include <doppio/status.h>

#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "base/array.h"
#include "runtime/graph/wire/pull_parser.h"

namespace doppio::graph::wire {

constexpr size_t VarintBytes(uint64_t value) {
  size_t bytes = 1;
  while (value >= 0x80) {
    value >>= 7;
    ++bytes;
  }
  return bytes;
}

class MessageBuilder {
 public:
  void Varint(uint64_t value) {
    uint8_t bytes[10];
    size_t count = 0;
    while (value >= 0x80) {
      bytes[count++] = static_cast<uint8_t>(value | 0x80);
      value >>= 7;
    }
    bytes[count++] = static_cast<uint8_t>(value);
    Raw({bytes, count});
  }
  void Tag(uint32_t field, WireType type) {
    Varint(static_cast<uint64_t>(field) << 3 | static_cast<uint64_t>(type));
  }
  void Int(uint32_t field, int64_t value) {
    Tag(field, WireType::kVarint);
    Varint(static_cast<uint64_t>(value));
  }
  void Float(uint32_t field, float value) {
    uint8_t bytes[sizeof(float)];
    std::memcpy(bytes, &value, sizeof(float));
    Tag(field, WireType::kFixed32);
    Raw({bytes, sizeof(float)});
  }
  void Bytes(uint32_t field, std::span<const uint8_t> bytes) {
    Tag(field, WireType::kBytes);
    Varint(bytes.size());
    Raw(bytes);
  }
  void Text(uint32_t field, std::string_view text) {
    Bytes(field, {reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  }
  // Text() unless empty: proto2's optional strings are left out.
  void OptionalText(uint32_t field, std::string_view text) {
    if (!text.empty()) Text(field, text);
  }
  void Message(uint32_t field, const MessageBuilder& message) {
    status_ok_ = status_ok_ && message.status_ok_;
    Bytes(field, message.bytes());
  }
  void PackedInts(uint32_t field, std::span<const int64_t> values) {
    if (values.empty()) return;
    MessageBuilder run;
    for (int64_t value : values) run.Varint(static_cast<uint64_t>(value));
    Message(field, run);
  }
  void PackedFloats(uint32_t field, std::span<const float> values) {
    if (values.empty()) return;
    Bytes(field, {reinterpret_cast<const uint8_t*>(values.data()), values.size_bytes()});
  }
  void Raw(std::span<const uint8_t> bytes) {
    status_ok_ = status_ok_ && bytes_.AppendAll(bytes).ok();
  }
  void Raw(std::string_view bytes) {
    Raw({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
  }

  std::span<const uint8_t> bytes() const { return bytes_.span(); }
  size_t size() const { return bytes_.size(); }
  Status status() const { return status_ok_ ? Status() : OutOfMemory("no memory for a message"); }

 private:
  base::Array<uint8_t> bytes_;
  bool status_ok_ = true;
};

}  // namespace doppio::graph::wire
