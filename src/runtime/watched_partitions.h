// What the threads know together of the partitions of every partitioned table: the stream and the
// copy note, the watcher judges.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "pipeline/stream_machine.h"
#include "schema/partition_change.h"

namespace walrock {

class WatchedPartitions {
public:
  // Before the threads run.
  void watch(std::map<RelationId, PartitionedTable> tables) {
    MutexLock const lock(mutex_);
    tables_ = std::move(tables);
  }
  [[nodiscard]] std::vector<RelationId> roots() const {
    MutexLock const lock(mutex_);
    std::vector<RelationId> out;
    for (auto const& [id, table] : tables_)
      out.push_back(id);
    return out;
  }

  void note_truncation(RootTruncated const& truncated) {
    with(truncated.table, [&](PartitionedTable& t) { t.note_truncation(truncated.xid); });
  }
  // Calls back with the table, alone with it: what is known is told to the committer meanwhile, so
  // that it hears in the order in which it became known.
  template <typename Work> void with(RelationId root, Work work) {
    MutexLock const lock(mutex_);
    if (auto const found = tables_.find(root); found != tables_.end())
      work(found->second);
  }

private:
  mutable Mutex mutex_;
  std::map<RelationId, PartitionedTable> tables_ WALROCK_GUARDED_BY(mutex_);
};

} // namespace walrock
