// What walrock ends with, and how a failure is told.
#pragma once

#include <string>

#include "base/error.h"

namespace walrock {

// Other programs rely on these numbers.
enum ExitCode : int {
  kDone = 0,
  kFailed = 1,
  kUsage = 2,          // command line or job file
  kFound = 3,          // check found what would go wrong
  kRefused = 4,        // slot, second instance, foreign checkpoint
  kSecondSignal = 130, // stopped at once
};

[[nodiscard]] ExitCode exit_code_of(ErrorCode code);

// "error: what\n  advice: what to do\n"
[[nodiscard]] std::string error_text(ErrorReport const& error);
void print_error(ErrorReport const& error);

} // namespace walrock
