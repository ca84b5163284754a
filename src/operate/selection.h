// The tables of the source that a job names, as the server describes them now. Blocking; the thread
// of the connection.
#pragma once

#include <string>
#include <vector>

#include "config/job_spec.h"
#include "model/source_table.h"
#include "postgres/catalog.h"
#include "schema/target_design.h"

namespace walrock {

struct Selection {
  std::vector<ListedTable> listed;    // selected and replicable, ordered by name
  std::vector<SourceTable> tables;    // the same ones, described
  std::vector<ListedTable> refused;   // selected, but cannot be replicated
  std::vector<std::string> unmatched; // a sentence for each pattern that selects nothing
  bool has_partitioned = false;

  [[nodiscard]] std::vector<TableName> names() const;
  // Without those whose updates and deletes PostgreSQL would refuse once they are published: no
  // primary key, and nobody has said by a replica identity that this is meant so.
  [[nodiscard]] std::vector<TableName> publishable_names() const;
};

// Parts of a partitioned table are left to their root unless the job names them.
[[nodiscard]] Selection select_tables(Connection& connection, JobSpec const& job);

// Whether the job names this table itself, not by a pattern.
[[nodiscard]] bool is_named(JobSpec const& job, TableName const& table);

} // namespace walrock
