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

std::string twin_name(TargetName const& name, std::uint64_t incarnation) {
  return name.table + "_walrock_copy_" + std::to_string(incarnation);
}

} // namespace

void Process::spool(Body& body) {
  body.spooled = std::make_unique<Spooled>(std::exchange(body.bytes, {}));
  body.charge.resize(0);
}

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

void Process::start() {
  std::uint64_t const incarnation = world_.store.begin_incarnation();
  world_.trace.say("walrock starts, incarnation {}", incarnation);
  memory_ = std::make_unique<MemoryBudget>(settings_.memory);
  settings_.committer.incarnation = incarnation;
  world_.store.fails = nullptr;
  settle_groups();
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
    followed.options = settings_.options[i];
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
  if (!partitioned_.empty())
    later(Milliseconds(3), [this] { watch_step(); });
}

// What the process before has committed of several tables.
void Process::settle_groups() {
  Checkpoint checkpoint = world_.store.read();
  for (LabelRecord const& record : std::vector(checkpoint.labels)) {
    if (record.table != kSeveralTables)
      continue;
    CheckpointUpdate const update =
        apply_verdict(checkpoint, record.label, world_.target.settle_group_silently(record.label));
    maybe_crash("what was committed of several tables is written");
    world_.store.write(update);
  }
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
  first_trees_ = look_at_all();
  maybe_crash("the slot is written");
  world_.store.write(update);
}

TableEntry Process::set_up(std::size_t number, Checkpoint const& checkpoint) {
  SourceTable const source = world_.source.describe(number);
  TargetName const& name = world_.targets[number];
  TableOptions const& options = settings_.options[number];
  TargetTable const wanted = target_table_for(source, name, options);
  TableEntry entry;
  auto const known = std::find_if(checkpoint.tables.begin(), checkpoint.tables.end(),
                                  [&](TableRecord const& r) { return r.id == source.id; });
  bool const is_known = known != checkpoint.tables.end();
  if (is_known)
    entry.record = *known;
  entry.record.id = source.id;
  entry.record.source = source.name;
  entry.record.target = name;
  if (world_.source.is_partitioned(number))
    watch_partitions(number, entry.record);
  entry.is_append_only = entry.has_origin = wanted.model != TableModel::primary;
  if (!entry.is_append_only && !wanted.is_hashed())
    entry.quarantine_limit = settings_.quarantine_limit;
  if (!world_.target.has(name)) {
    world_.target.create(wanted);
    entry.is_known_empty = true;
  } else if (!is_known && world_.target.rows(name).empty()) {
    entry.is_known_empty = true;
  }
  bool const must_copy =
      entry.record.state == TableState::init || entry.record.state == TableState::copying;
  entry.kept = options.kept_rows(entry.is_append_only);
  if (entry.kept && entry.record.state != TableState::errored) {
    bool const is_first = must_copy && entry.record.reason.empty();
    entry.kept_now = is_first ? std::nullopt : entry.kept;
    copy_into_twin(entry, world_.target.describe(name), checkpoint);
    entry.is_known_empty = false;
  } else if (must_copy && settings_.existing_rows == ExistingRows::swap && !entry.is_known_empty) {
    copy_into_twin(entry, wanted, checkpoint);
    world_.target.create(copy_targets_.back());
    entry.twin_columns = columns_lacking(source, world_.target.describe(name), options);
    entry.is_known_empty = true;
  } else {
    copy_targets_.push_back(world_.target.describe(name));
  }
  return entry;
}

void Process::copy_into_twin(TableEntry& entry, TargetTable shape, Checkpoint const& checkpoint) {
  TargetName const& name = entry.record.target;
  for (std::uint64_t before = 1; before < checkpoint.incarnation; ++before)
    world_.target.drop({name.database, twin_name(name, before)});
  shape.name.table = twin_name(name, checkpoint.incarnation);
  entry.twin = shape.name;
  copy_targets_.push_back(std::move(shape));
}

bool Process::is_quiet(Lsn up_to) const {
  if (!is_alive_ || !committer_ || !events_.empty() || next_action_ < actions_.size())
    return false;
  for (TableProgress const& table : committer_->progress())
    if (table.state != TableState::ready && table.state != TableState::errored)
      return false;
  if (!partitioned_.empty() && judged_lsn_ < up_to)
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

} // namespace walrock::simulation
