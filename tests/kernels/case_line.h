// Lines of tests/cases: tokens of a letter or word and numbers, `n1 c64 h56 w56 m64 k3x3 s1 p1
// relu`, a comment after `#`. Used by the parsers of each family, for tests and benchmarks.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/problems/conv.h"

namespace doppio::tests {

struct CaseToken {
  std::string word;              // "k", "relu", "x:nhwc"
  std::vector<int64_t> numbers;  // {3, 3}
};

// The tokens of a line, without its comment.
std::vector<CaseToken> SplitCase(std::string_view line);

// The lines of a file that hold a case; none when it cannot be read.
std::vector<std::string> ReadCases(const std::string& path);

// `relu`, `relu6`, `sigmoid`, ...: sets the activation with its usual parameters.
bool ParseActivation(std::string_view word, kernels::Epilogue* epilogue);
// The word for it; "" for the identity.
std::string ActivationWord(const kernels::Epilogue& epilogue);

// d, h, w of a token's numbers: fewer than three are the last ones; one number alone counts for all
// `spatial` last dimensions; the rest keep `missing`.
void SetSpatial(const std::vector<int64_t>& numbers, int spatial, int64_t missing,
                int64_t (&to)[3]);

// How a feature map lies in memory.
enum class MapLayout : uint8_t { kChannelsFirst, kChannelsLast };

// Strides of a map of c channels and the given d, h, w; `ld` >= c is the pixel stride of
// channels-last maps (0: c), and of channels-first maps the distance of rows beyond their width (0:
// none).
kernels::MapStrides StridesOf(MapLayout layout, int64_t c, int64_t d, int64_t h, int64_t w,
                              int64_t ld);

}  // namespace doppio::tests
