#pragma once
#include <string>
#include <doppio/status.h>
#include "base/step_status.h"
namespace doppio::operators { Status StepError(std::string_view label, const base::StepStatus& status); }
