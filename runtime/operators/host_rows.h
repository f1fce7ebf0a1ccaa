// Rows of tensors picked, repeated and filled up on the host: what Caffe2's operators on ragged
// data (rows grouped by lengths) share.
#pragma once

#include <span>

#include "runtime/operators/call_context.h"

namespace doppio::operators {

// Integers of an input of one dimension, int32 or int64. `what` names it in messages.
Status ReadIntegers(const HostValue& value, const char* what, base::Array<int64_t>* numbers);
// Lengths of segments: none is negative, and they sum up to `total` (negative: to anything).
Status ReadLengths(const HostValue& value, int64_t total, base::Array<int64_t>* lengths);

// Bytes of one row of a tensor: all dimensions but the first `leading`.
int64_t RowBytes(const HostValue& tensor, int leading = 1);

// Output `i` becomes rows of `data`, dims [leading..., data's dims behind its first `skip`]; row -1
// is `fill` (one row's bytes; null: zeros).
Status SetRows(CallContext& c, size_t i, const HostValue& data, std::span<const int64_t> rows,
               const Dims& leading, const void* fill = nullptr, int skip = 1);
// Output `i` becomes a tensor of one dimension.
Status SetIntegers(CallContext& c, size_t i, ElementType type, std::span<const int64_t> values);
// The same with dims.
Status SetIntegers(CallContext& c, size_t i, ElementType type, std::span<const int64_t> values,
                   const Dims& dims);

}  // namespace doppio::operators
