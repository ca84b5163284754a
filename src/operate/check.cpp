#include "operate/check.h"

#include <algorithm>

#include "config/table_rules.h"
#include "operate/addresses.h"
#include "operate/check_parts.h"
#include "operate/job_checkpoint.h"
#include "schema/target_design.h"

namespace walrock {

namespace {

// What one side says may fail for reasons of its own; the rest is checked all the same.
template <typename Work> void guarded(std::string const& where, Findings& findings, Work work) {
  try {
    work();
  } catch (Error const& error) {
    findings.add(where, error);
  }
}

class Check {
public:
  explicit Check(JobSpec const& job) : job_(job) {}

  std::vector<Finding> run() {
    guarded("checkpoint", findings_, [&] { checkpoint_ = read_job_checkpoint(job_); });
    guarded("source", findings_, [&] { check_source(); });
    guarded("target", findings_, [&] { check_target(); });
    return findings_.take();
  }

private:
  void check_source() {
    Connection source(source_address(job_), ConnectionKind::sql);
    guarded("source", findings_, [&] { check_server(source, job_, checkpoint_, findings_); });
    selection_ = select_tables(source, job_);
    guarded("source", findings_, [&] { check_selection(source, job_, selection_, findings_); });
    guarded("publication", findings_,
            [&] { check_publication(source, job_, selection_, findings_); });
    guarded("job file", findings_, [&] { (void)targets_for(job_, selection_.names()); });
    for (SourceTable const& table : selection_.tables)
      guarded(to_string(table.name), findings_, [&] { check_design(job_, table, findings_); });
  }

  void check_target() {
    SqlConnection sql(ddl_address(job_));
    sql.open();
    TargetCatalog catalog(sql);
    guarded("target", findings_, [&] {
      SqlConnection loads(target_address(job_)); // its user may be another one
      loads.open();
      check_target_rights(loads, job_, {"SELECT", "INSERT"}, findings_);
      if (has_quarantine())
        check_quarantine_table(loads, sql, job_, findings_);
      check_kept_rows_rights(loads, sql, job_, selection_.tables, findings_);
      if (job_.target.transactions == Transactions::across_tables)
        check_across_tables(loads, sql, job_, findings_);
    });
    if (job_.schema_sync.enable && job_.schema_sync.auto_create_table)
      check_target_rights(sql, job_, {"CREATE TABLE", "ALTER", "DROP"}, findings_);
    // Rows of append-only tables that may be there twice after a crash are deleted first.
    if (has_append_only_table())
      check_target_rights(sql, job_, {"DELETE"}, findings_);
    check_cluster(catalog, job_, findings_);
    for (SourceTable const& table : selection_.tables)
      guarded(to_string(target_for(job_, table.name)), findings_,
              [&] { check_target_table(catalog, job_, table, checkpoint_, findings_); });
  }

  // Append-only tables never use it.
  [[nodiscard]] bool has_quarantine() const {
    return std::any_of(selection_.tables.begin(), selection_.tables.end(), [&](auto const& table) {
      return options_for(job_, table.name).quarantine_limit().has_value();
    });
  }
  [[nodiscard]] bool has_append_only_table() const {
    return std::any_of(selection_.tables.begin(), selection_.tables.end(), [&](auto const& table) {
      try {
        return is_publishable(table) &&
               target_table_for(table, target_for(job_, table.name), options_for(job_, table.name))
                       .model == TableModel::duplicate;
      } catch (Error const&) {
        return false; // said where its design is checked
      }
    });
  }

  JobSpec const& job_;
  std::optional<Checkpoint> checkpoint_;
  Selection selection_;
  Findings findings_;
};

} // namespace

std::vector<Finding> check_job(JobSpec const& job) {
  return Check(job).run();
}

} // namespace walrock
