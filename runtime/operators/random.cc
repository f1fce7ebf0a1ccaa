// Random numbers: RandomUniform, RandomNormal and their Like, Bernoulli, Multinomial of ONNX, the
// random fills of Caffe2. What
// a node draws is decided by its seed - by its name, where it has none - and is the same in every
// run.
#include "runtime/operators/random.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/message.h"
#include "kernels/problems/random.h"
#include "runtime/operators/binary.h"
#include "runtime/operators/caffe2_types.h"
#include "runtime/operators/called_row.h"
#include "runtime/operators/cast.h"
#include "runtime/operators/element_class.h"
#include "runtime/operators/elementwise.h"
#include "runtime/operators/fill.h"
#include "runtime/operators/host_rows.h"
#include "runtime/operators/infer_context.h"
#include "runtime/operators/lower_context.h"
#include "runtime/operators/rows.h"

namespace doppio::operators {
namespace {

using base::Cat;
using kernels::Distribution;
using kernels::RandomProblem;

// The bits of the argument, or FNV-1a of the first output's name.
Status ReadSeed(const graph::Node& node, const ArgReader& args, uint64_t* seed) {
  if (args.Has("seed")) {
    float value = 0;
    DOPPIO_RETURN_IF_ERROR(args.Float("seed", &value));
    *seed = std::bit_cast<uint32_t>(value);
    return {};
  }
  *seed = 0xcbf29ce484222325u;
  const graph::Value* const output = node.output(0);
  for (const char letter : output != nullptr ? output->name : std::string_view()) {
    *seed = (*seed ^ static_cast<uint8_t>(letter)) * 0x100000001b3u;
  }
  return {};
}

// The argument `dtype`, or `fallback`.
Status ReadType(const ArgReader& args, ElementType fallback, ElementType* type) {
  int64_t number = 0;
  *type = fallback;
  if (!args.Has("dtype")) return {};
  DOPPIO_RETURN_IF_ERROR(args.IntIn("dtype", 1, kElementTypeCount - 1, &number));
  *type = static_cast<ElementType>(number);
  return {};
}

Status InferMade(InferContext& c) {
  ElementType type;
  DOPPIO_RETURN_IF_ERROR(ReadType(c.args, ElementType::kFloat, &type));
  if (!IsFloatType(type)) return InvalidArgument("its dtype is no float");
  Shape y;
  for (const int64_t size : c.args.Ints("shape")) {
    if (size < 0 || y.rank == kMaxRank) {
      return InvalidArgument(Cat("argument 'shape' holds ", size, ", or more than 16 sizes"));
    }
    y.push_back(Dim(size));
  }
  c.Set(0, type, y);
  return {};
}

Status InferLike(InferContext& c) {
  ElementType type;
  const ElementType own = c.input(0).type;
  DOPPIO_RETURN_IF_ERROR(ReadType(c.args, own, &type));
  const bool bernoulli = c.node().type == "Bernoulli";
  if (bernoulli && !IsFloatType(own))
    return InvalidArgument(Cat(c.Describe(0), " must hold floats"));
  if (!IsFloatType(type) && !(bernoulli && (IsNumericType(type) || type == ElementType::kBool))) {
    return InvalidArgument(Cat("it cannot draw numbers of type ", type));
  }
  c.Set(0, type, c.input(0).shape);
  return {};
}

Status InferMultinomial(InferContext& c) {
  ElementType type;
  int64_t samples = 1;
  DOPPIO_RETURN_IF_ERROR(ReadType(c.args, ElementType::kInt32, &type));
  DOPPIO_RETURN_IF_ERROR(c.args.IntIn("sample_size", 1, INT32_MAX, &samples));
  const Shape& x = c.input(0).shape;
  if (!IsFloatType(c.input(0).type) || x.rank != 2 || x[1].Is(0)) {
    return InvalidArgument(Cat(c.Describe(0), " must hold floats in rows of at least one class"));
  }
  if (type != ElementType::kInt32 && type != ElementType::kInt64) {
    return InvalidArgument("its dtype must be int32 or int64");
  }
  Shape y;
  y.push_back(x[0]);
  y.push_back(Dim(samples));
  c.Set(0, type, y);
  return {};
}

Status LowerRandom(LowerContext& c) {
  const TensorRef y = c.output(0);
  if (y.count() == 0) return {};
  const std::string_view type = c.node().type;
  RandomProblem p;
  p.y_type = y.type;
  p.count = y.count();
  DOPPIO_RETURN_IF_ERROR(ReadSeed(c.node(), c.args, &p.seed));
  TensorRef x;
  if (type.starts_with("RandomUniform")) {
    DOPPIO_RETURN_IF_ERROR(c.args.Double("low", &p.a));
    DOPPIO_RETURN_IF_ERROR(c.args.Double("high", &p.b));
  } else if (type.starts_with("RandomNormal")) {
    p.distribution = Distribution::kNormal;
    DOPPIO_RETURN_IF_ERROR(c.args.Double("mean", &p.a));
    DOPPIO_RETURN_IF_ERROR(c.args.Double("scale", &p.b));
  } else {
    x = c.input(0);
    p.x_type = x.type;
    p.distribution = Distribution::kBernoulli;
    if (type == "Multinomial") {
      p.distribution = Distribution::kMultinomial;
      p.classes = x.dims[1];
      p.samples = y.dims[1];
    }
  }
  return c.Emit(kernels::ProblemKind::kRandom, p, {x}, {y});
}

// --- Caffe2's fills
// --------------------------------------------------------------------------------

Status InferFloatFill(InferContext& c) { return InferFill(c, ElementType::kFloat); }
Status InferIntFill(InferContext& c) { return InferFill(c, ElementType::kInt32); }

Status EmitDraw(LowerContext& c, Distribution distribution, double a, double b,
                const TensorRef& y) {
  RandomProblem p;
  p.distribution = distribution;
  p.y_type = y.type;
  p.a = a;
  p.b = b;
  p.count = y.count();
  DOPPIO_RETURN_IF_ERROR(ReadSeed(c.node(), c.args, &p.seed));
  return p.count == 0 ? Status() : c.Emit(kernels::ProblemKind::kRandom, p, {TensorRef()}, {y});
}

// y = least + (greatest - least + more) u with bounds from inputs 1 and 2.
Status EmitBetweenInputs(LowerContext& c, float more, const TensorRef& u, const TensorRef& y) {
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef least, AsType(c, c.input(1), u.type));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef greatest, AsType(c, c.input(2), u.type));
  if (least.count() != 1 || greatest.count() != 1) {
    return InvalidArgument("its bounds must hold one value each");
  }
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef width, c.Temporary(u.type, {1}));
  DOPPIO_RETURN_IF_ERROR(EmitBinary(c, {kernels::BinaryOp::kSub}, Reshaped(greatest, {1}),
                                    Reshaped(least, {1}), width));
  DOPPIO_RETURN_IF_ERROR(EmitUnary(c, {kernels::UnaryOp::kScale, 1, more}, width, width));
  DOPPIO_RETURN_IF_ERROR(EmitBinary(c, {kernels::BinaryOp::kMul}, u, width, y));
  return EmitBinary(c, {kernels::BinaryOp::kAdd}, y, Reshaped(least, {1}), y);
}

Status LowerUniformFill(LowerContext& c) {
  const TensorRef y = c.output(0);
  if (c.input_count() == 3) {
    DOPPIO_RETURN_IF_ERROR(EmitDraw(c, Distribution::kUniform, 0, 1, y));
    return EmitBetweenInputs(c, 0, y, y);
  }
  double least = 0, greatest = 1;
  DOPPIO_RETURN_IF_ERROR(c.args.Double("min", &least));
  DOPPIO_RETURN_IF_ERROR(c.args.Double("max", &greatest));
  if (!(least < greatest)) {
    return InvalidArgument(Cat("min ", least, " is not below max ", greatest));
  }
  return EmitDraw(c, Distribution::kUniform, least, greatest, y);
}

// Both bounds count: a number of doubles, rounded down.
Status LowerUniformIntFill(LowerContext& c) {
  const TensorRef y = c.output(0);
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef drawn, c.Temporary(ElementType::kDouble, y.dims));
  if (c.input_count() == 3) {
    DOPPIO_RETURN_IF_ERROR(EmitDraw(c, Distribution::kUniform, 0, 1, drawn));
    DOPPIO_RETURN_IF_ERROR(EmitBetweenInputs(c, 1, drawn, drawn));
  } else {
    int64_t least = 0, greatest = 1;
    DOPPIO_RETURN_IF_ERROR(c.args.IntIn("min", INT32_MIN, INT32_MAX, &least));
    DOPPIO_RETURN_IF_ERROR(c.args.IntIn("max", INT32_MIN, INT32_MAX, &greatest));
    if (least >= greatest) {
      return InvalidArgument(Cat("min ", least, " is not below max ", greatest));
    }
    DOPPIO_RETURN_IF_ERROR(EmitDraw(c, Distribution::kUniform, static_cast<double>(least),
                                    static_cast<double>(greatest + 1), drawn));
  }
  DOPPIO_RETURN_IF_ERROR(EmitUnary(c, {kernels::UnaryOp::kFloor}, drawn, drawn));
  return EmitCast(c, {}, drawn, y);
}

Status LowerGaussianFill(LowerContext& c) {
  double mean = 0, deviation = 1;
  DOPPIO_RETURN_IF_ERROR(c.args.Double("mean", &mean));
  DOPPIO_RETURN_IF_ERROR(c.args.Double("std", &deviation));
  if (!(deviation > 0)) return InvalidArgument(Cat("std ", deviation, " is not positive"));
  return EmitDraw(c, Distribution::kNormal, mean, deviation, c.output(0));
}

// Elements for each index of dimension `axis`.
Status Fan(const TensorRef& y, int axis, double* fan) {
  if (y.dims.rank() <= axis || y.dims[axis] == 0) {
    return InvalidArgument(Cat("its shape ", y.dims, " has no dimension ", axis));
  }
  *fan = static_cast<double>(y.count() / y.dims[axis]);
  return {};
}

// Glorot and Bengio 2010, by the inputs alone: uniform in +-sqrt(3 / fan_in).
Status LowerXavierFill(LowerContext& c) {
  double fan = 0;
  DOPPIO_RETURN_IF_ERROR(Fan(c.output(0), 0, &fan));
  const double bound = std::sqrt(3 / fan);
  return EmitDraw(c, Distribution::kUniform, -bound, bound, c.output(0));
}

// He et al. 2015, by the outputs: normal with variance 2 / fan_out.
Status LowerMsraFill(LowerContext& c) {
  double fan = 0;
  DOPPIO_RETURN_IF_ERROR(Fan(c.output(0), 1, &fan));
  return EmitDraw(c, Distribution::kNormal, 0, std::sqrt(2 / fan), c.output(0));
}

// --- Dropout in its training form
// ----------------------------------------------------------------------

}  // namespace

// Each element stays with the probability 1 - ratio, and is divided by it.
Status EmitDropout(LowerContext& c, float ratio, const TensorRef& x, const TensorRef& y,
                   const TensorRef& mask) {
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef drawn, c.Temporary(ElementType::kFloat, x.dims));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef kept, c.Temporary(ElementType::kBool, x.dims));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef limit, c.Constant(ElementType::kFloat, {}, &ratio));
  DOPPIO_RETURN_IF_ERROR(EmitDraw(c, Distribution::kUniform, 0, 1, drawn));
  DOPPIO_RETURN_IF_ERROR(EmitBinary(c, {kernels::BinaryOp::kGreaterEqual}, drawn, limit, kept));
  if (mask.present()) DOPPIO_RETURN_IF_ERROR(c.Copy(kept, mask));
  if (!y.present()) return {};
  DOPPIO_RETURN_IF_ERROR(EmitCast(c, {}, kept, drawn));
  DOPPIO_RETURN_IF_ERROR(
      EmitUnary(c, {kernels::UnaryOp::kScale, 1 / (1 - ratio), 0}, drawn, drawn));
  return EmitBinary(c, {kernels::BinaryOp::kMul}, x, drawn, y);
}

namespace {

// --- UniqueUniformFill
// -----------------------------------------------------------------------------

// splitmix64 (Steele et al. 2014): the next number below `range`.
uint64_t NextBelow(uint64_t* state, uint64_t range) {
  uint64_t z = *state += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return (z ^ (z >> 31)) % range;
}

Status InferUniqueFill(InferContext& c) {
  ElementType type = ElementType::kInt32;
  DOPPIO_RETURN_IF_ERROR(ReadCaffe2Type(c.node(), "dtype", &type));
  if (type != ElementType::kInt32 && type != ElementType::kInt64) {
    return InvalidArgument(Cat("its dtype is ", type, "; int32 and int64 are possible"));
  }
  return InferFill(c, type);
}

// Draws again until nothing comes twice and nothing that input 1 lists; where most of the range is
// wanted, takes from all of it.
Status DrawUnique(int64_t count, int64_t least, int64_t greatest, const base::Array<int64_t>& avoid,
                  uint64_t seed, base::Array<int64_t>* values) {
  const uint64_t range = static_cast<uint64_t>(greatest - least) + 1;
  const auto avoided = [&](int64_t value) {
    return std::binary_search(avoid.begin(), avoid.end(), value);
  };
  const auto wanted = static_cast<uint64_t>(count);
  if (range / 4 <= wanted + avoid.size()) {
    for (int64_t value = least; value <= greatest; ++value) {
      if (!avoided(value)) DOPPIO_RETURN_IF_ERROR(values->Append(value));
    }
    if (values->size() < wanted) {
      return InvalidArgument(Cat("[", least, ", ", greatest, "] has only ", values->size(),
                                 " of the ", count, " different values"));
    }
    for (uint64_t i = 0; i < wanted; ++i) {
      std::swap((*values)[i], (*values)[i + NextBelow(&seed, values->size() - i)]);
    }
    return values->Resize(wanted);
  }
  while (values->size() < wanted) {
    while (values->size() < wanted) {
      const auto step = static_cast<int64_t>(NextBelow(&seed, range));
      if (!avoided(least + step)) DOPPIO_RETURN_IF_ERROR(values->Append(least + step));
    }
    std::sort(values->begin(), values->end());
    const auto end = std::unique(values->begin(), values->end());
    DOPPIO_RETURN_IF_ERROR(values->Resize(static_cast<size_t>(end - values->begin())));
  }
  return {};
}

Status CallUniqueFill(CallContext& c) {
  int64_t least = 0, greatest = 0;
  DOPPIO_RETURN_IF_ERROR(c.args.IntIn("min", INT32_MIN, INT32_MAX, &least));
  DOPPIO_RETURN_IF_ERROR(c.args.IntIn("max", least, INT32_MAX, &greatest));
  ElementType type = ElementType::kInt32;
  DOPPIO_RETURN_IF_ERROR(ReadCaffe2Type(c.node(), "dtype", &type));
  Dims dims;
  if (c.HasInput(0)) {
    dims = c.input(0)->dims;
  } else {
    for (const int64_t size : c.args.Ints("shape")) dims.push_back(size);  // checked by the rule
  }
  base::Array<int64_t> avoid, values;
  if (c.HasInput(1)) DOPPIO_RETURN_IF_ERROR(IntegersOf(c, 1, &avoid));
  std::sort(avoid.begin(), avoid.end());
  uint64_t seed = 0;
  DOPPIO_RETURN_IF_ERROR(ReadSeed(c.node(), c.args, &seed));
  DOPPIO_RETURN_IF_ERROR(DrawUnique(ElementCount(dims), least, greatest, avoid, seed, &values));
  return SetIntegers(c, 0, type, {values.data(), values.size()}, dims);
}

constexpr ArgSpec kBoundArgs[] = {{"min", ArgKind::kFloat}, {"max", ArgKind::kFloat, 1}};
constexpr ArgSpec kIntBoundArgs[] = {{"min", ArgKind::kInt}, {"max", ArgKind::kInt, 1}};
constexpr ArgSpec kMeanArgs[] = {{"mean", ArgKind::kFloat}, {"std", ArgKind::kFloat, 1}};
constexpr ArgSpec kUniqueArgs[] = {{"shape", ArgKind::kInts},
                                   {"min", ArgKind::kInt, 0, "", true},
                                   {"max", ArgKind::kInt, 0, "", true},
                                   {"dtype", ArgKind::kInt, 2}};
constexpr auto kUniformFillArgs = JoinArgs(kFillShapeArgs, kBoundArgs);
constexpr auto kUniformIntFillArgs = JoinArgs(kFillShapeArgs, kIntBoundArgs);
constexpr auto kGaussianFillArgs = JoinArgs(kFillShapeArgs, kMeanArgs);

constexpr Operator RandomFill(std::string_view type, int most_inputs,
                              Status (*infer)(InferContext&), Status (*lower)(LowerContext&),
                              std::span<const ArgSpec> args, const char* summary) {
  return {.domain = "",
          .type = type,
          .min_inputs = 0,
          .max_inputs = most_inputs,
          .min_outputs = 1,
          .max_outputs = 1,
          .layout = LayoutTrait::kRowMajor,
          .flags = kRandom,
          .infer = infer,
          .lower = lower,
          .args = args,
          .summary = summary};
}

constexpr ArgSpec kUniformArgs[] = {{"dtype", ArgKind::kInt, 1},
                                    {"shape", ArgKind::kInts},
                                    {"seed", ArgKind::kFloat},
                                    {"low", ArgKind::kFloat},
                                    {"high", ArgKind::kFloat, 1}};
constexpr ArgSpec kNormalArgs[] = {{"dtype", ArgKind::kInt, 1},
                                   {"shape", ArgKind::kInts},
                                   {"seed", ArgKind::kFloat},
                                   {"mean", ArgKind::kFloat},
                                   {"scale", ArgKind::kFloat, 1}};
constexpr ArgSpec kDrawArgs[] = {
    {"dtype", ArgKind::kInt, 1}, {"seed", ArgKind::kFloat}, {"sample_size", ArgKind::kInt, 1}};

constexpr Operator Random(std::string_view type, int inputs, Status (*infer)(InferContext&),
                          std::span<const ArgSpec> args, const char* summary) {
  return {.domain = "ai.onnx",
          .type = type,
          .min_inputs = inputs,
          .max_inputs = inputs,
          .min_outputs = 1,
          .max_outputs = 1,
          .layout = LayoutTrait::kRowMajor,
          .flags = kRandom,
          .infer = infer,
          .lower = LowerRandom,
          .args = args,
          .summary = summary};
}

}  // namespace

const Operator kOnnxRandomUniform =
    Random("RandomUniform", 0, InferMade, kUniformArgs, "numbers evenly distributed in a range");
const Operator kOnnxRandomUniformLike =
    Random("RandomUniformLike", 1, InferLike, kUniformArgs, "the same, in the shape of its input");
const Operator kOnnxRandomNormal =
    Random("RandomNormal", 0, InferMade, kNormalArgs, "numbers normally distributed");
const Operator kOnnxRandomNormalLike =
    Random("RandomNormalLike", 1, InferLike, kNormalArgs, "the same, in the shape of its input");
const Operator kOnnxBernoulli =
    Random("Bernoulli", 1, InferLike, kDrawArgs, "1 with the probability that its input says");
const Operator kOnnxMultinomial = Random("Multinomial", 1, InferMultinomial, kDrawArgs,
                                         "classes drawn by logarithms of probabilities");

const Operator kUniformFill = RandomFill("UniformFill", 3, InferFloatFill, LowerUniformFill,
                                         kUniformFillArgs, "numbers evenly distributed in a range");
const Operator kUniformIntFill =
    RandomFill("UniformIntFill", 3, InferIntFill, LowerUniformIntFill, kUniformIntFillArgs,
               "integers evenly distributed in a range, both ends with it");
const Operator kGaussianFill = RandomFill("GaussianFill", 1, InferFloatFill, LowerGaussianFill,
                                          kGaussianFillArgs, "numbers normally distributed");
const Operator kXavierFill = RandomFill("XavierFill", 1, InferFloatFill, LowerXavierFill,
                                        kFillShapeArgs, "uniform numbers for weights");
const Operator kMsraFill = RandomFill("MSRAFill", 1, InferFloatFill, LowerMsraFill, kFillShapeArgs,
                                      "normal numbers for weights");
const Operator kUniqueUniformFill =
    CalledRow("UniqueUniformFill", {0, 2}, InferUniqueFill, CallUniqueFill, kUniqueArgs,
              "different integers of a range", kRandom);

}  // namespace doppio::operators
