#include "tests/kernels/map_operands.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace doppio::tests {
namespace {

float RandomFloat(Data data, Random* random) {
  return data == Data::kIntegers ? static_cast<float>(random->Int(-3, 3))
                                 : static_cast<float>(random->Real(-1, 1));
}

}  // namespace

int64_t MapExtent(const MapSize& size, const kernels::MapStrides& s) {
  if (size.n == 0 || size.c == 0 || size.d == 0 || size.h == 0 || size.w == 0) return 0;
  return 1 + (size.n - 1) * s.n + (size.c - 1) * s.c + (size.d - 1) * s.d + (size.h - 1) * s.h +
         (size.w - 1) * s.w;
}

std::vector<float> RandomMap(const MapSize& size, const kernels::MapStrides& s, Data data,
                             Random* random) {
  std::vector<float> map(static_cast<size_t>(MapExtent(size, s)));
  if (map.empty()) return map;
  std::memset(map.data(), 0xFF, map.size() * sizeof(float));
  for (int64_t n = 0; n < size.n; ++n) {
    for (int64_t c = 0; c < size.c; ++c) {
      for (int64_t d = 0; d < size.d; ++d) {
        for (int64_t h = 0; h < size.h; ++h) {
          for (int64_t w = 0; w < size.w; ++w) {
            map[static_cast<size_t>(n * s.n + c * s.c + d * s.d + h * s.h + w * s.w)] =
                RandomFloat(data, random);
          }
        }
      }
    }
  }
  return map;
}

std::vector<float> RandomFloats(int64_t count, Data data, Random* random) {
  std::vector<float> values;
  for (int64_t i = 0; i < count; ++i) values.push_back(RandomFloat(data, random));
  return values;
}

std::vector<float> AbsoluteValues(std::vector<float> values) {
  for (float& value : values) {
    if (!std::isnan(value)) value = std::fabs(value);  // the gaps keep their bits
  }
  return values;
}

float Greatest(const std::vector<float>& values) {
  float greatest = 0;
  for (float value : values) {
    if (value > greatest) greatest = value;
  }
  return greatest;
}

}  // namespace doppio::tests
