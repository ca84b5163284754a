#include "postgres/catalog.h"

#include <unordered_map>

#include <fmt/format.h>

#include "base/error.h"
#include "base/pause.h"
#include "postgres/partitions.h"
#include "postgres/sql_text.h"

namespace walrock {

namespace {

// Pages and rows of a partitioned table are those of its leaves.
constexpr char kListTables[] = R"(
SELECT c.oid, n.nspname, c.relname, c.relkind, c.relpersistence, c.relispartition,
       CASE WHEN c.reltuples < 0 OR (c.reltuples = 0 AND c.relpages = 0) THEN -1
            ELSE c.reltuples::int8 END AS row_estimate,
       coalesce(CASE c.relkind
         WHEN 'p' THEN (SELECT sum(pg_relation_size(relid)) FROM pg_partition_tree(c.oid)
                        WHERE isleaf)
         WHEN 'r' THEN pg_relation_size(c.oid) END, 0)::int8 AS byte_count
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm')
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
ORDER BY n.nspname, c.relname)";

constexpr char kDescribe[] = R"(
SELECT c.oid, n.nspname, c.relname, c.relkind, c.relreplident, c.relfilenode,
       coalesce(CASE c.relkind
         WHEN 'p' THEN (SELECT sum(pg_relation_size(relid)) FROM pg_partition_tree(c.oid)
                        WHERE isleaf)
         ELSE pg_relation_size(c.oid) END, 0)::int8 / 8192 AS page_count,
       CASE WHEN c.relkind = 'p'
              THEN coalesce((SELECT CASE WHEN bool_and(l.reltuples >= 0)
                                         THEN sum(l.reltuples)::int8 END
                             FROM pg_partition_tree(c.oid) t JOIN pg_class l ON l.oid = t.relid
                             WHERE t.isleaf), -1)
            WHEN c.reltuples < 0 OR (c.reltuples = 0 AND c.relpages = 0) THEN -1
            ELSE c.reltuples::int8 END AS row_estimate,
       coalesce(obj_description(c.oid, 'pg_class'), '') AS comment
FROM )";

constexpr char kWantedByName[] = R"(
unnest($1::text[], $2::text[]) WITH ORDINALITY wanted(nspname, relname, position)
JOIN pg_namespace n ON n.nspname = wanted.nspname
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = wanted.relname
WHERE c.relkind IN ('r', 'p') ORDER BY wanted.position)";

constexpr char kWantedById[] = R"(
pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.oid = $1::oid)";

// A domain stands on a type or on another domain; only the one next to the type has a typmod.
// attmissingval is an array of the one value; a box's separator is ';', so it is never quoted.
constexpr char kDescribeColumns[] = R"(
WITH RECURSIVE base AS (
  SELECT a.attrelid, a.attnum, a.atttypid AS type_oid, a.atttypmod AS typmod, 0 AS depth
  FROM pg_attribute a
  WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
  SELECT b.attrelid, b.attnum, t.typbasetype,
         CASE WHEN t.typtypmod <> -1 THEN t.typtypmod ELSE b.typmod END, b.depth + 1
  FROM base b JOIN pg_type t ON t.oid = b.type_oid AND t.typtype = 'd')
SELECT a.attrelid, a.attname, a.attnum, format_type(a.atttypid, a.atttypmod) AS declared_type,
       t.oid AS type_oid, b.typmod, t.typname, tn.nspname AS type_namespace,
       CASE WHEN e.typarray = t.oid THEN 'a' ELSE t.typtype END AS type_kind,
       a.atttypid, a.atttypmod, a.attnotnull, a.attgenerated,
       CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END AS default_expression,
       CASE WHEN a.atthasmissing THEN
         CASE WHEN t.typdelim = ',' THEN (a.attmissingval::text::text[])[1]
              ELSE trim(BOTH '{}' FROM a.attmissingval::text) END END AS missing_value,
       coalesce(col_description(a.attrelid, a.attnum), '') AS comment, a.xmin::text AS changed_xid
FROM base b
JOIN pg_type t ON t.oid = b.type_oid AND t.typtype <> 'd'
JOIN pg_namespace tn ON tn.oid = t.typnamespace
LEFT JOIN pg_type e ON e.oid = t.typelem
JOIN pg_attribute a ON a.attrelid = b.attrelid AND a.attnum = b.attnum
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
ORDER BY a.attrelid, a.attnum)";

// The columns of the primary key, and of the index that is the replica identity: a deferrable
// primary key cannot be one.
constexpr char kDescribeKeys[] = R"(
SELECT i.indrelid, i.indisprimary,
       (c.relreplident = 'd' AND i.indisprimary AND i.indimmediate)
         OR (c.relreplident = 'i' AND i.indisreplident) AS is_identity, a.attname,
       i.indisprimary AND NOT i.indimmediate
FROM pg_index i
JOIN pg_class c ON c.oid = i.indrelid
CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, position)
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
WHERE i.indrelid = ANY ($1::oid[]) AND i.indisvalid AND k.position <= i.indnkeyatts
  AND (i.indisprimary OR (c.relreplident = 'i' AND i.indisreplident))
ORDER BY i.indrelid, i.indexrelid, k.position)";

// Every unique index that no two rows share. Temporal keys (18) are exclusion constraints too, and
// forbid equal ranges as any overlap.
constexpr char kDescribeUnique[] = R"(
SELECT i.indrelid, i.indexrelid, ic.relname, NOT i.indimmediate, a.attname
FROM pg_index i
JOIN pg_class ic ON ic.oid = i.indexrelid
CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, position)
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
WHERE i.indrelid = ANY ($1::oid[]) AND i.indisunique AND i.indisvalid AND i.indisready
  AND i.indpred IS NULL AND i.indexprs IS NULL AND k.position <= i.indnkeyatts
ORDER BY i.indrelid, i.indexrelid, k.position)";

Oid oid_at(QueryResult const& result, std::size_t row, std::size_t column) {
  return static_cast<Oid>(result.number(row, column));
}

char letter_at(QueryResult const& result, std::size_t row, std::size_t column) {
  std::string const& text = result.text(row, column);
  return text.empty() ? '\0' : text.front();
}

TypeKind type_kind_of(char letter) {
  switch (letter) {
  case 'a': return TypeKind::array;
  case 'c': return TypeKind::composite;
  case 'd': return TypeKind::domain;
  case 'e': return TypeKind::enum_;
  case 'r': return TypeKind::range;
  case 'm': return TypeKind::multirange;
  case 'p': return TypeKind::pseudo;
  default: return TypeKind::base;
  }
}

SourceColumn column_at(QueryResult const& r, std::size_t row) {
  SourceColumn out;
  out.name = r.text(row, 1);
  out.attnum = static_cast<int>(r.number(row, 2));
  out.declared_type = r.text(row, 3);
  out.type_oid = oid_at(r, row, 4);
  out.typmod = static_cast<std::int32_t>(r.number(row, 5));
  out.type_name = r.text(row, 6);
  out.type_namespace = r.text(row, 7);
  out.type_kind = type_kind_of(letter_at(r, row, 8));
  out.wire_type_oid = oid_at(r, row, 9);
  out.wire_typmod = static_cast<std::int32_t>(r.number(row, 10));
  out.is_not_null = r.truth(row, 11);
  out.generated = letter_at(r, row, 12);
  out.is_sent = out.generated == '\0';
  out.default_expression = r.rows[row][13];
  out.missing_value = r.rows[row][14];
  out.comment = r.text(row, 15);
  out.changed_xid = static_cast<std::uint32_t>(r.number(row, 16));
  return out;
}

SourceTable table_at(QueryResult const& r, std::size_t row) {
  SourceTable out;
  out.id = {oid_at(r, row, 0)};
  out.name = {r.text(row, 1), r.text(row, 2)};
  out.relkind = letter_at(r, row, 3);
  out.identity = static_cast<ReplicaIdentity>(letter_at(r, row, 4));
  out.filenode = oid_at(r, row, 5);
  out.page_count = r.number(row, 6);
  out.row_estimate = r.number(row, 7);
  out.comment = r.text(row, 8);
  return out;
}

// One row of kDescribeUnique: a column of an index, the rows of an index one after another.
void add_unique_column(QueryResult const& r, std::size_t row, std::vector<UniqueIndex>& indexes) {
  bool const is_same_index = row > 0 && oid_at(r, row - 1, 1) == oid_at(r, row, 1);
  if (!is_same_index)
    indexes.push_back({r.text(row, 2), {}, r.truth(row, 3)});
  indexes.back().columns.push_back(r.text(row, 4));
}

// The tables of a result of kDescribe, with their columns and keys.
std::vector<SourceTable> completed(Connection& connection, QueryResult const& found) {
  std::vector<SourceTable> out;
  std::unordered_map<Oid, std::size_t> index_of;
  std::vector<std::string> oids;
  for (std::size_t row = 0; row < found.rows.size(); ++row) {
    out.push_back(table_at(found, row));
    out.back().is_unencoded = connection.is_unencoded();
    out.back().money_sample = connection.money_sample();
    if (!index_of.emplace(out.back().id.oid, row).second)
      continue; // named twice
    oids.push_back(std::to_string(out.back().id.oid));
  }
  if (out.empty())
    return out;
  std::string const wanted = array_literal(oids);
  auto const columns = connection.query(kDescribeColumns, {wanted});
  for (std::size_t row = 0; row < columns.rows.size(); ++row)
    out[index_of.at(oid_at(columns, row, 0))].columns.push_back(column_at(columns, row));
  auto const keys = connection.query(kDescribeKeys, {wanted});
  for (std::size_t row = 0; row < keys.rows.size(); ++row) {
    SourceTable& table = out[index_of.at(oid_at(keys, row, 0))];
    if (keys.truth(row, 1))
      table.primary_key.push_back(keys.text(row, 3));
    table.has_deferrable_key = table.has_deferrable_key || keys.truth(row, 4);
    if (keys.truth(row, 2))
      table.identity_columns.push_back(keys.text(row, 3));
  }
  auto const unique = connection.query(kDescribeUnique, {wanted});
  for (std::size_t row = 0; row < unique.rows.size(); ++row)
    add_unique_column(unique, row, out[index_of.at(oid_at(unique, row, 0))].unique_indexes);
  return out;
}

} // namespace

std::string ListedTable::refusal() const {
  switch (relkind) {
  case 'f': return "is a foreign table: its rows are not in this server's WAL";
  case 'v': return "is a view";
  case 'm': return "is a materialized view";
  default: break;
  }
  if (persistence == 'u')
    return "is unlogged: its changes are not in the WAL";
  if (persistence == 't')
    return "is temporary";
  return {};
}

std::vector<ListedTable> list_tables(Connection& connection) {
  auto const result = connection.query(kListTables);
  std::vector<ListedTable> out;
  out.reserve(result.rows.size());
  for (std::size_t row = 0; row < result.rows.size(); ++row) {
    ListedTable table;
    table.id = {oid_at(result, row, 0)};
    table.name = {result.text(row, 1), result.text(row, 2)};
    table.relkind = letter_at(result, row, 3);
    table.persistence = letter_at(result, row, 4);
    table.is_partition = result.truth(row, 5);
    table.row_estimate = result.number(row, 6);
    table.byte_count = result.number(row, 7);
    out.push_back(std::move(table));
  }
  return out;
}

namespace {

constexpr Milliseconds kInvisible(5000); // as long as a transaction may be that was streamed
constexpr Milliseconds kLookAgain(5);

// What is asked meanwhile is of one state of the catalog.
class OneSnapshot {
public:
  explicit OneSnapshot(Connection& connection) : connection_(connection) {
    connection_.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  }
  ~OneSnapshot() {
    if (!is_over_)
      try {
        connection_.query("ROLLBACK");
      } catch (std::exception const&) { // it is lost, and says so when it is used again
      }
  }
  OneSnapshot(OneSnapshot const&) = delete;
  OneSnapshot& operator=(OneSnapshot const&) = delete;

  [[nodiscard]] bool sees(std::uint32_t xid) {
    PartitionTree seen;
    take_snapshot(connection_.query("SELECT txid_current_snapshot()::text").text(0, 0), seen);
    return seen.has_ended(xid);
  }
  void end() {
    connection_.query("COMMIT");
    is_over_ = true;
  }

private:
  Connection& connection_;
  bool is_over_ = false;
};

} // namespace

std::vector<SourceTable> describe_tables(Connection& connection, std::span<TableName const> names) {
  NameArrays const arrays = NameArrays::of(names);
  OneSnapshot snapshot(connection);
  auto out = completed(connection, connection.query(std::string(kDescribe) + kWantedByName,
                                                    {arrays.namespace_names, arrays.table_names}));
  snapshot.end();
  return out;
}

std::optional<SourceTable> describe_table(Connection& connection, TableName const& name) {
  auto tables = describe_tables(connection, std::span(&name, 1));
  return tables.empty() ? std::nullopt : std::optional(std::move(tables.front()));
}

std::optional<SourceTable> describe_relation(Connection& connection, RelationId id,
                                             std::optional<std::uint32_t> behind,
                                             std::stop_token const& stop) {
  TimePoint const until = std::chrono::steady_clock::now() + kInvisible;
  while (true) {
    OneSnapshot snapshot(connection);
    if (!behind || snapshot.sees(*behind)) {
      auto tables = completed(connection, connection.query(std::string(kDescribe) + kWantedById,
                                                           {std::to_string(id.oid)}));
      snapshot.end();
      return tables.empty() ? std::nullopt : std::optional(std::move(tables.front()));
    }
    if (std::chrono::steady_clock::now() > until)
      throw ConnectionLost(ErrorCode::source_unreachable,
                           fmt::format("transaction {} was streamed and is not visible yet; it may "
                                       "wait for a synchronous standby",
                                       *behind));
    if (!pause_for(kLookAgain, stop))
      throw Stopped();
  }
}

} // namespace walrock
