// Columns of a target that walrock fills itself: where a row came from, what happened to it, and
// what tells rows apart that have no key. Values; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace walrock {

enum class MadeColumn : std::uint8_t {
  none,         // filled from the source
  lsn,          // commit_lsn of the transaction
  index,        // of the change in its transaction
  commit_time,  // of the transaction, UTC; of a copied row the time of its copy
  xid,          // of the transaction; NULL of a copied row
  operation,    // of the change, see ChangeKind
  source_table, // schema.table; of a partition's row that of the root
  is_deleted,   // the row is not in the source any more
  deleted_at,   // commit_time of the transaction that deleted it, UTC
  row_hash,     // of all values of the row
};

struct MadeColumnType {
  MadeColumn column;
  std::string_view name;
  std::string_view type; // as in TargetColumn
  std::string_view comment;
};

// (commit_lsn, not end_lsn: a row is encoded before the end of its commit record is known; both
// order the same.)
inline constexpr char kLsnColumn[] = "_walrock_lsn";
inline constexpr char kIndexColumn[] = "_walrock_index";
inline constexpr char kHashColumn[] = "_walrock_hash";

inline constexpr std::array kMadeColumns{
    MadeColumnType{MadeColumn::lsn, kLsnColumn, "BIGINT", "commit LSN of the source transaction"},
    MadeColumnType{MadeColumn::index, kIndexColumn, "BIGINT", "position in the transaction"},
    MadeColumnType{MadeColumn::commit_time, "_walrock_commit_time", "DATETIME",
                   "commit time of the source transaction, UTC"},
    MadeColumnType{MadeColumn::xid, "_walrock_xid", "BIGINT", "id of the source transaction"},
    MadeColumnType{MadeColumn::operation, "_walrock_operation", "VARCHAR(16)",
                   "read, insert, update, delete or truncate"},
    MadeColumnType{MadeColumn::source_table, "_walrock_source_table", "VARCHAR(512)",
                   "schema and table of the source"},
    MadeColumnType{MadeColumn::is_deleted, "_walrock_deleted", "BOOLEAN",
                   "the row is not in the source any more"},
    MadeColumnType{MadeColumn::deleted_at, "_walrock_deleted_at", "DATETIME",
                   "commit time of the transaction that deleted the row, UTC"},
    MadeColumnType{MadeColumn::row_hash, kHashColumn, "LARGEINT", "hash of the row's values"},
};

// Of one that is not none.
[[nodiscard]] constexpr MadeColumnType const& made_column_type(MadeColumn made) {
  return kMadeColumns.at(static_cast<std::size_t>(made) - 1);
}
static_assert(made_column_type(MadeColumn::lsn).column == MadeColumn::lsn &&
              made_column_type(MadeColumn::operation).column == MadeColumn::operation &&
              made_column_type(MadeColumn::row_hash).column == MadeColumn::row_hash);

// none: no column of walrock's has this name.
[[nodiscard]] constexpr MadeColumn made_column_named(std::string_view name) {
  for (MadeColumnType const& made : kMadeColumns)
    if (made.name == name)
      return made.column;
  return MadeColumn::none;
}

} // namespace walrock
