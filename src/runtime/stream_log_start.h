// What a start makes of the durable spool that an earlier one left: which of its segments count,
// and whether they have what the checkpoint says. Changes nothing. Blocking.
#pragma once

#include <string>

#include "model/lsn.h"
#include "runtime/log_disk.h"
#include "runtime/stream_log.h"

namespace walrock {

struct WantedLog {
  std::string log_id;
  std::string job_id;
  Lsn from;                   // flushed_lsn: nothing below is needed
  Lsn logged;                 // everything up to here was acknowledged
  Lsn same_until{UINT64_MAX}; // beyond it the log is of a timeline that was lost
};

// The log up to its last boundary at or below same_until and logged. What is behind logged was
// never acknowledged and comes again from the slot. Throws spool_lost: a gap, damage, another log,
// or no log at all; spool_failed for a folder that cannot be read.
[[nodiscard]] FoundLog find_log(LogDisk& disk, WantedLog const& wanted);

// Removes the files that are not of `found`. Throws spool_failed for those of another job, before
// anything is removed.
void remove_other_segments(LogDisk& disk, std::string const& job_id, FoundLog const& found);

// Whether a log of the job is there; for `walrock drop`.
[[nodiscard]] bool has_log(LogDisk& disk, std::string const& job_id);

} // namespace walrock
