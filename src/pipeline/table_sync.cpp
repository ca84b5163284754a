// The life of one table: init -> copying -> copied -> catching_up -> ready; or errored, from
// anywhere, with a reason (invariant 11). Part of the Committer.
#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "model/twin.h"
#include "pipeline/committer.h"

namespace walrock {

namespace {

constexpr Milliseconds kShortestPause(100);
constexpr Milliseconds kLongestPause(10 * 60 * 1000);
constexpr Milliseconds kForgotten(60 * 60 * 1000); // how often a table was copied again

} // namespace

// Nothing for an answer to an earlier request.
TableLine* Committer::asking(CopyRequest const& request) {
  TableLine* const line = find(request.table);
  return line != nullptr && line->copy_number == request.number && !line->has_copy_failed ? line
                                                                                          : nullptr;
}

void Committer::on_snapshot(std::vector<CopyRequest> const& requests, Lsn consistent_lsn) {
  for (CopyRequest const& request : requests) {
    TableLine* const line = asking(request);
    if (line == nullptr || line->copy_phase != TableLine::CopyPhase::waiting)
      continue;
    if (line->pin && consistent_lsn < *line->pin) {
      // What was committed between the two, the stream has let go.
      begin_copy_again(*line);
      continue;
    }
    line->copy_phase = TableLine::CopyPhase::copying;
    line->is_copy_read = false;
    line->copy_lsn = consistent_lsn;
    line->is_quarantine_empty = false;
    line->record.copied_rows = 0;
    change_state(*line, TableState::copying);
    is_urgent_ = true;
    // Everything the snapshot does not hold: commits at or beyond its consistent point.
    before_write_.emplace_back(FollowFrom{request.table, consistent_lsn, ++line->generation});
  }
}

void Committer::on_copied_batch(CopyRequest const& request, Batch batch) {
  TableLine* const line = asking(request);
  if (line != nullptr && line->copy_phase == TableLine::CopyPhase::copying)
    add_copied(*line, std::move(batch));
}

void Committer::add_copied(TableLine& line, Batch batch) {
  if (is_quarantine(batch.spec))
    add_copied_keys(line, batch);
  if (line.is_errored())
    return; // more of them than there may be
  auto slot = std::make_unique<LabelSlot>();
  slot->row_count = batch.row_count;
  slot->batch = std::move(batch);
  slot->ordinal = 0;
  line.copy_labels.push_back(std::move(slot));
}

void Committer::on_copy_read(CopyRequest const& request) {
  if (TableLine* const line = asking(request); line != nullptr)
    line->is_copy_read = true;
}

void Committer::on_copy_failed(CopyRequest const& request, ErrorReport const& report,
                               TimePoint now) {
  if (TableLine* const line = asking(request); line != nullptr)
    fail_copy(*line, report, now);
}

void Committer::fail_copy(TableLine& line, ErrorReport const& report, TimePoint now) {
  if (line.is_errored() || line.copy_phase == TableLine::CopyPhase::none || line.has_copy_failed)
    return;
  if (report.retry == Retry::never) {
    set_aside(line, report.code, report.message, report.advice);
    return;
  }
  line.is_known_empty = false;
  line.wait_because(report.message, false);
  line.retry_at = now + line.backoff.next();
  say(log::Level::warning, fmt::format("copy is begun again table={}: {}",
                                       to_string(line.record.source), report.message));
  begin_copy_again(line);
}

void Committer::on_columns_wanted(RelationId table, std::vector<TargetColumn> columns) {
  TableLine* const line = find(table);
  if (line == nullptr || line->copy_phase == TableLine::CopyPhase::none)
    return;
  std::move(columns.begin(), columns.end(), std::back_inserter(line->owed_columns));
  begin_copy_again(*line);
}

// What the stream does not tell is read from the source. The state is durable before the target is
// emptied: a restart goes on with it.
void Committer::copy_anew(TableLine& line, std::string const& why) {
  say(log::Level::warning,
      fmt::format("table is {} table={}: {}", line.design ? "made anew" : "copied again",
                  to_string(line.record.source), why));
  // A start tells by the reason whether the rows of the target came with a copy. Of a first one
  // that is begun anew they did not.
  if (line.design || line.copy_phase == TableLine::CopyPhase::none || !line.record.reason.empty())
    line.record.reason = (line.design ? kMadeAnewBecause : "copied again because ") + why;
  line.is_known_empty = false;
  if (line.copy_phase != TableLine::CopyPhase::emptying) {
    line.pause.is_due = true;
    line.pin.reset(); // while it waits it holds nothing back
  }
  if (line.copy_phase != TableLine::CopyPhase::none) {
    begin_copy_again(line);
    return;
  }
  end_cut(line);
  line.must_read_quarantine = false;
  line.is_quarantine_empty = false;
  line.trouble.clear();
  line.copy_phase = TableLine::CopyPhase::emptying;
  // Also with existing-rows: keep: what is there by now is what walrock has loaded.
  line.is_emptied_before_copy = true;
  line.copy_target = line.twin.value_or(line.record.target);
  line.kept_now = line.kept;
  forget_changes(line);
  change_state(line, TableState::init);
  is_urgent_ = true;
}

// The rows that are there are shown until the swap.
void Committer::make_anew(TableLine& line, NewDesign const& design, std::string const& why) {
  line.record.layout = with_shape(line.record.layout, design.shape);
  line.record.filenode = design.shape.filenode;
  if (!line.twin)
    line.twin = twin_of(line.record.target, settings_.incarnation);
  NewDesign twin = design;
  twin.target.name = *line.twin;
  line.design = std::make_shared<NewDesign const>(std::move(twin));
  copy_anew(line, why);
  line.copy_target = *line.twin;
  line.is_emptied_before_copy = true;
  // The twin has all that was owed; an answer that comes now is about the one before.
  line.owed_columns.clear();
  line.twin_columns.clear();
  line.truncate_call = 0;
  update_.tables.push_back(line.record);
  is_urgent_ = true;
}

// What came under the old snapshot is forgotten: changes that waited for it are in the next one.
void Committer::begin_copy_again(TableLine& line) {
  line.has_copy_failed = true;
  forget_changes(line);
  if (line.copy_phase == TableLine::CopyPhase::waiting)
    line.copy_phase = TableLine::CopyPhase::emptying;
}

void Committer::forget_changes(TableLine& line) {
  discard_units(line);
  line.must_reread = false;
  ++line.generation;
}

// Neither server is asked for a table without end.
void Committer::begin_pause(TableLine& line, TimePoint now) {
  CopyPause& pause = line.pause;
  if (now - pause.wanted_at > kForgotten)
    pause.count = 0;
  auto const took = std::chrono::duration_cast<Milliseconds>(pause.seen_at - pause.began_at);
  Milliseconds wait(0);
  for (int i = 0; i < pause.count && wait < kLongestPause; ++i)
    wait = i == 0 ? std::max(took, kShortestPause) : wait * 2;
  wait = std::min(wait, kLongestPause);
  pause.is_due = false;
  ++pause.count;
  pause.wanted_at = now;
  pause.until = now + wait;
  if (wait.count() > 0)
    say(log::Level::info, fmt::format("the copy waits table={} ms={} copies={}",
                                      to_string(line.record.source), wait.count(), pause.count));
}

void Committer::advance_copy(TableLine& line, TimePoint now) {
  if (line.pause.is_due)
    begin_pause(line, now);
  if (line.copy_phase == TableLine::CopyPhase::copying) {
    line.pause.seen_at = now;
    std::size_t in_flight = 0;
    for (auto it = line.copy_labels.begin(); it != line.copy_labels.end();) {
      LabelSlot& slot = **it;
      if (slot.step == LabelSlot::Step::committed) {
        line.record.copied_rows += is_quarantine(slot.batch.spec) ? 0 : slot.row_count;
        give_place_back(slot);
        forget(slot.label);
        it = line.copy_labels.erase(it);
        continue;
      }
      if (line.has_copy_failed) {
        discard_slot(line, std::move(*it));
        it = line.copy_labels.erase(it);
        continue;
      }
      if (slot.step == LabelSlot::Step::fresh && slot.retry_at <= now && !is_draining_ &&
          in_flight < settings_.copy_labels_in_flight && line.leftovers.empty() &&
          (slot.has_place || open_labels_ < settings_.label_budget / 2 + 1)) {
        LabelRecord intended;
        intended.label = make_label({settings_.label_prefix, settings_.job_id,
                                     settings_.incarnation, line.copy_target,
                                     fmt::format("c{}", ++line.copy_sequence), 0, slot.attempt});
        intended.table = line.record.id;
        intended.row_count = slot.row_count;
        start_load(line, slot, std::move(intended));
      }
      // A copy is not recorded: a crash empties the table and copies it again.
      commit_slot(line, slot, now);
      in_flight += slot.step == LabelSlot::Step::fresh ? 0 : 1;
      ++it;
    }
    if (line.has_copy_failed) {
      line.copy_phase = TableLine::CopyPhase::emptying;
    } else if (line.is_copy_read && line.copy_labels.empty() && line.swap_call == 0) {
      end_copy(line);
    }
  }
  if (line.copy_phase == TableLine::CopyPhase::emptying)
    empty_target(line, now);
}

// Old labels end first: rows prepared before a TRUNCATE would vanish, or come back after it. So do
// statements, also those of units that were thrown away: a TRUNCATE that comes late would empty the
// copy, a SWAP exchange it.
void Committer::empty_target(TableLine& line, TimePoint now) {
  if (!may_begin(line) || !is_due(line.retry_at, now) || !is_due(line.pause.until, now))
    return;
  if (line.quarantine_limit && !line.is_quarantine_empty) {
    line.quarantine_call = call_for(&line, nullptr);
    after_write_.emplace_back(EmptyQuarantine{line.quarantine_call, line.record.target});
    return;
  }
  bool const must_be_emptied = !line.is_known_empty && line.is_emptied_before_copy;
  if (must_be_emptied && line.copy_target != line.record.target) {
    // A twin may be gone: a swap whose answer was lost has dropped it. It is made like the target,
    // which may lack what was added to the twin.
    line.owed_columns.insert(line.owed_columns.begin(), line.twin_columns.begin(),
                             line.twin_columns.end());
    line.twin_columns.clear();
    if (line.kept && !line.owed_columns.empty()) {
      // Rows go from one to the other: both have them.
      send_owed_columns(line, line.record.target);
      return;
    }
    line.truncate_call = call_for(&line, nullptr);
    after_write_.emplace_back(SendMakeTwin{line.truncate_call, line.record.target, line.copy_target,
                                           line.kept_now, line.design});
    return;
  }
  if (!line.owed_columns.empty()) {
    send_owed_columns(line, line.copy_target);
    return;
  }
  if (must_be_emptied) {
    line.truncate_call = call_for(&line, nullptr);
    after_write_.emplace_back(SendTruncate{line.truncate_call, line.copy_target});
    return;
  }
  line.copy_phase = TableLine::CopyPhase::waiting;
  line.pause.began_at = line.pause.seen_at = now;
  line.has_copy_failed = false;
  if (line.record.state != TableState::init)
    change_state(line, TableState::init);
  forget_changes(line);
  // From here on the stream lets its changes go by; they can be read again from this point.
  line.pin = flushed_lsn_;
  after_write_.emplace_back(NeedCopy{{line.record.id, ++line.copy_number}, line.design});
}

void Committer::send_owed_columns(TableLine& line, TargetName const& to) {
  line.add_call = call_for(&line, nullptr);
  line.adding_columns = std::exchange(line.owed_columns, {});
  line.is_adding_to_twin = to != line.record.target;
  after_write_.emplace_back(SendAddColumns{line.add_call, to, line.adding_columns});
}

// Every row is committed. A copy that went into a twin is swapped in first.
void Committer::end_copy(TableLine& line) {
  if (line.copy_target == line.record.target) {
    finish_copy(line);
    return;
  }
  line.swap_call = call_for(&line, nullptr);
  after_write_.emplace_back(SendSwap{line.swap_call, line.record.target, line.copy_target});
}

void Committer::finish_copy(TableLine& line) {
  line.copy_phase = TableLine::CopyPhase::none;
  line.design.reset();
  line.record.applied_lsn = line.copy_lsn;
  line.record.reason.clear(); // why it was copied again
  line.is_known_empty = false;
  line.kept_now = line.kept;
  line.trouble.clear();
  line.backoff.reset();
  change_state(line, TableState::copied);
  is_urgent_ = true;
  say(log::Level::info, fmt::format("copied table={} rows={}", to_string(line.record.source),
                                    line.record.copied_rows));
  if (line.must_reread)
    reread(line);
  if (!line.units.empty())
    change_state(line, TableState::catching_up);
}

void Committer::advance_leftovers(TableLine& line, TimePoint now) {
  for (Leftover& leftover : line.leftovers) {
    if (leftover.call != 0 || leftover.retry_at > now)
      continue;
    leftover.call = call_for(&line, nullptr);
    after_write_.emplace_back(SendRollback{leftover.call, leftover.label});
  }
}

// Of tables that are not in the job any more: nobody else would end them.
void Committer::advance_orphans(TimePoint now) {
  for (Leftover& orphan : orphans_) {
    if (orphan.call != 0 || !is_due(orphan.retry_at, now))
      continue;
    orphan.call = call_for(nullptr, nullptr);
    after_write_.emplace_back(SendRollback{orphan.call, orphan.label});
  }
}

void Committer::on_rolled_back(CallId id, CallOutcome const& outcome, TimePoint now) {
  TableLine* const of_table = take_call(id).line;
  if (of_table == nullptr) {
    auto const orphan = std::find_if(orphans_.begin(), orphans_.end(),
                                     [id](Leftover const& l) { return l.call == id; });
    orphan->call = 0;
    orphan->retry_at = now + orphan_backoff_.next();
    if (outcome.kind == CallOutcome::Kind::unreachable)
      return;
    forget(orphan->label);
    orphans_.erase(orphan);
    return;
  }
  TableLine& line = *of_table;
  auto const leftover = std::find_if(line.leftovers.begin(), line.leftovers.end(),
                                     [id](Leftover const& l) { return l.call == id; });
  if (leftover == line.leftovers.end())
    return;
  leftover->call = 0;
  if (outcome.kind == CallOutcome::Kind::unreachable) {
    line.wait_because(outcome.message, false);
    leftover->is_in_trouble = true;
    leftover->retry_at = now + line.backoff.next();
    return;
  }
  // refused: it was committed before. A label of a copy, which is emptied next; or of a keyed
  // table, whose rows converge; or rows of an append-only table that come again.
  bool const is_refused = outcome.kind == CallOutcome::Kind::refused;
  bool const is_half_there = is_refused && leftover->cannot_come_again && line.is_open();
  std::string const label = leftover->label.text;
  if (line.may_double() && (is_refused || line.must_be_cut))
    note_committed_beyond(line, leftover->label);
  else
    forget(leftover->label);
  // A load that waits to be tried again has trouble of its own.
  if (leftover->is_in_trouble)
    line.trouble.clear();
  line.leftovers.erase(leftover);
  if (is_half_there)
    copy_anew(line, fmt::format("label {} was committed, and others of its epoch were not", label));
}

void Committer::set_aside(TableLine& line, ErrorCode code, std::string const& message,
                          std::string const& advice) {
  ErrorPolicy const& policy = error_policy(code);
  line.record.reason = fmt::format("{}: {}. {}", policy.word, message,
                                   advice.empty() ? policy.advice : std::string_view(advice));
  discard_units(line);
  while (!line.copy_labels.empty()) {
    auto slot = std::move(line.copy_labels.back());
    line.copy_labels.pop_back();
    discard_slot(line, std::move(slot));
  }
  line.copy_phase = TableLine::CopyPhase::none;
  end_cut(line);
  line.must_read_quarantine = false;
  line.pin.reset();
  line.trouble.clear();
  ++line.generation;
  change_state(line, TableState::errored);
  is_urgent_ = true;
  after_write_.emplace_back(Unfollow{line.record.id});
  say(log::Level::error, fmt::format("table is set aside table={}: {}",
                                     to_string(line.record.source), line.record.reason));
}

// Invariant 4: only this table is read again, from its own applied_lsn, under new labels, after its
// later labels are rolled back.
void Committer::read_again(TableLine& line, std::string const& why, std::vector<RefusedRow> refused,
                           Lsn hand_over_at) {
  say(log::Level::warning,
      fmt::format("table is read again table={} from={}: {}", to_string(line.record.source),
                  to_string(line.record.applied_lsn), why));
  line.pin = line.units.empty() ? line.record.applied_lsn : line.units.front().after_lsn;
  discard_units(line);
  line.must_reread = false;
  ++line.generation;
  if (!line.must_read_quarantine) // else it is followed when that is known
    after_write_.emplace_back(FollowFrom{line.record.id, line.record.applied_lsn, line.generation,
                                         line.quarantined, std::move(refused), hand_over_at});
}

void Committer::note_committed_beyond(TableLine& line, Label const& label) {
  line.must_be_cut = true;
  line.cut_labels.push_back(label);
}

void Committer::end_cut(TableLine& line) {
  line.must_be_cut = false;
  for (Label const& label : std::exchange(line.cut_labels, {}))
    forget(label);
}

// The rows beyond applied_lsn go before they come again: once what was recorded is finished, and
// nothing of the table is open, which would bring them back.
void Committer::cut_target(TableLine& line, TimePoint now) {
  bool const is_finishing = !line.units.empty() && line.units.front().is_restored;
  if (is_finishing || !line.is_open() || !may_begin(line) || line.cut_call != 0 ||
      !is_due(line.retry_at, now))
    return;
  line.cut_call = call_for(&line, nullptr);
  after_write_.emplace_back(SendCut{line.cut_call, line.record.target, line.record.applied_lsn});
}

void Committer::discard_units(TableLine& line, std::size_t kept) {
  while (line.units.size() > kept) {
    auto const next = line.units.begin() + static_cast<std::ptrdiff_t>(kept);
    Unit unit = std::move(*next);
    line.units.erase(next);
    std::move(unit.added_columns.begin(), unit.added_columns.end(),
              std::back_inserter(line.owed_columns));
    for (auto& slot : unit.labels) {
      // Recorded no more: after a crash it must be rolled back, not committed. One that is
      // committed is not forgotten either while its rows are in an append-only table.
      if (unit.step == Unit::Step::recorded &&
          (slot->step != LabelSlot::Step::committed || line.has_origin)) {
        LabelRecord demoted = record_of(line, unit, *slot, LabelRecord::State::recorded);
        demoted.state = LabelRecord::State::intended;
        update_.labels.push_back(std::move(demoted));
        is_urgent_ = true;
      }
      discard_slot(line, std::move(slot));
    }
  }
}

// A slot with a call under way is kept until the answer; every begun label is rolled back after it.
void Committer::discard_slot(TableLine& line, std::unique_ptr<LabelSlot> slot) {
  if (slot->step == LabelSlot::Step::fresh) {
    give_place_back(*slot); // it waits to be tried again
    return;
  }
  if (slot->call != 0) {
    line.abandoned.push_back(std::move(slot));
    return;
  }
  give_place_back(*slot);
  bool const is_commit_sent =
      slot->step != LabelSlot::Step::loading && slot->step != LabelSlot::Step::prepared;
  line.must_be_cut |= is_commit_sent && line.may_double();
  if (slot->step != LabelSlot::Step::committed)
    line.leftovers.push_back({slot->label});
  else if (line.may_double())
    line.cut_labels.push_back(slot->label);
  else
    forget(slot->label);
}

bool Committer::is_abandoned(TableLine const& line, LabelSlot const& slot) const {
  return std::any_of(line.abandoned.begin(), line.abandoned.end(),
                     [&](auto const& own) { return own.get() == &slot; });
}

void Committer::drop_abandoned(TableLine& line, LabelSlot const& slot) {
  auto const found = std::find_if(line.abandoned.begin(), line.abandoned.end(),
                                  [&](auto const& own) { return own.get() == &slot; });
  std::unique_ptr<LabelSlot> own = std::move(*found);
  line.abandoned.erase(found);
  discard_slot(line, std::move(own));
}

void Committer::change_state(TableLine& line, TableState state) {
  line.record.state = state;
  update_.tables.push_back(line.record);
  say(log::Level::info,
      fmt::format("table={} state={}", to_string(line.record.source), to_string(state)));
}

} // namespace walrock
