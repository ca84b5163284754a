// The replication thread, as StreamThread drives it. Part of Process.
#include "simulation/process.h"

namespace walrock::simulation {

void Process::stream_step() {
  later(Milliseconds(world_.dice.between(1, 15)), [this] { stream_step(); });
  try {
    follow();
  } catch (Error const& error) { // a disk that fails is waited for
    if (!log_ || error.code() != ErrorCode::spool_failed)
      throw;
    world_.trace.say("stream begins again: {}", error.what());
    walsender_.reset();
  }
}

// The list of priorities of StreamThread::follow_once.
void Process::follow() {
  if (walsender_ == nullptr) {
    connect();
    return;
  }
  if (world_.dice.chance(world_.faults.stream_lost)) {
    world_.trace.say("stream is lost");
    walsender_.reset();
    return;
  }
  if (!take_commands() && !goes_back_in_log()) {
    world_.trace.say("stream goes back");
    walsender_.reset();
    return;
  }
  confirm_followed();
  if (world_.dice.chance(0.7)) {
    maybe_crash("a status update");
    if (shared_acknowledged_ > world_.store.acknowledgeable_lsn())
      throw Violation("what is acknowledged is not in the checkpoint");
    world_.source.acknowledge(shared_acknowledged_);
  }
  StreamActions actions;
  machine_->on_pace(shared_pace_);
  machine_->on_timer(world_.timeline.now(), actions);
  perform_stream(actions);
  relieve_memory();
  if (log_ ? log_->has_room() : memory_->has_room())
    read_some();
  keep_log();
  feed_from_log();
}

void Process::connect() {
  take_commands();
  Lsn const flushed = std::max(start_lsn_, shared_flushed_);
  Lsn const from = begin_reading(flushed);
  if (world_.source.confirmed() > std::max(from, flushed))
    throw Violation("the slot has moved beyond what is known");
  walsender_ = std::make_unique<Walsender>(world_.source, from, settings_.uses_streaming && !log_);
  begin_machine(flushed);
}

bool Process::take_commands() {
  bool must_restart = false;
  for (auto const& command : std::exchange(commands_, {})) {
    if (auto const* follow = std::get_if<FollowFrom>(&command)) {
      must_restart |= machine_->follow_from(follow->table, follow->from, follow->generation,
                                            follow->keys, follow->refused, follow->hand_over_at);
      followed_.emplace_back(follow->table, follow->generation);
    } else {
      machine_->unfollow(std::get<Unfollow>(command).table);
    }
  }
  return !must_restart;
}

void Process::confirm_followed() {
  for (auto const& [table, generation] : std::exchange(followed_, {}))
    push([table = table, generation = generation](Committer& to, TimePoint) {
      to.on_followed(table, generation);
    });
}

void Process::read_some() {
  StreamActions actions;
  int const most = world_.dice.between(1, 12);
  for (int i = 0; i < most && walsender_ != nullptr; ++i) {
    auto const payload = walsender_->next();
    if (log_) {
      if (!payload)
        return intake_->take_keepalive(walsender_->sent_up_to());
      intake_->take(std::as_bytes(std::span(*payload)));
      continue;
    }
    if (!payload) {
      machine_->on_keepalive(walsender_->sent_up_to(), world_.timeline.now(), actions);
      perform_stream(actions);
      return;
    }
    machine_->on_payload(std::as_bytes(std::span(*payload)), world_.timeline.now(), actions);
    perform_stream(actions);
    if (!memory_->has_room())
      return;
  }
}

void Process::relieve_memory() {
  StreamActions actions;
  while (!memory_->has_room() && machine_->relieve(world_.timeline.now(), actions))
    perform_stream(actions);
}

void Process::perform_stream(StreamActions& given) {
  StreamActions mine = std::exchange(given, {});
  for (StreamAction& action : mine) {
    if (auto* const hand_over = std::get_if<HandOver>(&action)) {
      for (TableEpoch const& table : hand_over->epoch.tables) {
        if (table.end_lsn < hand_over->epoch.end_lsn && !table.parts.empty())
          world_.on_unit_before_truncate(number_of(table.table), table.end_lsn);
        world_.trace.say("epoch {} t{} generation {} ({}, {}] {} rows in {} parts{}",
                         hand_over->epoch.number, number_of(table.table), table.generation,
                         table.after_lsn.value, table.end_lsn.value, table.counts.sent,
                         table.parts.size(), table.is_truncated ? ", truncated" : "");
      }
      auto epoch = std::make_shared<Epoch>(std::move(hand_over->epoch));
      push([epoch](Committer& to, TimePoint now) { to.on_epoch(std::move(*epoch), now); });
    } else if (auto const* wanted = std::get_if<Describe>(&action)) {
      StreamActions more;
      machine_->on_described(wanted->table, world_.source.describe(number_of(wanted->table)), more);
      perform_stream(more);
    } else if (auto const* payload = std::get_if<SpoolPayload>(&action)) {
      spooled_[payload->xid].emplace_back(
          payload->sub_xid, std::string(reinterpret_cast<char const*>(payload->payload.data()),
                                        payload->payload.size()));
    } else if (auto const* committed = std::get_if<Replay>(&action)) {
      replay(*committed);
    } else if (auto const* forgotten = std::get_if<ForgetTransaction>(&action)) {
      spooled_.erase(forgotten->xid);
    } else if (auto const* aside = std::get_if<SetAside>(&action)) {
      push([aside = *aside](Committer& to, TimePoint) {
        to.on_set_aside(aside.table, aside.report, aside.design.get());
      });
    } else if (auto const* seen = std::get_if<ShapeSeen>(&action)) {
      push([seen = *seen](Committer& to, TimePoint) { to.on_shape(seen.table, seen.shape); });
    } else if (auto const* truncated = std::get_if<RootTruncated>(&action)) {
      if (auto const found = partitioned_.find(truncated->table); found != partitioned_.end())
        found->second.note_truncation(truncated->xid);
    } else if (auto const* row = std::get_if<PartitionWritten>(&action)) {
      note_row(*row);
    } else if (auto const* body = std::get_if<SpoolBody>(&action)) {
      spool(*body->body);
    }
  }
}

void Process::replay(Replay const& committed) {
  StreamActions actions;
  for (auto const& [sub_xid, payload] : spooled_[committed.xid]) {
    if (committed.aborted_xids.contains(sub_xid))
      continue;
    machine_->on_replayed(std::as_bytes(std::span(payload)), actions);
    perform_stream(actions);
    relieve_memory();
  }
  spooled_.erase(committed.xid);
  machine_->on_replay_end(world_.timeline.now(), actions);
  perform_stream(actions);
}

} // namespace walrock::simulation
