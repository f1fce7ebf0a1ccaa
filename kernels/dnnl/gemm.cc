#include "kernels/problems/gemm.h"

#include "kernels/dnnl/families.h"
#include "kernels/dnnl/step.h"

namespace doppio::kernels::dnnl {
namespace {

constexpr int kMostBatchDims = DNNL_MAX_NDIMS - 2;

// One value a column, the same for every batch index: the only bias of oneDNN's fast paths.
bool IsColumnBias(const GemmProblem& p) {
  if (p.bias_row != 0 || p.bias_col != 1 || p.beta != 1) return false;
  for (int i = 0; i < p.batch_rank; ++i) {
    if (p.bias_batch[i] != 0) return false;
  }
  return true;
}

bool Supports(const void* problem) {
  const auto& p = *static_cast<const GemmProblem*>(problem);
  if (p.type != ElementType::kFloat || p.alpha != 1 || p.batch_rank > kMostBatchDims) return false;
  if (p.m == 0 || p.n == 0 || p.k == 0 || p.a_row * p.a_col * p.b_row * p.b_col == 0) return false;
  for (int i = 0; i < p.batch_rank; ++i) {
    if (p.batch[i] == 0 || p.y_batch[i] == 0) return false;
  }
  return SupportsActivation(p.epilogue.activation) && (!p.epilogue.bias || IsColumnBias(p));
}

// A [batch.., rows, columns] array; a stride of 0 in a batch dimension is a size of 1, which
// repeats.
memory::desc MatrixDesc(const GemmProblem& p, const int64_t* batch_strides, int64_t rows,
                        int64_t row, int64_t columns, int64_t column) {
  memory::dims dims, strides;
  for (int i = 0; i < p.batch_rank; ++i) {
    const bool repeats = batch_strides[i] == 0;
    dims.push_back(repeats ? 1 : p.batch[i]);
    strides.push_back(repeats ? rows * row + columns * column : batch_strides[i]);
  }
  dims.insert(dims.end(), {rows, columns});
  strides.insert(strides.end(), {row, column});
  return memory::desc(dims, memory::data_type::f32, strides);
}

bool Make(const GemmProblem& p, const void* const* in, Step* step) {
  const memory::desc a = MatrixDesc(p, p.a_batch, p.m, p.a_row, p.k, p.a_col);
  const memory::desc b = MatrixDesc(p, p.b_batch, p.k, p.b_row, p.n, p.b_col);
  const memory::desc y = MatrixDesc(p, p.y_batch, p.m, p.y_row, p.n, p.y_col);
  memory::desc bias;
  if (p.epilogue.bias) bias = MatrixDesc(p, p.bias_batch, 1, p.n, p.n, 1);
  // Constant matrices without batches are kept in the form that oneDNN prefers.
  const bool packs = in[1] != nullptr && p.batch_rank == 0;
  const memory::desc any({p.k, p.n}, memory::data_type::f32, memory::format_tag::any);
  const memory::desc& wanted = packs ? any : b;
  const onednn::primitive_attr attributes = AttributesOf(p.epilogue);
#if DNNL_VERSION_MAJOR >= 3
  const onednn::matmul::primitive_desc made(Engine(), a, wanted, bias, y, attributes);
#else
  const onednn::matmul::primitive_desc made(onednn::matmul::desc(a, wanted, bias, y), attributes,
                                            Engine());
#endif
  step->primitive = onednn::matmul(made);
  AddInput(step, DNNL_ARG_SRC, 0, a);
  AddWeights(step, 1, packs ? in[1] : nullptr, b, made.weights_desc());
  if (p.epilogue.bias) AddInput(step, DNNL_ARG_BIAS, 2, bias);
  AddOutput(step, DNNL_ARG_DST, 0, y);
  if (p.epilogue.residual) {
    AddResidual(step, MatrixDesc(p, p.residual_batch, p.m, p.residual_row, p.n, p.residual_col), y);
  }
  return true;
}

}  // namespace

const Kernel kGemmRow = {.name = "gemm_dnnl_matmul_f32",
                         .kind = ProblemKind::kGemm,
                         .engine = kernels::Engine::kDnnl,
                         .supports = Supports,
                         .phases = 1,
                         .units = OneUnit,
                         .run = RunStep,
                         .prepare = PrepareStep<GemmProblem, Make>,
                         .release = ReleaseStep};

}  // namespace doppio::kernels::dnnl
