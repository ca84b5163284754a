// The order that keeps a walrock that was overtaken harmless:
//
//   the successor   claims: its owner row is visible; only then reads the rows of the incarnation
//                   before, and writes them again under its own
//   every walrock   writes under its own incarnation, waits until that is visible, and only then
//                   looks whether a later owner row is there
//
// So of an update either the overtaken one's look comes before the claim, and the successor reads
// the update; or it comes after, and write() throws before anything can follow from the update.
//
// Two that begin at once may claim the same number. Each has an owner row of its own, by its token,
// so at least one of them sees both: see claim().
#include "starrocks/checkpoint_store.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <pthread.h>
#include <unistd.h>

#include "base/error.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/pause.h"
#include "base/unix_time.h"
#include "starrocks/checkpoint_table.h"
#include "starrocks/stream_loader.h"

namespace walrock {

namespace {

using Clock = std::chrono::steady_clock;

constexpr Milliseconds kPublishPoll{50};
constexpr Milliseconds kPublishPatience{60'000};
constexpr Milliseconds kOwnerPoll{500};

} // namespace

struct StarRocksStore::Session {
  Session(StarRocksStoreSettings given, std::stop_token stop_token)
      : settings(std::move(given)), stop(std::move(stop_token)), sql(settings.address),
        table(sql, settings.database, settings.job_id),
        loader(settings.address, settings.options, stop) {}

  [[noreturn]] void fail(std::string const& why) const;
  [[noreturn]] void refuse(CheckpointTable::Owner const& owner, std::string_view how) const;
  void put(std::vector<CheckpointRow> const& rows);
  void await_visible(Label const& label);
  void settle();
  void commit(Label const& label);
  [[nodiscard]] CheckpointTable::Owner self() const { return {incarnation, owner}; }
  [[nodiscard]] bool is_rival(CheckpointTable::Owner const& other) const;
  [[nodiscard]] std::vector<CheckpointTable::Owner> others();
  void require_ownership();
  void write_owned(std::vector<CheckpointRow> rows, OwnerRecord next);
  void make_table();
  void await_silence(CheckpointTable::Owner owner);
  void claim(std::vector<CheckpointTable::Owner> const& owners);
  void take_over();
  void beat();

  StarRocksStoreSettings const settings;
  std::stop_token const stop;
  SqlConnection sql;
  CheckpointTable table;
  StreamLoader loader;
  std::string const token = make_owner_token();
  std::uint64_t incarnation = 0; // 0: none was claimed
  OwnerRecord owner;             // as it was written last
  std::uint64_t label_count = 0;
  std::optional<Label> in_doubt; // its commit was sent, and what came of it is not known
  bool is_lost = false;          // overtaken or removed: nothing is written any more
  TimePoint written_at{};
  std::optional<CheckpointTable::Owner> silent; // was waited for already

  Mutex mutex; // around every use of what is above, once the thread runs
  std::jthread heart;
};

void StarRocksStore::Session::fail(std::string const& why) const {
  throw Error(
      ErrorCode::checkpoint_failed,
      fmt::format("cannot write the checkpoint in StarRocks, {}: {}", to_string(table.name()), why))
      .set_advice("walrock goes on by itself once StarRocks takes it; look at its tables and logs "
                  "when it does not.");
}

void StarRocksStore::Session::refuse(CheckpointTable::Owner const& other,
                                     std::string_view how) const {
  throw Error(ErrorCode::instance_running,
              fmt::format("another walrock {} job {}, whose checkpoint is in {} (host {}, pid {}, "
                          "since {})",
                          how, settings.job_id, to_string(table.name()), other.record.host,
                          other.record.pid, utc_text(other.record.started_at_ms)));
}

// One load transaction, visible when this returns.
void StarRocksStore::Session::put(std::vector<CheckpointRow> const& rows) {
  settle();
  Label const label = make_label({"walrock", settings.job_id, incarnation, table.name(),
                                  fmt::format("k{}-{}", ++label_count, token.substr(0, 16)), 0, 0});
  Batch batch;
  batch.spec.target = table.name();
  batch.spec.format = LoadFormat::json;
  batch.spec.columns = "`job`,`incarnation`,`kind`,`record`,`content`,__op";
  batch.bodies.emplace_back();
  batch.bodies.back().bytes = load_body(rows, table.job(), incarnation);
  batch.bodies.back().size = batch.byte_count = batch.bodies.back().bytes.size();
  batch.row_count = rows.size();
  LoadOutcome const outcome = loader.load({label, &batch});
  if (outcome.kind != LoadOutcome::Kind::prepared)
    fail(outcome.message);
  commit(label);
}

void StarRocksStore::Session::commit(Label const& label) {
  in_doubt = label;
  CommitOutcome const outcome = loader.commit(label);
  switch (outcome.kind) {
  case CommitOutcome::Kind::committed:
    if (!outcome.is_visible)
      await_visible(label);
    in_doubt.reset();
    return;
  case CommitOutcome::Kind::aborted: in_doubt.reset(); fail(outcome.message);
  case CommitOutcome::Kind::in_doubt: fail(outcome.message);
  }
}

void StarRocksStore::Session::await_visible(Label const& label) {
  Deadline const deadline = Deadline::in(kPublishPatience);
  while (loader.label_state(label) != LabelState::visible)
    if (deadline.is_over(Clock::now()) || !pause_for(kPublishPoll, stop))
      fail("it is committed and does not become visible");
}

// A commit whose answer was lost must not happen later, over newer rows: it is visible or gone
// before anything else is written.
void StarRocksStore::Session::settle() {
  if (!in_doubt)
    return;
  CallOutcome const outcome = loader.rollback(*in_doubt);
  if (outcome.kind == CallOutcome::Kind::unreachable)
    fail(outcome.message);
  in_doubt.reset();
}

// Another walrock's, with the number of this one.
bool StarRocksStore::Session::is_rival(CheckpointTable::Owner const& other) const {
  return other.incarnation == incarnation && !other.is(self());
}

// What an attempt of this start left before it failed is no other's.
std::vector<CheckpointTable::Owner> StarRocksStore::Session::others() {
  auto owners = table.owners();
  std::erase_if(owners,
                [this](CheckpointTable::Owner const& one) { return one.record.token == token; });
  return owners;
}

void StarRocksStore::Session::require_ownership() {
  WALROCK_BEFORE(store_look);
  auto const owners = table.owners();
  WALROCK_AFTER(store_look);
  bool const is_overtaken = !owners.empty() && owners.back().incarnation > incarnation;
  bool const is_there =
      std::any_of(owners.begin(), owners.end(),
                  [this](CheckpointTable::Owner const& one) { return one.is(self()); });
  if (is_there && !is_overtaken)
    return; // a rival that is there goes on under another number, or not at all
  is_lost = true;
  if (!is_overtaken)
    throw Error(ErrorCode::checkpoint_failed,
                fmt::format("the checkpoint of job {} was removed from {} while it was in use",
                            settings.job_id, to_string(table.name())))
        .set_retry(Retry::never)
        .set_advice("Run `walrock drop JOB` and copy the tables again.");
  refuse(owners.back(), "has taken over");
}

void StarRocksStore::Session::write_owned(std::vector<CheckpointRow> rows, OwnerRecord next) {
  ++next.beat;
  rows.push_back(row_of(next));
  put(rows);
  owner = next;
  written_at = Clock::now();
  require_ownership();
}

void StarRocksStore::Session::make_table() {
  if (table.is_there())
    return;
  SqlConnection ddl(settings.ddl);
  WALROCK_BEFORE(store_make);
  CheckpointTable(ddl, settings.database, settings.job_id).create();
  WALROCK_AFTER(store_make);
}

// Clocks of machines differ, so only its own beats tell whether an owner lives.
void StarRocksStore::Session::await_silence(CheckpointTable::Owner other) {
  bool const is_known_dead =
      silent && silent->is(other) && silent->record.beat == other.record.beat;
  if (other.record.state == OwnerRecord::State::released || is_known_dead)
    return;
  Deadline const deadline = Deadline::in(Milliseconds(other.record.silence_ms));
  while (!deadline.is_over(Clock::now())) {
    if (settings.waiting)
      settings.waiting(fmt::format("whether the walrock on host {} (pid {}) still lives",
                                   other.record.host, other.record.pid));
    if (!pause_for(kOwnerPoll, stop))
      throw Stopped();
    auto const owners = others();
    if (owners.empty())
      return;
    CheckpointTable::Owner const& now = owners.back();
    if (now.is(other) && now.record.state == OwnerRecord::State::released)
      return;
    if (!now.is(other) || now.record.beat != other.record.beat)
      refuse(now, "runs");
  }
  silent = other;
  log::warning("takes over from a walrock that went silent host={} pid={}", other.record.host,
               other.record.pid);
}

// Who sees a rival never goes on under their number, so of two that have it at most one does, and
// its records are the only ones there. The rival that has gone on stays; of two that have not yet,
// the higher token claims another number.
void StarRocksStore::Session::claim(std::vector<CheckpointTable::Owner> const& before) {
  std::uint64_t last = before.empty() ? 0 : before.back().incarnation;
  while (true) {
    // Again after an attempt that failed: it goes on above its own claim.
    incarnation = std::max({last + 1, incarnation, static_cast<std::uint64_t>(unix_ms_now())});
    owner = {};
    owner.token = token;
    owner.host = settings.host;
    owner.pid = ::getpid();
    owner.started_at_ms = unix_ms_now();
    owner.silence_ms = settings.silence.count();
    WALROCK_BEFORE(store_claim);
    put({row_of(owner)});
    WALROCK_AFTER(store_claim);
    auto const owners = table.owners();
    if (owners.empty() || !owners.back().is(self()))
      refuse(owners.empty() ? self() : owners.back(), "takes over");
    if (std::none_of(owners.begin(), owners.end(),
                     [this](auto const& other) { return is_rival(other); }))
      return;
    last = incarnation;
  }
}

// The records of the incarnation before, under the new one: in one transaction, with the owner row
// that makes them count.
void StarRocksStore::Session::take_over() {
  auto const before = newest_whole(table.owners());
  std::vector<CheckpointRow> rows;
  OwnerRecord next = owner;
  next.state = OwnerRecord::State::active;
  if (before) {
    Checkpoint const found = table.read(*before);
    rows = rows_of(everything_of(found));
    next.flushed_lsn = found.flushed_lsn;
    next.logged_lsn = found.logged_lsn;
    next.write_number = found.write_number;
    next.written_at_ms = found.written_at_ms;
  }
  WALROCK_BEFORE(store_take_over);
  write_owned(std::move(rows), next);
  WALROCK_AFTER(store_take_over);
  try {
    WALROCK_BEFORE(store_clear);
    table.remove_before(incarnation);
    WALROCK_AFTER(store_clear);
  } catch (Error const& error) { // they cost space only
    log::warning("old rows stay in {}: {}", to_string(table.name()), error.what());
  }
}

void StarRocksStore::Session::beat() {
  if (is_lost || Clock::now() - written_at < settings.beat)
    return;
  try {
    WALROCK_BEFORE(store_beat);
    write_owned({}, owner);
    WALROCK_AFTER(store_beat);
  } catch (Error const& error) { // the next write says it to who waits for it
    log::warning("no sign of life in {}: {}", to_string(table.name()), error.what());
    written_at = Clock::now();
    if (is_lost && settings.lost) // who has nothing to write must learn of it, too
      settings.lost(error);
  }
}

StarRocksStore::StarRocksStore(StarRocksStoreSettings settings, std::stop_token stop)
    : session_(std::make_unique<Session>(std::move(settings), std::move(stop))) {}

StarRocksStore::~StarRocksStore() {
  Session& session = *session_;
  if (!session.heart.joinable())
    return;
  session.heart.request_stop();
  session.heart.join();
  if (session.is_lost || session.stop.stop_requested())
    return;
  try {
    OwnerRecord last = session.owner;
    last.state = OwnerRecord::State::released;
    WALROCK_BEFORE(store_release);
    session.write_owned({}, last);
    WALROCK_AFTER(store_release);
  } catch (std::exception const& error) {
    log::warning("the job is not released in {}, so the next start waits {} s: {}",
                 to_string(session.table.name()), session.settings.silence.count() / 1000,
                 error.what());
  }
}

Checkpoint StarRocksStore::read() {
  Session& session = *session_;
  MutexLock const lock(session.mutex);
  if (session.heart.joinable())
    return session.table.read(session.self());
  if (!session.table.is_there())
    return {};
  auto const last = newest_whole(session.table.owners());
  return last ? session.table.read(*last) : Checkpoint{};
}

void StarRocksStore::write(CheckpointUpdate const& update) {
  if (update.is_empty())
    return;
  Session& session = *session_;
  MutexLock const lock(session.mutex);
  WALROCK_ASSERT(session.heart.joinable(), "an incarnation was begun");
  OwnerRecord next = session.owner;
  ++next.write_number;
  next.written_at_ms = unix_ms_now();
  if (update.flushed_lsn)
    next.flushed_lsn = *update.flushed_lsn;
  if (update.logged_lsn)
    next.logged_lsn = *update.logged_lsn;
  try {
    WALROCK_BEFORE(store_write);
    session.write_owned(rows_of(update), next);
    WALROCK_AFTER(store_write);
  } catch (Error const& error) {
    if (error.code() == ErrorCode::instance_running || error.code() == ErrorCode::checkpoint_failed)
      throw;
    session.fail(error.what()); // the SQL connection
  }
}

std::uint64_t StarRocksStore::begin_incarnation() {
  Session& session = *session_;
  WALROCK_ASSERT(!session.heart.joinable(), "one incarnation in a store");
  session.make_table();
  auto const owners = session.others();
  if (!owners.empty())
    session.await_silence(owners.back());
  session.claim(owners);
  session.take_over();
  session.heart = std::jthread([&session](std::stop_token const& stop) {
    ::pthread_setname_np(::pthread_self(), "heart");
    while (pause_for(session.settings.beat / 5, stop)) {
      MutexLock const lock(session.mutex);
      session.beat();
    }
  });
  return session.incarnation;
}

void StarRocksStore::remove() {
  Session& session = *session_;
  if (session.heart.joinable()) {
    session.heart.request_stop();
    session.heart.join();
  }
  session.heart = {};
  session.table.remove_all();
}

} // namespace walrock
