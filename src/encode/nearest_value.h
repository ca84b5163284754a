// For values that a column cannot hold, the nearest that it does, as PostgreSQL would print it, so
// that it is encoded like any other. Pure; off the hot path.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace walrock {

enum class MomentKind { date, timestamp, timestamptz };

// Of infinity, a year BC or one after 9999: the last or the first moment of the years 1 to 9999.
[[nodiscard]] std::string nearest_moment(std::string_view text, MomentKind kind);

// Rounded half away from zero, as PostgreSQL does; the greatest or least number for one that is
// too large. Nothing for NaN.
[[nodiscard]] std::optional<std::string> nearest_decimal(std::string_view text, int precision,
                                                         int scale);

} // namespace walrock
