#include <algorithm>
#include <cstring>

#include "kernels/problems/indexing.h"
#include "kernels/reference/element_dispatch.h"
#include "kernels/reference/families.h"
#include "kernels/reference/index_operand.h"
#include "kernels/reference/strided_walk.h"

namespace doppio::kernels::reference {
namespace {

bool Supports(const void* problem) {
  const auto& p = *static_cast<const ScatterProblem*>(problem);
  if (!IsIndexType(p.index_type) || p.depth > p.rank) return false;
  if (p.op == ScatterOp::kAssign) return IsElementBytes(ElementBits(p.type) / 8);
  return Contains(kNumericTypes, p.type);
}

int64_t ElementBytes(const ScatterProblem& p) { return ElementBits(p.type) / 8; }

// Phase 0 copies x in units of kUnitElements; phase 1 is one unit: updates of one position follow
// each other in their order.
int64_t Units(const void* problem, int phase) {
  const auto& p = *static_cast<const ScatterProblem*>(problem);
  return phase == 0 ? ElementUnits(CountElements(p.rank, p.x_dims)) : 1;
}

StepStatus CopyInput(const ScatterProblem& p, Range range, const Operands& operands) {
  const Range elements = ElementsOf(range, CountElements(p.rank, p.x_dims));
  if (operands.in[0] == operands.out[0] || elements.begin >= elements.end) return {};
  const int64_t from = elements.begin * ElementBytes(p);
  std::memcpy(static_cast<char*>(operands.out[0]) + from,
              static_cast<const char*>(operands.in[0]) + from,
              static_cast<size_t>((elements.end - elements.begin) * ElementBytes(p)));
  return {};
}

// y = op(y, update), by type.
struct Updater {
  const ScatterProblem& p;
  void* y;
  const void* updates;

  void operator()(int64_t to, int64_t from) const {
    if (p.op == ScatterOp::kAssign) {
      const auto bytes = static_cast<size_t>(ElementBytes(p));
      std::memcpy(static_cast<char*>(y) + to * ElementBytes(p),
                  static_cast<const char*>(updates) + from * ElementBytes(p), bytes);
      return;
    }
    VisitType(kNumericTypes, p.type, [&]<class T>(TypeTag<T>) {
      auto* target = static_cast<T*>(y);
      Store(target, to,
            Combine(p.op, Load(target, to), Load(static_cast<const T*>(updates), from)));
      return StepStatus{};
    });
  }

  template <class W>
  static W Combine(ScatterOp op, W a, W b) {
    switch (op) {
      case ScatterOp::kAdd:
        return Add(a, b);
      case ScatterOp::kMul:
        return Multiply(a, b);
      case ScatterOp::kMax:
        return IsNan(a) || a > b ? a : b;
      case ScatterOp::kMin:
        return IsNan(a) || a < b ? a : b;
      case ScatterOp::kAssign:
        break;
    }
    return b;
  }
};

StepStatus ScatterElements(const ScatterProblem& p, const Operands& operands) {
  int64_t strides[kMaxRank] = {};
  int64_t stride = 1;
  for (int i = p.rank - 1; i >= 0; --i) {
    strides[i] = stride;
    stride *= p.x_dims[i];
  }
  const Updater update{p, operands.out[0], operands.in[2]};
  const int64_t count = CountElements(p.rank, p.dims);
  StridedWalk<1> at(p.rank, p.dims, 0, strides);
  for (int64_t j = 0; j < count; ++j, at.Next()) {
    int64_t index = LoadIndex(operands.in[1], p.index_type, j);
    const StepStatus status = ResolveIndex(&index, p.x_dims[p.along], Negative::kWraps, j);
    if (!status.ok()) return status;
    update(at[0] + (index - at.index(p.along)) * strides[p.along], j);
  }
  return {};
}

StepStatus ScatterNd(const ScatterProblem& p, const Operands& operands) {
  const Updater update{p, operands.out[0], operands.in[2]};
  for (int64_t j = 0; j < p.count; ++j) {
    int64_t run = 0;
    for (int64_t r = 0; r < p.depth; ++r) {
      const int64_t position = j * p.depth + r;
      int64_t index = LoadIndex(operands.in[1], p.index_type, position);
      const StepStatus status = ResolveIndex(&index, p.x_dims[r], Negative::kWraps, position);
      if (!status.ok()) return status;
      run = run * p.x_dims[r] + index;
    }
    for (int64_t i = 0; i < p.inner; ++i) update(run * p.inner + i, j * p.inner + i);
  }
  return {};
}

StepStatus Run(const void* problem, int phase, Range range, const Operands& operands, void*) {
  const auto& p = *static_cast<const ScatterProblem*>(problem);
  if (phase == 0) return CopyInput(p, range, operands);
  if (range.begin >= range.end) return {};
  return p.depth > 0 ? ScatterNd(p, operands) : ScatterElements(p, operands);
}

constexpr Kernel kRows[] = {
    {.name = "scatter_reference",
     .kind = ProblemKind::kScatter,
     .engine = Engine::kReference,
     .supports = Supports,
     .phases = 2,
     .units = Units,
     .run = Run},
};

}  // namespace

std::span<const Kernel> ScatterRows() { return kRows; }

}  // namespace doppio::kernels::reference
