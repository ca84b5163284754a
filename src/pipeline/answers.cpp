// What StarRocks' answers mean: the bytes of a label are kept until it is prepared, a commit
// without a clear answer is asked about, and what was aborted is read again. Part of the Committer.
#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "pipeline/committer.h"

namespace walrock {

namespace {
constexpr Milliseconds kAskAgain(100);

} // namespace

void Committer::on_loaded(CallId id, LoadOutcome const& outcome, TimePoint now) {
  auto const [line, slot] = take_call(id);
  if (is_abandoned(*line, *slot)) {
    drop_abandoned(*line, *slot);
    return;
  }
  switch (outcome.kind) {
  case LoadOutcome::Kind::prepared:
    WALROCK_ASSERT(outcome.loaded_rows == slot->row_count, "prepared is what has every row sent");
    slot->step = LabelSlot::Step::prepared;
    // Prepared: StarRocks has the rows, the bytes may go (invariant 3).
    slot->batch.bodies.clear();
    line->failure_count = 0;
    line->trouble.clear();
    line->backoff.reset();
    return;
  case LoadOutcome::Kind::unreadable: copy_anew(*line, outcome.message); return;
  case LoadOutcome::Kind::rows_refused: on_rows_refused(*line, *slot, outcome); return;
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
    line.wait_because(outcome.message, outcome.kind != LoadOutcome::Kind::unreachable);
    say(log::Level::warning,
        fmt::format("load is tried again table={} label={}: {}", to_string(line.record.source),
                    slot.label.text, outcome.message));
  }
  if (outcome.kind == LoadOutcome::Kind::label_exists)
    forget(slot.label); // not ours: it is not rolled back either
  else
    line.leftovers.push_back({slot.label});
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
      slot->is_in_doubt = false;
      line->trouble.clear();
      line->backoff.reset();
      return;
    }
    break; // durable, not visible yet: what follows in this table waits
  case CommitOutcome::Kind::aborted: on_aborted(*line, *slot, outcome.message, now); return;
  case CommitOutcome::Kind::in_doubt:
    line->wait_because("the outcome of a commit is being asked for: " + outcome.message, false);
    slot->is_in_doubt = true;
    doubts_.try_emplace(slot->label.database, 0);
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
  if (state != LabelState::unreachable && state != LabelState::prepared)
    slot->is_in_doubt = false; // of one that is prepared the commit may still be under way
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
    if (line->is_append_only && !line->has_origin && !is_copy_label(*line, *slot)) {
      set_aside(*line, ErrorCode::label_in_doubt,
                fmt::format("StarRocks has forgotten label {} whose commit was in doubt",
                            slot->label.text),
                "");
      return;
    }
    if (cannot_come_again(*line, *slot)) {
      copy_anew(*line, fmt::format("StarRocks has forgotten label {} whose commit was in doubt",
                                   slot->label.text));
      return;
    }
    if (line->has_origin && !is_copy_label(*line, *slot))
      note_committed_beyond(*line, slot->label); // perhaps; the rows themselves are looked for
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
    fail_copy(line,
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
  if (line.is_append_only && !line.has_origin && is_half) {
    set_aside(line, ErrorCode::label_in_doubt,
              fmt::format("label {} was aborted when another label of its epoch was sent to commit",
                          slot.label.text),
              "");
    return;
  }
  std::string const reason = fmt::format("label {} was aborted: {}", slot.label.text, why);
  if (is_half && cannot_come_again(line, slot))
    copy_anew(line, reason);
  else
    read_again(line, reason);
}

// Its rows were completed with what the target held before it, or say which of several equal rows
// by their rank there, or leave values to a row that a later label may have deleted: where some of
// them may be committed, they cannot be loaded a second time.
bool Committer::cannot_come_again(TableLine& line, LabelSlot const& slot) {
  Unit const* const unit = unit_of(line, slot); // of a copy there is none
  return unit != nullptr && (unit->reads_back || unit->has_partial_parts);
}

void Committer::on_called(CallId id, CallOutcome const& outcome, TimePoint now) {
  TableLine& line = *take_call(id).line;
  bool const is_truncate_of_copy = line.truncate_call == id;
  bool const is_swap = line.swap_call == id;
  bool const is_cut = line.cut_call == id;
  Unit* const unit =
      !line.units.empty() && line.units.front().call == id ? &line.units.front() : nullptr;
  if (is_truncate_of_copy)
    line.truncate_call = 0;
  if (is_swap)
    line.swap_call = 0;
  if (is_cut)
    line.cut_call = 0;
  bool const is_quarantine = line.quarantine_call == id;
  if (is_quarantine)
    line.quarantine_call = 0;
  bool const is_add_of_copy = line.add_call == id;
  if (is_add_of_copy)
    line.add_call = 0;
  if (unit != nullptr)
    unit->call = 0;
  if (outcome.kind == CallOutcome::Kind::refused) {
    if ((is_truncate_of_copy || is_swap || is_cut || is_add_of_copy || is_quarantine ||
         unit != nullptr) &&
        !line.is_errored())
      set_aside(line, ErrorCode::target_query_failed, outcome.message, "");
    return;
  }
  if (outcome.kind == CallOutcome::Kind::unreachable && is_swap) {
    // Whether it was done is not known, and a second one would undo the first: copied again.
    fail_copy(line, {ErrorCode::target_unreachable, Retry::later, outcome.message, ""}, now);
    return;
  }
  if (outcome.kind == CallOutcome::Kind::unreachable) {
    line.wait_because(outcome.message, false);
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
  if (is_cut)
    end_cut(line);
  if (is_truncate_of_copy)
    line.is_known_empty = true;
  if (is_quarantine) {
    line.is_quarantine_empty = true;
    line.quarantined.clear();
  }
  if (is_add_of_copy) {
    if (line.is_adding_to_twin)
      line.twin_columns.insert(line.twin_columns.end(), line.adding_columns.begin(),
                               line.adding_columns.end());
    line.adding_columns.clear();
  }
  // A copy that was begun again meanwhile is not this one.
  bool const is_copied = line.copy_phase == TableLine::CopyPhase::copying && !line.has_copy_failed;
  if (is_swap && is_copied && !line.is_errored()) {
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

} // namespace walrock
