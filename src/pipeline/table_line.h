// One table on its way through LOAD and COMMIT: what the committer knows of it. Values without
// behaviour; the rules are in committer.cpp and table_sync.cpp. Lives on the commit thread.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "model/checkpoint.h"
#include "pipeline/committer_actions.h"
#include "pipeline/epoch.h"

namespace walrock {

[[nodiscard]] inline bool is_due(TimePoint at, TimePoint now) {
  return at <= now;
}

// One label and its bytes. The bytes are kept until it is prepared (invariant 3).
struct LabelSlot {
  enum class Step { fresh, loading, prepared, committing, asking, committed };
  Label label;
  Batch batch;
  std::uint32_t part = 0;    // parts commit in order
  std::uint32_t ordinal = 0; // in the label's name: unique within the epoch
  std::uint32_t attempt = 0;
  Step step = Step::fresh;
  std::uint64_t row_count = 0;
  CallId call = 0;          // outstanding
  bool has_place = false;   // in the budget of labels; kept while it waits to be tried again
  bool is_in_doubt = false; // its commit was sent, and nobody says what came of it
  TimePoint retry_at{};
};

// The labels of one table of one epoch: prepared, recorded and committed together.
struct Unit {
  enum class Step { waiting, adding_columns, truncating, loading, recorded };
  std::uint64_t epoch = 0;
  Lsn after_lsn;
  Lsn end_lsn;
  std::int64_t first_commit_time = 0;
  std::vector<TargetColumn> added_columns;
  bool is_truncated = false;
  std::vector<ColumnValue> deletion_marks; // instead of emptying the table
  bool needs_record = true;
  bool is_together = false;        // it waits for the transaction of its epoch, or is in it
  bool reads_back = false;         // its rows are completed when all before it is in the target
  bool has_partial_parts = false;  // rows that keep values, beside other labels
  bool is_restored = false;        // from the checkpoint: its bytes are not here
  std::uint64_t byte_count = 0;    // wherever they are
  std::uint64_t memory_bytes = 0;  // of small bodies that wait in memory
  QuarantinedKeys quarantined;     // whose number of rows there is another after it
  std::vector<RefusedRow> refused; // of its labels: it is read again, with these diverted
  bool wants_spool = false;        // its large bodies leave memory at the end of the turn
  Step step = Step::waiting;
  CallId call = 0; // of a barrier
  TimePoint retry_at{};
  std::vector<std::unique_ptr<LabelSlot>> labels;

  [[nodiscard]] bool has_barrier() const { return is_truncated || !added_columns.empty(); }
};

// A label that must be gone: nothing of the table may be truncated, altered or tried again before.
struct Leftover {
  Label label;
  bool cannot_come_again = false; // LabelRecord::reads_back
  CallId call = 0;
  bool is_in_trouble = false; // the line's trouble is about it
  TimePoint retry_at{};
};

// What is copied again and again waits: not at all, then as long as the copy before took, then
// twice as long, and so on. Forgotten after an hour without.
struct CopyPause {
  bool is_due = false;   // a copy is wanted anew since the last turn
  int count = 0;         // of such copies
  TimePoint wanted_at{}; // the last of them
  TimePoint until{};     // nothing of it begins before
  TimePoint began_at{};  // the last copy that began,
  TimePoint seen_at{};   // and when it was last seen under way
};

struct TableLine {
  enum class CopyPhase {
    none,     // copied, or nothing to copy
    emptying, // old labels end, then the target is emptied
    waiting,  // for a snapshot
    copying,
  };

  TableRecord record;
  bool is_append_only = false;
  bool has_origin = false;
  bool is_emptied_before_copy = true; // not with existing-rows: keep
  bool is_known_empty = false;        // the first copy into a table that has no rows

  CopyPhase copy_phase = CopyPhase::none;
  std::uint64_t copy_number = 0; // of the request that is waited for or answered
  bool has_copy_failed = false;
  bool is_copy_read = false; // every split was handed over
  // Rows of the target that go into the twin: of every later copy, and of the next or present one.
  std::optional<KeptRows> kept;
  std::optional<KeptRows> kept_now;
  std::optional<TargetName> twin; // of existing-rows: swap, and of a later copy
  TargetName copy_target;         // the table itself, or the twin that is swapped in after the copy
  Lsn copy_lsn;
  std::uint64_t copy_sequence = 0;
  CopyPause pause;
  CallId truncate_call = 0;
  CallId swap_call = 0;
  CallId add_call = 0; // of adding_columns, before the copy
  std::vector<TargetColumn> adding_columns;
  bool is_adding_to_twin = false;
  std::vector<TargetColumn> twin_columns;  // that the twin has and the table lacks
  std::shared_ptr<NewDesign const> design; // of the next copy's twin, where it is made anew
  std::vector<std::unique_ptr<LabelSlot>> copy_labels;

  std::deque<Unit> units; // oldest first
  // Of units that were thrown away before their barrier: the stream does not ask for them again.
  std::vector<TargetColumn> owed_columns;
  std::vector<Leftover> leftovers;
  std::vector<std::unique_ptr<LabelSlot>> abandoned; // a call is still under way

  // Append-only: rows beyond applied_lsn are in the target and come again. These labels brought
  // them; the checkpoint keeps them until the rows are removed.
  bool must_be_cut = false;
  CallId cut_call = 0;
  std::vector<Label> cut_labels;

  // With bad-rows: quarantine, as many rows may be there, and what is there at applied_lsn (of a
  // copy, what it has brought so far).
  std::optional<std::size_t> quarantine_limit;
  QuarantinedKeys quarantined;
  bool must_read_quarantine = false; // after a start: it is followed from then on
  bool is_quarantine_empty = false;  // for the copy that comes
  CallId quarantine_call = 0;
  int refusal_count = 0; // loads with refused rows, since something was applied

  // Statements and rollbacks without an answer yet, also those of what was thrown away: one that
  // comes late must not meet what is loaded after it.
  std::size_t open_statements = 0;

  std::uint64_t generation = 0;
  bool must_reread = false; // units that waited were let go
  std::optional<Lsn> pin;   // flushed_lsn may not pass it

  TimePoint retry_at{};
  Backoff backoff{Milliseconds(100), Milliseconds(5000)};
  int failure_count = 0;   // in a row
  std::string trouble;     // what it waits for, in words; empty when all is well
  bool is_refused = false; // it is an answer: of this table alone
  std::uint64_t applied_rows = 0;

  [[nodiscard]] bool is_errored() const { return record.state == TableState::errored; }
  // Rows that are committed beyond applied_lsn would be there twice when they come again: they are
  // cut before. (A copy is emptied as a whole.)
  [[nodiscard]] bool may_double() const { return has_origin && is_open(); }
  void wait_because(std::string why, bool is_an_answer) {
    trouble = std::move(why);
    is_refused = is_an_answer;
  }
  [[nodiscard]] bool has_statement() const {
    return !units.empty() && (units.front().step == Unit::Step::adding_columns ||
                              units.front().step == Unit::Step::truncating);
  }
  // That what is behind its first units does not begin soon is a matter of this table alone.
  [[nodiscard]] bool is_held_up() const {
    return (!trouble.empty() && is_refused) || (trouble.empty() && has_statement());
  }
  // The copy is complete: units may be loaded.
  [[nodiscard]] bool is_open() const { return copy_phase == CopyPhase::none && !is_errored(); }
};

} // namespace walrock
