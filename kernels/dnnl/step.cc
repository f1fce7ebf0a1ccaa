#include "kernels/dnnl/step.h"

#ifdef _OPENMP
#include <omp.h>
#endif

#include <atomic>
#include <unordered_map>

#include "kernels/dnnl/rows.h"

namespace doppio::kernels::dnnl {
namespace {

std::atomic<int> thread_count{1};

struct ActivationRow {
  UnaryOp op;
  onednn::algorithm algorithm;
  float alpha, beta;
  bool from_problem;  // alpha and beta are the problem's
};

constexpr ActivationRow kActivations[] = {
    {UnaryOp::kRelu, onednn::algorithm::eltwise_relu, 0, 0, false},
    {UnaryOp::kLeakyRelu, onednn::algorithm::eltwise_relu, 0, 0, true},
    {UnaryOp::kClip, onednn::algorithm::eltwise_clip, 0, 0, true},
    {UnaryOp::kElu, onednn::algorithm::eltwise_elu, 0, 0, true},
    {UnaryOp::kSigmoid, onednn::algorithm::eltwise_logistic, 0, 0, false},
    {UnaryOp::kTanh, onednn::algorithm::eltwise_tanh, 0, 0, false},
    {UnaryOp::kSilu, onednn::algorithm::eltwise_swish, 0, 0, true},
    {UnaryOp::kGelu, onednn::algorithm::eltwise_gelu_erf, 0, 0, false},
    {UnaryOp::kGeluTanh, onednn::algorithm::eltwise_gelu_tanh, 0, 0, false},
#if DNNL_VERSION_MAJOR >= 3
    {UnaryOp::kHardSwish, onednn::algorithm::eltwise_hardswish, 1.0f / 6, 0.5f, false},
#else
    {UnaryOp::kHardSwish, onednn::algorithm::eltwise_hardswish, 0, 0, false},
#endif
};

const ActivationRow* FindActivation(UnaryOp op) {
  for (const ActivationRow& row : kActivations) {
    if (row.op == op) return &row;
  }
  return nullptr;
}

void* Unconst(const void* data) { return const_cast<void*>(data); }  // oneDNN only reads inputs

void Execute(const Step& step, const Operands& operands) {
  const ThreadScope threads;
  onednn::stream stream(Engine());
  if (step.has_residual && operands.in[3] != operands.out[0]) {
    step.residual_copy.execute(
        stream, {{DNNL_ARG_FROM, memory(step.residual_desc, Engine(), Unconst(operands.in[3]))},
                 {DNNL_ARG_TO, memory(step.y_desc, Engine(), operands.out[0])}});
  }
  std::unordered_map<int, memory> arguments;
  for (const Argument& a : step.arguments) {
    if (a.from == Argument::From::kOwned) {
      arguments.emplace(a.name, a.owned);
    } else {
      void* data =
          a.from == Argument::From::kIn ? Unconst(operands.in[a.index]) : operands.out[a.index];
      arguments.emplace(a.name, memory(a.desc, Engine(), data));
    }
  }
  step.primitive.execute(stream, arguments);
  stream.wait();
}

}  // namespace

void SetThreads(int threads) { thread_count.store(threads, std::memory_order_relaxed); }

#ifdef _OPENMP
ThreadScope::ThreadScope() : before_(omp_get_max_threads()) {
  omp_set_num_threads(thread_count.load(std::memory_order_relaxed));
}
ThreadScope::~ThreadScope() { omp_set_num_threads(before_); }
#else
ThreadScope::ThreadScope() = default;
ThreadScope::~ThreadScope() = default;
#endif

const onednn::engine& Engine() {
  static const onednn::engine engine(onednn::engine::kind::cpu, 0);
  return engine;
}

bool SupportsActivation(UnaryOp op) {
  return op == UnaryOp::kIdentity || FindActivation(op) != nullptr;
}

void AppendActivation(UnaryOp op, float alpha, float beta, onednn::post_ops* post_ops) {
  const ActivationRow* row = FindActivation(op);
  if (row == nullptr) return;
  const float a = row->from_problem ? alpha : row->alpha, b = row->from_problem ? beta : row->beta;
#if DNNL_VERSION_MAJOR >= 3
  post_ops->append_eltwise(row->algorithm, a, b);
#else
  post_ops->append_eltwise(1, row->algorithm, a, b);
#endif
}

onednn::primitive_attr AttributesOf(const Epilogue& epilogue) {
  onednn::post_ops post_ops;
  if (epilogue.residual) post_ops.append_sum(1);
  AppendActivation(epilogue.activation, epilogue.alpha, epilogue.beta, &post_ops);
  onednn::primitive_attr attributes;
  attributes.set_post_ops(post_ops);
  return attributes;
}

void AddWeights(Step* step, int index, const void* data, const memory::desc& given,
                const memory::desc& wanted) {
  if (data == nullptr) return AddInput(step, DNNL_ARG_WEIGHTS, index, given);
  memory user(given, Engine(), Unconst(data));
  memory owned(wanted, Engine());
  onednn::stream stream(Engine());
  onednn::reorder(user, owned).execute(stream, user, owned);
  stream.wait();
  step->arguments.push_back({Argument::From::kOwned, DNNL_ARG_WEIGHTS, index, wanted, owned});
}

void AddInput(Step* step, int name, int index, const memory::desc& desc) {
  step->arguments.push_back({Argument::From::kIn, name, index, desc, {}});
}

void AddOutput(Step* step, int name, int index, const memory::desc& desc) {
  step->arguments.push_back({Argument::From::kOut, name, index, desc, {}});
}

void AddResidual(Step* step, const memory::desc& residual, const memory::desc& y) {
  step->has_residual = true;
  step->residual_desc = residual;
  step->y_desc = y;
  step->residual_copy =
      onednn::reorder(onednn::reorder::primitive_desc(Engine(), residual, Engine(), y));
}

memory::dims Spatial(int rank, int64_t d, int64_t h, int64_t w) {
  return rank == 2 ? memory::dims{h, w} : memory::dims{d, h, w};
}

memory::desc MapDesc(int rank, int64_t n, int64_t c, int64_t d, int64_t h, int64_t w,
                     const MapStrides& s) {
  memory::dims dims = {n, c}, strides = {s.n, s.c};
  for (int64_t size : Spatial(rank, d, h, w)) dims.push_back(size);
  for (int64_t stride : Spatial(rank, s.d, s.h, s.w)) strides.push_back(stride);
  return memory::desc(dims, memory::data_type::f32, strides);
}

int64_t OneUnit(const void*, int) { return 1; }

StepStatus RunStep(const void*, int, Range range, const Operands& operands, void*) {
  if (range.begin >= range.end) return {};
  try {
    Execute(*static_cast<const Step*>(operands.handle), operands);
  } catch (const onednn::error& error) {
    return {.code = StepCode::kEngineFailure, .value = error.status};
  } catch (const std::exception&) {
    return {.code = StepCode::kOutOfMemory};
  }
  return {};
}

void ReleaseStep(void* handle) { delete static_cast<Step*>(handle); }

}  // namespace doppio::kernels::dnnl
