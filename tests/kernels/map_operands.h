// Operands that are feature maps or arrays of floats, filled with reproducible values.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/problems/conv.h"
#include "tests/kernels/random.h"

namespace doppio::tests {

// Integers make every sum exact, whatever its order; reals are in [-1, 1).
enum class Data { kIntegers, kReals };

struct MapSize {
  int64_t n, c, d, h, w;
};

// A map in its own memory; the gaps that strides leave are NaN.
std::vector<float> RandomMap(const MapSize& size, const kernels::MapStrides& strides, Data data,
                             Random* random);
// Elements from the first to the last of a map.
int64_t MapExtent(const MapSize& size, const kernels::MapStrides& strides);

std::vector<float> RandomFloats(int64_t count, Data data, Random* random);

std::vector<float> AbsoluteValues(std::vector<float> values);

// The greatest value; NaNs are passed over.
float Greatest(const std::vector<float>& values);

}  // namespace doppio::tests
