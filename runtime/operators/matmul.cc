// Matrix products: Caffe2's FC, FCTransposed, MatMul and BatchMatMul, ONNX's MatMul and Gemm.
#include "base/message.h"
#include "kernels/problems/gemm.h"
#include "runtime/operators/infer_context.h"
#include "runtime/operators/lower_context.h"
#include "runtime/operators/rows.h"

namespace doppio::operators {
namespace {

using base::Cat;
using kernels::GemmProblem;
using kernels::ProblemKind;

Status CheckTypes(const InferContext& c) {
  if (c.input(0).type == c.input(1).type) return {};
  return InvalidArgument(Cat(c.Describe(0), " and ", c.Describe(1), " differ in type"));
}

Status InnerMismatch(const InferContext& c, Dim a, Dim b) {
  return InvalidArgument(Cat("the inner sizes differ: ", c.symbols().Text(a), " of ", c.Describe(0),
                             ", ", c.symbols().Text(b), " of ", c.Describe(1)));
}

bool Differ(Dim a, Dim b) { return a.known() && b.known() && !(a == b); }

Dim Product(const Shape& shape, int begin, int end, SymbolTable* symbols) {
  Dim product(1);
  for (int i = begin; i < end; ++i) product = symbols->Mul(product, shape[i]);
  return product;
}

int64_t Product(const Dims& dims, int begin, int end) {
  int64_t product = 1;
  for (int i = begin; i < end; ++i) product *= dims[i];
  return product;
}

// An axis at which a tensor is cut into rows and columns; the rank itself is allowed.
Status CutAxis(const ArgReader& args, std::string_view name, int rank, int* axis) {
  int64_t value = 1;
  DOPPIO_RETURN_IF_ERROR(args.Int(name, &value));
  if (value < -rank || value > rank) {
    return InvalidArgument(Cat(name, " ", value, " does not exist in ", rank, " dimensions"));
  }
  *axis = static_cast<int>(value < 0 ? value + rank : value);
  return {};
}

void SetEpilogue(const FusedEpilogue& fused, GemmProblem* p) {
  p->epilogue.activation = fused.activation;
  p->epilogue.alpha = fused.alpha;
  p->epilogue.beta = fused.beta;
}

// --- FC
// ----------------------------------------------------------------------------------------------

Status InferFc(InferContext& c, bool transposed) {
  DOPPIO_RETURN_IF_ERROR(CheckTypes(c));
  const Shape& x = c.input(0).shape;
  const Shape& w = c.input(1).shape;
  int axis = 0, axis_w = 0;
  DOPPIO_RETURN_IF_ERROR(CutAxis(c.args, "axis", x.rank, &axis));
  DOPPIO_RETURN_IF_ERROR(CutAxis(c.args, "axis_w", w.rank, &axis_w));
  SymbolTable& symbols = c.symbols();
  const Dim k = Product(x, axis, x.rank, &symbols);
  const Dim rows = Product(w, 0, axis_w, &symbols), columns = Product(w, axis_w, w.rank, &symbols);
  const Dim n = transposed ? columns : rows, w_k = transposed ? rows : columns;
  if (Differ(k, w_k)) return InnerMismatch(c, k, w_k);
  const ValueFacts& bias = c.input(2);
  if (bias.shape.rank != 1 || Differ(bias.shape[0], n)) {
    return InvalidArgument(
        Cat("bias ", c.Describe(2), " must have one dimension of ", symbols.Text(n)));
  }
  Shape y;
  for (int i = 0; i < axis; ++i) y.push_back(x[i]);
  y.push_back(n);
  c.Set(0, c.input(0).type, y);
  return {};
}
Status InferFcPlain(InferContext& c) { return InferFc(c, false); }
Status InferFcTransposed(InferContext& c) { return InferFc(c, true); }

Status LowerFc(LowerContext& c, bool transposed) {
  int axis = 0, axis_w = 0;
  DOPPIO_RETURN_IF_ERROR(CutAxis(c.args, "axis", c.input(0).dims.rank(), &axis));
  DOPPIO_RETURN_IF_ERROR(CutAxis(c.args, "axis_w", c.input(1).dims.rank(), &axis_w));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef x, c.RowMajor(c.input(0)));
  DOPPIO_ASSIGN_OR_RETURN(const TensorRef w, c.RowMajor(c.input(1)));
  GemmProblem p;
  p.type = x.type;
  p.m = Product(x.dims, 0, axis);
  p.k = Product(x.dims, axis, x.dims.rank());
  p.n = c.input(2).dims[0];
  p.a_row = p.k;
  p.b_row = transposed ? p.n : 1;
  p.b_col = transposed ? 1 : p.k;
  p.y_row = p.n;
  p.epilogue.bias = true;
  SetEpilogue(c.epilogue(), &p);
  const TensorRef residual = c.epilogue().residual;
  if (residual.present()) {
    p.epilogue.residual = true;
    p.residual_row = p.n;
  }
  return c.Emit(ProblemKind::kGemm, p, {x, w, c.input(2), residual}, {c.output(0)});
}
Status LowerFcPlain(LowerContext& c) { return LowerFc(c, false); }
Status LowerFcTransposed(LowerContext& c) { return LowerFc(c, true); }

// --- batched
// -----------------------------------------------------------------------------------------

// The operands of a product as matrices: what NumPy's matmul makes of 1-D ones.
struct MatrixShapes {
  Shape a, b;  // of rank 2 or more
  bool a_vector = false, b_vector = false;
};

void Transpose(Shape* shape) {
  const Dim last = shape->dims[shape->rank - 1];
  shape->dims[shape->rank - 1] = shape->dims[shape->rank - 2];
  shape->dims[shape->rank - 2] = last;
}

MatrixShapes AsMatrices(const Shape& a, const Shape& b, bool trans_a, bool trans_b) {
  MatrixShapes m{a, b};
  if (a.rank == 1) {
    m.a_vector = true;
    m.a = Shape();
    m.a.push_back(Dim(1));
    m.a.push_back(a[0]);
  } else if (trans_a) {
    Transpose(&m.a);
  }
  if (b.rank == 1) {
    m.b_vector = true;
    m.b = Shape();
    m.b.push_back(b[0]);
    m.b.push_back(Dim(1));
  } else if (trans_b) {
    Transpose(&m.b);
  }
  return m;
}

Status InferProduct(InferContext& c, bool trans_a, bool trans_b, bool vector_result_is_1d) {
  DOPPIO_RETURN_IF_ERROR(CheckTypes(c));
  const Shape& a = c.input(0).shape;
  const Shape& b = c.input(1).shape;
  if (a.rank == 0 || b.rank == 0)
    return InvalidArgument("a scalar cannot be multiplied as a matrix");
  const MatrixShapes m = AsMatrices(a, b, trans_a, trans_b);
  const Dim a_k = m.a[m.a.rank - 1], b_k = m.b[m.b.rank - 2];
  if (Differ(a_k, b_k)) return InnerMismatch(c, a_k, b_k);
  Shape a_batch = m.a, b_batch = m.b, y;
  a_batch.rank -= 2;
  b_batch.rank -= 2;
  DOPPIO_RETURN_IF_ERROR(BroadcastShapes(a_batch, b_batch, &c.symbols(), &y));
  if (!m.a_vector) y.push_back(m.a[m.a.rank - 2]);
  if (!m.b_vector) y.push_back(m.b[m.b.rank - 1]);
  if (m.a_vector && m.b_vector && vector_result_is_1d) y.push_back(Dim(1));
  c.Set(0, c.input(0).type, y);
  return {};
}

Status InferMatMul(InferContext& c) { return InferProduct(c, false, false, false); }

Status InferBatchMatMul(InferContext& c) {
  bool trans_a = false, trans_b = false, broadcast = false;
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("trans_a", &trans_a));
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("trans_b", &trans_b));
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("broadcast", &broadcast));
  const Shape& a = c.input(0).shape;
  const Shape& b = c.input(1).shape;
  if (!broadcast && (a.rank != b.rank || a.rank < 2)) {
    return InvalidArgument(Cat(c.Describe(0), " and ", c.Describe(1),
                               " must have the same rank of at least 2 (argument broadcast is 0)"));
  }
  return InferProduct(c, trans_a, trans_b, true);
}

// Emits a[.., m, k] b[.., k, n] with the last two dimensions of each as given and NumPy
// broadcasting before.
Status EmitProduct(LowerContext& c, const TensorRef& a, const TensorRef& b, const TensorRef& y_ref,
                   const TensorRef& bias) {
  const int a_rank = a.dims.rank(), b_rank = b.dims.rank();
  GemmProblem p;
  p.type = a.type;
  p.m = a.dims[a_rank - 2];
  p.k = a.dims[a_rank - 1];
  p.n = b.dims[b_rank - 1];
  p.a_row = a.strides[a_rank - 2];
  p.a_col = a.strides[a_rank - 1];
  p.b_row = b.strides[b_rank - 2];
  p.b_col = b.strides[b_rank - 1];
  Dims batch;  // of y, without its matrix
  const int batch_rank = std::max(a_rank, b_rank) - 2;
  for (int i = 0; i < batch_rank; ++i) {
    const int ai = i - (batch_rank - (a_rank - 2)), bi = i - (batch_rank - (b_rank - 2));
    const int64_t ad = ai < 0 ? 1 : a.dims[ai], bd = bi < 0 ? 1 : b.dims[bi];
    batch.push_back(ad == 1 ? bd : ad);
  }
  Dims y_dims = batch;
  y_dims.push_back(p.m);
  y_dims.push_back(p.n);
  const TensorRef y = Reshaped(y_ref, y_dims);
  p.y_row = p.n;
  // A weight shared by all batch indices and rows that stand one after the other: one tall product.
  bool tall = IsRowMajor(a) && !bias.present();
  for (int i = 0; i + 2 < b_rank; ++i) tall = tall && b.dims[i] == 1;
  for (int i = 0; i < batch_rank && tall; ++i) {
    const int ai = i - (batch_rank - (a_rank - 2));
    tall = (ai < 0 ? 1 : a.dims[ai]) == batch[i];
  }
  if (tall) {
    p.m *= ElementCount(batch);
  } else {
    p.batch_rank = batch_rank;
    for (int i = 0; i < batch_rank; ++i) {
      const int ai = i - (batch_rank - (a_rank - 2)), bi = i - (batch_rank - (b_rank - 2));
      p.batch[i] = batch[i];
      p.a_batch[i] = ai < 0 || a.dims[ai] == 1 ? 0 : a.strides[ai];
      p.b_batch[i] = bi < 0 || b.dims[bi] == 1 ? 0 : b.strides[bi];
      p.y_batch[i] = y.strides[i];
      p.residual_batch[i] = y.strides[i];
    }
  }
  if (bias.present()) p.epilogue.bias = true;
  SetEpilogue(c.epilogue(), &p);
  const TensorRef residual = c.epilogue().residual;
  if (residual.present()) {
    p.epilogue.residual = true;
    p.residual_row = p.n;
  }
  return c.Emit(ProblemKind::kGemm, p, {a, b, bias, residual}, {y});
}

TensorRef AsMatrix(const TensorRef& tensor, bool transposed, bool column) {
  const int rank = tensor.dims.rank();
  if (rank == 1) {
    const int64_t size = tensor.dims[0], stride = tensor.strides[0];
    return column ? WithDims(tensor, {size, 1}, {stride, 1})
                  : WithDims(tensor, {1, size}, {size, stride});
  }
  TensorRef view = tensor;
  if (transposed) {
    std::swap(view.dims[rank - 1], view.dims[rank - 2]);
    std::swap(view.strides[rank - 1], view.strides[rank - 2]);
  }
  return view;
}

Status LowerBatchMatMul(LowerContext& c) {
  bool trans_a = false, trans_b = false;
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("trans_a", &trans_a));
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("trans_b", &trans_b));
  return EmitProduct(c, AsMatrix(c.input(0), trans_a, false), AsMatrix(c.input(1), trans_b, true),
                     c.output(0), TensorRef());
}

// --- Caffe2's MatMul: both operands flattened to matrices
// -------------------------------------------------

Status MatMul2dSizes(const InferContext& c, Dim* m, Dim* n) {
  int axis_a = 0, axis_b = 0;
  bool trans_a = false, trans_b = false;
  DOPPIO_RETURN_IF_ERROR(CutAxis(c.args, "axis_a", c.input(0).shape.rank, &axis_a));
  DOPPIO_RETURN_IF_ERROR(CutAxis(c.args, "axis_b", c.input(1).shape.rank, &axis_b));
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("trans_a", &trans_a));
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("trans_b", &trans_b));
  const Shape& a = c.input(0).shape;
  const Shape& b = c.input(1).shape;
  SymbolTable* symbols = &c.symbols();
  Dim a_rows = Product(a, 0, axis_a, symbols), a_columns = Product(a, axis_a, a.rank, symbols);
  Dim b_rows = Product(b, 0, axis_b, symbols), b_columns = Product(b, axis_b, b.rank, symbols);
  if (trans_a) std::swap(a_rows, a_columns);
  if (trans_b) std::swap(b_rows, b_columns);
  if (Differ(a_columns, b_rows)) return InnerMismatch(c, a_columns, b_rows);
  *m = a_rows;
  *n = b_columns;
  return {};
}

Status InferMatMul2d(InferContext& c) {
  DOPPIO_RETURN_IF_ERROR(CheckTypes(c));
  Dim m, n;
  DOPPIO_RETURN_IF_ERROR(MatMul2dSizes(c, &m, &n));
  Shape y;
  if (c.HasInput(2)) {
    y = c.input(2).shape;
  } else {
    y.push_back(m);
    y.push_back(n);
  }
  c.Set(0, c.input(0).type, y);
  return {};
}

Status LowerMatMul2d(LowerContext& c) {
  int axis_a = 0, axis_b = 0;
  bool trans_a = false, trans_b = false;
  DOPPIO_RETURN_IF_ERROR(CutAxis(c.args, "axis_a", c.input(0).dims.rank(), &axis_a));
  DOPPIO_RETURN_IF_ERROR(CutAxis(c.args, "axis_b", c.input(1).dims.rank(), &axis_b));
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("trans_a", &trans_a));
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("trans_b", &trans_b));
  DOPPIO_ASSIGN_OR_RETURN(TensorRef a, c.RowMajor(c.input(0)));
  DOPPIO_ASSIGN_OR_RETURN(TensorRef b, c.RowMajor(c.input(1)));
  a = Reshaped(a, {Product(a.dims, 0, axis_a), Product(a.dims, axis_a, a.dims.rank())});
  b = Reshaped(b, {Product(b.dims, 0, axis_b), Product(b.dims, axis_b, b.dims.rank())});
  return EmitProduct(c, AsMatrix(a, trans_a, false), AsMatrix(b, trans_b, true), c.output(0),
                     TensorRef());
}

// --- ONNX's Gemm
// -----------------------------------------------------------------------------------------

Status InferGemm(InferContext& c) {
  bool trans_a = false, trans_b = false;
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("transA", &trans_a));
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("transB", &trans_b));
  if (c.input(0).shape.rank != 2 || c.input(1).shape.rank != 2) {
    return InvalidArgument(Cat(c.Describe(0), " and ", c.Describe(1), " must have two dimensions"));
  }
  DOPPIO_RETURN_IF_ERROR(InferProduct(c, trans_a, trans_b, false));
  if (!c.HasInput(2)) return {};
  Shape y = c.output(0).shape, with_bias;
  DOPPIO_RETURN_IF_ERROR(BroadcastShapes(y, c.input(2).shape, &c.symbols(), &with_bias));
  for (int i = 0; i < 2; ++i) {
    if (with_bias.rank != 2 || Differ(with_bias[i], y[i])) {
      return InvalidArgument(Cat(c.Describe(2), " does not broadcast to the product"));
    }
  }
  return {};
}

Status LowerGemm(LowerContext& c) {
  bool trans_a = false, trans_b = false;
  float alpha = 1, beta = 1;
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("transA", &trans_a));
  DOPPIO_RETURN_IF_ERROR(c.args.Bool("transB", &trans_b));
  DOPPIO_RETURN_IF_ERROR(c.args.Float("alpha", &alpha));
  DOPPIO_RETURN_IF_ERROR(c.args.Float("beta", &beta));
  const TensorRef a = AsMatrix(c.input(0), trans_a, false), b = AsMatrix(c.input(1), trans_b, true);
  const TensorRef y = c.output(0);
  GemmProblem p;
  p.type = a.type;
  p.m = a.dims[0];
  p.k = a.dims[1];
  p.n = b.dims[1];
  p.a_row = a.strides[0];
  p.a_col = a.strides[1];
  p.b_row = b.strides[0];
  p.b_col = b.strides[1];
  p.y_row = p.n;
  p.alpha = alpha;
  TensorRef bias = c.HasInput(2) && beta != 0 ? c.input(2) : TensorRef();
  if (bias.present()) {
    const Dims strides = BroadcastStrides(bias, y.dims);
    p.epilogue.bias = true;
    p.beta = beta;
    p.bias_row = strides[0];
    p.bias_col = strides[1];
  }
  SetEpilogue(c.epilogue(), &p);
  const TensorRef residual = c.epilogue().residual;
  if (residual.present()) {
    p.epilogue.residual = true;
    p.residual_row = p.n;
  }
  return c.Emit(ProblemKind::kGemm, p, {a, b, bias, residual}, {y});
}

constexpr ArgSpec kFcArgs[] = {{"axis", ArgKind::kInt, 1}, {"axis_w", ArgKind::kInt, 1}};
constexpr ArgSpec kMatMulArgs[] = {{"axis_a", ArgKind::kInt, 1},
                                   {"axis_b", ArgKind::kInt, 1},
                                   {"trans_a", ArgKind::kInt},
                                   {"trans_b", ArgKind::kInt}};
constexpr ArgSpec kBatchMatMulArgs[] = {
    {"trans_a", ArgKind::kInt}, {"trans_b", ArgKind::kInt}, {"broadcast", ArgKind::kInt}};
constexpr ArgSpec kGemmArgs[] = {{"alpha", ArgKind::kFloat, 1},
                                 {"beta", ArgKind::kFloat, 1},
                                 {"transA", ArgKind::kInt},
                                 {"transB", ArgKind::kInt}};

}  // namespace

const Operator kFc = {"",
                      "FC",
                      3,
                      3,
                      1,
                      1,
                      LayoutTrait::kRowMajor,
                      kTakesActivation | kTakesResidual,
                      InferFcPlain,
                      LowerFcPlain,
                      kFcArgs,
                      "fully connected layer, weight [n, k]"};
const Operator kFcTransposed = {"",
                                "FCTransposed",
                                3,
                                3,
                                1,
                                1,
                                LayoutTrait::kRowMajor,
                                kTakesActivation | kTakesResidual,
                                InferFcTransposed,
                                LowerFcTransposed,
                                kFcArgs,
                                "fully connected layer, weight [k, n]"};
const Operator kMatMul = {"",
                          "MatMul",
                          2,
                          3,
                          1,
                          1,
                          LayoutTrait::kRowMajor,
                          kTakesActivation | kTakesResidual,
                          InferMatMul2d,
                          LowerMatMul2d,
                          kMatMulArgs,
                          "product of two tensors flattened to matrices"};
const Operator kBatchMatMul = {"",
                               "BatchMatMul",
                               2,
                               2,
                               1,
                               1,
                               LayoutTrait::kRowMajor,
                               kTakesActivation | kTakesResidual,
                               InferBatchMatMul,
                               LowerBatchMatMul,
                               kBatchMatMulArgs,
                               "product of stacks of matrices"};
const Operator kOnnxMatMul = {"ai.onnx",
                              "MatMul",
                              2,
                              2,
                              1,
                              1,
                              LayoutTrait::kRowMajor,
                              kTakesActivation | kTakesResidual,
                              InferMatMul,
                              LowerBatchMatMul,
                              {},
                              "NumPy's matmul"};
const Operator kOnnxGemm = {"ai.onnx",
                            "Gemm",
                            2,
                            3,
                            1,
                            1,
                            LayoutTrait::kRowMajor,
                            kTakesActivation | kTakesResidual,
                            InferGemm,
                            LowerGemm,
                            kGemmArgs,
                            "alpha A' B' + beta C"};

}  // namespace doppio::operators
