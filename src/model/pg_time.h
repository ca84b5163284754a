// Moments as PostgreSQL counts them: microseconds since 2000. Values; any thread.
#pragma once

#include <chrono>
#include <cstdint>

namespace walrock {

inline constexpr std::chrono::seconds kPgEpoch(946'684'800); // 2000-01-01 in Unix time

[[nodiscard]] inline std::int64_t pg_time_of(std::chrono::system_clock::time_point at) {
  return std::chrono::duration_cast<std::chrono::microseconds>(at.time_since_epoch() - kPgEpoch)
      .count();
}

[[nodiscard]] inline std::int64_t pg_now() {
  return pg_time_of(std::chrono::system_clock::now());
}

} // namespace walrock
