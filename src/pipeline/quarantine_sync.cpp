// Rows that StarRocks refuses: their table is set aside, or they go to the quarantine and the table
// is read again, knowing more. Part of the Committer.
#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "pipeline/committer.h"
#include "pipeline/quarantine.h"

namespace walrock {

namespace {

constexpr int kMostRefusals = 200; // loads in a row, each of which named rows not known before

// Which rows and why, as far as the error log tells; StarRocks' own words only count them.
std::string reason_of(LoadOutcome const& outcome, std::uint64_t sent) {
  if (outcome.refused_rows == 0 && outcome.refusals.empty())
    return outcome.message;
  std::string const rows = describe_refusals(outcome.refusals, outcome.refused_rows, sent);
  return outcome.refusals.empty() ? rows + ": " + outcome.message : rows;
}

} // namespace

void Committer::on_rows_refused(TableLine& line, LabelSlot& slot, LoadOutcome const& outcome) {
  std::string const reason = reason_of(outcome, slot.row_count);
  std::vector<RefusedRow> known;
  std::copy_if(outcome.refusals.begin(), outcome.refusals.end(), std::back_inserter(known),
               [](RefusedRow const& row) { return row.hash != 0; });
  if (!line.quarantine_limit || line.is_append_only || is_quarantine(slot.batch.spec) ||
      known.empty()) {
    set_aside(line, ErrorCode::load_rejected, reason,
              line.is_append_only
                  ? "StarRocks refused the rows named; change the column's type in the target or "
                    "correct the rows. (Its target only appends: a row without a key cannot be "
                    "kept by bad-rows: quarantine.)"
                  : "");
    return;
  }
  std::uint64_t const refused = std::max<std::uint64_t>(outcome.refused_rows, known.size());
  if (total_of(line.quarantined) + refused > *line.quarantine_limit ||
      ++line.refusal_count > kMostRefusals) {
    set_aside(line, ErrorCode::quarantine_full,
              fmt::format("{}; {} rows are in quarantine, and {} may be (bad-rows-limit)", reason,
                          total_of(line.quarantined), *line.quarantine_limit),
              "");
    return;
  }
  say(log::Level::warning,
      fmt::format("rows go to quarantine table={}: {}", to_string(line.record.source), reason));
  line.leftovers.push_back({slot.label});
  slot.step = LabelSlot::Step::fresh;
  ++slot.attempt;
  if (is_copy_label(line, slot))
    divert_copied(line, slot, known, outcome.refused_at);
  else
    std::move(known.begin(), known.end(), std::back_inserter(unit_of(line, slot)->refused));
}

// What is before it is applied: the table is read again from here, and nothing is there twice.
void Committer::divert_refused(TableLine& line, Unit& unit) {
  std::vector<RefusedRow> refused = std::move(unit.refused);
  std::string const why = fmt::format("{} rows were refused", refused.size());
  read_again(line, why, std::move(refused), unit.end_lsn);
}

// Keys of a copy are unique, and it has no partial rows: the rows are taken out of their batch and
// become a label of their own. What waits for the copy was encoded without knowing of them.
void Committer::divert_copied(TableLine& line, LabelSlot& slot,
                              std::vector<RefusedRow> const& refused, std::int64_t refused_at) {
  Quarantine aside(nullptr, line.record.source, line.record.target, *line.quarantine_limit);
  aside.begin_at(line.quarantined, refused);
  LoadSpec const spec = slot.batch.spec;
  try {
    for (std::string const& bytes : take_rows_out(slot.batch, refused)) {
      EncodedRow shown = read_encoded(spec, bytes);
      RefusedRow const& why = *aside.refusal_of(spec, bytes);
      QuarantinedRow row;
      row.key_json = std::move(shown.key_json);
      row.row_json = std::move(shown.row_json);
      row.column = why.column;
      row.reason = why.reason;
      row.seen_at = refused_at;
      aside.divert(shown.key, true, std::move(row));
    }
  } catch (Error const& error) {
    set_aside(line, error.code(), error.what(), std::string(error.advice()));
    return;
  }
  slot.row_count = slot.batch.row_count;
  if (slot.row_count == 0) {
    give_place_back(slot);
    std::erase_if(line.copy_labels, [&](auto const& own) { return own.get() == &slot; });
  }
  add_copied(line, std::move(*aside.take().batch));
}

void Committer::add_copied_keys(TableLine& line, Batch const& batch) {
  note_quarantined(line, keys_of(batch));
  if (!line.must_reread)
    let_go(line);
  if (total_of(line.quarantined) > *line.quarantine_limit)
    set_aside(line, ErrorCode::quarantine_full,
              fmt::format("more than {} rows of the copy would be in quarantine (bad-rows-limit)",
                          *line.quarantine_limit),
              "");
}

void Committer::note_quarantined(TableLine& line, QuarantinedKeys const& changed) {
  bool const was_empty = line.quarantined.empty();
  for (auto const& [key, count] : changed) {
    line.quarantined[key] = count;
    if (count == 0)
      line.quarantined.erase(key);
  }
  if (was_empty && !line.quarantined.empty())
    say(log::Level::warning,
        fmt::format("rows are in quarantine table={} rows={}: its target is not exact until they "
                    "are released",
                    to_string(line.record.source), total_of(line.quarantined)));
}

// After a start: nothing of the table is open any more, and what was recorded is committed.
void Committer::read_quarantine(TableLine& line, TimePoint now) {
  if (!line.is_open() || !line.units.empty() || !may_begin(line) || line.quarantine_call != 0 ||
      !is_due(line.retry_at, now))
    return;
  line.quarantine_call = call_for(&line, nullptr);
  after_write_.emplace_back(ReadQuarantine{line.quarantine_call, line.record.target});
}

void Committer::on_quarantine_read(CallId id, QuarantineOutcome const& outcome, TimePoint now) {
  TableLine& line = *take_call(id).line;
  line.quarantine_call = 0;
  if (!line.must_read_quarantine)
    return; // set aside meanwhile
  switch (outcome.call.kind) {
  case CallOutcome::Kind::refused:
    set_aside(line, ErrorCode::target_query_failed, outcome.call.message, "");
    return;
  case CallOutcome::Kind::unreachable:
    line.wait_because(outcome.call.message, false);
    line.retry_at = now + line.backoff.next();
    return;
  case CallOutcome::Kind::done: break;
  }
  line.trouble.clear();
  line.backoff.reset();
  line.must_read_quarantine = false;
  note_quarantined(line, outcome.keys);
  line.pin = line.record.applied_lsn;
  after_write_.emplace_back(
      FollowFrom{line.record.id, line.record.applied_lsn, ++line.generation, line.quarantined});
}

} // namespace walrock
