// OpenCV's resizeGeneric for uint8 and INTER_LINEAR restated: weights of 11 bits; rows to 32-bit
// sums, then pairs of rows, with the truncations of its SIMD code (which its plain code repeats).
// Its special path for an exact 2:1, the mean of four pixels, gives the same values.
#include <algorithm>
#include <cmath>
#include <cstddef>

#include "vision/resize.h"

namespace doppio::vision {
namespace {

constexpr float kWeightOne = 2048;

struct Tap {
  int first = 0, second = 0;  // source pixels
  int first_weight = 0, second_weight = 0;
};

enum class Axis { kHorizontal, kVertical };

// Beyond the edge the horizontal axis gives the edge pixel all the weight, the vertical one keeps
// both weights on the repeated row: as the products are truncated one by one, that is not the same.
std::vector<Tap> MakeTaps(int source_size, int size, Axis axis) {
  const double scale = 1.0 / (static_cast<double>(size) / source_size);
  std::vector<Tap> taps(static_cast<size_t>(size));
  for (int i = 0; i < size; ++i) {
    float fraction = static_cast<float>((i + 0.5) * scale - 0.5);
    int index = static_cast<int>(std::floor(fraction));
    fraction -= static_cast<float>(index);
    if (axis == Axis::kHorizontal && (index < 0 || index >= source_size - 1)) fraction = 0;
    Tap& tap = taps[static_cast<size_t>(i)];
    tap.first = std::clamp(index, 0, source_size - 1);
    tap.second = std::clamp(index + 1, 0, source_size - 1);
    tap.first_weight = static_cast<int>(std::lrint((1.0f - fraction) * kWeightOne));
    tap.second_weight = static_cast<int>(std::lrint(fraction * kWeightOne));
  }
  return taps;
}

void ResizeRow(const uint8_t* row, size_t channels, const std::vector<Tap>& taps, int* out) {
  for (const Tap& tap : taps) {
    const uint8_t* first = row + static_cast<size_t>(tap.first) * channels;
    const uint8_t* second = row + static_cast<size_t>(tap.second) * channels;
    for (size_t c = 0; c < channels; ++c) {
      *out++ = first[c] * tap.first_weight + second[c] * tap.second_weight;
    }
  }
}

// The source row `index` resized, kept from one output row to the next.
struct CachedRow {
  int index = -1;
  std::vector<int> sums;
};

}  // namespace

Picture ResizeCv2(const Picture& picture, int width, int height) {
  const std::vector<Tap> columns = MakeTaps(picture.width, width, Axis::kHorizontal);
  const std::vector<Tap> rows = MakeTaps(picture.height, height, Axis::kVertical);
  const size_t channels = static_cast<size_t>(picture.channels);
  const size_t row_bytes = static_cast<size_t>(width) * channels;
  Picture result{width, height, picture.channels, {}};
  result.pixels.resize(row_bytes * height);
  CachedRow cached[2];
  for (CachedRow& row : cached) row.sums.resize(row_bytes);
  const auto fill = [&](CachedRow* row, int index) {
    if (row->index == index) return;
    row->index = index;
    const size_t offset = static_cast<size_t>(index) * picture.width * channels;
    ResizeRow(picture.pixels.data() + offset, channels, columns, row->sums.data());
  };
  uint8_t* out = result.pixels.data();
  for (const Tap& tap : rows) {
    if (cached[1].index == tap.first) std::swap(cached[0], cached[1]);
    fill(&cached[0], tap.first);
    fill(&cached[1], tap.second);
    for (size_t i = 0; i < row_bytes; ++i) {
      const int upper = ((cached[0].sums[i] >> 4) * tap.first_weight) >> 16;
      const int lower = ((cached[1].sums[i] >> 4) * tap.second_weight) >> 16;
      *out++ = static_cast<uint8_t>((upper + lower + 2) >> 2);
    }
  }
  return result;
}

}  // namespace doppio::vision
