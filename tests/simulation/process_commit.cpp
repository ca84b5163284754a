// The commit thread, as CommitThread drives it. Part of Process.
#include "simulation/process.h"

namespace walrock::simulation {

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
    bool const is_first = copies_wanted_.empty();
    copies_wanted_[number_of(needed->request.table)] = needed->request;
    if (is_first)
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
  } else if (auto const* group = std::get_if<StartGroup>(&action)) {
    start_group(*group);
  } else if (auto const* settle = std::get_if<SettleGroup>(&action)) {
    call<GroupVerdict>([&target, label = settle->label] { return target.settle_group(label); },
                       [id = settle->call](Committer& to, GroupVerdict verdict, TimePoint now) {
                         to.on_group_settled(id, verdict, now);
                       });
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
    call<CallOutcome>([this, &target, name = make->target, twin = make->twin,
                       kept = make->kept] { return target.make_twin(name, twin, kept, is_alive_); },
                      told(make->call));
  } else if (auto const* mark = std::get_if<SendMarkDeleted>(&action)) {
    call<CallOutcome>([&target, name = mark->target,
                       values = mark->values] { return target.mark_deleted(name, values); },
                      told(mark->call));
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
  struct Unread { // of a body
    std::vector<FieldReference> references;
    bool has_ranked_rows = false;
  };
  std::vector<Unread> unread;
  for (Body const& body : load.batch->bodies) {
    sent.bodies.push_back(body.spooled ? body.spooled->read() : body.bytes);
    unread.push_back({body.references, body.has_ranked_rows});
  }
  if (sent.spec.format != LoadFormat::csv)
    throw Violation("a value of the simulation that CSV cannot say");
  call<LoadOutcome>(
      [this, sent = std::move(sent), unread = std::move(unread)] {
        SentLoad filled = sent;
        for (std::size_t i = 0; i < unread.size(); ++i)
          if (!world_.target.fill(filled.spec, filled.bodies[i], unread[i].references) ||
              (unread[i].has_ranked_rows && !world_.target.place(filled.spec, filled.bodies[i]))) {
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

// Loaded, and then committed by the same thread, if the program lives until then.
void Process::start_group(StartGroup const& group) {
  LabelRecord const* const record = world_.store.find(group.label);
  if (record == nullptr || record->table != kSeveralTables)
    throw Violation("begun without being intended: " + group.label.text);
  std::vector<Batch const*> batches = group.batches;
  batches.push_back(group.progress);
  std::vector<SentLoad> loads;
  for (Batch const* const batch : batches) {
    SentLoad& sent = loads.emplace_back(SentLoad{group.label, batch->spec, {}, batch->row_count});
    for (Body const& body : batch->bodies)
      sent.bodies.push_back(body.spooled ? body.spooled->read() : body.bytes);
  }
  maybe_crash("a transaction of several tables is begun");
  Milliseconds const there = some_delay(world_.faults.slowest_call);
  Milliseconds const meanwhile = some_delay(world_.faults.slowest_call);
  Milliseconds const back = some_delay(world_.faults.slowest_call);
  auto const tell = [back, id = group.call](Process& self, GroupOutcome outcome) {
    self.later(back, [&self, id, outcome = std::move(outcome)] {
      self.push(
          [id, outcome](Committer& to, TimePoint now) { to.on_group_loaded(id, outcome, now); });
    });
  };
  world_.timeline.in(there, [self = shared_from_this(), label = group.label, meanwhile, tell,
                             loads = std::move(loads)] {
    if (auto failed = self->world_.target.load_group(label, loads, self->is_alive_)) {
      tell(*self, *failed);
      return;
    }
    self->later(Milliseconds(0), [&self = *self, label, meanwhile, tell] {
      self.maybe_crash("a transaction of several tables is committed");
      self.world_.timeline.in(meanwhile, [self = self.shared_from_this(), label, tell] {
        tell(*self, self->world_.target.commit_group(label));
      });
    });
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

} // namespace walrock::simulation
