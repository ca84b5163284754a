// Which transactions changed the columns of tables last, in few bytes: asked every few seconds,
// where a whole description would cost too much. Same thread as the connection.
#pragma once

#include <map>
#include <span>
#include <string>

#include "model/lsn.h"
#include "model/source_table.h"
#include "postgres/connection.h"

namespace walrock {

struct ColumnMarks {
  std::map<RelationId, std::string> marks; // without tables that are gone
  Lsn lsn; // every transaction that the look saw committed has ended at or below it
};

// Two descriptions of one table have the same mark when no column was added, dropped or changed
// between them, and the table was not rewritten.
[[nodiscard]] ColumnMarks read_column_marks(Connection& connection,
                                            std::span<RelationId const> tables);
[[nodiscard]] std::string column_mark(SourceTable const& table);

} // namespace walrock
