// The reference gathers, scatters and non-zero against worked examples, bad positions included.
#include "kernels/problems/indexing.h"
#include "tests/catch.h"
#include "tests/kernels/run_kernel.h"

namespace doppio::tests {
namespace {

using kernels::ProblemKind;
using kernels::StepCode;
using Values = std::vector<float>;

TEST_CASE("reference gather: negative positions count from the end, others are errors") {
  kernels::GatherProblem p;
  p.axis = 3;
  p.inner = 2;
  p.count = 2;
  const Values x = {1, 2, 3, 4, 5, 6};
  std::vector<int64_t> index = {-1, 0};
  Values y(4);
  CHECK(RunReference(ProblemKind::kGather, &p, {x.data(), index.data()}, {y.data()}).ok());
  CHECK(y == Values{5, 6, 1, 2});
  index = {0, 3};
  const auto status = RunReference(ProblemKind::kGather, &p, {x.data(), index.data()}, {y.data()});
  CHECK(status.code == StepCode::kIndexOutOfRange);
  CHECK(status.position == 1);
  CHECK(status.value == 3);
  CHECK(status.limit == 3);
  index = {-1, 0};
  p.wrap = false;
  CHECK(RunReference(ProblemKind::kGather, &p, {x.data(), index.data()}, {y.data()}).code ==
        StepCode::kIndexOutOfRange);
}

TEST_CASE("reference gather: elements") {
  kernels::GatherProblem p;  // ONNX GatherElements, axis 1
  p.rank = 2;
  p.along = 1;
  p.axis = 2;
  p.dims[0] = p.dims[1] = 2;
  p.x_strides[0] = 2;
  p.x_strides[1] = 1;
  const Values x = {1, 2, 3, 4};
  const int64_t index[] = {0, 0, 1, -2};
  Values y(4);
  RunReference(ProblemKind::kGather, &p, {x.data(), index}, {y.data()});
  CHECK(y == Values{1, 1, 4, 3});
}

TEST_CASE("reference gather: N-d positions within a batch") {
  kernels::GatherNdProblem p;
  p.batch = 2;
  p.count = 1;
  p.depth = 1;
  p.inner = 2;
  p.dims[0] = 2;
  const Values x = {0, 1, 2, 3, 4, 5, 6, 7};
  const int64_t index[] = {1, 0};
  Values y(4);
  RunReference(ProblemKind::kGatherNd, &p, {x.data(), index}, {y.data()});
  CHECK(y == Values{2, 3, 4, 5});
}

TEST_CASE("reference scatter: repeated positions accumulate in order") {
  kernels::ScatterProblem p;
  p.op = kernels::ScatterOp::kAdd;
  p.rank = 1;
  p.x_dims[0] = 4;
  p.dims[0] = 3;
  const Values x = {1, 1, 1, 1}, updates = {5, 6, 7};
  const int64_t index[] = {1, 1, -1};
  Values y(4);
  RunReference(ProblemKind::kScatter, &p, {x.data(), index, updates.data()}, {y.data()});
  CHECK(y == Values{1, 12, 1, 8});
  p.op = kernels::ScatterOp::kAssign;
  RunReference(ProblemKind::kScatter, &p, {x.data(), index, updates.data()}, {y.data()});
  CHECK(y == Values{1, 6, 1, 7});
}

TEST_CASE("reference scatter: N-d positions write whole rows") {
  kernels::ScatterProblem p;
  p.rank = 2;
  p.depth = 1;
  p.x_dims[0] = 3;
  p.x_dims[1] = 2;
  p.count = 1;
  p.inner = 2;
  const Values x = {1, 2, 3, 4, 5, 6}, updates = {8, 9};
  int64_t index[] = {1};
  Values y(6);
  RunReference(ProblemKind::kScatter, &p, {x.data(), index, updates.data()}, {y.data()});
  CHECK(y == Values{1, 2, 8, 9, 5, 6});
  index[0] = -4;
  CHECK(
      RunReference(ProblemKind::kScatter, &p, {x.data(), index, updates.data()}, {y.data()}).code ==
      StepCode::kIndexOutOfRange);
}

// Gives memory for one output, or refuses.
class TestAllocator final : public kernels::OutputAllocator {
 public:
  explicit TestAllocator(bool refuses) : refuses_(refuses) {}
  void* Allocate(int, std::span<const int64_t> dims) override {
    dims_.assign(dims.begin(), dims.end());
    values_.resize(static_cast<size_t>(dims[0] * dims[1]));
    return refuses_ ? nullptr : values_.data();
  }
  std::vector<int64_t> dims_, values_;

 private:
  bool refuses_;
};

TEST_CASE("reference nonzero: coordinates in row-major order, or no memory for them") {
  kernels::NonZeroProblem p;
  p.rank = 2;
  p.dims[0] = 2;
  p.dims[1] = 3;
  const Values x = {0, 1, 0, 2, 0, 3};
  TestAllocator allocator(false), refusing(true);
  CHECK(RunReference(ProblemKind::kNonZero, &p, {x.data()}, {nullptr}, &allocator).ok());
  CHECK(allocator.dims_ == std::vector<int64_t>{2, 3});
  CHECK(allocator.values_ == std::vector<int64_t>{0, 1, 1, 1, 0, 2});
  CHECK(RunReference(ProblemKind::kNonZero, &p, {x.data()}, {nullptr}, &refusing).code ==
        StepCode::kOutOfMemory);
}

}  // namespace
}  // namespace doppio::tests
