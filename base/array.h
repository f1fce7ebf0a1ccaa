// Array: a growable sequence whose growth can fail, for lengths that come from files and shapes.
// std::vector would end the process there, since doppio is built without exceptions.
#pragma once

#include <doppio/status.h>

#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

#include "base/memory.h"

namespace doppio::base {

// Owns its elements. Elements move when it grows, so T must be movable without failing.
template <class T>
class Array {
 public:
  Array() = default;
  Array(Array&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  Array& operator=(Array&& other) noexcept {
    if (this != &other) {
      this->~Array();
      new (this) Array(std::move(other));
    }
    return *this;
  }
  ~Array() {
    clear();
    Deallocate(data_);
  }

  // Makes room for `capacity` elements in all.
  Status Reserve(size_t capacity) {
    if (capacity <= capacity_) return {};
    if (capacity > PTRDIFF_MAX / sizeof(T)) return OutOfMemory("array too long");
    if constexpr (std::is_trivially_copyable_v<T>) {
      void* grown = Reallocate(data_, capacity * sizeof(T));
      if (grown == nullptr) return OutOfMemory("no memory for an array");
      data_ = static_cast<T*>(grown);
    } else {
      T* grown = static_cast<T*>(Reallocate(nullptr, capacity * sizeof(T)));
      if (grown == nullptr) return OutOfMemory("no memory for an array");
      for (size_t i = 0; i < size_; ++i) {
        new (grown + i) T(std::move(data_[i]));
        data_[i].~T();
      }
      Deallocate(data_);
      data_ = grown;
    }
    capacity_ = capacity;
    return {};
  }

  Status Append(T value) {
    if (size_ == capacity_) DOPPIO_RETURN_IF_ERROR(Reserve(capacity_ < 4 ? 4 : capacity_ * 2));
    new (data_ + size_++) T(std::move(value));
    return {};
  }

  // New elements are value-initialised.
  Status Resize(size_t size) {
    DOPPIO_RETURN_IF_ERROR(Reserve(size));
    while (size_ > size) data_[--size_].~T();
    while (size_ < size) new (data_ + size_++) T();
    return {};
  }

  Status Assign(std::span<const T> values) {
    clear();
    DOPPIO_RETURN_IF_ERROR(Reserve(values.size()));
    for (const T& value : values) new (data_ + size_++) T(value);
    return {};
  }

  // Appends copies of `values`, which must not be elements of this array.
  Status AppendAll(std::span<const T> values) {
    const size_t needed = size_ + values.size();
    if (needed > capacity_) {
      DOPPIO_RETURN_IF_ERROR(Reserve(needed > 2 * capacity_ ? needed : 2 * capacity_));
    }
    for (const T& value : values) new (data_ + size_++) T(value);
    return {};
  }

  void clear() {
    while (size_ > 0) data_[--size_].~T();
  }
  void pop_back() { data_[--size_].~T(); }
  // Removes element `at`, keeping the order.
  void Erase(size_t at) {
    for (size_t i = at; i + 1 < size_; ++i) data_[i] = std::move(data_[i + 1]);
    pop_back();
  }
  void swap(Array& other) {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T* data() { return data_; }
  const T* data() const { return data_; }
  T& operator[](size_t i) { return data_[i]; }
  const T& operator[](size_t i) const { return data_[i]; }
  T& back() { return data_[size_ - 1]; }
  const T& back() const { return data_[size_ - 1]; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }
  operator std::span<const T>() const { return {data_, size_}; }  // NOLINT: implicit on purpose
  std::span<const T> span() const { return {data_, size_}; }
  std::span<T> span() { return {data_, size_}; }

 private:
  T* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace doppio::base
