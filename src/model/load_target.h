// The calls by which rows get into StarRocks, as values: what is asked and what came of it.
// Implemented by starrocks/, performed by runtime/ on a load thread; no machine calls it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "model/batch.h"
#include "model/kept_rows.h"
#include "model/label.h"
#include "model/lsn.h"
#include "model/progress.h"
#include "model/quarantine.h"
#include "model/refused_row.h"
#include "model/target_table.h"

namespace walrock {

struct LoadOutcome {
  enum class Kind {
    prepared,     // every row arrived and StarRocks counted as many
    rows_refused, // the target cannot take some rows: refusals say which and why
    label_exists, // the label was used before
    busy,         // a limit of the server: the same bytes may be tried again later
    failed,       // the transaction is dead; the bytes may be loaded under a new label
    unreachable,  // no frontend or backend answered; nothing is known about the transaction
    unreadable,   // a field that only the target has cannot be read back: the rows are not complete
    target_broken, // the table is gone or does not fit the columns sent: trying again is useless
  };
  Kind kind = Kind::failed;
  std::uint64_t loaded_rows = 0;
  std::int64_t txn_id = 0;
  std::string message; // StarRocks' words
  // Of rows_refused: how many (0: nobody says), and those that the error log names, or that were
  // searched when it names none.
  std::uint64_t refused_rows = 0;
  std::vector<RefusedRow> refusals;
  std::int64_t refused_at = 0; // microseconds since 2000; 0: not told
  Milliseconds took{0};
};

struct CommitOutcome {
  enum class Kind {
    committed, // durable; visible now or by itself soon (see is_visible)
    aborted,   // StarRocks has thrown the transaction away
    in_doubt,  // no answer, or one that does not tell: ask the label's state
  };
  Kind kind = Kind::in_doubt;
  bool is_visible = false;
  std::string message;
};

// get_load_state; unreachable: nobody answered.
enum class LabelState { unknown, prepare, prepared, committed, visible, aborted, unreachable };

// The answer to ROLLBACK and to statements.
struct CallOutcome {
  enum class Kind { done, refused, unreachable };
  Kind kind = Kind::unreachable;
  std::string message;
};

struct LoadRequest {
  Label label;
  Batch const* batch = nullptr; // outlives the call
};

// A transaction of several tables of one database. It has no prepare: it is loaded and committed in
// one go, with the row that says afterwards whether it was.
struct GroupRequest {
  Label label;
  std::vector<Batch const*> batches; // one per table; they outlive the call
  Batch const* progress = nullptr;   // model/progress.h; loaded last
};

struct GroupOutcome {
  enum class Kind {
    committed, // all of it is visible
    gone,      // nothing of it is, or ever will be
    unsettled, // not known: settle_group() is asked until it is
  };
  Kind kind = Kind::unsettled;
  // Why it is not committed, as far as a load may say it; and whose rows, where StarRocks says so.
  LoadOutcome::Kind cause = LoadOutcome::Kind::unreachable;
  std::optional<std::size_t> culprit; // in GroupRequest::batches
  std::string message;
};

// What became of a transaction of several tables.
struct GroupVerdict {
  enum class Kind { committed, gone, unreachable }; // unreachable: nobody knows yet
  Kind kind = Kind::unreachable;
  std::vector<TableProgressRow> tables; // that it committed
  std::string message;
};

// What is in quarantine of one target.
struct QuarantineOutcome {
  CallOutcome call;
  QuarantinedKeys keys;
};

class LoadTarget {
public:
  virtual ~LoadTarget() = default;
  // begin, load every body, prepare. Rolls back what it began when it does not end prepared (as far
  // as the server can be reached).
  virtual LoadOutcome load(LoadRequest const& request) = 0;
  virtual CommitOutcome commit(Label const& label) = 0;
  // done: the transaction is gone or never was. refused: it is committed and visible. unreachable:
  // ask again, nobody knows or it is committed and not visible yet.
  virtual CallOutcome rollback(Label const& label) = 0;
  virtual LabelState label_state(Label const& label) = 0;
  // begin, every table's bodies, the progress, commit. Rolls back what it began when it does not
  // commit (as far as the server can be reached).
  virtual GroupOutcome load_group(GroupRequest const& request) = 0;
  // Rolls back what is not committed, so that the answer is final.
  virtual GroupVerdict settle_group(Label const& label, std::string const& job_id) = 0;
  virtual CallOutcome truncate(TargetName const& target) = 0;
  // Removes the rows of an append-only table that walrock made whose kLsnColumn is at or beyond
  // `from`. Repeating it is harmless.
  virtual CallOutcome cut(TargetName const& target, Lsn from) = 0;
  // Of rows that are not marked deleted (kDeletedColumn): marks them, with these values. Repeating
  // it is harmless.
  virtual CallOutcome mark_deleted(TargetName const& target,
                                   std::vector<ColumnValue> const& values) = 0;
  // A table like the target, under the twin's name, with the rows that are kept, else empty; one
  // that is there goes away. create_sql: the statement that makes an empty one where it is another
  // design; empty: it is like the target.
  virtual CallOutcome make_twin(TargetName const& target, TargetName const& twin,
                                std::optional<KeptRows> const& kept,
                                std::string const& create_sql) = 0;
  // Exchanges the content of the table with that of its twin in one step, then drops the twin.
  // Repeating it after a crash would undo it: see docs/design/existing-rows.md.
  virtual CallOutcome swap_in(TargetName const& target, TargetName const& twin) = 0;
  // Adds what is missing and waits until the columns can be loaded.
  virtual CallOutcome add_columns(TargetName const& target,
                                  std::vector<TargetColumn> const& columns) = 0;
  virtual QuarantineOutcome read_quarantine(TargetName const& target) = 0;
  // Removes all rows of the target from the quarantine. Repeating it is harmless.
  virtual CallOutcome empty_quarantine(TargetName const& target) = 0;
};

} // namespace walrock
