// What the threads know together of how the publication sends each table: the copy notes, the
// watcher judges.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "model/lsn.h"
#include "model/published.h"

namespace walrock {

struct WatchedTable {
  TableName name;
  Published known; // what the target was filled with, or is
  Lsn lsn{};       // looks from before it say nothing: those of before the copy's snapshot
};

class WatchedPublication {
public:
  // Before the threads run.
  void watch(std::map<RelationId, WatchedTable> tables) {
    MutexLock const lock(mutex_);
    tables_ = std::move(tables);
  }
  [[nodiscard]] std::vector<RelationId> tables() const {
    MutexLock const lock(mutex_);
    std::vector<RelationId> out;
    for (auto const& [id, table] : tables_)
      out.push_back(id);
    return out;
  }
  void forget(RelationId id) {
    MutexLock const lock(mutex_);
    tables_.erase(id);
  }
  // Calls back with the table, alone with it: what is known is told to the committer meanwhile, so
  // that it hears in the order in which it became known.
  template <typename Work> void with(RelationId id, Work work) {
    MutexLock const lock(mutex_);
    if (auto const found = tables_.find(id); found != tables_.end())
      work(found->second);
  }

private:
  mutable Mutex mutex_;
  std::map<RelationId, WatchedTable> tables_ WALROCK_GUARDED_BY(mutex_);
};

} // namespace walrock
