// The partitions of every partitioned table, as stream and copy note them and the watcher judges
// them.
#pragma once

#include "pipeline/stream_machine.h"
#include "runtime/watched_tables.h"
#include "schema/partition_change.h"

namespace walrock {

// Of a change that is not none.
[[nodiscard]] inline ErrorReport report_of(PartitionChange const& change) {
  if (change.kind == PartitionChange::Kind::refused)
    return {change.code, Retry::never, change.reason, change.advice};
  return {ErrorCode::copy_needed, Retry::later, change.reason, ""};
}

class WatchedPartitions : public WatchedTables<PartitionedTable> {
public:
  void note_truncation(RootTruncated const& truncated) {
    with(truncated.table, [&](PartitionedTable& t) { t.note_truncation(truncated.xid); });
  }
};

} // namespace walrock
