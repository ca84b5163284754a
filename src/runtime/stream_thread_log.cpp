// The replication thread with a durable spool: what the server sends goes into the log, and the
// machine is fed from the log alone. Part of StreamThread.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "runtime/stream_thread.h"

namespace walrock {

namespace {

constexpr int kMessagesPerTurn = 4096;

} // namespace

// Where the server is to go on.
Lsn StreamThread::begin_reading(Lsn flushed) {
  if (log_ == nullptr)
    return flushed;
  intake_->begin_stream();
  settings_.known.needed = std::max(settings_.known.needed, log_->end_lsn());
  return log_->end_lsn();
}

// The machine begins at `from`, as the server would send it.
void StreamThread::begin_machine(Lsn from) {
  transactions_.clear();
  machine_.start(from);
  has_fed_all_ = log_ == nullptr;
  if (log_ != nullptr)
    reader_->seek(from);
  shared_.events.push_now(StreamStarted{from});
  confirm_followed();
}

// True: the log had what is wanted again, and the server is not asked.
bool StreamThread::goes_back_in_log() {
  if (log_ == nullptr)
    return false;
  begin_machine(std::max(settings_.start_lsn, Lsn{shared_.flushed_lsn.load()}));
  return true;
}

void StreamThread::take_payload(std::span<std::byte const> payload, StreamActions& actions) {
  if (log_ == nullptr)
    machine_.on_payload(payload, std::chrono::steady_clock::now(), actions);
  else
    intake_->take(payload);
}

void StreamThread::take_keepalive(Lsn wal_end, StreamActions& actions) {
  if (log_ == nullptr)
    machine_.on_keepalive(wal_end, std::chrono::steady_clock::now(), actions);
  else
    intake_->take_keepalive(wal_end);
}

// Without a log, what is read fills the budget; with one, the log.
bool StreamThread::may_read() const {
  return log_ == nullptr ? has_room() : log_->has_room();
}

void StreamThread::keep_log() {
  if (log_ == nullptr)
    return;
  if (auto const fault = log_->fault())
    throw Error(
        ErrorCode::spool_failed,
        fmt::format("the durable spool cannot be synced, and what was not is read again: {}",
                    *fault))
        .set_advice("Look at the disk of walrock.durable-spool.");
  log_->flush();
  if (log_->end_lsn() > settings_.known.needed) {
    settings_.known.needed = log_->end_lsn();
    has_progressed_ = true;
  }
  std::string trouble = log_->trouble();
  if (trouble.empty() && !log_->has_room())
    trouble = fmt::format("the durable spool is full (walrock.durable-spool-limit: {} bytes): "
                          "nothing is read until StarRocks has taken some of it",
                          log_->limit());
  if (trouble == log_trouble_)
    return;
  if (!trouble.empty())
    log::warning("{}", trouble);
  log_trouble_ = trouble;
  shared_.log_trouble.set(std::move(trouble));
}

// Hands the machine what the log has, as far as there is room. True: there is more.
bool StreamThread::feed_from_log(std::stop_token stop) {
  if (log_ == nullptr)
    return false;
  StreamActions actions;
  for (int i = 0; i < kMessagesPerTurn; ++i) {
    if (!has_room())
      return true;
    auto const outcome = reader_->read();
    auto const now = std::chrono::steady_clock::now();
    if (auto const* const all = std::get_if<StreamLogReader::AllRead>(&outcome)) {
      // Said once in the log, and meant for as long as nothing follows, as a server repeats it.
      machine_.on_keepalive(all->wal_end, now, actions);
      perform(actions, stop);
      return false;
    }
    if (auto const* const idle = std::get_if<StreamLogReader::Idle>(&outcome))
      machine_.on_keepalive(idle->wal_end, now, actions);
    else
      machine_.on_payload(std::get<StreamLogReader::Payload>(outcome).bytes, now, actions);
    if (!actions.empty())
      perform(actions, stop);
  }
  return true;
}

} // namespace walrock
