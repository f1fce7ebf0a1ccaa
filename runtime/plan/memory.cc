#include "runtime/plan/memory.h"

#include <algorithm>

#include "base/array.h"
#include "base/checked.h"
#include "base/memory.h"
#include "base/message.h"

namespace doppio::plan {
namespace {

bool Meet(const Lifetime& a, const Lifetime& b) { return a.first <= b.last && b.first <= a.last; }

int64_t Rounded(int64_t bytes) {
  return static_cast<int64_t>(base::RoundUp(static_cast<size_t>(bytes), base::kAlignment));
}

}  // namespace

StatusOr<int64_t> PlaceBuffers(std::span<Lifetime> buffers) {
  base::Array<uint32_t> by_size, placed;  // placed: sorted by offset
  for (uint32_t i = 0; i < buffers.size(); ++i) {
    if (buffers[i].bytes > 0) DOPPIO_RETURN_IF_ERROR(by_size.Append(i));
  }
  std::sort(by_size.begin(), by_size.end(), [&](uint32_t a, uint32_t b) {
    return buffers[a].bytes != buffers[b].bytes ? buffers[a].bytes > buffers[b].bytes : a < b;
  });
  DOPPIO_RETURN_IF_ERROR(placed.Reserve(by_size.size()));
  int64_t arena = 0;
  for (uint32_t index : by_size) {
    Lifetime& buffer = buffers[index];
    int64_t offset = 0;
    size_t at = 0;
    for (size_t i = 0; i < placed.size(); ++i) {
      const Lifetime& other = buffers[placed[i]];
      if (!Meet(buffer, other)) continue;
      if (other.offset - offset >= buffer.bytes) break;
      offset = std::max(offset, other.offset + Rounded(other.bytes));
    }
    buffer.offset = offset;
    if (!base::CheckedAdd(offset, Rounded(buffer.bytes), &offset)) {
      return OutOfMemory("the intermediates are too large");
    }
    arena = std::max(arena, offset);
    DOPPIO_RETURN_IF_ERROR(placed.Append(index));
    for (at = placed.size() - 1; at > 0 && buffers[placed[at - 1]].offset > buffer.offset; --at) {
      std::swap(placed[at], placed[at - 1]);
    }
  }
  return arena;
}

bool NoOverlap(std::span<const Lifetime> buffers) {
  for (size_t i = 0; i < buffers.size(); ++i) {
    for (size_t j = i + 1; j < buffers.size(); ++j) {
      const Lifetime &a = buffers[i], &b = buffers[j];
      if (a.bytes == 0 || b.bytes == 0 || !Meet(a, b)) continue;
      if (a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes) return false;
    }
  }
  return true;
}

int64_t LowerBound(std::span<const Lifetime> buffers) {
  int64_t most = 0;
  for (const Lifetime& at : buffers) {  // the maximum is reached when some buffer begins
    int64_t sum = 0;
    for (const Lifetime& other : buffers) {
      if (other.first <= at.first && at.first <= other.last) sum += Rounded(other.bytes);
    }
    most = std::max(most, sum);
  }
  return most;
}

std::string ToAscii(std::span<const Lifetime> buffers) {
  int32_t last = 0;
  for (const Lifetime& buffer : buffers) last = std::max(last, buffer.last);
  std::string text;
  for (const Lifetime& buffer : buffers) {
    if (buffer.bytes == 0) continue;
    std::string row(static_cast<size_t>(last) + 1, '.');
    for (int32_t step = buffer.first; step <= buffer.last; ++step)
      row[static_cast<size_t>(step)] = '#';
    text += base::Cat(row, " ", buffer.offset, " + ", buffer.bytes, "\n");
  }
  return text;
}

}  // namespace doppio::plan
