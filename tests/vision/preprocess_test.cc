#include "vision/preprocess.h"

#include <cstring>
#include <string>
#include <utility>

#include "base/message.h"
#include "tests/catch.h"
#include "tests/vision/fixture.h"

namespace doppio::vision {
namespace {

void CheckValues(const Picture& picture, const Preprocess& steps,
                 const std::string& expected_name) {
  INFO(expected_name);
  const Array expected = FixtureArray(expected_name);
  const auto image = Apply(picture, steps);
  INFO(image.status().message());
  REQUIRE(image.ok());
  CHECK(base::Cat("(", image->channels, ", ", image->height, ", ", image->width, ")") ==
        expected.shape);
  std::vector<float> values(expected.bytes.size() / sizeof(float));
  std::memcpy(values.data(), expected.bytes.data(), expected.bytes.size());
  CHECK(image->values == values);
}

Preprocess Preset(const char* name) {
  auto steps = PresetByName(name);
  REQUIRE(steps.ok());
  return std::move(*steps);
}

Picture Transposed(const Picture& picture) {
  Picture turned{picture.height, picture.width, 3, {}};
  for (int x = 0; x < picture.width; ++x) {
    for (int y = 0; y < picture.height; ++y) {
      const auto at = picture.pixels.begin() + (y * picture.width + x) * 3;
      turned.pixels.insert(turned.pixels.end(), at, at + 3);
    }
  }
  return turned;
}

Picture Ramp() {
  Picture ramp{256, 1, 3, {}};
  for (int i = 0; i < 256; ++i) ramp.pixels.insert(ramp.pixels.end(), 3, static_cast<uint8_t>(i));
  return ramp;
}

TEST_CASE("preprocess: equals torchvision's transforms bit for bit") {
  Preprocess steps = Preset("torchvision");
  steps.resize_shorter = 21;
  steps.crop_width = steps.crop_height = 15;
  const Picture noise = FixturePicture("noise.png");
  CheckValues(noise, steps, "torchvision_wide.npy");
  CheckValues(Transposed(noise), steps, "torchvision_tall.npy");
  steps.resize_shorter = steps.crop_width = steps.crop_height = 0;
  CheckValues(Ramp(), steps, "torchvision_ramp.npy");
}

TEST_CASE("preprocess: equals what Caffe's users do with OpenCV") {
  Preprocess steps = Preset("caffe");
  steps.resize_width = steps.resize_height = 20;
  steps.crop_width = steps.crop_height = 17;
  CheckValues(FixturePicture("noise.png"), steps, "caffe.npy");
}

TEST_CASE("preprocess: presets have the sizes that the networks want") {
  const Picture ramp = Ramp();
  const auto torchvision = Apply(FixturePicture("noise.png"), Preset("torchvision"));
  REQUIRE(torchvision.ok());
  CHECK(std::pair(torchvision->width, torchvision->height) == std::pair(224, 224));
  const auto caffe = Apply(ramp, Preset("caffe"));
  REQUIRE(caffe.ok());
  CHECK(std::pair(caffe->width, caffe->height) == std::pair(227, 227));
  const auto raw = Apply(ramp, Preset("raw"));
  REQUIRE(raw.ok());
  CHECK(raw->values[255] == 255.0f);
  CHECK(std::pair(raw->width, raw->height) == std::pair(256, 1));

  const Status unknown = PresetByName("keras").status();
  CHECK(unknown.code() == StatusCode::kInvalidArgument);
  CHECK(std::string(unknown.message()) == "preset 'keras': there are torchvision, caffe and raw");
}

TEST_CASE("preprocess: one mean serves all channels, a wrong number of them is refused") {
  Preprocess steps;
  steps.scale = 2;
  steps.mean = {10};
  steps.std_dev = {4};
  const auto image = Apply(Ramp(), steps);
  REQUIRE(image.ok());
  CHECK(image->values[7] == 1.0f);
  CHECK(image->values[256 + 9] == 2.0f);

  steps.mean = {1, 2};
  CHECK(std::string(Apply(Ramp(), steps).status().message()) ==
        "mean has 2 values; the picture has 3 channels");
  steps.mean.clear();
  steps.std_dev = {0};
  CHECK(Apply(Ramp(), steps).status().code() == StatusCode::kInvalidArgument);
}

TEST_CASE("preprocess: a shorter side that makes the longer one too long is refused") {
  Preprocess steps;
  steps.resize_shorter = 256;
  CHECK(Apply(Ramp(), steps).status().code() == StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace doppio::vision
