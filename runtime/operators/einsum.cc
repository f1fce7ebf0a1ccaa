// Einsum: sums of products along named dimensions. Two operands at a time become one batched
// product over strides; what only one of them has and nobody wants is summed first.
#include "base/message.h"
#include "kernels/problems/gemm.h"
#include "runtime/operators/infer_context.h"
#include "runtime/operators/lower_context.h"
#include "runtime/operators/reduce.h"
#include "runtime/operators/rows.h"

namespace doppio::operators {
namespace {

using base::Cat;
using kernels::GemmProblem;
using kernels::ProblemKind;

// Dimensions are known by a letter, or by their place in the ellipsis, counted from its end.
constexpr int kLetters = 52;
constexpr int kLabels = kLetters + kMaxRank;
constexpr size_t kMaxTerms = 16;

struct Term {
  int count = 0;
  uint8_t labels[kMaxRank] = {};
  int ellipsis = -1;  // position in `labels` where the ellipsis stands

  bool Has(int label) const {
    for (int i = 0; i < count; ++i) {
      if (labels[i] == label) return true;
    }
    return false;
  }
};

struct Equation {
  base::Array<Term> inputs;
  Term output;
};

int LabelOf(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  return c >= 'a' && c <= 'z' ? 26 + c - 'a' : -1;
}

Status ParseTerm(std::string_view text, Term* term) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ' ') continue;
    if (text.substr(i, 3) == "...") {
      if (term->ellipsis >= 0) return InvalidArgument("a term has two ellipses");
      term->ellipsis = term->count;
      i += 2;
      continue;
    }
    const int label = LabelOf(text[i]);
    if (label < 0) return InvalidArgument(Cat("a term holds ", base::Quoted(text.substr(i, 1))));
    if (term->count == kMaxRank) return InvalidArgument("a term has more than 16 dimensions");
    term->labels[term->count++] = static_cast<uint8_t>(label);
  }
  return {};
}

// Puts `dims` labels in the place of the ellipsis.
Status ExpandEllipsis(int dims, Term* term) {
  if (term->ellipsis < 0) return {};
  if (dims < 0 || term->count + dims > kMaxRank) {
    return InvalidArgument("the ellipsis of a term stands for no, or too many, dimensions");
  }
  for (int i = term->count - 1; i >= term->ellipsis; --i) term->labels[i + dims] = term->labels[i];
  for (int i = 0; i < dims; ++i) {
    term->labels[term->ellipsis + i] = static_cast<uint8_t>(kLetters + dims - 1 - i);
  }
  term->count += dims;
  return {};
}

// Without "->" the output has the ellipsis and then, in the order of letters, what stands once.
void ImplicitOutput(const Equation& equation, int ellipsis, Term* output) {
  for (int i = 0; i < ellipsis; ++i) {
    output->labels[output->count++] = static_cast<uint8_t>(kLetters + ellipsis - 1 - i);
  }
  for (int label = 0; label < kLetters; ++label) {
    int seen = 0;
    for (const Term& term : equation.inputs) {
      for (int i = 0; i < term.count; ++i) seen += term.labels[i] == label ? 1 : 0;
    }
    if (seen == 1 && output->count < kMaxRank) {
      output->labels[output->count++] = static_cast<uint8_t>(label);
    }
  }
}

// `ranks` are those of the inputs.
Status Parse(const ArgReader& args, std::span<const int> ranks, Equation* equation) {
  std::string_view text;
  DOPPIO_RETURN_IF_ERROR(args.Text("equation", &text));
  const size_t arrow = text.find("->");
  std::string_view left = text.substr(0, arrow);
  int ellipsis = 0;
  for (;;) {
    const size_t comma = left.find(',');
    Term term;
    DOPPIO_RETURN_IF_ERROR(ParseTerm(left.substr(0, comma), &term));
    const size_t at = equation->inputs.size();
    if (at >= ranks.size() || at == kMaxTerms) {
      return InvalidArgument(Cat("the equation ", base::Quoted(text), " has more terms than the ",
                                 ranks.size(), " inputs, or than ", kMaxTerms));
    }
    const int hidden = ranks[at] - term.count;
    if (term.ellipsis < 0 && hidden != 0) {
      return InvalidArgument(Cat("term ", at, " of ", base::Quoted(text), " has ", term.count,
                                 " dimensions, the input ", ranks[at]));
    }
    DOPPIO_RETURN_IF_ERROR(ExpandEllipsis(hidden, &term));
    if (term.ellipsis >= 0 && hidden > ellipsis) ellipsis = hidden;
    DOPPIO_RETURN_IF_ERROR(equation->inputs.Append(term));
    if (comma == std::string_view::npos) break;
    left = left.substr(comma + 1);
  }
  if (equation->inputs.size() != ranks.size()) {
    return InvalidArgument(Cat("the equation ", base::Quoted(text), " has ",
                               equation->inputs.size(), " terms for ", ranks.size(), " inputs"));
  }
  if (arrow == std::string_view::npos) {
    ImplicitOutput(*equation, ellipsis, &equation->output);
    return {};
  }
  DOPPIO_RETURN_IF_ERROR(ParseTerm(text.substr(arrow + 2), &equation->output));
  DOPPIO_RETURN_IF_ERROR(ExpandEllipsis(ellipsis, &equation->output));
  const Term& output = equation->output;
  for (int i = 0; i < output.count; ++i) {
    bool known = false;
    for (const Term& term : equation->inputs) known |= term.Has(output.labels[i]);
    for (int j = 0; j < i; ++j) known = known && output.labels[j] != output.labels[i];
    if (!known) {
      return InvalidArgument(
          Cat("the output of ", base::Quoted(text), " names a dimension twice, or one of no term"));
    }
  }
  return {};
}

Status InferEinsum(InferContext& c) {
  int ranks[kMaxTerms];
  if (c.input_count() > kMaxTerms) return Unsupported(Cat(c.input_count(), " operands"));
  for (size_t i = 0; i < c.input_count(); ++i) {
    ranks[i] = c.input(i).shape.rank;
    if (c.input(i).type != c.input(0).type) {
      return InvalidArgument(Cat(c.Describe(i), " and ", c.Describe(0), " differ in type"));
    }
  }
  Equation equation;
  DOPPIO_RETURN_IF_ERROR(Parse(c.args, {ranks, c.input_count()}, &equation));
  Dim sizes[kLabels];
  bool seen[kLabels] = {};
  for (size_t i = 0; i < c.input_count(); ++i) {
    const Term& term = equation.inputs[i];
    for (int d = 0; d < term.count; ++d) {
      const Dim size = c.input(i).shape[d];
      Dim& known = sizes[term.labels[d]];
      if (!seen[term.labels[d]] || known.Is(1)) {
        known = size;
      } else if (known.known() && size.known() && !(known == size) && !size.Is(1)) {
        return InvalidArgument(Cat(c.Describe(i), ": dimension ", d, " has size ", size.value(),
                                   ", another of the same name ", known.value()));
      } else if (!known.known() && size.known() && !size.Is(1)) {
        known = size;
      }
      seen[term.labels[d]] = true;
    }
  }
  Shape y;
  for (int i = 0; i < equation.output.count; ++i) y.push_back(sizes[equation.output.labels[i]]);
  c.Set(0, c.input(0).type, y);
  return {};
}

// An operand on the way: the stride of every dimension that it has, 0 where it repeats.
struct Factor {
  TensorRef tensor;
  bool has[kLabels] = {};
  int64_t stride[kLabels] = {};
};

// Sizes of all dimensions, by label.
using Sizes = int64_t[kLabels];

// A dimension that a term names twice is walked along its diagonal.
Factor MakeFactor(const TensorRef& tensor, const Term& term, const Sizes& sizes) {
  Factor factor;
  factor.tensor = tensor;
  for (int d = 0; d < term.count; ++d) {
    const int label = term.labels[d];
    const bool repeated = tensor.dims[d] == 1 && sizes[label] != 1;
    factor.stride[label] += repeated ? 0 : tensor.strides[d];
    factor.has[label] = factor.has[label] || !repeated;
  }
  return factor;
}

struct LabelList {
  int count = 0;
  uint8_t labels[kLabels] = {};
  void Add(int label) { labels[count++] = static_cast<uint8_t>(label); }
};

TensorRef View(const Factor& factor, const LabelList& labels, const Sizes& sizes) {
  TensorRef view = factor.tensor;
  view.dims.clear();
  view.strides.clear();
  for (int i = 0; i < labels.count; ++i) {
    view.dims.push_back(sizes[labels.labels[i]]);
    view.strides.push_back(factor.stride[labels.labels[i]]);
  }
  return view;
}

Factor FactorOf(const TensorRef& tensor, const LabelList& labels) {
  Factor factor;
  factor.tensor = tensor;
  for (int i = 0; i < labels.count; ++i) {
    factor.has[labels.labels[i]] = true;
    factor.stride[labels.labels[i]] = tensor.strides[i];
  }
  return factor;
}

int64_t Count(const LabelList& labels, const Sizes& sizes) {
  int64_t count = 1;
  for (int i = 0; i < labels.count; ++i) count *= sizes[labels.labels[i]];
  return count;
}

// Sums over what `factor` has and `wanted` does not.
Status SumOut(LowerContext& c, const bool* wanted, const Sizes& sizes, Factor* factor) {
  LabelList all, kept;
  Reduction reduction;
  reduction.keep = false;
  Dims dims;
  for (int label = 0; label < kLabels; ++label) {
    if (!factor->has[label]) continue;
    reduction.reduced[all.count] = !wanted[label];
    all.Add(label);
    if (!wanted[label]) continue;
    kept.Add(label);
    dims.push_back(sizes[label]);
  }
  if (kept.count == all.count) return {};
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef sum, c.Temporary(factor->tensor.type, dims));
  DOPPIO_RETURN_IF_ERROR(
      EmitReduce(c, kernels::ReduceOp::kSum, reduction, View(*factor, all, sizes), sum));
  *factor = FactorOf(sum, kept);
  return {};
}

// Whether a list of dimensions is walked with one stride.
bool OneStride(const Factor& factor, const LabelList& labels, const Sizes& sizes, int64_t* stride) {
  *stride = labels.count > 0 ? factor.stride[labels.labels[labels.count - 1]] : 0;
  int64_t expected = *stride;
  for (int i = labels.count - 1; i >= 0; --i) {
    const int label = labels.labels[i];
    if (sizes[label] != 1 && factor.stride[label] != expected) return false;
    expected *= sizes[label];
  }
  return true;
}

// The matrix of a factor: two lists of dimensions, each with one stride; copied where need be.
Status AsMatrix(LowerContext& c, const LabelList& batch, const LabelList& rows,
                const LabelList& columns, const Sizes& sizes, Factor* factor, int64_t* row,
                int64_t* column) {
  if (OneStride(*factor, rows, sizes, row) && OneStride(*factor, columns, sizes, column)) return {};
  LabelList order;
  for (const LabelList* list : {&batch, &rows, &columns}) {
    for (int i = 0; i < list->count; ++i) {
      if (factor->has[list->labels[i]]) order.Add(list->labels[i]);
    }
  }
  const TensorRef from = View(*factor, order, sizes);
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef copy, c.Temporary(from.type, from.dims));
  DOPPIO_RETURN_IF_ERROR(c.Copy(from, copy));
  *factor = FactorOf(copy, order);
  OneStride(*factor, rows, sizes, row);
  OneStride(*factor, columns, sizes, column);
  return {};
}

// a b, summed over what neither the output nor a factor still to come wants.
StatusOr<Factor> Multiply(LowerContext& c, Factor a, Factor b, const bool* wanted,
                          const Sizes& sizes) {
  LabelList batch, rows, columns, inner, order;
  for (int label = 0; label < kLabels; ++label) {
    if (a.has[label] && b.has[label]) (wanted[label] ? batch : inner).Add(label);
    if (a.has[label] && !b.has[label]) rows.Add(label);
    if (!a.has[label] && b.has[label]) columns.Add(label);
  }
  GemmProblem p;
  p.type = a.tensor.type;
  p.m = Count(rows, sizes);
  p.n = Count(columns, sizes);
  p.k = Count(inner, sizes);
  DOPPIO_RETURN_IF_ERROR(AsMatrix(c, batch, rows, inner, sizes, &a, &p.a_row, &p.a_col));
  DOPPIO_RETURN_IF_ERROR(AsMatrix(c, batch, inner, columns, sizes, &b, &p.b_row, &p.b_col));
  for (const LabelList* list : {&batch, &rows, &columns}) {
    for (int i = 0; i < list->count; ++i) order.Add(list->labels[i]);
  }
  if (order.count > kMaxRank) return Unsupported("a product of more than 16 dimensions");
  Dims dims;
  for (int i = 0; i < order.count; ++i) dims.push_back(sizes[order.labels[i]]);
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef y, c.Temporary(p.type, dims));
  const Factor result = FactorOf(y, order);
  p.y_row = p.n;
  p.batch_rank = batch.count;
  for (int i = 0; i < batch.count; ++i) {
    const int label = batch.labels[i];
    p.batch[i] = sizes[label];
    p.a_batch[i] = a.stride[label];
    p.b_batch[i] = b.stride[label];
    p.y_batch[i] = result.stride[label];
  }
  DOPPIO_RETURN_IF_ERROR(
      c.Emit(ProblemKind::kGemm, p, {a.tensor, b.tensor, TensorRef(), TensorRef()}, {y}));
  return result;
}

Status LowerEinsum(LowerContext& c) {
  int ranks[kMaxTerms];
  for (size_t i = 0; i < c.input_count(); ++i) ranks[i] = c.input(i).dims.rank();
  Equation equation;
  DOPPIO_RETURN_IF_ERROR(Parse(c.args, {ranks, c.input_count()}, &equation));
  Sizes sizes;
  std::fill(sizes, sizes + kLabels, 1);
  for (size_t i = 0; i < c.input_count(); ++i) {
    const Term& term = equation.inputs[i];
    for (int d = 0; d < term.count; ++d) {
      if (c.input(i).dims[d] != 1) sizes[term.labels[d]] = c.input(i).dims[d];
    }
  }
  // How many factors, the output among them, still want a dimension.
  Factor factor, result;
  for (size_t i = 0; i < c.input_count(); ++i) {
    factor = MakeFactor(c.input(i), equation.inputs[i], sizes);
    bool wanted[kLabels] = {}, wanted_later[kLabels] = {};
    for (int d = 0; d < equation.output.count; ++d) wanted_later[equation.output.labels[d]] = true;
    for (size_t j = i + 1; j < c.input_count(); ++j) {
      const Term& term = equation.inputs[j];
      for (int d = 0; d < term.count; ++d) wanted_later[term.labels[d]] = true;
    }
    for (int label = 0; label < kLabels; ++label) {
      wanted[label] = wanted_later[label] || (i > 0 && result.has[label]);
    }
    DOPPIO_RETURN_IF_ERROR(SumOut(c, wanted, sizes, &factor));
    if (i == 0) {
      result = factor;
      continue;
    }
    for (int label = 0; label < kLabels; ++label) {
      wanted[label] = wanted_later[label] || factor.has[label];
    }
    DOPPIO_RETURN_IF_ERROR(SumOut(c, wanted, sizes, &result));
    DOPPIO_ASSIGN_OR_RETURN(result, Multiply(c, result, factor, wanted_later, sizes));
  }
  LabelList order;
  for (int i = 0; i < equation.output.count; ++i) order.Add(equation.output.labels[i]);
  return c.Copy(View(result, order, sizes), c.output(0));
}

constexpr ArgSpec kEinsumArgs[] = {{"equation", ArgKind::kString, 0, "", true}};

}  // namespace

const Operator kOnnxEinsum = {.domain = "ai.onnx",
                              .type = "Einsum",
                              .min_inputs = 1,
                              .max_inputs = kVariadic,
                              .min_outputs = 1,
                              .max_outputs = 1,
                              .layout = LayoutTrait::kRowMajor,
                              .flags = kPlain,
                              .infer = InferEinsum,
                              .lower = LowerEinsum,
                              .args = kEinsumArgs,
                              .summary = "sums of products along named dimensions"};

}  // namespace doppio::operators
