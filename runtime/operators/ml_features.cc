// Preparation of features, of domain ai.onnx.ml: ArrayFeatureExtractor, Binarizer,
// FeatureVectorizer, Imputer, Normalizer, Scaler. All are compositions of problems that other
// operators pose as well.
#include <algorithm>
#include <cmath>

#include "base/checked.h"
#include "base/message.h"
#include "kernels/problems/indexing.h"
#include "runtime/operators/binary.h"
#include "runtime/operators/cast.h"
#include "runtime/operators/elementwise.h"
#include "runtime/operators/infer_context.h"
#include "runtime/operators/lower_context.h"
#include "runtime/operators/reduce.h"
#include "runtime/operators/rows.h"
#include "runtime/operators/where.h"

namespace doppio::operators {
namespace {

using base::Cat;
using base::Quoted;
using kernels::BinaryOp;
using kernels::ProblemKind;

bool IsFeatureType(ElementType type) {
  return type == ElementType::kFloat || type == ElementType::kDouble ||
         type == ElementType::kInt64 || type == ElementType::kInt32;
}

Status CheckFeatures(const InferContext& c, size_t i) {
  if (IsFeatureType(c.input(i).type)) return {};
  return InvalidArgument(Cat(c.Describe(i), " must hold float32, float64, int32 or int64"));
}

// A list of floats, one a feature or one for all, as a constant of `type` that broadcasts.
StatusOr<TensorRef> FeatureConstant(LowerContext& c, std::span<const float> values,
                                    ElementType type) {
  const Dims dims{static_cast<int64_t>(values.size())};
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef floats,
                          c.Constant(ElementType::kFloat, dims, values.data()));
  return AsType(c, floats, type);
}

// One entry a feature of input `i`, or one for all.
Status CheckList(const InferContext& c, size_t i, std::string_view name, size_t size) {
  const Shape& x = c.input(i).shape;
  const Dim features = x.rank > 0 ? x[x.rank - 1] : Dim(1);
  if (size == 1 || !features.known() || features.value() == static_cast<int64_t>(size)) return {};
  return InvalidArgument(Cat("argument ", Quoted(name), " has ", size, " entries for ",
                             features.value(), " features"));
}

// --- ArrayFeatureExtractor
// -----------------------------------------------------------------------------------------------

Status InferExtractor(InferContext& c) {
  const Shape& x = c.input(0).shape;
  if (x.rank == 0) return InvalidArgument(Cat(c.Describe(0), " has no features"));
  if (c.input(1).type != ElementType::kInt64) {
    return InvalidArgument(Cat("indices ", c.Describe(1), " must be int64"));
  }
  Shape y;
  if (x.rank == 1) y.push_back(Dim(1));
  for (int i = 0; i + 1 < x.rank; ++i) y.push_back(x[i]);
  y.push_back(CountOf(c.input(1).shape, &c.symbols()));
  c.Set(0, c.input(0).type, y);
  return {};
}

Status LowerExtractor(LowerContext& c) {
  const TensorRef x = c.input(0), index = c.input(1);
  kernels::GatherProblem p;
  p.element_bytes = ElementBytes(x.type);
  p.wrap = false;
  p.axis = x.dims[x.dims.rank() - 1];
  p.outer = p.axis > 0 ? x.count() / p.axis : 0;
  p.count = index.count();
  return c.Emit(ProblemKind::kGather, p, {x, index}, {c.output(0)});
}

// --- Binarizer
// -----------------------------------------------------------------------------------------------

Status InferSame(InferContext& c) {
  DOPPIO_RETURN_IF_ERROR(CheckFeatures(c, 0));
  c.Set(0, c.input(0).type, c.input(0).shape);
  return {};
}

// The type that integers compare with floats in.
ElementType Wide(ElementType type) {
  return type == ElementType::kFloat ? ElementType::kFloat : ElementType::kDouble;
}

Status LowerBinarizer(LowerContext& c) {
  float threshold = 0;
  DOPPIO_RETURN_IF_ERROR(c.args.Float("threshold", &threshold));
  const TensorRef y = c.output(0);
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef x, AsType(c, c.input(0), Wide(c.input(0).type)));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef limit, FeatureConstant(c, {&threshold, 1}, x.type));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef above, c.Temporary(ElementType::kBool, y.dims));
  DOPPIO_RETURN_IF_ERROR(EmitBinary(c, {BinaryOp::kGreater}, x, limit, above));
  return EmitCast(c, {}, above, y);
}

// --- Scaler
// -----------------------------------------------------------------------------------------------

Status InferScaler(InferContext& c) {
  DOPPIO_RETURN_IF_ERROR(CheckFeatures(c, 0));
  for (const char* name : {"offset", "scale"}) {
    const size_t size = c.args.Floats(name).size();
    if (size > 0) DOPPIO_RETURN_IF_ERROR(CheckList(c, 0, name, size));
  }
  c.Set(0, ElementType::kFloat, c.input(0).shape);
  return {};
}

// (x - offset) * scale, in float64 for what float32 cannot hold.
Status LowerScaler(LowerContext& c) {
  constexpr float kNoOffset[] = {0}, kNoScale[] = {1};
  const TensorRef y = c.output(0);
  std::span<const float> offset = c.args.Floats("offset"), scale = c.args.Floats("scale");
  if (offset.empty()) offset = kNoOffset;
  if (scale.empty()) scale = kNoScale;
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef x, AsType(c, c.input(0), Wide(c.input(0).type)));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef minus, FeatureConstant(c, offset, x.type));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef times, FeatureConstant(c, scale, x.type));
  TensorRef scaled = y;
  if (x.type != y.type) {
    DOPPIO_ASSIGN_OR_RETURN(scaled, c.Temporary(x.type, y.dims));
  }
  DOPPIO_RETURN_IF_ERROR(EmitBinary(c, {BinaryOp::kSub}, x, minus, scaled));
  DOPPIO_RETURN_IF_ERROR(EmitBinary(c, {BinaryOp::kMul}, scaled, times, scaled));
  return x.type == y.type ? Status() : EmitCast(c, {}, scaled, y);
}

// --- Imputer
// -----------------------------------------------------------------------------------------------

bool IsFloat(ElementType type) {
  return type == ElementType::kFloat || type == ElementType::kDouble;
}

Status InferImputer(InferContext& c) {
  DOPPIO_RETURN_IF_ERROR(InferSame(c));
  const bool floats = IsFloat(c.input(0).type);
  const char* const name = floats ? "imputed_value_floats" : "imputed_value_int64s";
  const size_t size = floats ? c.args.Floats(name).size() : c.args.Ints(name).size();
  if (size == 0) {
    return InvalidArgument(Cat("argument ", Quoted(name), " is missing for ", c.Describe(0)));
  }
  return CheckList(c, 0, name, size);
}

// What replaces, and what is replaced, as constants of x's type.
Status ImputerConstants(LowerContext& c, ElementType type, TensorRef* imputed,
                        TensorRef* replaced) {
  if (IsFloat(type)) {
    float value = 0;
    DOPPIO_RETURN_IF_ERROR(c.args.Float("replaced_value_float", &value));
    DOPPIO_ASSIGN_OR_RETURN(*imputed,
                            FeatureConstant(c, c.args.Floats("imputed_value_floats"), type));
    DOPPIO_ASSIGN_OR_RETURN(*replaced, FeatureConstant(c, {&value, 1}, type));
    return {};
  }
  int64_t value = 0;
  DOPPIO_RETURN_IF_ERROR(c.args.Int("replaced_value_int64", &value));
  const auto values = c.args.Ints("imputed_value_int64s");
  const Dims dims{static_cast<int64_t>(values.size())};
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef wide,
                          c.Constant(ElementType::kInt64, dims, values.data()));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef one, c.Constant(ElementType::kInt64, {1}, &value));
  DOPPIO_ASSIGN_OR_RETURN(*imputed, AsType(c, wide, type));
  DOPPIO_ASSIGN_OR_RETURN(*replaced, AsType(c, one, type));
  return {};
}

Status LowerImputer(LowerContext& c) {
  const TensorRef x = c.input(0), y = c.output(0);
  TensorRef imputed, replaced;
  DOPPIO_RETURN_IF_ERROR(ImputerConstants(c, x.type, &imputed, &replaced));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef missing, c.Temporary(ElementType::kBool, y.dims));
  float value = 0;
  if (IsFloat(x.type)) DOPPIO_RETURN_IF_ERROR(c.args.Float("replaced_value_float", &value));
  if (std::isnan(value)) {
    Activation is_nan;
    is_nan.op = kernels::UnaryOp::kIsNan;
    DOPPIO_RETURN_IF_ERROR(EmitUnary(c, is_nan, x, missing));
  } else {
    DOPPIO_RETURN_IF_ERROR(EmitBinary(c, {BinaryOp::kEqual}, x, replaced, missing));
  }
  return EmitWhere(c, missing, imputed, x, y);
}

// --- Normalizer
// -----------------------------------------------------------------------------------------------

Status ReadNorm(const ArgReader& args, kernels::ReduceOp* norm) {
  std::string_view name;
  DOPPIO_RETURN_IF_ERROR(args.Text("norm", &name));
  if (name == "MAX") {
    *norm = kernels::ReduceOp::kMax;
  } else if (name == "L1") {
    *norm = kernels::ReduceOp::kL1;
  } else if (name == "L2") {
    *norm = kernels::ReduceOp::kL2;
  } else {
    return InvalidArgument(Cat("norm ", Quoted(name), " is unknown"));
  }
  return {};
}

Status InferNormalizer(InferContext& c) {
  kernels::ReduceOp norm;
  DOPPIO_RETURN_IF_ERROR(CheckFeatures(c, 0));
  DOPPIO_RETURN_IF_ERROR(ReadNorm(c.args, &norm));
  if (c.input(0).shape.rank == 0) {
    return InvalidArgument(Cat(c.Describe(0), " has no features"));
  }
  c.Set(0, ElementType::kFloat, c.input(0).shape);
  return {};
}

// Rows whose norm is 0 stay as they are.
Status LowerNormalizer(LowerContext& c) {
  const TensorRef y = c.output(0);
  kernels::ReduceOp op = kernels::ReduceOp::kMax;
  DOPPIO_RETURN_IF_ERROR(ReadNorm(c.args, &op));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef x, AsType(c, c.input(0), Wide(c.input(0).type)));
  const int last = y.dims.rank() - 1;
  Dims one_a_row = y.dims;
  one_a_row[last] = 1;
  Reduction reduction;
  reduction.reduced[last] = true;
  constexpr float kOne = 1, kZero = 0;
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef one, FeatureConstant(c, {&kOne, 1}, x.type));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef zero, FeatureConstant(c, {&kZero, 1}, x.type));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef norm, c.Temporary(x.type, one_a_row));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef divisor, c.Temporary(x.type, one_a_row));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef none, c.Temporary(ElementType::kBool, one_a_row));
  DOPPIO_RETURN_IF_ERROR(EmitReduce(c, op, reduction, x, norm));
  DOPPIO_RETURN_IF_ERROR(EmitBinary(c, {BinaryOp::kEqual}, norm, zero, none));
  DOPPIO_RETURN_IF_ERROR(EmitWhere(c, none, one, norm, divisor));
  if (x.type == y.type) return EmitBinary(c, {BinaryOp::kDiv}, x, divisor, y);
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef quotient, c.Temporary(x.type, y.dims));
  DOPPIO_RETURN_IF_ERROR(EmitBinary(c, {BinaryOp::kDiv}, x, divisor, quotient));
  return EmitCast(c, {}, quotient, y);
}

// --- FeatureVectorizer
// -----------------------------------------------------------------------------------------------

// Features that input `i` gives to each row: what is said, or what it has.
Status WidthOf(const InferContext& c, size_t i, Dim* width) {
  const auto said = c.args.Ints("inputdimensions");
  if (!said.empty()) {
    *width = Dim(said[i]);
    if (said[i] >= 0) return {};
    return InvalidArgument(Cat("argument 'inputdimensions' holds ", said[i]));
  }
  Shape row = c.input(i).shape;
  if (row.rank > 1) row[0] = Dim(1);
  *width = CountOf(row, &c.symbols());
  return {};
}

Status InferVectorizer(InferContext& c) {
  const auto said = c.args.Ints("inputdimensions");
  if (!said.empty() && said.size() != c.input_count()) {
    return InvalidArgument(Cat("argument 'inputdimensions' has ", said.size(), " entries for ",
                               c.input_count(), " inputs"));
  }
  int64_t total = 0;
  bool known = true;
  for (size_t i = 0; i < c.input_count(); ++i) {
    if (!c.HasInput(i)) return InvalidArgument(Cat("input ", i, " is left out"));
    DOPPIO_RETURN_IF_ERROR(CheckFeatures(c, i));
    if (c.input(i).shape.rank == 0) {
      return InvalidArgument(Cat(c.Describe(i), " has no features"));
    }
    Dim width;
    DOPPIO_RETURN_IF_ERROR(WidthOf(c, i, &width));
    known = known && width.known();
    if (known && !base::CheckedAdd(total, width.value(), &total)) {
      return InvalidArgument("there are too many features");
    }
  }
  const auto rows = [&](size_t i) {
    const Shape& x = c.input(i).shape;
    return x.rank == 1 ? Dim(1) : x[0];
  };
  for (size_t i = 1; i < c.input_count(); ++i) {
    if (!rows(0).known() || !rows(i).known() || rows(0) == rows(i)) continue;
    return InvalidArgument(
        Cat(c.Describe(0), " and ", c.Describe(i), " differ in their number of rows"));
  }
  Shape y;
  y.push_back(rows(0));
  y.push_back(known ? Dim(total) : Dim());
  c.Set(0, ElementType::kFloat, y);
  return {};
}

Status LowerVectorizer(LowerContext& c) {
  const TensorRef y = c.output(0);
  const auto said = c.args.Ints("inputdimensions");
  const int64_t rows = y.dims[0];
  int64_t column = 0;
  const auto columns = [&](const TensorRef& from, int64_t begin, int64_t width) {
    TensorRef part = WithDims(from, {rows, width}, from.strides);
    part.offset += begin * from.strides[1];
    return part;
  };
  constexpr float kZero = 0;
  for (size_t i = 0; i < c.input_count(); ++i) {
    const TensorRef x = c.input(i);
    const int64_t has = x.dims.rank() == 1 ? x.dims[0] : rows > 0 ? x.count() / rows : 0;
    const int64_t wanted = said.empty() ? has : said[i], taken = std::min(has, wanted);
    const TensorRef table = Reshaped(x, {rows, has});
    if (taken > 0) {
      const TensorRef to = columns(y, column, taken);
      DOPPIO_RETURN_IF_ERROR(x.type == y.type ? c.Copy(columns(table, 0, taken), to)
                                              : EmitCast(c, {}, columns(table, 0, taken), to));
    }
    if (wanted > taken) {
      DOPPIO_RETURN_IF_ERROR(c.Fill(columns(y, column + taken, wanted - taken), &kZero));
    }
    column += wanted;
  }
  return {};
}

// --- rows
// -----------------------------------------------------------------------------------------------

constexpr ArgSpec kThresholdArgs[] = {{"threshold", ArgKind::kFloat, 0}};
constexpr ArgSpec kScalerArgs[] = {{"offset", ArgKind::kFloats}, {"scale", ArgKind::kFloats}};
constexpr ArgSpec kImputerArgs[] = {{"imputed_value_floats", ArgKind::kFloats},
                                    {"imputed_value_int64s", ArgKind::kInts},
                                    {"replaced_value_float", ArgKind::kFloat, 0},
                                    {"replaced_value_int64", ArgKind::kInt, 0}};
constexpr ArgSpec kNormArgs[] = {{"norm", ArgKind::kString, 0, "MAX"}};
constexpr ArgSpec kVectorizerArgs[] = {{"inputdimensions", ArgKind::kInts}};

constexpr Operator Features(std::string_view type, int inputs, Status (*infer)(InferContext&),
                            Status (*lower)(LowerContext&), std::span<const ArgSpec> args,
                            const char* summary) {
  const int least = inputs == kVariadic ? 1 : inputs;
  return {"ai.onnx.ml",           type,   least, inputs, 1,    1,
          LayoutTrait::kRowMajor, kPlain, infer, lower,  args, summary};
}

}  // namespace

const Operator kMlArrayFeatureExtractor =
    Features("ArrayFeatureExtractor", 2, InferExtractor, LowerExtractor, {}, "features by index");
const Operator kMlBinarizer = Features("Binarizer", 1, InferSame, LowerBinarizer, kThresholdArgs,
                                       "1 above a threshold, else 0");
const Operator kMlFeatureVectorizer =
    Features("FeatureVectorizer", kVariadic, InferVectorizer, LowerVectorizer, kVectorizerArgs,
             "the features of all inputs, side by side");
const Operator kMlImputer = Features("Imputer", 1, InferImputer, LowerImputer, kImputerArgs,
                                     "a value for those that are missing");
const Operator kMlNormalizer = Features("Normalizer", 1, InferNormalizer, LowerNormalizer,
                                        kNormArgs, "rows divided by their norm");
const Operator kMlScaler =
    Features("Scaler", 1, InferScaler, LowerScaler, kScalerArgs, "(x - offset) * scale");

}  // namespace doppio::operators
