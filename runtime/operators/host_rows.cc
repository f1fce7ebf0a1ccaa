#include "runtime/operators/host_rows.h"

#include <cstring>

#include "base/message.h"

namespace doppio::operators {

using base::Cat;

Status ReadIntegers(const HostValue& value, const char* what, base::Array<int64_t>* numbers) {
  const bool wide = value.type == ElementType::kInt64;
  if (value.dims.rank() != 1 || (!wide && value.type != ElementType::kInt32)) {
    return InvalidArgument(
        Cat(what, " must be int32 or int64 of one dimension, they are ", value.type, value.dims));
  }
  DOPPIO_RETURN_IF_ERROR(numbers->Resize(static_cast<size_t>(value.dims[0])));
  for (int64_t i = 0; i < value.dims[0]; ++i) {
    (*numbers)[static_cast<size_t>(i)] = wide ? value.as<int64_t>()[i] : value.as<int32_t>()[i];
  }
  return {};
}

Status ReadLengths(const HostValue& value, int64_t total, base::Array<int64_t>* lengths) {
  DOPPIO_RETURN_IF_ERROR(ReadIntegers(value, "lengths", lengths));
  constexpr int64_t kMost = int64_t{1} << 40;
  int64_t sum = 0;
  for (const int64_t length : *lengths) {
    if (length < 0 || length > kMost - sum) {
      return ComputeError(Cat("a length of ", length, " after ", sum, " rows"));
    }
    sum += length;
  }
  if (total < 0 || sum == total) return {};
  return ComputeError(Cat("the lengths sum up to ", sum, ", there are ", total, " rows"));
}

int64_t RowBytes(const HostValue& tensor, int leading) {
  int64_t bytes = ElementBits(tensor.type) / 8;
  for (int i = leading; i < tensor.dims.rank(); ++i) bytes *= tensor.dims[i];
  return bytes;
}

Status SetRows(CallContext& c, size_t i, const HostValue& data, std::span<const int64_t> rows,
               const Dims& leading, const void* fill, int skip) {
  Dims dims = leading;
  if (leading.rank() + data.dims.rank() - skip > kMaxRank) {
    return Unsupported("more than 16 dimensions");
  }
  for (int d = skip; d < data.dims.rank(); ++d) dims.push_back(data.dims[d]);
  DOPPIO_ASSIGN_OR_RETURN(void* const memory, c.SetTensor(i, data.type, dims));
  const auto bytes = static_cast<size_t>(RowBytes(data, skip));
  auto* to = static_cast<char*>(memory);
  for (const int64_t row : rows) {
    if (bytes == 0) break;
    if (row >= 0) {
      std::memcpy(to, data.as<char>() + static_cast<size_t>(row) * bytes, bytes);
    } else if (fill != nullptr) {
      std::memcpy(to, fill, bytes);
    } else {
      std::memset(to, 0, bytes);
    }
    to += bytes;
  }
  return {};
}

Status SetIntegers(CallContext& c, size_t i, ElementType type, std::span<const int64_t> values) {
  return SetIntegers(c, i, type, values, {static_cast<int64_t>(values.size())});
}

Status SetIntegers(CallContext& c, size_t i, ElementType type, std::span<const int64_t> values,
                   const Dims& dims) {
  DOPPIO_ASSIGN_OR_RETURN(void* const memory, c.SetTensor(i, type, dims));
  for (size_t at = 0; at < values.size(); ++at) {
    if (type == ElementType::kInt32) {
      static_cast<int32_t*>(memory)[at] = static_cast<int32_t>(values[at]);
    } else {
      static_cast<int64_t*>(memory)[at] = values[at];
    }
  }
  return {};
}

}  // namespace doppio::operators
