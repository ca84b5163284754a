#include "starrocks/kept_rows.h"

#include <chrono>

#include <fmt/format.h>

#include "base/error.h"
#include "base/failpoint.h"
#include "model/made_column.h"
#include "model/names.h"
#include "model/pg_time.h"
#include "model/pg_time_text.h"
#include "starrocks/catalog.h"
#include "starrocks/sql_connection.h"

namespace walrock {

namespace {

constexpr std::chrono::hours kPatience(4); // of a statement over all rows of a table

std::string name_of(MadeColumn made) {
  return quote_starrocks(made_column_type(made).name);
}

std::string moment(std::int64_t at) {
  return "\"" + pg_time_text(at) + "\"";
}

// What the twin gets of a column.
std::string kept_value(TargetColumn const& column, KeptRows kept, std::int64_t marked_at) {
  MadeColumn const made = made_column_named(column.name);
  if (kept == KeptRows::marked && made == MadeColumn::is_deleted)
    return "TRUE";
  if (kept == KeptRows::marked && made == MadeColumn::deleted_at)
    return fmt::format("CASE WHEN {} THEN {} ELSE {} END", name_of(MadeColumn::is_deleted),
                       name_of(MadeColumn::deleted_at), moment(marked_at));
  return quote_starrocks(column.name);
}

// Servers end a statement after 300 s by default.
SqlConnection patient(TargetAddress address) {
  address.query_timeout = kPatience;
  SqlConnection sql(std::move(address));
  sql.query(fmt::format("SET query_timeout = {}", std::chrono::seconds(kPatience).count()));
  return sql;
}

} // namespace

std::string keep_rows_sql(TargetTable const& target, TargetName const& twin, KeptRows kept,
                          std::int64_t marked_at) {
  std::string columns;
  std::string values;
  for (TargetColumn const& column : target.columns) {
    columns += (columns.empty() ? "" : ", ") + quote_starrocks(column.name);
    values += (values.empty() ? "" : ", ") + kept_value(column, kept, marked_at);
  }
  return fmt::format("INSERT INTO {} ({}) SELECT {} FROM {}", quote_starrocks(twin), columns,
                     values, quote_starrocks(target.name));
}

// Behind every version that is there, and before those of the copy: an LSN that no record has.
std::string copy_mark_sql(TargetName const& target, TargetName const& twin,
                          std::int64_t marked_at) {
  std::string const lsn = name_of(MadeColumn::lsn);
  return fmt::format("INSERT INTO {} ({}, {}, {}, {}) SELECT MAX({}) + 1, 0, {}, \"copy\" FROM {} "
                     "HAVING MAX({}) IS NOT NULL",
                     quote_starrocks(twin), lsn, name_of(MadeColumn::index),
                     name_of(MadeColumn::commit_time), name_of(MadeColumn::operation), lsn,
                     moment(marked_at), quote_starrocks(target), lsn);
}

std::string mark_deleted_sql(TargetName const& target, std::vector<ColumnValue> const& values) {
  std::string sets;
  for (ColumnValue const& set : values)
    sets += fmt::format("{}{} = {}", sets.empty() ? "" : ", ", quote_starrocks(set.column),
                        set.value ? quote_starrocks_literal(*set.value) : "NULL");
  std::string const mark = name_of(MadeColumn::is_deleted);
  return fmt::format("UPDATE {} SET {} WHERE {} IS NULL OR NOT {}", quote_starrocks(target), sets,
                     mark, mark);
}

void keep_rows(TargetAddress const& address, TargetName const& target, TargetName const& twin,
               KeptRows kept) {
  SqlConnection sql = patient(address);
  auto const table = TargetCatalog(sql).describe_table(target);
  if (!table)
    throw Error(ErrorCode::target_table_missing,
                fmt::format("the table {} is not in StarRocks", to_string(target)));
  std::int64_t const now = pg_now();
  WALROCK_BEFORE(copy_fill);
  sql.query(keep_rows_sql(*table, twin, kept, now));
  if (kept == KeptRows::versions)
    sql.query(copy_mark_sql(target, twin, now));
  WALROCK_AFTER(copy_fill);
}

void mark_deleted(TargetAddress const& address, TargetName const& target,
                  std::vector<ColumnValue> const& values) {
  SqlConnection sql = patient(address);
  WALROCK_BEFORE(mark_deleted);
  sql.query(mark_deleted_sql(target, values));
  WALROCK_AFTER(mark_deleted);
}

} // namespace walrock
