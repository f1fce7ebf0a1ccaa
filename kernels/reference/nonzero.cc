#include <string_view>

#include "kernels/problems/indexing.h"
#include "kernels/reference/element_dispatch.h"
#include "kernels/reference/families.h"
#include "kernels/reference/strided_walk.h"

namespace doppio::kernels::reference {
namespace {

constexpr auto kTypes = kNumericTypes + TypeList<bool, std::string_view>{};

bool Supports(const void* problem) {
  return Contains(kTypes, static_cast<const NonZeroProblem*>(problem)->type);
}

int64_t Units(const void*, int) { return 1; }

template <class T>
bool IsNonZero(const T* x, int64_t i) {
  if constexpr (std::is_same_v<T, std::string_view>) {
    return !x[i].empty();
  } else {
    return Load(x, i) != Wide<T>{0};
  }
}

StepStatus Run(const void* problem, int, Range range, const Operands& operands, void*) {
  const auto& p = *static_cast<const NonZeroProblem*>(problem);
  if (range.begin >= range.end) return {};
  return VisitType(kTypes, p.type, [&]<class T>(TypeTag<T>) {
    const auto* x = static_cast<const T*>(operands.in[0]);
    const int64_t size = CountElements(p.rank, p.dims);
    int64_t count = 0;
    for (int64_t i = 0; i < size; ++i) count += IsNonZero(x, i);
    const int64_t dims[] = {p.rank, count};
    auto* y = static_cast<int64_t*>(operands.allocator->Allocate(0, dims));
    if (p.rank == 0 || count == 0) return StepStatus{};  // no element to write
    if (y == nullptr) return StepStatus{.code = StepCode::kOutOfMemory};
    int64_t j = 0;
    StridedWalk<1> at(p.rank, p.dims, 0, p.dims);
    for (int64_t i = 0; i < size; ++i, at.Next()) {
      if (!IsNonZero(x, i)) continue;
      for (int r = 0; r < p.rank; ++r) y[r * count + j] = at.index(r);
      ++j;
    }
    return StepStatus{};
  });
}

constexpr Kernel kRows[] = {
    {.name = "nonzero_reference",
     .kind = ProblemKind::kNonZero,
     .engine = Engine::kReference,
     .supports = Supports,
     .phases = 1,
     .units = Units,
     .run = Run},
};

}  // namespace

std::span<const Kernel> NonZeroRows() { return kRows; }

}  // namespace doppio::kernels::reference
