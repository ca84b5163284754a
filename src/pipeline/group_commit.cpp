// LOAD and COMMIT across tables: the labels of one epoch as one transaction, so that a reader sees
// all of a source transaction or nothing. What cannot go into it goes by itself, as ever
// (docs/design/transactions-across-tables.md). Part of the Committer.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "pipeline/committer.h"

namespace walrock {

namespace {

bool is_full_csv(Batch const& batch) {
  return batch.spec.format == LoadFormat::csv && !batch.spec.partial_update &&
         !batch.reads_back() && !is_quarantine(batch.spec);
}

std::size_t place_of(TableLine const& line, Unit const& unit) {
  return static_cast<std::size_t>(std::find_if(line.units.begin(), line.units.end(),
                                               [&](Unit const& own) { return &own == &unit; }) -
                                  line.units.begin());
}

Unit* unit_of_epoch(TableLine& line, std::uint64_t epoch) {
  for (Unit& unit : line.units)
    if (unit.is_together && unit.epoch == epoch)
      return &unit;
  return nullptr;
}

// Trying the same rows again is of no use, whoever else is in the transaction.
bool is_of_rows(LoadOutcome::Kind cause) {
  return cause == LoadOutcome::Kind::rows_refused || cause == LoadOutcome::Kind::target_broken;
}

} // namespace

// One label, whose load has one list of columns; no row is counted before the commit, and a body of
// JSON can lose rows in silence.
bool Committer::may_go_together(Unit const& unit) const {
  return settings_.is_across_tables && unit.labels.size() == 1 && !unit.reads_back &&
         unit.deletion_marks.empty() && is_full_csv(unit.labels.front()->batch);
}

void Committer::advance_group(TimePoint now) {
  if (group_.call != 0 || !is_due(group_.retry_at, now))
    return;
  if (group_.step == TableGroup::Step::in_doubt) {
    group_.call = call_for(nullptr, nullptr);
    after_write_.emplace_back(SettleGroup{group_.call, group_.label, settings_.job_id});
  } else if (!is_draining_) {
    gather_group(now);
  }
}

// The oldest epoch that waits, with every table of it that is ready. Others are waited for, but not
// for long: then they go on by themselves until they are as far again.
void Committer::gather_group(TimePoint now) {
  bool const is_patient =
      group_.waits_since == TimePoint::max() || now - group_.waits_since < settings_.group_patience;
  while (auto const epoch = oldest_epoch_together()) {
    std::vector<GroupMember> ready;
    std::vector<Unit*> left;
    bool must_wait = false;
    for (auto& [id, line] : lines_) {
      Unit* const unit = unit_of_epoch(*line, *epoch);
      if (unit == nullptr)
        continue;
      if (may_join(*line, *unit, now))
        ready.push_back({line.get(), unit->labels.front().get()});
      else if (is_patient && may_come(*line, *unit))
        must_wait = true;
      else
        left.push_back(unit);
    }
    if (must_wait) {
      group_.waits_since = std::min(group_.waits_since, now);
      return;
    }
    if (!ready.empty() && !has_room_for_group(ready.front().line->record.target.database))
      return;
    for (Unit* const unit : left)
      unit->is_together = false;
    if (!ready.empty()) {
      begin_group(*epoch, std::move(ready));
      return;
    }
  }
  group_.waits_since = TimePoint::max();
}

bool Committer::has_room_for_group(std::string const& database) {
  if (open_labels_ < settings_.label_budget)
    return !is_held_back(database);
  is_starved_ = true;
  return false;
}

std::optional<std::uint64_t> Committer::oldest_epoch_together() const {
  std::optional<std::uint64_t> oldest;
  for (auto const& [id, line] : lines_)
    for (Unit const& unit : line->units)
      if (unit.is_together && (!oldest || unit.epoch < *oldest))
        oldest = unit.epoch;
  return oldest;
}

bool Committer::may_join(TableLine const& line, Unit const& unit, TimePoint now) const {
  return line.is_open() && may_begin(line) && !line.must_be_cut && &unit == &line.units.front() &&
         unit.step == Unit::Step::waiting && !unit.has_barrier() &&
         is_due(unit.labels.front()->retry_at, now);
}

// It is nearly there; one that was left behind may have no trouble by now.
bool Committer::may_come(TableLine const& line, Unit const& unit) const {
  bool const is_on_its_way =
      (line.trouble.empty() && !line.has_statement()) || line.units.front().is_together;
  return line.is_open() && is_on_its_way && place_of(line, unit) <= settings_.units_in_flight;
}

// The label is durable before it is begun, so that a restart asks what became of it.
void Committer::begin_group(std::uint64_t epoch, std::vector<GroupMember> members) {
  group_.step = TableGroup::Step::loading;
  group_.epoch = epoch;
  group_.members = std::move(members);
  group_.waits_since = TimePoint::max();
  group_.label = make_label({settings_.label_prefix,
                             settings_.job_id,
                             settings_.incarnation,
                             {group_.members.front().line->record.target.database, kProgressTable},
                             fmt::format("g{}", epoch),
                             0,
                             ++group_.attempt});
  group_.call = call_for(nullptr, nullptr);
  ++open_labels_;
  LabelRecord intended;
  intended.label = group_.label;
  intended.table = kSeveralTables;
  intended.epoch = epoch;
  std::vector<TableProgressRow> progress;
  StartGroup start{group_.call, group_.label, {}, &group_.progress};
  for (GroupMember const& member : group_.members) {
    member.slot->step = LabelSlot::Step::loading;
    member.slot->call = group_.call;
    start.batches.push_back(&member.slot->batch);
    progress.push_back({member.line->record.id, member.line->units.front().end_lsn});
    intended.row_count += member.slot->row_count;
    intended.end_lsn = progress.back().end_lsn;
  }
  group_.progress = progress_batch(settings_.job_id, group_.label, progress);
  update_.labels.push_back(std::move(intended));
  is_urgent_ = true;
  after_write_.emplace_back(std::move(start));
}

void Committer::on_group_loaded(CallId id, GroupOutcome const& outcome, TimePoint now) {
  (void)take_call(id);
  group_.call = 0;
  group_.outcome = outcome;
  switch (outcome.kind) {
  case GroupOutcome::Kind::committed: finish_group(); return;
  case GroupOutcome::Kind::gone: take_group_apart(now); return;
  case GroupOutcome::Kind::unsettled:
    group_.step = TableGroup::Step::in_doubt;
    group_.trouble = "the outcome of a transaction is being asked for: " + outcome.message;
    return;
  }
}

void Committer::on_group_settled(CallId id, GroupVerdict const& verdict, TimePoint now) {
  (void)take_call(id);
  group_.call = 0;
  switch (verdict.kind) {
  case GroupVerdict::Kind::committed: finish_group(); return;
  case GroupVerdict::Kind::gone: take_group_apart(now); return;
  case GroupVerdict::Kind::unreachable:
    group_.retry_at = now + group_.backoff.next();
    if (!verdict.message.empty())
      group_.trouble = "the outcome of a transaction is being asked for: " + verdict.message;
    return;
  }
}

// All of its tables are applied in one write, which forgets the label as well: a restart either
// asks for the label, or knows all of it.
void Committer::finish_group() {
  for (GroupMember const& member : end_group()) {
    member.slot->step = LabelSlot::Step::committed;
    member.line->trouble.clear();
    finish_unit(*member.line);
  }
  group_.trouble.clear();
  group_.failure_count = group_.cut_count = 0;
  group_.retry_at = TimePoint{};
  group_.backoff.reset();
}

// Nothing of it is there, nor ever will be: its rows go out again under a new label, without a
// table that stands in the way.
void Committer::take_group_apart(TimePoint now) {
  GroupOutcome const why = std::move(group_.outcome);
  Label const label = group_.label;
  TableLine const* const culprit = why.culprit ? group_.members.at(*why.culprit).line : nullptr;
  bool const counts = why.cause != LoadOutcome::Kind::unreachable;
  // All but the load of one table was answered, many times: it alone may be what is refused.
  bool const is_cut_off =
      !counts && culprit != nullptr && ++group_.cut_count > settings_.failure_limit;
  bool const is_over =
      is_cut_off || (counts && (++group_.failure_count >= settings_.group_attempts ||
                                (culprit != nullptr && is_of_rows(why.cause))));
  for (GroupMember const& member : end_group()) {
    member.slot->step = LabelSlot::Step::fresh;
    if (is_over && (culprit == nullptr || culprit == member.line))
      member.line->units.front().is_together = false;
  }
  group_.retry_at = is_over ? TimePoint{} : now + group_.backoff.next();
  if (is_over)
    group_.failure_count = group_.cut_count = 0;
  if (std::exchange(group_.trouble, why.message) != why.message)
    say(log::Level::warning,
        fmt::format("transaction is tried again label={}{}: {}", label.text,
                    !is_over             ? std::string()
                    : culprit == nullptr ? " table by table"
                                         : " without=" + to_string(culprit->record.source),
                    why.message));
}

// Its label is finished. Those of its members whose rows are still wanted: a table may have been
// set aside meanwhile, or be copied again.
std::vector<GroupMember> Committer::end_group() {
  group_.step = TableGroup::Step::idle;
  --open_labels_;
  forget(group_.label);
  std::vector<GroupMember> members = std::exchange(group_.members, {});
  std::erase_if(members, [this](GroupMember const& member) {
    member.slot->call = 0;
    if (!is_abandoned(*member.line, *member.slot))
      return false;
    std::erase_if(member.line->abandoned,
                  [&](auto const& own) { return own.get() == member.slot; });
    return true;
  });
  return members;
}

// What a person sees that the table waits for.
std::string const& Committer::trouble_of(TableLine const& line) const {
  bool const is_in_group = !line.units.empty() && line.units.front().is_together;
  return line.trouble.empty() && is_in_group ? group_.trouble : line.trouble;
}

CheckpointUpdate apply_verdict(Checkpoint& checkpoint, Label const& label,
                               GroupVerdict const& verdict) {
  CheckpointUpdate update;
  bool const is_committed = verdict.kind == GroupVerdict::Kind::committed;
  if (is_committed && verdict.tables.empty())
    throw Error(ErrorCode::label_in_doubt,
                fmt::format("label {} is committed, and {} does not say of which tables",
                            label.text, kProgressTable));
  for (TableRecord& table : checkpoint.tables) {
    auto const row = std::find_if(verdict.tables.begin(), verdict.tables.end(),
                                  [&](TableProgressRow const& it) { return it.table == table.id; });
    bool const is_copied = table.state == TableState::copied ||
                           table.state == TableState::catching_up ||
                           table.state == TableState::ready;
    if (!is_committed || row == verdict.tables.end() || !is_copied)
      continue; // of a table that is copied again the rows go
    table.applied_lsn = std::max(table.applied_lsn, row->end_lsn);
    update.tables.push_back(table);
  }
  std::erase_if(checkpoint.labels,
                [&](LabelRecord const& record) { return record.label == label; });
  update.finished_labels.push_back(label);
  return update;
}

} // namespace walrock
