#include <cstdint>
#include <string>
#include <vector>

#include "tests/catch.h"
#include "tests/vision/fixture.h"
#include "vision/picture.h"

namespace doppio::vision {
namespace {

constexpr const char* kPictures[] = {"rgb_420.jpg",         "progressive.jpg", "cmyk.jpg",
                                     "rgb8_interlaced.png", "palette4.png",    "rgba8.png",
                                     "grey16.png"};

// The end-of-image marker and PNG's last chunk add nothing to the pixels.
constexpr size_t kNotNeeded = 12;

// Where the frame header holds its height and width, two bytes each, after marker, length and
// precision.
size_t FrameSizeOffset(const std::vector<uint8_t>& jpeg) {
  for (size_t i = 0; i + 9 < jpeg.size(); ++i) {
    if (jpeg[i] == 0xFF && (jpeg[i + 1] == 0xC0 || jpeg[i + 1] == 0xC2)) return i + 5;
  }
  FAIL("no frame header");
  return 0;
}

Status DecodeClaiming(const std::string& name, int width, int height) {
  std::vector<uint8_t> bytes = FixtureBytes(name);
  const size_t at = FrameSizeOffset(bytes);
  bytes[at] = static_cast<uint8_t>(height >> 8);
  bytes[at + 1] = static_cast<uint8_t>(height);
  bytes[at + 2] = static_cast<uint8_t>(width >> 8);
  bytes[at + 3] = static_cast<uint8_t>(width);
  return DecodePicture(bytes, Color::kRgb).status();
}

TEST_CASE("a picture cut anywhere is refused, not guessed") {
  for (const std::string name : kPictures) {
    const std::vector<uint8_t> whole = FixtureBytes(name);
    for (size_t size = 0; size + kNotNeeded < whole.size(); ++size) {
      const std::vector<uint8_t> part(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size));
      const auto picture = DecodePicture(part, Color::kRgb);
      INFO(name << " cut to " << size << " bytes");
      REQUIRE(picture.status().code() == StatusCode::kCorruptModel);
    }
  }
}

TEST_CASE("a picture with any byte changed decodes or is refused") {
  for (const std::string name : kPictures) {
    const std::vector<uint8_t> whole = FixtureBytes(name);
    for (size_t at = 0; at < whole.size(); ++at) {
      for (const int change : {0x01, 0x80, 0xFF}) {
        std::vector<uint8_t> bytes = whole;
        bytes[at] = static_cast<uint8_t>(bytes[at] ^ change);
        // A changed size may ask for hundreds of millions of pixels; that is the next test's
        // subject.
        if (name.ends_with(".jpg") && at - FrameSizeOffset(whole) < 4) continue;
        const auto picture = DecodePicture(bytes, Color::kRgb);
        INFO(name << " byte " << at << " ^ " << change);
        if (picture.ok()) {
          REQUIRE(picture->pixels.size() ==
                  static_cast<size_t>(picture->width) * picture->height * 3);
        } else {
          REQUIRE(picture.status().message()[0] != 0);
        }
      }
    }
  }
}

TEST_CASE("a picture that claims more pixels than it has is refused") {
  CHECK(DecodeClaiming("rgb_420.jpg", 65500, 65500).code() == StatusCode::kOutOfMemory);
  CHECK(DecodeClaiming("rgb_420.jpg", 65535, 65535).code() != StatusCode::kOk);
  CHECK(DecodeClaiming("rgb_420.jpg", 0, 29).code() == StatusCode::kCorruptModel);
  CHECK(DecodePicture(FixtureBytes("huge_claim.png"), Color::kRgb).status().code() ==
        StatusCode::kCorruptModel);
}

}  // namespace
}  // namespace doppio::vision
