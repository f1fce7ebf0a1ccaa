// Memory that cannot be had: always a Status, never a crash; and a second run that needs none.
#include <atomic>
#include <cstdlib>
#include <new>

#include "base/memory.h"
#include "tests/runtime/net.h"

namespace {
std::atomic<int64_t> news{0};
}  // namespace

// Counts what the whole executable asks for; what comes through base/memory.h is counted there.
void* operator new(size_t bytes) {
  news.fetch_add(1, std::memory_order_relaxed);
  void* memory = std::malloc(bytes != 0 ? bytes : 1);
  if (memory == nullptr) std::abort();
  return memory;
}
void* operator new(size_t bytes, const std::nothrow_t&) noexcept { return operator new(bytes); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace doppio {
namespace {

using graph::Value;
using tests::LoadedNet;
using tests::Net;

// Convolution, normalisation, shape arithmetic, in-place names and a data-dependent end.
void Build(Net* net, bool data_dependent) {
  Value* x = net->Input("x", {"N", "3", "6", "6"});
  Value* conv = net->Op("Conv", {x, net->Noise("w", {4, 3, 3, 3})}, "conv");
  Value* norm = net->Op("BatchNormalization",
                        {conv, net->Noise("s", {4}, 3), net->Noise("t", {4}, 4),
                         net->Noise("m", {4}, 5), net->Floats("v", {4}, {0.5f, 1, 2, 3})},
                        "norm");
  Value* relu = net->Op("Relu", {norm}, "norm");
  Value* shape = net->Op("Shape", {relu}, "shape");
  Value* n = net->Op("Gather", {shape, net->Ints("zero", {0})}, "n");
  Value* target = net->Op("Concat", {n, net->Ints("rest", {-1})}, "to", {{"axis", int64_t{0}}});
  Value* flat = net->Op("Reshape", {relu, target}, "flat");
  net->Output(net->Op("MatMul", {flat, net->Noise("p", {64, 5})}, "y"));
  if (data_dependent) net->Output(net->Op("NonZero", {flat}, "where"));
}

// Writes, loads and runs; any Status is fine.
Status Whole(const tests::PairText& pair, const std::vector<float>& x) {
  const auto predictor = tests::TryLoad(pair);
  if (!predictor.ok()) return predictor.status();
  Session session(*predictor, {.threads = 1});
  const NamedTensor inputs[] = {{"x", View(x.data(), {2, 3, 6, 6})}};
  const Status first = session.Run(std::span(inputs));
  const Status second = session.Run(std::span(inputs));
  return first.ok() ? second : first;
}

TEST_CASE("allocation: any one, and all after it, may fail") {
  for (const bool data_dependent : {false, true}) {
    Net net;
    Build(&net, data_dependent);
    const auto pair = tests::WriteText(net.graph);
    const std::vector<float> x = Net::MakeNoise(2 * 3 * 36, 6);
    base::FailAllocationForTest(0);
    const Status whole = Whole(*pair, x);
    const int64_t count = base::FailAllocationForTest(0);
    tests::RequireOk(whole);
    REQUIRE(count > 100);
    int64_t failed = 0, other = 0;
    for (int64_t k = 1; k <= count; ++k) {
      base::FailAllocationForTest(k);
      const Status status = Whole(*pair, x);
      base::FailAllocationForTest(0);
      failed += status.ok() ? 0 : 1;
      other += !status.ok() && status.code() != StatusCode::kOutOfMemory ? 1 : 0;
    }
    CHECK(failed == count);
    CHECK(other == 0);
  }
}

TEST_CASE("allocation: a session that ran out of memory runs again when there is some") {
  Net net;
  Build(&net, true);
  const LoadedNet loaded = tests::LoadNet(net.graph);
  const std::vector<float> x = Net::MakeNoise(2 * 3 * 36, 6);
  const NamedTensor inputs[] = {{"x", View(x.data(), {2, 3, 6, 6})}};
  const auto expected = tests::RunOnce(loaded.predictor, {inputs[0]});
  for (int64_t k = 1; k < 400; k += 3) {
    const LoadedNet fresh = tests::LoadNet(net.graph);
    Session session(fresh.predictor, {.threads = 1});
    base::FailAllocationForTest(k);
    (void)session.Run(std::span(inputs)).ok();
    base::FailAllocationForTest(0);
    INFO("allocation " << k);
    tests::RequireOk(session.Run(std::span(inputs)));
    REQUIRE(tests::OutcomesOf(session) == expected);
  }
}

TEST_CASE("allocation: a run after the first allocates nothing") {
  for (const bool data_dependent : {false, true}) {
    for (const int threads : {1, 2}) {
      Net net;
      Build(&net, data_dependent);
      const LoadedNet loaded = tests::LoadNet(net.graph);
      const std::vector<float> x = Net::MakeNoise(2 * 3 * 36, 6);
      const NamedTensor inputs[] = {{"x", View(x.data(), {2, 3, 6, 6})}};
      Session session(loaded.predictor, {.threads = threads});
      tests::RequireOk(session.Run(std::span(inputs)));
      base::FailAllocationForTest(0);
      const int64_t before = news.load();
      const Status status = session.Run(std::span(inputs));
      const int64_t after = news.load();
      const int64_t counted = base::FailAllocationForTest(0);
      tests::RequireOk(status);
      INFO("data dependent " << data_dependent << ", threads " << threads);
      CHECK(after == before);
      if (!data_dependent) CHECK(counted == 0);
    }
  }
}

}  // namespace
}  // namespace doppio
