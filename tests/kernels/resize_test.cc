// Every resize row against the reference, on generated problems.
#include "kernels/problems/resize.h"

#include <cmath>

#include "tests/catch.h"
#include "tests/kernels/case_line.h"
#include "tests/kernels/check_case.h"
#include "tests/kernels/map_operands.h"
#include "tests/kernels/random.h"

namespace doppio::tests {
namespace {

using kernels::ResizeMode;
using kernels::ResizeProblem;

ResizeProblem RandomResize(Random* random) {
  ResizeProblem p;
  constexpr ResizeMode kModes[] = {ResizeMode::kNearest, ResizeMode::kLinear, ResizeMode::kCubic};
  p.mode = random->Pick(kModes);
  p.coordinates = static_cast<kernels::ResizeCoordinates>(random->Int(0, 6));
  p.nearest = static_cast<kernels::NearestMode>(random->Int(0, 3));
  p.antialias = p.mode != ResizeMode::kNearest && random->Chance(3);
  p.exclude_outside = p.mode == ResizeMode::kCubic && random->Chance(3);
  p.n = random->Int(1, 2);
  p.c = random->Int(1, 19);
  for (int i = random->Chance(5) ? 0 : 1; i < 3; ++i) {
    constexpr double kScales[] = {0.5, 2, 2, 1, 4, 0.75, 1.3, 0.3};
    p.in[i] = random->Int(1, 9);
    p.scale[i] = random->Pick(kScales);
    p.out[i] = static_cast<int64_t>(std::floor(static_cast<double>(p.in[i]) * p.scale[i]));
    if (p.out[i] == 0) p.out[i] = 1;
  }
  const auto layout = [&] {
    return random->Chance(2) ? MapLayout::kChannelsLast : MapLayout::kChannelsFirst;
  };
  p.x = StridesOf(layout(), p.c, p.in[0], p.in[1], p.in[2], random->Chance(3) ? 23 : 0);
  p.y = StridesOf(layout(), p.c, p.out[0], p.out[1], p.out[2], random->Chance(3) ? 29 : 0);
  return p;
}

TEST_CASE("resize: every row equals the reference for every mode") {
  for (uint64_t seed = 1; seed <= 150; ++seed) {
    Random random(seed);
    const ResizeProblem p = RandomResize(&random);
    const MapSize x_size{p.n, p.c, p.in[0], p.in[1], p.in[2]};
    const MapSize y_size{p.n, p.c, p.out[0], p.out[1], p.out[2]};
    KernelCase test;
    test.line = std::string("resize mode ") + std::to_string(static_cast<int>(p.mode)) +
                " coordinates " + std::to_string(static_cast<int>(p.coordinates));
    test.seed = seed;
    test.kind = kernels::ProblemKind::kResize;
    test.problem = &p;
    test.in = {Operand(RandomMap(x_size, p.x, Data::kReals, &random))};
    test.out_bytes = {static_cast<size_t>(MapExtent(y_size, p.y)) * sizeof(float)};
    // Weights of three dimensions, rounded to float, over values within 1; cubic weights sum to
    // less than 2 a dimension in absolute value. Nearest is a copy.
    test.tolerance = [&p](const kernels::Kernel&, int64_t, double) {
      return p.mode == ResizeMode::kNearest ? 0 : 64 * kFloatRounding;
    };
    CheckCase(test);
  }
}

}  // namespace
}  // namespace doppio::tests
