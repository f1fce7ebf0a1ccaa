#include <string>

#include "tests/catch.h"
#include "tests/vision/fixture.h"
#include "vision/picture.h"

namespace doppio::vision {
namespace {

constexpr const char* kPictures[] = {
    "rgb8.png",
    "rgb8_interlaced.png",
    "rgba8.png",
    "grey8.png",
    "grey_alpha8.png",
    "grey1.png",
    "grey2.png",
    "grey4.png",
    "palette4.png",
    "palette8.png",
    "palette8_interlaced.png",
    "rgb8_gamma.png",
    "rgb16.png",
    "grey16.png",
    "rgb_420.jpg",
    "rgb_422.jpg",
    "rgb_444.jpg",
    "progressive.jpg",
    "restarts.jpg",
    "grey.jpg",
    "cmyk.jpg",
};

void CheckDecoded(const std::string& name, Color color, const std::string& expected_name) {
  INFO(expected_name);
  const Array expected = FixtureArray(expected_name);
  auto picture = ReadPicture(FixturePath(name), color);
  INFO(picture.status().message());
  REQUIRE(picture.ok());
  CHECK(ShapeOf(*picture) == expected.shape);
  CHECK(picture->pixels == expected.bytes);
}

TEST_CASE("pictures decode to PIL's pixels in RGB") {
  for (const std::string name : kPictures) CheckDecoded(name, Color::kRgb, name + ".rgb.npy");
}

TEST_CASE("pictures decode to PIL's pixels in grey") {
  for (const std::string name : kPictures) CheckDecoded(name, Color::kGrey, name + ".grey.npy");
}

TEST_CASE("pictures are known by their first bytes") {
  for (const std::string name : kPictures) CHECK(LooksLikePicture(FixtureBytes(name)));
  CHECK(!LooksLikePicture(FixtureBytes("caffe.npy")));
  CHECK(!LooksLikePicture({}));
}

TEST_CASE("a message about a picture names its file and what is wrong") {
  const auto missing = ReadPicture(FixturePath("nowhere.png"), Color::kRgb);
  CHECK(missing.status().code() == StatusCode::kNotFound);
  CHECK(std::string(missing.status().message()).find("nowhere.png: cannot be opened") !=
        std::string::npos);

  const auto array = ReadPicture(FixturePath("caffe.npy"), Color::kRgb);
  CHECK(array.status().code() == StatusCode::kCorruptModel);
  CHECK(std::string(array.status().message()).find("caffe.npy: not a picture") !=
        std::string::npos);

  const auto folder = ReadPicture(FixturePath(""), Color::kRgb);
  CHECK(folder.status().code() == StatusCode::kIoError);
}

}  // namespace
}  // namespace doppio::vision
