#include "pipeline/committer.h"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

#include <fmt/format.h>

namespace walrock {

namespace {

constexpr Milliseconds kLazyWrite(100); // marks alone may wait this long
constexpr Milliseconds kAskAgain(100);
constexpr std::size_t kSpooledBody = 256 << 10; // smaller bodies are not worth a file

bool is_due(TimePoint at, TimePoint now) {
  return at <= now;
}

} // namespace

// ---------------------------------------------------------------- entries and events

void Committer::add_table(TableEntry entry, TimePoint now) {
  auto line = std::make_unique<TableLine>();
  line->record = std::move(entry.record);
  line->is_append_only = entry.is_append_only;
  line->is_emptied_before_copy = entry.is_emptied_before_copy;
  line->is_known_empty = entry.is_known_empty;
  line->copy_target = entry.twin.value_or(line->record.target);
  line->retry_at = now;
  TableState const state = line->record.state;
  if (state == TableState::init || state == TableState::copying)
    line->copy_phase = TableLine::CopyPhase::emptying;
  lines_[line->record.id] = std::move(line);
}

void Committer::restore(std::vector<LabelRecord> const& labels, Lsn flushed) {
  flushed_lsn_ = written_flushed_lsn_ = flushed;
  // Epoch numbers begin anew in every process: the positions tell the order.
  std::vector<LabelRecord> ordered = labels;
  std::stable_sort(ordered.begin(), ordered.end(), [](LabelRecord const& a, LabelRecord const& b) {
    return std::tie(a.table, a.end_lsn, a.epoch, a.part) <
           std::tie(b.table, b.end_lsn, b.epoch, b.part);
  });
  for (LabelRecord const& record : ordered) {
    TableLine* const line = find(record.table);
    if (line == nullptr) {
      say(log::Level::warning,
          fmt::format("label of an unknown table is left to time out label={}", record.label.text));
      continue;
    }
    if (record.state == LabelRecord::State::intended || !line->is_open()) {
      line->leftovers.push_back({record.label});
      continue;
    }
    if (line->units.empty() || line->units.back().epoch != record.epoch ||
        line->units.back().end_lsn != record.end_lsn) {
      Unit unit;
      unit.epoch = record.epoch;
      unit.after_lsn = line->record.applied_lsn;
      unit.end_lsn = record.end_lsn;
      unit.is_restored = true;
      unit.step = Unit::Step::recorded;
      line->units.push_back(std::move(unit));
    }
    auto slot = std::make_unique<LabelSlot>();
    slot->label = record.label;
    slot->part = record.part;
    slot->row_count = record.row_count;
    slot->step = LabelSlot::Step::prepared;
    ++open_labels_;
    line->units.back().labels.push_back(std::move(slot));
  }
  // Until the stream follows it, a table's next change is somewhere above its applied_lsn.
  for (auto& [id, line] : lines_)
    if (line->is_open() && !line->units.empty())
      say(log::Level::info, fmt::format("finishing what was recorded table={} epochs={}",
                                        to_string(line->record.source), line->units.size()));
}

void Committer::on_stream_started(Lsn from) {
  received_lsn_ = from;
}

void Committer::on_epoch(Epoch epoch, TimePoint now) {
  received_lsn_ = epoch.end_lsn;
  if (epoch.tables.empty())
    return;
  handed_over_at_[epoch.number] = now;
  for (TableEpoch& from : epoch.tables) {
    TableLine* const line = find(from.table);
    if (line == nullptr || line->is_errored())
      continue;
    if (from.generation != line->generation) {
      // Its rows come again, but the stream takes these columns for added.
      std::move(from.added_columns.begin(), from.added_columns.end(),
                std::back_inserter(line->owed_columns));
      continue;
    }
    Unit unit;
    unit.epoch = from.epoch;
    unit.after_lsn = from.after_lsn;
    unit.end_lsn = from.end_lsn;
    unit.first_commit_time = from.first_commit_time;
    unit.added_columns = std::move(line->owed_columns);
    line->owed_columns.clear();
    std::move(from.added_columns.begin(), from.added_columns.end(),
              std::back_inserter(unit.added_columns));
    unit.is_truncated = from.is_truncated;
    unit.counts = from.counts;
    unit.needs_record = !settings_.is_at_least_once || from.needs_record;
    std::uint32_t ordinal = 0;
    for (std::uint32_t part = 0; part < from.parts.size(); ++part) {
      for (Batch& batch : from.parts[part].batches) {
        auto slot = std::make_unique<LabelSlot>();
        slot->part = part;
        slot->ordinal = ordinal++;
        slot->row_count = batch.row_count;
        unit.byte_count += batch.byte_count;
        slot->batch = std::move(batch);
        unit.labels.push_back(std::move(slot));
      }
    }
    line->units.push_back(std::move(unit));
    if (!line->is_open())
      wait_for_copy(*line);
    else if (!line->trouble.empty() && line->units.size() > settings_.units_in_flight)
      spool_unit(line->units.back());
  }
}

// Changes of a table that is still copying wait, the larger bodies on disk; what does not fit is
// read again from the slot when the copy is complete.
void Committer::wait_for_copy(TableLine& line) {
  spool_unit(line.units.back());
  std::uint64_t in_memory = 0;
  std::uint64_t everywhere = 0;
  for (auto const& [id, other] : lines_) {
    for (Unit const& unit : other->units) {
      in_memory += unit.memory_bytes;
      everywhere += unit.byte_count;
    }
  }
  if (in_memory <= settings_.waiting_memory && everywhere <= settings_.waiting_limit)
    return;
  line.pin =
      std::min(line.pin.value_or(line.units.front().after_lsn), line.units.front().after_lsn);
  line.must_reread = true;
  discard_units(line);
  ++line.generation; // what the stream still hands over is not wanted
}

// Small bodies stay: a file each is not worth it. Performed at the end of the turn, when it is
// known that the unit is still there.
void Committer::spool_unit(Unit& unit) {
  for (auto& slot : unit.labels)
    for (Body const& body : slot->batch.bodies) {
      bool const is_large = body.bytes.size() >= kSpooledBody;
      unit.wants_spool = unit.wants_spool || is_large;
      unit.memory_bytes += is_large ? 0 : body.bytes.capacity();
    }
}

void Committer::spool_bodies(Unit& unit) {
  unit.wants_spool = false;
  for (auto& slot : unit.labels)
    for (Body& body : slot->batch.bodies)
      if (slot->step == LabelSlot::Step::fresh && body.bytes.size() >= kSpooledBody)
        before_write_.emplace_back(SpoolBody{&body});
}

void Committer::on_followed(RelationId table, std::uint64_t generation) {
  TableLine* const line = find(table);
  if (line != nullptr && generation == line->generation)
    line->pin.reset();
}

void Committer::on_set_aside(RelationId table, ErrorReport const& report) {
  if (TableLine* const line = find(table); line != nullptr && !line->is_errored())
    set_aside(*line, report.code, report.message, report.advice);
}

Lsn Committer::follow_position(RelationId table) const {
  TableLine const& line = *lines_.at(table);
  return line.units.empty() ? line.record.applied_lsn : line.units.back().end_lsn;
}

Committer::Call Committer::take_call(CallId id) {
  auto const found = calls_.find(id);
  WALROCK_ASSERT(found != calls_.end(), "every answer belongs to a call");
  Call const call = found->second;
  calls_.erase(found);
  if (call.slot != nullptr)
    call.slot->call = 0;
  return call;
}

void Committer::on_loaded(CallId id, LoadOutcome const& outcome, TimePoint now) {
  auto const [line, slot] = take_call(id);
  if (is_abandoned(*line, *slot)) {
    drop_abandoned(*line, *slot);
    return;
  }
  switch (outcome.kind) {
  case LoadOutcome::Kind::prepared:
    slot->step = LabelSlot::Step::prepared;
    // Prepared: StarRocks has the rows, the bytes may go (invariant 3).
    slot->batch.bodies.clear();
    line->failure_count = 0;
    line->trouble.clear();
    line->backoff.reset();
    return;
  case LoadOutcome::Kind::rows_refused:
    set_aside(*line, ErrorCode::load_rejected, outcome.message, "");
    return;
  case LoadOutcome::Kind::target_broken:
    set_aside(*line, ErrorCode::target_table_mismatch, outcome.message, "");
    return;
  case LoadOutcome::Kind::label_exists:
  case LoadOutcome::Kind::busy:
  case LoadOutcome::Kind::failed:
  case LoadOutcome::Kind::unreachable: retry_load(*line, *slot, outcome, now); return;
  }
}

// The transaction is dead or unknown: it is rolled back, and the same bytes go out under a new
// label.
void Committer::retry_load(TableLine& line, LabelSlot& slot, LoadOutcome const& outcome,
                           TimePoint now) {
  bool const is_fault = outcome.kind == LoadOutcome::Kind::failed;
  if (is_fault && ++line.failure_count >= settings_.failure_limit) {
    set_aside(line, ErrorCode::load_failed, outcome.message,
              fmt::format("{} loads failed in a row: correct the cause and copy the table again.",
                          line.failure_count));
    return;
  }
  if (line.trouble != outcome.message) {
    line.trouble = outcome.message;
    say(log::Level::warning,
        fmt::format("load is tried again table={} label={}: {}", to_string(line.record.source),
                    slot.label.text, outcome.message));
  }
  if (outcome.kind == LoadOutcome::Kind::label_exists)
    forget(slot.label); // not ours: it is not rolled back either
  else
    line.leftovers.push_back({slot.label});
  close_label(slot);
  slot.step = LabelSlot::Step::fresh;
  ++slot.attempt;
  slot.retry_at = now + line.backoff.next();
}

void Committer::on_committed(CallId id, CommitOutcome const& outcome, TimePoint now) {
  auto const [line, slot] = take_call(id);
  if (is_abandoned(*line, *slot)) {
    drop_abandoned(*line, *slot);
    return;
  }
  switch (outcome.kind) {
  case CommitOutcome::Kind::committed:
    if (outcome.is_visible) {
      slot->step = LabelSlot::Step::committed;
      line->trouble.clear();
      line->backoff.reset();
      return;
    }
    break; // durable, not visible yet: what follows in this table waits
  case CommitOutcome::Kind::aborted: on_aborted(*line, *slot, outcome.message, now); return;
  case CommitOutcome::Kind::in_doubt:
    line->trouble = "the outcome of a commit is being asked for: " + outcome.message;
    break;
  }
  slot->step = LabelSlot::Step::asking;
  slot->retry_at =
      now + (outcome.kind == CommitOutcome::Kind::committed ? Milliseconds(10) : kAskAgain);
}

void Committer::on_label_state(CallId id, LabelState state, TimePoint now) {
  auto const [line, slot] = take_call(id);
  if (is_abandoned(*line, *slot)) {
    drop_abandoned(*line, *slot);
    return;
  }
  switch (state) {
  case LabelState::visible:
    slot->step = LabelSlot::Step::committed;
    line->trouble.clear();
    line->backoff.reset();
    return;
  case LabelState::prepared: // the commit did not arrive
    slot->step = LabelSlot::Step::prepared;
    return;
  case LabelState::aborted: on_aborted(*line, *slot, "StarRocks aborted the label", now); return;
  case LabelState::unknown:
    if (line->is_append_only && !is_copy_label(*line, *slot)) {
      set_aside(*line, ErrorCode::label_in_doubt,
                fmt::format("StarRocks has forgotten label {} whose commit was in doubt",
                            slot->label.text),
                "");
      return;
    }
    on_aborted(*line, *slot, "StarRocks does not know the label any more", now);
    return;
  case LabelState::prepare:
  case LabelState::committed:
  case LabelState::unreachable: slot->retry_at = now + line->backoff.next(); return;
  }
}

// Rows that were prepared are gone: their bytes are not here any more, so the table is read again.
void Committer::on_aborted(TableLine& line, LabelSlot& slot, std::string const& why,
                           TimePoint now) {
  if (is_copy_label(line, slot)) {
    on_copy_failed(line.record.id,
                   {ErrorCode::load_failed, Retry::later,
                    fmt::format("label {} of the copy was aborted: {}", slot.label.text, why), ""},
                   now);
    return;
  }
  Unit const* const unit = unit_of(line, slot);
  bool const is_half =
      std::any_of(unit->labels.begin(), unit->labels.end(), [&](auto const& other) {
        if (other.get() == &slot)
          return false;
        return other->step == LabelSlot::Step::committed ||
               other->step == LabelSlot::Step::committing || other->step == LabelSlot::Step::asking;
      });
  if (line.is_append_only && is_half) {
    set_aside(line, ErrorCode::label_in_doubt,
              fmt::format("label {} was aborted when another label of its epoch was sent to commit",
                          slot.label.text),
              "");
    return;
  }
  read_again(line, fmt::format("label {} was aborted: {}", slot.label.text, why));
}

void Committer::on_called(CallId id, CallOutcome const& outcome, TimePoint now) {
  auto const found = calls_.find(id);
  WALROCK_ASSERT(found != calls_.end(), "every answer belongs to a call");
  TableLine& line = *found->second.line;
  calls_.erase(found);
  bool const is_truncate_of_copy = line.truncate_call == id;
  bool const is_swap = line.swap_call == id;
  Unit* const unit =
      !line.units.empty() && line.units.front().call == id ? &line.units.front() : nullptr;
  if (is_truncate_of_copy)
    line.truncate_call = 0;
  if (is_swap)
    line.swap_call = 0;
  bool const is_add_of_copy = line.add_call == id;
  if (is_add_of_copy)
    line.add_call = 0;
  if (unit != nullptr)
    unit->call = 0;
  if (outcome.kind == CallOutcome::Kind::refused) {
    if ((is_truncate_of_copy || is_swap || is_add_of_copy || unit != nullptr) && !line.is_errored())
      set_aside(line, ErrorCode::target_query_failed, outcome.message, "");
    return;
  }
  if (outcome.kind == CallOutcome::Kind::unreachable && is_swap) {
    // Whether it was done is not known, and a second one would undo the first: copied again.
    on_copy_failed(line.record.id,
                   {ErrorCode::target_unreachable, Retry::later, outcome.message, ""}, now);
    return;
  }
  if (outcome.kind == CallOutcome::Kind::unreachable) {
    line.trouble = outcome.message;
    line.retry_at = now + line.backoff.next();
    if (is_add_of_copy)
      std::move(line.adding_columns.begin(), line.adding_columns.end(),
                std::back_inserter(line.owed_columns));
    if (unit != nullptr)
      unit->step = Unit::Step::waiting;
    return;
  }
  line.trouble.clear();
  line.backoff.reset();
  if (is_truncate_of_copy)
    line.is_known_empty = true;
  if (is_add_of_copy)
    line.adding_columns.clear();
  if (is_swap && !line.is_errored()) {
    line.copy_target = line.record.target;
    finish_copy(line);
  }
  if (unit == nullptr)
    return;
  if (unit->step == Unit::Step::adding_columns)
    unit->added_columns.clear();
  else
    unit->is_truncated = false;
  unit->step = Unit::Step::waiting;
}

// ---------------------------------------------------------------- a turn

void Committer::advance(TableLine& line, TimePoint now) {
  advance_leftovers(line, now);
  if (line.is_errored())
    return;
  if (line.copy_phase != TableLine::CopyPhase::none)
    advance_copy(line, now);
  if (line.is_open())
    advance_units(line, now);
}

void Committer::advance_units(TableLine& line, TimePoint now) {
  std::size_t in_flight = 0;
  for (std::size_t i = 0; i < line.units.size() && in_flight < settings_.units_in_flight; ++i) {
    Unit& unit = line.units[i];
    ++in_flight;
    if (unit.step == Unit::Step::adding_columns || unit.step == Unit::Step::truncating)
      break;
    if (unit.has_barrier()) {
      if (i == 0)
        start_barrier(line, unit, now);
      break;
    }
    if (is_long(line, unit) && i > 0)
      break;
    if (unit.step == Unit::Step::waiting)
      unit.step = Unit::Step::loading;
    if (unit.step == Unit::Step::loading && is_long(line, unit))
      load_long_unit(line, unit, now);
    else if (unit.step == Unit::Step::loading)
      load_unit(line, unit, now);
    if (unit.step == Unit::Step::loading)
      continue; // not prepared yet; the next may load meanwhile
    if (i == 0)
      commit_unit(line, unit, now);
    if (line.is_errored() || line.units.empty())
      return;
    if (i == 0 && is_committed(line.units.front())) {
      finish_unit(line);
      i = static_cast<std::size_t>(-1);
      in_flight = 0;
    }
  }
  if (line.units.empty() && line.record.state != TableState::ready)
    change_state(line, TableState::ready);
}

// A barrier begins when nothing of the table is open, prepared or on its way.
void Committer::start_barrier(TableLine& line, Unit& unit, TimePoint now) {
  if (!line.leftovers.empty() || !line.abandoned.empty() || !is_due(line.retry_at, now) ||
      is_draining_)
    return;
  unit.call = call_for(line, nullptr);
  if (!unit.added_columns.empty()) {
    unit.step = Unit::Step::adding_columns;
    after_write_.emplace_back(SendAddColumns{unit.call, line.record.target, unit.added_columns});
  } else {
    unit.step = Unit::Step::truncating;
    after_write_.emplace_back(SendTruncate{unit.call, line.record.target});
  }
}

void Committer::load_unit(TableLine& line, Unit& unit, TimePoint now) {
  bool is_prepared = true;
  bool const may_begin =
      line.leftovers.empty() && line.abandoned.empty() && !is_draining_ && has_budget(line, unit);
  for (auto& slot : unit.labels) {
    if (slot->step == LabelSlot::Step::fresh && may_begin && is_due(slot->retry_at, now))
      start_load(line, *slot, record_of(line, unit, *slot, LabelRecord::State::intended));
    is_prepared = is_prepared && slot->step == LabelSlot::Step::prepared;
  }
  if (is_prepared && (!unit.needs_record || may_record(line, unit)))
    record_unit(line, unit);
}

// A unit is begun as a whole or not at all, or units that are half prepared would hold the budget
// for ever. What is behind the front of its table leaves half of it to the fronts.
bool Committer::has_budget(TableLine const& line, Unit const& unit) {
  std::size_t fresh = 0;
  for (auto const& slot : unit.labels)
    fresh += slot->step == LabelSlot::Step::fresh ? 1 : 0;
  if (fresh < unit.labels.size())
    return true; // begun before: its retries go on
  std::size_t const budget =
      &unit == &line.units.front() ? settings_.label_budget : settings_.label_budget / 2;
  if (open_labels_ + fresh <= budget)
    return true;
  is_starved_ = true;
  return false;
}

// What is recorded must be all there is up to its end_lsn: a restart reads on behind it.
bool Committer::may_record(TableLine const& line, Unit const& unit) {
  for (Unit const& before : line.units) {
    if (&before == &unit)
      return true;
    if (before.step != Unit::Step::recorded || !before.needs_record)
      return false;
  }
  return false;
}

// More labels than the budget holds at once: part by part, each label committed as it is prepared,
// without a record. A restart replays the whole unit in order, which ends in the same content.
void Committer::load_long_unit(TableLine& line, Unit& unit, TimePoint now) {
  std::uint32_t part = UINT32_MAX;
  for (auto const& slot : unit.labels)
    if (slot->step != LabelSlot::Step::committed)
      part = std::min(part, slot->part);
  for (auto& slot : unit.labels) {
    if (slot->part != part)
      continue;
    bool const may_begin = line.leftovers.empty() && line.abandoned.empty() && !is_draining_;
    if (slot->step == LabelSlot::Step::fresh && may_begin && is_due(slot->retry_at, now)) {
      if (open_labels_ < settings_.label_budget)
        start_load(line, *slot, record_of(line, unit, *slot, LabelRecord::State::intended));
      else
        is_starved_ = true;
    }
    commit_slot(line, *slot, now);
  }
  for (auto& slot : unit.labels) {
    if (slot->step != LabelSlot::Step::committed || slot->is_closed)
      continue;
    close_label(*slot);
    slot->is_closed = true;
  }
  if (part == UINT32_MAX)
    unit.step = Unit::Step::recorded; // all committed
}

bool Committer::is_long(TableLine const& line, Unit const& unit) const {
  return !line.is_append_only && !unit.is_restored &&
         unit.labels.size() > settings_.label_budget / 2;
}

// Invariant 4: beyond this, a restart finishes these labels and does not load their rows again.
void Committer::record_unit(TableLine& line, Unit& unit) {
  unit.step = Unit::Step::recorded;
  if (!unit.needs_record)
    return;
  for (auto const& slot : unit.labels)
    update_.labels.push_back(record_of(line, unit, *slot, LabelRecord::State::recorded));
  is_urgent_ = is_urgent_ || !unit.labels.empty();
}

void Committer::commit_unit(TableLine& line, Unit& unit, TimePoint now) {
  // The part whose turn it is: the first with a label that is not committed.
  std::uint32_t part = 0;
  bool is_found = false;
  for (auto const& slot : unit.labels) {
    if (slot->step == LabelSlot::Step::committed)
      continue;
    part = is_found ? std::min(part, slot->part) : slot->part;
    is_found = true;
  }
  for (auto& slot : unit.labels)
    if (is_found && slot->part == part)
      commit_slot(line, *slot, now);
}

void Committer::commit_slot(TableLine& line, LabelSlot& slot, TimePoint now) {
  if (slot.step == LabelSlot::Step::prepared && is_due(slot.retry_at, now)) {
    slot.step = LabelSlot::Step::committing;
    slot.call = call_for(line, &slot);
    after_write_.emplace_back(SendCommit{slot.call, slot.label});
  } else if (slot.step == LabelSlot::Step::asking && slot.call == 0 && is_due(slot.retry_at, now)) {
    slot.call = call_for(line, &slot);
    after_write_.emplace_back(AskLabelState{slot.call, slot.label});
  }
}

bool Committer::is_committed(Unit const& unit) const {
  return unit.step == Unit::Step::recorded &&
         std::all_of(unit.labels.begin(), unit.labels.end(),
                     [](auto const& slot) { return slot->step == LabelSlot::Step::committed; });
}

void Committer::finish_unit(TableLine& line) {
  Unit& unit = line.units.front();
  for (auto const& slot : unit.labels) {
    if (!slot->is_closed)
      close_label(*slot);
    line.applied_rows += slot->row_count;
    forget(slot->label);
  }
  line.record.applied_lsn = std::max(line.record.applied_lsn, unit.end_lsn);
  update_.tables.push_back(line.record);
  line.units.pop_front();
}

// The intended label is durable before it is begun, so that a restart can roll it back.
void Committer::start_load(TableLine& line, LabelSlot& slot, LabelRecord intended) {
  slot.label = intended.label;
  slot.step = LabelSlot::Step::loading;
  slot.call = call_for(line, &slot);
  ++open_labels_;
  update_.labels.push_back(std::move(intended));
  is_urgent_ = true;
  after_write_.emplace_back(StartLoad{slot.call, slot.label, &slot.batch});
}

LabelRecord Committer::record_of(TableLine const& line, Unit const& unit, LabelSlot const& slot,
                                 LabelRecord::State state) const {
  LabelRecord record;
  record.label = state == LabelRecord::State::recorded
                     ? slot.label
                     : make_label({settings_.label_prefix, settings_.job_id, settings_.incarnation,
                                   line.record.target, std::to_string(unit.epoch), slot.ordinal,
                                   slot.attempt});
  record.table = line.record.id;
  record.epoch = unit.epoch;
  record.part = slot.part;
  record.state = state;
  record.end_lsn = unit.end_lsn;
  record.row_count = slot.row_count;
  return record;
}

void Committer::finish_turn(TimePoint now, CommitterActions& actions) {
  // A second pass when a label ended behind a line that waited for the budget.
  std::size_t opened_before = 0;
  do {
    is_starved_ = false;
    opened_before = open_labels_;
    for (auto& [id, line] : lines_)
      if (has_work(*line))
        advance(*line, now);
  } while (is_starved_ && open_labels_ < settings_.label_budget && open_labels_ < opened_before);
  for (auto& [id, line] : lines_)
    for (Unit& unit : line->units)
      if (unit.wants_spool)
        spool_bodies(unit);
  compute_flushed();
  note_load_times(now);
  if (update_.is_empty() && flushed_lsn_ == written_flushed_lsn_)
    write_due_ = TimePoint::max();
  else if (write_due_ == TimePoint::max())
    write_due_ = now + kLazyWrite;
  for (Say& line : said_)
    actions.emplace_back(std::move(line));
  said_.clear();
  std::move(before_write_.begin(), before_write_.end(), std::back_inserter(actions));
  before_write_.clear();
  if (is_urgent_ || is_due(write_due_, now) || (is_draining_ && write_due_ != TimePoint::max())) {
    update_.flushed_lsn = written_flushed_lsn_ = flushed_lsn_;
    actions.emplace_back(WriteCheckpoint{std::move(update_)});
    update_ = CheckpointUpdate();
    is_urgent_ = false;
    write_due_ = TimePoint::max();
  }
  std::move(after_write_.begin(), after_write_.end(), std::back_inserter(actions));
  after_write_.clear();
}

// ---------------------------------------------------------------- acknowledge

// Invariant 6: the lowest position that a following table still needs. Never goes back.
void Committer::compute_flushed() {
  Lsn bound = received_lsn_;
  for (auto const& [id, line] : lines_) {
    if (line->is_errored())
      continue;
    if (line->pin)
      bound = std::min(bound, *line->pin);
    if (!line->units.empty())
      bound = std::min(bound, line->units.front().after_lsn);
  }
  flushed_lsn_ = std::max(flushed_lsn_, bound);
}

std::int64_t Committer::oldest_commit_time() const {
  std::int64_t oldest = 0;
  for (auto const& [id, line] : lines_)
    if (!line->is_errored() && !line->units.empty() && !line->units.front().is_restored)
      oldest = oldest == 0 ? line->units.front().first_commit_time
                           : std::min(oldest, line->units.front().first_commit_time);
  return oldest;
}

// How long the oldest epochs took from hand-over until nothing of them is left.
void Committer::note_load_times(TimePoint now) {
  if (handed_over_at_.empty())
    return;
  std::uint64_t oldest_open = UINT64_MAX;
  // A table that has trouble of its own does not set the pace of the others.
  for (auto const& [id, line] : lines_)
    if (line->is_open() && line->trouble.empty())
      for (Unit const& unit : line->units)
        if (!unit.is_restored)
          oldest_open = std::min(oldest_open, unit.epoch);
  for (auto it = handed_over_at_.begin(); it != handed_over_at_.end();) {
    if (it->first >= oldest_open) {
      ++it;
      continue;
    }
    auto const took = std::chrono::duration_cast<Milliseconds>(now - it->second);
    load_time_ = load_time_.count() == 0 ? took : (load_time_ * 3 + took) / 4;
    it = handed_over_at_.erase(it);
  }
}

Pace Committer::pace() const {
  return {handed_over_at_.size(), load_time_};
}

// ---------------------------------------------------------------- small parts

TableLine* Committer::find(RelationId table) {
  auto const found = lines_.find(table);
  return found == lines_.end() ? nullptr : found->second.get();
}

CallId Committer::call_for(TableLine& line, LabelSlot* slot) {
  calls_[++last_call_] = {&line, slot};
  return last_call_;
}

Unit* Committer::unit_of(TableLine& line, LabelSlot const& slot) {
  for (Unit& unit : line.units)
    for (auto const& own : unit.labels)
      if (own.get() == &slot)
        return &unit;
  return nullptr;
}

bool Committer::is_copy_label(TableLine const& line, LabelSlot const& slot) const {
  return std::any_of(line.copy_labels.begin(), line.copy_labels.end(),
                     [&](auto const& own) { return own.get() == &slot; });
}

// The label no longer counts against the budget.
void Committer::close_label(LabelSlot const& slot) {
  if (slot.step != LabelSlot::Step::fresh)
    --open_labels_;
}

bool Committer::has_work(TableLine const& line) const {
  bool const has_units = !line.units.empty() || !line.copy_labels.empty() ||
                         line.copy_phase != TableLine::CopyPhase::none ||
                         line.record.state != TableState::ready;
  return !line.leftovers.empty() || (!line.is_errored() && has_units);
}

// The next moment after now at which the line may go on by itself.
TimePoint Committer::deadline_of(TableLine const& line, TimePoint now) const {
  TimePoint at = TimePoint::max();
  auto const consider = [&at, now](TimePoint when) {
    if (when > now)
      at = std::min(at, when);
  };
  for (Leftover const& leftover : line.leftovers)
    if (leftover.call == 0)
      consider(leftover.retry_at);
  for (Unit const& unit : line.units)
    for (auto const& slot : unit.labels)
      if (slot->call == 0)
        consider(slot->retry_at);
  for (auto const& slot : line.copy_labels)
    if (slot->call == 0)
      consider(slot->retry_at);
  consider(line.retry_at);
  return at;
}

TimePoint Committer::next_deadline(TimePoint now) const {
  TimePoint at = write_due_;
  for (auto const& [id, line] : lines_)
    if (has_work(*line))
      at = std::min(at, deadline_of(*line, now));
  return at;
}

bool Committer::is_drained() const {
  return calls_.empty() && std::all_of(lines_.begin(), lines_.end(), [this](auto const& entry) {
           TableLine const& line = *entry.second;
           return line.is_errored() ||
                  std::all_of(line.units.begin(), line.units.end(), [this](Unit const& unit) {
                    return is_draining_ && unit.step != Unit::Step::recorded;
                  });
         });
}

std::vector<TableProgress> Committer::progress() const {
  std::vector<TableProgress> out;
  out.reserve(lines_.size());
  for (auto const& [id, line] : lines_)
    out.push_back({id, line->record.source, line->record.target, line->record.state,
                   line->record.copied_rows, line->applied_rows, line->record.applied_lsn,
                   line->record.reason, line->trouble});
  return out;
}

} // namespace walrock
