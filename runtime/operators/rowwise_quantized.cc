// Caffe2's tables of bytes: rows quantised to 8 bits with a scale and a bias each, beside the bytes
// or behind them in the row (fused), weights of one range, codebooks.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/message.h"
#include "runtime/operators/called_row.h"
#include "runtime/operators/rows.h"

namespace doppio::operators {
namespace {

using base::Cat;
using Numbers = base::Array<int64_t>;
using Floats = std::span<const float>;
constexpr auto kFloat = ElementType::kFloat;
constexpr auto kUint8 = ElementType::kUint8;

// Scale and bias at the end of a fused row.
constexpr int64_t kTail = 2 * sizeof(float);

StatusOr<std::span<const uint8_t>> BytesOf(const CallContext& c, size_t i) {
  const HostValue& value = *c.input(i);
  if (value.type != kUint8) {
    return InvalidArgument(Cat("input ", i, " must be uint8, it is ", value.type, value.dims));
  }
  return std::span<const uint8_t>(value.as<uint8_t>(), static_cast<size_t>(value.count()));
}

StatusOr<uint8_t*> SetBytes(CallContext& c, size_t i, const Dims& dims) {
  DOPPIO_ASSIGN_OR_RETURN(void* const memory, c.SetTensor(i, kUint8, dims));
  return static_cast<uint8_t*>(memory);
}

// The range of a row in 255 steps.
void QuantizeRow(Floats row, uint8_t* bytes, float* scale, float* bias) {
  constexpr float kEpsilon = 1e-8f;  // keeps a row of equal values from dividing by zero
  *scale = 1;
  *bias = 0;
  if (row.empty()) return;
  const auto [least, greatest] = std::minmax_element(row.begin(), row.end());
  const float range = *greatest - *least;
  *scale = range / 255.0f;
  *bias = *least;
  const float inverse = 255.0f / (range + kEpsilon);
  for (size_t i = 0; i < row.size(); ++i) {
    const float steps = std::nearbyint((row[i] - *bias) * inverse);
    bytes[i] = static_cast<uint8_t>(std::clamp(steps, 0.0f, 255.0f));
  }
}

Status CallQuantizeRows(CallContext& c) {
  DOPPIO_ASSIGN_OR_RETURN(const Floats x, FloatsOf(c, 0));
  const Dims dims = c.input(0)->dims;
  if (dims.rank() < 1) return InvalidArgument("input 0 has no rows");
  const auto rows = static_cast<size_t>(dims[0]);
  const size_t width = rows > 0 ? x.size() / rows : 0;
  DOPPIO_ASSIGN_OR_RETURN(uint8_t* const bytes, SetBytes(c, 0, dims));
  DOPPIO_ASSIGN_OR_RETURN(float* const tail, SetFloats(c, 1, {dims[0], 2}));
  for (size_t row = 0; row < rows; ++row) {
    QuantizeRow(x.subspan(row * width, width), bytes + row * width, tail + 2 * row,
                tail + 2 * row + 1);
  }
  return {};
}

Status CallDequantizeRows(CallContext& c) {
  DOPPIO_ASSIGN_OR_RETURN(const auto x, BytesOf(c, 0));
  DOPPIO_ASSIGN_OR_RETURN(const Floats tail, FloatsOf(c, 1));
  const Dims dims = c.input(0)->dims;
  if (dims.rank() < 1 || !(c.input(1)->dims == Dims({dims[0], 2}))) {
    return InvalidArgument(Cat("scales and biases ", c.input(1)->dims, " do not fit rows ", dims));
  }
  const auto rows = static_cast<size_t>(dims[0]);
  const size_t width = rows > 0 ? x.size() / rows : 0;
  DOPPIO_ASSIGN_OR_RETURN(float* const y, SetFloats(c, 0, dims));
  for (size_t i = 0; i < x.size(); ++i) {
    const size_t row = i / width;
    y[i] = static_cast<float>(x[i]) * tail[2 * row] + tail[2 * row + 1];
  }
  return {};
}

Status CallQuantizeFused(CallContext& c) {
  DOPPIO_RETURN_IF_ERROR(WantRank(c, 0, 2));
  DOPPIO_ASSIGN_OR_RETURN(const Floats x, FloatsOf(c, 0));
  const int64_t rows = c.input(0)->dims[0], width = c.input(0)->dims[1];
  DOPPIO_ASSIGN_OR_RETURN(uint8_t * y, SetBytes(c, 0, {rows, width + kTail}));
  for (int64_t row = 0; row < rows; ++row, y += width + kTail) {
    float tail[2];
    QuantizeRow(x.subspan(static_cast<size_t>(row * width), static_cast<size_t>(width)), y,
                &tail[0], &tail[1]);
    std::memcpy(y + width, tail, sizeof(tail));
  }
  return {};
}

// Row `from` of a fused table as floats.
void DequantizeFused(std::span<const uint8_t> table, int64_t from, int64_t width, float* y) {
  const uint8_t* const row = table.data() + from * (width + kTail);
  float tail[2];
  std::memcpy(tail, row + width, sizeof(tail));
  for (int64_t i = 0; i < width; ++i) y[i] = static_cast<float>(row[i]) * tail[0] + tail[1];
}

Status FusedWidth(const CallContext& c, int64_t* width) {
  DOPPIO_RETURN_IF_ERROR(WantRank(c, 0, 2));
  *width = c.input(0)->dims[1] - kTail;
  if (*width >= 0) return {};
  return InvalidArgument(
      Cat("rows of ", c.input(0)->dims[1], " bytes hold no scale and bias, which are 8"));
}

Status CallDequantizeFused(CallContext& c) {
  int64_t width = 0;
  DOPPIO_RETURN_IF_ERROR(FusedWidth(c, &width));
  DOPPIO_ASSIGN_OR_RETURN(const auto x, BytesOf(c, 0));
  const int64_t rows = c.input(0)->dims[0];
  DOPPIO_ASSIGN_OR_RETURN(float* const y, SetFloats(c, 0, {rows, width}));
  for (int64_t row = 0; row < rows; ++row) DequantizeFused(x, row, width, y + row * width);
  return {};
}

Status CallGatherFused(CallContext& c) {
  int64_t width = 0;
  Numbers indices;
  DOPPIO_RETURN_IF_ERROR(FusedWidth(c, &width));
  DOPPIO_ASSIGN_OR_RETURN(const auto x, BytesOf(c, 0));
  DOPPIO_RETURN_IF_ERROR(IntegersOf(c, 1, &indices));
  const int64_t rows = c.input(0)->dims[0];
  Dims dims = c.input(1)->dims;
  if (dims.rank() == kMaxRank) return Unsupported("more than 16 dimensions");
  dims.push_back(width);
  DOPPIO_ASSIGN_OR_RETURN(float* y, SetFloats(c, 0, dims));
  for (const int64_t index : indices) {
    if (index < 0 || index >= rows) {
      return ComputeError(Cat("index ", index, " is not in [0, ", rows, ")"));
    }
    DequantizeFused(x, index, width, y);
    y += width;
  }
  return {};
}

// Bytes as floats between `min` and `max`.
Status CallByteWeightDequant(CallContext& c) {
  float least = 0, greatest = 0;
  DOPPIO_RETURN_IF_ERROR(c.args.Float("min", &least));
  DOPPIO_RETURN_IF_ERROR(c.args.Float("max", &greatest));
  DOPPIO_ASSIGN_OR_RETURN(const auto x, BytesOf(c, 0));
  const auto shape = c.args.Ints("shape");
  if (shape.size() > static_cast<size_t>(kMaxRank)) return Unsupported("more than 16 dimensions");
  const Dims dims(shape);
  if (ElementCount(dims) != static_cast<int64_t>(x.size())) {
    return InvalidArgument(Cat("argument 'shape' ", dims, " does not hold ", x.size(), " bytes"));
  }
  DOPPIO_ASSIGN_OR_RETURN(float* const y, SetFloats(c, 0, dims));
  const float step = (greatest - least) / 255.0f;
  for (size_t i = 0; i < x.size(); ++i) y[i] = static_cast<float>(x[i]) * step + least;
  return {};
}

// Codes are positions in a codebook: output i decodes input i + 1.
Status CallQuantDecode(CallContext& c) {
  DOPPIO_ASSIGN_OR_RETURN(const Floats book, FloatsOf(c, 0));
  if (c.input_count() != c.output_count() + 1) {
    return InvalidArgument(
        Cat("it decodes ", c.input_count() - 1, " inputs to ", c.output_count(), " outputs"));
  }
  for (size_t i = 0; i < c.output_count(); ++i) {
    DOPPIO_ASSIGN_OR_RETURN(const auto codes, BytesOf(c, i + 1));
    DOPPIO_ASSIGN_OR_RETURN(float* const y, SetFloats(c, i, c.input(i + 1)->dims));
    for (size_t at = 0; at < codes.size(); ++at) {
      if (codes[at] >= book.size()) {
        return ComputeError(Cat("code ", codes[at], " of a codebook of ", book.size()));
      }
      y[at] = book[codes[at]];
    }
  }
  return {};
}

constexpr ArgSpec kRangeArgs[] = {
    {"min", ArgKind::kFloat, -3}, {"max", ArgKind::kFloat, 3}, {"shape", ArgKind::kInts}};

}  // namespace

const Operator kFloatToRowwiseQuantized8Bits =
    CalledRow("FloatToRowwiseQuantized8Bits", {1, 1, 2, 2}, InferTypes<kUint8, kFloat>,
              CallQuantizeRows, {}, "rows as bytes, and their scales and biases");
const Operator kRowwise8BitQuantizedToFloat =
    CalledRow("Rowwise8BitQuantizedToFloat", {2, 2}, InferTypes<kFloat>, CallDequantizeRows, {},
              "rows of bytes as floats");
const Operator kFloatToFused8BitRowwiseQuantized =
    CalledRow("FloatToFused8BitRowwiseQuantized", {}, InferTypes<kUint8>, CallQuantizeFused, {},
              "rows as bytes with scale and bias behind");
const Operator kFused8BitRowwiseQuantizedToFloat =
    CalledRow("Fused8BitRowwiseQuantizedToFloat", {}, InferTypes<kFloat>, CallDequantizeFused, {},
              "rows of bytes with scale and bias behind, as floats");
const Operator kGatherFused8BitRowwise =
    CalledRow("GatherFused8BitRowwise", {2, 2}, InferTypes<kFloat>, CallGatherFused, {},
              "some rows of bytes with scale and bias behind, as floats");
const Operator kByteWeightDequant =
    CalledRow("ByteWeightDequant", {}, InferTypes<kFloat>, CallByteWeightDequant, kRangeArgs,
              "bytes as floats of one range");
const Operator kQuantDecode =
    CalledRow("QuantDecode", {2, kVariadic, 1, kVariadic}, InferTypes<kFloat>, CallQuantDecode, {},
              "codes as the values of a codebook");

}  // namespace doppio::operators
