#include "tests/vision/fixture.h"

#include <fstream>
#include <iterator>

#include "base/message.h"
#include "tests/catch.h"

namespace doppio::vision {

std::string FixturePath(const std::string& name) {
  return std::string(DOPPIO_VISION_FIXTURES) + "/" + name;
}

std::vector<uint8_t> FixtureBytes(const std::string& name) {
  std::ifstream file(FixturePath(name), std::ios::binary);
  std::vector<uint8_t> bytes{std::istreambuf_iterator<char>(file),
                             std::istreambuf_iterator<char>()};
  INFO(name);
  REQUIRE(!bytes.empty());
  return bytes;
}

// Version 1.0: magic and version in 8 bytes, the header's length in 2, the header, the data.
Array FixtureArray(const std::string& name) {
  const std::vector<uint8_t> file = FixtureBytes(name);
  REQUIRE(file.size() > 10);
  const size_t data = 10 + file[8] + 256u * file[9];
  REQUIRE(file.size() >= data);
  const std::string header(file.begin() + 10, file.begin() + static_cast<ptrdiff_t>(data));
  const size_t begin = header.find('(');
  Array array;
  array.shape = header.substr(begin, header.find(')') - begin + 1);
  array.bytes.assign(file.begin() + static_cast<ptrdiff_t>(data), file.end());
  return array;
}

std::string ShapeOf(const Picture& picture) {
  return base::Cat("(", picture.height, ", ", picture.width, ", ", picture.channels, ")");
}

Picture FixturePicture(const std::string& name) {
  auto picture = ReadPicture(FixturePath(name), Color::kRgb);
  INFO(picture.status().message());
  REQUIRE(picture.ok());
  return std::move(*picture);
}

}  // namespace doppio::vision
