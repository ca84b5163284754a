#include "simulation/run.h"

#include <algorithm>
#include <memory>
#include <set>

#include <nlohmann/json.hpp>

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
    out.most_quarantined = most_quarantined_;
    out.has_durable_spool = spool_ != nullptr;
    out.power_cuts = power_cuts_;
    out.spools_lost = world_ ? world_->spools_lost : 0;
    out.spools_missed = spools_missed_;
    out.copies_again = world_ ? world_->copies_again : 0;
    out.tables_set_aside = static_cast<int>(set_aside_.size());
    for (auto const& [table, reason] : set_aside_)
      ++out.set_aside_because[reason.substr(0, reason.find(':'))];
    return out;
  }

private:
  void play();
  void choose();
  void choose_faults();
  void choose_without_key(SourceWishes& wishes);
  void choose_partitions(SourceWishes& wishes);
  void choose_durable_spool();
  void start();
  void let_machine_die();
  void write_some();
  void shake();
  void become_well();
  bool wait_until_quiet();
  void note_visible(Label const& label);
  void compare(std::size_t table, Lsn position, char const* when);
  void compare_at_end();
  void check_left_behind();
  [[nodiscard]] std::vector<TargetRow> rows_with_quarantine(std::size_t table);
  [[nodiscard]] std::vector<Cells> target_rows(std::size_t table, std::size_t columns);
  void require_no_doubles(std::size_t table);
  void require_named_row(std::size_t table, std::string const& reason) const;

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
  std::uint64_t refused_text_ = 0;
  double shakes_ = 0; // away, restarts of servers: per transaction
  int crashes_ = -1;
  int most_quarantined_ = 0;           // rows of one table, when it was compared
  std::set<std::size_t> is_disturbed_; // a recorded label ended without its rows, or nobody knows
  std::set<std::size_t> is_truncated_;
  std::map<std::size_t, std::string> set_aside_;
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
  settings_.look_every = Milliseconds(dice.pick(std::vector<int>{20, 150, 600}));
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
                                         spool_.get()});
  world_->on_read_again = [this](std::size_t table, bool is_refusal) {
    if (!is_refusal || is_truncated_.contains(table))
      is_disturbed_.insert(table);
  };
  if (settings_.quarantine_limit)
    target_->create(quarantine_table("demo"));
  for (std::size_t i = 0; i < source_->table_count(); ++i)
    world_->targets.push_back({"demo", "t" + std::to_string(i)});
  target_->on_visible = [this](Label const& label) { note_visible(label); };
  target_->on_gone = [this](Label const& label, bool was_sent) {
    LabelRecord const* const record = store_->find(label);
    if (record != nullptr && (was_sent || record->state == LabelRecord::State::recorded))
      is_disturbed_.insert(record->table.oid - kFirstOid);
  };
  target_->on_truncated = [this](TargetName const& name) {
    for (std::size_t i = 0; i < world_->targets.size(); ++i)
      if (world_->targets[i] == name)
        is_truncated_.insert(i);
  };
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
  compare_at_end();
  check_left_behind();
  // Once more from what the checkpoint holds: nothing may change.
  process_->kill();
  start();
  if (!wait_until_quiet())
    throw Violation("it does not become quiet after a last start: " + process_->state());
  compare_at_end();
}

// Between a crash and the end of what is loaded once more a table may be ahead of its units: a
// TRUNCATE is repeated, and so is a unit of more labels than may be open, which is not recorded.
void Run::start() {
  is_disturbed_.insert(is_truncated_.begin(), is_truncated_.end());
  for (auto const& [label, record] : store_->labels()) {
    LabelState const state = target_->label_state_silently(label);
    if (state == LabelState::visible || state == LabelState::committed)
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
    if (dice_.chance(0.05))
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
  if (found == seen.end() || found->second.state != LabelRecord::State::recorded ||
      settings_.committer.is_at_least_once)
    return;
  LabelRecord const& record = found->second;
  std::size_t const table = record.table.oid - kFirstOid;
  if (is_disturbed_.contains(table) ||
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
  compare(table, record.end_lsn, "when a unit became visible");
}

// The rows of the target; those whose keys are in quarantine as they are there.
std::vector<TargetRow> Run::rows_with_quarantine(std::size_t table) {
  TargetName const& name = world_->targets[table];
  std::vector<TargetRow> rows = target_->rows(name);
  if (!settings_.quarantine_limit)
    return rows;
  std::map<std::pair<std::string, int>, nlohmann::json> kept;
  for (TargetRow const& row : target_->rows({name.database, kQuarantineTable}))
    if (row.at("target_table") == name.table)
      kept[{row.at("key_hash"), std::stoi(row.at("number"))}] =
          nlohmann::json::parse(row.at("row_values"));
  std::map<std::string, TargetRow> by_key;
  for (TargetRow& row : rows)
    if (has_key(source_->kind(table)))
      by_key[row.at("id")] = std::move(row);
  if (!has_key(source_->kind(table)))
    return rows;
  most_quarantined_ = std::max(most_quarantined_, static_cast<int>(kept.size()));
  for (auto const& [place, values] : kept)
    for (auto const& [column, value] : values.items())
      by_key[values.at("id")][column] = value.is_null() ? "\\N" : value.get<std::string>();
  rows.clear();
  for (auto& [key, row] : by_key)
    rows.push_back(std::move(row));
  return rows;
}

std::vector<Cells> Run::target_rows(std::size_t table, std::size_t columns) {
  std::vector<std::string> names;
  for (SourceColumn const& column : source_->describe(table).columns)
    names.push_back(column.name);
  std::vector<Cells> out;
  for (TargetRow const& row : rows_with_quarantine(table)) {
    Cells cells;
    for (std::size_t i = 0; i < columns; ++i) {
      auto const value = row.find(names[i]);
      cells.push_back(value == row.end() || value->second == "\\N" ? Cell() : Cell(value->second));
    }
    out.push_back(std::move(cells));
  }
  std::sort(out.begin(), out.end());
  return out;
}

void Run::compare(std::size_t table, Lsn position, char const* when) {
  std::size_t const columns = source_->columns_at(table, source_->wal_end());
  std::vector<Cells> expected = source_->rows_at(table, position);
  for (Cells& row : expected)
    row.resize(columns);
  std::vector<Cells> const seen = target_rows(table, columns);
  if (seen == expected)
    return;
  auto const text = [](std::vector<Cells> const& rows) {
    std::string out;
    for (Cells const& row : rows) {
      out += "\n    ";
      for (Cell const& cell : row)
        out += cell.value_or("-") + " ";
    }
    return out;
  };
  throw Violation(fmt::format("t{} differs {} at {}:\n  source{}\n  target{}", table, when,
                              position.value, text(expected), text(seen)));
}

void Run::require_no_doubles(std::size_t table) {
  std::set<std::pair<std::string, std::string>> seen;
  for (TargetRow const& row : target_->rows(world_->targets[table]))
    if (!seen.emplace(row.at("_walrock_lsn"), row.at("_walrock_index")).second)
      throw Violation(fmt::format("t{} has a change twice", table));
}

void Run::compare_at_end() {
  std::set<std::string> allowed;
  if (refused_text_ > 0)
    allowed.insert({"load_rejected", "quarantine_full"});
  set_aside_.clear();
  for (auto const& [id, record] : store_->tables()) {
    std::size_t const table = id.oid - kFirstOid;
    if (record.state == TableState::errored) {
      set_aside_[table] = record.reason;
      if (!allowed.contains(record.reason.substr(0, record.reason.find(':'))))
        throw Violation(fmt::format("t{} was set aside: {}", table, record.reason));
      if (record.reason.starts_with("load_rejected"))
        require_named_row(table, record.reason);
      continue;
    }
    compare(table, source_->wal_end(), "at the end");
    if (source_->kind(table) == TableKind::append_only)
      require_no_doubles(table);
  }
}

// A table that stops because of a row says which, by its key, and why.
void Run::require_named_row(std::size_t table, std::string const& reason) const {
  constexpr std::string_view kWhy = "the text ";
  std::size_t const at = reason.find(kWhy);
  std::string const text =
      at == std::string::npos
          ? ""
          : reason.substr(at + kWhy.size(), reason.find(' ', at + kWhy.size()) - at - kWhy.size());
  bool const is_key_named =
      !has_key(source_->kind(table)) || reason.find("rows refused: row id=") != std::string::npos;
  if (!target_->refuses(text) || !is_key_named)
    throw Violation(fmt::format("t{} does not say which row was refused: {}", table, reason));
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
