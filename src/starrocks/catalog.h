// What StarRocks' catalog says, and the statements that change it. Every function throws as
// SqlConnection::query does. Lives on the thread of its connection.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/time.h"
#include "model/target_table.h"
#include "starrocks/sql_connection.h"
#include "starrocks/version.h"

namespace walrock {

struct Backend {
  std::string host; // as registered
  int http_port = 0;
  bool is_alive = false;
  bool is_compute_node = false; // of a shared-data cluster
};

class TargetCatalog {
public:
  explicit TargetCatalog(SqlConnection& connection) : sql_(connection) {} // must outlive this

  // Throws target_protocol_violation when the text is not a version.
  [[nodiscard]] ServerVersion version();
  [[nodiscard]] std::vector<std::string> databases();
  // Names of base tables, sorted; empty for an unknown database.
  [[nodiscard]] std::vector<std::string> tables(std::string const& database);
  // Nothing when there is no such table.
  [[nodiscard]] std::optional<TargetTable> describe_table(TargetName const& name);
  // Of the database, those whose names begin with that of `prefix`.
  [[nodiscard]] std::vector<TargetName> tables_beginning_with(TargetName const& prefix);
  [[nodiscard]] bool has_rows(TargetName const& name);
  [[nodiscard]] std::uint64_t row_count(TargetName const& name);
  // Backends, then compute nodes. Nothing when the user may not ask.
  [[nodiscard]] std::optional<std::vector<Backend>> backends();
  // As many as a cluster of fewer than three backends can hold: the server's default of 3 fails
  // there. Nothing: the default will do, or nobody says.
  [[nodiscard]] std::optional<std::size_t> replicas_of_small_cluster();
  // max_running_txn_num_per_db. Nothing when the user may not ask.
  [[nodiscard]] std::optional<std::uint64_t> running_transaction_limit();

  void execute(std::string const& ddl);
  void create_database(std::string const& database); // if it is missing
  void drop_table(TargetName const& name);           // for good, if it exists
  void truncate(TargetName const& name);
  // An empty table of the same layout; one of that name goes away.
  // create_sql: of the twin; empty: it is like the target.
  void make_twin(TargetName const& target, TargetName const& twin,
                 std::string const& create_sql = {});
  void swap(TargetName const& one, TargetName const& other); // one database
  // Adds the columns that are missing and waits until they can be loaded. Repeating it is harmless.
  // Throws target_query_failed when the time is over (retry later) or the job was cancelled.
  void add_columns(TargetName const& name, std::vector<TargetColumn> const& columns,
                   Deadline deadline, std::stop_token const& stop = {});
  // Waits until no schema change of the table is under way.
  void wait_for_alter(TargetName const& name, Deadline deadline, std::stop_token const& stop = {});

private:
  SqlConnection& sql_;
};

// "`c` INT NULL DEFAULT \"0\" COMMENT \"...\"": a column in CREATE TABLE and ADD COLUMN.
[[nodiscard]] std::string column_clause(TargetColumn const& column);

} // namespace walrock
