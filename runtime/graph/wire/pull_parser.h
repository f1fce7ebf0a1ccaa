// PullParser: reads the fields of one protobuf message from memory, one after the other, within
// bounds. 64-bit lengths, no allocation, no recursion; nested messages are spans for another
// PullParser.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace doppio::graph::wire {

enum class WireType : uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

struct Field {
  uint32_t number = 0;
  WireType type = WireType::kVarint;
  uint64_t number_value = 0;       // kVarint, kFixed64, kFixed32
  std::span<const uint8_t> bytes;  // kBytes: the payload, borrowed from the message
  std::span<const uint8_t> raw;    // tag and payload as they stand in the message

  std::string_view text() const {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  int64_t as_int64() const { return static_cast<int64_t>(number_value); }
  float as_float() const;
};

class PullParser {
 public:
  explicit PullParser(std::span<const uint8_t> message)
      : begin_(message.data()), at_(message.data()), end_(message.data() + message.size()) {}

  // The next field; false at the end of the message and on damage, which failed() tells apart.
  bool Next(Field* field);
  bool failed() const { return failed_; }
  // Bytes read so far, for messages.
  size_t offset() const { return static_cast<size_t>(at_ - begin_); }

 private:
  bool Fail() {
    failed_ = true;
    return false;
  }

  const uint8_t* begin_;
  const uint8_t* at_;
  const uint8_t* end_;
  bool failed_ = false;
};

// Reads one varint of at most 10 bytes at *at; false when it runs past `end` or is longer.
bool ReadVarint(const uint8_t** at, const uint8_t* end, uint64_t* value);

}  // namespace doppio::graph::wire
