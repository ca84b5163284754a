#include "postgres/partitions.h"

#include <charconv>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "postgres/sql_text.h"

namespace walrock {

namespace {

constexpr int kFirstWithDetachPending = 140000;

// A table that was made by CREATE TABLE ... PARTITION OF has columns that no statement after the
// making has touched; ATTACH touches every one of them. xmin and cmin together name a statement.
// A partition whose DETACH CONCURRENTLY is under way is a partition no more. One row for each
// column of the replica identity, one at least.
std::string look_sql(int server_version) {
  return fmt::format(R"(
WITH RECURSIVE tree AS (
  SELECT root, root AS relid, 0::oid AS parent, NULL::text AS attached_xid
  FROM unnest($1::oid[]) root
  UNION ALL
  SELECT t.root, i.inhrelid, i.inhparent, i.xmin::text
  FROM tree t JOIN pg_inherits i ON i.inhparent = t.relid{})
SELECT t.root, t.relid, t.parent, t.attached_xid, n.nspname, c.relname, c.relkind,
       c.relpersistence, c.relfilenode, c.xmin::text AS changed_xid,
       coalesce((SELECT bool_or(a.xmin = y.xmin AND a.cmin = y.cmin)
                 FROM pg_attribute a JOIN pg_type y ON y.oid = c.reltype
                 WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), false)
         AS is_created_attached, c.relreplident, k.attname,
       (SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
                    ELSE pg_current_wal_insert_lsn() END) AS lsn,
       (SELECT txid_current_snapshot())::text AS snapshot
FROM tree t JOIN pg_class c ON c.oid = t.relid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN LATERAL (
  SELECT position, a.attname
  FROM pg_index x CROSS JOIN LATERAL unnest(x.indkey::int2[]) WITH ORDINALITY u(attnum, position)
  JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = u.attnum
  WHERE x.indrelid = c.oid AND x.indisvalid AND position <= x.indnkeyatts
    AND (c.relreplident = 'd' AND x.indisprimary AND x.indimmediate
         OR c.relreplident = 'i' AND x.indisreplident)) k ON true
ORDER BY t.root, t.relid, k.position)",
                     server_version >= kFirstWithDetachPending ? " AND NOT i.inhdetachpending"
                                                               : "");
}

std::uint32_t xid_of(std::string_view text) {
  std::uint64_t value = 0; // with its epoch
  std::from_chars(text.data(), text.data() + text.size(), value);
  return static_cast<std::uint32_t>(value);
}

// The insert position stands behind the head of a page that has nothing yet, where no stream comes
// before more is written; what was written ends before that page.
Lsn end_of_what_is_written(std::string const& text) {
  constexpr std::uint64_t kPage = 8192;
  constexpr std::uint64_t kLongestHead = 40;
  auto const lsn = parse_lsn(text);
  if (!lsn)
    throw ProtocolViolation("not a position in the WAL: " + text);
  std::uint64_t const in_page = lsn->value % kPage;
  return in_page <= kLongestHead ? Lsn{lsn->value - in_page} : *lsn;
}

} // namespace

// "xmin:xmax:xip,xip": xmax is the next that had not begun.
void take_snapshot(std::string_view text, PartitionTree& tree) {
  std::size_t const first = text.find(':');
  std::size_t const second = text.find(':', first + 1);
  if (second == std::string_view::npos)
    throw ProtocolViolation("not a snapshot: " + std::string(text));
  tree.next_xid = xid_of(text.substr(first + 1, second - first - 1));
  std::string_view rest = text.substr(second + 1);
  while (!rest.empty()) {
    std::size_t const end = std::min(rest.find(','), rest.size());
    tree.xids_in_progress.push_back(xid_of(rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

namespace {

Partition partition_at(QueryResult const& r, std::size_t row) {
  Partition out;
  out.oid = static_cast<Oid>(r.number(row, 1));
  out.parent = static_cast<Oid>(r.number(row, 2));
  out.attached_xid = xid_of(r.text(row, 3));
  out.name = {r.text(row, 4), r.text(row, 5)};
  out.relkind = r.text(row, 6).front();
  out.persistence = r.text(row, 7).front();
  out.filenode = out.relkind == 'p' ? 0 : static_cast<Oid>(r.number(row, 8));
  out.changed_xid = xid_of(r.text(row, 9));
  out.is_created_attached = r.truth(row, 10);
  out.identity = static_cast<ReplicaIdentity>(r.text(row, 11).front());
  return out;
}

} // namespace

std::map<RelationId, PartitionTree> read_partitions(Connection& connection,
                                                    std::span<RelationId const> roots,
                                                    std::stop_token const& stop) {
  std::vector<std::string> oids;
  std::map<RelationId, PartitionTree> out;
  for (RelationId const root : roots) {
    oids.push_back(std::to_string(root.oid));
    out[root];
  }
  if (roots.empty())
    return out;
  QueryResult const r =
      connection.query(look_sql(connection.server_version()), {array_literal(oids)}, stop);
  for (std::size_t row = 0; row < r.rows.size(); ++row) {
    RelationId const root{static_cast<Oid>(r.number(row, 0))};
    PartitionTree& tree = out[root];
    if (!tree.lsn.is_set()) {
      tree.lsn = end_of_what_is_written(r.text(row, 13));
      take_snapshot(r.text(row, 14), tree);
    }
    if (r.number(row, 1) == root.oid)
      continue;
    if (tree.partitions.empty() || tree.partitions.back().oid != r.number(row, 1))
      tree.partitions.push_back(partition_at(r, row));
    if (r.rows[row][12])
      tree.partitions.back().identity_columns.push_back(r.text(row, 12));
  }
  return out;
}

PartitionTree read_partitions_then(Connection& connection, RelationId root,
                                   std::string_view snapshot_name) {
  (void)connection.query_all(
      fmt::format("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT {}",
                  quote_pg_literal(snapshot_name)));
  auto trees = read_partitions(connection, std::span(&root, 1));
  (void)connection.query_all("COMMIT");
  return std::move(trees.at(root));
}

bool is_file_empty(Connection& connection, Oid partition, std::stop_token const& stop) {
  QueryResult const r = connection.query("SELECT coalesce(pg_relation_size($1::oid), -1) = 0",
                                         {std::to_string(partition)}, stop);
  return r.truth(0, 0);
}

} // namespace walrock
