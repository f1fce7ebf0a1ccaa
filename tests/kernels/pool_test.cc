// Every pooling row against the reference: the cases of tests/cases/pool.txt and generated ones.
#include "tests/catch.h"
#include "tests/kernels/check_case.h"
#include "tests/kernels/map_operands.h"
#include "tests/kernels/pool_case.h"
#include "tests/kernels/random.h"

namespace doppio::tests {
namespace {

using kernels::PoolOp;
using kernels::PoolProblem;

void CheckPool(const PoolCase& pool, uint64_t seed) {
  const PoolProblem& p = pool.problem;
  Random random(seed);
  const auto x = RandomMap({p.n, p.c, p.id, p.ih, p.iw}, p.x, Data::kReals, &random);
  const auto y_count = static_cast<size_t>(MapExtent({p.n, p.c, p.od, p.oh, p.ow}, p.y));
  const auto index_count = static_cast<size_t>(p.n * p.c * p.od * p.oh * p.ow);
  KernelCase test;
  test.line = PoolCaseLine(pool);
  test.seed = seed;
  test.kind = kernels::ProblemKind::kPool;
  test.problem = &p;
  test.in = {Operand(x)};
  test.out_bytes = {y_count * sizeof(float), p.indices ? index_count * sizeof(int64_t) : 0};
  // Inputs are within 1, so that a mean of K of them is within u (K + 1) of the exact one.
  const auto taps = static_cast<double>(p.kd * p.kh * p.kw);
  test.tolerance = [&p, taps](const kernels::Kernel&, int64_t, double expected) {
    if (p.op == PoolOp::kMax) return 0.0;
    if (p.op == PoolOp::kAverage) return kFloatRounding * (taps + 1);
    return kFloatRounding * (taps + 1) * (1 + expected) + FunctionTolerance(expected);
  };
  CheckCase(test);
}

PoolCase RandomPool(uint64_t seed) {
  Random random(seed);
  for (;;) {
    PoolCase pool;
    PoolProblem& p = pool.problem;
    constexpr PoolOp kOps[] = {PoolOp::kMax, PoolOp::kMax, PoolOp::kAverage, PoolOp::kAverage,
                               PoolOp::kLp};
    p.op = random.Pick(kOps);
    p.n = random.Int(1, 2);
    p.c = random.Int(1, 37);
    int64_t *const sizes[] = {&p.iw, &p.ih, &p.id}, *const k[] = {&p.kw, &p.kh, &p.kd};
    int64_t *const s[] = {&p.sw, &p.sh, &p.sd}, *const d[] = {&p.dw, &p.dh, &p.dd};
    int64_t *const pad[] = {&p.pw, &p.ph, &p.pd}, *const end[] = {&p.pw_end, &p.ph_end, &p.pd_end};
    const int rank = random.Chance(4) ? (random.Chance(2) ? 1 : 3) : 2;
    for (int i = 0; i < rank; ++i) {
      *sizes[i] = random.Int(1, rank == 3 ? 6 : 17);
      *k[i] = random.Int(1, 4);
      *s[i] = random.Int(1, 3);
      *d[i] = random.Chance(4) ? 2 : 1;
      *pad[i] = random.Int(0, *k[i] - 1);
      *end[i] = random.Int(0, *k[i] - 1);
    }
    pool.ceil = random.Chance(2);
    p.indices = p.op == PoolOp::kMax && random.Chance(3);
    p.indices_column_major = p.indices && random.Chance(3);
    p.count_include_pad = random.Chance(2);
    pool.x_layout = random.Chance(3) ? MapLayout::kChannelsFirst : MapLayout::kChannelsLast;
    pool.y_layout = random.Chance(3) ? MapLayout::kChannelsFirst : MapLayout::kChannelsLast;
    if (random.Chance(3)) pool.ldx = 41;
    if (random.Chance(3)) pool.ldy = 43;
    if (CompletePoolCase(&pool)) return pool;
  }
}

TEST_CASE("pool: every row equals the reference on the cases of the file, in every layout") {
  const auto lines = ReadCases(DOPPIO_TEST_CASES_FOLDER "/pool.txt");
  REQUIRE(!lines.empty());
  for (const std::string& line : lines) {
    PoolCase pool;
    std::string error;
    REQUIRE(ParsePoolCase(line, &pool, &error));
    for (const MapLayout layout : {MapLayout::kChannelsLast, MapLayout::kChannelsFirst}) {
      pool.x_layout = pool.y_layout = layout;
      REQUIRE(CompletePoolCase(&pool));
      CheckPool(pool, 1);
    }
  }
}

TEST_CASE("pool: every row equals the reference on generated problems") {
  for (uint64_t seed = 1; seed <= 150; ++seed) CheckPool(RandomPool(seed), seed);
}

}  // namespace
}  // namespace doppio::tests
