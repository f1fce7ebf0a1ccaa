// The two decoders behind DecodePicture, and the limits on sizes. Bytes come from strangers: every
// message is made here, nothing is trusted.
#pragma once

#include <doppio/status.h>

#include <cstdint>
#include <span>

#include "vision/picture.h"

namespace doppio::vision {

// Largest picture that is decoded: 268 million pixels, 805 MB as RGB; and the longest side, which
// libpng limits to the same by itself: work tables of a resize grow with it.
inline constexpr int64_t kMaxPixels = int64_t{1} << 28;
inline constexpr int64_t kMaxPictureSide = 1000000;

// kOutOfMemory naming the size when it is beyond these.
Status CheckPixelCount(int64_t width, int64_t height);
// The same for a size that the caller asks for; kInvalidArgument for sides below 1 or beyond 2^15.
Status CheckNewSize(int width, int height);

// Both give 1 or 3 channels, as the file has them. They may throw std::bad_alloc.
StatusOr<Picture> DecodeJpeg(std::span<const uint8_t> bytes);
StatusOr<Picture> DecodePng(std::span<const uint8_t> bytes);

}  // namespace doppio::vision
