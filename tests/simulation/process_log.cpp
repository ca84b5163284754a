// walrock with a durable spool, as slot_start_log.cpp, stream_thread_log.cpp and
// stream_log_keeper.cpp drive the log. Part of Process.
#include <algorithm>

#include "runtime/slot_repair.h"
#include "runtime/stream_log_start.h"
#include "simulation/process.h"

namespace walrock::simulation {

namespace {

char const* name_of(MemoryDisk::Call call) {
  switch (call) {
  case MemoryDisk::Call::create: return "create";
  case MemoryDisk::Call::write: return "write";
  case MemoryDisk::Call::sync: return "sync";
  case MemoryDisk::Call::cut: return "cut";
  case MemoryDisk::Call::remove: return "remove";
  case MemoryDisk::Call::sync_names: return "sync names";
  }
  return "";
}

} // namespace

// Where the log goes on, as SlotStart::continue_log. Throws spool_lost.
FoundLog Process::continue_log(Checkpoint& checkpoint) {
  Lsn const known = checkpoint.logged_lsn;
  FoundLog found{{}, start_lsn_};
  Lsn logged = std::min(known, start_lsn_);
  std::string& log_id = checkpoint.job->log_id;
  if (!log_id.empty() && known > start_lsn_) {
    try {
      if (!settings_.durable_spool)
        throw Error(ErrorCode::spool_lost, "the durable spool is off");
      found = find_log(*world_.spool->open(), {log_id, "job", start_lsn_, known, Lsn{UINT64_MAX}});
    } catch (Error const& error) {
      if (error.code() != ErrorCode::spool_lost || world_.source.confirmed() > start_lsn_)
        throw;
      world_.trace.say("the slot still has what was in the log: {}", error.what());
      log_id.clear();
    }
    logged = found.end_lsn;
  }
  if (logged == known)
    return found;
  CheckpointUpdate update;
  update.job = checkpoint.job;
  update.flushed_lsn = checkpoint.flushed_lsn = start_lsn_;
  update.logged_lsn = checkpoint.logged_lsn = logged;
  maybe_crash("the end of the log is written");
  world_.store.write(update);
  return found;
}

// False: every table is copied again under a new slot.
bool Process::find_position(Checkpoint& checkpoint, FoundLog& found) {
  try {
    found = continue_log(checkpoint);
  } catch (Error const& error) {
    if (!settings_.durable_spool)
      throw Refused{};
    if (!world_.spool->is_harmed())
      throw Violation(std::string("the log lacks what was acknowledged: ") + error.what());
    world_.trace.say("every table is copied again: {}", error.what());
    ++world_.spools_lost;
    for (std::size_t i = 0; i < world_.source.table_count(); ++i)
      world_.on_read_again(i, false);
    CheckpointUpdate const update = forget_positions(checkpoint, ErrorReport::of(error));
    maybe_crash("the positions are forgotten");
    world_.store.write(update);
    return false;
  }
  if (Lsn const end = std::max(start_lsn_, found.end_lsn); world_.source.confirmed() > end)
    throw Violation(fmt::format("the slot is at {}, the checkpoint at {}: a gap",
                                world_.source.confirmed().value, end.value));
  return true;
}

void Process::choose_log(JobRecord& job, FoundLog& found) const {
  if (found.end_lsn < start_lsn_)
    found = {{}, start_lsn_};
  if (!settings_.durable_spool)
    job.log_id.clear();
  else if (job.log_id.empty())
    job.log_id = fmt::format("log-{}", settings_.committer.incarnation);
}

void Process::open_log(JobRecord const& job, FoundLog found) {
  if (!settings_.durable_spool)
    return;
  auto disk = world_.spool->open();
  world_.spool->memory().refuses = [this](MemoryDisk::Call call, std::string const& name) {
    maybe_crash("a call to the disk of the durable spool");
    bool const is_refused = log_ != nullptr && world_.dice.chance(world_.faults.disk_failed);
    world_.trace.say("disk: {} {}{}", name_of(call), name, is_refused ? " is refused" : "");
    return is_refused;
  };
  remove_other_segments(*disk, "job", found);
  world_.spool->looked_at();
  log_ = std::make_unique<StreamLog>(
      std::move(disk),
      StreamLogSettings{job.log_id, "job", settings_.committer.incarnation,
                        settings_.durable_spool->limit, settings_.durable_spool->segment_bytes,
                        settings_.durable_spool->record_bytes},
      std::move(found));
  intake_.emplace(*log_);
  reader_.emplace(*log_);
  later(some_delay(Milliseconds(60)), [this] { log_step(); });
}

// As keep_stream_log.
void Process::log_step() {
  later(Milliseconds(world_.dice.between(1, 60)), [this] { log_step(); });
  if (log_->sync())
    push([synced = log_->synced_lsn()](Committer& to, TimePoint) { to.on_logged(synced); });
  log_->let_go(shared_flushed_);
}

// Where the server is to go on.
Lsn Process::begin_reading(Lsn flushed) {
  if (!log_)
    return flushed;
  intake_->begin_stream();
  return log_->end_lsn();
}

void Process::begin_machine(Lsn from) {
  spooled_.clear();
  machine_->start(from);
  if (log_)
    reader_->seek(from);
  world_.trace.say("stream starts from {}", from.value);
  push([from](Committer& to, TimePoint) { to.on_stream_started(from); });
  confirm_followed();
}

// True: the log had what is wanted again, and the server is not asked.
bool Process::goes_back_in_log() {
  if (!log_)
    return false;
  begin_machine(std::max(start_lsn_, shared_flushed_));
  return true;
}

void Process::keep_log() {
  if (!log_)
    return;
  if (auto const fault = log_->fault())
    throw Error(ErrorCode::spool_failed, *fault);
  log_->flush();
}

// Hands the machine some of what the log has.
void Process::feed_from_log() {
  if (!log_)
    return;
  StreamActions actions;
  for (int i = world_.dice.between(1, 12); i > 0 && memory_->has_room(); --i) {
    auto const outcome = reader_->read();
    if (auto const* const all = std::get_if<StreamLogReader::AllRead>(&outcome)) {
      machine_->on_keepalive(all->wal_end, world_.timeline.now(), actions);
      return perform_stream(actions);
    }
    if (auto const* const idle = std::get_if<StreamLogReader::Idle>(&outcome))
      machine_->on_keepalive(idle->wal_end, world_.timeline.now(), actions);
    else
      machine_->on_payload(std::get<StreamLogReader::Payload>(outcome).bytes, world_.timeline.now(),
                           actions);
    perform_stream(actions);
  }
}

} // namespace walrock::simulation
