// StarRocks: what the users of the job may do, as far as the server tells.
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "config/table_rules.h"
#include "operate/check_parts.h"
#include "operate/grants.h"
#include "schema/ddl.h"
#include "schema/target_design.h"

namespace walrock {

namespace {

// The lines of SHOW GRANTS, with those of the user's roles. Nothing when the server does not say.
std::optional<std::vector<std::string>> read_grants(SqlConnection& sql) {
  std::vector<std::string> grants;
  std::vector<std::string> questions{"SHOW GRANTS"};
  try {
    for (std::size_t i = 0; i < questions.size(); ++i) {
      SqlRows const rows = sql.query(questions[i]);
      if (!rows.find("Grants")) // servers before 3.0 answer in another form
        return std::nullopt;
      for (auto const& row : rows.rows) {
        grants.push_back(rows.value(row, "Grants").value_or(""));
        for (std::string const& role : granted_roles(grants.back())) {
          std::string question = "SHOW GRANTS FOR ROLE " + quote_starrocks_literal(role);
          bool const is_builtin = role == "root" || role == "db_admin" || role == "public";
          if (!is_builtin &&
              std::find(questions.begin(), questions.end(), question) == questions.end())
            questions.push_back(std::move(question));
        }
      }
    }
  } catch (ConnectionLost const&) {
    throw;
  } catch (Error const&) {
    return std::nullopt;
  }
  return grants;
}

} // namespace

void check_target_rights(SqlConnection& sql, JobSpec const& job,
                         std::vector<std::string> const& wanted, Findings& findings) {
  auto const grants = read_grants(sql);
  if (!grants)
    return;
  std::string const user = quote_starrocks_literal(sql.address().username);
  for (std::string const& right : missing_rights(*grants, job.target.database, wanted)) {
    bool const is_of_database = right == "CREATE TABLE";
    findings.add(Severity::error, "target",
                 fmt::format("user {} lacks {} in database {}", sql.address().username, right,
                             job.target.database),
                 fmt::format("GRANT {} ON {}DATABASE {} TO USER {};", right,
                             is_of_database ? "" : "ALL TABLES IN ",
                             quote_starrocks(job.target.database), user),
                 "target_permission_denied");
  }
}

void check_table_rights(SqlConnection& sql, RightsWanted const& wanted, Findings& findings) {
  auto const grants = read_grants(sql);
  if (!grants)
    return;
  std::string const& user = sql.address().username;
  for (std::string const& right : missing_table_rights(*grants, wanted.table, wanted.rights))
    findings.add(Severity::error, to_string(wanted.table),
                 fmt::format("user {} lacks {} {}", user, right, wanted.what),
                 fmt::format("GRANT {} ON ALL TABLES IN DATABASE {} TO USER {};", right,
                             quote_starrocks(wanted.table.database), quote_starrocks_literal(user)),
                 "target_permission_denied");
}

namespace {

std::optional<KeptRows> kept_rows(JobSpec const& job, SourceTable const& table) {
  TableOptions const options = options_for(job, table.name);
  try {
    TargetTable const target = target_table_for(table, target_for(job, table.name), options);
    return options.kept_rows(target.model != TableModel::primary);
  } catch (Error const&) {
    return std::nullopt; // said where its design is checked
  }
}

} // namespace

// Every copy of such a table goes into a twin, whose name no grant on the table itself covers.
void check_kept_rows_rights(SqlConnection& loads, SqlConnection& ddl, JobSpec const& job,
                            std::span<SourceTable const> tables, Findings& findings) {
  std::set<KeptRows> seen; // the others lack the same
  for (SourceTable const& table : tables) {
    auto const kept = kept_rows(job, table);
    if (!kept || !seen.insert(*kept).second)
      continue;
    TargetName const target = target_for(job, table.name);
    std::string const setting = *kept == KeptRows::marked     ? "deletes: soft"
                                : *kept == KeptRows::versions ? "history"
                                                              : "deletes: ignore";
    if (*kept == KeptRows::marked)
      check_table_rights(
          ddl, {target, {"UPDATE"}, "on it, by which a TRUNCATE marks its rows (deletes: soft)"},
          findings);
    check_table_rights(
        ddl,
        {target, {"SELECT"}, fmt::format("on it, by which its rows stay in a copy ({})", setting)},
        findings);
    TargetName const twin{target.database, target.table + "_walrock_copy_1"};
    std::string const why =
        fmt::format("there: a table whose rows stay ({}) is copied into one beside it", setting);
    check_table_rights(loads, {twin, {"INSERT"}, why}, findings);
    check_table_rights(ddl, {twin, {"INSERT", "ALTER", "DROP"}, why}, findings);
    if (!job.schema_sync.enable || !job.schema_sync.auto_create_table)
      check_target_rights(ddl, job, {"CREATE TABLE"}, findings);
  }
}

} // namespace walrock
