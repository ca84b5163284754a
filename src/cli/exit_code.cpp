#include "cli/exit_code.h"

#include <cstdio>

namespace walrock {

ExitCode exit_code_of(ErrorCode code) {
  switch (code) {
  case ErrorCode::usage:
  case ErrorCode::job_file_invalid:
  case ErrorCode::secret_missing: return kUsage;
  case ErrorCode::slot_unknown:
  case ErrorCode::slot_missing:
  case ErrorCode::slot_in_use:
  case ErrorCode::slot_invalidated:
  case ErrorCode::slot_moved:
  case ErrorCode::source_replaced:
  case ErrorCode::source_rewound:
  case ErrorCode::timeline_diverged:
  case ErrorCode::spool_lost:
  case ErrorCode::instance_running:
  case ErrorCode::checkpoint_mismatch: return kRefused;
  case ErrorCode::stopped: return kSecondSignal;
  default: return kFailed; // every other failure is one, whichever it is
  }
}

std::string error_text(ErrorReport const& error) {
  std::string text = "error: " + error.message + "\n";
  if (!error.advice.empty())
    text += "  advice: " + error.advice + "\n";
  return text;
}

void print_error(ErrorReport const& error) {
  std::fflush(stdout);
  std::fputs(error_text(error).c_str(), stderr);
}

} // namespace walrock
