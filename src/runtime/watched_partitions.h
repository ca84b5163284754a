// The partitions of every partitioned table, as stream and copy note them and the watcher judges
// them.
#pragma once

#include "pipeline/stream_machine.h"
#include "runtime/watched_tables.h"
#include "schema/partition_change.h"

namespace walrock {

class WatchedPartitions : public WatchedTables<PartitionedTable> {
public:
  void note_truncation(RootTruncated const& truncated) {
    with(truncated.table, [&](PartitionedTable& t) { t.note_truncation(truncated.xid); });
  }
};

} // namespace walrock
