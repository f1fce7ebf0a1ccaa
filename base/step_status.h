// StepStatus: what a running step may report without allocating. The API layer makes the sentence.
#pragma once

#include <cstdint>

namespace doppio::base {

enum class StepCode : uint8_t {
  kOk = 0,
  kIndexOutOfRange,  // `value` at flat position `position` lies outside [-limit, limit) or [0,
                     // limit)
  kDivisionByZero,   // integer division, at output position `position`
  kInvalidValue,     // a value that the operator cannot take, at `position`
  kOutOfMemory,      // a data-dependent output did not fit the memory limit
  kEngineFailure,    // an engine with handles (oneDNN, cuDNN) reported an error code in `value`
};

struct StepStatus {
  StepCode code = StepCode::kOk;
  int64_t position = 0;
  int64_t value = 0;
  int64_t limit = 0;

  bool ok() const { return code == StepCode::kOk; }
};

}  // namespace doppio::base
