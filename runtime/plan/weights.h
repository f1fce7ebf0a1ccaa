// PackedWeights: constant operands in the formats that kernels want, packed once and shared by all
// plans of a Predictor.
#pragma once

#include <doppio/status.h>

#include <cstdint>
#include <mutex>

#include "base/array.h"
#include "base/memory.h"
#include "kernels/kernel.h"
#include "runtime/exec/thread_pool.h"

namespace doppio::plan {

// Thread safe. Packed memory lives as long as this object.
class PackedWeights {
 public:
  explicit PackedWeights(base::MemoryBudget* budget) : budget_(budget) {}

  // The packed form of `constant` for `kernel` and `problem`; packs it with `pool` when it is new.
  StatusOr<const void*> Get(const kernels::Kernel& kernel, const void* problem,
                            const void* const* operands, exec::ThreadPool& pool);

  size_t bytes() const;

 private:
  // What a packed form depends on: the kernel, the constant, and how the problem walks it; not on
  // the sizes of the other operands.
  struct Key {
    const kernels::Kernel* kernel = nullptr;
    const void* constant = nullptr;
    int64_t layout[12] = {};
    friend bool operator==(const Key&, const Key&) = default;
  };
  static Key MakeKey(const kernels::Kernel& kernel, const void* problem, const void* constant);
  struct Entry {
    Key key;
    base::Buffer packed;
  };

  base::MemoryBudget* budget_;
  mutable std::mutex mutex_;
  base::Array<Entry> entries_;
};

}  // namespace doppio::plan
