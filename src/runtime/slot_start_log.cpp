// The durable spool at the start: part of SlotStart.
#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <sys/random.h>

#include "base/log.h"
#include "runtime/slot_start.h"
#include "runtime/stream_log_start.h"

namespace walrock {

namespace {

std::string new_log_id() {
  unsigned char bytes[16];
  if (::getrandom(bytes, sizeof bytes, 0) != static_cast<ssize_t>(sizeof bytes))
    throw Error(ErrorCode::spool_failed, "the system has no random numbers");
  std::string out;
  for (unsigned const byte : bytes)
    out += fmt::format("{:02x}", byte);
  return out;
}

} // namespace

// What the log has that StarRocks may lack. Throws spool_lost.
FoundLog SlotStart::find_needed_log(Lsn flushed) const {
  Lsn const logged = out_.checkpoint.logged_lsn;
  if (job_.engine.durable_spool.empty())
    throw Error(ErrorCode::spool_lost,
                fmt::format("walrock.durable-spool is off, and StarRocks lacks changes from {} to "
                            "{} that are only there",
                            to_string(flushed), to_string(logged)))
        .set_advice("Name its folder again, until flushed_lsn has reached logged_lsn; or set "
                    "slot.lost: copy, which copies every table.");
  auto const disk = open_log_folder(job_.engine.durable_spool);
  FoundLog found =
      find_log(*disk, {out_.checkpoint.job->log_id, job_.id, flushed, logged, same_until_});
  log::info("continues durable spool id={} from={} to={}", out_.checkpoint.job->log_id,
            to_string(flushed), to_string(found.end_lsn));
  return found;
}

// From where the slot is needed: the end of the log, or start_lsn.
Lsn SlotStart::continue_log(Slot const& slot) {
  Lsn const flushed = out_.start_lsn;
  Lsn const known = out_.checkpoint.logged_lsn;
  out_.found_log = {{}, flushed};
  out_.logged_lsn = std::min(known, flushed);
  if (out_.job.log_id.empty() || std::min(known, same_until_) <= flushed)
    return flushed;
  try {
    out_.found_log = find_needed_log(flushed);
  } catch (Error const& error) {
    if (error.code() != ErrorCode::spool_lost || slot.confirmed_flush_lsn > flushed)
      throw;
    out_.job.log_id.clear();
    log::warning("durable spool is begun anew, PostgreSQL still has what was in it: {}",
                 error.what());
  }
  out_.logged_lsn = out_.found_log.end_lsn;
  return out_.found_log.end_lsn;
}

// The log that this start goes on with, or begins where the slot does.
void SlotStart::choose_log() {
  if (out_.found_log.end_lsn < out_.start_lsn)
    out_.found_log = {{}, out_.start_lsn};
  if (job_.engine.durable_spool.empty())
    out_.job.log_id.clear();
  else if (out_.job.log_id.empty())
    out_.job.log_id = new_log_id();
}

std::unique_ptr<StreamLog> open_stream_log(JobSpec const& job, Prepared& prepared,
                                           std::uint64_t incarnation) {
  if (job.engine.durable_spool.empty())
    return nullptr;
  auto disk = open_log_folder(job.engine.durable_spool);
  remove_other_segments(*disk, job.id, prepared.found_log);
  StreamLogSettings settings;
  settings.log_id = prepared.job.log_id;
  settings.job_id = job.id;
  settings.incarnation = incarnation;
  settings.limit = job.engine.durable_spool_limit;
  return std::make_unique<StreamLog>(std::move(disk), std::move(settings),
                                     std::move(prepared.found_log));
}

} // namespace walrock
