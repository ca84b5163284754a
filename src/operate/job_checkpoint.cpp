#include "operate/job_checkpoint.h"

#include <algorithm>
#include <map>
#include <tuple>

#include <fmt/format.h>
#include <unistd.h>

#include "base/error.h"
#include "checkpoint/sqlite_store.h"
#include "model/progress.h"
#include "operate/addresses.h"
#include "starrocks/checkpoint_store.h"
#include "starrocks/checkpoint_table.h"

namespace walrock {

namespace {

bool is_file(JobSpec const& job) {
  return job.engine.checkpoint_store == CheckpointPlace::file;
}

std::string action_of(TableRecord const& table) {
  switch (table.state) {
  case TableState::init: return "is copied";
  case TableState::copying: return "is emptied and copied again: its snapshot is gone";
  case TableState::copied:
  case TableState::catching_up:
  case TableState::ready: return "follows from " + to_string(table.applied_lsn);
  case TableState::errored:
    return table.applied_lsn.is_set() ? "stays set aside" : "is looked at again";
  }
  return "";
}

// As the committer does it, see Committer::restore.
RestartLabel plan_of(LabelRecord const& label, TableRecord const* table) {
  RestartLabel plan;
  plan.record = label;
  if (label.table == kSeveralTables)
    plan.reason = "of several tables: unless it is committed, which StarRocks is asked";
  else if (table == nullptr)
    plan.reason = "its table left the job";
  else if (label.state == LabelRecord::State::intended)
    plan.reason = "begun and not recorded as prepared: its rows are read again";
  else if (table->state == TableState::errored)
    plan.reason = "its table is set aside";
  else if (table->state == TableState::init || table->state == TableState::copying)
    plan.reason = "its table is copied again";
  else {
    plan.is_committed = true;
    plan.reason = "prepared and recorded: its rows are not loaded again";
  }
  return plan;
}

} // namespace

std::string checkpoint_place(JobSpec const& job) {
  if (is_file(job))
    return job.engine.checkpoint_folder + "/checkpoint.db";
  return fmt::format("{}.checkpoint in StarRocks at {}", job.engine.checkpoint_database,
                     to_string(target_address(job)));
}

std::optional<Checkpoint> read_job_checkpoint(JobSpec const& job) {
  if (is_file(job))
    return read_checkpoint(job.engine.checkpoint_folder);
  auto found =
      read_starrocks_checkpoint(target_address(job), job.engine.checkpoint_database, job.id);
  return found ? std::optional(std::move(found->checkpoint)) : std::nullopt;
}

namespace {

StarRocksStoreSettings store_settings(JobSpec const& job) {
  StarRocksStoreSettings settings;
  settings.address = target_address(job);
  settings.ddl = ddl_address(job);
  settings.database = job.engine.checkpoint_database;
  settings.job_id = job.id;
  settings.silence = job.engine.checkpoint_takeover;
  return settings;
}

} // namespace

std::unique_ptr<CheckpointStore> open_job_store(JobSpec const& job) {
  if (is_file(job))
    return std::make_unique<SqliteStore>(job.engine.checkpoint_folder);
  StarRocksStoreSettings settings = store_settings(job);
  settings.host = "walrock quarantine";
  return std::make_unique<StarRocksStore>(std::move(settings));
}

void remove_job_checkpoint(JobSpec const& job) {
  if (is_file(job)) {
    (void)remove_checkpoint(job.engine.checkpoint_folder);
    return;
  }
  StarRocksStoreSettings settings = store_settings(job);
  settings.host = "walrock drop";
  StarRocksStore store(std::move(settings));
  (void)store.begin_incarnation(); // a walrock that still runs somewhere refuses it
  store.remove();
}

RestartPlan restart_plan(Checkpoint const& checkpoint) {
  RestartPlan plan;
  if (checkpoint.job) {
    plan.start_lsn = std::max(checkpoint.flushed_lsn, checkpoint.job->consistent_lsn);
    plan.source = fmt::format("slot {} of database {}, system {}", checkpoint.job->slot_name,
                              checkpoint.job->source_database, checkpoint.job->system_identifier);
  }
  std::map<RelationId, TableRecord const*> tables;
  for (TableRecord const& table : checkpoint.tables) {
    tables[table.id] = &table;
    plan.tables.push_back({table, action_of(table)});
  }
  std::sort(plan.tables.begin(), plan.tables.end(),
            [](RestartTable const& a, RestartTable const& b) {
              return a.record.source < b.record.source;
            });
  for (LabelRecord const& label : checkpoint.labels) {
    auto const table = tables.find(label.table);
    plan.labels.push_back(plan_of(label, table == tables.end() ? nullptr : table->second));
  }
  std::stable_sort(plan.labels.begin(), plan.labels.end(),
                   [](RestartLabel const& left, RestartLabel const& right) {
                     LabelRecord const& a = left.record;
                     LabelRecord const& b = right.record;
                     return std::tie(a.table, a.end_lsn, a.epoch, a.part) <
                            std::tie(b.table, b.end_lsn, b.epoch, b.part);
                   });
  return plan;
}

} // namespace walrock
