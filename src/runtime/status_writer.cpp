#include "runtime/status_writer.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/chrono.h>

#include "base/log.h"
#include "model/pg_time.h"

namespace walrock {

namespace {

TimePoint clock_now() {
  return std::chrono::steady_clock::now();
}

std::string utc_after(TimePoint::duration wait) {
  auto const at = std::chrono::system_clock::now() +
                  std::chrono::duration_cast<std::chrono::system_clock::duration>(wait);
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(at)));
}

double seconds_since(std::int64_t pg_microseconds) {
  if (pg_microseconds == 0)
    return 0;
  return std::max(0.0, static_cast<double>(pg_now() - pg_microseconds) / 1e6);
}

} // namespace

StatusWriter::StatusWriter(JobSpec const& job, StatusBoard& board)
    : job_(job), board_(board), started_at_(clock_now()) {
  status_.job_id = job.id;
  status_.job_name = job.name;
}

void StatusWriter::phase(std::string const& text, std::string const& trouble) {
  status_.phase = text;
  status_.trouble = trouble;
  status_.state = trouble.empty() ? EngineState::starting : EngineState::waiting;
  board_.publish(status_);
  if (trouble.empty())
    log::info("start phase={}", text);
}

TableStatus StatusWriter::table_status(TableProgress progress) const {
  TableStatus table;
  table.name = std::move(progress.name);
  table.target = std::move(progress.target);
  table.state = progress.state;
  table.copied_rows = progress.copied_rows;
  auto const estimate = row_estimates_.find(progress.id);
  table.estimated_rows = estimate == row_estimates_.end() ? -1 : estimate->second;
  table.applied_rows = progress.applied_rows;
  table.applied_lsn = progress.applied_lsn;
  table.reason = std::move(progress.reason);
  table.trouble = std::move(progress.trouble);
  if (progress.copy_waits_until && *progress.copy_waits_until > clock_now())
    table.trouble = "was copied again a short while ago: the next copy begins at " +
                    utc_after(*progress.copy_waits_until - clock_now());
  table.quarantined_rows = progress.quarantined_rows;
  return table;
}

// The first that anybody has, the tables last.
std::string StatusWriter::trouble(Shared& shared) const {
  for (Trouble const* const part : {&shared.checkpoint_trouble, &shared.source_trouble,
                                    &shared.log_trouble, &shared.spool_trouble})
    if (std::string text = part->read(); !text.empty())
      return text;
  for (TableStatus const& table : status_.tables)
    if (!table.trouble.empty())
      return table.trouble;
  return {};
}

void StatusWriter::publish(Committer const& committer, Shared& shared) {
  status_.phase.clear();
  status_.tables.clear();
  bool is_copying = false;
  for (TableProgress& progress : committer.progress()) {
    TableStatus table = table_status(std::move(progress));
    is_copying |= table.state == TableState::init || table.state == TableState::copying;
    status_.tables.push_back(std::move(table));
  }
  auto const changed = shared.changed_values.read();
  changed_values_log_.note(changed, clock_now());
  for (auto const& [column, count] : changed)
    for (TableStatus& table : status_.tables)
      if (table.name == column.first)
        table.changed_values[column.second] = count;
  std::sort(status_.tables.begin(), status_.tables.end(),
            [](TableStatus const& a, TableStatus const& b) { return a.name < b.name; });
  status_.trouble = trouble(shared);
  status_.state = !status_.trouble.empty() ? EngineState::waiting
                  : is_copying             ? EngineState::copying
                                           : EngineState::running;
  status_.slot = shared.slot_outlook.read();
  status_.flushed_lsn = committer.flushed_lsn();
  status_.logged_lsn = Lsn{shared.figures.logged_lsn.load()};
  status_.log_used = shared.figures.log_used.load();
  status_.log_limit = job_.engine.durable_spool.empty() ? 0 : job_.engine.durable_spool_limit;
  status_.received_lsn = Lsn{shared.figures.received_lsn.load()};
  status_.server_lsn = Lsn{shared.figures.server_lsn.load()};
  status_.lag_bytes = status_.server_lsn > status_.flushed_lsn
                          ? status_.server_lsn.value - status_.flushed_lsn.value
                          : 0;
  status_.lag_seconds = seconds_since(committer.oldest_commit_time());
  status_.received_changes = shared.figures.change_count.load();
  status_.memory_used = shared.budget.used();
  status_.spool_used = shared.spool.used_bytes();
  status_.restart_count = shared.figures.restart_count.load();
  status_.uptime_ms = static_cast<std::uint64_t>(
      std::chrono::duration_cast<Milliseconds>(clock_now() - started_at_).count());
  board_.publish(status_);
}

void StatusWriter::finish(std::optional<ErrorReport> const& error) {
  changed_values_log_.finish();
  status_.phase.clear();
  status_.state = EngineState::stopped;
  if (error) {
    status_.state = EngineState::failed;
    status_.error = *error;
  }
  board_.publish(status_);
}

} // namespace walrock
