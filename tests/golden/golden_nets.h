// The nets whose pairs tests/golden keeps, and what they are fed.
#pragma once

#include <functional>

#include "tests/runtime/net.h"

namespace doppio::tests {

struct GoldenNet {
  const char* name;  // of its folder
  Dims input;        // of its one input "x", float32
  int64_t max_constant_bytes;
  std::function<void(Net*)> build;
};

// Names are never reused: a pair that was written once stays as it is.
inline std::vector<GoldenNet> GoldenNets() {
  constexpr int64_t kWhole = int64_t{1} << 31;
  return {
      {"format1_conv",
       {1, 3, 9, 9},
       kWhole,
       [](Net* net) {
         graph::Value* x = net->Input("x", {"N", "3", "9", "9"});
         graph::Value* conv = net->Caffe2(
             "Conv", {x, net->Noise("w", {4, 3, 3, 3})}, "conv",
             {{"kernels", std::vector<int64_t>{3, 3}}, {"pads", std::vector<int64_t>{1, 1, 1, 1}}});
         graph::Value* pool = net->Caffe2(
             "MaxPool", {net->Caffe2("Relu", {conv}, "relu")}, "pool",
             {{"kernels", std::vector<int64_t>{3, 3}}, {"strides", std::vector<int64_t>{2, 2}}});
         graph::Value* flat = net->Op("Flatten", {pool}, "flat");
         graph::Value* fc = net->Caffe2(
             "FC", {flat, net->Noise("fc_w", {5, 64}, 2), net->Noise("fc_b", {5}, 3)}, "fc");
         net->Output(net->Caffe2("Softmax", {fc}, "y"));
       }},
      {"format1_types",
       {6},
       kWhole,
       [](Net* net) {
         graph::Value* x = net->Input("x", {"6"});
         const double d[] = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6};
         const int8_t i8[] = {-128, -1, 0, 1, 2, 127};
         const uint16_t bits[] = {0x3c00, 0xc000, 0x3555, 0x0001, 0x7bff, 0x8000};
         const auto weight = [&](const char* name, ElementType type, const void* data) {
           graph::Value* value = *net->graph.AddConstantCopy(name, type, {6}, data);
           return net->Op("Cast", {value}, std::string(name) + "_f", {{"to", int64_t{1}}});
         };
         graph::Value* sum = net->Op("Add", {x, weight("double", ElementType::kDouble, d)}, "a");
         sum = net->Op("Add", {sum, weight("int8", ElementType::kInt8, i8)}, "b");
         sum = net->Op("Add", {sum, weight("half", ElementType::kFloat16, bits)}, "c");
         sum = net->Op("Add", {sum, weight("bf16", ElementType::kBFloat16, bits)}, "d");
         net->Output(sum);
       }},
      {"format1_parts",
       {2, 6},
       50,
       [](Net* net) {
         graph::Value* x = net->Input("x", {"N", "6"});
         net->Output(net->Op("MatMul", {x, net->Noise("w", {6, 7})}, "y"));
       }},
  };
}

}  // namespace doppio::tests
