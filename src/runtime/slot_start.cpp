#include "runtime/slot_start.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/pause.h"
#include "runtime/slot_repair.h"

namespace walrock {

namespace {

constexpr int kFirstFailoverSlot = 170000;
constexpr Milliseconds kSlotPatience(30'000); // for a dead walrock's walsender to go

} // namespace

void SlotStart::compare_history(SourceHistory const& now) {
  lost_.reset();
  same_until_ = Lsn{UINT64_MAX};
  KnownPosition known = known_position(out_.checkpoint);
  if (!out_.checkpoint.job->consistent_lsn.is_set())
    known.timeline = 0; // nothing was read yet
  try {
    same_until_ = require_same_history(now, known);
    // On the same timeline the server has whatever it was told is durable here.
    if (same_until_ == Lsn{UINT64_MAX} && !out_.checkpoint.job->log_id.empty()) {
      known.needed = std::max(known.needed, out_.checkpoint.logged_lsn);
      (void)require_same_history(now, known);
    }
  } catch (Error const& error) {
    if (!is_cured(error))
      throw;
    lost_ = ErrorReport::of(error);
  }
}

bool SlotStart::is_cured(Error const& error) const {
  return job_.source.slot_lost == SlotLost::copy && is_cured_by_copying(error.code());
}

void SlotStart::take(Connection& source, SourceHistory const& now) {
  take_slot(source, now);
  choose_log();
}

void SlotStart::take_slot(Connection& source, SourceHistory const& now) {
  std::string const& name = job_.source.slot_name;
  bool const is_earliest = job_.source.startup == StartupMode::earliest;
  if (out_.checkpoint.job && out_.job.consistent_lsn.is_set() && go_on(source, now, name))
    return;
  auto slot = find_slot(source, name);
  if (slot && !out_.checkpoint.job && !is_earliest)
    throw Error(
        ErrorCode::slot_unknown,
        fmt::format("replication slot {} exists, but no checkpoint of this job knows it", name))
        .set_advice(fmt::format("If nothing else uses it, drop it and start again: {};",
                                drop_slot_sql(name)));
  if (is_earliest && !out_.checkpoint.job) {
    require_usable(slot, name, job_.source.database);
    out_.job.consistent_lsn = slot->confirmed_flush_lsn;
    out_.start_lsn = out_.job.consistent_lsn;
    return;
  }
  if (slot)
    drop_unused(source, std::move(slot), name);
  make(name, now.is_in_recovery);
}

// Left by a start that died between making and recording it, or given up.
void SlotStart::drop_unused(Connection& source, std::optional<Slot> slot, std::string const& name) {
  wait_until_free(source, slot, name);
  WALROCK_BEFORE(start_slot_drop);
  drop_slot(source, name);
  WALROCK_AFTER(start_slot_drop);
  log::info("dropped a slot that nothing is read from slot={}", name);
}

void SlotStart::make(std::string const& name, bool is_standby) {
  write_about_to_be_made();
  report_(is_standby
              ? "replication slot: waiting for the primary; SELECT pg_log_standby_snapshot() "
                "there makes it quicker"
              : "replication slot: waiting for transactions that write now",
          "");
  WALROCK_BEFORE(start_slot);
  out_.snapshot = std::make_unique<SnapshotKeeper>(
      addresses_.source, name,
      job_.source.slot_failover ? SlotLifetime::failover : SlotLifetime::permanent, stop_);
  WALROCK_AFTER(start_slot);
  out_.job.consistent_lsn = out_.snapshot->slot().consistent_lsn;
  out_.start_lsn = out_.job.consistent_lsn;
  log::info("created slot={} consistent_lsn={}", name, to_string(out_.job.consistent_lsn));
}

// A dead walrock's walsender may live on for a moment.
void SlotStart::wait_until_free(Connection& source, std::optional<Slot>& slot,
                                std::string const& name) {
  TimePoint const until = std::chrono::steady_clock::now() + kSlotPatience;
  while (slot && slot->active_pid && std::chrono::steady_clock::now() < until) {
    report_("replication slot",
            fmt::format("slot {} is in use by pid {}", name, *slot->active_pid));
    if (!pause_for(Milliseconds(200), stop_))
      throw Stopped();
    slot = find_slot(source, name);
  }
}

// False: it is lost, and every table is to be copied again under a new one.
bool SlotStart::go_on(Connection& source, SourceHistory const& now, std::string const& name) {
  try {
    if (!lost_)
      continue_slot(source, name);
  } catch (ConnectionLost const&) {
    throw;
  } catch (Error& error) {
    std::uint32_t const was = out_.checkpoint.job->timeline;
    if (error.code() == ErrorCode::slot_missing && was != 0 && was != now.timeline)
      error.add_context(fmt::format("the server was promoted (timeline {}, it was {}) and the slot "
                                    "was not kept there",
                                    now.timeline, was));
    if (!is_cured(error))
      throw;
    lost_ = ErrorReport::of(error);
  }
  if (lost_)
    give_up();
  return out_.job.consistent_lsn.is_set();
}

void SlotStart::give_up() {
  log::warning("every table is copied again, as slot.lost says, because of {}: {}",
               error_policy(lost_->code).word, lost_->message);
  CheckpointUpdate const update = forget_positions(out_.checkpoint, *lost_);
  WALROCK_BEFORE(start_give_up);
  store_.write(update);
  WALROCK_AFTER(start_give_up);
  out_.job.consistent_lsn = out_.logged_lsn = Lsn{};
  out_.job.log_id.clear();
  out_.found_log = {};
  lost_.reset();
}

void SlotStart::continue_slot(Connection& source, std::string const& name) {
  auto slot = find_slot(source, name);
  wait_until_free(source, slot, name);
  require_usable(slot, name, job_.source.database);
  // Only what the checkpoint has was ever acknowledged. What was acknowledged beyond the end of a
  // timeline held no commit of ours; other commits may stand there now.
  out_.start_lsn =
      std::min(same_until_, std::max(out_.checkpoint.flushed_lsn, out_.job.consistent_lsn));
  require_no_gap(*slot, continue_log(*slot));
  if (job_.source.slot_failover && !slot->is_failover &&
      source.server_version() >= kFirstFailoverSlot) {
    Connection replication(addresses_.source, ConnectionKind::replication, stop_);
    WALROCK_BEFORE(start_slot_failover);
    make_failover_slot(replication, name);
    WALROCK_AFTER(start_slot_failover);
    log::info("standbys are to keep the slot from now on slot={}", name);
  }
  note_timeline();
  log::info("continues slot={} from={}", name, to_string(out_.start_lsn));
}

// Durable before anything of the new timeline is read, together with the position where it begins.
void SlotStart::note_timeline() {
  JobRecord const& known = *out_.checkpoint.job;
  bool const is_promoted =
      known.timeline != out_.job.timeline || known.timeline_start != out_.job.timeline_start;
  if (!is_promoted && out_.logged_lsn == out_.checkpoint.logged_lsn)
    return;
  if (is_promoted && known.timeline != 0)
    log::warning("the server was promoted timeline={} was={} from={}", out_.job.timeline,
                 known.timeline, to_string(out_.start_lsn));
  CheckpointUpdate update;
  update.job = out_.job;
  update.flushed_lsn = out_.start_lsn;
  update.logged_lsn = out_.logged_lsn;
  write_record(update);
  out_.checkpoint.job = out_.job;
  out_.checkpoint.flushed_lsn = out_.start_lsn;
  out_.checkpoint.logged_lsn = out_.logged_lsn;
}

void SlotStart::write_record(CheckpointUpdate const& update) {
  WALROCK_BEFORE(start_job_record);
  store_.write(update);
  WALROCK_AFTER(start_job_record);
}

void SlotStart::write_about_to_be_made() {
  CheckpointUpdate update;
  update.job = out_.job;
  update.job->consistent_lsn = Lsn{};
  write_record(update);
  out_.checkpoint.job = update.job;
}

} // namespace walrock
