// Pictures: decoding JPEG and PNG to 8-bit RGB or grey. Used by the command and the Python package.
//
// JPEG goes through libjpeg-turbo with its defaults (PIL and OpenCV use it the same way), so pixels
// equal theirs. EXIF orientation is ignored, as PIL's Image.open does; alpha is dropped, palettes
// are expanded, 16-bit samples keep their high byte.
#pragma once

#include <doppio/status.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace doppio::vision {

// Rows from the top, pixels from the left, channels interleaved (RGB, or one grey channel).
struct Picture {
  int width = 0;
  int height = 0;
  int channels = 3;
  std::vector<uint8_t> pixels;
};

enum class Color : uint8_t { kRgb, kGrey };

// Whether the bytes begin like a JPEG or PNG file.
bool LooksLikePicture(std::span<const uint8_t> bytes);

// Decodes to the colours asked for; a grey picture as RGB repeats its channel, a colour picture as
// grey is weighed as PIL's convert("L") does; four inks (CMYK) become RGB as PIL's convert("RGB")
// does. kCorruptModel names what is wrong, a file that ends early included; kOutOfMemory for
// pictures of more than 2^28 pixels or a million a side.
StatusOr<Picture> DecodePicture(std::span<const uint8_t> bytes, Color color);
// The same from a file; messages begin with its path.
StatusOr<Picture> ReadPicture(const std::string& path, Color color);

}  // namespace doppio::vision
