// Random numbers: RandomUniform, RandomNormal and their Like, Bernoulli, Multinomial of ONNX. What
// a node draws is decided by its seed - by its name, where it has none - and is the same in every
// run.
#include "kernels/problems/random.h"

#include <bit>

#include "base/message.h"
#include "runtime/operators/element_class.h"
#include "runtime/operators/infer_context.h"
#include "runtime/operators/lower_context.h"
#include "runtime/operators/rows.h"

namespace doppio::operators {
namespace {

using base::Cat;
using kernels::Distribution;
using kernels::RandomProblem;

// The bits of the argument, or FNV-1a of the first output's name.
Status ReadSeed(const LowerContext& c, uint64_t* seed) {
  if (c.args.Has("seed")) {
    float value = 0;
    DOPPIO_RETURN_IF_ERROR(c.args.Float("seed", &value));
    *seed = std::bit_cast<uint32_t>(value);
    return {};
  }
  *seed = 0xcbf29ce484222325u;
  const graph::Value* const output = c.node().output(0);
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
  DOPPIO_RETURN_IF_ERROR(ReadSeed(c, &p.seed));
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

}  // namespace doppio::operators
