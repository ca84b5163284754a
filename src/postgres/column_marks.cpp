#include "postgres/column_marks.h"

#include <vector>

#include "base/error.h"
#include "postgres/sql_text.h"

namespace walrock {

namespace {

// The position is asked last, so that it is behind what was seen.
constexpr char kMarks[] = R"(
SELECT c.oid::text, c.relfilenode::text || coalesce(a.columns, '')
FROM pg_class c
LEFT JOIN LATERAL (
  SELECT string_agg(' ' || a.attnum || ':' || a.xmin::text, '' ORDER BY a.attnum) AS columns
  FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) a ON true
WHERE c.oid = ANY ($1::oid[]))";
constexpr char kPosition[] = R"(
SELECT (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
             ELSE pg_current_wal_insert_lsn() END)::text)";

} // namespace

ColumnMarks read_column_marks(Connection& connection, std::span<RelationId const> tables) {
  ColumnMarks out;
  std::vector<std::string> oids;
  oids.reserve(tables.size());
  for (RelationId const id : tables)
    oids.push_back(std::to_string(id.oid));
  auto const marks = connection.query(kMarks, {array_literal(oids)});
  for (std::size_t row = 0; row < marks.rows.size(); ++row)
    out.marks[{static_cast<Oid>(marks.number(row, 0))}] = marks.text(row, 1);
  auto const position = connection.query(kPosition);
  auto const lsn = parse_lsn(position.text(0, 0));
  if (!lsn)
    throw ProtocolViolation("not a position in the WAL: " + position.text(0, 0));
  out.lsn = *lsn;
  return out;
}

std::string column_mark(SourceTable const& table) {
  std::string out = std::to_string(table.filenode);
  for (SourceColumn const& column : table.columns)
    out += " " + std::to_string(column.attnum) + ":" + std::to_string(column.changed_xid);
  return out;
}

} // namespace walrock
