// KernelCase: one problem with its operands; CheckCase holds every row that supports it, on every
// SIMD target of the machine, against the reference row.
#pragma once

#include <doppio/tensor.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "kernels/kernel.h"

namespace doppio::tests {

// Bytes of an operand; gaps between its elements hold 0xFF. Absent: passed as null.
struct OperandBytes {
  bool present = false;
  std::vector<unsigned char> bytes;
};

struct KernelCase {
  std::string line;  // what a failure prints: the problem, to be run again
  uint64_t seed = 0;
  kernels::ProblemKind kind = kernels::ProblemKind::kConv;
  const void* problem = nullptr;  // borrowed
  std::vector<OperandBytes> in;
  std::vector<size_t> out_bytes;               // 0: passed as null
  ElementType out_type = ElementType::kFloat;  // of output 0; further outputs are compared as bits
  bool all_floats = false;                     // unless all outputs are float32
  int in_place = -1;                           // the input that output 0 is, or -1
  // The greatest permitted |y - expected| of element i of output 0 for a row; null: bits are equal.
  std::function<double(const kernels::Kernel& row, int64_t i, double expected)> tolerance;
};

// Fails the current test for every row that differs, with line, seed, row and target.
void CheckCase(const KernelCase& test);

// An operand made of elements.
template <class T>
OperandBytes Operand(const std::vector<T>& values) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(values.data());
  return {true, {bytes, bytes + values.size() * sizeof(T)}};
}

// Half the distance between 1 and the next float: what one rounding may cost, relatively.
inline constexpr double kFloatRounding = 0x1p-24;

// A row's own function of a float may be off by 16 roundings of the result, and by 4 of one where
// the result passes zero.
inline double FunctionTolerance(double expected) {
  return kFloatRounding * (16 * (expected < 0 ? -expected : expected) + 4);
}

}  // namespace doppio::tests
