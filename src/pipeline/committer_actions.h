// What the committer asks its driver to do. The driver performs the actions in order; those with a
// CallId are answered later, on any turn, by the on_... event of the same id.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/log.h"
#include "model/batch.h"
#include "model/checkpoint.h"
#include "model/kept_rows.h"
#include "model/label.h"
#include "model/quarantine.h"
#include "model/refused_row.h"
#include "model/target_table.h"
#include "schema/made_anew.h"

namespace walrock {

using CallId = std::uint64_t;

// Performed before anything behind it: when it returns, the update is durable.
struct WriteCheckpoint {
  CheckpointUpdate update;
};
// begin, load, prepare. The batch stays where it is until the answer.
struct StartLoad {
  CallId call = 0;
  Label label;
  Batch const* batch = nullptr;
};
struct SendCommit {
  CallId call = 0;
  Label label;
};
struct SendRollback {
  CallId call = 0;
  Label label;
};
struct AskLabelState {
  CallId call = 0;
  Label label;
};
// begin, load all, load the progress, commit. The batches stay where they are until the answer.
struct StartGroup {
  CallId call = 0;
  Label label;
  std::vector<Batch const*> batches;
  Batch const* progress = nullptr;
};
struct SettleGroup {
  CallId call = 0;
  Label label;
  std::string job_id;
};
struct SendTruncate {
  CallId call = 0;
  TargetName target;
};
// deletes: soft: a TRUNCATE of the source.
struct SendMarkDeleted {
  CallId call = 0;
  TargetName target;
  std::vector<ColumnValue> values; // of the rows that are not marked yet
};
// Remove the rows of an append-only table that came from transactions at or beyond `from`.
struct SendCut {
  CallId call = 0;
  TargetName target;
  Lsn from;
};
// A twin of the table, in place of one that may be there: empty, or with rows of the table.
struct SendMakeTwin {
  CallId call = 0;
  TargetName target;
  TargetName twin;
  std::optional<KeptRows> kept = {};
  std::shared_ptr<NewDesign const> design = nullptr; // of the twin; without one like the table
};
// The copy in the twin is complete: it takes the place of what the table held before.
struct SendSwap {
  CallId call = 0;
  TargetName target;
  TargetName twin;
};
struct SendAddColumns {
  CallId call = 0;
  TargetName target;
  std::vector<TargetColumn> columns;
};
// Move the bytes of a body that waits for long out of memory; done before the next action.
struct SpoolBody {
  Body* body = nullptr;
};
// A table's n-th request for a copy. What answers it names it: what comes late, when there is a
// newer one, answers nothing.
struct CopyRequest {
  RelationId table;
  std::uint64_t number = 0;
};
// The table is empty and wants a snapshot. design: what it is by now, where it is made anew.
struct NeedCopy {
  CopyRequest request;
  std::shared_ptr<NewDesign const> design = nullptr;
};
// To the stream: hand over the table's transactions with commit_lsn >= from, under this generation;
// read again from the slot if some of them have gone by.
struct FollowFrom {
  RelationId table;
  Lsn from;
  std::uint64_t generation = 0;
  QuarantinedKeys keys = {};            // in quarantine at this position
  std::vector<RefusedRow> refused = {}; // rows that StarRocks will not take
  // An epoch ends here: what was refused must not wait for rows behind it that will be, too.
  Lsn hand_over_at = {};
};
// What is in quarantine of the target; answered by on_quarantine_read.
struct ReadQuarantine {
  CallId call = 0;
  TargetName target;
};
struct EmptyQuarantine {
  CallId call = 0;
  TargetName target;
};
// To the stream: the table is set aside.
struct Unfollow {
  RelationId table;
};
// One line for the log.
struct Say {
  log::Level level = log::Level::info;
  std::string text;
};

using CommitterAction =
    std::variant<WriteCheckpoint, StartLoad, SendCommit, SendRollback, AskLabelState, StartGroup,
                 SettleGroup, SendTruncate, SendMarkDeleted, SendCut, SendMakeTwin, SendSwap,
                 SendAddColumns, ReadQuarantine, EmptyQuarantine, SpoolBody, NeedCopy, FollowFrom,
                 Unfollow, Say>;
using CommitterActions = std::vector<CommitterAction>;

} // namespace walrock
