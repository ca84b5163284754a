// Numbers as people read them. Pure.
#pragma once

#include <cstdint>
#include <string>

namespace walrock {

// 1234567 -> "1,234,567"
[[nodiscard]] std::string count_text(std::uint64_t count);
// 0 -> "0 B", 12345678 -> "11.8 MB"; powers of 1024 as PostgreSQL counts them.
[[nodiscard]] std::string bytes_text(std::uint64_t bytes);
// 0.04 -> "0.0 s", 75 -> "1m15s", 7321 -> "2h02m"
[[nodiscard]] std::string seconds_text(double seconds);
// 1234.5 -> "1,235/s"; nothing below 0.5.
[[nodiscard]] std::string rate_text(double per_second);

} // namespace walrock
