// The committer's entries, events of stream and copy, and the turn. What the answers of StarRocks
// mean is in answers.cpp, how units are loaded and committed in units.cpp, flushed_lsn in
// acknowledge.cpp, the life of a table in table_sync.cpp.
#include "pipeline/committer.h"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

#include <fmt/format.h>

namespace walrock {

namespace {

bool has_partial_rows(Unit const& unit) {
  return std::any_of(unit.labels.begin(), unit.labels.end(),
                     [](auto const& slot) { return slot->batch.spec.partial_update; });
}

constexpr Milliseconds kLazyWrite(100);        // marks alone may wait this long
constexpr std::size_t kSpooledBody = 16 << 10; // smaller bodies are not worth a place on disk

} // namespace

void Committer::add_table(TableEntry entry, TimePoint now) {
  auto line = std::make_unique<TableLine>();
  line->record = std::move(entry.record);
  line->is_append_only = entry.is_append_only;
  line->has_origin = entry.has_origin;
  line->is_emptied_before_copy = entry.is_emptied_before_copy;
  line->is_known_empty = entry.is_known_empty;
  line->twin = entry.twin;
  line->copy_target = entry.twin.value_or(line->record.target);
  line->twin_columns = std::move(entry.twin_columns);
  line->owed_columns = std::move(entry.owed_columns);
  line->design = std::move(entry.design);
  line->kept = entry.kept;
  line->kept_now = entry.kept_now;
  line->retry_at = now;
  line->quarantine_limit = entry.quarantine_limit;
  TableState const state = line->record.state;
  if (state == TableState::init || state == TableState::copying)
    line->copy_phase = TableLine::CopyPhase::emptying;
  if (line->quarantine_limit && line->is_open()) {
    line->must_read_quarantine = true;
    ++line->generation; // until it is followed the stream may hand over columns, and no position
    line->pin = line->record.applied_lsn;
  }
  lines_[line->record.id] = std::move(line);
}

void Committer::restore(std::vector<LabelRecord> const& labels, Lsn flushed, Lsn logged) {
  flushed_lsn_ = written_flushed_lsn_ = flushed;
  logged_lsn_ = written_logged_lsn_ = logged;
  // The first snapshot may be that of the slot, which is as old: emptying the target takes its
  // time.
  for (auto& [id, line] : lines_)
    if (line->copy_phase == TableLine::CopyPhase::emptying)
      line->pin = flushed;
  // Epoch numbers begin anew in every process: the positions tell the order.
  std::vector<LabelRecord> ordered = labels;
  std::stable_sort(ordered.begin(), ordered.end(), [](LabelRecord const& a, LabelRecord const& b) {
    return std::tie(a.table, a.end_lsn, a.epoch, a.part) <
           std::tie(b.table, b.end_lsn, b.epoch, b.part);
  });
  for (LabelRecord const& record : ordered) {
    TableLine* const line = find(record.table);
    if (line == nullptr) {
      say(log::Level::info,
          fmt::format("label of a table that left the job is rolled back label={}",
                      record.label.text));
      orphans_.push_back({record.label});
      continue;
    }
    if (record.state == LabelRecord::State::intended || !line->is_open()) {
      line->leftovers.push_back({record.label, record.reads_back && line->is_open()});
      // Its commit may have been sent, and StarRocks may have forgotten it since.
      line->must_be_cut |= line->may_double();
      continue;
    }
    if (line->units.empty() || line->units.back().epoch != record.epoch ||
        line->units.back().end_lsn != record.end_lsn) {
      Unit unit;
      unit.epoch = record.epoch;
      unit.after_lsn = line->record.applied_lsn;
      unit.end_lsn = record.end_lsn;
      unit.is_restored = true;
      unit.reads_back = record.reads_back;
      unit.step = Unit::Step::recorded;
      line->units.push_back(std::move(unit));
    }
    auto slot = std::make_unique<LabelSlot>();
    slot->label = record.label;
    slot->part = record.part;
    slot->row_count = record.row_count;
    slot->step = LabelSlot::Step::prepared;
    take_place(*slot);
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
  std::uint32_t ordinal = 0;
  RelationId last;
  for (TableEpoch& from : epoch.tables) {
    if (std::exchange(last, from.table) != from.table)
      ordinal = 0;
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
    unit.deletion_marks = std::move(from.deletion_marks);
    unit.reads_back = from.reads_back;
    unit.needs_record = !settings_.is_at_least_once || from.needs_record;
    std::uint64_t row_count = 0;
    for (std::uint32_t part = 0; part < from.parts.size(); ++part) {
      for (Batch& batch : from.parts[part].batches) {
        auto slot = std::make_unique<LabelSlot>();
        slot->part = part;
        slot->ordinal = ordinal++;
        slot->row_count = batch.row_count;
        row_count += batch.row_count;
        unit.byte_count += batch.byte_count;
        slot->batch = std::move(batch);
        unit.labels.push_back(std::move(slot));
      }
    }
    unit.has_partial_parts = unit.labels.size() > 1 && has_partial_rows(unit);
    WALROCK_ASSERT(row_count == from.counts.sent + from.quarantine_rows,
                   "every row of an epoch is in one of its labels");
    unit.quarantined = std::move(from.quarantined);
    unit.is_together = may_go_together(unit);
    // In pieces: the order of its rows and of a TRUNCATE between them is its own.
    if (!line->units.empty() && line->units.back().epoch == unit.epoch)
      unit.is_together = line->units.back().is_together = false;
    line->units.push_back(std::move(unit));
    if (!line->is_open() || (is_waiting(*line) && line->units.size() > settings_.units_in_flight))
      wait_behind(*line);
  }
}

// What is behind the first units of the table does not begin soon.
bool Committer::is_waiting(TableLine const& line) const {
  return !trouble_of(line).empty() || line.has_statement();
}

// Changes of a table that is still copying wait, the larger bodies on disk, and so do those behind
// what StarRocks does not take just now. What does not fit is read again from the slot when the
// copy is complete, or what is before it applied: one table never stops the others. Where StarRocks
// is away as a whole, the stream waits instead.
void Committer::wait_behind(TableLine& line) {
  spool_unit(line.units.back());
  if (line.is_open() && !line.is_held_up())
    return;
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
  let_go(line);
}

// Of an open table what has begun stays: no more than may be in flight.
void Committer::let_go(TableLine& line) {
  std::size_t const kept =
      line.is_open() ? std::min(settings_.units_in_flight, line.units.size()) : 0;
  Lsn const from = kept == line.units.size() ? line.copy_lsn : line.units[kept].after_lsn;
  line.pin = std::min(line.pin.value_or(from), from);
  line.must_reread = true;
  discard_units(line, kept);
  ++line.generation; // what the stream still hands over is not wanted
}

// What was let go, when all before it is in the target.
void Committer::reread(TableLine& line) {
  line.must_reread = false;
  line.pin = line.record.applied_lsn;
  before_write_.emplace_back(
      FollowFrom{line.record.id, line.record.applied_lsn, ++line.generation, line.quarantined});
}

// Small bodies stay: a place on disk each is not worth it. Performed at the end of the turn, when
// it is known that the unit is still there.
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

void Committer::on_set_aside(RelationId table, ErrorReport const& report, NewDesign const* design) {
  TableLine* const line = find(table);
  if (line == nullptr || line->is_errored())
    return;
  if (design != nullptr)
    make_anew(*line, *design, report.message);
  else if (report.retry == Retry::never)
    set_aside(*line, report.code, report.message, report.advice);
  else
    copy_anew(*line, report.message);
}

void Committer::on_partitions(RelationId table, PartitionTree const& tree) {
  TableLine* const line = find(table);
  if (line == nullptr)
    return;
  line->record.layout = with_partitions(line->record.layout, tree);
  update_.tables.push_back(line->record);
}

void Committer::on_published(RelationId table, Published const& published) {
  TableLine* const line = find(table);
  if (line == nullptr)
    return;
  line->record.layout = with_published(line->record.layout, published);
  update_.tables.push_back(line->record);
}

void Committer::on_shape(RelationId table, SourceShape const& shape) {
  TableLine* const line = find(table);
  if (line == nullptr || line->design)
    return; // that of the design is kept
  line->record.layout = with_shape(line->record.layout, shape);
  line->record.filenode = shape.filenode;
  update_.tables.push_back(line->record);
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
  else if (call.line != nullptr)
    --call.line->open_statements;
  return call;
}

void Committer::finish_turn(TimePoint now, CommitterActions& actions) {
  // A second pass when a label ended behind a line that waited for the budget.
  std::size_t opened_before = 0;
  advance_orphans(now);
  end_settled_doubts();
  do {
    is_starved_ = false;
    opened_before = open_labels_;
    for (auto& [id, line] : lines_)
      if (has_work(*line))
        advance(*line, now);
    advance_group(now);
  } while (is_starved_ && open_labels_ < settings_.label_budget && open_labels_ < opened_before);
  for (auto& [id, line] : lines_)
    for (Unit& unit : line->units)
      if (unit.wants_spool)
        spool_bodies(unit);
  compute_flushed();
  note_load_times(now);
  if (update_.is_empty() && flushed_lsn_ == written_flushed_lsn_ &&
      logged_lsn_ == written_logged_lsn_)
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
    if (logged_lsn_ != written_logged_lsn_)
      update_.logged_lsn = written_logged_lsn_ = logged_lsn_;
    actions.emplace_back(WriteCheckpoint{std::move(update_)});
    update_ = CheckpointUpdate();
    is_urgent_ = false;
    write_due_ = TimePoint::max();
  }
  std::move(after_write_.begin(), after_write_.end(), std::back_inserter(actions));
  after_write_.clear();
}

TableLine* Committer::find(RelationId table) {
  auto const found = lines_.find(table);
  return found == lines_.end() ? nullptr : found->second.get();
}

CallId Committer::call_for(TableLine* line, LabelSlot* slot) {
  calls_[++last_call_] = {line, slot};
  if (line != nullptr && slot == nullptr)
    ++line->open_statements;
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

void Committer::take_place(LabelSlot& slot) {
  if (!std::exchange(slot.has_place, true))
    ++open_labels_;
}

void Committer::give_place_back(LabelSlot& slot) {
  if (std::exchange(slot.has_place, false))
    --open_labels_;
}

bool Committer::has_work(TableLine const& line) const {
  bool const has_units = !line.units.empty() || line.must_be_cut || !line.copy_labels.empty() ||
                         line.copy_phase != TableLine::CopyPhase::none ||
                         line.record.state != TableState::ready || line.must_read_quarantine ||
                         line.must_reread;
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
  consider(line.pause.until);
  return at;
}

TimePoint Committer::next_deadline(TimePoint now) const {
  TimePoint at = write_due_;
  for (TimePoint const when :
       {group_.retry_at, group_.waits_since == TimePoint::max()
                             ? TimePoint::max()
                             : group_.waits_since + settings_.group_patience})
    if (when > now)
      at = std::min(at, when);
  for (Leftover const& orphan : orphans_)
    if (orphan.call == 0)
      at = std::min(at, orphan.retry_at);
  for (auto const& [id, line] : lines_)
    if (has_work(*line))
      at = std::min(at, deadline_of(*line, now));
  return at;
}

bool Committer::is_drained() const {
  return calls_.empty() && group_.step == TableGroup::Step::idle &&
         std::all_of(lines_.begin(), lines_.end(), [this](auto const& entry) {
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
                   line->record.reason, trouble_of(*line), total_of(line->quarantined),
                   line->copy_phase == TableLine::CopyPhase::emptying
                       ? std::optional(line->pause.until)
                       : std::nullopt});
  return out;
}

} // namespace walrock
