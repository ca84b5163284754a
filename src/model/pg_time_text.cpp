#include "model/pg_time_text.h"

#include <chrono>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "model/pg_time.h"

namespace walrock {

std::string pg_time_text(std::int64_t microseconds_since_2000) {
  using std::chrono::microseconds;
  microseconds const at = kPgEpoch + microseconds(microseconds_since_2000);
  auto const second = std::chrono::floor<std::chrono::seconds>(at);
  return fmt::format("{:%Y-%m-%d %H:%M:%S}.{:06}", std::chrono::sys_seconds(second),
                     (at - second).count());
}

} // namespace walrock
