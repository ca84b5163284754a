// A position in the write-ahead log. Zero is "no position", as in PostgreSQL. A value; any thread.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace walrock {

struct Lsn {
  std::uint64_t value = 0;
  auto operator<=>(Lsn const&) const = default;
  [[nodiscard]] bool is_set() const { return value != 0; }
};

// "16/B374D848", as PostgreSQL prints pg_lsn.
[[nodiscard]] std::string to_string(Lsn lsn);
// Nothing when the text is not a pg_lsn.
[[nodiscard]] std::optional<Lsn> parse_lsn(std::string_view text);

} // namespace walrock
