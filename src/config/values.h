// The texts of a job file as values: durations, sizes, addresses. Nothing when the text is none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "config/job_spec.h"

namespace walrock {

// true false yes no on off, in any case.
[[nodiscard]] std::optional<bool> parse_boolean(std::string_view text);
// Decimal digits with an optional minus.
[[nodiscard]] std::optional<std::int64_t> parse_integer(std::string_view text);
// 500ms 10s 5m 1h 1d, also "10 s", "10 sec", "5min"; 0 needs no unit.
[[nodiscard]] std::optional<Milliseconds> parse_duration(std::string_view text);
// 512k 64MB 1GiB in bytes: k, m, g and t are powers of 1024 with or without B or iB; "/s" may
// follow. 0 needs no unit.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);
// host, host:port, [ipv6]:port, or the folder of a Unix socket; the port given when there is none.
[[nodiscard]] std::optional<HostPort> parse_address(std::string_view text, int default_port);

[[nodiscard]] std::string_view trimmed(std::string_view text);
[[nodiscard]] std::string lower_case(std::string_view text);
// Splits at any of the separators, but not inside (), [], {} or double quotes; parts are trimmed,
// empty ones left out.
[[nodiscard]] std::vector<std::string> split_list(std::string_view text,
                                                  std::string_view separators);

// The shortest exact spelling: 1000ms is "1s", 268435456 is "256MB".
[[nodiscard]] std::string duration_text(Milliseconds duration);
[[nodiscard]] std::string size_text(std::uint64_t bytes);

} // namespace walrock
