// The values of the columns that walrock fills itself. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/lsn.h"
#include "model/made_column.h"
#include "model/relation.h"
#include "model/value.h"

namespace walrock {

enum class ChangeKind : std::uint8_t { read, insert, update, delete_, truncate };

// read: it came with the copy of its table.
[[nodiscard]] std::string_view to_string(ChangeKind kind);

// Where a row came from. Of a delete from a table whose key is the hash of its rows: where the row
// came from that goes.
struct RowOrigin {
  Lsn commit_lsn;
  std::uint64_t index = 0;
  std::int64_t commit_time = 0; // microseconds since 2000; 0: not known
  std::uint32_t xid = 0;        // 0: of no transaction
  ChangeKind kind = ChangeKind::read;
  // Not 0: commit_lsn and index are not known, but that it is the rank-th of the rows in the target
  // with this hash: model/ranked_rows.h.
  std::uint64_t rank = 0;
};

// As it is loaded; nothing: NULL. The row has the layout of the relation.
[[nodiscard]] std::optional<std::string> made_value(MadeColumn column, Row row, RowOrigin origin,
                                                    Relation const& relation);

// A whole number of 127 bits.
struct RowHash {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  bool operator==(RowHash const&) const = default;
};
[[nodiscard]] std::string to_string(RowHash hash); // in decimal digits

// Rows have the same one exactly when their columns have the same values, written alike (but for a
// collision of SHA-256). A column that is NULL is as good as none: columns that are added without a
// default do not change it.
[[nodiscard]] RowHash hash_of_row(Row row, Relation const& relation);

} // namespace walrock
