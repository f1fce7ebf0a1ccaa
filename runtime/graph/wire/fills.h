// Fill operators: how weights stand in a net. Reads one into a Constant, in place where the bytes
// allow.
#pragma once

#include <doppio/status.h>

#include <cstdint>
#include <span>
#include <string_view>

#include "runtime/graph/graph.h"

namespace doppio::graph::wire {

// The parts of an OperatorDef, found but not yet read.
struct OperatorParts {
  base::Array<std::string_view> inputs, outputs;
  base::Array<std::span<const uint8_t>> args;
  std::string_view name, type, domain, engine;
  std::span<const uint8_t> device_option;
  bool has_device_option = false;
  base::Array<std::string_view> control_inputs;
  int64_t op_version = 0;
};

// The arguments of operators that make quantised tensors.
inline constexpr std::string_view kScaleArg = "Y_scale", kZeroPointArg = "Y_zero_point";

// What the arguments of such an operator say; Caffe2's defaults are scale 1 and zero point 0.
Quantization QuantizationFrom(const base::Array<Argument>& args);

// Whether the operator is a fill of given values without inputs and with one output, or a Constant
// with a tensor: what ReadFill reads.
bool IsFillOfGivenValues(const OperatorParts& op);

// Fills `constant`, and `quantization` for the fills of quantised tensors. Packed floats at an
// aligned address are borrowed from `op`'s bytes, everything else is copied into memory of `graph`.
// kCorruptModel: no values, values that are too few for the shape, a shape that is no list.
Status ReadFill(const OperatorParts& op, Graph* graph, Constant* constant,
                Quantization* quantization);

}  // namespace doppio::graph::wire
