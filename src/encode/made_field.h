// The values of the columns that walrock fills itself. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/lsn.h"
#include "model/made_column.h"
#include "model/value.h"

namespace walrock {

enum class ChangeKind : std::uint8_t { read, insert, update, delete_, truncate };

// read: it came with the copy of its table.
[[nodiscard]] std::string_view to_string(ChangeKind kind);

// Where a row came from.
struct RowOrigin {
  Lsn commit_lsn;
  std::uint64_t index = 0;
  std::int64_t commit_time = 0; // microseconds since 2000; 0: not known
  std::uint32_t xid = 0;        // 0: of no transaction
  ChangeKind kind = ChangeKind::read;
};

// As it is loaded; nothing: NULL. source_table: what MadeColumn::source_table says.
[[nodiscard]] std::optional<std::string> made_value(MadeColumn column, Row row, RowOrigin origin,
                                                    std::string_view source_table);

// A whole number of 128 bits that is never negative: rows have the same one exactly when all their
// values are written alike (but for a collision of SHA-256).
[[nodiscard]] std::string hash_of_row(Row row);

} // namespace walrock
