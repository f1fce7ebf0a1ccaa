// Conversion of elements from one type to another.
#include "runtime/operators/cast.h"

#include "base/message.h"
#include "runtime/operators/caffe2_types.h"
#include "runtime/operators/content.h"
#include "runtime/operators/rows.h"
#include "runtime/operators/strings.h"

namespace doppio::operators {
using base::Cat;

Status EmitCast(LowerContext& c, kernels::CastProblem p, const TensorRef& x, const TensorRef& y) {
  p.x_type = x.type;
  p.y_type = y.type;
  p.rank = y.dims.rank();
  for (int i = 0; i < p.rank; ++i) {
    p.dims[i] = y.dims[i];
    p.x_strides[i] = x.strides[i];
    p.y_strides[i] = y.strides[i];
  }
  int64_t* const strides[] = {p.x_strides, p.y_strides};
  MergeDims(&p.rank, p.dims, 2, strides);
  return c.Emit(kernels::ProblemKind::kCast, p, {x}, {y});
}

StatusOr<TensorRef> AsType(LowerContext& c, const TensorRef& x, ElementType type) {
  if (x.type == type) return x;
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef y, c.Temporary(type, x.dims));
  DOPPIO_RETURN_IF_ERROR(EmitCast(c, {}, x, y));
  return y;
}

namespace {

bool HasNumbers(ElementType type) {
  return type != ElementType::kUndefined && type != ElementType::kString &&
         type != ElementType::kComplex64 && type != ElementType::kComplex128;
}

Status FinishCast(InferContext& c, ElementType to) {
  const ValueFacts& x = c.input(0);
  const bool texts =
      IsOnnx(c.node()) && (x.type == ElementType::kString || to == ElementType::kString);
  if (texts) {
    c.Set(0, to, x.shape);
    return {};
  }
  if (x.type != to && (!HasNumbers(x.type) || !HasNumbers(to))) {
    return Unsupported(Cat(c.Describe(0), " cannot be converted to ", to));
  }
  c.Set(0, to, x.shape);
  if (to != ElementType::kBool) return KeepContent(c, 0, 0);
  base::Array<Dim>* content = nullptr;
  if (!x.has_content) return {};
  DOPPIO_RETURN_IF_ERROR(StartContent(c, 0, &content));
  for (size_t i = 0; content != nullptr && i < content->size(); ++i) {
    if (x.content[i].known()) (*content)[i] = Dim(x.content[i].Is(0) ? 0 : 1);
  }
  return {};
}

Status InferCaffe2Cast(InferContext& c) {
  ElementType to = ElementType::kFloat;
  DOPPIO_RETURN_IF_ERROR(ReadCaffe2Type(c.node(), "to", &to));
  return FinishCast(c, to);
}

Status InferOnnxCast(InferContext& c) {
  int64_t to = 0;
  DOPPIO_RETURN_IF_ERROR(c.args.IntIn("to", 1, kElementTypeCount - 1, &to));
  return FinishCast(c, static_cast<ElementType>(to));
}

Status InferOnnxCastLike(InferContext& c) { return FinishCast(c, c.input(1).type); }

Status ReadRounding(const ArgReader& args, base::PowerRounding* rounding) {
  std::string_view mode;
  DOPPIO_RETURN_IF_ERROR(args.Text("round_mode", &mode));
  if (mode == "up") {
    *rounding = base::PowerRounding::kUp;
  } else if (mode == "down") {
    *rounding = base::PowerRounding::kDown;
  } else if (mode == "nearest") {
    *rounding = base::PowerRounding::kNearest;
  } else {
    return InvalidArgument(Cat("argument 'round_mode' is ", base::Quoted(mode)));
  }
  return {};
}

Status LowerCast(LowerContext& c) {
  const TensorRef x = c.input(0), y = c.output(0);
  if (x.type == y.type) return c.Alias(0, x);
  kernels::CastProblem p;
  if (!c.node().domain.empty()) {
    DOPPIO_RETURN_IF_ERROR(c.args.Bool("saturate", &p.saturate));
    DOPPIO_RETURN_IF_ERROR(ReadRounding(c.args, &p.power_rounding));
  }
  return EmitCast(c, p, x, y);
}

constexpr ArgSpec kCastArgs[] = {{"to", ArgKind::kInt, 1}, {"from_type", ArgKind::kInt}};
constexpr ArgSpec kOnnxCastArgs[] = {{"to", ArgKind::kInt, 0, "", true},
                                     {"saturate", ArgKind::kInt, 1},
                                     {"round_mode", ArgKind::kString, 0, "up"}};
constexpr ArgSpec kOnnxCastLikeArgs[] = {{"saturate", ArgKind::kInt, 1},
                                         {"round_mode", ArgKind::kString, 0, "up"}};

}  // namespace

const Operator kCast = {"",
                        "Cast",
                        1,
                        1,
                        1,
                        1,
                        LayoutTrait::kAny,
                        kPlain,
                        InferCaffe2Cast,
                        LowerCast,
                        kCastArgs,
                        "converts elements to another type"};
const Operator kOnnxCast = {"ai.onnx",
                            "Cast",
                            1,
                            1,
                            1,
                            1,
                            LayoutTrait::kAny,
                            kPlain,
                            InferOnnxCast,
                            LowerCast,
                            kOnnxCastArgs,
                            "converts elements to another type",
                            CallStringCast};
const Operator kOnnxCastLike = {"ai.onnx",
                                "CastLike",
                                2,
                                2,
                                1,
                                1,
                                LayoutTrait::kAny,
                                kPlain,
                                InferOnnxCastLike,
                                LowerCast,
                                kOnnxCastLikeArgs,
                                "converts elements to the type of another tensor",
                                CallStringCast};

}  // namespace doppio::operators
