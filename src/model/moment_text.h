// Dates and timestamps as PostgreSQL prints them with DateStyle ISO. Pure.
#pragma once

#include <string_view>

namespace walrock {

// Is this a date or timestamp that StarRocks reads as the same moment: a year of four digits, not
// infinity, not BC (which StarRocks would silently ignore)?
[[nodiscard]] inline bool is_known_moment(std::string_view text) {
  return text.size() >= 10 && text[4] == '-' && text.back() != 'C';
}

// Of a known moment: 2026-01-31 12:00:00.5+05:30 -> 2026-01-31 12:00:00.5; without a zone as it is.
[[nodiscard]] inline std::string_view without_zone(std::string_view moment) {
  constexpr std::size_t kDateEnd = 10; // behind it only a zone has a sign
  std::size_t const sign = moment.find_last_of("+-");
  return sign == std::string_view::npos || sign < kDateEnd ? moment : moment.substr(0, sign);
}

} // namespace walrock
