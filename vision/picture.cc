#include "vision/picture.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>

#include "base/message.h"
#include "vision/decode.h"

namespace doppio::vision {
namespace {

constexpr uint8_t kJpegStart[] = {0xFF, 0xD8, 0xFF};
constexpr uint8_t kPngStart[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
// A file of 2^28 pixels that does not compress at all, and room to spare.
constexpr size_t kMaxFileBytes = size_t{1} << 30;

bool StartsWith(std::span<const uint8_t> bytes, std::span<const uint8_t> start) {
  return bytes.size() >= start.size() && std::equal(start.begin(), start.end(), bytes.begin());
}

// Luma of ITU-R 601-2 in 16-bit fixed point, rounded: PIL's convert("L").
void ToGrey(Picture* picture) {
  std::vector<uint8_t> grey(picture->pixels.size() / 3);
  for (size_t i = 0; i < grey.size(); ++i) {
    const uint8_t* rgb = &picture->pixels[3 * i];
    grey[i] =
        static_cast<uint8_t>((rgb[0] * 19595 + rgb[1] * 38470 + rgb[2] * 7471 + 0x8000) >> 16);
  }
  picture->pixels = std::move(grey);
  picture->channels = 1;
}

void ToRgb(Picture* picture) {
  std::vector<uint8_t> rgb(picture->pixels.size() * 3);
  for (size_t i = 0; i < picture->pixels.size(); ++i) {
    rgb[3 * i] = rgb[3 * i + 1] = rgb[3 * i + 2] = picture->pixels[i];
  }
  picture->pixels = std::move(rgb);
  picture->channels = 3;
}

StatusOr<Picture> Decode(std::span<const uint8_t> bytes, Color color) {
  const bool jpeg = StartsWith(bytes, kJpegStart);
  if (!jpeg && !StartsWith(bytes, kPngStart)) {
    return CorruptModel("not a picture; JPEG and PNG can be read");
  }
  DOPPIO_ASSIGN_OR_RETURN(Picture picture, jpeg ? DecodeJpeg(bytes) : DecodePng(bytes));
  if (color == Color::kGrey && picture.channels == 3) ToGrey(&picture);
  if (color == Color::kRgb && picture.channels == 1) ToRgb(&picture);
  return picture;
}

StatusOr<std::vector<uint8_t>> ReadBytes(const std::string& path) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  if (file == nullptr) {
    const int error = errno;
    const std::string message = base::Cat("cannot be opened: ", std::strerror(error));
    return error == ENOENT ? NotFound(message) : IoError(message);
  }
  std::vector<uint8_t> bytes;
  size_t used = 0;
  for (size_t want = size_t{1} << 16;; want = std::min(2 * want, kMaxFileBytes + 1)) {
    bytes.resize(want);
    used += std::fread(bytes.data() + used, 1, want - used, file.get());
    if (std::ferror(file.get())) {
      return IoError(base::Cat("cannot be read: ", std::strerror(errno)));
    }
    if (used < want) break;
    if (used > kMaxFileBytes) {
      return OutOfMemory(
          base::Cat("has more than ", kMaxFileBytes, " bytes; no picture needs that many"));
    }
  }
  bytes.resize(used);
  return bytes;
}

Status NoMemory() { return OutOfMemory("no memory is left for the picture"); }

}  // namespace

Status CheckPixelCount(int64_t width, int64_t height) {
  if (width <= kMaxPictureSide && height <= kMaxPictureSide && width * height <= kMaxPixels)
    return {};
  return OutOfMemory(base::Cat("the picture is ", width, "x", height, "; at most ", kMaxPixels,
                               " pixels and sides of ", kMaxPictureSide, " can be read"));
}

bool LooksLikePicture(std::span<const uint8_t> bytes) {
  return StartsWith(bytes, kJpegStart) || StartsWith(bytes, kPngStart);
}

StatusOr<Picture> DecodePicture(std::span<const uint8_t> bytes, Color color) {
  try {
    return Decode(bytes, color);
  } catch (const std::bad_alloc&) {
    return NoMemory();
  }
}

StatusOr<Picture> ReadPicture(const std::string& path, Color color) {
  try {
    auto bytes = ReadBytes(path);
    if (!bytes.ok()) return bytes.status().Annotate(path);
    auto picture = Decode(*bytes, color);
    if (!picture.ok()) return picture.status().Annotate(path);
    return picture;
  } catch (const std::bad_alloc&) {
    return NoMemory().Annotate(path);
  }
}

}  // namespace doppio::vision
