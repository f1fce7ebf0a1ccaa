// Cases of the zoo: a network without its weights, the rule that makes them up, and the answers of
// ONNX Runtime. README.md beside this file states the format.
#pragma once

#include <doppio/tensor.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace doppio::zoo {

// How a stripped tensor or an input is filled: `uniform SEED LO HI`.
struct Uniform {
  uint64_t seed = 0;
  float lo = 0, hi = 0;
};

// Value i is lo + (hi - lo) * u in float32, where u is the top 24 bits, times 2^-24, of
// splitmix64's output for state (seed * 2^32 + i + 1) * 0x9E3779B97F4A7C15.
std::vector<float> FillUniform(const Uniform& rule, int64_t count);

struct Input {
  std::string name;
  ElementType type = ElementType::kFloat;
  Dims dims;
  std::vector<float> floats;      // filled for kFloat
  std::vector<int64_t> integers;  // filled for kInt64: the floors

  TensorView view() const;
};

struct Output {
  std::string name;
  Dims dims;
  int64_t stride = 1;  // `values` are every stride-th of the flattened output
  std::vector<float> values;
};

struct Case {
  std::filesystem::path folder;
  std::vector<Input> inputs;
  std::vector<Output> outputs;

  std::string name() const { return folder.filename().string(); }
};

// Folders with a case.json below `root`, sorted; or `root` itself where it is a case.
std::vector<std::filesystem::path> FindCases(const std::filesystem::path& root);

// Both throw std::runtime_error for what cannot be read: tests only.
Case ReadCase(const std::filesystem::path& folder);
// Writes the case's model with all weights filled in.
void WriteWholeModel(const Case& zoo_case, const std::filesystem::path& path);

// Empty, or what is wrong with `got` as the output `expected`: shape, type, or the worst value.
std::string Compare(const Output& expected, const TensorView& got);

}  // namespace doppio::zoo
