// The parts of `walrock check`. For this folder.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/checkpoint.h"
#include "operate/finding.h"
#include "operate/selection.h"
#include "postgres/publication.h"
#include "schema/target_type.h"
#include "starrocks/catalog.h"

namespace walrock {

// Server, settings, role, slot: everything that does not depend on the tables.
void check_server(Connection& source, JobSpec const& job,
                  std::optional<Checkpoint> const& checkpoint, Findings& findings);
// Which tables, and the rights on them.
void check_selection(Connection& source, JobSpec const& job, Selection const& selection,
                     Findings& findings);
void check_publication(Connection& source, JobSpec const& job, Selection const& selection,
                       Findings& findings);
// Keys, types and names, which need no server.
void check_design(JobSpec const& job, SourceTable const& table, Findings& findings);

// Frontend, backends, version, rights.
void check_cluster(TargetCatalog& catalog, JobSpec const& job, Findings& findings);
// Rights ("INSERT") of the connection's user, as far as the server tells them.
void check_target_rights(SqlConnection& sql, JobSpec const& job,
                         std::vector<std::string> const& wanted, Findings& findings);
struct RightsWanted {
  TargetName table;
  std::vector<std::string> rights;
  std::string what; // behind "user u lacks INSERT"
};
// The same on one table, which a grant on another one does not cover.
void check_table_rights(SqlConnection& sql, RightsWanted const& wanted, Findings& findings);
// On the tables whose rows stay (deletes: soft and ignore, history), for who loads and who changes
// tables.
void check_kept_rows_rights(SqlConnection& loads, SqlConnection& ddl, JobSpec const& job,
                            std::span<SourceTable const> tables, Findings& findings);
// The table of rows in quarantine, and the rights on it of who loads and of who changes tables.
void check_quarantine_table(SqlConnection& loads, SqlConnection& ddl, JobSpec const& job,
                            Findings& findings);
// With transactions: across-tables: the server's version, and the table that says how far they are.
void check_across_tables(SqlConnection& loads, SqlConnection& ddl, JobSpec const& job,
                         Findings& findings);
// What stands in the target where a table is to go.
void check_target_table(TargetCatalog& catalog, JobSpec const& job, SourceTable const& table,
                        std::optional<Checkpoint> const& checkpoint, Findings& findings);

} // namespace walrock
