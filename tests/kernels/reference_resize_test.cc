// The reference resize against the examples in ONNX's operator documentation.
#include <cmath>

#include "kernels/problems/resize.h"
#include "tests/catch.h"
#include "tests/kernels/case_line.h"
#include "tests/kernels/run_kernel.h"

namespace doppio::tests {
namespace {

using kernels::ResizeCoordinates;
using kernels::ResizeMode;
using kernels::ResizeProblem;

// A plane of h rows filled with 1, 2, 3, ...
ResizeProblem Plane(ResizeMode mode, int64_t h, int64_t w, double scale) {
  ResizeProblem p;
  p.mode = mode;
  p.in[1] = h;
  p.in[2] = w;
  for (int i = 1; i < 3; ++i) {
    p.scale[i] = scale;
    p.out[i] = static_cast<int64_t>(std::floor(static_cast<double>(p.in[i]) * scale));
  }
  return p;
}

void CheckResize(ResizeProblem p, const std::vector<double>& expected) {
  p.x = StridesOf(MapLayout::kChannelsFirst, 1, 1, p.in[1], p.in[2], 0);
  p.y = StridesOf(MapLayout::kChannelsFirst, 1, 1, p.out[1], p.out[2], 0);
  std::vector<float> x, y(static_cast<size_t>(p.out[1] * p.out[2]));
  for (int64_t i = 1; i <= p.in[1] * p.in[2]; ++i) x.push_back(static_cast<float>(i));
  REQUIRE(y.size() == expected.size());
  RunReference(kernels::ProblemKind::kResize, &p, {x.data()}, {y.data()});
  for (size_t i = 0; i < y.size(); ++i) CHECK(y[i] == Approx(expected[i]));
}

TEST_CASE("reference resize: linear") {
  ResizeProblem p = Plane(ResizeMode::kLinear, 2, 2, 2);
  CheckResize(p, {1, 1.25, 1.75, 2, 1.5, 1.75, 2.25, 2.5, 2.5, 2.75, 3.25, 3.5, 3, 3.25, 3.75, 4});
  p.coordinates = ResizeCoordinates::kAlignCorners;
  p.out[1] = 1;
  p.out[2] = 3;
  CheckResize(p, {1, 1.5, 2});
}

TEST_CASE("reference resize: antialiased when shrinking") {
  ResizeProblem p = Plane(ResizeMode::kLinear, 2, 4, 0.6);
  p.antialias = true;
  CheckResize(p, {2.875, 4.5});
  p = Plane(ResizeMode::kCubic, 4, 4, 0.6);
  p.antialias = true;
  CheckResize(p, {2.5180721, 4.2858863, 9.589329, 11.357142});
}

TEST_CASE("reference resize: cubic, with and without what lies outside") {
  ResizeProblem p = Plane(ResizeMode::kCubic, 4, 4, 0.8);
  CheckResize(p, {1.47119141, 2.78125, 4.08251953, 6.71142578, 8.02148438, 9.32275391, 11.91650391,
                  13.2265625, 14.52783203});
  p.cubic_a = -0.5;
  p.exclude_outside = true;
  CheckResize(p, {1.36812675, 2.6695014, 4.0133367, 6.57362535, 7.875, 9.2188353, 11.94896657,
                  13.25034122, 14.59417652});
}

TEST_CASE("reference resize: crop and resize extrapolates outside") {
  ResizeProblem p = Plane(ResizeMode::kLinear, 4, 4, 0.8);
  p.coordinates = ResizeCoordinates::kTfCropAndResize;
  p.roi_begin[1] = 0.4;
  p.roi_begin[2] = 0.6;
  p.roi_end[1] = 0.6;
  p.roi_end[2] = 0.8;
  CheckResize(p, {7.6, 7.9, 8.2, 8.8, 9.1, 9.4, 10, 10.3, 10.6});
  p.extrapolation_value = 10;
  p.roi_end[1] = 1.2;
  p.roi_end[2] = 1.7;
  CheckResize(p, {7.6, 10, 10, 12.4, 10, 10, 10, 10, 10});
}

TEST_CASE("reference resize: nearest, rounded each way") {
  ResizeProblem p = Plane(ResizeMode::kNearest, 1, 2, 2);
  p.out[1] = 1;
  p.scale[1] = 1;
  CheckResize(p, {1, 1, 2, 2});
  p.coordinates = ResizeCoordinates::kAsymmetric;
  p.nearest = kernels::NearestMode::kCeil;
  CheckResize(p, {1, 2, 2, 2});
  p.nearest = kernels::NearestMode::kRoundPreferCeil;
  CheckResize(p, {1, 2, 2, 2});
  p.nearest = kernels::NearestMode::kFloor;
  CheckResize(p, {1, 1, 2, 2});
}

}  // namespace
}  // namespace doppio::tests
