// The slot at the start: made, continued, or given up for a new one. Part of startup.cpp; blocking.
//
// Invariants: our record says that the slot is ours before it exists. Where it begins is recorded
// later, together with what becomes of the tables (startup.cpp): a start that dies before has
// decided nothing, and the next one is a first start again.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "base/error.h"
#include "config/job_spec.h"
#include "model/checkpoint.h"
#include "postgres/slot.h"
#include "postgres/timeline.h"
#include "runtime/startup.h"
#include "runtime/stream_log.h"

namespace walrock {

class SlotStart {
public:
  // All must outlive it. out: its checkpoint and job are read; job, start_lsn and snapshot are set.
  SlotStart(JobSpec const& job, EngineAddresses const& addresses, CheckpointStore& store,
            Report const& report, std::stop_token const& stop, Prepared& out)
      : job_(job), addresses_(addresses), store_(store), report_(report), stop_(stop), out_(out) {}

  // Before anything is changed on the server. Throws when it does not have what the target has,
  // unless copying every table again is asked for, which take() then does.
  void compare_history(SourceHistory const& now);
  // May be called again after ConnectionLost.
  void take(Connection& source, SourceHistory const& now);

private:
  void take_slot(Connection& source, SourceHistory const& now);
  [[nodiscard]] bool is_cured(Error const& error) const;
  void drop_unused(Connection& source, std::optional<Slot> slot, std::string const& name);
  void make(std::string const& name, bool is_standby);
  void wait_until_free(Connection& source, std::optional<Slot>& slot, std::string const& name);
  [[nodiscard]] bool go_on(Connection& source, SourceHistory const& now, std::string const& name);
  void give_up();
  void continue_slot(Connection& source, std::string const& name);
  void note_timeline();
  // slot_start_log.cpp
  [[nodiscard]] FoundLog find_needed_log(Lsn flushed) const;
  [[nodiscard]] Lsn continue_log(Slot const& slot);
  void choose_log();
  void write_record(CheckpointUpdate const& update); // of which the job is a part
  void write_about_to_be_made();

  JobSpec const& job_;
  EngineAddresses const& addresses_;
  CheckpointStore& store_;
  Report const& report_;
  std::stop_token const& stop_;
  Prepared& out_;
  Lsn same_until_{UINT64_MAX};      // from here on the server's WAL is not the one we read
  std::optional<ErrorReport> lost_; // why the slot cannot be continued, when that is cured
};

// The log that the start found, or a new one; nullptr: walrock.durable-spool is off. Called when
// the checkpoint names it: what it does not need is removed.
[[nodiscard]] std::unique_ptr<StreamLog> open_stream_log(JobSpec const& job, Prepared& prepared,
                                                         std::uint64_t incarnation);

} // namespace walrock
