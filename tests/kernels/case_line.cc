#include "tests/kernels/case_line.h"

#include <cctype>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace doppio::tests {
namespace {

using kernels::UnaryOp;

struct ActivationRow {
  const char* word;
  UnaryOp op;
  float alpha, beta;
};

constexpr ActivationRow kActivations[] = {
    {"relu", UnaryOp::kRelu, 0, 0},
    {"relu6", UnaryOp::kClip, 0, 6},
    {"leaky", UnaryOp::kLeakyRelu, 0.125f, 0},
    {"elu", UnaryOp::kElu, 1, 0},
    {"sigmoid", UnaryOp::kSigmoid, 0, 0},
    {"tanh", UnaryOp::kTanh, 0, 0},
    {"hsigmoid", UnaryOp::kHardSigmoid, 1.0f / 6, 0.5f},
    {"hswish", UnaryOp::kHardSwish, 0, 0},
    {"silu", UnaryOp::kSilu, 1, 0},
    {"gelu", UnaryOp::kGelu, 0, 0},
};

}  // namespace

std::vector<CaseToken> SplitCase(std::string_view line) {
  std::vector<CaseToken> tokens;
  std::istringstream words{std::string(line.substr(0, line.find('#')))};
  for (std::string text; words >> text;) {
    CaseToken token;
    size_t at = 0;
    // Digits belong to the word when letters follow them or the word is a name such as relu6.
    while (at < text.size() && !std::isdigit(static_cast<unsigned char>(text[at]))) ++at;
    token.word = text == "relu6" ? text : text.substr(0, at);
    if (token.word == text) at = text.size();
    while (at < text.size()) {
      char* end = nullptr;
      token.numbers.push_back(std::strtoll(text.c_str() + at, &end, 10));
      at = static_cast<size_t>(end - text.c_str());
      if (at < text.size() && text[at] == 'x') ++at;
      if (at < text.size() && !std::isdigit(static_cast<unsigned char>(text[at]))) {
        token.word += "?";  // no parser knows such a word
        break;
      }
    }
    tokens.push_back(token);
  }
  return tokens;
}

std::vector<std::string> ReadCases(const std::string& path) {
  std::vector<std::string> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!SplitCase(line).empty()) lines.push_back(line);
  }
  return lines;
}

bool ParseActivation(std::string_view word, kernels::Epilogue* epilogue) {
  for (const ActivationRow& row : kActivations) {
    if (word != row.word) continue;
    epilogue->activation = row.op;
    epilogue->alpha = row.alpha;
    epilogue->beta = row.beta;
    return true;
  }
  return false;
}

std::string ActivationWord(const kernels::Epilogue& epilogue) {
  for (const ActivationRow& row : kActivations) {
    if (row.op == epilogue.activation) return row.word;
  }
  return "";
}

void SetSpatial(const std::vector<int64_t>& numbers, int spatial, int64_t missing,
                int64_t (&to)[3]) {
  for (int i = 0; i < 3; ++i) to[i] = missing;
  const int count = static_cast<int>(numbers.size());
  if (count == 1) {
    for (int i = 3 - spatial; i < 3; ++i) to[i] = numbers[0];
    return;
  }
  for (int i = 0; i < count && i < 3; ++i) to[3 - count + i] = numbers[static_cast<size_t>(i)];
}

kernels::MapStrides StridesOf(MapLayout layout, int64_t c, int64_t d, int64_t h, int64_t w,
                              int64_t ld) {
  if (layout == MapLayout::kChannelsLast) {
    const int64_t pixel = ld == 0 ? c : ld;
    return {d * h * w * pixel, 1, h * w * pixel, w * pixel, pixel};
  }
  const int64_t row = w + ld;
  return {c * d * h * row, d * h * row, h * row, row, 1};
}

}  // namespace doppio::tests
