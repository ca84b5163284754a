// LOAD and COMMIT of units: barrier, begin, prepare, record, commit part by part. Part of the
// Committer.
#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "pipeline/committer.h"

namespace walrock {

void Committer::advance(TableLine& line, TimePoint now) {
  advance_leftovers(line, now);
  if (line.is_errored())
    return;
  if (line.copy_phase != TableLine::CopyPhase::none)
    advance_copy(line, now);
  if (line.is_open())
    advance_units(line, now);
  if (line.must_be_cut)
    cut_target(line, now);
  if (line.must_read_quarantine)
    read_quarantine(line, now);
}

void Committer::advance_units(TableLine& line, TimePoint now) {
  std::size_t in_flight = 0;
  for (std::size_t i = 0; i < line.units.size() && in_flight < settings_.units_in_flight; ++i) {
    Unit& unit = line.units[i];
    ++in_flight;
    if (line.must_be_cut && !unit.is_restored)
      break;
    if (!unit.refused.empty()) {
      if (i == 0)
        divert_refused(line, unit);
      break; // what is before it ends as ever; what is behind it is read again as well
    }
    if (unit.step == Unit::Step::adding_columns || unit.step == Unit::Step::truncating)
      break;
    if (unit.has_barrier()) {
      if (i == 0)
        start_barrier(line, unit, now);
      break;
    }
    if (unit.is_together)
      break; // group_commit.cpp
    if ((is_long(line, unit) || unit.reads_back) && i > 0)
      break;
    if (is_long(line, unit) && unit.reads_back) {
      // Without a record a restart would read back what is half replaced.
      copy_anew(line, fmt::format("an epoch with changes of keys needs {} labels at once",
                                  unit.labels.size()));
      return;
    }
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
  if (line.units.empty() && line.must_reread)
    reread(line);
  if (line.units.empty() && line.record.state != TableState::ready)
    change_state(line, TableState::ready);
}

// Nothing of the table is being rolled back or on its way, and we are not stopping.
bool Committer::may_begin(TableLine const& line) const {
  return line.leftovers.empty() && line.abandoned.empty() && line.open_statements == 0 &&
         !is_draining_;
}

// A barrier begins when nothing of the table is open, prepared or on its way.
void Committer::start_barrier(TableLine& line, Unit& unit, TimePoint now) {
  if (!may_begin(line) || !is_due(line.retry_at, now))
    return;
  unit.call = call_for(&line, nullptr);
  if (!unit.added_columns.empty()) {
    unit.step = Unit::Step::adding_columns;
    after_write_.emplace_back(SendAddColumns{unit.call, line.record.target, unit.added_columns});
  } else {
    unit.step = Unit::Step::truncating;
    if (unit.deletion_marks.empty())
      after_write_.emplace_back(SendTruncate{unit.call, line.record.target});
    else
      after_write_.emplace_back(
          SendMarkDeleted{unit.call, line.record.target, unit.deletion_marks});
  }
}

void Committer::load_unit(TableLine& line, Unit& unit, TimePoint now) {
  bool is_prepared = true;
  bool const may_load = may_begin(line) && has_budget(line, unit);
  for (auto& slot : unit.labels) {
    if (slot->step == LabelSlot::Step::fresh && may_load && is_due(slot->retry_at, now))
      start_load(line, *slot, record_of(line, unit, *slot, LabelRecord::State::intended));
    is_prepared = is_prepared && slot->step == LabelSlot::Step::prepared;
  }
  if (is_prepared && (!unit.needs_record || may_record(line, unit)))
    record_unit(line, unit);
}

// A unit is begun as a whole or not at all, or units that are half prepared would hold the budget
// for ever. What is behind the front of its table leaves half of it to the fronts.
bool Committer::has_budget(TableLine const& line, Unit const& unit) {
  bool const is_begun = std::any_of(unit.labels.begin(), unit.labels.end(),
                                    [](auto const& slot) { return slot->has_place; });
  if (is_begun || unit.labels.empty())
    return true;
  bool const is_front = &unit == &line.units.front();
  std::size_t const budget = is_front ? settings_.label_budget : settings_.label_budget / 2;
  // What does not fit beside all that may stand behind fronts begins as well: load_long_unit() is
  // not for append-only tables.
  if (open_labels_ + unit.labels.size() <= budget ||
      (is_front && unit.labels.size() > settings_.label_budget / 2))
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
    if (slot->step == LabelSlot::Step::fresh && may_begin(line) && is_due(slot->retry_at, now)) {
      if (slot->has_place || open_labels_ < settings_.label_budget)
        start_load(line, *slot, record_of(line, unit, *slot, LabelRecord::State::intended));
      else
        is_starved_ = true;
    }
    commit_slot(line, *slot, now);
  }
  for (auto& slot : unit.labels)
    if (slot->step == LabelSlot::Step::committed)
      give_place_back(*slot);
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
  if (slot.step == LabelSlot::Step::prepared && is_due(slot.retry_at, now) &&
      (slot.is_in_doubt || !is_held_back(slot.label.database))) {
    slot.step = LabelSlot::Step::committing;
    slot.call = call_for(&line, &slot);
    after_write_.emplace_back(SendCommit{slot.call, slot.label});
  } else if (slot.step == LabelSlot::Step::asking && slot.call == 0 && is_due(slot.retry_at, now)) {
    slot.call = call_for(&line, &slot);
    after_write_.emplace_back(AskLabelState{slot.call, slot.label});
  }
}

// StarRocks remembers a number of finished labels per database: one in doubt must not be pushed
// out.
void Committer::end_settled_doubts() {
  if (doubts_.empty())
    return;
  std::set<std::string> in_doubt;
  auto const look = [&](LabelSlot const& slot) {
    if (slot.is_in_doubt)
      in_doubt.insert(slot.label.database);
  };
  for (auto const& [id, line] : lines_) {
    for (Unit const& unit : line->units)
      for (auto const& slot : unit.labels)
        look(*slot);
    for (auto const& slot : line->copy_labels)
      look(*slot);
  }
  std::erase_if(doubts_, [&](auto const& doubt) { return !in_doubt.contains(doubt.first); });
}

bool Committer::is_held_back(std::string const& database) {
  auto const doubt = doubts_.find(database);
  return doubt != doubts_.end() && ++doubt->second > settings_.commits_in_doubt;
}

bool Committer::is_committed(Unit const& unit) const {
  return unit.step == Unit::Step::recorded &&
         std::all_of(unit.labels.begin(), unit.labels.end(),
                     [](auto const& slot) { return slot->step == LabelSlot::Step::committed; });
}

void Committer::finish_unit(TableLine& line) {
  Unit& unit = line.units.front();
  for (auto const& slot : unit.labels) {
    give_place_back(*slot);
    line.applied_rows += is_quarantine(slot->batch.spec) ? 0 : slot->row_count;
    if (!unit.is_together)
      forget(slot->label);
  }
  note_quarantined(line, unit.quarantined);
  line.refusal_count = 0;
  line.record.applied_lsn = std::max(line.record.applied_lsn, unit.end_lsn);
  update_.tables.push_back(line.record);
  line.units.pop_front();
}

// The intended label is durable before it is begun, so that a restart can roll it back.
void Committer::start_load(TableLine& line, LabelSlot& slot, LabelRecord intended) {
  slot.label = intended.label;
  slot.step = LabelSlot::Step::loading;
  slot.call = call_for(&line, &slot);
  take_place(slot);
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
  record.reads_back = unit.reads_back || unit.has_partial_parts;
  return record;
}

} // namespace walrock
