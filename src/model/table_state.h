// How far a table is. The names follow pg_subscription_rel.srsubstate where they mean the same.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace walrock {

enum class TableState : std::uint8_t {
  init,        // 'i' nothing copied yet
  copying,     // 'd' the snapshot is being read
  copied,      // 'f' the copy is complete and committed
  catching_up, // changes that waited for the copy are being applied
  ready,       // 'r' follows the stream
  errored,     // set aside with a reason; holds nothing back, needs a resync
};

[[nodiscard]] std::string_view to_string(TableState state);
[[nodiscard]] std::optional<TableState> parse_table_state(std::string_view word);

} // namespace walrock
