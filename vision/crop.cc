#include <algorithm>
#include <cstddef>
#include <cstring>
#include <new>

#include "base/message.h"
#include "vision/decode.h"
#include "vision/preprocess.h"

namespace doppio::vision {
namespace {

// Where the crop's first pixel lies in the source; negative where the picture is smaller and
// padding comes first.
int Offset(int source_size, int size) {
  const int spare = source_size - size;
  if (spare < 0) return -(-spare / 2);
  const int half = spare / 2;
  return spare % 2 == 0 ? half
                        : half + (half & 1);  // Python's round(): n + 0.5 goes to the even side
}

}  // namespace

StatusOr<Picture> CenterCrop(const Picture& picture, int width, int height) try {
  DOPPIO_RETURN_IF_ERROR(CheckNewSize(width, height));
  const int left = Offset(picture.width, width);
  const int top = Offset(picture.height, height);
  const size_t c = static_cast<size_t>(picture.channels);
  Picture result{width, height, picture.channels, {}};
  result.pixels.resize(static_cast<size_t>(width) * height * c);
  const size_t source_x = static_cast<size_t>(std::max(left, 0));
  const size_t target_x = static_cast<size_t>(std::max(-left, 0));
  const size_t copied_bytes = static_cast<size_t>(std::min(width, picture.width)) * c;
  for (int y = std::max(-top, 0); y < height && y + top < picture.height; ++y) {
    std::memcpy(
        result.pixels.data() + (static_cast<size_t>(y) * width + target_x) * c,
        picture.pixels.data() + (static_cast<size_t>(y + top) * picture.width + source_x) * c,
        copied_bytes);
  }
  return result;
} catch (const std::bad_alloc&) {
  return OutOfMemory("no memory is left for the picture");
}

}  // namespace doppio::vision
