// Moments for people and records: milliseconds since 1970. Any thread.
#pragma once

#include <cstdint>
#include <string>

namespace walrock {

[[nodiscard]] std::int64_t unix_ms_now();
// 2026-01-31T12:00:00Z
[[nodiscard]] std::string utc_text(std::int64_t unix_ms);

} // namespace walrock
