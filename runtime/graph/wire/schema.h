// Field numbers of caffe2.proto (schemas/caffe2.proto) as the bounded reader and writer use them,
// and the names of the fill operators that hold weights. A test compares them with the schema field
// by field.
#pragma once

#include <doppio/tensor.h>

#include <cstdint>

namespace doppio::graph::wire {

namespace net_def {
enum : uint32_t {
  kName = 1,
  kOp = 2,
  kType = 3,
  kNumWorkers = 4,
  kDeviceOption = 5,
  kArg = 6,
  kExternalInput = 7,
  kExternalOutput = 8,
};
}  // namespace net_def

namespace operator_def {
enum : uint32_t {
  kInput = 1,
  kOutput = 2,
  kName = 3,
  kType = 4,
  kArg = 5,
  kDeviceOption = 6,
  kEngine = 7,
  kControlInput = 8,
  kIsGradientOp = 9,
  kDebugInfo = 10,
  kDomain = 11,
  kOpVersion = 12,
};
}  // namespace operator_def

namespace argument {
enum : uint32_t {
  kName = 1,
  kF = 2,
  kI = 3,
  kS = 4,
  kFloats = 5,
  kInts = 6,
  kStrings = 7,
  kN = 8,
  kNets = 9,
  kT = 10,
  kTensors = 11,
};
}  // namespace argument

namespace device_option {
enum : uint32_t { kDeviceType = 1, kDeviceId = 2 };
}  // namespace device_option

namespace tensor_proto {
enum : uint32_t {
  kDims = 1,
  kDataType = 2,
  kFloatData = 3,
  kInt32Data = 4,
  kByteData = 5,
  kStringData = 6,
  kDoubleData = 9,
  kInt64Data = 10,
  kStorageType = 12,
  kRawData = 13,
};
inline constexpr int64_t kStorageRaw = 2;
}  // namespace tensor_proto

// Caffe2's TensorProto.DataType for an element type; 0 where Caffe2 has none. `BYTE` (3) reads as
// uint8.
int32_t Caffe2DataType(ElementType type);
ElementType FromCaffe2DataType(int64_t data_type);

// Net arguments and the padding argument that doppio adds to a pair (docs/pair-format.md).
inline constexpr char kFormatArg[] = "doppio.format";
inline constexpr char kPairArg[] = "doppio.pair";
inline constexpr char kInputsArg[] = "doppio.inputs";
inline constexpr char kOutputsArg[] = "doppio.outputs";
inline constexpr char kSimplifiedArg[] = "doppio.simplified";
inline constexpr char kPaddingArg[] = "doppio.padding";
inline constexpr int64_t kFormatMajor = 1;
inline constexpr int64_t kFormatMinor = 0;

}  // namespace doppio::graph::wire
