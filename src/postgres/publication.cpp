#include "postgres/publication.h"

#include <algorithm>
#include <set>
#include <sstream>

#include <fmt/format.h>

#include "base/error.h"
#include "postgres/catalog.h"
#include "postgres/sql_text.h"

namespace walrock {

namespace {

// Columns that came with 13 (pubviaroot) and 15 (row filters, column lists, whole namespaces).
std::string find_sql(int server_version) {
  return fmt::format(R"(
SELECT pg_get_userbyid(p.pubowner), pg_has_role(p.pubowner, 'USAGE'), p.puballtables,
       p.pubinsert, p.pubupdate, p.pubdelete, p.pubtruncate, {}, {}
FROM pg_publication p WHERE p.pubname = $1)",
                     server_version >= 130000 ? "p.pubviaroot" : "false",
                     server_version >= 150000
                         ? "EXISTS (SELECT FROM pg_publication_namespace s WHERE s.pnpubid = p.oid)"
                         : "false");
}

std::string members_sql(int server_version) {
  return fmt::format(R"(
SELECT n.nspname, c.relname, {}
FROM pg_publication p
JOIN pg_publication_rel r ON r.prpubid = p.oid
JOIN pg_class c ON c.oid = r.prrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE p.pubname = $1 ORDER BY n.nspname, c.relname)",
                     server_version >= 150000 ? "r.prqual IS NOT NULL, r.prattrs IS NOT NULL"
                                              : "false, false");
}

constexpr char kPublished[] = R"(
SELECT schemaname, tablename FROM pg_publication_tables WHERE pubname = $1
ORDER BY schemaname, tablename)";

// Runs one statement; a missing right becomes publication_denied with the statement as advice.
void perform(Connection& connection, std::string const& sql) {
  try {
    (void)connection.query(sql);
  } catch (Error const& error) {
    if (error.code() != ErrorCode::source_permission_denied)
      throw;
    Error denied(ErrorCode::publication_denied, error.message());
    denied.set_sqlstate(error.sqlstate());
    denied.set_advice("Let the owner of the tables run: " + sql + ";");
    throw denied;
  }
}

} // namespace

bool Publication::covers(TableName const& table) const {
  return std::find(published.begin(), published.end(), table) != published.end();
}

std::string Publication::missing_operations() const {
  std::string out;
  auto const add = [&out](bool is_published, char const* word) {
    if (!is_published)
      out += (out.empty() ? "" : ", ") + std::string(word);
  };
  add(publishes_insert, "insert");
  add(publishes_update, "update");
  add(publishes_delete, "delete");
  add(publishes_truncate, "truncate");
  return out;
}

std::optional<Publication> find_publication(Connection& connection, std::string_view name) {
  std::string const pubname(name);
  auto const found = connection.query(find_sql(connection.server_version()), {pubname});
  if (found.empty())
    return std::nullopt;
  Publication out;
  out.name = pubname;
  out.owner = found.text(0, 0);
  out.is_owner = found.truth(0, 1);
  out.is_for_all_tables = found.truth(0, 2);
  out.publishes_insert = found.truth(0, 3);
  out.publishes_update = found.truth(0, 4);
  out.publishes_delete = found.truth(0, 5);
  out.publishes_truncate = found.truth(0, 6);
  out.is_via_root = found.truth(0, 7);
  out.is_for_namespaces = found.truth(0, 8);
  auto const members = connection.query(members_sql(connection.server_version()), {pubname});
  for (std::size_t row = 0; row < members.rows.size(); ++row)
    out.members.push_back({{members.text(row, 0), members.text(row, 1)},
                           members.truth(row, 2),
                           members.truth(row, 3)});
  auto const published = connection.query(kPublished, {pubname});
  for (std::size_t row = 0; row < published.rows.size(); ++row)
    out.published.push_back({published.text(row, 0), published.text(row, 1)});
  return out;
}

namespace {

constexpr int kFirstWithParts = 150000;     // row filters, column lists, whole namespaces
constexpr int kFirstWithGenerated = 180000; // publish_generated_columns

// What of the publication names each table, or a partitioned table above it; whether that has a row
// filter or a column list.
std::string naming_sql(int server_version) {
  bool const has_parts = server_version >= kFirstWithParts;
  return fmt::format(R"(
WITH RECURSIVE up AS (
  SELECT wanted, wanted AS relid FROM unnest($2::oid[]) wanted
  UNION
  SELECT up.wanted, i.inhparent
  FROM up JOIN pg_class c ON c.oid = up.relid AND c.relispartition
  JOIN pg_inherits i ON i.inhrelid = up.relid),
pub AS (SELECT oid, puballtables FROM pg_publication WHERE pubname = $1)
SELECT up.wanted, r.oid, {} FROM pub
JOIN pg_publication_rel r ON r.prpubid = pub.oid JOIN up ON up.relid = r.prrelid
UNION ALL SELECT up.wanted, pub.oid, false FROM pub, up
WHERE pub.puballtables AND up.relid = up.wanted{}
ORDER BY 1, 2)",
                     has_parts ? "r.prqual IS NOT NULL OR r.prattrs IS NOT NULL" : "false",
                     has_parts ? R"(
UNION ALL SELECT up.wanted, s.oid, false FROM pub
JOIN pg_publication_namespace s ON s.pnpubid = pub.oid
JOIN pg_class c ON c.relnamespace = s.pnnspid JOIN up ON up.relid = c.oid)"
                               : "");
}

constexpr char kGenerated[] = R"(
SELECT attrelid, attnum, attgenerated FROM pg_attribute
WHERE attrelid = ANY ($1::oid[]) AND attnum > 0 AND NOT attisdropped ORDER BY attrelid, attnum)";

// Worked out by the server for all tables of the publication, however few are asked for.
constexpr char kParts[] = R"(
SELECT t.relid, coalesce(pg_get_expr(t.qual, t.relid), ''), t.attrs::text
FROM pg_publication p CROSS JOIN LATERAL pg_get_publication_tables(p.pubname::text) t
WHERE p.pubname = $1 AND t.relid = ANY ($2::oid[]))";

struct Whole {
  PublicationState state;
  bool sends_generated = false;
};

// One that is not there yet is made with everything.
Whole read_whole(Connection& connection, std::string const& publication) {
  int const version = connection.server_version();
  std::string const via_root = version >= 130000 ? "pubviaroot" : "false";
  std::string const generated = version >= kFirstWithGenerated ? "pubgencols::text" : "'n'";
  auto const found = connection.query(
      fmt::format("SELECT CASE WHEN pubinsert THEN 'i' ELSE '' END || CASE WHEN pubupdate THEN 'u' "
                  "ELSE '' END || CASE WHEN pubdelete THEN 'd' ELSE '' END || CASE WHEN "
                  "pubtruncate THEN 't' ELSE '' END, xmin::text, pubowner || ':' || puballtables "
                  "|| ':' || {} || ':' || {}, {} = 's' FROM pg_publication WHERE pubname = $1",
                  via_root, generated, generated),
      {publication});
  if (found.empty())
    return {{}, version >= kFirstWithGenerated};
  return {{found.text(0, 0), static_cast<std::uint32_t>(found.number(0, 1)), found.text(0, 2)},
          found.truth(0, 3)};
}

RelationId id_at(QueryResult const& result, std::size_t row) {
  return {static_cast<Oid>(result.number(row, 0))};
}

// "1 2 3", as an int2vector is printed.
std::set<int> attnums_of(std::string const& text) {
  std::set<int> out;
  std::istringstream in(text);
  for (int attnum = 0; in >> attnum;)
    out.insert(attnum);
  return out;
}

void take_parts(QueryResult const& parts, std::map<RelationId, Published>& tables) {
  for (std::size_t row = 0; row < parts.rows.size(); ++row) {
    Published& table = tables.at(id_at(parts, row));
    table.filter = parts.text(row, 1);
    if (!parts.rows[row][2])
      continue; // every column
    std::set<int> const listed = attnums_of(parts.text(row, 2));
    std::vector<int> all = std::move(table.sent);
    all.insert(all.end(), table.unsent.begin(), table.unsent.end());
    std::sort(all.begin(), all.end());
    table.sent.clear();
    table.unsent.clear();
    for (int const attnum : all)
      (listed.contains(attnum) ? table.sent : table.unsent).push_back(attnum);
  }
}

bool has_unsent_identity(SourceTable const& table) {
  auto const& identity = table.identity_columns;
  return std::any_of(table.columns.begin(), table.columns.end(), [&](SourceColumn const& column) {
    return column.generated != '\0' && !column.is_sent &&
           (table.identity == ReplicaIdentity::full ||
            std::find(identity.begin(), identity.end(), column.name) != identity.end());
  });
}

} // namespace

std::map<RelationId, Published> read_published(Connection& connection, std::string_view publication,
                                               std::span<RelationId const> tables) {
  std::string const name(publication);
  std::map<RelationId, Published> out;
  std::vector<std::string> oids;
  for (RelationId const id : tables)
    if (out.try_emplace(id).second)
      oids.push_back(std::to_string(id.oid));
  std::string const wanted = array_literal(oids);
  bool has_parts = false;
  auto const naming = connection.query(naming_sql(connection.server_version()), {name, wanted});
  for (std::size_t row = 0; row < naming.rows.size(); ++row) {
    out.at(id_at(naming, row)).by.push_back(static_cast<Oid>(naming.number(row, 1)));
    has_parts |= naming.truth(row, 2);
  }
  Whole const whole = read_whole(connection, name);
  for (auto& [id, table] : out)
    table.state = whole.state;
  auto const columns = connection.query(kGenerated, {wanted});
  for (std::size_t row = 0; row < columns.rows.size(); ++row) {
    std::string const& generated = columns.text(row, 2);
    bool const is_sent = generated.empty() || (generated == "s" && whole.sends_generated);
    Published& table = out.at(id_at(columns, row));
    (is_sent ? table.sent : table.unsent).push_back(static_cast<int>(columns.number(row, 1)));
  }
  if (has_parts)
    take_parts(connection.query(kParts, {name, wanted}), out);
  return out;
}

void keep_published(Connection& connection, std::string_view publication,
                    std::vector<SourceTable>& tables) {
  std::vector<RelationId> ids;
  for (SourceTable const& table : tables)
    ids.push_back(table.id);
  auto const published = read_published(connection, publication, ids);
  for (SourceTable& table : tables) {
    Published const& how = published.at(table.id);
    table.published_by = how.by;
    table.row_filter = how.filter;
    table.publication = how.state;
    for (SourceColumn& column : table.columns)
      column.is_sent = std::binary_search(how.sent.begin(), how.sent.end(), column.attnum);
    table.is_identity_unsent =
        connection.server_version() >= kFirstWithGenerated && has_unsent_identity(table);
  }
}

namespace {

// Plain rows of the catalog, which a snapshot shows as they were then; a clause never changes, it
// is replaced.
std::string mark_sql(int server_version, std::string_view publication) {
  return fmt::format(R"(
SELECT (SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
                    ELSE pg_current_wal_insert_lsn() END)::text,
       p.oid || ':' || p.xmin || ' '
       || (SELECT count(*) || ':' || coalesce(sum(hashtext(r.oid::text)), 0)
           FROM pg_publication_rel r WHERE r.prpubid = p.oid){}
FROM pg_publication p WHERE p.pubname = {})",
                     server_version >= kFirstWithParts ? R"( || ' '
       || (SELECT count(*) || ':' || coalesce(sum(hashtext(s.oid::text)), 0)
           FROM pg_publication_namespace s WHERE s.pnpubid = p.oid))"
                                                       : "",
                     quote_pg_literal(publication));
}

PublicationMark mark_of(QueryResult const& result) {
  if (result.empty())
    return {};
  auto const lsn = parse_lsn(result.text(0, 0));
  if (!lsn)
    throw ProtocolViolation("not a position in the WAL: " + result.text(0, 0));
  return {result.text(0, 1), *lsn};
}

} // namespace

PublicationMark publication_mark(Connection& connection, std::string_view publication) {
  return mark_of(connection.query(mark_sql(connection.server_version(), publication)));
}

std::string publication_mark_then(Connection& connection, std::string_view publication,
                                  std::string_view snapshot_name) {
  auto const results = connection.query_all(fmt::format(
      "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT {}; "
      "{}; COMMIT",
      quote_pg_literal(snapshot_name), mark_sql(connection.server_version(), publication)));
  return mark_of(results.at(2)).text;
}

std::vector<RelationId> unpublished(Connection& connection, std::string_view publication,
                                    std::span<RelationId const> tables) {
  constexpr char kSql[] = R"(
SELECT c.oid FROM pg_publication p, pg_class c
WHERE p.pubname = $1 AND c.oid = ANY ($2::oid[])
  AND NOT EXISTS (SELECT FROM pg_get_publication_tables(p.pubname::text) t WHERE t.relid = c.oid))";
  std::vector<std::string> oids;
  for (RelationId const id : tables)
    oids.push_back(std::to_string(id.oid));
  auto const found = connection.query(kSql, {std::string(publication), array_literal(oids)});
  std::vector<RelationId> out;
  for (std::size_t row = 0; row < found.rows.size(); ++row)
    out.push_back({static_cast<Oid>(found.number(row, 0))});
  return out;
}

std::optional<SourceTable> describe_published(Connection& connection, RelationId id,
                                              std::string_view publication,
                                              std::optional<std::uint32_t> behind,
                                              std::stop_token const& stop) {
  auto described = describe_relation(connection, id, behind, stop);
  if (!described)
    return described;
  std::vector<SourceTable> tables{std::move(*described)};
  keep_published(connection, publication, tables);
  return std::move(tables.front());
}

std::string create_publication_sql(std::string_view name, std::span<TableName const> tables,
                                   bool via_root, int server_version) {
  std::string out = "CREATE PUBLICATION " + quote_pg(name);
  if (!tables.empty())
    out += " FOR TABLE " + quoted_list(tables);
  std::string options;
  if (via_root)
    options = "publish_via_partition_root = true";
  if (server_version >= kFirstWithGenerated)
    options += (options.empty() ? "" : ", ") + std::string("publish_generated_columns = stored");
  return out + (options.empty() ? "" : " WITH (" + options + ")");
}

std::string add_tables_sql(std::string_view name, std::span<TableName const> tables) {
  return "ALTER PUBLICATION " + quote_pg(name) + " ADD TABLE " + quoted_list(tables);
}

std::string publish_via_root_sql(std::string_view name) {
  return "ALTER PUBLICATION " + quote_pg(name) + " SET (publish_via_partition_root = true)";
}

std::string remove_tables_sql(std::string_view name, std::span<TableName const> tables) {
  return "ALTER PUBLICATION " + quote_pg(name) + " DROP TABLE " + quoted_list(tables);
}

std::string drop_publication_sql(std::string_view name) {
  return "DROP PUBLICATION IF EXISTS " + quote_pg(name);
}

void create_publication(Connection& connection, std::string_view name,
                        std::span<TableName const> tables, bool via_root) {
  perform(connection, create_publication_sql(name, tables, via_root, connection.server_version()));
}

void add_tables(Connection& connection, std::string_view name, std::span<TableName const> tables) {
  perform(connection, add_tables_sql(name, tables));
}

void publish_via_root(Connection& connection, std::string_view name) {
  perform(connection, publish_via_root_sql(name));
}

void drop_publication(Connection& connection, std::string_view name) {
  perform(connection, drop_publication_sql(name));
}

} // namespace walrock
