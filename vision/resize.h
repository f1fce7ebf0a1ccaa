// The two resizers behind Resize. Both want sizes of at least 1 and may throw std::bad_alloc.
#pragma once

#include "vision/picture.h"

namespace doppio::vision {

// Pillow 13's Image.resize(..., BILINEAR), bit for bit.
Picture ResizePil(const Picture& picture, int width, int height);
// OpenCV's cv2.resize(..., INTER_LINEAR) of 8-bit pictures, bit for bit.
Picture ResizeCv2(const Picture& picture, int width, int height);

}  // namespace doppio::vision
