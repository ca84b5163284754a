#include "base/unix_time.h"

#include <chrono>

#include <fmt/chrono.h>

namespace walrock {

std::int64_t unix_ms_now() {
  auto const now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

std::string utc_text(std::int64_t unix_ms) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                     std::chrono::sys_seconds(std::chrono::seconds(unix_ms / 1000)));
}

} // namespace walrock
