#include "runtime/commit_thread.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/pause.h"
#include "model/label_origin.h"
#include "runtime/copy_pool.h"

namespace walrock {

namespace {

constexpr Milliseconds kPublish(100);
constexpr int kEventsPerTurn = 1000;

TimePoint clock_now() {
  return std::chrono::steady_clock::now();
}

FailStep step_of(TableState state) {
  switch (state) {
  case TableState::init: return FailStep::state_init;
  case TableState::copying: return FailStep::state_copying;
  case TableState::copied: return FailStep::state_copied;
  case TableState::catching_up: return FailStep::state_catching_up;
  case TableState::ready: return FailStep::state_ready;
  case TableState::errored: return FailStep::state_errored;
  }
  return FailStep::state_init;
}

// One write may be several steps.
void reach_write(CheckpointUpdate const& update, FailSide side) {
  if (!are_failpoints_armed())
    return;
  for (TableRecord const& table : update.tables)
    reach_failpoint(step_of(table.state), side);
  for (LabelRecord const& label : update.labels)
    if (label.state == LabelRecord::State::recorded)
      reach_failpoint(FailStep::stream_recorded, side);
    else
      reach_failpoint(is_of_copy(label.label) ? FailStep::copy_intended : FailStep::stream_intended,
                      side);
  for (Label const& label : update.finished_labels)
    reach_failpoint(is_of_copy(label) ? FailStep::copy_finished : FailStep::stream_applied, side);
  if (update.flushed_lsn)
    reach_failpoint(FailStep::stream_flushed, side);
  if (update.logged_lsn)
    reach_failpoint(FailStep::log_recorded, side);
}

} // namespace

CommitThread::CommitThread(Committer committer, CheckpointStore& store, LoadPool& loads,
                           CopyPool& copies, Shared& shared,
                           std::function<void(Committer const&)> publish)
    : committer_(std::move(committer)), store_(store), loads_(loads), copies_(copies),
      shared_(shared), publish_(std::move(publish)) {}

void CommitThread::run(std::stop_token drain, std::stop_token now) {
  CommitterActions actions;
  bool is_draining = false;
  while (!now.stop_requested()) {
    if (drain.stop_requested() && !is_draining) {
      is_draining = true;
      committer_.begin_drain();
    }
    committer_.finish_turn(clock_now(), actions);
    perform(actions, now);
    if (now.stop_requested())
      return; // what was not written may not be acknowledged
    share();
    if (is_draining && committer_.is_drained())
      return;
    TimePoint const at = clock_now();
    TimePoint const due = std::min({committer_.next_deadline(at), publish_due_, at + kPublish});
    auto event = shared_.events.pop(is_draining ? now : drain, Deadline{due});
    for (int i = 0; event && i < kEventsPerTurn; ++i) {
      apply(std::move(*event));
      event = shared_.events.try_pop();
    }
    if (event)
      apply(std::move(*event));
  }
}

void CommitThread::apply(CommitEvent event) {
  struct Visitor {
    Committer& to;
    TimePoint at;

    void operator()(StreamStarted& e) const { to.on_stream_started(e.from); }
    void operator()(Epoch& e) const { to.on_epoch(std::move(e), at); }
    void operator()(Followed& e) const { to.on_followed(e.table, e.generation); }
    void operator()(SetAside& e) const { to.on_set_aside(e.table, e.report, e.design.get()); }
    void operator()(ShapeSeen& e) const { to.on_shape(e.table, e.shape); }
    void operator()(SnapshotTaken& e) const { to.on_snapshot(e.requests, e.consistent_lsn); }
    void operator()(CopiedBatch& e) const { to.on_copied_batch(e.request, std::move(e.batch)); }
    void operator()(CopyRead& e) const { to.on_copy_read(e.request); }
    void operator()(ColumnsWanted& e) const { to.on_columns_wanted(e.table, std::move(e.columns)); }
    void operator()(CopyFailed& e) const { to.on_copy_failed(e.request, e.report, at); }
    void operator()(PartitionsSeen& e) const { to.on_partitions(e.table, e.tree); }
    void operator()(PublishedSeen& e) const { to.on_published(e.table, e.published); }
    void operator()(Loaded& e) const { to.on_loaded(e.call, e.outcome, at); }
    void operator()(Committed& e) const { to.on_committed(e.call, e.outcome, at); }
    void operator()(RolledBack& e) const { to.on_rolled_back(e.call, e.outcome, at); }
    void operator()(LabelStated& e) const { to.on_label_state(e.call, e.state, at); }
    void operator()(GroupLoaded& e) const { to.on_group_loaded(e.call, e.outcome, at); }
    void operator()(GroupSettled& e) const { to.on_group_settled(e.call, e.verdict, at); }
    void operator()(Logged& e) const { to.on_logged(e.lsn); }
    void operator()(Called& e) const { to.on_called(e.call, e.outcome, at); }
    void operator()(QuarantineRead& e) const { to.on_quarantine_read(e.call, e.outcome, at); }
  };
  std::visit(Visitor{committer_, clock_now()}, event);
}

void CommitThread::perform(CommitterActions& actions, std::stop_token now) {
  for (CommitterAction& action : actions) {
    if (auto* const update = std::get_if<WriteCheckpoint>(&action))
      write(update->update, now);
    else if (auto* const spool = std::get_if<SpoolBody>(&action))
      shared_.spool.spool(*spool->body);
    else if (auto* const needed = std::get_if<NeedCopy>(&action))
      copies_.request(*needed);
    else if (auto* const follow = std::get_if<FollowFrom>(&action))
      shared_.stream_commands.push(*follow);
    else if (auto* const unfollow = std::get_if<Unfollow>(&action))
      shared_.stream_commands.push(*unfollow);
    else if (auto* const line = std::get_if<Say>(&action))
      log::write(line->level, line->text);
    else if (auto* const load = std::get_if<StartLoad>(&action))
      loads_.submit(*load);
    else if (auto* const commit = std::get_if<SendCommit>(&action))
      loads_.submit(*commit);
    else if (auto* const rollback = std::get_if<SendRollback>(&action))
      loads_.submit(*rollback);
    else if (auto* const ask = std::get_if<AskLabelState>(&action))
      loads_.submit(*ask);
    else if (auto* const group = std::get_if<StartGroup>(&action))
      loads_.submit(std::move(*group));
    else if (auto* const settle = std::get_if<SettleGroup>(&action))
      loads_.submit(*settle);
    else if (auto* const truncate = std::get_if<SendTruncate>(&action))
      loads_.submit(*truncate);
    else if (auto* const mark = std::get_if<SendMarkDeleted>(&action))
      loads_.submit(std::move(*mark));
    else if (auto* const cut = std::get_if<SendCut>(&action))
      loads_.submit(*cut);
    else if (auto* const make = std::get_if<SendMakeTwin>(&action))
      loads_.submit(*make);
    else if (auto* const swap = std::get_if<SendSwap>(&action))
      loads_.submit(*swap);
    else if (auto* const read = std::get_if<ReadQuarantine>(&action))
      loads_.submit(*read);
    else if (auto* const empty = std::get_if<EmptyQuarantine>(&action))
      loads_.submit(*empty);
    else if (auto* const add = std::get_if<SendAddColumns>(&action))
      loads_.submit(std::move(*add));
    if (now.stop_requested())
      break;
  }
  actions.clear();
}

// Nothing that depends on it happens before it is durable: a disk that refuses is waited for.
void CommitThread::write(CheckpointUpdate const& update, std::stop_token const& now) {
  Backoff backoff(Milliseconds(100), Milliseconds(5000));
  while (!now.stop_requested()) {
    try {
      reach_write(update, FailSide::before);
      store_.write(update);
      reach_write(update, FailSide::after);
      shared_.checkpoint_trouble.set("");
      return;
    } catch (Error const& error) {
      if (error.retry() == Retry::never)
        throw; // damaged, or another walrock has taken over: nothing may follow from it
      shared_.checkpoint_trouble.set(
          fmt::format("the checkpoint cannot be written: {}. {}", error.what(), error.advice()));
      publish_(committer_);
      log::error("the checkpoint cannot be written: {}. {}", error.what(), error.advice());
      pause_for(backoff.next(), now);
    }
  }
}

void CommitThread::share() {
  // Acknowledged is only what the checkpoint has: a later start would see a gap otherwise.
  Lsn const flushed = committer_.durable_flushed_lsn();
  std::uint64_t const acknowledged = committer_.acknowledged_lsn().value;
  shared_.flushed_lsn.store(flushed.value);
  bool const has_moved = shared_.acknowledged_lsn.exchange(acknowledged) != acknowledged;
  Pace const pace = committer_.pace();
  bool const is_faster =
      shared_.epochs_in_flight.exchange(pace.epochs_in_flight) > pace.epochs_in_flight;
  shared_.load_ms.store(pace.load_time.count());
  if (has_moved || is_faster)
    shared_.stream_commands.wake().wake();
  TimePoint const at = clock_now();
  if (at >= publish_due_) {
    publish_due_ = at + kPublish;
    shared_.spool.retry(at);
    publish_(committer_);
  }
}

} // namespace walrock
