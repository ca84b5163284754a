// The version of a StarRocks server, as `SELECT current_version()` says it. A value; any thread.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace walrock {

struct ServerVersion {
  int major_number = 0;
  int minor_number = 0;
  int patch_number = 0;
  auto operator<=>(ServerVersion const&) const = default;
};

// "3.5.4-79ee91d", "3.3.0-rc01", "4.0" -> numbers; nothing when it does not begin with x.y.
[[nodiscard]] std::optional<ServerVersion> parse_server_version(std::string_view text);
// Transactions of several tables exist from 4.0, and can be rolled back from 4.0.5.
inline constexpr ServerVersion kFirstWithGroups{4, 0, 5};
// "3.5.4"
[[nodiscard]] std::string to_string(ServerVersion version);

} // namespace walrock
