// HashIndex: finds elements of a list by the hash of their content. The list is the caller's.
#pragma once

#include <cstdint>

#include "base/array.h"

namespace doppio::base {

// One step of FNV-1a over whole numbers.
inline uint64_t HashNumber(uint64_t hash, uint64_t number) {
  hash = (hash ^ number) * 0x100000001b3u;
  return hash ^ (hash >> 29);
}
inline constexpr uint64_t kHashBegin = 0xcbf29ce484222325u;

// Open addressing, at most half full; positions in the list with their hashes.
class HashIndex {
 public:
  // The first position of that hash for which same(position) holds, or -1.
  template <class Same>
  int64_t Find(uint64_t hash, Same same) const {
    if (slots_.empty()) return -1;
    const size_t mask = slots_.size() - 1;
    for (size_t i = hash & mask; slots_[i].position >= 0; i = (i + 1) & mask) {
      if (slots_[i].hash == hash && same(static_cast<size_t>(slots_[i].position))) {
        return slots_[i].position;
      }
    }
    return -1;
  }

  Status Add(uint64_t hash, size_t position) {
    if (2 * (count_ + 1) > slots_.size()) DOPPIO_RETURN_IF_ERROR(Grow());
    Put({hash, static_cast<int64_t>(position)});
    ++count_;
    return {};
  }

 private:
  struct Slot {
    uint64_t hash = 0;
    int64_t position = -1;
  };

  void Put(const Slot& slot) {
    const size_t mask = slots_.size() - 1;
    size_t i = slot.hash & mask;
    while (slots_[i].position >= 0) i = (i + 1) & mask;
    slots_[i] = slot;
  }

  Status Grow() {
    Array<Slot> old;
    old.swap(slots_);
    const Status status = slots_.Resize(old.empty() ? 16 : old.size() * 2);
    if (!status.ok()) {
      old.swap(slots_);
      return status;
    }
    for (const Slot& slot : old) {
      if (slot.position >= 0) Put(slot);
    }
    return {};
  }

  Array<Slot> slots_;
  size_t count_ = 0;
};

}  // namespace doppio::base
