// A small reproducible random number generator for cases (SplitMix64): the same on every machine.
#pragma once

#include <cstdint>

namespace doppio::tests {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    uint64_t z = state_ += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  // In [low, high], both included.
  int64_t Int(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(Next() % static_cast<uint64_t>(high - low + 1));
  }
  // In [low, high).
  double Real(double low, double high) {
    return low + (high - low) * static_cast<double>(Next() >> 11) * 0x1p-53;
  }
  bool Chance(int one_in) { return Int(1, one_in) == 1; }
  template <class T, int kCount>
  T Pick(const T (&choices)[kCount]) {
    return choices[Int(0, kCount - 1)];
  }

 private:
  uint64_t state_;
};

}  // namespace doppio::tests
