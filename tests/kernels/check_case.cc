#include "tests/kernels/check_case.h"

#include <hwy/highway.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <optional>

#include "kernels/cpu/rows.h"
#include "tests/catch.h"
#include "tests/kernels/guarded_memory.h"
#include "tests/kernels/run_kernel.h"

namespace doppio::tests {
namespace {

using kernels::Kernel;

using Outputs = std::vector<std::vector<unsigned char>>;
using Memories = std::vector<std::unique_ptr<GuardedMemory>>;

// Elements need their own alignment only; 16 bytes are two 8-byte words.
constexpr size_t kElementAlignment = 8;

size_t AlignmentOf(size_t bytes) {
  size_t alignment = kElementAlignment;
  while (bytes % alignment != 0) alignment /= 2;
  return alignment;
}

Memories PlaceInputs(const KernelCase& test, Guard guard) {
  Memories inputs;
  for (const OperandBytes& operand : test.in) {
    inputs.push_back(nullptr);
    if (!operand.present) continue;
    const size_t bytes = operand.bytes.size();
    inputs.back() = std::make_unique<GuardedMemory>(bytes, AlignmentOf(bytes), guard);
    if (bytes > 0) std::memcpy(inputs.back()->data(), operand.bytes.data(), bytes);
  }
  return inputs;
}

// Runs the row in memory between guards. Nothing when the row refused the problem or failed the
// test.
std::optional<Outputs> RunGuarded(const KernelCase& test, const Kernel& row, Cut cut, Guard guard,
                                  int in_place) {
  const Memories inputs = PlaceInputs(test, guard);
  std::vector<const void*> in;
  for (const auto& input : inputs) in.push_back(input == nullptr ? nullptr : input->data());
  Memories memories;
  std::vector<void*> out;
  for (size_t i = 0; i < test.out_bytes.size(); ++i) {
    const size_t bytes = test.out_bytes[i];
    memories.push_back(std::make_unique<GuardedMemory>(bytes, AlignmentOf(bytes), guard));
    out.push_back(bytes == 0 && i > 0 ? nullptr : memories.back()->data());
  }
  if (in_place >= 0) out[0] = inputs[static_cast<size_t>(in_place)]->data();
  const RunResult result = RunKernel(row, test.problem, in, out, cut);
  if (result.outcome == RunOutcome::kRefused) return std::nullopt;
  CHECK(result.outcome == RunOutcome::kDone);
  CHECK(result.status.ok());
  for (const auto& input : inputs) CHECK((input == nullptr || input->Intact()));
  Outputs outputs;
  for (size_t i = 0; i < memories.size(); ++i) {
    CHECK(memories[i]->Intact());
    const auto* data = static_cast<const unsigned char*>(out[i]);
    if (data == nullptr) data = memories[i]->data();
    outputs.emplace_back(data, data + test.out_bytes[i]);
  }
  return outputs;
}

template <class T>
void CompareValues(const KernelCase& test, const Kernel& row, const std::vector<unsigned char>& y,
                   const std::vector<unsigned char>& expected) {
  int64_t wrong = 0;
  for (size_t i = 0; i < y.size() / sizeof(T); ++i) {
    T got, want;
    std::memcpy(&got, y.data() + i * sizeof(T), sizeof(T));
    std::memcpy(&want, expected.data() + i * sizeof(T), sizeof(T));
    if (std::memcmp(&got, &want, sizeof(T)) == 0 || got == want) continue;
    const bool gap = std::isnan(want);  // an element that is not part of the output, or a NaN
    const double bound = gap ? 0 : test.tolerance(row, static_cast<int64_t>(i), want);
    if (!gap && std::fabs(static_cast<double>(got) - want) <= bound) continue;
    if (wrong++ == 0) {
      FAIL_CHECK("element " << i << " is " << got << ", expected " << want << " within " << bound);
    }
  }
  if (wrong > 1) FAIL_CHECK(wrong << " elements differ");
}

void CompareWithReference(const KernelCase& test, const Kernel& row, const Outputs& y,
                          const Outputs& expected) {
  for (size_t i = 0; i < y.size(); ++i) {
    if (test.tolerance && (i == 0 ? test.out_type == ElementType::kFloat : test.all_floats)) {
      CompareValues<float>(test, row, y[i], expected[i]);
    } else if (i == 0 && test.tolerance && test.out_type == ElementType::kDouble) {
      CompareValues<double>(test, row, y[i], expected[i]);
    } else {
      CHECK(y[i] == expected[i]);
    }
  }
}

void CheckRow(const KernelCase& test, const Kernel& row, const Outputs& expected) {
  INFO("row: " << row.name);
  const auto whole = RunGuarded(test, row, Cut::kWhole, Guard::kBehind, -1);
  if (!whole) return;
  if (row.engine != kernels::Engine::kReference) CompareWithReference(test, row, *whole, expected);
  const auto pieces = RunGuarded(test, row, Cut::kPieces, Guard::kBefore, -1);
  CHECK(pieces == whole);
  const auto reversed = RunGuarded(test, row, Cut::kReversed, Guard::kBehind, test.in_place);
  CHECK(reversed == whole);
}

}  // namespace

void CheckCase(const KernelCase& test) {
  INFO("case: " << test.line << "  seed: " << test.seed);
  const Kernel* reference = FindReference(test.kind, test.problem);
  REQUIRE(reference != nullptr);
  const auto expected = RunGuarded(test, *reference, Cut::kWhole, Guard::kBehind, -1);
  REQUIRE(expected);
  CheckRow(test, *reference, *expected);
  bool first_target = true;  // other engines know no targets: they are run once
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    const kernels::KernelTable table;
    INFO("target: " << kernels::cpu::ChosenTargetName());
    for (const Kernel* row : table.rows()) {
      if (row->kind != test.kind || row == reference || !row->supports(test.problem)) continue;
      if (row->engine == kernels::Engine::kSimd || first_target) CheckRow(test, *row, *expected);
    }
    first_target = false;
  }
  hwy::SetSupportedTargetsForTest(0);
}

}  // namespace doppio::tests
