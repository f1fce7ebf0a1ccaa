// Caffe2's SequenceMask: cells outside of a sequence, a window or a triangle get a value.
#include <cmath>
#include <cstdlib>

#include "base/message.h"
#include "runtime/operators/call_context.h"
#include "runtime/operators/infer_context.h"
#include "runtime/operators/rows.h"

namespace doppio::operators {
namespace {

using base::Cat;

enum class Mode : uint8_t { kSequence, kWindow, kUpper, kLower, kUpperDiag, kLowerDiag };

Status ReadMode(const ArgReader& args, Mode* mode) {
  constexpr std::string_view kNames[] = {"sequence", "window",    "upper",
                                         "lower",    "upperdiag", "lowerdiag"};
  std::string_view text;
  DOPPIO_RETURN_IF_ERROR(args.Text("mode", &text));
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (kNames[i] != text) continue;
    *mode = static_cast<Mode>(i);
    return {};
  }
  return InvalidArgument(Cat("mode ", base::Quoted(text),
                             " is unknown; there are sequence, window, upper, lower, upperdiag, "
                             "lowerdiag"));
}

Status InferSequenceMask(InferContext& c) {
  Mode mode;
  const ValueFacts& x = c.input(0);
  DOPPIO_RETURN_IF_ERROR(ReadMode(c.args, &mode));
  const bool needs = mode == Mode::kSequence || mode == Mode::kWindow;
  if (needs != c.HasInput(1)) {
    return InvalidArgument(Cat("its mode ", needs ? "needs" : "takes no", " second input"));
  }
  if (c.args.Has("batch")) return Unsupported("argument 'batch'");
  if (x.has_shape) {
    int axis = 0;
    int64_t named = 1;
    DOPPIO_RETURN_IF_ERROR(c.args.Int("axis", &named));
    DOPPIO_RETURN_IF_ERROR(c.CanonicalAxis(named, x.shape.rank, &axis));
    c.Set(0, ElementType::kFloat, x.shape);
  } else {
    c.SetUnknownShape(0, ElementType::kFloat);
  }
  return {};
}

// Whether cell j of row i is masked; `number` is the row's length or the centre of its window.
bool Masked(Mode mode, int64_t i, int64_t j, int64_t number, int64_t radius) {
  switch (mode) {
    case Mode::kSequence:
      return j >= number;
    case Mode::kWindow:
      return std::abs(j - number) > radius;
    case Mode::kUpper:
      return j > i;
    case Mode::kLower:
      return j < i;
    case Mode::kUpperDiag:
      return j >= i;
    case Mode::kLowerDiag:
      return j <= i;
  }
  return false;
}

Status CallSequenceMask(CallContext& c) {
  const HostValue& x = *c.input(0);
  Mode mode;
  int64_t named = 1, radius = 10, repeat = -1;
  float fill = 0;
  DOPPIO_RETURN_IF_ERROR(ReadMode(c.args, &mode));
  DOPPIO_RETURN_IF_ERROR(c.args.Int("axis", &named));
  DOPPIO_RETURN_IF_ERROR(c.args.IntIn("radius", 0, INT32_MAX, &radius));
  DOPPIO_RETURN_IF_ERROR(c.args.Int("repeat_from_axis", &repeat));
  DOPPIO_RETURN_IF_ERROR(c.args.Float("fill_val", &fill));
  if (x.type != ElementType::kFloat) {
    return InvalidArgument(Cat("input 0 ", x.type, x.dims, " must be float32"));
  }
  const int rank = x.dims.rank();
  if (named < -rank || named >= rank) {
    return InvalidArgument(Cat("axis ", named, " does not exist in ", rank, " dimensions"));
  }
  const int axis = static_cast<int>(named < 0 ? named + rank : named);
  // Dimensions from `repeated` on share a cell's fate.
  int repeated = rank;
  if (c.args.Has("repeat_from_axis")) {
    repeated = static_cast<int>(repeat < 0 ? repeat + rank : repeat);
    if (repeated <= axis || repeated > rank) {
      return InvalidArgument(Cat("repeat_from_axis ", repeat, " is not behind axis ", axis));
    }
  }
  int64_t rows = 1, columns = 1, repeats = 1;
  for (int i = 0; i < axis; ++i) rows *= x.dims[i];
  for (int i = axis; i < repeated; ++i) columns *= x.dims[i];
  for (int i = repeated; i < rank; ++i) repeats *= x.dims[i];
  const int32_t* numbers = nullptr;
  if (c.HasInput(1)) {
    const HostValue& given = *c.input(1);
    if (given.type != ElementType::kInt32 || given.count() != rows) {
      return InvalidArgument(
          Cat("input 1 ", given.type, given.dims, " must hold ", rows, " int32"));
    }
    numbers = given.as<int32_t>();
  }
  DOPPIO_ASSIGN_OR_RETURN(void* const memory, c.SetTensor(0, x.type, x.dims));
  auto* y = static_cast<float*>(memory);
  const float* from = x.as<float>();
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) {
      const bool masked = Masked(mode, i, j, numbers != nullptr ? numbers[i] : 0, radius);
      for (int64_t r = 0; r < repeats; ++r, ++from) *y++ = masked ? fill : *from;
    }
  }
  return {};
}

constexpr ArgSpec kArgs[] = {{"mode", ArgKind::kString, 0, "", true},
                             {"axis", ArgKind::kInt, 1},
                             {"radius", ArgKind::kInt, 10},
                             {"fill_val", ArgKind::kFloat, -HUGE_VAL},
                             {"batch", ArgKind::kInt},
                             {"repeat_from_axis", ArgKind::kInt, -1},
                             {"grad", ArgKind::kInt}};

}  // namespace

const Operator kSequenceMask = {.domain = "",
                                .type = "SequenceMask",
                                .min_inputs = 1,
                                .max_inputs = 2,
                                .min_outputs = 1,
                                .max_outputs = 1,
                                .layout = LayoutTrait::kRowMajor,
                                .flags = kPlain,
                                .infer = InferSequenceMask,
                                .lower = nullptr,
                                .args = kArgs,
                                .summary = "cells outside of a sequence get a value",
                                .call = CallSequenceMask};

}  // namespace doppio::operators
