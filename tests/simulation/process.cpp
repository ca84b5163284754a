#include "simulation/process.h"

#include <algorithm>

#include "schema/row_layout.h"
#include "schema/target_design.h"

namespace walrock::simulation {

namespace {

// A file of the spool.
class Spooled : public SpooledBytes {
public:
  explicit Spooled(std::string bytes) : bytes_(std::move(bytes)) {}
  [[nodiscard]] std::string read() const override { return bytes_; }

private:
  std::string bytes_;
};

void spool(Body& body) {
  body.spooled = std::make_unique<Spooled>(std::exchange(body.bytes, {}));
  body.charge.resize(0);
}

std::string copy_line(Cells const& row) {
  std::string line;
  for (Cell const& cell : row)
    line += (line.empty() ? "" : "\t") + cell.value_or("\\N");
  return line;
}

std::string twin_name(TargetName const& name, std::uint64_t incarnation) {
  return name.table + "_walrock_copy_" + std::to_string(incarnation);
}

} // namespace

Milliseconds Process::some_delay(Milliseconds most) {
  return Milliseconds(world_.dice.between(0, static_cast<int>(most.count())));
}

void Process::maybe_crash(char const* where) {
  if (!world_.dice.chance(world_.faults.crash))
    return;
  world_.trace.say("walrock dies before: {}", where);
  throw Crash{};
}

void Process::guarded(std::function<void()> const& what) {
  try {
    what();
  } catch (Crash const&) {
    kill();
  }
}

void Process::later(Milliseconds delay, std::function<void()> what) {
  world_.timeline.in(delay, [self = shared_from_this(), what = std::move(what)] {
    if (self->is_alive_)
      self->guarded(what);
  });
}

void Process::kill() {
  is_alive_ = false;
  walsender_.reset();
  events_.clear();
  if (world_.spool != nullptr)
    world_.spool->memory().refuses = nullptr;
}

// ---------------------------------------------------------------- the start

void Process::start() {
  std::uint64_t const incarnation = world_.store.begin_incarnation();
  world_.trace.say("walrock starts, incarnation {}", incarnation);
  memory_ = std::make_unique<MemoryBudget>(settings_.memory);
  settings_.committer.incarnation = incarnation;
  world_.store.fails = nullptr;
  FoundLog found;
  Checkpoint checkpoint = take_position(found);
  committer_ = std::make_unique<Committer>(settings_.committer);
  machine_ = std::make_unique<StreamMachine>(settings_.stream, memory_.get());
  CheckpointUpdate update;
  std::string const known_log_id = checkpoint.job->log_id;
  choose_log(*checkpoint.job, found);
  if (checkpoint.job->log_id != known_log_id)
    update.job = checkpoint.job;
  Lsn const logged = std::min(checkpoint.logged_lsn, found.end_lsn);
  std::vector<TableEntry> entries;
  for (std::size_t i = 0; i < world_.source.table_count(); ++i) {
    entries.push_back(set_up(i, checkpoint));
    update.tables.push_back(entries.back().record);
  }
  maybe_crash("the tables are written");
  world_.store.write(update);
  for (TableEntry& entry : entries)
    committer_->add_table(std::move(entry), world_.timeline.now());
  committer_->restore(checkpoint.labels, start_lsn_, logged);
  for (std::size_t i = 0; i < world_.source.table_count(); ++i) {
    SourceTable const source = world_.source.describe(i);
    copy_sources_.push_back(source);
    FollowedTable followed;
    followed.source = source;
    followed.target = world_.target.describe(world_.targets[i]);
    followed.quarantine_limit = settings_.quarantine_limit;
    if (settings_.reads_back)
      followed.options.unchanged_values = UnchangedValues::read_back;
    followed.from = committer_->is_following(source.id) ? committer_->follow_position(source.id)
                                                        : kNothingWanted;
    machine_->follow(std::move(followed));
  }
  shared_flushed_ = committer_->durable_flushed_lsn();
  shared_acknowledged_ = committer_->acknowledged_lsn();
  open_log(*checkpoint.job, std::move(found));
  world_.store.fails = [this] { return world_.dice.chance(world_.faults.store_failed); };
  later(Milliseconds(1), [this] { commit_step(); });
  later(Milliseconds(2), [this] { stream_step(); });
}

// Where a new slot begins, or the one that is there goes on.
Checkpoint Process::take_position(FoundLog& found) {
  Checkpoint checkpoint = world_.store.read();
  start_lsn_ = checkpoint.flushed_lsn;
  if (checkpoint.job && checkpoint.job->consistent_lsn.is_set()) {
    start_lsn_ = std::max(start_lsn_, checkpoint.job->consistent_lsn);
    if (find_position(checkpoint, found))
      return checkpoint;
  }
  create_slot();
  checkpoint = world_.store.read();
  start_lsn_ = checkpoint.job->consistent_lsn;
  found = {{}, start_lsn_};
  return checkpoint;
}

// Our record says that the slot is ours before it exists.
void Process::create_slot() {
  if (world_.source.has_slot())
    world_.source.drop_slot();
  CheckpointUpdate update;
  update.job.emplace();
  update.job->job_id = "job";
  update.job->slot_name = "slot";
  maybe_crash("the job is written");
  world_.store.write(update);
  maybe_crash("the slot is made");
  world_.source.create_slot();
  update.job->consistent_lsn = first_snapshot_ = world_.source.confirmed();
  maybe_crash("the slot is written");
  world_.store.write(update);
}

TableEntry Process::set_up(std::size_t number, Checkpoint const& checkpoint) {
  SourceTable const source = world_.source.describe(number);
  TargetName const& name = world_.targets[number];
  TargetTable const wanted = target_table_for(source, name, {});
  TableEntry entry;
  auto const known = std::find_if(checkpoint.tables.begin(), checkpoint.tables.end(),
                                  [&](TableRecord const& r) { return r.id == source.id; });
  bool const is_known = known != checkpoint.tables.end();
  if (is_known)
    entry.record = *known;
  entry.record.id = source.id;
  entry.record.source = source.name;
  entry.record.target = name;
  entry.is_append_only = entry.has_origin = wanted.model != TableModel::primary;
  if (!entry.is_append_only)
    entry.quarantine_limit = settings_.quarantine_limit;
  if (!world_.target.has(name)) {
    world_.target.create(wanted);
    entry.is_known_empty = true;
  } else if (!is_known && world_.target.rows(name).empty()) {
    entry.is_known_empty = true;
  }
  TargetTable copy_target = world_.target.describe(name);
  bool const must_copy =
      entry.record.state == TableState::init || entry.record.state == TableState::copying;
  if (must_copy && settings_.existing_rows == ExistingRows::swap && !entry.is_known_empty) {
    TargetTable twin = wanted;
    for (std::uint64_t before = 1; before < checkpoint.incarnation; ++before)
      world_.target.drop({name.database, twin_name(name, before)});
    twin.name.table = twin_name(name, checkpoint.incarnation);
    world_.target.create(twin);
    entry.twin = twin.name;
    entry.twin_columns = columns_lacking(source, copy_target, {});
    entry.is_known_empty = true;
    copy_target = twin;
  }
  copy_targets_.push_back(copy_target);
  return entry;
}

bool Process::is_quiet(Lsn up_to) const {
  if (!is_alive_ || !committer_ || !events_.empty() || next_action_ < actions_.size())
    return false;
  for (TableProgress const& table : committer_->progress())
    if (table.state != TableState::ready && table.state != TableState::errored)
      return false;
  return committer_->is_drained() && committer_->durable_flushed_lsn() >= up_to &&
         world_.source.confirmed() >= up_to && commands_.empty();
}

std::string Process::state() const {
  if (!is_alive_ || !committer_)
    return "dead";
  std::string out = fmt::format(
      "flushed={} durable={} events={} actions={} memory={} drained={}",
      committer_->flushed_lsn().value, committer_->durable_flushed_lsn().value, events_.size(),
      actions_.size() - next_action_, memory_->used(), committer_->is_drained());
  for (TableProgress const& table : committer_->progress())
    out +=
        fmt::format("\n    {} {} applied={} {} {}", to_string(table.name), to_string(table.state),
                    table.applied_lsn.value, table.reason, table.trouble);
  return out;
}

// ---------------------------------------------------------------- the replication thread

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
      for (TableEpoch const& table : hand_over->epoch.tables)
        world_.trace.say("epoch {} t{} generation {} ({}, {}] {} rows in {} parts{}",
                         hand_over->epoch.number, number_of(table.table), table.generation,
                         table.after_lsn.value, table.end_lsn.value, table.counts.sent,
                         table.parts.size(), table.is_truncated ? ", truncated" : "");
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
        to.on_set_aside(aside.table, aside.report);
      });
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

// ---------------------------------------------------------------- the commit thread

void Process::commit_step() {
  later(Milliseconds(world_.dice.between(1, 15)), [this] { commit_step(); });
  if (next_action_ < actions_.size()) {
    perform_commits(); // a disk that refused is asked again
    return;
  }
  int const most = world_.dice.between(1, 20);
  for (int i = 0; i < most && !events_.empty(); ++i) {
    Event const event = std::move(events_.front());
    events_.pop_front();
    event(*committer_, world_.timeline.now());
  }
  actions_.clear();
  next_action_ = 0;
  committer_->finish_turn(world_.timeline.now(), actions_);
  perform_commits();
}

void Process::perform_commits() {
  if (world_.timeline.now() < write_again_at_)
    return;
  while (next_action_ < actions_.size()) {
    if (!perform(actions_[next_action_])) {
      write_again_at_ = world_.timeline.now() + Milliseconds(100);
      return;
    }
    ++next_action_;
  }
  shared_flushed_ = committer_->durable_flushed_lsn();
  shared_acknowledged_ = committer_->acknowledged_lsn();
  shared_pace_ = committer_->pace();
}

// False when a checkpoint could not be written: nothing behind it happens before it is.
bool Process::perform(CommitterAction& action) {
  Target& target = world_.target;
  auto const told = [](CallId id) {
    return std::function<void(Committer&, CallOutcome, TimePoint)>(
        [id](Committer& to, CallOutcome outcome, TimePoint now) {
          to.on_called(id, outcome, now);
        });
  };
  if (auto* const write = std::get_if<WriteCheckpoint>(&action)) {
    maybe_crash("a checkpoint is written");
    try {
      world_.store.write(write->update);
    } catch (Error const&) {
      world_.trace.say("store: refuses a write");
      return false;
    }
    maybe_crash("what follows a checkpoint");
  } else if (auto const* body = std::get_if<SpoolBody>(&action)) {
    spool(*body->body);
  } else if (auto const* needed = std::get_if<NeedCopy>(&action)) {
    copies_wanted_.insert(number_of(needed->table));
    if (copies_wanted_.size() == 1)
      later(some_delay(Milliseconds(50)), [this] { copy(std::exchange(copies_wanted_, {})); });
  } else if (auto const* follow = std::get_if<FollowFrom>(&action)) {
    world_.trace.say("t{} is followed from {} generation {}", number_of(follow->table),
                     follow->from.value, follow->generation);
    TableState const state = world_.store.tables().at(follow->table).state;
    // A start follows late what waits for its quarantine to be read; and of a unit that was refused
    // nothing is committed, unless it is one of many labels.
    bool const is_first = settings_.quarantine_limit && followed_once_.insert(follow->table).second;
    if (!is_first && (state == TableState::ready || state == TableState::catching_up))
      world_.on_read_again(number_of(follow->table),
                           !follow->refused.empty() && !may_have_long_units());
    commands_.emplace_back(*follow);
  } else if (auto const* unfollow = std::get_if<Unfollow>(&action)) {
    commands_.emplace_back(*unfollow);
  } else if (auto const* line = std::get_if<Say>(&action)) {
    world_.trace.say("walrock: {}", line->text);
  } else if (auto const* load = std::get_if<StartLoad>(&action)) {
    start_load(*load);
  } else if (auto const* commit = std::get_if<SendCommit>(&action)) {
    send_commit(*commit);
  } else if (auto const* rollback = std::get_if<SendRollback>(&action)) {
    call<CallOutcome>([&target, label = rollback->label] { return target.rollback(label); },
                      [id = rollback->call](Committer& to, CallOutcome outcome, TimePoint now) {
                        to.on_rolled_back(id, outcome, now);
                      });
  } else if (auto const* ask = std::get_if<AskLabelState>(&action)) {
    call<LabelState>([&target, label = ask->label] { return target.label_state(label); },
                     [id = ask->call](Committer& to, LabelState state, TimePoint now) {
                       to.on_label_state(id, state, now);
                     });
  } else if (auto const* truncate = std::get_if<SendTruncate>(&action)) {
    call<CallOutcome>([&target, name = truncate->target] { return target.truncate(name); },
                      told(truncate->call));
  } else if (auto const* cut = std::get_if<SendCut>(&action)) {
    call<CallOutcome>(
        [&target, name = cut->target, from = cut->from] { return target.cut(name, from); },
        told(cut->call));
  } else if (auto const* make = std::get_if<SendMakeTwin>(&action)) {
    call<CallOutcome>(
        [&target, name = make->target, twin = make->twin] { return target.make_twin(name, twin); },
        told(make->call));
  } else if (auto const* swap = std::get_if<SendSwap>(&action)) {
    call<CallOutcome>(
        [&target, name = swap->target, twin = swap->twin] { return target.swap_in(name, twin); },
        told(swap->call));
  } else if (auto const* read = std::get_if<ReadQuarantine>(&action)) {
    call<QuarantineOutcome>(
        [&target, name = read->target] { return target.read_quarantine(name); },
        [id = read->call](Committer& to, QuarantineOutcome outcome, TimePoint now) {
          to.on_quarantine_read(id, outcome, now);
        });
  } else if (auto const* empty = std::get_if<EmptyQuarantine>(&action)) {
    call<CallOutcome>([&target, name = empty->target] { return target.empty_quarantine(name); },
                      told(empty->call));
  } else if (auto const* add = std::get_if<SendAddColumns>(&action)) {
    call<CallOutcome>([&target, name = add->target,
                       columns = add->columns] { return target.add_columns(name, columns); },
                      told(add->call));
  }
  return true;
}

template <typename Answer>
void Process::call(std::function<Answer()> ask,
                   std::function<void(Committer&, Answer, TimePoint)> tell) {
  maybe_crash("a call is sent");
  Milliseconds const there = some_delay(world_.faults.slowest_call);
  Milliseconds const back = some_delay(world_.faults.slowest_call);
  // What is sent arrives, also when its sender is dead by then.
  world_.timeline.in(
      there, [self = shared_from_this(), back, ask = std::move(ask), tell = std::move(tell)] {
        Answer const answer = ask();
        self->later(back, [self, answer, tell] {
          self->push([answer, tell](Committer& to, TimePoint now) { tell(to, answer, now); });
        });
      });
}

void Process::start_load(StartLoad const& load) {
  LabelRecord const* const record = world_.store.find(load.label);
  if (record == nullptr || record->state != LabelRecord::State::intended)
    throw Violation("begun without being intended: " + load.label.text);
  SentLoad sent{load.label, load.batch->spec, {}, load.batch->row_count};
  std::vector<std::vector<FieldReference>> references;
  for (Body const& body : load.batch->bodies) {
    sent.bodies.push_back(body.spooled ? body.spooled->read() : body.bytes);
    references.push_back(body.references);
  }
  if (sent.spec.format != LoadFormat::csv)
    throw Violation("a value of the simulation that CSV cannot say");
  call<LoadOutcome>(
      [this, sent = std::move(sent), references = std::move(references)] {
        SentLoad filled = sent;
        for (std::size_t i = 0; i < references.size(); ++i)
          if (!world_.target.fill(filled.spec, filled.bodies[i], references[i])) {
            LoadOutcome unreadable;
            unreadable.kind = LoadOutcome::Kind::unreadable;
            unreadable.message = "a row to be read back is not there";
            return unreadable;
          }
        return world_.target.load(filled, is_alive_);
      },
      [id = load.call](Committer& to, LoadOutcome outcome, TimePoint now) {
        to.on_loaded(id, outcome, now);
      });
}

void Process::send_commit(SendCommit const& commit) {
  LabelRecord const* const record = world_.store.find(commit.label);
  if (record == nullptr)
    throw Violation("committed without being known to the checkpoint: " + commit.label.text);
  bool const is_copy = !record->end_lsn.is_set();
  if (!is_copy && !settings_.committer.is_at_least_once && !may_have_long_units() &&
      record->state != LabelRecord::State::recorded)
    throw Violation("committed without being recorded: " + commit.label.text);
  Target& target = world_.target;
  call<CommitOutcome>([&target, label = commit.label] { return target.commit(label); },
                      [id = commit.call](Committer& to, CommitOutcome outcome, TimePoint now) {
                        to.on_committed(id, outcome, now);
                      });
}

// ---------------------------------------------------------------- the copies

void Process::copy(std::set<std::size_t> const& wanted) {
  if (world_.timeline.now() < round_ends_at_) { // one round at a time
    later(Milliseconds(10), [this, wanted] { copy(wanted); });
    return;
  }
  Lsn const position =
      first_snapshot_.is_set() ? std::exchange(first_snapshot_, Lsn{}) : world_.source.wal_end();
  if (world_.dice.chance(world_.faults.copy_failed)) { // PostgreSQL is lost before the round begins
    for (std::size_t const number : wanted)
      push([id = world_.source.describe(number).id](Committer& to, TimePoint now) {
        to.on_copy_failed(id, {ErrorCode::source_unreachable, Retry::later, "no snapshot", ""},
                          now);
      });
    return;
  }
  std::vector<RelationId> tables;
  std::vector<std::size_t> numbers;
  for (std::size_t const number : wanted) {
    SourceTable const source = world_.source.describe(number);
    copy_sources_[number] = source;
    auto const added = columns_lacking(source, copy_targets_[number], {});
    if (!added.empty()) {
      for (TargetColumn const& column : added)
        copy_targets_[number].columns.push_back(column);
      push([id = source.id, added](Committer& to, TimePoint) { to.on_columns_wanted(id, added); });
      continue;
    }
    tables.push_back(source.id);
    numbers.push_back(number);
  }
  if (tables.empty())
    return;
  world_.trace.say("copy of {} tables at {}", tables.size(), position.value);
  push([tables, position](Committer& to, TimePoint) { to.on_snapshot(tables, position); });
  for (std::size_t const number : numbers)
    copy_table(number, copy_sources_[number], position);
}

void Process::copy_table(std::size_t number, SourceTable const& source, Lsn position) {
  RowEncoder const encoder(plan_for(relation_of(source), source, copy_targets_[number]));
  CopyMachine machine(encoder, {source.id, 0, {}, {}}, position, memory_.get(),
                      {settings_.copy_label_bytes, {}});
  Milliseconds at{0};
  auto const send = [&](Event event) {
    at += some_delay(Milliseconds(30));
    auto shared = std::make_shared<Event>(std::move(event));
    later(at, [this, shared] { push(std::move(*shared)); });
  };
  auto const hand_over = [&] {
    for (Batch& batch : machine.take()) {
      auto const moved = std::make_shared<Batch>(std::move(batch));
      send([id = source.id, moved](Committer& to, TimePoint) {
        to.on_copied_batch(id, std::move(*moved));
      });
    }
  };
  bool const fails = world_.dice.chance(world_.faults.copy_failed);
  for (Cells row : world_.source.rows_at(number, position)) {
    row.resize(source.columns.size());
    std::string line = copy_line(row);
    machine.on_line(line);
    if (machine.is_full())
      hand_over();
    if (fails && world_.dice.chance(0.2))
      break;
  }
  if (fails) {
    send([id = source.id](Committer& to, TimePoint now) {
      to.on_copy_failed(id, {ErrorCode::snapshot_lost, Retry::later, "the copy was cut", ""}, now);
    });
  } else {
    hand_over();
    send([id = source.id](Committer& to, TimePoint) { to.on_copy_read(id); });
  }
  round_ends_at_ = std::max(round_ends_at_, world_.timeline.now() + at + Milliseconds(1));
}

} // namespace walrock::simulation
