// Step: a oneDNN primitive with what its run needs; the handle of every row of this engine.
#pragma once

#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <vector>

#include "kernels/kernel.h"
#include "kernels/problems/conv.h"

namespace doppio::kernels::dnnl {

namespace onednn = ::dnnl;
using onednn::memory;

// Where an argument of the primitive comes from at run time.
struct Argument {
  enum class From : uint8_t { kIn, kOut, kOwned } from;
  int name = 0;   // DNNL_ARG_...
  int index = 0;  // of Operands::in or out
  memory::desc desc;
  memory owned;  // kOwned: made in prepare
};

struct Step {
  onednn::primitive primitive;
  std::vector<Argument> arguments;
  // The residual is copied to y before the primitive adds to it; absent where they are one.
  bool has_residual = false;
  onednn::primitive residual_copy;
  memory::desc residual_desc, y_desc;
};

// The CPU, shared by all steps.
const onednn::engine& Engine();

// Sets this thread's OpenMP thread count to SetThreads' and back.
class ThreadScope {
 public:
  ThreadScope();
  ~ThreadScope();
  ThreadScope(const ThreadScope&) = delete;
  ThreadScope& operator=(const ThreadScope&) = delete;

 private:
  int before_ = 1;
};

// Whether post-operations of oneDNN can do it.
bool SupportsActivation(UnaryOp op);
void AppendActivation(UnaryOp op, float alpha, float beta, onednn::post_ops* post_ops);
// Attributes for residual and activation.
onednn::primitive_attr AttributesOf(const Epilogue& epilogue);

// Adds the weights operand: reordered to `wanted` now when `data` is given, else read as `given`.
void AddWeights(Step* step, int index, const void* data, const memory::desc& given,
                const memory::desc& wanted);
void AddInput(Step* step, int name, int index, const memory::desc& desc);
void AddOutput(Step* step, int name, int index, const memory::desc& desc);
void AddResidual(Step* step, const memory::desc& residual, const memory::desc& y);

// Spatial dimensions that oneDNN is told of: 2, or 3 for a problem with depth.
template <class Problem>
int SpatialRank(const Problem& p) {
  return p.id == 1 && p.od == 1 && p.kd == 1 && p.pd == 0 ? 2 : 3;
}
// The last `rank` of d, h, w.
memory::dims Spatial(int rank, int64_t d, int64_t h, int64_t w);
// A float map with any strides.
memory::desc MapDesc(int rank, int64_t n, int64_t c, int64_t d, int64_t h, int64_t w,
                     const MapStrides& strides);

// Kernel::run, units and release of every row. The residual is in[3], y is out[0].
int64_t OneUnit(const void* problem, int phase);
StepStatus RunStep(const void* problem, int phase, Range range, const Operands& operands,
                   void* scratch);
void ReleaseStep(void* handle);

// Kernel::prepare around `make` (Problem, in, Step*), which may throw onednn::error or return
// false.
template <class Problem, bool (*make)(const Problem&, const void* const*, Step*)>
void* PrepareStep(const void* problem, const void* const* in) {
  try {
    const ThreadScope threads;
    auto step = std::make_unique<Step>();
    if (!make(*static_cast<const Problem*>(problem), in, step.get())) return nullptr;
    return step.release();
  } catch (const std::exception&) {
    return nullptr;  // oneDNN has no implementation for this problem, or memory is short
  }
}

}  // namespace doppio::kernels::dnnl
