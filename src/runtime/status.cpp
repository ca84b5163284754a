#include "runtime/status.h"

namespace walrock {

std::string_view to_string(EngineState state) {
  switch (state) {
  case EngineState::starting: return "starting";
  case EngineState::copying: return "copying";
  case EngineState::running: return "running";
  case EngineState::waiting: return "waiting";
  case EngineState::stopping: return "stopping";
  case EngineState::stopped: return "stopped";
  case EngineState::failed: return "failed";
  }
  return "";
}

} // namespace walrock
