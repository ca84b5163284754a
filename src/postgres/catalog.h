// What PostgreSQL's catalog says, as the values of model/. Plain blocking questions on an sql
// connection, few round trips whatever the number of tables; the answer is true at the moment it
// was asked. Same thread as the connection.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/time.h"
#include "model/lsn.h"
#include "model/source_table.h"
#include "postgres/connection.h"

namespace walrock {

struct ServerIdentity {
  std::string system_identifier; // of the cluster; a standby has its primary's
  std::uint32_t timeline = 0;
  Lsn wal_end; // flushed WAL position now
};

// Either kind of connection.
[[nodiscard]] ServerIdentity identify_server(Connection& connection);

// Anything a table-name pattern can meet outside the system namespaces: what cannot be replicated
// is listed too, so that it can be refused by name.
struct ListedTable {
  RelationId id;
  TableName name;
  char relkind = 'r';        // r ordinary, p partitioned, f foreign, v view, m materialized view
  char persistence = 'p';    // p permanent, u unlogged, t temporary
  bool is_partition = false; // a part of a partitioned table
  std::int64_t row_estimate = -1;
  std::int64_t byte_count = 0; // main fork
  // Empty when it can be replicated, else why not: "is a view".
  [[nodiscard]] std::string refusal() const;
};

// Ordered by namespace and name.
[[nodiscard]] std::vector<ListedTable> list_tables(Connection& connection);

// The tables that exist among names (ordinary and partitioned), in the order of names.
[[nodiscard]] std::vector<SourceTable> describe_tables(Connection& connection,
                                                       std::span<TableName const> names);
[[nodiscard]] std::optional<SourceTable> describe_table(Connection& connection,
                                                        TableName const& name);
// Nothing when the table was dropped. A renamed table has its new name. behind: a transaction that
// the description must have seen; one is streamed a moment before others see what it did, and with
// a synchronous standby much earlier. Throws ConnectionLost when that lasts.
[[nodiscard]] std::optional<SourceTable> describe_relation(Connection& connection, RelationId id,
                                                           std::optional<std::uint32_t> behind = {},
                                                           std::stop_token const& stop = {});

struct ServerSettings {
  int version_num = 0;
  std::string version; // "15.18 (Debian ...)"
  std::string wal_level;
  int max_replication_slots = 0;
  int used_replication_slots = 0;
  int max_wal_senders = 0;
  int used_wal_senders = 0;
  int max_connections = 0;
  Milliseconds wal_sender_timeout{0}; // 0: none
  std::string max_slot_wal_keep_size; // "-1" without a limit and before 13
  std::string server_encoding;        // of the database
  bool is_in_recovery = false;        // a standby
};
[[nodiscard]] ServerSettings read_server_settings(Connection& connection);

struct RoleRights {
  std::string role;
  bool is_superuser = false;
  bool can_replicate = false; // REPLICATION, superuser, or a cloud provider's replication role
  bool can_create_in_database = false; // CREATE on the database: may create publications
};
[[nodiscard]] RoleRights read_role_rights(Connection& connection);

struct TableRights {
  TableName name;
  std::string owner;
  bool can_select = false;      // SELECT on the table and USAGE on its namespace
  bool is_owner = false;        // may add it to a publication
  bool is_row_filtered = false; // row level security applies to us: the copy would be incomplete
};
// Of the names that exist.
[[nodiscard]] std::vector<TableRights> read_table_rights(Connection& connection,
                                                         std::span<TableName const> names);

// Whether some session waits for a lock on the table (one that ours, or anyone's, holds up).
[[nodiscard]] bool is_lock_awaited(Connection& connection, RelationId id);

} // namespace walrock
