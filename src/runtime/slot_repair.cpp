#include "runtime/slot_repair.h"

#include <algorithm>

#include <fmt/format.h>

namespace walrock {

KnownPosition known_position(Checkpoint const& checkpoint) {
  KnownPosition known;
  known.system_identifier = checkpoint.job->system_identifier;
  known.timeline = checkpoint.job->timeline;
  known.timeline_start = checkpoint.job->timeline_start;
  for (TableRecord const& table : checkpoint.tables)
    if (table.state != TableState::errored)
      known.needed = std::max(known.needed, table.applied_lsn);
  // A label that is about to be rolled back may have been committed.
  for (LabelRecord const& label : checkpoint.labels)
    known.needed = std::max(known.needed, label.end_lsn);
  return known;
}

bool is_cured_by_copying(ErrorCode code) {
  switch (code) {
  case ErrorCode::slot_missing:
  case ErrorCode::slot_invalidated:
  case ErrorCode::slot_moved:
  case ErrorCode::source_rewound:
  case ErrorCode::timeline_diverged:
  case ErrorCode::spool_lost: return true;
  default: return false; // whatever else it is, the tables are not the cause
  }
}

bool is_settled_by_start(ErrorCode code) {
  return code == ErrorCode::timeline_switched || is_cured_by_copying(code);
}

CheckpointUpdate forget_positions(Checkpoint& checkpoint, ErrorReport const& why) {
  checkpoint.job->consistent_lsn = Lsn{};
  checkpoint.job->log_id.clear();
  checkpoint.flushed_lsn = checkpoint.logged_lsn = Lsn{};
  CheckpointUpdate update;
  update.job = checkpoint.job;
  update.flushed_lsn = update.logged_lsn = Lsn{};
  for (TableRecord& table : checkpoint.tables) {
    if (table.state == TableState::errored)
      continue;
    // Of a first copy that did not end the rows of the target are not walrock's, and a start tells
    // that by the reason.
    bool const is_copied = table.applied_lsn.is_set() || !table.reason.empty();
    table.state = TableState::init;
    table.applied_lsn = Lsn{};
    table.copied_rows = 0;
    if (is_copied)
      table.reason =
          fmt::format("copied again because of {}: {}", error_policy(why.code).word, why.message);
    update.tables.push_back(table);
  }
  return update;
}

} // namespace walrock
