#include "postgres/publication.h"

#include <algorithm>
#include <map>
#include <set>

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

constexpr int kFirstWithFilters = 150000;
// Most publications have neither; the view below is worked out for all of their tables.
constexpr char kHasParts[] = R"(
SELECT EXISTS (SELECT FROM pg_publication p JOIN pg_publication_rel r ON r.prpubid = p.oid
  WHERE p.pubname = $1 AND (r.prqual IS NOT NULL OR r.prattrs IS NOT NULL)))";
constexpr char kPublishedParts[] = R"(
SELECT p.schemaname, p.tablename, coalesce(p.rowfilter, ''), a.attname
FROM pg_publication_tables p CROSS JOIN LATERAL unnest(p.attnames) AS a(attname)
WHERE p.pubname = $1 AND (p.schemaname, p.tablename) IN
  (SELECT * FROM unnest($2::text[], $3::text[])))";

} // namespace

void keep_published(Connection& connection, std::string_view publication,
                    std::vector<SourceTable>& tables) {
  if (connection.server_version() < kFirstWithFilters || tables.empty() ||
      !connection.query(kHasParts, {std::string(publication)}).truth(0, 0))
    return;
  std::vector<TableName> names;
  for (SourceTable const& table : tables)
    names.push_back(table.name);
  NameArrays const arrays = NameArrays::of(names);
  auto const found = connection.query(
      kPublishedParts, {std::string(publication), arrays.namespace_names, arrays.table_names});
  struct Published {
    std::string filter;
    std::set<std::string> columns;
  };
  std::map<TableName, Published> published;
  for (std::size_t row = 0; row < found.rows.size(); ++row) {
    Published& table = published[{found.text(row, 0), found.text(row, 1)}];
    table.filter = found.text(row, 2);
    table.columns.insert(found.text(row, 3));
  }
  for (SourceTable& table : tables) {
    auto const known = published.find(table.name);
    if (known == published.end())
      continue; // it is added as a whole
    table.row_filter = known->second.filter;
    std::erase_if(table.columns, [&](SourceColumn const& column) {
      return !column.is_generated && !known->second.columns.contains(column.name);
    });
  }
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
                                              std::string_view publication) {
  auto described = describe_relation(connection, id);
  if (!described)
    return described;
  std::vector<SourceTable> tables{std::move(*described)};
  keep_published(connection, publication, tables);
  return std::move(tables.front());
}

std::string create_publication_sql(std::string_view name, std::span<TableName const> tables,
                                   bool via_root) {
  std::string out = "CREATE PUBLICATION " + quote_pg(name);
  if (!tables.empty())
    out += " FOR TABLE " + quoted_list(tables);
  if (via_root)
    out += " WITH (publish_via_partition_root = true)";
  return out;
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
  perform(connection, create_publication_sql(name, tables, via_root));
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
