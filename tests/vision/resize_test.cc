#include <string>

#include "base/message.h"
#include "tests/catch.h"
#include "tests/vision/fixture.h"
#include "vision/preprocess.h"

namespace doppio::vision {
namespace {

struct Size {
  int width, height;
  std::string Name() const { return base::Cat(width, "x", height, ".npy"); }
};

constexpr Size kResizes[] = {{24, 16}, {12, 8},  {48, 32}, {31, 29}, {9, 7},
                             {24, 5},  {11, 16}, {8, 16},  {1, 1},   {1, 40},
                             {53, 3},  {22, 10}, {20, 9},  {40, 12}, {20, 30}};
constexpr Size kCrops[] = {{24, 16}, {10, 6},  {11, 7},  {9, 5}, {13, 9},
                           {40, 30}, {41, 31}, {10, 31}, {37, 8}};

Picture OneChannel(const Picture& picture, size_t channel) {
  Picture one{picture.width, picture.height, 1, {}};
  for (size_t i = channel; i < picture.pixels.size(); i += 3)
    one.pixels.push_back(picture.pixels[i]);
  return one;
}

void CheckResize(const char* prefix, Interpolation interpolation) {
  const Picture noise = FixturePicture("noise.png");
  for (const Size& size : kResizes) {
    INFO(prefix << size.Name());
    const Array expected = FixtureArray(prefix + size.Name());
    const auto resized = Resize(noise, size.width, size.height, interpolation);
    REQUIRE(resized.ok());
    CHECK(ShapeOf(*resized) == expected.shape);
    CHECK(resized->pixels == expected.bytes);
    const auto grey = Resize(OneChannel(noise, 1), size.width, size.height, interpolation);
    REQUIRE(grey.ok());
    CHECK(grey->pixels == OneChannel(*resized, 1).pixels);
  }
}

TEST_CASE("resize: pil equals PIL's BILINEAR bit for bit") {
  CheckResize("pil_", Interpolation::kPil);
}

TEST_CASE("resize: cv2 equals OpenCV's INTER_LINEAR bit for bit") {
  CheckResize("cv2_", Interpolation::kCv2);
}

TEST_CASE("resize: sizes that make no sense are refused") {
  const Picture noise = FixturePicture("noise.png");
  for (const Interpolation way : {Interpolation::kPil, Interpolation::kCv2}) {
    CHECK(Resize(noise, 0, 5, way).status().code() == StatusCode::kInvalidArgument);
    CHECK(Resize(noise, 5, -1, way).status().code() == StatusCode::kInvalidArgument);
    CHECK(Resize(noise, (1 << 15) + 1, 1, way).status().code() == StatusCode::kInvalidArgument);
    CHECK(Resize(noise, 1 << 15, 1 << 15, way).status().code() == StatusCode::kOutOfMemory);
    CHECK(Resize(Picture{}, 5, 5, way).status().code() == StatusCode::kInvalidArgument);
  }
}

TEST_CASE("crop: equals torchvision's CenterCrop, padding included") {
  const Picture noise = FixturePicture("noise.png");
  for (const Size& size : kCrops) {
    INFO(size.Name());
    const Array expected = FixtureArray("crop_" + size.Name());
    const auto cropped = CenterCrop(noise, size.width, size.height);
    REQUIRE(cropped.ok());
    CHECK(ShapeOf(*cropped) == expected.shape);
    CHECK(cropped->pixels == expected.bytes);
  }
}

}  // namespace
}  // namespace doppio::vision
