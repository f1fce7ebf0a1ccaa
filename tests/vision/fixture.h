// Files of tests/vision/fixtures, which make_fixtures.py wrote.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "vision/picture.h"

namespace doppio::vision {

// Path of a fixture.
std::string FixturePath(const std::string& name);
// Its bytes; the test fails when there are none.
std::vector<uint8_t> FixtureBytes(const std::string& name);

// An array of uint8 or float32 as numpy's save() wrote it, in C order.
struct Array {
  std::string shape;  // as numpy prints it: "(16, 24, 3)"
  std::vector<uint8_t> bytes;
};
Array FixtureArray(const std::string& name);

// The picture's shape as numpy prints it.
std::string ShapeOf(const Picture& picture);

// Reads a picture of the fixtures as RGB.
Picture FixturePicture(const std::string& name);

}  // namespace doppio::vision
