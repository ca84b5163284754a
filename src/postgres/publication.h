// The publication on the source: found, created, extended, dropped. Every statement is also there
// as SQL text, for messages and for `walrock plan`. Same thread as the connection.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/names.h"
#include "model/published.h"
#include "model/source_table.h"
#include "postgres/connection.h"

namespace walrock {

struct PublishedTable {
  TableName name;
  bool has_row_filter = false;  // 15 and later
  bool has_column_list = false; // 15 and later
};

struct Publication {
  std::string name;
  std::string owner;
  bool is_owner = false; // we may alter it
  bool is_for_all_tables = false;
  bool is_for_namespaces = false; // FOR TABLES IN SCHEMA, 15 and later
  bool publishes_insert = true;
  bool publishes_update = true;
  bool publishes_delete = true;
  bool publishes_truncate = true;
  bool is_via_root = false; // publish_via_partition_root; false before 13
  // What was added by name (a partitioned table as its root).
  std::vector<PublishedTable> members;
  // What the stream names: all tables it covers, leaves instead of roots unless is_via_root.
  std::vector<TableName> published;

  // Changes of the table arrive, under its own name.
  [[nodiscard]] bool covers(TableName const& table) const;
  // "insert, update" of what is switched off, or empty.
  [[nodiscard]] std::string missing_operations() const;
};

[[nodiscard]] std::optional<Publication> find_publication(Connection& connection,
                                                          std::string_view name);

// How it sends each of the tables, now. Nothing names a table that it does not have; it is taken
// for one that is added as a whole. A publication that is not there is taken for one that walrock
// makes.
[[nodiscard]] std::map<RelationId, Published> read_published(Connection& connection,
                                                             std::string_view publication,
                                                             std::span<RelationId const> tables);

// Says of the tables what of them is published: which columns are sent, and the row filter.
void keep_published(Connection& connection, std::string_view publication,
                    std::vector<SourceTable>& tables);

// Two are the same only when the publication has not changed between them.
struct PublicationMark {
  std::string text; // empty without a publication
  Lsn lsn;          // where the WAL was, at the latest when the publication was looked at
};
[[nodiscard]] PublicationMark publication_mark(Connection& connection,
                                               std::string_view publication);
// Its text as the snapshot shows it. The connection is in no transaction.
[[nodiscard]] std::string publication_mark_then(Connection& connection,
                                                std::string_view publication,
                                                std::string_view snapshot_name);

// Which of the tables are there and not in the publication; none when the publication is not there.
[[nodiscard]] std::vector<RelationId> unpublished(Connection& connection,
                                                  std::string_view publication,
                                                  std::span<RelationId const> tables);

// As describe_relation, of what is published of it.
[[nodiscard]] std::optional<SourceTable>
describe_published(Connection& connection, RelationId id, std::string_view publication,
                   std::optional<std::uint32_t> behind = {}, std::stop_token const& stop = {});

// via_root: some of the tables are partitioned (13 and later; 12 cannot publish a partitioned
// table, only its leaves). From 18 on it sends stored generated columns.
[[nodiscard]] std::string create_publication_sql(std::string_view name,
                                                 std::span<TableName const> tables, bool via_root,
                                                 int server_version);
[[nodiscard]] std::string add_tables_sql(std::string_view name, std::span<TableName const> tables);
// From then on changes of partitions arrive under the name of their root.
[[nodiscard]] std::string publish_via_root_sql(std::string_view name);
[[nodiscard]] std::string remove_tables_sql(std::string_view name,
                                            std::span<TableName const> tables);
[[nodiscard]] std::string drop_publication_sql(std::string_view name);

// These throw Error publication_denied, with the SQL as advice, when a right is missing.
void create_publication(Connection& connection, std::string_view name,
                        std::span<TableName const> tables, bool via_root);
void add_tables(Connection& connection, std::string_view name, std::span<TableName const> tables);
void publish_via_root(Connection& connection, std::string_view name);
void drop_publication(Connection& connection, std::string_view name); // no error without one

} // namespace walrock
