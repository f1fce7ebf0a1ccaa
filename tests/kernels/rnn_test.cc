// Every recurrent row against the reference: cells, directions, lengths, absent operands, odd
// sizes.
#include "kernels/problems/rnn.h"

#include "tests/catch.h"
#include "tests/kernels/case_line.h"
#include "tests/kernels/check_case.h"
#include "tests/kernels/map_operands.h"
#include "tests/kernels/random.h"

namespace doppio::tests {
namespace {

using kernels::ProblemKind;
using kernels::RnnCell;
using kernels::UnaryOp;

TEST_CASE("rnn: every row equals the reference, with any of its operands absent") {
  for (uint64_t seed = 1; seed <= 90; ++seed) {
    Random random(seed);
    kernels::RnnProblem p;
    constexpr RnnCell kCells[] = {RnnCell::kRnn, RnnCell::kLstm, RnnCell::kGru};
    p.cell = kCells[seed % 3];
    constexpr int64_t kHidden[] = {1, 3, 7, 8, 9, 16, 17, 31, 40, 67};
    p.h = random.Pick(kHidden);
    p.t = random.Int(1, 6);
    p.n = random.Int(1, 3);
    p.reverse = random.Chance(2);
    p.linear_before_reset = p.cell == RnnCell::kGru && random.Chance(2);
    p.input_forget = p.cell == RnnCell::kLstm && random.Chance(4);
    if (p.cell != RnnCell::kRnn) p.f.op = UnaryOp::kSigmoid;
    if (p.cell == RnnCell::kRnn && random.Chance(2)) p.f.op = UnaryOp::kRelu;
    if (random.Chance(6)) p.clip = 0.4f;
    const int64_t width = kernels::RnnGates(p.cell) * p.h;
    p.gates_n = width + random.Int(0, 3);
    p.gates_t = p.n * p.gates_n + random.Int(0, 3);
    p.y_n = p.h + random.Int(0, 3);
    p.y_t = p.n * p.y_n + random.Int(0, 3);
    p.h0_n = p.c0_n = p.yh_n = p.yc_n = p.h + random.Int(0, 3);
    KernelCase test;
    test.line = "rnn cell" + std::to_string(static_cast<int>(p.cell)) + " t" + std::to_string(p.t) +
                " n" + std::to_string(p.n) + " h" + std::to_string(p.h);
    test.seed = seed;
    test.kind = ProblemKind::kRnn;
    test.problem = &p;
    // Weights of a size that keeps the state from growing: errors of steps do not add up then.
    std::vector<float> r = RandomFloats(width * p.h, Data::kReals, &random);
    for (float& value : r) value /= static_cast<float>(p.h);
    const bool lstm = p.cell == RnnCell::kLstm;
    test.in = {Operand(RandomFloats(p.t * p.gates_t, Data::kReals, &random)),
               Operand(r),
               Operand(RandomFloats(p.h, Data::kReals, &random)),
               Operand(RandomFloats(p.n * p.h0_n, Data::kReals, &random)),
               Operand(RandomFloats(p.n * p.c0_n, Data::kReals, &random)),
               Operand(RandomFloats(3 * p.h, Data::kReals, &random))};
    std::vector<int32_t> lengths;
    for (int64_t n = 0; n < p.n; ++n) {
      lengths.push_back(static_cast<int32_t>(random.Int(0, p.t)));
    }
    test.in.push_back(Operand(lengths));
    test.in[2].present = p.linear_before_reset && !random.Chance(3);
    test.in[3].present = !random.Chance(3);
    test.in[4].present = lstm && !random.Chance(3);
    test.in[5].present = lstm && random.Chance(2);
    test.in[6].present = random.Chance(2);
    const auto bytes = [](int64_t count) { return static_cast<size_t>(count) * sizeof(float); };
    test.out_bytes = {bytes(p.t * p.y_t), random.Chance(4) ? 0 : bytes(p.n * p.yh_n),
                      lstm && !random.Chance(4) ? bytes(p.n * p.yc_n) : 0};
    test.all_floats = true;
    // Six steps of functions within a few roundings, of sums of terms that total 1 + 1 at most.
    test.tolerance = [](const kernels::Kernel&, int64_t, double) { return 256 * kFloatRounding; };
    CheckCase(test);
  }
}

}  // namespace
}  // namespace doppio::tests
