#include "runtime/stream_thread.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <poll.h>

#include "base/cursor.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "postgres/catalog.h"
#include "postgres/publication.h"
#include "postgres/slot.h"
#include "runtime/slot_repair.h"

namespace walrock {

namespace {

constexpr Milliseconds kProbe(1000);      // asks the server how far it is
constexpr Milliseconds kLongestWait(250); // between two looks at the stop request
constexpr int kMessagesPerTurn = 4096;

// The end of a transaction stands in the message and in the head around it. What is acknowledged
// must not hang on one number that came garbled.
void require_true_end(XLogData const& message) {
  char const type = message.payload.empty() ? '\0' : static_cast<char>(message.payload[0]);
  std::size_t const before_end = type == 'C' ? 10 : type == 'c' ? 14 : 0;
  if (before_end == 0)
    return;
  Cursor in(message.payload);
  (void)in.text(before_end);
  if (Lsn const end{in.u64()}; end > std::max(message.wal_start, message.wal_end))
    throw ProtocolViolation(fmt::format("a transaction ends at {}, beyond its message at {}",
                                        to_string(end), to_string(message.wal_start)));
}

TimePoint now() {
  return std::chrono::steady_clock::now();
}

} // namespace

StreamThread::StreamThread(StreamThreadSettings settings, std::vector<FollowedTable> tables,
                           Shared& shared, StreamLog* log)
    : settings_(std::move(settings)), shared_(shared), machine_(settings_.machine, &shared.budget),
      transactions_(shared.spool), log_(log) {
  if (log != nullptr) {
    intake_.emplace(*log);
    reader_.emplace(*log);
  }
  for (FollowedTable& table : tables)
    machine_.follow(std::move(table));
}

void StreamThread::run(std::stop_token stop) {
  Backoff unreachable(Milliseconds(200), Milliseconds(10'000));
  int faults = 0;
  while (!stop.stop_requested()) {
    Milliseconds delay{0};
    try {
      has_progressed_ = false;
      follow_once(stop);
    } catch (Stopped const&) {
      break;
    } catch (ConnectionLost const& error) {
      delay = unreachable.next();
      shared_.source_trouble.set(error.what());
      log::warning("source is waited for delay_ms={}: {}", delay.count(), error.what());
    } catch (Error const& error) {
      if (is_settled_by_start(error.code()))
        throw;
      // A disk that fails is waited for, as a server is.
      bool const is_busy =
          error.code() == ErrorCode::slot_in_use || error.code() == ErrorCode::spool_failed;
      faults = has_progressed_ || is_busy ? 0 : faults + 1;
      if ((error.retry() == Retry::never && error.blame() != Blame::engine &&
           error.code() != ErrorCode::source_protocol_violation) ||
          faults > settings_.restart_attempts)
        throw;
      delay = is_busy ? unreachable.next() : settings_.restart_delay;
      shared_.source_trouble.set(error.what());
      log::warning("stream is started again delay_ms={}: {}", delay.count(), error.what());
    }
    if (has_progressed_) {
      unreachable.reset();
      silences_ = 0;
    }
    stream_.reset();
    catalog_.reset();
    shared_.figures.restart_count.fetch_add(1, std::memory_order_relaxed);
    TimePoint const until = now() + delay;
    while (now() < until && !stop.stop_requested()) {
      pollfd idle{-1, 0, 0};
      ::poll(&idle, 1, static_cast<int>(std::min(delay, kLongestWait).count()));
    }
  }
  if (stream_ != nullptr) {
    try {
      Lsn const done{shared_.acknowledged_lsn.load()};
      WALROCK_BEFORE(stop_stream);
      stream_->send_status(std::max(received_lsn_, done), done, done);
      stream_->end(Deadline::in(Milliseconds(2000)));
      WALROCK_AFTER(stop_stream);
    } catch (Error const& error) {
      log::debug("the stream was gone before its end: {}", error.what());
    }
  }
}

// Whoever answers now may not be who answered before: a name that leads to a promoted standby, to a
// server restored from a backup, or to another cluster.
void StreamThread::require_same_server(Connection& connection, std::stop_token stop) const {
  SourceHistory const now = read_source_history(connection, stop);
  KnownPosition const& known = settings_.known;
  if (now.system_identifier == known.system_identifier &&
      (now.timeline != known.timeline || now.timeline_start() != known.timeline_start))
    throw Error(ErrorCode::timeline_switched,
                fmt::format("the server is on timeline {} since {}, it was on {}", now.timeline,
                            to_string(now.timeline_start()), known.timeline));
  (void)require_same_history(now, known);
}

void StreamThread::connect(std::stop_token stop) {
  take_commands(); // positions that changed while nothing was read need no new start
  Lsn const flushed = std::max(settings_.start_lsn, Lsn{shared_.flushed_lsn.load()});
  Lsn const from = begin_reading(flushed);
  Connection connection(settings_.source, ConnectionKind::replication, stop);
  connection.set_answer_timeout(patience());
  require_same_server(connection, stop);
  auto const slot = find_slot(connection, settings_.slot_name);
  require_usable(slot, settings_.slot_name, settings_.source.database);
  require_no_gap(*slot, std::max(from, flushed));
  ProtocolOptions options = ProtocolOptions::of_server(connection.server_version());
  // Half a transaction in a log would be thrown away at every reconnect.
  options.streaming = options.streaming && log_ == nullptr;
  stream_ = std::make_unique<ReplicationStream>(std::move(connection));
  try {
    WALROCK_BEFORE(stream_start);
    stream_->start(settings_.slot_name, settings_.publication_name, from, options, stop);
    WALROCK_AFTER(stream_start);
  } catch (ConnectionLost const&) {
    throw;
  } catch (Error const&) {
    // The server's words for an invalidated slot differ by version: its state tells.
    Connection sql(settings_.source, ConnectionKind::sql, stop);
    require_usable(find_slot(sql, settings_.slot_name), settings_.slot_name,
                   settings_.source.database);
    throw;
  }
  received_lsn_ = from;
  sent_lsn_ = Lsn{};
  keepalive_lsn_ = from;
  asked_at_.reset();
  begin_machine(flushed);
  shared_.source_trouble.set("");
  log::info("stream started slot={} from={} protocol={}", settings_.slot_name, to_string(from),
            options.proto_version);
}

// The list of priorities: stop, commands, feedback, what is due, memory, reading.
void StreamThread::follow_once(std::stop_token stop) {
  connect(stop);
  StreamActions actions;
  while (!stop.stop_requested()) {
    if (!take_commands())
      return;
    confirm_followed();
    send_status_when_due();
    machine_.on_pace({shared_.epochs_in_flight.load(), Milliseconds(shared_.load_ms.load())});
    machine_.on_timer(now(), actions);
    perform(actions, stop);
    relieve_memory();
    transactions_.retry(now());
    if (!has_more_ && (has_fed_all_ || !has_room()))
      wait(stop);
    say_spool_room();
    if (may_read())
      read_what_is_there(stop);
    else
      has_more_ = false;
    keep_log();
    has_fed_all_ = !feed_from_log(stop);
  }
  throw Stopped();
}

bool StreamThread::take_commands() {
  shared_.stream_commands.wake().clear();
  bool must_restart = false;
  for (StreamCommand const& command : shared_.stream_commands.take()) {
    if (auto const* follow = std::get_if<FollowFrom>(&command)) {
      must_restart |= machine_.follow_from(follow->table, follow->from, follow->generation,
                                           follow->keys, follow->refused, follow->hand_over_at);
      followed_.push_back({follow->table, follow->generation});
    } else if (auto const* look = std::get_if<LookAgain>(&command)) {
      machine_.look_again(look->table, look->lsn);
    } else {
      machine_.unfollow(std::get<Unfollow>(command).table);
    }
  }
  if (must_restart)
    log::info("stream goes back slot={}: a table is read again", settings_.slot_name);
  return !must_restart || goes_back_in_log();
}

void StreamThread::confirm_followed() {
  for (Followed const& followed : followed_)
    shared_.events.push_now(followed);
  followed_.clear();
}

void StreamThread::wait(std::stop_token) {
  TimePoint const at = now();
  TimePoint const due = std::min({machine_.next_deadline(), status_due_, probe_due_});
  Milliseconds const left = Deadline{due}.left(at, kLongestWait);
  short const interest =
      static_cast<short>((may_read() ? POLLIN : 0) | (stream_->wants_write() ? POLLOUT : 0));
  // Without interest the socket is left out: a dead one would wake us for ever.
  pollfd fds[2] = {{interest != 0 ? stream_->socket() : -1, interest, 0},
                   {shared_.stream_commands.wake().fd(), POLLIN, 0}};
  // Without room the budget is looked at often: nobody wakes us when it has some.
  Milliseconds const longest = has_room() ? left : std::min(left, Milliseconds(5));
  ::poll(fds, 2, static_cast<int>(longest.count()));
  if ((fds[0].revents & POLLOUT) != 0)
    stream_->flush();
}

void StreamThread::read_what_is_there(std::stop_token stop) {
  StreamActions actions;
  has_more_ = true; // libpq may hold messages that poll() does not know of
  for (int i = 0; i < kMessagesPerTurn; ++i) {
    ReadOutcome const outcome = stream_->read();
    if (std::holds_alternative<NothingYet>(outcome)) {
      has_more_ = false;
      require_sign_of_life();
      break;
    }
    asked_at_.reset();
    if (auto const* keepalive = std::get_if<Keepalive>(&outcome)) {
      shared_.figures.server_lsn.store(keepalive->wal_end.value, std::memory_order_relaxed);
      // Idle, this position is acknowledged: it is taken when two keepalives say so.
      take_keepalive(std::min(keepalive->wal_end, keepalive_lsn_), actions);
      keepalive_lsn_ = keepalive->wal_end;
      if (keepalive->reply_requested)
        status_due_ = TimePoint{};
    } else {
      auto const& message = std::get<XLogData>(outcome);
      require_true_end(message);
      received_lsn_ = std::max(received_lsn_, message.wal_start);
      take_payload(message.payload, actions);
    }
    if (!actions.empty()) {
      perform(actions, stop);
      if (!has_room())
        break;
    }
  }
  shared_.figures.received_lsn.store(received_lsn_.value, std::memory_order_relaxed);
  shared_.figures.change_count.store(machine_.change_count(), std::memory_order_relaxed);
  shared_.figures.decoded_lsn.store(machine_.decoded_lsn().value); // behind what was noted
}

// Only acknowledged_lsn is ever told (invariant 6).
void StreamThread::send_status_when_due() {
  TimePoint const at = now();
  Lsn const done{shared_.acknowledged_lsn.load()};
  bool const is_probe = at >= probe_due_;
  if (at < status_due_ && done <= sent_lsn_ && !is_probe)
    return;
  bool const has_moved = done > sent_lsn_;
  if (has_moved)
    WALROCK_BEFORE(stream_feedback);
  stream_->send_status(std::max(received_lsn_, done), done, done, is_probe);
  sent_lsn_ = done;
  if (has_moved)
    WALROCK_AFTER(stream_feedback);
  status_due_ = at + settings_.heartbeat;
  if (is_probe) {
    probe_due_ = at + kProbe;
    asked_at_ = asked_at_.value_or(at);
  }
}

// A peer that is gone without a word, or one direction of the way to it: the kernel does not tell
// when something in between goes on answering for it.
void StreamThread::require_sign_of_life() {
  if (!asked_at_ || now() - *asked_at_ < patience())
    return;
  std::int64_t const seconds = patience().count() / 1000;
  ++silences_; // it may only need longer, for a large transaction that none of its tables is in
  throw ConnectionLost(
      ErrorCode::source_unreachable,
      fmt::format("PostgreSQL at {} has been silent for {} s, although it was asked",
                  stream_->connection().peer(), seconds));
}

Milliseconds StreamThread::patience() const {
  return settings_.receive_timeout * (1 << std::min(silences_, 5));
}

// A spool that is full holds reading back as memory does, and so does one whose disk is.
bool StreamThread::has_room() const {
  return shared_.budget.has_room() && shared_.spool.has_room() && transactions_.has_room();
}

std::string StreamThread::spool_trouble() const {
  if (std::string trouble = shared_.spool.trouble(); !trouble.empty())
    return trouble;
  if (!transactions_.has_room())
    return transactions_.trouble();
  if (shared_.spool.used_bytes() >= shared_.spool.limit())
    return fmt::format("the spool is full (walrock.spool-limit: {} bytes): nothing is read until "
                       "StarRocks has taken some of it",
                       shared_.spool.limit());
  return {};
}

void StreamThread::say_spool_room() {
  std::string trouble = spool_trouble();
  if (trouble == spool_trouble_)
    return;
  if (trouble.empty())
    log::info("spool has room again used_bytes={}: reading goes on", shared_.spool.used_bytes());
  else if (spool_trouble_.empty())
    log::warning("{}; PostgreSQL keeps the WAL", trouble);
  spool_trouble_ = trouble;
  shared_.spool_trouble.set(std::move(trouble));
}

void StreamThread::relieve_memory() {
  StreamActions actions;
  while (!shared_.budget.has_room() && machine_.relieve(now(), actions))
    perform(actions, {});
}

void StreamThread::perform(StreamActions& actions, std::stop_token stop) {
  // A machine may ask for more while an action is performed.
  StreamActions mine = std::exchange(actions, {});
  for (StreamAction& action : mine) {
    if (auto* const hand_over = std::get_if<HandOver>(&action)) {
      has_progressed_ = true;
      if (!hand_over->epoch.tables.empty())
        settings_.known.needed = std::max(settings_.known.needed, hand_over->epoch.end_lsn);
      WALROCK_BEFORE(stream_hand_over);
      shared_.events.push_now(std::move(hand_over->epoch));
      WALROCK_AFTER(stream_hand_over);
    } else if (auto const* wanted = std::get_if<Describe>(&action))
      describe(*wanted, stop);
    else if (auto const* payload = std::get_if<SpoolPayload>(&action))
      transactions_.append(payload->xid, payload->sub_xid, payload->payload);
    else if (auto const* committed = std::get_if<Replay>(&action))
      replay(*committed, stop);
    else if (auto const* forgotten = std::get_if<ForgetTransaction>(&action))
      transactions_.forget(forgotten->xid);
    else if (auto const* aside = std::get_if<SetAside>(&action))
      shared_.events.push_now(*aside);
    else if (auto const* seen = std::get_if<ShapeSeen>(&action))
      shared_.events.push_now(*seen);
    else if (auto const* truncated = std::get_if<RootTruncated>(&action))
      shared_.partitions.note_truncation(*truncated);
    else if (auto const* written = std::get_if<PartitionWritten>(&action))
      note_row(*written);
    else if (auto const* spool = std::get_if<SpoolBody>(&action))
      shared_.spool.spool(*spool->body);
    else if (auto const* line = std::get_if<Say>(&action))
      log::write(line->level, line->text);
  }
}

// Before its row is handed over: the checkpoint has it no later than the row.
void StreamThread::note_row(PartitionWritten const& row) {
  shared_.partitions.with(row.table, [&](PartitionedTable& table) {
    if (table.note_row_of(row.partition, row.xid))
      shared_.events.push_now(PartitionsSeen{row.table, *table.known()});
  });
}

void StreamThread::describe(Describe const& wanted, std::stop_token stop) {
  if (catalog_ == nullptr || !catalog_->is_alive())
    catalog_ = std::make_unique<Connection>(settings_.source, ConnectionKind::sql, stop);
  catalog_->set_answer_timeout(patience());
  StreamActions actions;
  WALROCK_BEFORE(stream_describe);
  machine_.on_described(
      wanted.table,
      describe_published(*catalog_, wanted.table, settings_.publication_name, wanted.behind, stop),
      actions);
  WALROCK_AFTER(stream_describe);
  perform(actions, stop);
}

void StreamThread::replay(Replay const& committed, std::stop_token stop) {
  StreamActions actions;
  int since_look = 0;
  WALROCK_BEFORE(stream_replay);
  transactions_.replay(committed.xid, committed.aborted_xids,
                       [&](std::span<std::byte const> payload) {
                         machine_.on_replayed(payload, actions);
                         perform(actions, stop);
                         if (++since_look >= 256 || !shared_.budget.has_room()) {
                           since_look = 0;
                           stay_alive_without_room(stop);
                         }
                         return !stop.stop_requested();
                       });
  if (stop.stop_requested())
    throw Stopped();
  machine_.on_replay_end(now(), actions);
  perform(actions, stop);
  WALROCK_AFTER(stream_replay);
}

// In mid-replay: status updates go on, and memory is given back until there is room.
void StreamThread::stay_alive_without_room(std::stop_token stop) {
  send_status_when_due();
  relieve_memory();
  say_spool_room();
  while (!shared_.budget.has_room() && !stop.stop_requested()) {
    send_status_when_due();
    say_spool_room();
    pollfd idle{-1, 0, 0};
    ::poll(&idle, 1, 5);
  }
}

} // namespace walrock
