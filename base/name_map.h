// NameMap: from names to small values, with growth that can fail. Keys are borrowed.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/array.h"

namespace doppio::base {

// FNV-1a over 64 bits; good enough for names, and the same on every machine.
inline uint64_t HashName(std::string_view name) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash ^ (hash >> 29);
}

// Open addressing, at most half full. The keys' bytes outlive the map.
template <class T>
class NameMap {
 public:
  T* Find(std::string_view name) {
    if (slots_.empty()) return nullptr;
    Slot& slot = slots_[SlotOf(name)];
    return slot.used ? &slot.value : nullptr;
  }
  const T* Find(std::string_view name) const { return const_cast<NameMap*>(this)->Find(name); }

  // Adds or replaces.
  Status Set(std::string_view name, T value) {
    if (2 * (count_ + 1) > slots_.size()) DOPPIO_RETURN_IF_ERROR(Grow());
    Slot& slot = slots_[SlotOf(name)];
    if (!slot.used) {
      slot.used = true;
      slot.name = name;
      ++count_;
    }
    slot.value = value;
    return {};
  }

  size_t size() const { return count_; }

 private:
  struct Slot {
    std::string_view name;
    T value{};
    bool used = false;
  };

  // The slot that holds `name`, or the free one where it would go.
  size_t SlotOf(std::string_view name) const {
    const size_t mask = slots_.size() - 1;
    size_t i = HashName(name) & mask;
    while (slots_[i].used && slots_[i].name != name) i = (i + 1) & mask;
    return i;
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
      if (slot.used) slots_[SlotOf(slot.name)] = slot;
    }
    return {};
  }

  Array<Slot> slots_;
  size_t count_ = 0;
};

}  // namespace doppio::base
