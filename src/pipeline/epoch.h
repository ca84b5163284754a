// What the stream hands to the committer: an epoch, table by table. Values; passing is moving.
#pragma once

#include <cstdint>
#include <vector>

#include "model/batch.h"
#include "model/change.h"
#include "model/lsn.h"
#include "model/names.h"
#include "model/quarantine.h"
#include "model/target_table.h"

namespace walrock {

// The labels of one table in one epoch in which a key occurs in one label only: their order does
// not matter. Parts are committed in order.
struct Part {
  std::vector<Batch> batches; // one label each
};

// Invariant 9: changes = sent + dropped + quarantined (a key change counts as two; a partial row
// that is folded into the full row of its key is sent as another full row; the release of a key is
// no change, nor is an update of a row without a key that leaves it as it was; with deletes: ignore
// a delete is dropped).
struct RowCounts {
  std::uint64_t changes = 0;
  std::uint64_t sent = 0;
  std::uint64_t dropped = 0; // by a later TRUNCATE, or as `deletes` says
  std::uint64_t quarantined = 0;
};

// The changes of one table between two transaction boundaries: the unit of prepare, record, commit.
// With deletes: soft a table may be in an epoch several times, in a row: each TRUNCATE with rows
// before it begins another, and all but the last end where they began.
struct TableEpoch {
  RelationId table;
  std::uint64_t generation = 0; // of FollowFrom; the committer drops what an older one brought
  std::uint64_t epoch = 0;
  Lsn after_lsn; // end of the epoch before: everything below it was handed over earlier
  Lsn end_lsn;   // applied_lsn of the table once all of this is committed
  PgTimestamp first_commit_time = 0; // of the oldest transaction in it
  // Steps before the first part; both are barriers.
  std::vector<TargetColumn> added_columns;
  bool is_truncated = false;
  // With deletes: soft the rows that are there get these values instead.
  std::vector<ColumnValue> deletion_marks;
  std::vector<Part> parts;
  RowCounts counts;
  // What the last part changes in the quarantine: its rows, and the keys whose number of rows is
  // another after it (0: none is left).
  std::uint64_t quarantine_rows = 0;
  QuarantinedKeys quarantined;
  // Fields of its rows are read back from the target, when all before it is there.
  bool reads_back = false;
  // At-least-once may not replay it: a partial update or a TRUNCATE does not converge.
  bool needs_record = false;
};

// A stretch of the stream between two transaction boundaries. Without tables: nothing of ours was
// written up to end_lsn.
struct Epoch {
  std::uint64_t number = 0;
  Lsn end_lsn;
  std::vector<TableEpoch> tables;
};

} // namespace walrock
