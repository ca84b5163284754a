#include "simulation/run.h"

#include <algorithm>
#include <memory>
#include <set>

#include "schema/target_design.h"
#include "simulation/comparison.h"
#include "simulation/process.h"

namespace walrock::simulation {

namespace {

constexpr Milliseconds kPatience(2 * 60 * 60 * 1000); // virtual, for everything to become quiet

class Run {
public:
  explicit Run(std::uint64_t seed) : seed_(seed), dice_(seed), trace_(timeline_) {}

  Outcome run(bool keeps_trace) {
    trace_.keep(keeps_trace);
    Outcome out;
    try {
      play();
      out.is_right = true;
    } catch (Violation const& violation) {
      out.violation = violation.what();
    } catch (std::exception const& error) {
      out.violation = std::string("an exception: ") + error.what();
    }
    if (process_)
      process_->kill();
    if (!out.is_right && target_)
      for (Label const& label : target_->unfinished_labels())
        trace_.say("target: {} is not finished", label.text);
    out.trace = trace_.lines();
    out.crashes = crashes_;
    out.transactions = source_ ? static_cast<int>(source_->transactions().size()) : 0;
    out.has_durable_spool = spool_ != nullptr;
    out.power_cuts = power_cuts_;
    out.spools_lost = world_ ? world_->spools_lost : 0;
    out.spools_missed = spools_missed_;
    out.together = together_;
    out.is_never_apart = is_never_apart_;
    out.copies_again = world_ ? world_->copies_again : 0;
    if (comparison_) {
      out.most_quarantined = comparison_->most_quarantined();
      out.tables_set_aside = static_cast<int>(comparison_->set_aside().size());
      for (auto const& [table, reason] : comparison_->set_aside())
        ++out.set_aside_because[reason.substr(0, reason.find(':'))];
    }
    return out;
  }

private:
  void play();
  void choose();
  void choose_faults();
  void choose_without_key(SourceWishes& wishes);
  void choose_partitions(SourceWishes& wishes);
  void choose_what_stays(SourceWishes& wishes);
  void choose_durable_spool();
  void insert_foreign_row(std::size_t table);
  void start();
  void let_machine_die();
  void write_some();
  void shake();
  void become_well();
  bool wait_until_quiet();
  void note_visible(Label const& label);
  void note_group_visible(LabelRecord const& record);
  void choose_across_tables(SourceWishes& wishes);
  void check_left_behind();

  std::uint64_t const seed_;
  Timeline timeline_;
  Dice dice_;
  Trace trace_;
  std::unique_ptr<Source> source_;
  std::unique_ptr<Target> target_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<SpoolDisk> spool_; // nullptr: no durable spool
  SpoolSizes spool_sizes_;
  int power_cuts_ = 0;
  int spools_missed_ = 0;
  ProcessFaults process_faults_;
  std::unique_ptr<World> world_;
  ProcessSettings settings_;
  std::shared_ptr<Process> process_;
  bool is_well_ = false;
  bool is_start_planned_ = false;
  int transactions_left_ = 0;
  bool is_never_apart_ = false;          // nothing happens for which a table leaves the transaction
  Lsn last_together_;                    // the highest end of such a transaction that is visible
  std::map<RelationId, Lsn> last_alone_; // and of a label of one table that is
  std::uint64_t refused_text_ = 0;
  double column_rate_ = 0.05; // per transaction, where columns are added
  double shakes_ = 0;         // away, restarts of servers: per transaction
  int crashes_ = -1;
  std::set<std::size_t> has_foreign_rows_; // before the first start; existing-rows: truncate
  std::map<std::size_t, KeptRows> kept_;   // chosen, by table
  std::unique_ptr<Comparison> comparison_;
  std::set<std::pair<std::size_t, Lsn>> is_before_truncate_; // units
  int together_ = 0;                   // transactions of several tables that became visible
  std::set<std::size_t> is_disturbed_; // a recorded label ended without its rows, or nobody knows
  std::set<std::size_t> is_truncated_;
};

void Run::choose() {
  SourceWishes wishes;
  int const tables = dice_.between(1, 3);
  for (int i = 0; i < tables; ++i)
    wishes.tables.push_back(dice_.pick(std::vector<TableKind>{
        TableKind::keyed, TableKind::keyed, TableKind::keyed_full, TableKind::append_only}));
  wishes.adds_columns = dice_.chance(0.3);
  wishes.truncates = dice_.chance(0.3);
  wishes.changes_keys_without_big = dice_.chance(0.5);
  settings_.reads_back = dice_.chance(0.2);
  wishes.largest_transaction = dice_.pick(std::vector<int>{1, 4, 10, 30});
  wishes.streamed = dice_.chance(0.4) ? 0.3 : 0;
  transactions_left_ = dice_.between(3, 40);
  choose_faults();

  CommitterSettings& committer = settings_.committer;
  committer.label_prefix = "sim";
  committer.job_id = "job";
  committer.is_at_least_once = dice_.chance(0.25);
  committer.label_budget = dice_.pick(std::vector<std::size_t>{4, 8, 100, 100, 100});
  committer.units_in_flight = dice_.pick(std::vector<std::size_t>{1, 2, 3});
  committer.waiting_limit = dice_.chance(0.2) ? 500 : 4ULL << 30;
  committer.waiting_memory = dice_.chance(0.2) ? 300 : 32ULL << 20;
  committer.failure_limit = 1'000'000;
  committer.commits_in_doubt = dice_.pick(std::vector<std::size_t>{0, 2, 100});
  settings_.stream.freshness = Milliseconds(dice_.pick(std::vector<int>{20, 200, 1000}));
  settings_.stream.epoch_bytes = dice_.pick(std::vector<std::size_t>{100, 1000, 32 << 20});
  settings_.stream.batch_limits.body_bytes = dice_.pick(std::vector<std::size_t>{60, 4 << 20});
  if (dice_.chance(0.3))
    settings_.stream.batch_limits.indexed_keys = 3;
  settings_.memory = dice_.pick(std::vector<std::size_t>{2000, 64 << 10, 1 << 20});
  settings_.uses_streaming = dice_.chance(0.7);
  settings_.copy_label_bytes = dice_.pick(std::vector<std::size_t>{60, 1000});
  settings_.existing_rows = dice_.chance(0.3) ? ExistingRows::swap : ExistingRows::truncate;
  choose_without_key(wishes);
  choose_partitions(wishes);
  choose_across_tables(wishes);
  choose_what_stays(wishes);
  source_ = std::make_unique<Source>(std::move(wishes), dice_, trace_);
  choose_durable_spool();
}

void Run::choose_without_key(SourceWishes& wishes) {
  Dice dice(seed_ ^ 0xA0761D6478BD642F);
  if (!dice.chance(0.3))
    return;
  for (TableKind& kind : wishes.tables)
    if (dice.chance(0.5))
      kind = TableKind::without_key;
}

void Run::choose_partitions(SourceWishes& wishes) {
  Dice dice(seed_ ^ 0xD1B54A32D192ED03);
  if (!dice.chance(0.4))
    return;
  for (std::size_t i = 0; i < wishes.tables.size(); ++i)
    if (has_key(wishes.tables[i]) && dice.chance(0.7))
      wishes.partitioned.insert(i);
  wishes.partition_changes = dice.pick(std::vector<double>{0.06, 0.06, 0.02, 0.005});
  if (dice.chance(0.3)) { // a copy that is begun anew while columns are added to its twin
    wishes.adds_columns = true;
    column_rate_ = 0.3;
  }
  settings_.look_every = Milliseconds(dice.pick(std::vector<int>{20, 150, 600}));
}

void Run::choose_what_stays(SourceWishes& wishes) {
  Dice dice(seed_ ^ 0x8EBC6AF09C88C6E3);
  settings_.options.resize(wishes.tables.size());
  if (!dice.chance(0.4))
    return;
  for (std::size_t i = 0; i < wishes.tables.size(); ++i) {
    TableOptions& options = settings_.options[i];
    int const way = dice.between(0, 3);
    options.history = way == 1;
    if (way == 1 && wishes.tables[i] == TableKind::keyed)
      wishes.sends_big.insert(i); // a version that lacks a value sets the table aside
    if (way >= 2 && has_key(wishes.tables[i]))
      options.deletes = way == 2 ? Deletes::soft : Deletes::ignore;
    bool const is_append_only = way == 1 || wishes.tables[i] == TableKind::append_only;
    if (auto const kept = options.kept_rows(is_append_only))
      kept_[i] = *kept;
    if (options.deletes && dice.chance(0.3))
      has_foreign_rows_.insert(i);
  }
}

// In half of them all tables show the same transactions at any time.
void Run::choose_across_tables(SourceWishes& wishes) {
  Dice dice(seed_ ^ 0x2545F4914F6CDD1D);
  if (!dice.chance(0.35))
    return;
  CommitterSettings& committer = settings_.committer;
  committer.is_across_tables = true;
  committer.is_at_least_once = false;
  committer.group_attempts = dice.pick(std::vector<int>{1, 3, 1'000'000});
  committer.group_patience = Milliseconds(dice.pick(std::vector<int>{0, 100, 5000}));
  while (wishes.tables.size() < 2)
    wishes.tables.push_back(TableKind::keyed);
  is_never_apart_ = dice.chance(0.5) && refused_text_ == 0;
  if (!is_never_apart_)
    return;
  committer.group_attempts = 1'000'000;
  committer.group_patience = Milliseconds(100'000'000);
  committer.waiting_limit = 4ULL << 30;
  committer.waiting_memory = 32ULL << 20;
  settings_.reads_back = false;
  settings_.stream.batch_limits.indexed_keys = TableBatches::Limits().indexed_keys;
  for (TableKind& kind : wishes.tables)
    if (kind != TableKind::append_only)
      kind = TableKind::keyed_full;
  wishes.partitioned.clear();
  wishes.adds_columns = wishes.truncates = wishes.changes_keys_without_big = false;
}

// Of a generator of its own, like the partitions: runs without one are what they would be if there
// were none.
void Run::choose_durable_spool() {
  Dice dice(seed_ ^ 0x9E3779B97F4A7C15);
  if (!dice.chance(0.3))
    return;
  spool_ = std::make_unique<SpoolDisk>(dice_, trace_);
  spool_sizes_.segment_bytes = dice.pick(std::vector<std::uint64_t>{1, 300, 2000, 64 << 20});
  spool_sizes_.record_bytes = dice.pick(std::vector<std::size_t>{1, 100, 256 << 10});
  if (spool_sizes_.segment_bytes <= 300 && dice.chance(0.3))
    spool_sizes_.limit = 1500; // below it there is always a segment that can go
  if (dice.chance(0.4))
    process_faults_.disk_failed = 0.005 * dice.between(1, 10);
}

// Most runs have a few kinds of faults only: what one hides another shows.
void Run::choose_faults() {
  TargetFaults faults;
  auto const some = [this](double most) {
    return dice_.chance(0.4) ? most * 0.1 * dice_.between(1, 10) : 0;
  };
  faults.request_lost = some(0.3);
  faults.request_late = some(0.2);
  faults.answer_lost = some(0.3);
  faults.load_half_done = some(0.3);
  faults.load_failed = some(0.3);
  faults.load_busy = some(0.3);
  faults.statement_lost = some(0.3);
  faults.publish_late = some(0.5);
  faults.prepared_aborted = some(0.1);
  if (dice_.chance(0.2))
    faults.prepared_timeout = Milliseconds(dice_.between(200, 5000));
  faults.prepare_timeout = Milliseconds(dice_.between(2000, 60'000));
  if (dice_.chance(0.2))
    faults.finished_labels = static_cast<std::size_t>(dice_.between(5, 40));
  process_faults_.crash = some(0.03);
  process_faults_.stream_lost = some(0.05);
  process_faults_.copy_failed = some(0.4);
  process_faults_.store_failed = some(0.2);
  process_faults_.slowest_call = Milliseconds(dice_.pick(std::vector<int>{1, 30, 80}));
  shakes_ = some(0.2);
  if (dice_.chance(0.3)) {
    refused_text_ = faults.refused_text = static_cast<std::uint64_t>(dice_.between(3, 200));
    if (dice_.chance(0.7))
      settings_.quarantine_limit = dice_.chance(0.1) ? dice_.between(1, 20) : 1'000'000;
  }
  target_ = std::make_unique<Target>(faults, timeline_, dice_, trace_);
}

void Run::play() {
  choose();
  store_ = std::make_unique<Store>(trace_);
  world_ = std::make_unique<World>(World{timeline_,
                                         dice_,
                                         trace_,
                                         *source_,
                                         *target_,
                                         *store_,
                                         process_faults_,
                                         {},
                                         {},
                                         {},
                                         spool_.get()});
  world_->on_unit_before_truncate = [this](std::size_t table, Lsn end) {
    is_before_truncate_.emplace(table, end);
    is_truncated_.insert(table);
  };
  world_->on_read_again = [this](std::size_t table, bool is_refusal) {
    if (!is_refusal || is_truncated_.contains(table))
      is_disturbed_.insert(table);
  };
  if (settings_.quarantine_limit)
    target_->create(quarantine_table("demo"));
  if (settings_.committer.is_across_tables)
    target_->create(progress_table("demo"));
  for (std::size_t i = 0; i < source_->table_count(); ++i)
    world_->targets.push_back({"demo", "t" + std::to_string(i)});
  comparison_ = std::make_unique<Comparison>(*source_, *target_, *store_, world_->targets,
                                             KeptModel(*source_, *store_, kept_),
                                             settings_.quarantine_limit, refused_text_ > 0);
  target_->on_visible = [this](Label const& label) { note_visible(label); };
  target_->on_gone = [this](Label const& label, bool was_sent) {
    LabelRecord const* const record = store_->find(label);
    if (record != nullptr && record->table != kSeveralTables &&
        (was_sent || record->state == LabelRecord::State::recorded))
      is_disturbed_.insert(record->table.oid - kFirstOid);
  };
  target_->on_truncated = [this](TargetName const& name) {
    for (std::size_t i = 0; i < world_->targets.size(); ++i)
      if (world_->targets[i] == name)
        is_truncated_.insert(i);
  };
  target_->on_swap = [this](TargetName const& name, TargetName const& twin) {
    for (std::size_t i = 0; i < world_->targets.size(); ++i)
      if (world_->targets[i] == name)
        comparison_->note_swap(i, twin);
  };
  for (std::size_t const table : has_foreign_rows_)
    insert_foreign_row(table);
  for (int i = dice_.between(0, 8); i > 0; --i)
    source_->write_transaction();
  start();
  write_some();
  while (transactions_left_ > 0 && timeline_.run_next()) {
    if (!process_->is_alive() && !is_start_planned_) {
      is_start_planned_ = true;
      timeline_.in(Milliseconds(dice_.between(1, 500)), [this] { start(); });
    }
  }
  become_well();
  if (!wait_until_quiet())
    throw Violation("it does not become quiet: " + process_->state());
  comparison_->compare_at_end();
  check_left_behind();
  // Once more from what the checkpoint holds: nothing may change.
  process_->kill();
  start();
  if (!wait_until_quiet())
    throw Violation("it does not become quiet after a last start: " + process_->state());
  comparison_->compare_at_end();
}

void Run::insert_foreign_row(std::size_t table) {
  TargetName const& name = world_->targets[table];
  target_->create(target_table_for(source_->describe(table), name, settings_.options[table]));
  target_->insert_foreign_row(name, {{"id", kForeignId}});
}

// Between a crash and the end of what is loaded once more a table may be ahead of its units: a
// TRUNCATE is repeated, and so is a unit of more labels than may be open, which is not recorded.
void Run::start() {
  is_disturbed_.insert(is_truncated_.begin(), is_truncated_.end());
  for (auto const& [label, record] : store_->labels()) {
    LabelState const state = target_->label_state_silently(label);
    bool const may_come_again = record.table != kSeveralTables;
    if (may_come_again && (state == LabelState::visible || state == LabelState::committed))
      is_disturbed_.insert(record.table.oid - kFirstOid);
  }
  is_start_planned_ = false;
  ++crashes_;
  let_machine_die();
  process_ = std::make_shared<Process>(*world_, settings_);
  try {
    process_->start();
  } catch (Crash const&) {
    process_->kill();
  } catch (Refused const&) {
    trace_.say("walrock refuses to start without its durable spool");
    ++spools_missed_;
    process_->kill();
    start();
  }
}

// What a crash, or somebody, does to the durable spool before the next start.
void Run::let_machine_die() {
  if (!spool_)
    return;
  bool const was_off = !settings_.durable_spool;
  settings_.durable_spool.reset();
  if (was_off || !dice_.chance(0.1))
    settings_.durable_spool = spool_sizes_;
  if (dice_.chance(0.3)) {
    ++power_cuts_;
    spool_->cut_power();
  }
  if (dice_.chance(0.03))
    spool_->lose();
  else if (dice_.chance(0.05))
    spool_->rot();
}

void Run::write_some() {
  if (transactions_left_ <= 0)
    return;
  timeline_.in(Milliseconds(dice_.between(1, 120)), [this] {
    --transactions_left_;
    if (dice_.chance(column_rate_))
      source_->add_column(dice_.below(source_->table_count()));
    source_->write_transaction();
    if (dice_.chance(shakes_))
      shake();
    write_some();
  });
}

void Run::shake() {
  switch (dice_.below(6)) {
  case 0:
    trace_.say("source: crashes");
    source_->crash();
    break;
  case 1: target_->restart_backends(); break;
  case 3: target_->restart_leader(); break;
  case 4: target_->take_backends_for_dead(); break;
  case 2:
    trace_.say("target: is away");
    target_->set_away(true);
    timeline_.in(Milliseconds(dice_.between(10, 4000)), [this] {
      trace_.say("target: is back");
      target_->set_away(false);
    });
    break;
  default:
    if (process_->is_alive()) {
      trace_.say("walrock is killed");
      process_->kill();
    }
  }
}

void Run::become_well() {
  trace_.say("---- all is well from here on");
  is_well_ = true;
  process_faults_ = ProcessFaults{};
  target_->be_well();
  if (!process_->is_alive() && !is_start_planned_)
    start();
}

bool Run::wait_until_quiet() {
  TimePoint const until = timeline_.now() + kPatience;
  while (timeline_.now() < until) {
    if (process_->is_quiet(source_->wal_end()))
      return true;
    if (!timeline_.run_next())
      return false;
  }
  return false;
}

// Exactly once and a whole unit visible: the target is the source as it was at the unit's end.
void Run::note_visible(Label const& label) {
  auto const& seen = store_->seen();
  auto const found = seen.find(label);
  if (found != seen.end() && found->second.table == kSeveralTables) {
    note_group_visible(found->second);
    return;
  }
  if (found != seen.end() && is_never_apart_ && found->second.end_lsn.is_set() &&
      !is_disturbed_.contains(found->second.table.oid - kFirstOid) &&
      store_->tables().at(found->second.table).state == TableState::ready)
    throw Violation("a table goes by itself: " + label.text);
  if (found != seen.end())
    last_alone_[found->second.table] =
        std::max(last_alone_[found->second.table], found->second.end_lsn);
  if (found == seen.end() || found->second.state != LabelRecord::State::recorded ||
      settings_.committer.is_at_least_once)
    return;
  LabelRecord const& record = found->second;
  std::size_t const table = record.table.oid - kFirstOid;
  if (is_disturbed_.contains(table) || is_before_truncate_.contains({table, record.end_lsn}) ||
      source_->changed_silently(table, record.end_lsn) > store_->copied_lsn(record.table))
    return; // the partition watcher has its table copied again
  for (auto const& [other, other_record] : seen) {
    bool const is_of_unit = other_record.table == record.table &&
                            other_record.epoch == record.epoch &&
                            other_record.end_lsn == record.end_lsn &&
                            other_record.state == LabelRecord::State::recorded;
    if (is_of_unit && !(other == label) &&
        target_->label_state_silently(other) != LabelState::visible)
      return;
  }
  comparison_->compare(table, record.end_lsn, "when a unit became visible");
}

// Its tables are what the source was at one moment, and so are those that had nothing in it.
void Run::note_group_visible(LabelRecord const& record) {
  std::map<std::size_t, Lsn> compared;
  for (TableProgressRow const& row : target_->progress_of(record.label))
    compared[row.table.oid - kFirstOid] = row.end_lsn;
  bool const goes_on = record.end_lsn >= last_together_;
  last_together_ = std::max(last_together_, record.end_lsn);
  for (auto const& [id, table] : store_->tables())
    if (is_never_apart_ && goes_on && table.state == TableState::ready &&
        std::max(store_->copied_lsn(id), last_alone_[id]) <= record.end_lsn &&
        table.applied_lsn > store_->copied_lsn(id)) // an epoch read before its end lacks it
      compared[id.oid - kFirstOid] = record.end_lsn;
  for (auto const& [table, position] : compared) {
    RelationId const id{static_cast<Oid>(kFirstOid + table)};
    TableState const state = store_->tables().at(id).state;
    bool const is_there = state == TableState::copied || state == TableState::catching_up ||
                          state == TableState::ready;
    if (is_there && !is_disturbed_.contains(table) &&
        source_->changed_silently(table, position) <= store_->copied_lsn(id))
      comparison_->compare(table, position, "when a transaction became visible");
  }
  ++together_;
}

// Labels that nobody will end, or that the checkpoint keeps for ever.
void Run::check_left_behind() {
  for (int i = 0; i < 2000 && !store_->labels().empty(); ++i)
    if (!timeline_.run_next())
      break;
  for (auto const& [label, record] : store_->labels())
    throw Violation("the checkpoint keeps a label that ended: " + label.text);
}

} // namespace

Outcome run(std::uint64_t seed, bool keeps_trace) {
  return Run(seed).run(keeps_trace);
}

} // namespace walrock::simulation
