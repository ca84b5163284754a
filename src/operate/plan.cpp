#include "operate/plan.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "base/error.h"
#include "config/table_rules.h"
#include "operate/addresses.h"
#include "operate/job_checkpoint.h"
#include "operate/selection.h"
#include "postgres/publication.h"
#include "postgres/slot.h"
#include "schema/compare.h"
#include "schema/ddl.h"
#include "schema/made_columns.h"
#include "schema/target_design.h"
#include "schema/value_policy.h"
#include "starrocks/catalog.h"

namespace walrock {

namespace {

class Planner {
public:
  explicit Planner(JobSpec const& job)
      : job_(job), source_(source_address(job), ConnectionKind::sql), sql_(ddl_address(job)),
        catalog_(sql_), checkpoint_(read_job_checkpoint(job)) {}

  Plan run() {
    plan_.source = to_string(source_address(job_));
    plan_.target = to_string(ddl_address(job_)) + "/" + job_.target.database;
    plan_.notes = job_.notes;
    selection_ = select_tables(source_, job_);
    for (std::string const& sentence : selection_.unmatched)
      plan_.notes.push_back(sentence);
    for (ListedTable const& table : selection_.refused)
      plan_.notes.push_back(
          fmt::format("{} is left out: it {}", to_string(table.name), table.refusal()));
    if (selection_.listed.empty())
      throw Error(ErrorCode::table_not_found, selection_.unmatched.empty()
                                                  ? "table-name selects no table"
                                                  : selection_.unmatched.front());
    plan_publication();
    plan_slot();
    std::vector<std::string> const databases = catalog_.databases();
    if (std::find(databases.begin(), databases.end(), job_.target.database) == databases.end())
      plan_.database_sql = create_database_sql(job_.target.database);
    plan_tables();
    return std::move(plan_);
  }

private:
  void plan_publication() {
    plan_.publication_name = job_.source.publication_name;
    std::vector<TableName> absent = selection_.publishable_names();
    auto const publication = find_publication(source_, plan_.publication_name);
    if (!publication) {
      plan_.publication_sql = create_publication_sql(
          plan_.publication_name, absent, selection_.has_partitioned, source_.server_version());
      return;
    }
    std::erase_if(absent, [&](TableName const& name) { return publication->covers(name); });
    if (!absent.empty())
      plan_.publication_sql = add_tables_sql(plan_.publication_name, absent);
  }

  void plan_slot() {
    plan_.slot_name = job_.source.slot_name;
    if (!find_slot(source_, plan_.slot_name))
      plan_.slot_sql = fmt::format("SELECT pg_create_logical_replication_slot({}, 'pgoutput')",
                                   quote_pg_literal(plan_.slot_name));
  }

  void plan_tables() {
    auto const replicas = catalog_.replicas_of_small_cluster();
    auto const targets = targets_for(job_, selection_.names());
    for (ListedTable const& listed : selection_.listed) {
      PlannedTable table;
      table.source = listed.name;
      table.target = targets.at(listed.name);
      table.row_estimate = listed.row_estimate;
      table.byte_count = listed.byte_count;
      auto const source =
          std::find_if(selection_.tables.begin(), selection_.tables.end(),
                       [&](SourceTable const& described) { return described.id == listed.id; });
      try {
        if (source != selection_.tables.end())
          plan_table(*source, replicas, table);
      } catch (ConnectionLost const&) {
        throw;
      } catch (Error const& error) {
        table.action = PlannedTable::Action::set_aside;
        table.problem = fmt::format("{}. {}", error.what(), error.advice());
      }
      plan_.tables.push_back(std::move(table));
    }
  }

  [[nodiscard]] bool is_known(SourceTable const& source, TargetName const& target) const {
    return checkpoint_ && std::any_of(checkpoint_->tables.begin(), checkpoint_->tables.end(),
                                      [&](TableRecord const& record) {
                                        return record.id == source.id && record.target == target &&
                                               record.applied_lsn.is_set();
                                      });
  }

  void plan_table(SourceTable const& source, std::optional<std::size_t> const& replicas,
                  PlannedTable& table) {
    if (!is_publishable(source)) {
      Advice const advice = unpublishable_advice(source);
      table.action = PlannedTable::Action::set_aside;
      table.problem = fmt::format("{}. {}", advice.message, advice.sql);
      return;
    }
    TargetTable wanted = target_table_for(source, table.target, options_for(job_, source.name));
    for (std::string& sentence : version_sentences(source, wanted, options_for(job_, source.name)))
      plan_.notes.push_back(std::move(sentence));
    for (std::string const& sentence :
         policy_sentences(source, wanted, options_for(job_, source.name)))
      plan_.notes.push_back(fmt::format("{}: {}", to_string(source.name), sentence));
    if (replicas)
      wanted.properties.emplace("replication_num", std::to_string(*replicas));
    auto const existing = catalog_.describe_table(table.target);
    bool const creates = job_.schema_sync.enable && job_.schema_sync.auto_create_table;
    if (existing && is_known(source, table.target)) {
      table.action = PlannedTable::Action::go_on;
      return;
    }
    bool const is_replaced = existing && creates && existing->model == TableModel::unique &&
                             wanted.model != existing->model && !catalog_.has_rows(table.target);
    if (!existing || is_replaced) {
      table.action = is_replaced ? PlannedTable::Action::replace : PlannedTable::Action::create;
      table.sql = create_table_sql(wanted);
      if (!creates) {
        table.action = PlannedTable::Action::set_aside;
        table.problem = "the table does not exist and schema-sync.auto-create-table is off";
      }
      return;
    }
    table.action = PlannedTable::Action::use;
    wanted = target_table_beside(source, *existing, options_for(job_, source.name));
    for (Mismatch const& mismatch : compare(source, wanted, *existing)) {
      bool const is_ignored =
          !mismatch.column.empty() && job_.schema_sync.ignore_incompatible_fields;
      if (mismatch.is_warning || is_ignored)
        continue;
      table.action = PlannedTable::Action::set_aside;
      table.problem += (table.problem.empty() ? "" : "; ") + to_string(mismatch);
    }
    check_rows(source, table);
  }

  void check_rows(SourceTable const& source, PlannedTable& table) {
    bool const is_refused = table.action == PlannedTable::Action::use &&
                            job_.source.startup == StartupMode::initial &&
                            options_for(job_, source.name).existing_rows == ExistingRows::fail &&
                            catalog_.has_rows(table.target);
    if (!is_refused)
      return;
    table.action = PlannedTable::Action::set_aside;
    table.problem = "the table has rows that walrock did not load: choose existing-rows: truncate, "
                    "keep or swap";
  }

  JobSpec const& job_;
  Connection source_;
  SqlConnection sql_;
  TargetCatalog catalog_;
  std::optional<Checkpoint> checkpoint_;
  Selection selection_;
  Plan plan_;
};

} // namespace

std::string_view to_string(PlannedTable::Action action) {
  switch (action) {
  case PlannedTable::Action::create: return "create";
  case PlannedTable::Action::replace: return "replace";
  case PlannedTable::Action::use: return "use";
  case PlannedTable::Action::go_on: return "go on";
  case PlannedTable::Action::set_aside: return "set aside";
  }
  return "";
}

Plan plan_job(JobSpec const& job) {
  return Planner(job).run();
}

} // namespace walrock
