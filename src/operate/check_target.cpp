// StarRocks: the cluster, and what stands where tables are to go.
#include <algorithm>

#include <fmt/format.h>

#include "config/table_rules.h"
#include "model/progress.h"
#include "model/quarantine.h"
#include "operate/addresses.h"
#include "operate/check_parts.h"
#include "schema/compare.h"
#include "schema/ddl.h"
#include "schema/made_columns.h"
#include "schema/target_design.h"
#include "starrocks/http_client.h"
#include "starrocks/url.h"

namespace walrock {

namespace {

constexpr ServerVersion kOldestVersion{2, 4, 0};
constexpr Milliseconds kHealthTimeout{5'000};
constexpr std::size_t kHealthBytes = 64 * 1024;

void check_frontends(HttpClient& http, Findings& findings) {
  TargetAddress const& address = http.address();
  for (Frontend const& frontend : address.frontends) {
    std::string const where = host_port(frontend.host, frontend.http_port);
    auto const outcome =
        http.fetch(fmt::format("{}://{}/api/health", address.uses_https ? "https" : "http", where),
                   kHealthBytes, kHealthTimeout);
    if (!outcome.answer)
      findings.add(Severity::error, where,
                   "the frontend does not answer over HTTP: " + outcome.failure,
                   "correct fe-nodes, or open the port for this machine", "target_unreachable");
    else if (outcome.answer->status != 200)
      findings.add(Severity::error, where,
                   fmt::format("/api/health answers {}: this is no frontend of StarRocks",
                               outcome.answer->status),
                   "fe-nodes takes the HTTP port of frontends, 8030 by default",
                   "target_protocol_violation");
  }
}

// Loads are redirected to backends under the address that they registered: it must be reachable
// from here, not only from the frontend.
void check_backends(TargetCatalog& catalog, HttpClient& http, Findings& findings) {
  auto const backends = catalog.backends();
  if (!backends) {
    findings.add(Severity::note, "target",
                 "this user may not ask for backends, so it is not known whether loads reach them");
    return;
  }
  bool const has_one = std::any_of(backends->begin(), backends->end(),
                                   [](Backend const& backend) { return backend.is_alive; });
  if (!has_one)
    findings.add(Severity::error, "target", "no backend is alive", "start one",
                 "target_unreachable");
  for (Backend const& backend : *backends) {
    std::string const where = host_port(backend.host, backend.http_port);
    if (!backend.is_alive) {
      findings.add(Severity::warning, where, "the frontend says that this backend is not alive");
      continue;
    }
    Url const url = reachable_url({"http", backend.host, backend.http_port, "/api/health"},
                                  http.address().backend_hosts);
    auto const outcome = http.fetch(to_string(url), kHealthBytes, kHealthTimeout);
    if (!outcome.answer)
      findings.add(
          Severity::error, where,
          fmt::format("loads are redirected to this backend, and it cannot be reached from "
                      "here: {}",
                      outcome.failure),
          fmt::format("sink.starrocks.backend-hosts: {{\"{}\": \"reachable-host:port\"}}", where),
          "target_unreachable");
  }
}

void check_database(TargetCatalog& catalog, JobSpec const& job, Findings& findings) {
  std::vector<std::string> const databases = catalog.databases();
  bool const has_database =
      std::find(databases.begin(), databases.end(), job.target.database) != databases.end();
  bool const creates = job.schema_sync.enable && job.schema_sync.auto_create_table;
  if (has_database)
    return;
  std::string const sql = create_database_sql(job.target.database) + ";";
  if (creates)
    findings.add(Severity::note, "target",
                 fmt::format("database {} does not exist or this user sees nothing in it; walrock "
                             "creates it",
                             job.target.database),
                 sql);
  else
    findings.add(Severity::error, "target",
                 fmt::format("database {} does not exist or this user sees nothing in it",
                             job.target.database),
                 sql, "target_table_missing");
}

bool is_done(std::optional<Checkpoint> const& checkpoint, SourceTable const& table,
             TargetName const& target) {
  return checkpoint && std::any_of(checkpoint->tables.begin(), checkpoint->tables.end(),
                                   [&](TableRecord const& record) {
                                     return record.id == table.id && record.target == target &&
                                            record.applied_lsn.is_set();
                                   });
}

std::string mismatch_text(Mismatch const& mismatch) {
  if (mismatch.column.empty())
    return mismatch.what;
  std::string const& target = mismatch.target_type;
  return fmt::format("column {} (source {}, target {}): {}", mismatch.column,
                     mismatch.source_type.empty() ? "-" : mismatch.source_type,
                     target.empty() ? "missing" : target, mismatch.what);
}

void check_fit(JobSpec const& job, SourceTable const& table, TargetTable const& wanted,
               TargetTable const& existing, Findings& findings) {
  for (Mismatch const& mismatch : compare(table, wanted, existing)) {
    bool const is_ignored = !mismatch.column.empty() && job.schema_sync.ignore_incompatible_fields;
    findings.add(mismatch.is_warning || is_ignored ? Severity::warning : Severity::error,
                 to_string(existing.name), mismatch_text(mismatch), mismatch.fix,
                 "target_table_mismatch");
  }
}

void check_rows(TargetCatalog& catalog, TargetName const& target, TableOptions const& options,
                Findings& findings) {
  if (!catalog.has_rows(target))
    return;
  switch (options.existing_rows) {
  case ExistingRows::fail:
    findings.add(Severity::error, to_string(target), "the table has rows that walrock did not load",
                 fmt::format("existing-rows: truncate (removes them), keep (loads over them) or "
                             "swap (replaces the table); or empty it: {};",
                             truncate_sql(target)),
                 "target_has_rows");
    return;
  case ExistingRows::truncate:
  case ExistingRows::swap:
    findings.add(Severity::warning, to_string(target),
                 "the rows that are there are replaced, as existing-rows says");
    return;
  case ExistingRows::keep:
    findings.add(Severity::note, to_string(target),
                 "the rows that are there stay, as existing-rows says: those that the source does "
                 "not have are never removed");
    return;
  }
}

// Columns that the job asks for are added, or it is refused; those that tell where a row of an
// append-only table came from may be lacking.
void check_origin(TargetCatalog& catalog, JobSpec const& job, TargetTable const& wanted,
                  TargetTable const& existing, TableOptions const& options, Findings& findings) {
  auto const lacking = made_columns_lacking(wanted, existing);
  bool const may_add = job.schema_sync.enable && !job.schema_sync.ignore_incompatible_fields;
  bool const is_optional =
      !options.is_history() && std::all_of(lacking.begin(), lacking.end(), is_of_origin);
  if (lacking.empty() || (!may_add && is_optional))
    return;
  std::string const sql = add_columns_sql(existing.name, lacking) + ";";
  if (!may_add) {
    findings.add(Severity::error, to_string(existing.name),
                 "the table lacks columns that the job asks for", sql, "target_table_mismatch");
    return;
  }
  bool const has_origin =
      existing.column(kLsnColumn) != nullptr || wanted.model == TableModel::primary;
  if (has_origin) {
    findings.add(Severity::note, to_string(existing.name),
                 "walrock adds the columns that the job asks for", sql);
    return;
  }
  bool const is_copied = job.source.startup == StartupMode::initial;
  bool const rows_stay = !is_copied || options.existing_rows == ExistingRows::keep;
  if (rows_stay && catalog.has_rows(existing.name))
    findings.add(is_copied ? Severity::error : Severity::warning, to_string(existing.name),
                 "the table has rows and lacks the columns that tell after a crash which rows are "
                 "there",
                 sql, "target_table_mismatch");
  else
    findings.add(Severity::note, to_string(existing.name),
                 "walrock adds the columns that tell where a row came from", sql);
}

// A table that walrock makes beside the targets. what: "rows in quarantine".
void check_own_table(SqlConnection& ddl, JobSpec const& job, TargetTable const& wanted,
                     bool (*is_right)(TargetTable const&), std::string const& what,
                     Findings& findings) {
  bool const creates = job.schema_sync.enable && job.schema_sync.auto_create_table;
  auto const existing = TargetCatalog(ddl).describe_table(wanted.name);
  if (!existing && !creates)
    findings.add(Severity::error, to_string(wanted.name),
                 fmt::format("the table of {} does not exist and schema-sync.auto-create-table is "
                             "off",
                             what),
                 create_table_sql(wanted) + ";", "target_table_missing");
  if (existing && !is_right(*existing))
    findings.add(Severity::error, to_string(wanted.name),
                 fmt::format("is not the table of {} that walrock makes", what), "rename it",
                 "target_table_mismatch");
}

} // namespace

void check_quarantine_table(SqlConnection& loads, SqlConnection& ddl, JobSpec const& job,
                            Findings& findings) {
  TargetTable const wanted = quarantine_table(job.target.database);
  check_own_table(ddl, job, wanted, is_quarantine_table, "rows in quarantine", findings);
  std::string const what = "on the table of rows in quarantine";
  check_table_rights(loads, {wanted.name, {"INSERT"}, what}, findings);
  // Reading it at a start, emptying it before a copy, and what `walrock quarantine retry` does.
  check_table_rights(ddl, {wanted.name, {"SELECT", "UPDATE", "DELETE"}, what}, findings);
}

void check_across_tables(SqlConnection& loads, SqlConnection& ddl, JobSpec const& job,
                         Findings& findings) {
  ServerVersion const version = TargetCatalog(ddl).version();
  if (version < kFirstWithGroups)
    findings.add(
        Severity::error, "target",
        fmt::format("StarRocks {} cannot commit several tables at once", to_string(version)),
        fmt::format("transactions: across-tables needs {} or later; leave it out, and "
                    "each table is committed by itself",
                    to_string(kFirstWithGroups)),
        "transactions_unsupported");
  TargetTable const wanted = progress_table(job.target.database);
  check_own_table(ddl, job, wanted, is_progress_table, "transactions", findings);
  std::string const what = "on the table of transactions";
  check_table_rights(loads, {wanted.name, {"INSERT"}, what}, findings);
  check_table_rights(ddl, {wanted.name, {"SELECT"}, what}, findings);
}

void check_cluster(TargetCatalog& catalog, JobSpec const& job, Findings& findings) {
  ServerVersion const version = catalog.version();
  if (version < kOldestVersion)
    findings.add(Severity::error, "target",
                 fmt::format("StarRocks {} has no load transactions", to_string(version)),
                 "use version 2.4 or later", "target_model_unsupported");
  HttpClient http(target_address(job));
  check_frontends(http, findings);
  check_backends(catalog, http, findings);
  check_database(catalog, job, findings);
}

void check_target_table(TargetCatalog& catalog, JobSpec const& job, SourceTable const& table,
                        std::optional<Checkpoint> const& checkpoint, Findings& findings) {
  TableOptions const options = options_for(job, table.name);
  TargetName const target = target_for(job, table.name);
  TargetTable wanted;
  try {
    wanted = target_table_for(table, target, options);
  } catch (Error const&) {
    return; // said when the source's tables were checked
  }
  bool const creates = job.schema_sync.enable && job.schema_sync.auto_create_table;
  auto const existing = catalog.describe_table(target);
  if (!existing) {
    if (!creates)
      findings.add(Severity::error, to_string(target),
                   "the table does not exist and schema-sync.auto-create-table is off",
                   create_table_sql(wanted) + ";", "target_table_missing");
    return;
  }
  wanted = target_table_beside(table, *existing, options);
  if (is_done(checkpoint, table, target))
    return; // walrock's own by now
  bool const is_replaced = creates && existing->model == TableModel::unique &&
                           wanted.model != TableModel::unique && !catalog.has_rows(target);
  if (is_replaced) {
    findings.add(
        Severity::note, to_string(target),
        "this empty UNIQUE KEY table is replaced by a PRIMARY KEY table, because StarRocks "
        "ignores deletes in it");
    return;
  }
  check_fit(job, table, wanted, *existing, findings);
  check_origin(catalog, job, wanted, *existing, options, findings);
  if (job.source.startup == StartupMode::initial)
    check_rows(catalog, target, options, findings);
}

} // namespace walrock
