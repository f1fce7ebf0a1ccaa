// Recurrent layers: ONNX's RNN, LSTM and GRU, in one direction or both. What the gates get from the
// input is one product over all steps; the rest is a problem of its own.
#include "kernels/problems/rnn.h"

#include "base/message.h"
#include "kernels/problems/gemm.h"
#include "runtime/operators/binary.h"
#include "runtime/operators/infer_context.h"
#include "runtime/operators/rows.h"

namespace doppio::operators {
namespace {

using base::Cat;
using kernels::GemmProblem;
using kernels::ProblemKind;
using kernels::RnnActivation;
using kernels::RnnCell;
using kernels::RnnProblem;
using kernels::UnaryOp;

RnnCell CellOf(const graph::Node& node) {
  if (node.type == "LSTM") return RnnCell::kLstm;
  return node.type == "GRU" ? RnnCell::kGru : RnnCell::kRnn;
}

struct RnnArgs {
  int directions = 1;
  bool first_reversed = false;
  bool batch_first = false;  // layout 1
  bool linear_before_reset = false, input_forget = false;
  float clip = 0;
  RnnActivation activations[2][3];  // of each direction: f, g, h
};

struct NamedActivation {
  std::string_view name;
  UnaryOp op;
  float alpha, beta;  // defaults; those of ONNX's operators of the same names
};
constexpr NamedActivation kActivations[] = {
    {"Relu", UnaryOp::kRelu, 0, 0},
    {"Tanh", UnaryOp::kTanh, 0, 0},
    {"Sigmoid", UnaryOp::kSigmoid, 0, 0},
    {"Affine", UnaryOp::kScale, 1, 0},
    {"LeakyRelu", UnaryOp::kLeakyRelu, 0.01f, 0},
    {"ThresholdedRelu", UnaryOp::kThresholdedRelu, 1, 0},
    {"ScaledTanh", UnaryOp::kTanh, 1, 1},
    {"HardSigmoid", UnaryOp::kHardSigmoid, 0.2f, 0.5f},
    {"Elu", UnaryOp::kElu, 1, 0},
    {"Softsign", UnaryOp::kSoftsign, 0, 0},
    {"Softplus", UnaryOp::kSoftplus, 0, 0},
};

bool SameName(std::string_view a, std::string_view b) {  // ONNX: case does not matter
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if ((a[i] | 0x20) != (b[i] | 0x20)) return false;
  }
  return true;
}

Status MakeActivation(std::string_view name, const float* alpha, const float* beta,
                      RnnActivation* activation) {
  for (const NamedActivation& known : kActivations) {
    if (!SameName(known.name, name)) continue;
    activation->op = known.op;
    activation->a = alpha != nullptr ? *alpha : known.alpha;
    activation->b = beta != nullptr ? *beta : known.beta;
    if (known.name == "ScaledTanh") {
      activation->scale_out = activation->a;
      activation->scale_in = activation->b;
    }
    return {};
  }
  return InvalidArgument(Cat("activation ", base::Quoted(name), " is unknown"));
}

// Activations are listed direction by direction; alphas and betas go to them in the same order.
Status ReadActivations(const ArgReader& args, RnnCell cell, RnnArgs* rnn) {
  const int count = cell == RnnCell::kLstm ? 3 : cell == RnnCell::kGru ? 2 : 1;
  const auto names = args.Strings("activations");
  const auto alphas = args.Floats("activation_alpha"), betas = args.Floats("activation_beta");
  if (!names.empty() && names.size() != static_cast<size_t>(count * rnn->directions)) {
    return InvalidArgument(
        Cat("has ", names.size(), " activations, wants ", count * rnn->directions));
  }
  for (int i = 0; i < count * rnn->directions; ++i) {
    const auto at = static_cast<size_t>(i);
    const bool gate = i % count == 0 && cell != RnnCell::kRnn;
    const std::string_view name = !names.empty() ? names[at] : gate ? "Sigmoid" : "Tanh";
    DOPPIO_RETURN_IF_ERROR(MakeActivation(name, at < alphas.size() ? &alphas[at] : nullptr,
                                          at < betas.size() ? &betas[at] : nullptr,
                                          &rnn->activations[i / count][i % count]));
  }
  return {};
}

Status ReadRnnArgs(const ArgReader& args, RnnCell cell, RnnArgs* rnn) {
  std::string_view direction;
  DOPPIO_RETURN_IF_ERROR(args.Text("direction", &direction));
  if (direction != "forward" && direction != "reverse" && direction != "bidirectional") {
    return InvalidArgument(Cat("direction ", base::Quoted(direction), " is unknown"));
  }
  rnn->directions = direction == "bidirectional" ? 2 : 1;
  rnn->first_reversed = direction == "reverse";
  DOPPIO_RETURN_IF_ERROR(args.Bool("layout", &rnn->batch_first));
  DOPPIO_RETURN_IF_ERROR(args.Bool("linear_before_reset", &rnn->linear_before_reset));
  DOPPIO_RETURN_IF_ERROR(args.Bool("input_forget", &rnn->input_forget));
  DOPPIO_RETURN_IF_ERROR(args.Float("clip", &rnn->clip));
  return ReadActivations(args, cell, rnn);
}

Status WantShape(const InferContext& c, size_t i, const char* what,
                 std::initializer_list<Dim> dims) {
  if (!c.HasInput(i)) return {};
  const Shape& shape = c.input(i).shape;
  bool fits = shape.rank == static_cast<int>(dims.size());
  Shape wanted;
  for (const Dim dim : dims) {
    const int at = wanted.rank;
    fits = fits && !(dim.known() && shape[at].known() && !(dim == shape[at]));
    wanted.push_back(dim);
  }
  if (fits) return {};
  ValueFacts facts;
  facts.type = c.input(i).type;
  facts.has_shape = true;
  facts.shape = wanted;
  return InvalidArgument(Cat(what, " ", c.Describe(i), " must be ", FactsText(facts, c.symbols())));
}

Status InferRnn(InferContext& c) {
  const RnnCell cell = CellOf(c.node());
  RnnArgs rnn;
  DOPPIO_RETURN_IF_ERROR(ReadRnnArgs(c.args, cell, &rnn));
  if (c.input(0).type != ElementType::kFloat) {
    return Unsupported(Cat(c.Describe(0), " must be float32"));
  }
  const Shape& x = c.input(0).shape;
  const Shape& r = c.input(2).shape;
  if (x.rank != 3 || r.rank != 3) {
    return InvalidArgument(Cat(c.Describe(0), " and ", c.Describe(2), " must have 3 dimensions"));
  }
  const Dim directions(rnn.directions), gates(kernels::RnnGates(cell));
  const Dim t = x[rnn.batch_first ? 1 : 0], n = x[rnn.batch_first ? 0 : 1];
  const Dim h = r[2], width = c.symbols().Mul(gates, h);
  DOPPIO_RETURN_IF_ERROR(WantShape(c, 1, "weight", {directions, width, x[2]}));
  DOPPIO_RETURN_IF_ERROR(WantShape(c, 2, "recurrent weight", {directions, width, h}));
  DOPPIO_RETURN_IF_ERROR(WantShape(c, 3, "bias", {directions, c.symbols().Mul(Dim(2), width)}));
  DOPPIO_RETURN_IF_ERROR(WantShape(c, 4, "lengths", {n}));
  if (c.HasInput(4) && c.input(4).type != ElementType::kInt32) {
    return InvalidArgument(Cat("lengths ", c.Describe(4), " must be int32"));
  }
  Shape state_shape, y;
  for (const Dim dim : {rnn.batch_first ? n : directions, rnn.batch_first ? directions : n, h}) {
    state_shape.push_back(dim);
  }
  DOPPIO_RETURN_IF_ERROR(
      WantShape(c, 5, "initial state", {state_shape[0], state_shape[1], state_shape[2]}));
  if (cell == RnnCell::kLstm) {
    DOPPIO_RETURN_IF_ERROR(
        WantShape(c, 6, "initial cell", {state_shape[0], state_shape[1], state_shape[2]}));
    DOPPIO_RETURN_IF_ERROR(WantShape(c, 7, "peepholes", {directions, c.symbols().Mul(Dim(3), h)}));
  }
  for (const Dim dim : {rnn.batch_first ? n : t, rnn.batch_first ? t : directions,
                        rnn.batch_first ? directions : n, h}) {
    y.push_back(dim);
  }
  c.Set(0, ElementType::kFloat, y);
  c.Set(1, ElementType::kFloat, state_shape);
  if (cell == RnnCell::kLstm) c.Set(2, ElementType::kFloat, state_shape);
  return {};
}

// Slice `d` of the first dimension.
TensorRef Slice(TensorRef tensor, int64_t d) {
  if (!tensor.present()) return tensor;
  tensor.offset += d * tensor.strides[0];
  tensor.dims.erase(0);
  tensor.strides.erase(0);
  return tensor;
}

TensorRef Part(TensorRef vector, int64_t begin, int64_t count) {
  vector.offset += begin * vector.strides[0];
  vector.dims[0] = count;
  return vector;
}

// What of the two halves of the bias is added before the recurrence: their sum, but for the part
// that GRU keeps apart (RnnProblem: r_bias).
StatusOr<TensorRef> GateBias(LowerContext& c, const TensorRef& both, int64_t width, int64_t apart) {
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef bias, c.Temporary(ElementType::kFloat, {width}));
  const int64_t summed = width - apart;
  DOPPIO_RETURN_IF_ERROR(
      EmitBinary(c, {}, Part(both, 0, summed), Part(both, width, summed), Part(bias, 0, summed)));
  if (apart > 0) {
    DOPPIO_RETURN_IF_ERROR(c.Copy(Part(both, summed, apart), Part(bias, summed, apart)));
  }
  return bias;
}

Status LowerRnn(LowerContext& c) {
  const RnnCell cell = CellOf(c.node());
  RnnArgs rnn;
  DOPPIO_RETURN_IF_ERROR(ReadRnnArgs(c.args, cell, &rnn));
  const TensorRef x = c.input(0);
  const auto optional = [&](size_t i) { return c.HasInput(i) ? c.input(i) : TensorRef(); };
  RnnProblem p;
  p.cell = cell;
  p.t = x.dims[rnn.batch_first ? 1 : 0];
  p.n = x.dims[rnn.batch_first ? 0 : 1];
  p.h = c.input(2).dims[2];
  p.linear_before_reset = rnn.linear_before_reset;
  p.input_forget = rnn.input_forget;
  p.clip = rnn.clip;
  const int64_t width = kernels::RnnGates(cell) * p.h, d_count = rnn.directions;
  p.gates_t = rnn.batch_first ? width : p.n * width;
  p.gates_n = rnn.batch_first ? p.t * width : width;
  p.y_t = rnn.batch_first ? d_count * p.h : d_count * p.n * p.h;
  p.y_n = rnn.batch_first ? p.t * d_count * p.h : p.h;
  p.h0_n = p.c0_n = p.yh_n = p.yc_n = rnn.batch_first ? d_count * p.h : p.h;
  // Where direction d of a state, and of y, begins.
  const int64_t state_d = rnn.batch_first ? p.h : p.n * p.h;
  const auto direction_of = [&](TensorRef tensor, int64_t d) {
    if (tensor.present()) tensor.offset += d * state_d;
    return tensor;
  };
  const auto output = [&](size_t i) { return i < c.output_count() ? c.output(i) : TensorRef(); };
  for (int64_t d = 0; d < d_count; ++d) {
    p.reverse = rnn.first_reversed || d == 1;
    p.f = rnn.activations[d][0];
    p.g = cell == RnnCell::kRnn ? p.f : rnn.activations[d][1];
    p.activation_h = cell == RnnCell::kLstm ? rnn.activations[d][2] : p.f;
    const TensorRef both = Slice(optional(3), d);
    const bool apart = cell == RnnCell::kGru && p.linear_before_reset;
    TensorRef bias, r_bias;
    if (both.present()) {
      DOPPIO_ASSIGN_OR_RETURN(bias, GateBias(c, both, width, apart ? p.h : 0));
      if (apart) r_bias = Part(both, 2 * width - p.h, p.h);
    }
    DOPPIO_ASSIGN_OR_RETURN(const TensorRef gates,
                            c.Temporary(ElementType::kFloat, {p.t * p.n, width}));
    GemmProblem product;
    product.m = p.t * p.n;
    product.n = width;
    product.k = x.dims[2];
    product.a_row = product.k;
    product.b_row = 1;
    product.b_col = product.k;
    product.y_row = width;
    product.epilogue.bias = bias.present();
    DOPPIO_RETURN_IF_ERROR(
        c.Emit(ProblemKind::kGemm, product, {x, Slice(c.input(1), d), bias, TensorRef()}, {gates}));
    const bool lstm = cell == RnnCell::kLstm;
    DOPPIO_RETURN_IF_ERROR(
        c.Emit(ProblemKind::kRnn, p,
               {gates, Slice(c.input(2), d), r_bias, direction_of(optional(5), d),
                lstm ? direction_of(optional(6), d) : TensorRef(),
                lstm ? Slice(optional(7), d) : TensorRef(), optional(4)},
               {direction_of(output(0), d), direction_of(output(1), d),
                lstm ? direction_of(output(2), d) : TensorRef()}));
  }
  return {};
}

constexpr ArgSpec kRnnArgs[] = {
    {"direction", ArgKind::kString, 0, "forward"},
    {"hidden_size", ArgKind::kInt},
    {"activations", ArgKind::kStrings},
    {"activation_alpha", ArgKind::kFloats},
    {"activation_beta", ArgKind::kFloats},
    {"clip", ArgKind::kFloat},
    {"layout", ArgKind::kInt},
};
constexpr ArgSpec kGruOnlyArgs[] = {{"linear_before_reset", ArgKind::kInt}};
constexpr ArgSpec kLstmOnlyArgs[] = {{"input_forget", ArgKind::kInt}};
constexpr auto kGruArgs = JoinArgs(kRnnArgs, kGruOnlyArgs);
constexpr auto kLstmArgs = JoinArgs(kRnnArgs, kLstmOnlyArgs);

constexpr Operator Row(std::string_view type, int max_inputs, int max_outputs,
                       std::span<const ArgSpec> args, const char* summary) {
  return {.domain = "ai.onnx",
          .type = type,
          .min_inputs = 3,
          .max_inputs = max_inputs,
          .min_outputs = 0,
          .max_outputs = max_outputs,
          .layout = LayoutTrait::kRowMajor,
          .flags = kPlain,
          .infer = InferRnn,
          .lower = LowerRnn,
          .args = args,
          .summary = summary};
}

}  // namespace

const Operator kOnnxRnn = Row("RNN", 6, 2, kRnnArgs, "a layer of simple recurrent units");
const Operator kOnnxGru = Row("GRU", 6, 2, kGruArgs, "a layer of gated recurrent units");
const Operator kOnnxLstm = Row("LSTM", 8, 3, kLstmArgs, "a layer of long short-term memory units");

}  // namespace doppio::operators
