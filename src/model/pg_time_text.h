// Moments of PostgreSQL as StarRocks reads them. Pure.
#pragma once

#include <cstdint>
#include <string>

namespace walrock {

// 2026-01-31 12:00:00.000001, in UTC.
[[nodiscard]] std::string pg_time_text(std::int64_t microseconds_since_2000);

} // namespace walrock
