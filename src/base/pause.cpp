#include "base/pause.h"

#include <condition_variable>
#include <mutex>

namespace walrock {

bool pause_for(Milliseconds duration, std::stop_token const& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, duration, [] { return false; });
  return !stop.stop_requested();
}

} // namespace walrock
