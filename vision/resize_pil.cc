// Pillow's resampling (libImaging/Resample.c) restated: a triangle filter as wide as the source
// pixels that an output pixel covers, one axis after the other, with an 8-bit picture in between.
#include <algorithm>
#include <cmath>
#include <cstddef>

#include "vision/resize.h"

namespace doppio::vision {
namespace {

// Pillow's PRECISION_BITS: 32 less 8 for the pixel less 2 for overshoot.
constexpr int kFractionBits = 22;

// Output pixel i is the sum of weights[begin + k] * source[first + k] for k < count.
struct Window {
  int first = 0;
  int count = 0;
  size_t begin = 0;
};

struct Filter {
  std::vector<Window> windows;
  std::vector<int32_t> weights;
};

void AppendWindow(double center, double filter_scale, int source_size, std::vector<double>* exact,
                  Filter* filter) {
  const double support = filter_scale;  // the triangle's own support is 1
  const double inverse = 1.0 / filter_scale;
  const int first = std::max(static_cast<int>(center - support + 0.5), 0);
  const int last = std::min(static_cast<int>(center + support + 0.5), source_size);
  exact->clear();
  double sum = 0;
  for (int x = first; x < last; ++x) {
    const double distance = std::abs((x - center + 0.5) * inverse);
    exact->push_back(distance < 1.0 ? 1.0 - distance : 0.0);
    sum += exact->back();
  }
  filter->windows.push_back({first, last - first, filter->weights.size()});
  for (double weight : *exact) {
    if (sum != 0) weight /= sum;
    filter->weights.push_back(static_cast<int32_t>(0.5 + weight * (1 << kFractionBits)));
  }
}

Filter MakeFilter(int source_size, int size) {
  const double scale = static_cast<double>(source_size) / size;
  const double filter_scale = std::max(scale, 1.0);
  Filter filter;
  std::vector<double> exact;
  for (int i = 0; i < size; ++i) {
    AppendWindow((i + 0.5) * scale, filter_scale, source_size, &exact, &filter);
  }
  return filter;
}

uint8_t Round(int32_t sum) {
  return static_cast<uint8_t>(std::clamp(sum >> kFractionBits, 0, 255));
}

Picture ResizeRows(const Picture& source, int width) {
  const Filter filter = MakeFilter(source.width, width);
  const size_t c = static_cast<size_t>(source.channels);
  Picture result{width, source.height, source.channels, {}};
  result.pixels.resize(static_cast<size_t>(width) * source.height * c);
  uint8_t* out = result.pixels.data();
  for (int y = 0; y < source.height; ++y) {
    const uint8_t* row = source.pixels.data() + static_cast<size_t>(y) * source.width * c;
    for (const Window& window : filter.windows) {
      const int32_t* weights = filter.weights.data() + window.begin;
      for (size_t channel = 0; channel < c; ++channel) {
        const uint8_t* in = row + static_cast<size_t>(window.first) * c + channel;
        int32_t sum = 1 << (kFractionBits - 1);
        for (int k = 0; k < window.count; ++k) sum += in[static_cast<size_t>(k) * c] * weights[k];
        *out++ = Round(sum);
      }
    }
  }
  return result;
}

Picture ResizeColumns(const Picture& source, int height) {
  const Filter filter = MakeFilter(source.height, height);
  const size_t row_bytes = static_cast<size_t>(source.width) * source.channels;
  Picture result{source.width, height, source.channels, {}};
  result.pixels.resize(row_bytes * height);
  std::vector<int32_t> sums(row_bytes);
  uint8_t* out = result.pixels.data();
  for (const Window& window : filter.windows) {
    std::fill(sums.begin(), sums.end(), 1 << (kFractionBits - 1));
    for (int k = 0; k < window.count; ++k) {
      const uint8_t* row = source.pixels.data() + static_cast<size_t>(window.first + k) * row_bytes;
      const int32_t weight = filter.weights[window.begin + k];
      for (size_t i = 0; i < row_bytes; ++i) sums[i] += row[i] * weight;
    }
    for (int32_t sum : sums) *out++ = Round(sum);
  }
  return result;
}

}  // namespace

Picture ResizePil(const Picture& picture, int width, int height) {
  if (width == picture.width && height == picture.height) return picture;
  if (width == picture.width) return ResizeColumns(picture, height);
  if (height == picture.height) return ResizeRows(picture, width);
  // Since Pillow 13 the height goes first where it shrinks by much more than the width does;
  // before, the width always did. The picture in between is rounded, so the order shows (by 1, here
  // and there).
  const bool height_first =
      height < picture.height && picture.height - height > 2 * (picture.width - width);
  return height_first ? ResizeRows(ResizeColumns(picture, height), width)
                      : ResizeColumns(ResizeRows(picture, width), height);
}

}  // namespace doppio::vision
