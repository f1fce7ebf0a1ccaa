// Caffe2's operators that put rows at named places: ScatterAssign, ScatterWeightedSum,
// SparseToDense, SparseToDenseMask, BatchSparseToDense, BatchDenseToSparse.
#include <algorithm>
#include <cstring>

#include "base/message.h"
#include "runtime/operators/host_rows.h"
#include "runtime/operators/infer_context.h"
#include "runtime/operators/rows.h"

namespace doppio::operators {
namespace {

using base::Cat;
using Numbers = base::Array<int64_t>;

Status CheckIndices(const Numbers& indices, int64_t rows) {
  for (size_t i = 0; i < indices.size(); ++i) {
    if (indices[i] < 0 || indices[i] >= rows) {
      return ComputeError(Cat("index ", indices[i], " at ", i, " is outside [0, ", rows, ")"));
    }
  }
  return {};
}

// A copy of input 0 as output 0.
StatusOr<void*> CopyOfData(CallContext& c) {
  const HostValue& data = *c.input(0);
  DOPPIO_ASSIGN_OR_RETURN(void* const y, c.SetTensor(0, data.type, data.dims));
  const int64_t bytes = HostBytes(data);
  if (bytes > 0) std::memcpy(y, data.data, static_cast<size_t>(bytes));
  return y;
}

// Rows of `slices` must be like those of `data`, one for each index.
Status CheckSlices(const HostValue& data, const HostValue& slices, const Numbers& indices) {
  if (data.dims.rank() < 1 || slices.type != data.type ||
      slices.count() * (ElementBits(data.type) / 8) !=
          static_cast<int64_t>(indices.size()) * RowBytes(data)) {
    return InvalidArgument(Cat("slices ", slices.type, slices.dims, " are no ", indices.size(),
                               " rows of ", data.type, data.dims));
  }
  return CheckIndices(indices, data.dims[0]);
}

Status CallScatterAssign(CallContext& c) {
  const HostValue &data = *c.input(0), &slices = *c.input(2);
  Numbers indices;
  DOPPIO_RETURN_IF_ERROR(ReadIntegers(*c.input(1), "indices", &indices));
  DOPPIO_RETURN_IF_ERROR(CheckSlices(data, slices, indices));
  DOPPIO_ASSIGN_OR_RETURN(void* const y, CopyOfData(c));
  const auto bytes = static_cast<size_t>(RowBytes(data));
  for (size_t i = 0; i < indices.size() && bytes > 0; ++i) {
    std::memcpy(static_cast<char*>(y) + static_cast<size_t>(indices[i]) * bytes,
                slices.as<char>() + i * bytes, bytes);
  }
  return {};
}

// x0 w0 at the named rows, plus the sum of the others' rows times their weights.
Status CallScatterWeightedSum(CallContext& c) {
  const HostValue& data = *c.input(0);
  Numbers indices;
  if (c.input_count() % 2 == 0) return InvalidArgument("it takes pairs of tensors and weights");
  DOPPIO_RETURN_IF_ERROR(ReadIntegers(*c.input(2), "indices", &indices));
  const auto weight = [&](size_t i, float* value) -> Status {
    const HostValue& w = *c.input(i);
    if (w.type != ElementType::kFloat || w.count() != 1) {
      return InvalidArgument(Cat("weight ", i, " must be one float"));
    }
    *value = *w.as<float>();
    return {};
  };
  float w = 0;
  if (data.type != ElementType::kFloat) return InvalidArgument("it sums float32");
  DOPPIO_RETURN_IF_ERROR(weight(1, &w));
  DOPPIO_RETURN_IF_ERROR(CheckIndices(indices, data.dims.rank() > 0 ? data.dims[0] : 0));
  DOPPIO_ASSIGN_OR_RETURN(void* const memory, CopyOfData(c));
  auto* const y = static_cast<float*>(memory);
  const int64_t width = RowBytes(data) / 4;
  for (const int64_t row : indices) {
    for (int64_t j = 0; j < width; ++j) y[row * width + j] *= w;
  }
  for (size_t i = 3; i + 1 < c.input_count(); i += 2) {
    const HostValue& slices = *c.input(i);
    DOPPIO_RETURN_IF_ERROR(CheckSlices(data, slices, indices));
    DOPPIO_RETURN_IF_ERROR(weight(i + 1, &w));
    for (size_t r = 0; r < indices.size(); ++r) {
      for (int64_t j = 0; j < width; ++j) {
        y[indices[r] * width + j] += w * slices.as<float>()[static_cast<int64_t>(r) * width + j];
      }
    }
  }
  return {};
}

// Rows summed up at their indices.
template <class T>
void AddRows(const Numbers& indices, const HostValue& values, int64_t width, void* memory) {
  auto* const y = static_cast<T*>(memory);
  for (size_t i = 0; i < indices.size(); ++i) {
    for (int64_t j = 0; j < width; ++j) {
      y[indices[i] * width + j] += values.as<T>()[static_cast<int64_t>(i) * width + j];
    }
  }
}

// As many rows as input 2 has, or `output_first_dim`, or the greatest index says.
Status CallSparseToDense(CallContext& c) {
  const HostValue& values = *c.input(1);
  Numbers indices;
  int64_t stated = 0;
  constexpr int64_t kMostRows = int64_t{1} << 32;
  DOPPIO_RETURN_IF_ERROR(c.args.IntIn("output_first_dim", 0, kMostRows, &stated));
  DOPPIO_RETURN_IF_ERROR(ReadIntegers(*c.input(0), "indices", &indices));
  if (values.dims.rank() < 1 || values.dims[0] != static_cast<int64_t>(indices.size())) {
    return InvalidArgument(Cat(indices.size(), " indices for values ", values.dims));
  }
  int64_t rows = 0;
  for (const int64_t index : indices) rows = std::max(rows, index + 1);
  if (stated > 0) rows = stated;
  if (c.HasInput(2)) {
    if (c.input(2)->dims.rank() < 1) return InvalidArgument("input 2 has no rows");
    rows = c.input(2)->dims[0];
  }
  if (rows > kMostRows) return ComputeError(Cat("an index of ", rows - 1));
  DOPPIO_RETURN_IF_ERROR(CheckIndices(indices, rows));
  Dims dims = values.dims;
  dims[0] = rows;
  DOPPIO_ASSIGN_OR_RETURN(void* const y, c.SetTensor(0, values.type, dims));
  const int64_t bytes = RowBytes(values);
  if (rows * bytes > 0) std::memset(y, 0, static_cast<size_t>(rows * bytes));
  switch (values.type) {
    case ElementType::kFloat:
      AddRows<float>(indices, values, bytes / 4, y);
      return {};
    case ElementType::kDouble:
      AddRows<double>(indices, values, bytes / 8, y);
      return {};
    case ElementType::kInt32:
      AddRows<int32_t>(indices, values, bytes / 4, y);
      return {};
    case ElementType::kInt64:
      AddRows<int64_t>(indices, values, bytes / 8, y);
      return {};
    default:
      return InvalidArgument(Cat("it cannot sum values of type ", values.type));
  }
}

// A row for each id of `mask`, in its order; a default row where an example has none.
Status CallSparseToDenseMask(CallContext& c) {
  const HostValue &values = *c.input(1), &fallback = *c.input(2);
  const std::span<const int64_t> mask = c.args.Ints("mask");
  Numbers ids, lengths, rows;
  DOPPIO_RETURN_IF_ERROR(ReadIntegers(*c.input(0), "indices", &ids));
  if (values.dims.rank() < 1 || values.dims[0] != static_cast<int64_t>(ids.size()) ||
      fallback.type != values.type ||
      fallback.count() * (ElementBits(values.type) / 8) != RowBytes(values)) {
    return InvalidArgument(Cat(ids.size(), " indices, values ", values.dims, " and default ",
                               fallback.dims, " do not fit"));
  }
  const auto total = static_cast<int64_t>(ids.size());
  if (c.HasInput(3)) {
    DOPPIO_RETURN_IF_ERROR(ReadLengths(*c.input(3), total, &lengths));
  } else {
    DOPPIO_RETURN_IF_ERROR(lengths.Append(total));
  }
  const auto width = static_cast<int64_t>(mask.size());
  int64_t begin = 0;
  for (const int64_t length : lengths) {
    for (const int64_t wanted : mask) {
      int64_t found = -1;  // the last of several
      for (int64_t i = begin; i < begin + length; ++i) {
        if (ids[static_cast<size_t>(i)] == wanted) found = i;
      }
      DOPPIO_RETURN_IF_ERROR(rows.Append(found));
    }
    begin += length;
  }
  Dims leading;
  if (c.HasInput(3)) leading.push_back(static_cast<int64_t>(lengths.size()));
  leading.push_back(width);
  DOPPIO_ASSIGN_OR_RETURN(void* const present, c.SetTensor(1, ElementType::kBool, leading));
  for (size_t i = 0; i < rows.size(); ++i) static_cast<bool*>(present)[i] = rows[i] >= 0;
  return SetRows(c, 0, values, {rows.data(), rows.size()}, leading, fallback.data);
}

// Lengths and column indices of the batch's rows, checked against the width of the dense side.
Status ReadBatch(const CallContext& c, int64_t width, Numbers* lengths, Numbers* columns) {
  DOPPIO_RETURN_IF_ERROR(ReadIntegers(*c.input(1), "indices", columns));
  DOPPIO_RETURN_IF_ERROR(ReadLengths(*c.input(0), static_cast<int64_t>(columns->size()), lengths));
  return CheckIndices(*columns, width);
}

Status CallBatchSparseToDense(CallContext& c) {
  const HostValue& values = *c.input(2);
  Numbers lengths, columns;
  int64_t width = -1;
  float fallback = 0;
  DOPPIO_RETURN_IF_ERROR(c.args.IntIn("dense_last_dim", -1, INT32_MAX, &width));
  DOPPIO_RETURN_IF_ERROR(c.args.Float("default_value", &fallback));
  if (c.HasInput(3)) {
    if (c.input(3)->dims.rank() != 2) return InvalidArgument("input 3 must have 2 dimensions");
    width = c.input(3)->dims[1];
  }
  if (width < 1) return InvalidArgument("dense_last_dim must say how many columns there are");
  DOPPIO_RETURN_IF_ERROR(ReadBatch(c, width, &lengths, &columns));
  if (values.type != ElementType::kFloat ||
      values.count() != static_cast<int64_t>(columns.size())) {
    return InvalidArgument(Cat(columns.size(), " indices for values ", values.type, values.dims));
  }
  const auto batch = static_cast<int64_t>(lengths.size());
  DOPPIO_ASSIGN_OR_RETURN(void* const memory, c.SetTensor(0, values.type, {batch, width}));
  auto* const y = static_cast<float*>(memory);
  std::fill_n(y, batch * width, fallback);
  size_t at = 0;
  for (int64_t row = 0; row < batch; ++row) {
    for (int64_t i = 0; i < lengths[static_cast<size_t>(row)]; ++i, ++at) {
      y[row * width + columns[at]] = values.as<float>()[at];
    }
  }
  return {};
}

Status CallBatchDenseToSparse(CallContext& c) {
  const HostValue& dense = *c.input(2);
  Numbers lengths, columns;
  if (dense.type != ElementType::kFloat || dense.dims.rank() != 2) {
    return InvalidArgument(Cat("input 2 ", dense.type, dense.dims, " must be a float32 matrix"));
  }
  DOPPIO_RETURN_IF_ERROR(ReadBatch(c, dense.dims[1], &lengths, &columns));
  if (static_cast<int64_t>(lengths.size()) != dense.dims[0]) {
    return InvalidArgument(Cat(lengths.size(), " lengths for ", dense.dims[0], " rows"));
  }
  DOPPIO_ASSIGN_OR_RETURN(void* const memory,
                          c.SetTensor(0, dense.type, {static_cast<int64_t>(columns.size())}));
  size_t at = 0;
  for (size_t row = 0; row < lengths.size(); ++row) {
    for (int64_t i = 0; i < lengths[row]; ++i, ++at) {
      static_cast<float*>(memory)[at] =
          dense.as<float>()[static_cast<int64_t>(row) * dense.dims[1] + columns[at]];
    }
  }
  return {};
}

// Output 0 has the type of one input; a second is bool.
template <size_t kInput>
Status InferLike(InferContext& c) {
  c.SetUnknownShape(0, c.input(kInput).type);
  c.SetUnknownShape(1, ElementType::kBool);
  return {};
}

constexpr ArgSpec kArgs[] = {{"output_first_dim", ArgKind::kInt},
                             {"mask", ArgKind::kInts},
                             {"return_presence_mask", ArgKind::kInt},
                             {"dense_last_dim", ArgKind::kInt, -1},
                             {"default_value", ArgKind::kFloat}};

constexpr Operator ScatterRow(std::string_view type, int min_inputs, int max_inputs, int outputs,
                              Status (*infer)(InferContext&), Status (*call)(CallContext&),
                              const char* summary) {
  return {.domain = "",
          .type = type,
          .min_inputs = min_inputs,
          .max_inputs = max_inputs,
          .min_outputs = 1,
          .max_outputs = outputs,
          .layout = LayoutTrait::kRowMajor,
          .flags = kPlain,
          .infer = infer,
          .lower = nullptr,
          .args = kArgs,
          .summary = summary,
          .call = call};
}

}  // namespace

const Operator kScatterAssign = ScatterRow("ScatterAssign", 3, 3, 1, InferLike<0>,
                                           CallScatterAssign, "rows replaced at named places");
const Operator kScatterWeightedSum =
    ScatterRow("ScatterWeightedSum", 5, kVariadic, 1, InferLike<0>, CallScatterWeightedSum,
               "rows at named places, weighed and summed");
const Operator kSparseToDense = ScatterRow("SparseToDense", 2, 3, 1, InferLike<1>,
                                           CallSparseToDense, "rows summed at their indices");
const Operator kSparseToDenseMask =
    ScatterRow("SparseToDenseMask", 3, 4, 2, InferLike<1>, CallSparseToDenseMask,
               "a row for each of a list of ids");
const Operator kBatchSparseToDense =
    ScatterRow("BatchSparseToDense", 3, 4, 1, InferLike<2>, CallBatchSparseToDense,
               "rows of a matrix from their values and columns");
const Operator kBatchDenseToSparse =
    ScatterRow("BatchDenseToSparse", 3, 3, 1, InferLike<2>, CallBatchDenseToSparse,
               "values of a matrix at named columns of each row");

}  // namespace doppio::operators
