// What the threads know together of tables whose changes the stream does not tell: the stream and
// the copy note, a watcher on the guardian's thread judges.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "model/names.h"

namespace walrock {

template <typename Known> class WatchedTables {
public:
  // Before the threads run.
  void watch(std::map<RelationId, Known> tables) {
    MutexLock const lock(mutex_);
    tables_ = std::move(tables);
  }
  [[nodiscard]] std::vector<RelationId> ids() const {
    MutexLock const lock(mutex_);
    std::vector<RelationId> out;
    for (auto const& [id, known] : tables_)
      out.push_back(id);
    return out;
  }
  void forget(RelationId id) {
    MutexLock const lock(mutex_);
    tables_.erase(id);
  }
  // Calls back with what is known of the table, alone with it: the committer is told meanwhile, so
  // that it hears in the order in which it became known.
  template <typename Work> void with(RelationId id, Work work) {
    MutexLock const lock(mutex_);
    if (auto const found = tables_.find(id); found != tables_.end())
      work(found->second);
  }

private:
  mutable Mutex mutex_;
  std::map<RelationId, Known> tables_ WALROCK_GUARDED_BY(mutex_);
};

} // namespace walrock
